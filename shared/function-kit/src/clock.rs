//! The wall clock and an invocation's deadline. Below this crate time is an argument.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_runtime::Context;
use tokio::time::Instant;

/// Milliseconds since the epoch.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

/// One invocation: when it began, and by when it has to have answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    request_id: String,
    began_ms: i64,
    began: Instant,
    deadline: Instant,
}

impl Invocation {
    /// The runtime's invocation. `margin` is kept back from Lambda's own deadline, so that the
    /// answer is out before the process is stopped.
    #[must_use]
    pub fn of(context: &Context, margin: Duration) -> Self {
        let now_ms = now_ms();
        let deadline_ms = i64::try_from(context.deadline).unwrap_or(i64::MAX);
        let remaining = u64::try_from(deadline_ms.saturating_sub(now_ms)).unwrap_or(0);
        let remaining = Duration::from_millis(remaining).saturating_sub(margin);
        Self { request_id: context.request_id.clone(), ..Self::at(now_ms, remaining) }
    }

    /// An invocation that begins at this time of the wall clock and has this long.
    #[must_use]
    pub fn at(now_ms: i64, remaining: Duration) -> Self {
        let began = Instant::now();
        // Lambda's longest invocation is 15 minutes; a day is beyond any deadline.
        let remaining = remaining.min(Duration::from_secs(86_400));
        Self { request_id: "local".to_owned(), began_ms: now_ms, began, deadline: began + remaining }
    }

    /// The runtime's name for this invocation.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// By when to have answered.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The wall clock, in milliseconds since the epoch. It never goes backwards within one
    /// invocation.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        let elapsed = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.began_ms.saturating_add(elapsed)
    }

    /// How long it has taken so far.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_margin_is_kept_back() {
        let mut context = Context::default();
        context.deadline = u64::try_from(now_ms()).unwrap() + 60_000;
        let invocation = Invocation::of(&context, Duration::from_secs(5));
        let remaining = invocation.deadline() - Instant::now();
        assert!(remaining <= Duration::from_secs(55), "{remaining:?}");
        assert!(remaining > Duration::from_secs(50), "{remaining:?}");
        let late = Invocation::of(&context, Duration::from_secs(600));
        assert!(late.deadline() <= Instant::now());
    }

    #[tokio::test(start_paused = true)]
    async fn time_goes_on_within_an_invocation() {
        let invocation = Invocation::at(1_000, Duration::from_secs(9));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(invocation.now_ms(), 3_000);
        assert_eq!(invocation.elapsed(), Duration::from_secs(2));
    }
}
