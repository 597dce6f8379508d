//! One synchronisation: refresh landing views, merge what landed, read the watermarks; again
//! until the goals are met, something fails for good, or the time is up.
//!
//! Every round is one batch in AUTO_COMMIT mode, judged statement by statement. What a round
//! means for a table is decided in `course`, without I/O; this module sends, waits and reads.
//! The warehouse's watermarks are the only truth about what is merged: a merge that failed does
//! not matter if somebody else's merge has covered the goal meanwhile.
//!
//! **Tokens.** The first batch's token is derived from the caller's seed and the SQL, every
//! later one's from the statement before it and the SQL, after success and failure alike. So
//! concurrent invocations of one function with the same seed walk along one chain of
//! statements instead of queueing behind each other at the table's lock. A shared statement may
//! have begun before a caller's records existed: the goal decides, and the chain goes on.
//! Counts of a shared statement are reported by everybody who shares it; the warehouse's merge
//! log has each merge once.

mod course;
mod look;
mod missing;
mod round;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use cdc_core::catalog::{TableId, TableSpec};
use cdc_core::error::ErrorKind;
use cdc_core::sql::layout::Layout;
use cdc_core::sql::synchronise::{MAX_TABLES, Synchronisation, synchronise as render};
use cdc_core::watermark::Watermark;
use tokio::time::Instant;

use self::course::{Attempt, Course, Next};
pub use self::missing::missing_offsets;
use crate::error::WarehouseError;
use crate::port::{ClientToken, Deadline, Progress, StatementId, Submission, Warehouse};

/// Concurrent invocations whose clocks show the same bucket share their first statement.
const TIME_BUCKET_MS: i64 = 5_000;
/// With less time than this left, no further statement is sent.
const SHORTEST_ROUND: Duration = Duration::from_secs(1);

/// What a table has to reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// The watermark of each of these partitions has reached this offset (inclusive).
    Cover(BTreeMap<i64, i64>),
    /// Whatever had landed when the statement began is merged.
    Pending,
}

/// One table and what it has to reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableGoal {
    /// The table.
    pub spec: TableSpec,
    /// What it has to reach.
    pub goal: Goal,
}

/// One synchronisation.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Where the generated objects are.
    pub layout: &'a Layout,
    /// The tables. None: nothing is sent.
    pub tables: &'a [TableGoal],
    /// At most about this many records are merged by one statement.
    pub max_rows: i64,
    /// What makes the first statement one's own, or shared; see [`shared_seed`].
    pub seed: &'a str,
    /// When to answer.
    pub deadline: Deadline,
}

/// The seed for callers that may share a statement that another invocation of the same function
/// began in the last seconds. Right only for [`Goal::Cover`]: whether a shared statement began
/// early enough for [`Goal::Pending`] cannot be seen.
#[must_use]
pub fn shared_seed(function: &str, now_ms: i64) -> String {
    format!("{function}/{}", now_ms.div_euclid(TIME_BUCKET_MS))
}

/// What the merges of one table counted, summed over the statements of a synchronisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MergeCounts {
    /// Records read from the landing view.
    pub landed: i64,
    /// Rows inserted or updated in the target.
    pub applied: i64,
    /// Rows deleted from the target.
    pub deleted: i64,
    /// Changes that were older than what the target had.
    pub stale: i64,
    /// Records and values put into quarantine.
    pub quarantined: i64,
}

/// The part of a synchronisation that a failure belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Handing the statements over, or asking about them.
    Submit,
    /// The session's settings.
    Setting,
    /// The landing view's refresh.
    Refresh,
    /// The merge.
    Merge,
    /// Reading the watermarks.
    Watermarks,
    /// Looking at the landing view for a record that cannot be merged.
    Look,
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Submit => "submission",
            Self::Setting => "session setting",
            Self::Refresh => "refresh",
            Self::Merge => "merge",
            Self::Watermarks => "reading of the watermarks",
            Self::Look => "look at the landing view",
        })
    }
}

