//! Starting and ending a whole stand-in.
//!
//! Invariant: when [`StandIn`] is gone, so is the PostgreSQL server that it started.

use std::path::PathBuf;
use std::sync::Arc;

use redshift_data_api::Engine;

use crate::engine::{Warehouse, WarehouseEngine};
use crate::files::Storage;
use crate::postgres::{Origin, Postgres, PostgresError, PostgresSource};
use crate::streaming::{self, Kafka};

/// How a stand-in is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where PostgreSQL comes from.
    pub postgres: PostgresSource,
    /// Keeps everything in this folder across restarts; `None` keeps nothing.
    pub state_dir: Option<PathBuf>,
    /// Brokers (`host:port,host:port`, plaintext) from which topics are read, whatever URI and
    /// AUTHENTICATION an external schema names: the warehouse's own way to the cluster. `None` reads
    /// from the schema's URI, and only with AUTHENTICATION none.
    pub kafka_bootstrap: Option<String>,
    /// A folder that stands for S3: `s3://bucket/prefix` is its `bucket/prefix`. `None` refuses COPY and UNLOAD.
    pub s3_dir: Option<PathBuf>,
    /// Superusers that exist from the start.
    pub admin_users: Vec<String>,
    /// Databases that exist from the start.
    pub databases: Vec<String>,
    /// Refreshes views with AUTO REFRESH YES about every second.
    pub auto_refresh: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            postgres: PostgresSource::default(),
            state_dir: None,
            kafka_bootstrap: None,
            s3_dir: None,
            admin_users: vec!["awsuser".to_owned()],
            databases: vec!["dev".to_owned()],
            auto_refresh: false,
        }
    }
}

/// Why a stand-in could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StandInError {
    /// There is no PostgreSQL server.
    #[error("the Redshift stand-in has no PostgreSQL")]
    Postgres(#[from] PostgresError),
    /// The server is there and cannot be prepared.
    #[error("the Redshift stand-in cannot prepare its PostgreSQL server; it needs version 15 or newer and a superuser")]
    Prepare(#[source] tokio_postgres::Error),
    /// A database cannot be made.
    #[error("cannot make the database {name}")]
    Database {
        /// Its name.
        name: String,
        /// Why not.
        #[source]
        source: tokio_postgres::Error,
    },
    /// The state folder cannot be made.
    #[error("cannot make the state folder {}", path.display())]
    State {
        /// The folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The task that starts the server panicked.
    #[error("starting PostgreSQL was interrupted")]
    Interrupted(#[source] tokio::task::JoinError),
}

/// A running stand-in.
pub struct StandIn {
    warehouse: Arc<Warehouse>,
    auto_refresh: Option<Task>,
    postgres: Postgres,
}

impl std::fmt::Debug for StandIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StandIn").field("postgres", &self.postgres).finish_non_exhaustive()
    }
}

impl StandIn {
    /// Starts PostgreSQL and prepares it. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// There is no PostgreSQL, or it cannot be prepared; the message says what to do.
    pub async fn start(options: Options) -> Result<Self, StandInError> {
        let Options { postgres, state_dir, kafka_bootstrap, s3_dir, admin_users, databases, auto_refresh } = options;
        if let Some(state) = &state_dir {
            std::fs::create_dir_all(state).map_err(|source| StandInError::State { path: state.clone(), source })?;
        }
        let postgres = tokio::task::spawn_blocking(move || Postgres::start(&postgres, state_dir.as_deref()))
            .await
            .map_err(StandInError::Interrupted)??;
        let warehouse = Warehouse::open(
            postgres.config().clone(),
            Kafka::new(kafka_bootstrap),
            Storage::new(s3_dir),
            &databases,
            &admin_users,
        )
        .await
        .map_err(StandInError::Prepare)?;
        let auto_refresh =
            auto_refresh.then(|| Task(tokio::spawn(streaming::auto_refresh(Arc::clone(&warehouse), databases))));
        Ok(Self { warehouse, auto_refresh, postgres })
    }

    /// The engine for the Data API server.
    pub fn engine(&self) -> Arc<dyn Engine> {
        Arc::new(WarehouseEngine(Arc::clone(&self.warehouse)))
    }

    /// Makes another database, as `CREATE DATABASE` or a new namespace would.
    ///
    /// # Errors
    /// There is one of that name, or the server is gone.
    pub async fn create_database(&self, name: &str) -> Result<(), StandInError> {
        self.warehouse
            .create_database(name, None, false)
            .await
            .map_err(|source| StandInError::Database { name: name.to_owned(), source })
    }

    /// Where PostgreSQL came from.
    pub fn postgres_origin(&self) -> &Origin {
        self.postgres.origin()
    }

    /// A URL for `psql`, to look below the stand-in.
    pub fn postgres_url(&self) -> String {
        self.postgres.url()
    }

    /// Ends the stand-in; sessions that are still open lose their connection.
    pub async fn shutdown(mut self) {
        drop(self.auto_refresh.take());
        let mut postgres = self.postgres;
        let stopped = tokio::task::spawn_blocking(move || postgres.stop()).await;
        if let Err(error) = stopped {
            tracing::warn!(%error, "stopping PostgreSQL was interrupted");
        }
    }
}

/// A background task that ends with its owner.
struct Task(tokio::task::JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
