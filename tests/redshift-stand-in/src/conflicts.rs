//! Serializable isolation at the granularity of tables (Redshift Database Developer Guide, "Isolation levels in Amazon Redshift").
//!
//! Every transaction of a SERIALIZABLE database leaves here which tables it read and wrote, and when. From that follows which of two
//! transactions must come before the other; a circle of them has no serial order, and the transaction whose statement closes it gets
//! error 1023. Rows are not looked at, as Redshift does not.
//!
//! Invariant: a transaction is forgotten when nothing that ran at its time runs any more.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// A table by schema and name.
type Table = (String, String);

/// What a transaction touched.
#[derive(Debug, Clone, Default)]
struct Footprint {
    /// The clock when it took its snapshot.
    start: u64,
    /// The clock when it was committed.
    end: Option<u64>,
    reads: HashSet<Table>,
    writes: HashSet<Table>,
}

impl Footprint {
    /// True if this transaction's snapshot holds what the other wrote.
    fn saw(&self, other: &Self) -> bool {
        other.end.is_some_and(|end| end <= self.start)
    }

    /// True if this one comes before the other in every serial order with the same results.
    fn precedes(&self, other: &Self) -> bool {
        let read_before = !self.saw(other) && !self.reads.is_disjoint(&other.writes);
        let seen =
            other.saw(self) && !(self.writes.is_disjoint(&other.reads) && self.writes.is_disjoint(&other.writes));
        let wrote_before = !self.writes.is_disjoint(&other.writes)
            && match (self.end, other.end) {
                (Some(mine), Some(others)) => mine < others,
                (Some(_), None) => true,
                (None, _) => false,
            };
        read_before || seen || wrote_before
    }
}

#[derive(Debug, Default)]
struct Log {
    clock: u64,
    next: u64,
    known: HashMap<u64, Footprint>,
}

impl Log {
    /// True if a chain of transactions leads from this one back to it.
    fn in_circle(&self, id: u64) -> bool {
        let mut open = vec![id];
        let mut seen = HashSet::new();
        while let Some(at) = open.pop() {
            for (other, footprint) in &self.known {
                if *other != at && self.known[&at].precedes(footprint) {
                    if *other == id {
                        return true;
                    }
                    if seen.insert(*other) {
                        open.push(*other);
                    }
                }
            }
        }
        false
    }

    fn forget_old(&mut self) {
        let oldest = self.known.values().filter(|f| f.end.is_none()).map(|f| f.start).min().unwrap_or(u64::MAX);
        self.known.retain(|_, f| f.end.is_none_or(|end| end > oldest));
    }
}

/// The transactions of one database.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conflicts(Arc<Mutex<Log>>);

impl Conflicts {
    fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A transaction that takes its snapshot now.
    pub(crate) fn enter(&self) -> Participant {
        let mut log = self.log();
        let id = log.next;
        log.next += 1;
        let footprint = Footprint { start: log.clock, ..Footprint::default() };
        log.known.insert(id, footprint);
        Participant { id, conflicts: self.clone(), committed: false }
    }
}

/// A transaction under way. Dropping it without [`Participant::commit`] is its rollback.
#[derive(Debug)]
pub(crate) struct Participant {
    id: u64,
    conflicts: Conflicts,
    committed: bool,
}

impl Participant {
    /// Notes what a statement touches; false if no serial order is left.
    pub(crate) fn touch<'t>(
        &self,
        reads: impl IntoIterator<Item = &'t Table>,
        writes: impl IntoIterator<Item = &'t Table>,
    ) -> bool {
        let mut log = self.conflicts.log();
        if let Some(footprint) = log.known.get_mut(&self.id) {
            footprint.reads.extend(reads.into_iter().cloned());
            footprint.writes.extend(writes.into_iter().cloned());
        }
        !log.in_circle(self.id)
    }

    /// The transaction was committed.
    pub(crate) fn commit(mut self) {
        self.committed = true;
        let mut log = self.conflicts.log();
        log.clock += 1;
        let clock = log.clock;
        if let Some(footprint) = log.known.get_mut(&self.id) {
            footprint.end = Some(clock);
        }
        log.forget_old();
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        if !self.committed {
            let mut log = self.conflicts.log();
            log.known.remove(&self.id);
            log.forget_old();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Conflicts, Participant};

    fn table(name: &str) -> (String, String) {
        ("public".to_owned(), name.to_owned())
    }

    fn reads(who: &Participant, name: &str) -> bool {
        who.touch([&table(name)], [])
    }

    fn updates(who: &Participant, name: &str) -> bool {
        who.touch([&table(name)], [&table(name)])
    }

    fn inserts(who: &Participant, name: &str) -> bool {
        who.touch([], [&table(name)])
    }

    #[test]
    fn two_that_read_a_table_cannot_both_write_it() {
        let conflicts = Conflicts::default();
        let (first, second) = (conflicts.enter(), conflicts.enter());
        assert!(reads(&first, "numbers") && reads(&second, "numbers"));
        assert!(updates(&first, "numbers"));
        first.commit();
        assert!(!updates(&second, "numbers"));
    }

    #[test]
    fn reads_across_are_a_circle_before_anything_is_committed() {
        let conflicts = Conflicts::default();
        let (first, second) = (conflicts.enter(), conflicts.enter());
        assert!(reads(&first, "tab1") && inserts(&first, "tab2"));
        assert!(inserts(&second, "tab1"));
        assert!(!reads(&second, "tab2"));
    }

    #[test]
    fn writers_that_read_nothing_follow_each_other() {
        let conflicts = Conflicts::default();
        let (first, second) = (conflicts.enter(), conflicts.enter());
        assert!(inserts(&first, "t"));
        first.commit();
        assert!(inserts(&second, "t"));
        second.commit();
        assert!(conflicts.log().known.is_empty(), "nothing runs, nothing is kept");
    }

    #[test]
    fn a_rollback_leaves_no_conflict() {
        let conflicts = Conflicts::default();
        let (first, second) = (conflicts.enter(), conflicts.enter());
        assert!(reads(&second, "t") && updates(&first, "t"));
        drop(first);
        assert!(updates(&second, "t"));
    }

    #[test]
    fn a_circle_of_three_is_found() {
        let conflicts = Conflicts::default();
        let (a, b, c) = (conflicts.enter(), conflicts.enter(), conflicts.enter());
        assert!(reads(&a, "x") && reads(&b, "y") && reads(&c, "z"));
        assert!(inserts(&b, "x") && inserts(&c, "y"));
        assert!(!inserts(&a, "z"));
    }
}
