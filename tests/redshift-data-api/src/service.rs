//! The service: what every operation needs, and the way of a checked request to its operation.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::task::JoinSet;

use crate::engine::Engine;
use crate::error::ApiError;
use crate::faults::Faults;
use crate::identity::Caller;
use crate::model::Input;
use crate::options::{Operation, Options};
use crate::sessions::{Expiry, Sessions};
use crate::store::Store;
use crate::throttle::Buckets;
use crate::{catalog, describe, execute};

/// The state of a server.
pub(crate) struct Service {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) store: Store,
    pub(crate) sessions: Sessions,
    pub(crate) buckets: Buckets,
    pub(crate) faults: Faults,
    pub(crate) options: Options,
    tasks: Mutex<JoinSet<()>>,
}

impl Service {
    pub(crate) fn new(engine: Arc<dyn Engine>, options: Options) -> Self {
        Self {
            engine,
            store: Store::new(options.limits.clone(), options.unconfirmed),
            sessions: Sessions::new(options.limits.clone()),
            buckets: Buckets::new(options.limits.throttle.clone()),
            faults: Faults::default(),
            options,
            tasks: Mutex::default(),
        }
    }

    /// Carries a checked request out.
    pub(crate) async fn call(
        self: &Arc<Self>,
        operation: Operation,
        caller: &Caller,
        input: &Input,
    ) -> Result<Json, ApiError> {
        match operation {
            Operation::ExecuteStatement | Operation::BatchExecuteStatement => {
                execute::execute(self, operation, caller, input).await
            }
            Operation::DescribeStatement => describe::statement(self, caller, input).await,
            Operation::GetStatementResult => describe::result(self, caller, input).await,
            Operation::GetStatementResultV2 => describe::result_csv(self, caller, input).await,
            Operation::CancelStatement => describe::cancel(self, caller, input).await,
            Operation::ListStatements => describe::list_statements(self, caller, input),
            Operation::ListSessions => describe::list_sessions(self, caller, input),
            Operation::ListDatabases => catalog::databases(self, caller, input).await,
            Operation::ListSchemas => catalog::schemas(self, caller, input).await,
            Operation::ListTables => catalog::tables(self, caller, input).await,
            Operation::DescribeTable => catalog::columns(self, caller, input).await,
        }
    }

    /// Runs a task that ends with the server.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        // A task that panicked has settled its statement while it unwound.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// Closes a session when its time has come.
    pub(crate) fn schedule_expiry(self: &Arc<Self>, session: &str, expiry: Expiry) {
        let (service, session) = (Arc::clone(self), session.to_owned());
        self.spawn(async move {
            tokio::time::sleep(expiry.after).await;
            service.sessions.expire(&session, expiry.uses);
        });
    }

    /// Closes a session after its longest life, and the statement in it.
    pub(crate) fn schedule_end(self: &Arc<Self>, session: &str, after: Duration) {
        let (service, session) = (Arc::clone(self), session.to_owned());
        self.spawn(async move {
            tokio::time::sleep(after).await;
            service.close_session(&session).await;
        });
    }

    /// Closes a session now, and cancels the statement in it.
    pub(crate) async fn close_session(&self, session: &str) {
        if let Some(running) = self.sessions.close(session)
            && let Some(statement) = self.store.find(&running)
        {
            statement.cancel().await;
        }
    }

    /// Ends all tasks, and drops all sessions.
    pub(crate) async fn end(&self) {
        let mut tasks = {
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *tasks)
        };
        tasks.shutdown().await;
        self.sessions.clear();
    }
}
