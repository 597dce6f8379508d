//! The lag monitor: invoked on a schedule, it measures how far each table is behind Kafka and at
//! which stage, publishes metrics, and answers with what holds and what to do. Logic is in the
//! library.

use function_kit::settings::Reader;
use function_kit::telemetry;
use lag_monitor::{invoke, start};
use lambda_runtime::{Error, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let started = start(Reader::environment()).await?;
    run(service_fn(|event| invoke(event, &started))).await
}
