//! What to do next with one table, given what came of the last round. No I/O, no clock.
//!
//! Usually a merge takes everything that is pending, in portions. When a merge fails because of
//! what it reads, the same range would fail again: it is halved until each partition gives one
//! record, then taken partition by partition, and the one record that still fails goes to
//! quarantine by its offset. Halves that succeed stay merged, so the search only ever narrows.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use cdc_core::catalog::TableSpec;
use cdc_core::error::ErrorKind;
use cdc_core::sql::synchronise::MergeBound;
use cdc_core::watermark::Watermark;

use super::{Ending, Failure, Goal, MergeCounts, Stage, TableGoal, TableReport};
use crate::port::StatementId;

/// The first pause after something that may pass by itself.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// After a record was isolated, the portions grow again by this factor.
const GROWTH: i64 = 8;
/// Records isolated one by one in one synchronisation. More than that is not a stray record;
/// the next synchronisation goes on with the next ones, and people see the failures.
pub(super) const MOST_ISOLATED: usize = 20;
/// Rounds of a table whose session setting failed, before it counts as a failure.
const MOST_SETTING_FAILURES: u32 = 5;

/// The pause before the `attempt`th attempt in a row that brought nothing, counted from 1.
pub(super) fn pause(attempt: u32) -> Duration {
    let doublings = attempt.saturating_sub(1).min(10);
    (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
}

/// What one round showed of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    /// The session's settings.
    pub(super) setting: Result<(), Failure>,
    /// The landing view's refresh.
    pub(super) refresh: Result<(), Failure>,
    /// The merge's counts and what it left pending within its own scope.
    pub(super) merge: Result<Merged, Failure>,
    /// The table's watermarks after the merge.
    pub(super) watermarks: Result<Vec<Watermark>, Failure>,
}

/// The merge's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Merged {
    pub(super) counts: MergeCounts,
    pub(super) pending: i64,
    /// Records that wait for the provisioner to take in a schema change.
    pub(super) held: i64,
}

/// What has landed above the watermark in one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) first_offset: i64,
    pub(super) records: i64,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing more.
    Ended,
    /// Another round, not before this pause.
    Again { after: Duration },
    /// Ask for the positions of what is pending, then [`Course::looked`].
    Look,
}

const AT_ONCE: Next = Next::Again { after: Duration::ZERO };

/// How much the next merge takes on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Mode {
    /// All partitions, at most `rows` records.
    Portions { rows: i64 },
    /// As above, after a merge of more failed because of a record. `partitions` have something
    /// pending.
    Halving { rows: i64, partitions: i64 },
    /// One record of the first of these partitions.
    Single { queue: VecDeque<i64> },
    /// The first pending record of the partition goes to quarantine unread.
    Quarantine { partition: i64, offset: i64 },
}

/// One table on its way to its goal.
#[derive(Debug)]
pub(super) struct Course {
    table: TableGoal,
    max_rows: i64,
    mode: Mode,
    /// Rounds in a row that neither merged anything nor narrowed a search.
    fruitless: u32,
    setting_failures: u32,
    /// The merge failure that started the present search.
    cause: Option<Failure>,
    last: Option<Failure>,
    ending: Option<Ending>,
    watermarks: Option<Vec<Watermark>>,
    counts: MergeCounts,
    pending: Option<i64>,
    held: i64,
    isolated: Vec<(i64, i64)>,
    warnings: Vec<String>,
}

