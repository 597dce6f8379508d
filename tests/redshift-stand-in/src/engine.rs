//! The engine behind the Data API: databases, logins, and what sessions share.
//!
//! One PostgreSQL connection per Redshift session, opened as the superuser and then given the role
//! of the database user, so that PostgreSQL itself enforces privileges. A second connection per
//! database reads catalogs, so that a session's transaction takes its snapshot only where Redshift
//! would take it.
//!
//! Invariant: nothing here runs a user's SQL.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use async_trait::async_trait;
use redshift_data_api::{Authentication, Engine, Login, Session, SqlError};
use redshift_sql::{quote_identifier, quote_literal};
use tokio_postgres::{Client, Config, NoTls};

use crate::catalog::{self, Snapshot};
use crate::conflicts::Conflicts;
use crate::error::{IntoSql as _, SqlResult, refused};
use crate::files::Storage;
use crate::history::History;
use crate::session::RedshiftSession;
use crate::streaming::Kafka;

/// Locale-independent scripts of the objects below the stand-in.
const CATALOG_SCRIPTS: [&str; 9] = [
    include_str!("../sql/catalog.sql"),
    include_str!("../sql/metadata.sql"),
    include_str!("../sql/show.sql"),
    include_str!("../sql/postgres.sql"),
    include_str!("../sql/policies.sql"),
    include_str!("../sql/logs.sql"),
    include_str!("../sql/files.sql"),
    include_str!("../sql/empty.sql"),
    include_str!("../sql/information.sql"),
];

/// The template from which databases are made.
const TEMPLATE: &str = "rs_template";

/// All databases of one warehouse.
pub(crate) struct Warehouse {
    config: Config,
    kafka: Kafka,
    /// What COPY reads and UNLOAD writes.
    pub(crate) storage: Storage,
    databases: tokio::sync::Mutex<HashMap<String, Arc<Database>>>,
    query_ids: AtomicI64,
    /// By process: set when the session's procedure is to stop.
    cancelled: Mutex<HashMap<i32, Weak<AtomicBool>>>,
}

/// What the sessions of one database share.
pub(crate) struct Database {
    pub(crate) name: String,
    pub(crate) config: Config,
    /// Reads catalogs and privileges, each query its own transaction.
    pub(crate) reader: Client,
    pub(crate) kafka: Kafka,
    pub(crate) warehouse: Arc<Warehouse>,
    system: Arc<HashMap<String, Arc<catalog::Entry>>>,
    version: AtomicU64,
    snapshot: tokio::sync::Mutex<Option<(u64, Arc<Snapshot>)>>,
    refreshes: Mutex<HashMap<u32, Arc<tokio::sync::Mutex<()>>>>,
    refresh_clients: Mutex<Vec<Client>>,
    pub(crate) history: History,
    /// Transactions of a SERIALIZABLE database.
    pub(crate) conflicts: Conflicts,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Opens a connection and drives it in a task of its own.
pub(crate) async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a PostgreSQL connection ended");
        }
    });
    Ok(client)
}

impl Warehouse {
    /// Makes the template and the named databases and superusers, if they are not there yet.
    pub(crate) async fn open(
        config: Config,
        kafka: Kafka,
        storage: Storage,
        databases: &[String],
        admins: &[String],
    ) -> Result<Arc<Self>, tokio_postgres::Error> {
        let maintenance = connect(&config).await?;
        let exists = |name: String| {
            let maintenance = &maintenance;
            async move {
                maintenance
                    .query_one("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", &[&name])
                    .await
                    .map(|row| row.get::<_, bool>(0))
            }
        };
        // A stand-in that was killed while it filled the template left it without the marker.
        let complete: bool = maintenance
            .query_one("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)", &[&TEMPLATE])
            .await?
            .get(0);
        if !complete {
            maintenance.batch_execute(&format!("DROP DATABASE IF EXISTS {TEMPLATE}")).await?;
            maintenance
                .batch_execute(&format!("CREATE DATABASE {TEMPLATE} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C'"))
                .await?;
            let mut inside = config.clone();
            inside.dbname(TEMPLATE);
            let (template, connection) = inside.connect(NoTls).await?;
            let driver = tokio::spawn(connection);
            for script in CATALOG_SCRIPTS {
                template.batch_execute(script).await?;
            }
            template.batch_execute(redshift_sql::helpers()).await?;
            drop(template);
            // A database is copied only while nobody is connected to it.
            if let Ok(Err(error)) = driver.await {
                tracing::debug!(%error, "the template's connection ended badly");
            }
            maintenance.batch_execute(&format!("ALTER DATABASE {TEMPLATE} IS_TEMPLATE true")).await?;
        }
        for admin in admins {
            let statement = format!("CREATE ROLE {} LOGIN SUPERUSER", quote_identifier(admin));
            let known = maintenance.query_opt("SELECT rolsuper FROM pg_roles WHERE rolname = $1", &[admin]).await?;
            if known.is_none() {
                maintenance.batch_execute(&statement).await?;
            }
        }
        for database in databases {
            if !exists(database.clone()).await? {
                create_database(&maintenance, database, None, false).await?;
            }
        }
        Ok(Arc::new(Self {
            config,
            kafka,
            storage,
            databases: tokio::sync::Mutex::default(),
            query_ids: AtomicI64::new(1_000),
            cancelled: Mutex::default(),
        }))
    }

