//! The alarms on records that wait for a schema change and on topics without a table: what CloudWatch
//! alarms on these metrics do in a deployment, invoking the provisioner as their action.

use std::sync::Arc;

use lambda_host::{Function, LogCallback, LogLine};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Watches the metrics in the functions' logs.
pub(crate) struct Alarm {
    sender: mpsc::Sender<()>,
    receiver: mpsc::Receiver<()>,
}

impl Alarm {
    pub(crate) fn new() -> Self {
        // One that waits is enough: the provisioner takes in whatever there is.
        let (sender, receiver) = mpsc::channel(1);
        Self { sender, receiver }
    }

    /// For the functions that report the metric.
    pub(crate) fn watcher(&self) -> LogCallback {
        let sender = self.sender.clone();
        Arc::new(move |line: &LogLine| {
            if asks(&line.text) {
                // A full channel has an alarm that nobody has answered yet.
                let _ = sender.try_send(());
            }
        })
    }

    /// Answers alarms, one at a time, until the stack stops.
    pub(crate) fn start(mut self, provisioner: Function) -> JoinHandle<()> {
        drop(self.sender);
        tokio::spawn(async move {
            let event = json!({
                "source": "aws.cloudwatch",
                "alarmData": { "alarmName": "waiting", "state": { "value": "ALARM" } },
            });
            while self.receiver.recv().await.is_some() {
                // What comes of it is in the provisioner's log; a table that still waits alarms again.
                drop(provisioner.invoke(event.to_string().into_bytes()).await);
            }
        })
    }
}

/// The metrics whose alarms invoke the provisioner.
const ASKING: [&str; 2] = ["held_rows", "unprovisioned_tables"];

/// Whether the line is a metric that says that something waits for the provisioner.
fn asks(line: &str) -> bool {
    ASKING.iter().any(|name| line.contains(name))
        && serde_json::from_str::<Value>(line)
            .is_ok_and(|metrics| ASKING.iter().any(|name| metrics[*name].as_f64().is_some_and(|waiting| waiting > 0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_waits_raises_the_alarm() {
        assert!(asks(r#"{"_aws":{},"held_rows":3.0,"table":"shop.item"}"#));
        assert!(asks(r#"{"_aws":{},"held_rows":0.0,"unprovisioned_tables":1.0}"#));
        assert!(!asks(r#"{"_aws":{},"held_rows":0.0,"unprovisioned_tables":0.0}"#));
        assert!(!asks(r#"{"_aws":{"CloudWatchMetrics":[{"Metrics":[{"Name":"held_rows"}]}]}}"#));
        assert!(!asks("\"held_rows\" is not a metric here"));
    }
}
