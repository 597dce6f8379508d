//! A scripted engine: the statement's text says what happens.
//!
//! | text | effect |
//! |---|---|
//! | `ROWS n` | n rows of a number and its name |
//! | `TYPES` | one row with every type, one row of NULLs |
//! | `WIDE n` | one row with a text of n bytes |
//! | `ECHO … :a` | one row per parameter: name, value |
//! | `COUNT n` | a command that touched n rows |
//! | `SET x` / `SHOW` | remembers x in the session / the remembered settings as one row |
//! | `FAIL text` | the error `text` |
//! | `WAIT` | runs until [`Engine::release`] or a cancel |
//! | `PANIC` | panics |
//! | anything with `svv_` | what the test put into `catalog` |
//! | anything else | a command that counts nothing |

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use redshift_data_api::{Canceller, ColumnMetadata, Engine, Login, Session, SqlError, StatementResult, Value};
use tokio::sync::{Notify, Semaphore};

pub(crate) struct State {
    log: Mutex<Vec<String>>,
    catalog: Mutex<Vec<Vec<Value>>>,
    pids: AtomicI64,
    release: Semaphore,
}

impl Default for State {
    fn default() -> Self {
        Self { log: Mutex::default(), catalog: Mutex::default(), pids: AtomicI64::new(0), release: Semaphore::new(0) }
    }
}

#[derive(Clone, Default)]
pub(crate) struct Fake {
    state: Arc<State>,
    pub(crate) resettable: bool,
}

impl Fake {
    pub(crate) fn log(&self) -> Vec<String> {
        self.state.log.lock().unwrap().clone()
    }

    /// Lets one `WAIT` end.
    pub(crate) fn release(&self) {
        self.state.release.add_permits(1);
    }

    pub(crate) fn set_catalog(&self, rows: Vec<Vec<Value>>) {
        *self.state.catalog.lock().unwrap() = rows;
    }
}

impl State {
    fn note(&self, text: impl Into<String>) {
        self.log.lock().unwrap().push(text.into());
    }
}

#[async_trait]
impl Engine for Fake {
    async fn connect(&self, login: &Login) -> Result<Box<dyn Session>, SqlError> {
        if login.database == "missing" {
            return Err(SqlError::new("3D000", "database \"missing\" does not exist"));
        }
        self.state.note(format!("connect {} {} {:?}", login.database, login.db_user, login.authentication));
        Ok(Box::new(FakeSession {
            pid: 1000 + self.state.pids.fetch_add(1, Ordering::SeqCst),
            state: Arc::clone(&self.state),
            cancel: Arc::default(),
            settings: Vec::new(),
            resettable: self.resettable,
        }))
    }
}

struct FakeSession {
    pid: i64,
    state: Arc<State>,
    cancel: Arc<Cancel>,
    settings: Vec<String>,
    resettable: bool,
}

impl Drop for FakeSession {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.state.note(format!("close {}", self.pid));
        }
    }
}

#[derive(Default)]
struct Cancel(Notify);

#[async_trait]
impl Canceller for Cancel {
    async fn cancel(&self) {
        self.0.notify_waiters();
    }
}

fn column(name: &str, type_name: &str) -> ColumnMetadata {
    ColumnMetadata {
        name: name.to_owned(),
        label: name.to_owned(),
        type_name: type_name.to_owned(),
        ..ColumnMetadata::default()
    }
}

fn text(value: impl Into<String>) -> Value {
    Value::String(value.into())
}

#[async_trait]
impl Session for FakeSession {
    fn pid(&self) -> i64 {
        self.pid
    }

    async fn execute(&mut self, sql: &str, parameters: &[(String, String)]) -> Result<StatementResult, SqlError> {
        self.state.note(format!("execute {sql}"));
        let (word, rest) = sql.split_once(' ').unwrap_or((sql, ""));
        if sql.contains("svv_") {
            let rows = self.state.catalog.lock().unwrap().clone();
            for (name, value) in parameters {
                self.state.note(format!("parameter {name}={value}"));
            }
            return Ok(StatementResult::rows(vec![column("c", "varchar")], rows));
        }
        match word {
            "ROWS" => {
                let count: i64 = rest.parse().unwrap();
                let rows = (1..=count).map(|n| vec![Value::Long(n), text(format!("row {n}"))]);
                Ok(StatementResult {
                    query_id: Some(77),
                    ..StatementResult::rows(vec![column("n", "int8"), column("name", "varchar")], rows.collect())
                })
            }
            "TYPES" => {
                let names = ["long", "double", "boolean", "string", "decimal"];
                let row = vec![
                    Value::Long(i64::MIN),
                    Value::Double(0.1),
                    Value::Boolean(false),
                    text("a,\"b\"\nc"),
                    text("12345678901234567890.10"),
                ];
                let nulls = vec![Value::Null; row.len()];
                let columns = names.map(|name| column(name, name)).to_vec();
                Ok(StatementResult::rows(columns, vec![row, nulls]))
            }
            "WIDE" => {
                let wide = "x".repeat(rest.parse().unwrap());
                Ok(StatementResult::rows(vec![column("wide", "varchar")], vec![vec![text(wide)]]))
            }
            "ECHO" => {
                let rows = parameters.iter().map(|(name, value)| vec![text(name), text(value)]);
                Ok(StatementResult::rows(vec![column("name", "varchar"), column("value", "varchar")], rows.collect()))
            }
            "COUNT" => Ok(StatementResult::command(rest.parse().unwrap())),
            "SET" => {
                self.settings.push(rest.to_owned());
                Ok(StatementResult::command(-1))
            }
            "SHOW" => Ok(StatementResult::rows(
                vec![column("settings", "varchar")],
                vec![vec![text(self.settings.join(","))]],
            )),
            "FAIL" => Err(SqlError::new("42601", rest)),
            "WAIT" => {
                let cancelled = self.cancel.0.notified();
                tokio::pin!(cancelled);
                cancelled.as_mut().enable();
                self.state.note("waiting");
                tokio::select! {
                    () = cancelled => Err(SqlError::new("57014", "Query (1) cancelled on user's request")),
                    permit = self.state.release.acquire() => {
                        permit.unwrap().forget();
                        Ok(StatementResult::command(-1))
                    }
                }
            }
            "PANIC" => panic!("as the script says"),
            _ => Ok(StatementResult::command(-1)),
        }
    }

    async fn begin(&mut self) -> Result<(), SqlError> {
        self.state.note("begin");
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), SqlError> {
        self.state.note("commit");
        if self.settings.iter().any(|setting| setting == "conflict") {
            return Err(SqlError::new("1023", "1023\n  Detail: Serializable isolation violation on table"));
        }
        Ok(())
    }

    async fn rollback(&mut self) -> Result<(), SqlError> {
        self.state.note("rollback");
        Ok(())
    }

    fn canceller(&self) -> Arc<dyn Canceller> {
        Arc::clone(&self.cancel) as Arc<dyn Canceller>
    }

    async fn reset(&mut self) -> Result<bool, SqlError> {
        self.settings.clear();
        Ok(self.resettable)
    }
}