    /// The next `RedshiftQueryId`.
    pub(crate) fn next_query_id(&self) -> i64 {
        self.query_ids.fetch_add(1, Ordering::Relaxed)
    }

    /// Notes how a session's procedures are told to stop.
    pub(crate) fn register(&self, pid: i32, cancelled: &Arc<AtomicBool>) {
        let mut known = self.cancelled.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.retain(|_, flag| flag.strong_count() > 0);
        known.insert(pid, Arc::downgrade(cancelled));
    }

    /// Tells the procedure that a session runs to stop.
    pub(crate) fn cancel(&self, pid: i32) {
        let known = self.cancelled.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(flag) = known.get(&pid).and_then(Weak::upgrade) {
            flag.store(true, Ordering::Release);
        }
    }

    /// Makes a database.
    pub(crate) async fn create_database(
        &self,
        name: &str,
        owner: Option<&str>,
        serializable: bool,
    ) -> Result<(), tokio_postgres::Error> {
        let maintenance = connect(&self.config).await?;
        create_database(&maintenance, name, owner, serializable).await
    }

    /// Runs a statement about databases on a connection to none of them.
    pub(crate) async fn maintain(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        connect(&self.config).await?.batch_execute(sql).await
    }

    /// Closes what the sessions of a database shared, so that it can be dropped or renamed.
    pub(crate) async fn forget_database(&self, name: &str) {
        self.databases.lock().await.remove(name);
    }

    /// Opens what sessions share of a database.
    pub(crate) async fn database(self: &Arc<Self>, name: &str) -> SqlResult<Arc<Database>> {
        let mut open = self.databases.lock().await;
        if let Some(database) = open.get(name)
            && !database.reader.is_closed()
        {
            return Ok(Arc::clone(database));
        }
        let missing = || SqlError::new("3D000", format!("database \"{name}\" does not exist"));
        if is_reserved_database(name) {
            return Err(missing());
        }
        let mut config = self.config.clone();
        config.dbname(name);
        let reader = connect(&config).await.sql()?;
        reader
            .batch_execute("SET application_name TO 'redshift-stand-in catalog'; SET TimeZone TO 'UTC'; SET check_function_bodies TO off")
            .await
            .sql()?;
        let (Some(_), system) = futures::try_join!(
            async {
                reader.query_opt("SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'rs_catalog'", &[]).await.sql()
            },
            catalog::system_relations(&reader)
        )?
        else {
            return Err(missing());
        };
        // A newer stand-in brings newer helpers to a kept database.
        reader.batch_execute(redshift_sql::helpers()).await.sql()?;
        let writer = connect(&config).await.sql()?;
        // What a stand-in that was killed left open has ended, and its ids are taken.
        writer
            .batch_execute(
                "UPDATE rs_catalog.query_history SET status = 'canceled', end_time = start_time WHERE end_time IS NULL;
                 UPDATE rs_catalog.session_history SET end_time = start_time WHERE end_time IS NULL",
            )
            .await
            .sql()?;
        let used =
            writer.query_one("SELECT COALESCE(max(query_id), 0) FROM rs_catalog.query_history", &[]).await.sql()?;
        self.query_ids.fetch_max(used.get::<_, i64>(0) + 1, Ordering::Relaxed);
        let database = Arc::new(Database {
            name: name.to_owned(),
            config,
            reader,
            kafka: self.kafka.clone(),
            warehouse: Arc::clone(self),
            system: Arc::new(system),
            version: AtomicU64::new(0),
            snapshot: tokio::sync::Mutex::default(),
            refreshes: Mutex::default(),
            refresh_clients: Mutex::default(),
            history: History::start(writer),
            conflicts: Conflicts::default(),
        });
        open.insert(name.to_owned(), Arc::clone(&database));
        Ok(database)
    }

    /// Every database that a session has opened.
    pub(crate) async fn open_databases(&self) -> Vec<Arc<Database>> {
        self.databases.lock().await.values().cloned().collect()
    }
}