impl Course {
    pub(super) fn new(table: TableGoal, max_rows: i64) -> Self {
        let max_rows = max_rows.max(1);
        Self {
            table,
            max_rows,
            mode: Mode::Portions { rows: max_rows },
            fruitless: 0,
            setting_failures: 0,
            cause: None,
            last: None,
            ending: None,
            watermarks: None,
            counts: MergeCounts::default(),
            pending: None,
            held: 0,
            isolated: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub(super) fn spec(&self) -> &TableSpec {
        &self.table.spec
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ending.is_some()
    }

    /// The newest watermarks seen; none before the first round.
    pub(super) fn watermarks(&self) -> &[Watermark] {
        self.watermarks.as_deref().unwrap_or_default()
    }

    /// What the next merge takes on.
    pub(super) fn bound(&self) -> MergeBound {
        match &self.mode {
            Mode::Portions { rows } | Mode::Halving { rows, .. } => MergeBound::rows(*rows),
            Mode::Single { queue } => {
                MergeBound { max_rows: 1, partition: queue.front().copied(), quarantine_offset: None }
            }
            Mode::Quarantine { partition, offset } => {
                MergeBound { max_rows: 1, partition: Some(*partition), quarantine_offset: Some(*offset) }
            }
        }
    }

    /// Takes in what one round showed and says what to do next.
    pub(super) fn decide(&mut self, attempt: Attempt) -> Next {
        let Attempt { setting, refresh, merge, watermarks } = attempt;
        let watermarks = match watermarks {
            Ok(watermarks) => {
                self.watermarks = Some(watermarks);
                Ok(())
            }
            Err(failure) => Err(failure),
        };
        if let Ok(merged) = &merge {
            self.add(merged.counts);
            self.note_isolated(merged.counts);
        }
        if self.covers_goal() {
            for failure in [setting.err(), refresh.err(), merge.err()].into_iter().flatten() {
                self.warn(&failure);
            }
            return self.end(Ending::Reached);
        }
        match merge {
            Ok(merged) => self.after_merge(merged, refresh, watermarks),
            Err(failure) => match setting {
                // The procedures probe the session and refuse: the whole batch did nothing.
                Err(setting) => self.after_failed_setting(setting),
                Ok(()) => self.after_failed_merge(failure),
            },
        }
    }

    fn after_merge(&mut self, merged: Merged, refresh: Result<(), Failure>, watermarks: Result<(), Failure>) -> Next {
        self.setting_failures = 0;
        let whole_table = matches!(self.mode, Mode::Portions { .. } | Mode::Halving { .. });
        if whole_table {
            self.pending = Some(merged.pending);
            self.held = merged.held;
        }
        if merged.held > 0 && merged.counts.landed == 0 {
            return self.end(Ending::Failed(self.held_back(merged.held)));
        }
        self.widen(merged);
        // A table in the middle of a search goes on with it.
        if merged.pending > 0 || !whole_table {
            if merged.counts.landed > 0 {
                self.fruitless = 0;
                return AT_ONCE;
            }
            return if whole_table { self.pause() } else { AT_ONCE };
        }
        if let Err(failure) = watermarks {
            return self.retry_or_fail(failure);
        }
        match (&self.table.goal, refresh) {
            // Everything that has landed is merged; what has not landed is behind the refresh.
            (_, Err(failure)) => self.retry_or_fail(failure),
            (_, Ok(())) if merged.held > 0 => AT_ONCE,
            (Goal::Pending, Ok(())) => self.end(Ending::Reached),
            (Goal::Cover(_), Ok(())) => {
                // The statement began before the records existed, or Kafka has not given them
                // to the warehouse yet. The first follow-up does not wait: a shared statement
                // is the usual reason.
                let first = self.fruitless == 0;
                self.fruitless += 1;
                if first { AT_ONCE } else { Next::Again { after: pause(self.fruitless - 1) } }
            }
        }
    }

    /// Nothing can be merged before the provisioner has taken in the change.
    fn held_back(&self, held: i64) -> Failure {
        Failure {
            stage: Stage::Merge,
            kind: ErrorKind::Misconfigured,
            text: format!(
                "{held} records wait because the definition of the source table changed; run the provisioner with \
                 action apply, which takes the change in (the control schema's table holds says where and why)"
            ),
            statement: None,
        }
    }

    /// Lets the portions grow again, or narrows the search, after a merge that succeeded.
    fn widen(&mut self, merged: Merged) {
        self.mode = match std::mem::replace(&mut self.mode, Mode::Portions { rows: 1 }) {
            Mode::Portions { rows } => Mode::Portions { rows: self.grown(rows) },
            Mode::Halving { .. } if merged.pending == 0 => Mode::Portions { rows: self.max_rows },
            // The range that failed began with what is merged now: the record is in the rest.
            Mode::Halving { rows, partitions } if rows > partitions => {
                Mode::Halving { rows: half(rows, partitions), partitions }
            }
            // One record of each partition went through: the failure did not come back.
            Mode::Halving { rows, .. } => Mode::Portions { rows: self.grown(rows) },
            Mode::Single { mut queue } => {
                queue.pop_front();
                if queue.is_empty() { Mode::Portions { rows: self.grown(1) } } else { Mode::Single { queue } }
            }
            Mode::Quarantine { .. } => Mode::Portions { rows: self.grown(1) },
        };
    }

    fn note_isolated(&mut self, counts: MergeCounts) {
        // Nothing landed: somebody else has dealt with this record meanwhile.
        if let Mode::Quarantine { partition, offset } = self.mode
            && counts.landed > 0
        {
            self.isolated.push((partition, offset));
            if let Some(cause) = self.cause.take() {
                self.warn(&cause);
            }
        }
    }

    fn grown(&self, rows: i64) -> i64 {
        rows.saturating_mul(GROWTH).min(self.max_rows)
    }

    fn after_failed_setting(&mut self, setting: Failure) -> Next {
        self.setting_failures += 1;
        if self.setting_failures >= MOST_SETTING_FAILURES || setting.kind == ErrorKind::Misconfigured {
            return self.end(Ending::Failed(setting));
        }
        self.last = Some(setting);
        self.pause()
    }

    fn after_failed_merge(&mut self, failure: Failure) -> Next {
        if failure.kind != ErrorKind::Poison {
            return self.retry_or_fail(failure);
        }
        if self.isolated.len() >= MOST_ISOLATED {
            let text = format!(
                "{} records were put into quarantine one by one and the next one fails too; \
                 the next synchronisation goes on with it: {}",
                self.isolated.len(),
                failure.text
            );
            return self.end(Ending::Failed(Failure { text, ..failure }));
        }
        self.fruitless = 0;
        self.cause = Some(failure.clone());
        match &self.mode {
            Mode::Halving { rows, partitions } if rows > partitions => {
                self.mode = Mode::Halving { rows: half(*rows, *partitions), partitions: *partitions };
                AT_ONCE
            }
            Mode::Portions { .. } | Mode::Halving { .. } | Mode::Single { .. } => Next::Look,
            // The procedure does not read a record that it puts into quarantine.
            Mode::Quarantine { .. } => self.end(Ending::Failed(failure)),
        }
    }

    /// Goes on after a look at what is pending.
    pub(super) fn looked(&mut self, looked: Result<BTreeMap<i64, Pending>, Failure>) -> Next {
        let pending = match looked {
            Ok(pending) => pending,
            Err(failure) => return self.retry_or_fail(failure),
        };
        if pending.is_empty() {
            // Somebody else has merged or isolated it.
            self.mode = Mode::Portions { rows: self.max_rows };
            return self.pause();
        }
        let partitions = i64::try_from(pending.len()).unwrap_or(i64::MAX);
        let total = pending.values().map(|partition| partition.records).sum::<i64>();
        let one_by_one = || Mode::Single { queue: pending.keys().copied().collect() };
        self.mode = match &self.mode {
            Mode::Portions { rows } if *rows > partitions && total > partitions => {
                Mode::Halving { rows: half(total.min(*rows), partitions), partitions }
            }
            Mode::Portions { .. } | Mode::Halving { .. } | Mode::Quarantine { .. } => one_by_one(),
            Mode::Single { queue } => match queue.front().and_then(|front| Some((*front, pending.get(front)?))) {
                Some((partition, found)) => Mode::Quarantine { partition, offset: found.first_offset },
                None => one_by_one(),
            },
        };
        AT_ONCE
    }

    /// A failure of the whole round: it may pass, but not within this synchronisation.
    pub(super) fn stopped_by(&mut self, failure: Failure) {
        if failure.kind.is_retryable() {
            self.last = Some(failure);
            self.out_of_time(None);
        } else {
            self.end(Ending::Failed(failure));
        }
    }

    /// There is no time for another round, or the present one still runs.
    pub(super) fn out_of_time(&mut self, running: Option<StatementId>) {
        let last = self.last.take().or_else(|| self.cause.take());
        self.end(Ending::OutOfTime { running, last });
    }

    pub(super) fn report(self) -> TableReport {
        TableReport {
            table: self.table.spec.id(),
            ending: self.ending.unwrap_or(Ending::OutOfTime { running: None, last: self.last }),
            watermarks: self.watermarks,
            counts: self.counts,
            pending: self.pending,
            held: self.held,
            isolated: self.isolated,
            warnings: self.warnings,
        }
    }

    fn covers_goal(&self) -> bool {
        let Goal::Cover(goal) = &self.table.goal else {
            return false;
        };
        let Some(watermarks) = &self.watermarks else {
            return false;
        };
        goal.iter().all(|(partition, offset)| {
            watermarks.iter().any(|mark| mark.partition == *partition && mark.offset >= *offset)
        })
    }

    fn add(&mut self, counts: MergeCounts) {
        self.counts.landed += counts.landed;
        self.counts.applied += counts.applied;
        self.counts.deleted += counts.deleted;
        self.counts.stale += counts.stale;
        self.counts.quarantined += counts.quarantined;
    }

    fn retry_or_fail(&mut self, failure: Failure) -> Next {
        if failure.kind.is_retryable() {
            self.last = Some(failure);
            self.pause()
        } else {
            self.end(Ending::Failed(failure))
        }
    }

    fn pause(&mut self) -> Next {
        self.fruitless += 1;
        Next::Again { after: pause(self.fruitless) }
    }

    fn end(&mut self, ending: Ending) -> Next {
        self.ending = Some(ending);
        Next::Ended
    }

    fn warn(&mut self, failure: &Failure) {
        let text = failure.to_string();
        if failure.stage != Stage::Watermarks && !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }
}

/// Half of the rows, but at least one record of each partition.
fn half(rows: i64, partitions: i64) -> i64 {
    (rows / 2).max(partitions)
}

#[cfg(test)]
mod tests;
