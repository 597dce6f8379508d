//! Triggered by an MSK event source mapping; reports each record as processed only when the
//! warehouse has merged it. The logic is in the library.

use cdc_core::kafka::KafkaEvent;
use change_handler::{Deps, FUNCTION, Settings, handle};
use function_kit::clock::Invocation;
use function_kit::settings::Reader;
use function_kit::{aws, pipeline_file, telemetry};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use redshift_data::DataApi;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let settings = Settings::read(Reader::environment())?;
    let loaded = pipeline_file::load(&settings.common.pipeline_file)?;
    let config = aws::config().await;
    let warehouse = DataApi::new(&config, settings.common.connection.clone(), FUNCTION);
    let margin = settings.deadline_margin;
    let deps = Deps::new(&settings, loaded, warehouse);
    tracing::info!(
        function = FUNCTION,
        version = env!("CARGO_PKG_VERSION"),
        pipeline = deps.pipeline_name(),
        warehouse = ?settings.common.connection.endpoint,
        "ready"
    );
    let deps = &deps;
    run(service_fn(move |event: LambdaEvent<KafkaEvent>| async move {
        handle(event.payload, &Invocation::of(&event.context, margin), deps).await
    }))
    .await
}