/// Why something did not work. Free of row values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {stage} failed: {text}{}", statement_suffix(statement.as_ref()))]
pub struct Failure {
    /// Where.
    pub stage: Stage,
    /// The action that fits.
    pub kind: ErrorKind,
    /// Why, with the next step if it is known.
    pub text: String,
    /// The statement, if there is one.
    pub statement: Option<StatementId>,
}

fn statement_suffix(statement: Option<&StatementId>) -> String {
    statement.filter(|id| !id.as_str().is_empty()).map_or_else(String::new, |id| format!(" (statement {id})"))
}

impl Failure {
    fn of(stage: Stage, error: &WarehouseError) -> Self {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(error);
        // The SDK's own chain ends with the part that helps: the connector's error. It names
        // hosts and codes, never content.
        if !matches!(error, WarehouseError::Refused { .. }) {
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
        }
        Self { stage, kind: error.kind(), text, statement: None }
    }
}

/// How a table's synchronisation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The goal is met.
    Reached,
    /// The time was up first. What is merged stays merged and the next synchronisation goes on
    /// from there.
    OutOfTime {
        /// The statement that still runs, if one does.
        running: Option<StatementId>,
        /// The last thing that stood in the way, if anything did.
        last: Option<Failure>,
    },
    /// It cannot succeed without somebody doing something.
    Failed(Failure),
}

/// What came of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableReport {
    /// The table.
    pub table: TableId,
    /// How it ended.
    pub ending: Ending,
    /// The newest watermarks seen, one per partition; None if none could be read.
    pub watermarks: Option<Vec<Watermark>>,
    /// What the merges counted.
    pub counts: MergeCounts,
    /// Landed records that the last merge left for the next one; None if no merge told.
    pub pending: Option<i64>,
    /// Landed records that wait because the source table's definition changed and the
    /// provisioner has not taken the change in; 0 if none did, or no merge told.
    pub held: i64,
    /// Records (partition, offset) that this synchronisation put into quarantine because
    /// merging them failed every time.
    pub isolated: Vec<(i64, i64)>,
    /// What went wrong without keeping the goal from being met. Free of row values.
    pub warnings: Vec<String>,
}

/// What came of a synchronisation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// One per requested table, in the request's order.
    pub tables: Vec<TableReport>,
    /// How many statements were submitted, shared ones included.
    pub submissions: u32,
}

/// Runs one synchronisation. Never fails as a whole: what went wrong is in the tables' endings.
pub async fn synchronise(warehouse: &dyn Warehouse, request: &Request<'_>) -> Report {
    let mut run = Run {
        warehouse,
        request,
        courses: request.tables.iter().map(|table| Course::new(table.clone(), request.max_rows)).collect(),
        not_before: vec![Instant::now(); request.tables.len()],
        previous: None,
        submissions: 0,
    };
    while let Some(ready) = run.next_round().await {
        run.round(&ready).await;
    }
    Report { tables: run.courses.into_iter().map(Course::report).collect(), submissions: run.submissions }
}

/// What is known between two rounds.
struct Run<'a> {
    warehouse: &'a dyn Warehouse,
    request: &'a Request<'a>,
    courses: Vec<Course>,
    not_before: Vec<Instant>,
    previous: Option<StatementId>,
    submissions: u32,
}

