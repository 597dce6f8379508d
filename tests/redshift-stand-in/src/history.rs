//! The logs behind SYS_QUERY_HISTORY and its like: statements, calls, messages of procedures and sessions, written in the
//! background so that no statement waits.
//!
//! A statement that ends at once is written once; one that runs for longer than [`SHOWN_AFTER`] can be seen while it runs.
//!
//! Invariant: a statement's text and error are kept, and what RAISE said, as Redshift keeps them; parameters and results never.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use crate::clock;

/// When a statement that still runs is written.
const SHOWN_AFTER: Duration = Duration::from_millis(100);

/// A statement, or a call inside a procedure.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) user: String,
    pub(crate) query_id: i64,
    pub(crate) label: String,
    /// The id of the first statement of its transaction.
    pub(crate) transaction_id: i64,
    pub(crate) session_id: i32,
    pub(crate) started: SystemTime,
    pub(crate) kind: &'static str,
    pub(crate) text: String,
    /// Whose rights a call ran with, if not the session's, and the call around it.
    pub(crate) security_user: Option<String>,
    pub(crate) caller: Option<i64>,
}

/// How a statement ended.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) error: Option<String>,
    pub(crate) cancelled: bool,
    pub(crate) returned_rows: i64,
}

/// What RAISE said.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) user: String,
    pub(crate) session_id: i32,
    pub(crate) transaction_id: i64,
    pub(crate) query_id: i64,
    /// 20 LOG, 30 INFO, 40 NOTICE, 50 WARNING, 60 EXCEPTION (Redshift Database Developer Guide, "SVL_STORED_PROC_MESSAGES").
    pub(crate) level: i32,
    pub(crate) text: String,
    pub(crate) line: i32,
}

#[derive(Debug)]
pub(crate) enum Event {
    Started(Entry),
    Ended(Entry, End, SystemTime),
    Raised(Message, SystemTime),
    SessionBegan(String, i32, SystemTime),
    SessionEnded(i32, SystemTime),
}

/// Where sessions send their events.
#[derive(Debug, Clone)]
pub(crate) struct History(mpsc::UnboundedSender<Event>);

impl History {
    /// Starts the writer; it ends when the last clone is dropped.
    pub(crate) fn start(client: Client) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(write(client, receiver));
        Self(sender)
    }

    pub(crate) fn send(&self, event: Event) {
        if self.0.send(event).is_err() {
            tracing::debug!("the history is closed");
        }
    }

    /// Notes that a session began; when the value is dropped, that it ended.
    pub(crate) fn session(&self, user: &str, pid: i32) -> SessionNote {
        self.send(Event::SessionBegan(user.to_owned(), pid, clock::now()));
        SessionNote { history: self.clone(), pid }
    }
}

/// A session that is open.
#[derive(Debug)]
pub(crate) struct SessionNote {
    history: History,
    pid: i32,
}

impl Drop for SessionNote {
    fn drop(&mut self) {
        self.history.send(Event::SessionEnded(self.pid, clock::now()));
    }
}

async fn write(client: Client, mut events: mpsc::UnboundedReceiver<Event>) {
    let mut running: HashMap<i64, (Instant, Entry)> = HashMap::new();
    loop {
        // First what is due: events may come without a pause.
        let now = Instant::now();
        let due: Vec<i64> =
            running.iter().filter(|(_, (since, _))| *since + SHOWN_AFTER <= now).map(|(id, _)| *id).collect();
        for id in due {
            if let Some((_, entry)) = running.remove(&id) {
                statement(&client, &entry, None).await;
            }
        }
        let next = running.values().map(|(since, _)| *since + SHOWN_AFTER).min();
        let event = match next {
            None => events.recv().await,
            Some(next) => match tokio::time::timeout_at(next, events.recv()).await {
                Ok(event) => event,
                Err(_) => continue,
            },
        };
        match event {
            None => return,
            Some(Event::Started(entry)) => {
                running.insert(entry.query_id, (Instant::now(), entry));
            }
            Some(Event::Ended(entry, end, at)) => {
                running.remove(&entry.query_id);
                statement(&client, &entry, Some((&end, at))).await;
            }
            Some(Event::Raised(message, at)) => raised(&client, &message, at).await,
            Some(Event::SessionBegan(user, pid, at)) => {
                let sql = "INSERT INTO rs_catalog.session_history SELECT $1, $2, rs_catalog.moment($3), NULL";
                run(&client, sql, &[&user, &pid, &micros(at)]).await;
            }
            Some(Event::SessionEnded(pid, at)) => {
                let sql = "UPDATE rs_catalog.session_history SET end_time = rs_catalog.moment($2) WHERE session_id = $1 AND end_time IS NULL";
                run(&client, sql, &[&pid, &micros(at)]).await;
            }
        }
        if client.is_closed() {
            return;
        }
    }
}

async fn statement(client: &Client, entry: &Entry, end: Option<(&End, SystemTime)>) {
    let text: String = entry.text.chars().take(65_535).collect();
    let status = match end {
        None => "running",
        Some((end, _)) if end.cancelled => "canceled",
        Some((end, _)) if end.error.is_some() => "failed",
        Some(_) => "success",
    };
    let error: String =
        end.and_then(|(end, _)| end.error.as_ref()).map(|error| error.chars().take(512).collect()).unwrap_or_default();
    let rows = end.map_or(0, |(end, _)| end.returned_rows);
    run(
        client,
        "INSERT INTO rs_catalog.query_history
         SELECT $1, $2, $3, $4, $5, $6, $7, rs_catalog.moment($8), rs_catalog.moment($9), $10, $11, $12, $13, $14
         ON CONFLICT (query_id) DO UPDATE SET status = EXCLUDED.status, query_type = EXCLUDED.query_type, end_time = EXCLUDED.end_time,
           transaction_id = EXCLUDED.transaction_id, error_message = EXCLUDED.error_message, returned_rows = EXCLUDED.returned_rows",
        &[
            &entry.user,
            &entry.query_id,
            &entry.label,
            &entry.transaction_id,
            &entry.session_id,
            &entry.kind,
            &status,
            &micros(entry.started),
            &end.map(|(_, at)| micros(at)),
            &error,
            &rows,
            &text,
            &entry.caller,
            &entry.security_user,
        ],
    )
    .await;
}

async fn raised(client: &Client, message: &Message, at: SystemTime) {
    let text: String = message.text.chars().take(1024).collect();
    let sql = "INSERT INTO rs_catalog.procedure_message SELECT $1, $2, $3, $4, rs_catalog.moment($5), $6, $7, $8";
    let Message { user, session_id, transaction_id, query_id, level, line, .. } = message;
    run(client, sql, &[user, session_id, transaction_id, query_id, &micros(at), level, &text, line]).await;
}

async fn run(client: &Client, sql: &str, parameters: &[&(dyn ToSql + Sync)]) {
    if let Err(error) = client.execute(sql, parameters).await {
        tracing::debug!(%error, "an event could not be added to the history");
    }
}

fn micros(at: SystemTime) -> i64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
