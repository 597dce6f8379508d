//! A shared server, a database per test, and tables of steps.

use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use redshift_data_api::{Authentication, Engine, Login, Session, SqlError, StatementResult, Value};
use redshift_stand_in::{Options, StandIn};
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap());
static BROKER: OnceLock<kafka_broker::Broker> = OnceLock::new();
static STAND_IN: OnceLock<StandIn> = OnceLock::new();
static NAMES: AtomicUsize = AtomicUsize::new(0);

/// Runs a test on the runtime that also drives the shared connections.
pub(crate) fn run(test: impl Future<Output = ()>) {
    RUNTIME.block_on(test);
}

/// The shared broker.
pub(crate) fn broker() -> &'static kafka_broker::Broker {
    BROKER.get_or_init(|| {
        std::thread::spawn(|| RUNTIME.block_on(kafka_broker::Broker::start(kafka_broker::Options::default())).unwrap())
            .join()
            .unwrap()
    })
}

/// The folder that stands for S3; tests of files use buckets of the names of their databases.
pub(crate) fn s3() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("s3-{}", std::process::id()))
}

fn stand_in() -> &'static StandIn {
    STAND_IN.get_or_init(|| {
        let kafka_bootstrap = broker().plaintext_address();
        std::thread::spawn(|| {
            let options = Options {
                kafka_bootstrap,
                s3_dir: Some(s3()),
                admin_users: vec!["awsuser".to_owned()],
                databases: Vec::new(),
                ..Options::default()
            };
            RUNTIME.block_on(StandIn::start(options)).unwrap()
        })
        .join()
        .unwrap()
    })
}

/// A fresh database. It goes when neither it nor a session of it is in use any more.
pub(crate) struct Database {
    pub(crate) engine: Arc<dyn Engine>,
    name: Arc<Name>,
}

impl Database {
    pub(crate) async fn new() -> Self {
        let name = format!("test{}", NAMES.fetch_add(1, Ordering::Relaxed));
        stand_in().create_database(&name).await.unwrap();
        Self { engine: stand_in().engine(), name: Arc::new(Name(name)) }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name.0
    }

    /// A connection to the database below, for what a test does by hand.
    pub(crate) async fn postgres(&self) -> tokio_postgres::Client {
        let mut config: tokio_postgres::Config = stand_in().postgres_url().parse().unwrap();
        let (client, connection) = config.dbname(self.name()).connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Makes the database SERIALIZABLE for the sessions that begin from now on.
    pub(crate) async fn serializable(&self) {
        let mut admin = self.admin().await;
        admin.ok(&format!("ALTER DATABASE {} ISOLATION LEVEL SERIALIZABLE", self.name())).await;
    }

    /// A name that no other test uses, for users and topics, which all databases share.
    pub(crate) fn unique(&self, name: &str) -> String {
        format!("{name}_{}", self.name())
    }

    pub(crate) async fn login(&self, user: &str, authentication: Authentication) -> Result<Client, SqlError> {
        let login = Login { database: self.name().to_owned(), db_user: user.to_owned(), authentication };
        Ok(Client(self.engine.connect(&login).await?, Some(Arc::clone(&self.name))))
    }

    /// A session of the superuser.
    pub(crate) async fn admin(&self) -> Client {
        self.login("awsuser", Authentication::DbUser).await.unwrap()
    }

    /// A session of an IAM role.
    pub(crate) async fn role(&self, role: &str) -> Client {
        self.login(&format!("IAMR:{role}"), Authentication::Iam).await.unwrap()
    }
}

/// The name of a database, which is dropped with it: those of finished tests would fill the disk, 10 MB each.
pub(crate) struct Name(String);

impl Drop for Name {
    fn drop(&mut self) {
        let mut config: tokio_postgres::Config = stand_in().postgres_url().parse().unwrap();
        config.dbname("postgres");
        let statement = format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.0);
        RUNTIME.spawn(async move {
            // The process may end before this does, and takes the whole server with it.
            if let Ok((client, connection)) = config.connect(tokio_postgres::NoTls).await {
                tokio::spawn(connection);
                drop(client.batch_execute(&statement).await);
            }
        });
    }
}

/// A session with words for tests; the database is there as long as it is.
pub(crate) struct Client(
    pub(crate) Box<dyn Session>,
    #[expect(dead_code, reason = "held, so that the database stays")] pub(crate) Option<Arc<Name>>,
);

impl Client {
    pub(crate) async fn send(&mut self, sql: &str) -> Result<StatementResult, SqlError> {
        self.0.execute(sql, &[]).await
    }

    pub(crate) async fn ok(&mut self, sql: &str) -> StatementResult {
        match self.send(sql).await {
            Ok(result) => result,
            Err(error) => panic!("{}\n{sql}", error.text()),
        }
    }

    /// The error's text.
    pub(crate) async fn err(&mut self, sql: &str) -> String {
        match self.send(sql).await {
            Ok(_) => panic!("this should have been refused: {sql}"),
            Err(error) => error.text(),
        }
    }

    /// All rows, values joined by `|`.
    pub(crate) async fn rows(&mut self, sql: &str) -> Vec<String> {
        rows_of(&self.ok(sql).await)
    }
}

/// The rows of a result, values joined by `|`, NULL as `~`.
pub(crate) fn rows_of(result: &StatementResult) -> Vec<String> {
    result.rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join("|")).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "~".to_owned(),
        Value::Long(number) => number.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Boolean(value) => value.to_string(),
        Value::String(text) => text.clone(),
    }
}

/// One step of a table.
pub(crate) enum Step {
    /// Succeeds.
    Ok(&'static str),
    /// Gives exactly these rows.
    Rows(&'static str, &'static [&'static str]),
    /// Fails with a text that holds this.
    Err(&'static str, &'static str),
}

/// A rule with the page that states it.
pub(crate) struct Case {
    pub(crate) rule: &'static str,
    pub(crate) source: &'static str,
    pub(crate) steps: &'static [Step],
}

/// Runs each case in a database of its own, as the superuser.
pub(crate) fn check(cases: &[Case]) {
    run(async {
        let mut failures = Vec::new();
        for case in cases {
            let database = Database::new().await;
            let mut admin = database.admin().await;
            for step in case.steps {
                if let Some(failure) = take(&mut admin, step).await {
                    failures.push(format!("{} ({}):\n    {failure}", case.rule, case.source));
                    break;
                }
            }
        }
        assert!(failures.is_empty(), "{} of {} rules:\n{}", failures.len(), cases.len(), failures.join("\n"));
    });
}

async fn take(client: &mut Client, step: &Step) -> Option<String> {
    match step {
        Step::Ok(sql) => client.send(sql).await.err().map(|error| format!("{sql}\n    {}", error.text())),
        Step::Rows(sql, expected) => match client.send(sql).await {
            Ok(result) => {
                let rows = rows_of(&result);
                (rows != *expected).then(|| format!("{sql}\n    gave {rows:?}\n    not  {expected:?}"))
            }
            Err(error) => Some(format!("{sql}\n    {}", error.text())),
        },
        Step::Err(sql, expected) => match client.send(sql).await {
            Ok(_) => Some(format!("{sql}\n    succeeded, expected: {expected}")),
            Err(error) if error.text().contains(expected) => None,
            Err(error) => Some(format!("{sql}\n    {}\n    expected: {expected}", error.text())),
        },
    }
}