impl Run<'_> {
    /// The tables of the next round, after waiting until one of them is due; None when all have
    /// ended. Ends what there is no time for.
    async fn next_round(&mut self) -> Option<Vec<usize>> {
        let open: Vec<usize> = (0..self.courses.len()).filter(|&index| !self.courses[index].has_ended()).collect();
        let due = open.iter().map(|&index| self.not_before[index]).min()?;
        if due.max(Instant::now()) + SHORTEST_ROUND > self.request.deadline {
            for index in open {
                self.courses[index].out_of_time(None);
            }
            return None;
        }
        tokio::time::sleep_until(due).await;
        let now = Instant::now();
        Some(open.into_iter().filter(|&index| self.not_before[index] <= now).take(MAX_TABLES).collect())
    }

    /// One batch and what follows from it.
    async fn round(&mut self, ready: &[usize]) {
        let bounds: Vec<_> =
            ready.iter().map(|&index| (self.courses[index].spec(), self.courses[index].bound())).collect();
        let batch = render(self.request.layout, &bounds);
        let submission = self.submission(ready, &batch);
        let id = match self.submit(&submission).await {
            Ok(id) => id,
            Err(failure) => return self.end_all(ready, failure),
        };
        self.previous = Some(id.clone());
        let settled = match self.warehouse.wait(&id, self.request.deadline).await {
            Ok(Progress::Settled(settled)) => settled,
            Ok(Progress::Running) => {
                for &index in ready {
                    self.courses[index].out_of_time(Some(id.clone()));
                }
                return;
            }
            Err(error) => {
                let mut failure = Failure::of(Stage::Submit, &error);
                failure.statement = Some(id);
                return self.end_all(ready, failure);
            }
        };
        let specs: Vec<&TableSpec> = ready.iter().map(|&index| self.courses[index].spec()).collect();
        let mut attempts = round::read(self.warehouse, &batch, &settled, &specs, self.request.deadline).await;
        // All tables' watermarks are read by one statement. If one of them is missing, the others are there all the same.
        if attempts.len() > 1 {
            for (spec, attempt) in specs.iter().zip(&mut attempts) {
                if attempt.watermarks.as_ref().is_err_and(|failure| !failure.kind.is_retryable()) {
                    attempt.watermarks =
                        look::watermarks(self.warehouse, self.request.layout, spec, self.request.deadline).await;
                }
            }
        }
        for (&index, attempt) in ready.iter().zip(attempts) {
            self.follow(index, attempt).await;
        }
    }

    fn submission(&self, ready: &[usize], batch: &Synchronisation) -> Submission {
        let first = self.courses[ready[0]].spec().id();
        let name = match ready.len() {
            1 => first.to_string(),
            count => format!("{first} and {} more", count - 1),
        };
        let mut parts = match &self.previous {
            None => vec!["first", self.request.seed],
            Some(previous) => vec!["after", previous.as_str()],
        };
        parts.extend(batch.statements.iter().map(String::as_str));
        let token = ClientToken::derive(&parts);
        Submission::batch(name, batch.statements.clone()).with_token(token)
    }

    /// Hands the batch over. After a refusal or a lost reply the same token is sent again, so
    /// that the batch is started once.
    async fn submit(&mut self, submission: &Submission) -> Result<StatementId, Failure> {
        let mut attempt = 0;
        loop {
            match self.warehouse.submit(submission, self.request.deadline).await {
                Ok(id) => {
                    self.submissions += 1;
                    return Ok(id);
                }
                Err(error) => {
                    attempt += 1;
                    let pause = course::pause(attempt);
                    let late = Instant::now() + pause + SHORTEST_ROUND > self.request.deadline;
                    if late || !error.kind().is_retryable() {
                        return Err(Failure::of(Stage::Submit, &error));
                    }
                    tracing::warn!(%error, kind = error.kind().name(), "submitting again");
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    /// A failure that concerns all tables of a round: out of time if it might pass, else final.
    fn end_all(&mut self, ready: &[usize], failure: Failure) {
        for &index in ready {
            self.courses[index].stopped_by(failure.clone());
        }
    }

    /// Lets a table's course decide what one round means for it.
    async fn follow(&mut self, index: usize, attempt: Attempt) {
        let mut next = self.courses[index].decide(attempt);
        if next == Next::Look {
            let course = &self.courses[index];
            let looked = look::pending_positions(
                self.warehouse,
                self.request.layout,
                course.spec(),
                course.watermarks(),
                self.request.deadline,
            )
            .await;
            next = self.courses[index].looked(looked);
        }
        if let Next::Again { after } = next {
            self.not_before[index] = Instant::now() + after;
        }
    }
}
