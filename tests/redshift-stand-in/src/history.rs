//! SYS_QUERY_HISTORY: finished statements, written in the background so that no statement waits.
//!
//! Invariant: a statement's text and error are kept, parameters and results never.

use tokio::sync::mpsc;
use tokio_postgres::Client;

/// One finished statement.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) user: String,
    pub(crate) query_id: i64,
    pub(crate) label: String,
    pub(crate) session_id: i32,
    pub(crate) kind: &'static str,
    pub(crate) error: Option<String>,
    pub(crate) elapsed_micros: i64,
    pub(crate) returned_rows: i64,
    pub(crate) text: String,
}

/// Starts the writer; it ends when the last sender is dropped.
pub(crate) fn start(client: Client) -> mpsc::UnboundedSender<Entry> {
    let (sender, mut receiver) = mpsc::unbounded_channel::<Entry>();
    tokio::spawn(async move {
        while let Some(entry) = receiver.recv().await {
            let text: String = entry.text.chars().take(4000).collect();
            let status = if entry.error.is_some() { "failed" } else { "success" };
            let error: String = entry.error.unwrap_or_default().chars().take(512).collect();
            let written = client
                .execute(
                    "INSERT INTO rs_catalog.query_history
                     SELECT $1, $2, $3, $2, $4, $5, $6, t.at - $7 * interval '1 microsecond', t.at, $8, $9, $10
                     FROM (SELECT (clock_timestamp() AT TIME ZONE 'UTC')::timestamp AS at) AS t",
                    &[
                        &entry.user,
                        &entry.query_id,
                        &entry.label,
                        &entry.session_id,
                        &entry.kind,
                        &status,
                        &(entry.elapsed_micros as f64),
                        &error,
                        &entry.returned_rows,
                        &text,
                    ],
                )
                .await;
            if let Err(error) = written {
                tracing::debug!(%error, "a statement could not be added to the history");
                if client.is_closed() {
                    return;
                }
            }
        }
    });
    sender
}
