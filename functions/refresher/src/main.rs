//! Triggered by a schedule or by hand; merges whatever landed. The logic is in the library.

use function_kit::clock::Invocation;
use function_kit::settings::Reader;
use function_kit::{aws, pipeline_file, telemetry};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use msk_client::{MskCluster, Options};
use redshift_data::DataApi;
use refresher::{Deps, FUNCTION, Settings, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let settings = Settings::read(Reader::environment())?;
    let common = &settings.common;
    let loaded = pipeline_file::load(&common.pipeline_file)?;
    let config = aws::config().await;
    let options = Options::of(&loaded.pipeline, common.msk_cluster_arn.as_deref(), common.kafka_ca_pem()?)?;
    let kafka = MskCluster::new(&config, options)?;
    let warehouse = DataApi::new(&config, common.connection.clone(), FUNCTION);
    let margin = settings.deadline_margin;
    let deps = Deps::new(&settings, loaded, warehouse, kafka);
    tracing::info!(
        function = FUNCTION,
        version = env!("CARGO_PKG_VERSION"),
        pipeline = deps.pipeline_name(),
        warehouse = ?settings.common.connection.endpoint,
        "ready"
    );
    let deps = &deps;
    run(service_fn(move |event: LambdaEvent<serde_json::Value>| async move {
        handle(&event.payload, &Invocation::of(&event.context, margin), deps).await
    }))
    .await
}
