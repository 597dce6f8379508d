//! Schedules: a function is invoked with the same input at a rate, in the place of EventBridge Scheduler.
//!
//! At most one run of a schedule is in flight; what falls due meanwhile is skipped and counted. (EventBridge
//! invokes asynchronously, so two runs can overlap there; the functions must not depend on that.) A run that fails
//! is retried by the schedule's policy, which stands for both EventBridge's retries of the delivery and Lambda's
//! retries of asynchronous invocations.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use crate::invoker::Invoker;

/// When a schedule runs for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstRun {
    /// One period after the start.
    AfterRate,
    /// At the start.
    AtOnce,
}

/// What happens to a run that failed, by a function error or because the function could not be invoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Retries after the first attempt (EventBridge: 0 to 185).
    pub maximum_attempts: u32,
    /// No retry starts later than this after the run fell due.
    pub maximum_event_age: Duration,
    /// Pause before each retry.
    pub backoff: Duration,
}

impl Default for RetryPolicy {
    /// Two retries within an hour, one second apart.
    fn default() -> Self {
        Self { maximum_attempts: 2, maximum_event_age: Duration::from_secs(3_600), backoff: Duration::from_secs(1) }
    }
}

/// A schedule's settings.
#[derive(Clone, Debug)]
pub struct ScheduleConfig {
    /// For logs.
    pub name: String,
    /// Time between two runs, `rate(…)`. Values below one millisecond count as one.
    pub rate: Duration,
    /// The event, JSON.
    pub input: Vec<u8>,
    /// When it runs first.
    pub first: FirstRun,
    /// What happens to a run that failed.
    pub retry: RetryPolicy,
}

/// State of a schedule at one moment. Counters start at zero with the schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduleSnapshot {
    /// Runs that began.
    pub runs: u64,
    /// Runs whose last attempt succeeded.
    pub succeeded: u64,
    /// Runs that were given up.
    pub failed: u64,
    /// Times that fell due during a run or a pause.
    pub skipped: u64,
    /// Attempts after the first of a run.
    pub retries: u64,
    /// A run is in progress.
    pub in_flight: bool,
    /// The newest error.
    pub last_error: Option<String>,
    /// The newest answer of a run that succeeded.
    pub last_payload: Option<Vec<u8>>,
}

