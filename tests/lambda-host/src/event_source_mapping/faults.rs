//! Faults that a test or a replay asks for, and the random numbers that decide about them.
//!
//! Every fault is one that the real service may cause: at-least-once delivery, other batch borders after a
//! rebalance, slow invocations, lost answers, machines that vanish.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// One fault, for one invocation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// After the function succeeded it is invoked with the same batch again; the second answer is ignored.
    Duplicate,
    /// The batch is sent in two or more parts. Without effect on a batch of one record.
    Resplit,
    /// The batch waits before it is sent.
    Delay(Duration),
    /// The function's answer is lost: the batch counts as failed, whatever the function did.
    DropReply,
    /// The function's process is killed this long after it took the event, unless it answered by then; zero
    /// kills it in any case.
    KillDuring(Duration),
}

/// Faults by probability (0 to 1) per invocation, drawn from a seed; the default causes none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    /// Equal seeds draw equal faults for equal sequences of batches.
    pub seed: u64,
    /// Probability of [`Fault::Duplicate`].
    pub duplicate: f64,
    /// Probability of [`Fault::Resplit`].
    pub resplit: f64,
    /// Probability and length of [`Fault::Delay`].
    pub delay: Option<(f64, Duration)>,
    /// Probability of [`Fault::DropReply`].
    pub drop_reply: f64,
    /// Probability and moment of [`Fault::KillDuring`].
    pub kill: Option<(f64, Duration)>,
}

/// What happens to one invocation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Planned {
    pub(crate) duplicate: bool,
    pub(crate) resplit: bool,
    pub(crate) delay: Option<Duration>,
    pub(crate) drop_reply: bool,
    pub(crate) kill_after: Option<Duration>,
}

/// Faults that were asked for one at a time; shared by the pollers of a mapping.
pub(crate) type Injected = Arc<Mutex<VecDeque<Fault>>>;

/// Decides about faults for one poller.
pub(crate) struct FaultPlan {
    faults: Faults,
    random: Random,
    injected: Injected,
}

impl FaultPlan {
    pub(crate) fn new(faults: Faults, poller: u64, injected: Injected) -> Self {
        let random = Random::new(faults.seed ^ poller.wrapping_mul(0x9E37_79B9));
        Self { faults, random, injected }
    }

    /// Faults of the next invocation. One injected fault is used up at a time.
    pub(crate) fn next(&mut self) -> Planned {
        let faults = &self.faults;
        let mut planned = Planned {
            duplicate: self.random.chance(faults.duplicate),
            resplit: self.random.chance(faults.resplit),
            delay: faults.delay.and_then(|(p, length)| self.random.chance(p).then_some(length)),
            drop_reply: self.random.chance(faults.drop_reply),
            kill_after: faults.kill.and_then(|(p, after)| self.random.chance(p).then_some(after)),
        };
        let injected = self.injected.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match injected {
            None => {}
            Some(Fault::Duplicate) => planned.duplicate = true,
            Some(Fault::Resplit) => planned.resplit = true,
            Some(Fault::Delay(length)) => planned.delay = Some(length),
            Some(Fault::DropReply) => planned.drop_reply = true,
            Some(Fault::KillDuring(after)) => planned.kill_after = Some(after),
        }
        planned
    }

    /// Border of a random split of `records` (at least 2) in two parts that are not empty.
    pub(crate) fn border(&mut self, records: usize) -> usize {
        self.random.between(1, records - 1)
    }
}

/// A small generator of reproducible random numbers (a counter put through a mixing function); not for secrets.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        let width = (high.saturating_sub(low) as u64).saturating_add(1);
        low + usize::try_from(self.next() % width).unwrap_or(0)
    }

    fn chance(&mut self, probability: f64) -> bool {
        // Drawn in any case, so that one probability does not shift the others' draws.
        let drawn = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < probability
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_numbers_stay_in_range_and_repeat() {
        let (mut one, mut two) = (Random::new(7), Random::new(7));
        let mut seen = [false; 5];
        for _ in 0..500 {
            let number = one.between(3, 7);
            assert_eq!(number, two.between(3, 7));
            seen[number - 3] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert!((0..100).all(|_| !one.chance(0.0)));
        assert!((0..100).all(|_| one.chance(1.0)));
    }

    #[test]
    fn an_injected_fault_is_used_once() {
        let injected: Injected = Arc::default();
        let mut plan = FaultPlan::new(Faults::default(), 0, Arc::clone(&injected));
        injected.lock().unwrap().push_back(Fault::DropReply);
        assert!(plan.next().drop_reply);
        assert_eq!(plan.next(), Planned::default());
    }
}
