//! Staying under the account's quotas: one token bucket per kind of call and process.
//!
//! The Data API's quotas are per account and region, for all callers together and not
//! adjustable: 20 batches, 30 single statements, 100 describes and 20 results a second (Redshift
//! Management Guide, "Quotas for Amazon Redshift"). One function process takes a fraction, so
//! that several of them and other people's jobs fit in beside each other. Time is an argument.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Calls a second that one process makes at most, after a burst of as many.
pub(crate) const SUBMITS_PER_SECOND: u32 = 5;
/// As above, for questions about a statement's state.
pub(crate) const DESCRIBES_PER_SECOND: u32 = 20;
/// As above, for pages of results.
pub(crate) const FETCHES_PER_SECOND: u32 = 5;

/// A bucket that holds one second's worth of calls and refills evenly.
#[derive(Debug)]
struct Bucket {
    /// Time between two calls when the bucket is empty.
    interval: Duration,
    /// The moment at which the bucket is, or was, completely full.
    full_at: Option<Instant>,
    capacity: u32,
}

impl Bucket {
    fn new(per_second: u32) -> Self {
        Self { interval: Duration::from_secs(1) / per_second, full_at: None, capacity: per_second }
    }

    /// Takes one call out and says how long to wait before making it.
    fn take(&mut self, now: Instant) -> Duration {
        let full_at = self.full_at.map_or(now, |at| at.max(now)) + self.interval;
        self.full_at = Some(full_at);
        let allowance = self.interval * self.capacity;
        full_at.duration_since(now).saturating_sub(allowance)
    }
}

/// The pace of one kind of call.
#[derive(Debug)]
pub(crate) struct Pace(Mutex<Bucket>);

impl Pace {
    pub(crate) fn new(per_second: u32) -> Self {
        Self(Mutex::new(Bucket::new(per_second)))
    }

    /// Waits for this caller's turn.
    pub(crate) async fn turn(&self) {
        let wait = self.0.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_the_rest_is_spread() {
        let mut bucket = Bucket::new(5);
        let now = Instant::now();
        let waits: Vec<u128> = (0..8).map(|_| bucket.take(now).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 200, 400, 600]);
        // Two seconds later the bucket is full again.
        let later = now + Duration::from_secs(3);
        assert_eq!(bucket.take(later), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn eleven_calls_at_five_a_second_take_more_than_a_second() {
        let pace = Pace::new(5);
        let began = Instant::now();
        for _ in 0..11 {
            pace.turn().await;
        }
        assert_eq!(began.elapsed(), Duration::from_millis(1200));
    }
}
