//! Token buckets: so many requests per second and operation, as an account's quotas are.
//!
//! Invariant: a bucket never holds more than one second's worth of requests, and at least one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::error::ApiError;
use crate::options::{Operation, Throttle};

pub(crate) struct Buckets {
    rates: Option<Throttle>,
    levels: Mutex<BTreeMap<Operation, (f64, Instant)>>,
}

impl Buckets {
    pub(crate) fn new(rates: Option<Throttle>) -> Self {
        Self { rates, levels: Mutex::default() }
    }

    /// Takes one request's token, or refuses the request.
    pub(crate) fn take(&self, operation: Operation, now: Instant) -> Result<(), ApiError> {
        let Some(rate) = self.rates.as_ref().and_then(|rates| rates.per_second.get(&operation)) else {
            return Ok(());
        };
        let capacity = rate.max(1.0);
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        let (level, filled) = levels.entry(operation).or_insert((capacity, now));
        let passed = now.saturating_duration_since(*filled).as_secs_f64();
        *level = (*level + passed * rate).min(capacity);
        *filled = now;
        if *level < 1.0 {
            return Err(ApiError::throttled());
        }
        *level -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Buckets;
    use crate::options::{Operation, Throttle};

    #[test]
    fn a_second_of_requests_then_the_rate() {
        let buckets = Buckets::new(Some(Throttle::documented()));
        let start = Instant::now();
        let cancel =
            |after_ms| buckets.take(Operation::CancelStatement, start + Duration::from_millis(after_ms)).is_ok();
        assert_eq!([0, 0, 0, 0].map(cancel), [true, true, true, false]);
        assert!(!cancel(300));
        assert!(cancel(340));
        assert!(!cancel(350));
        assert!(buckets.take(Operation::ExecuteStatement, start).is_ok(), "another operation has its own bucket");
        assert!(Buckets::new(None).take(Operation::CancelStatement, start).is_ok());
    }
}