/// A database below that is not Redshift's.
pub(crate) fn is_reserved_database(name: &str) -> bool {
    [TEMPLATE, "postgres", "template0", "template1"].contains(&name)
}

/// Sets the isolation level that a database's next sessions have.
pub(crate) fn isolation_statement(name: &str, serializable: bool) -> String {
    let level = if serializable { "serializable" } else { "snapshot" };
    format!("ALTER DATABASE {} SET rs.isolation TO '{level}'", quote_identifier(name))
}

async fn create_database(
    maintenance: &Client,
    name: &str,
    owner: Option<&str>,
    serializable: bool,
) -> Result<(), tokio_postgres::Error> {
    let quoted = quote_identifier(name);
    let owner = owner.map_or_else(String::new, |owner| format!(" OWNER {}", quote_identifier(owner)));
    maintenance.batch_execute(&format!("CREATE DATABASE {quoted} TEMPLATE {TEMPLATE}{owner}")).await?;
    maintenance.batch_execute(&isolation_statement(name, serializable)).await?;
    // Redshift Database Developer Guide, "GRANT": PUBLIC may create temporary tables by default.
    maintenance.batch_execute(&format!("GRANT TEMPORARY, CONNECT ON DATABASE {quoted} TO PUBLIC")).await
}

impl Database {
    /// What is committed now.
    pub(crate) async fn snapshot(&self) -> SqlResult<Arc<Snapshot>> {
        let mut kept = self.snapshot.lock().await;
        let version = self.version.load(Ordering::Acquire);
        if let Some((at, snapshot)) = &*kept
            && *at == version
        {
            return Ok(Arc::clone(snapshot));
        }
        let snapshot = Arc::new(Snapshot::read(&self.reader, Arc::clone(&self.system)).await?);
        *kept = Some((version, Arc::clone(&snapshot)));
        Ok(snapshot)
    }

    /// What a connection sees inside its own transaction.
    pub(crate) async fn snapshot_of(&self, client: &Client) -> SqlResult<Arc<Snapshot>> {
        Ok(Arc::new(Snapshot::read(client, Arc::clone(&self.system)).await?))
    }

    /// Says that a transaction that changed objects was committed.
    pub(crate) fn changed(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// The lock that serialises refreshes of one materialized view.
    pub(crate) fn refresh_lock(&self, view: u32) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.refreshes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(locks.entry(view).or_default())
    }

    /// A connection for a refresh's own transaction.
    pub(crate) async fn refresh_client(&self) -> SqlResult<Client> {
        let kept = self.refresh_clients.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
        if let Some(client) = kept
            && !client.is_closed()
        {
            return Ok(client);
        }
        let client = connect(&self.config).await.sql()?;
        // A session that locked the view and refreshes it would wait for itself.
        client
            .batch_execute("SET application_name TO 'redshift-stand-in refresh'; SET TimeZone TO 'UTC'; SET lock_timeout TO '60s'; SET client_min_messages TO error")
            .await
            .sql()?;
        Ok(client)
    }

    /// Keeps a refresh's connection for the next one.
    pub(crate) fn return_refresh_client(&self, client: Client) {
        self.refresh_clients.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(client);
    }

    /// Whether a role is a superuser; `None` if it does not exist.
    pub(crate) async fn superuser(&self, role: &str) -> SqlResult<Option<bool>> {
        let row = self
            .reader
            .query_opt("SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = $1", &[&role])
            .await
            .sql()?;
        Ok(row.map(|row| row.get(0)))
    }
}

/// The trait object that the Data API server calls.
pub(crate) struct WarehouseEngine(pub(crate) Arc<Warehouse>);

#[async_trait]
impl Engine for WarehouseEngine {
    async fn connect(&self, login: &Login) -> SqlResult<Box<dyn Session>> {
        let database = self.0.database(&login.database).await?;
        let user = &login.db_user;
        if user.starts_with("role:") || user.starts_with("group:") || user == crate::postgres::SUPERUSER {
            return Err(refused(format!("\"{user}\" is not a user that can log in")));
        }
        if database.superuser(user).await?.is_none() {
            if login.authentication != Authentication::Iam {
                return Err(SqlError::new("28000", format!("user {} does not exist", quote_literal(user))));
            }
            // Two first logins at once: the second finds the user made.
            let created = database.reader.batch_execute(&format!("CREATE ROLE {} LOGIN", quote_identifier(user))).await;
            if let Err(error) = created
                && database.superuser(user).await?.is_none()
            {
                return Err(crate::error::from_postgres(&error));
            }
        }
        Ok(Box::new(RedshiftSession::open(database, user).await?))
    }
}
