//! Puts the function together from its settings, and connects it to the Lambda runtime.

use std::sync::Arc;
use std::time::Duration;

use function_kit::clock::Invocation;
use function_kit::diagnostic::{diagnostic, error_type};
use function_kit::pipeline_file;
use function_kit::settings::Reader;
use lambda_runtime::{Diagnostic, Error, LambdaEvent};
use msk_client::{MskCluster, Options};
use redshift_data::DataApi;
use serde_json::Value;

use crate::handler::{Deps, Memory, handle};
use crate::report::Answer;
use crate::{metrics, settings};

/// The function and the time that it keeps back for its answers.
pub struct Started {
    deps: Deps,
    margin: Duration,
}

/// Reads the settings, the pipeline file and the AWS configuration.
pub async fn start(reader: Reader) -> Result<Started, Error> {
    let settings = settings::read(reader)?;
    let loaded = pipeline_file::load(&settings.pipeline_file)?;
    let ca_pem = settings.kafka_ca_file.map(|path| pipeline_file::read(&path, "KAFKA_CA_FILE")).transpose()?;
    let config = function_kit::aws::config().await;
    let options = Options::of(&loaded.pipeline, settings.msk_cluster_arn.as_deref(), ca_pem)?;
    let deps = Deps {
        pipeline: loaded.pipeline,
        thresholds: settings.thresholds,
        warehouse: Arc::new(DataApi::new(&config, settings.connection, "lag-monitor")),
        kafka: Arc::new(MskCluster::new(&config, options)?),
        memory: Memory::default(),
    };
    tracing::info!(version = env!("CARGO_PKG_VERSION"), pipeline = deps.pipeline.name(), "the lag monitor is ready");
    Ok(Started { deps, margin: settings.margin })
}

/// Answers one event of the runtime, whatever it says, and publishes the metrics.
pub async fn invoke(event: LambdaEvent<Value>, started: &Started) -> Result<Answer, Diagnostic> {
    let invocation = Invocation::of(&event.context, started.margin);
    let answer =
        handle(&started.deps, &invocation).await.map_err(|error| diagnostic(error_type(error.kind()), &error))?;
    metrics::metrics(&answer).emit(invocation.now_ms());
    for condition in &answer.conditions {
        tracing::warn!(
            condition = condition.name,
            table = condition.table,
            what = condition.what,
            next_step = condition.next_step,
            "a condition holds"
        );
    }
    tracing::info!(message = answer.message, "measured");
    Ok(answer)
}