/// A running schedule. Dropping it stops it at once.
pub struct Schedule {
    snapshot: watch::Sender<ScheduleSnapshot>,
    paused: watch::Sender<bool>,
    stop: watch::Sender<bool>,
    trigger: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Schedule {
    /// Starts the schedule.
    pub fn start(config: ScheduleConfig, invoker: Arc<dyn Invoker>) -> Self {
        let snapshot = watch::Sender::new(ScheduleSnapshot::default());
        let paused = watch::Sender::new(false);
        let stop = watch::Sender::new(false);
        let trigger = Arc::new(Notify::new());
        let clock = Clockwork {
            config,
            invoker,
            snapshot: snapshot.clone(),
            paused: paused.subscribe(),
            stop: stop.subscribe(),
            trigger: Arc::clone(&trigger),
        };
        Self { snapshot, paused, stop, trigger, task: tokio::spawn(clock.run()) }
    }

    /// The state now.
    pub fn snapshot(&self) -> ScheduleSnapshot {
        self.snapshot.borrow().clone()
    }

    /// The state as it changes.
    pub fn subscribe(&self) -> watch::Receiver<ScheduleSnapshot> {
        self.snapshot.subscribe()
    }

    /// Runs once, now or after the run in flight. Calls during one run add up to one more run. A pause does not
    /// hold it back.
    pub fn trigger(&self) {
        self.trigger.notify_one();
    }

    /// Skips every time that falls due until [`Schedule::resume`].
    pub fn pause(&self) {
        self.paused.send_replace(true);
    }

    /// Ends a pause.
    pub fn resume(&self) {
        self.paused.send_replace(false);
    }

    /// Lets the attempt in flight finish, then ends.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "a schedule failed");
        }
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Clockwork {
    config: ScheduleConfig,
    invoker: Arc<dyn Invoker>,
    snapshot: watch::Sender<ScheduleSnapshot>,
    paused: watch::Receiver<bool>,
    stop: watch::Receiver<bool>,
    trigger: Arc<Notify>,
}

impl Clockwork {
    async fn run(mut self) {
        let rate = self.config.rate.max(Duration::from_millis(1));
        let start = match self.config.first {
            FirstRun::AfterRate => Instant::now() + rate,
            FirstRun::AtOnce => Instant::now(),
        };
        let mut ticks = interval_at(start, rate);
        // Times that were missed during a run are counted here and not made up for.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let due = tokio::select! {
                biased;
                _ = self.stop.wait_for(|stop| *stop) => return,
                () = self.trigger.notified() => Instant::now(),
                due = ticks.tick() => {
                    if *self.paused.borrow() {
                        self.snapshot.send_modify(|snapshot| snapshot.skipped += 1);
                        continue;
                    }
                    due
                }
            };
            let began = Instant::now();
            self.occasion(due).await;
            let periods = began.elapsed().as_nanos() / rate.as_nanos();
            let missed = u64::try_from(periods).unwrap_or(u64::MAX);
            self.snapshot.send_modify(|snapshot| snapshot.skipped += missed);
            if missed > 0 {
                // The run took one period or more: what fell due during it is skipped, not run late.
                ticks.reset();
            }
        }
    }

    /// One run with its retries.
    async fn occasion(&mut self, due: Instant) {
        self.snapshot.send_modify(|snapshot| {
            snapshot.runs += 1;
            snapshot.in_flight = true;
        });
        let mut retries = 0;
        let payload = loop {
            match self.attempt().await {
                Ok(payload) => break Some(payload),
                Err(error) => {
                    tracing::warn!(schedule = self.config.name, error, "a scheduled run failed");
                    self.snapshot.send_modify(|snapshot| snapshot.last_error = Some(error));
                }
            }
            let policy = self.config.retry;
            if retries >= policy.maximum_attempts || due.elapsed() + policy.backoff > policy.maximum_event_age {
                break None;
            }
            tokio::select! {
                () = sleep(policy.backoff) => {}
                _ = self.stop.wait_for(|stop| *stop) => break None,
            }
            retries += 1;
            self.snapshot.send_modify(|snapshot| snapshot.retries += 1);
        };
        self.snapshot.send_modify(|snapshot| {
            snapshot.in_flight = false;
            match payload {
                Some(payload) => {
                    snapshot.succeeded += 1;
                    snapshot.last_payload = Some(payload);
                }
                None => snapshot.failed += 1,
            }
        });
    }

    async fn attempt(&self) -> Result<Vec<u8>, String> {
        let outcome = self.invoker.invoke(self.config.input.clone()).await.map_err(|error| error.to_string())?;
        outcome.result.map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::{FunctionError, invoker_fn};

    fn config(rate_ms: u64) -> ScheduleConfig {
        ScheduleConfig {
            name: "test".to_owned(),
            rate: Duration::from_millis(rate_ms),
            input: br#"{"tables":[]}"#.to_vec(),
            first: FirstRun::AfterRate,
            retry: RetryPolicy::default(),
        }
    }

    /// Fails the first `failures` times; takes `length` each time.
    fn function(failures: u64, length: Duration) -> Arc<dyn Invoker> {
        let calls = AtomicU64::new(0);
        invoker_fn(move |payload| {
            assert_eq!(payload, br#"{"tables":[]}"#);
            let call = calls.fetch_add(1, Ordering::SeqCst);
            async move {
                sleep(length).await;
                if call < failures {
                    Err(FunctionError::new("Test", "not yet"))
                } else {
                    Ok(call.to_string().into_bytes())
                }
            }
        })
    }

    async fn until(schedule: &Schedule, reached: impl FnMut(&ScheduleSnapshot) -> bool) -> ScheduleSnapshot {
        let mut changes = schedule.subscribe();
        let waited = changes.wait_for(reached);
        let snapshot = tokio::time::timeout(Duration::from_secs(600), waited).await;
        snapshot.expect("the schedule does not get there").unwrap().clone()
    }

    #[tokio::test(start_paused = true)]
    async fn it_runs_at_its_rate() {
        let began = Instant::now();
        let schedule = Schedule::start(config(1_000), function(0, Duration::ZERO));
        let snapshot = until(&schedule, |s| s.succeeded == 5).await;
        assert_eq!(began.elapsed().as_secs(), 5);
        assert_eq!((snapshot.runs, snapshot.skipped, snapshot.retries), (5, 0, 0));
        assert_eq!(snapshot.last_payload.as_deref(), Some(b"4".as_slice()));
        schedule.stop().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_falls_due_during_a_run_is_skipped() {
        let schedule = Schedule::start(config(1_000), function(0, Duration::from_millis(2_500)));
        let snapshot = until(&schedule, |s| s.succeeded == 2 && s.skipped == 4).await;
        assert_eq!(snapshot.runs, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_run_is_retried_by_its_policy_and_then_given_up() {
        let schedule = Schedule::start(config(60_000), function(4, Duration::ZERO));
        let snapshot = until(&schedule, |s| s.failed == 1).await;
        assert_eq!((snapshot.runs, snapshot.retries), (1, 2));
        assert_eq!(snapshot.last_error.as_deref(), Some("Test: not yet"));
        let snapshot = until(&schedule, |s| s.succeeded == 1).await;
        assert_eq!((snapshot.runs, snapshot.retries), (2, 3));

        let mut impatient = config(60_000);
        impatient.retry.maximum_event_age = Duration::from_millis(999);
        let schedule = Schedule::start(impatient, function(4, Duration::ZERO));
        assert_eq!(until(&schedule, |s| s.failed == 1).await.retries, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn it_can_be_triggered_and_paused() {
        let mut at_once = config(60_000);
        at_once.first = FirstRun::AtOnce;
        let began = Instant::now();
        let schedule = Schedule::start(at_once, function(0, Duration::ZERO));
        until(&schedule, |s| s.succeeded == 1).await;
        schedule.pause();
        schedule.trigger();
        until(&schedule, |s| s.succeeded == 2).await;
        assert!(began.elapsed() < Duration::from_secs(1));
        until(&schedule, |s| s.skipped == 3).await;
        schedule.resume();
        assert_eq!(until(&schedule, |s| s.succeeded == 3).await.skipped, 3);
        schedule.stop().await;
    }
}
