//! Puts the function together from its settings, and connects it to the Lambda runtime.

use std::sync::Arc;
use std::time::Duration;

use function_kit::clock::Invocation;
use function_kit::diagnostic::{chain, diagnostic, error_type};
use function_kit::pipeline_file;
use function_kit::settings::Reader;
use lambda_runtime::{Diagnostic, LambdaEvent};
use msk_client::{MskCluster, Options};
use redshift_data::DataApi;
use serde_json::Value;

use crate::handler::{Deps, Function, Limits, handle};
use crate::respond::HttpResponder;
use crate::settings::{self, Settings};

/// Half of the account's quota for batches: provisioning runs alone and rarely.
const SUBMITS_PER_SECOND: u32 = 10;

/// The function and the time that it keeps back for its answers.
pub struct Started {
    function: Function,
    margin: Duration,
}

/// Reads the settings, the pipeline file and the AWS configuration. Problems do not keep the
/// function from starting: CloudFormation has to be told of them, or it waits for an hour.
pub async fn start(reader: Reader) -> Started {
    let (margin, settings) = settings::read(reader);
    let deps = match settings {
        Ok(settings) => connect(settings).await,
        Err(error) => Err(chain(&error)),
    };
    match &deps {
        Ok(deps) => tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            pipeline = deps.pipeline.name(),
            "the provisioner is ready"
        ),
        Err(reason) => tracing::error!(reason, "the provisioner cannot work"),
    }
    let responder = Arc::new(HttpResponder::default());
    Started { function: Function { deps: deps.map(Arc::new), responder }, margin }
}

async fn connect(settings: Settings) -> Result<Deps, String> {
    let loaded = pipeline_file::load(&settings.pipeline_file).map_err(|error| chain(&error))?;
    let ca_pem = settings
        .kafka_ca_file
        .map(|path| pipeline_file::read(&path, "KAFKA_CA_FILE"))
        .transpose()
        .map_err(|error| chain(&error))?;
    let config = function_kit::aws::config().await;
    let arn = settings.msk_cluster_arn.as_deref();
    let options = Options::of(&loaded.pipeline, arn, ca_pem).map_err(|error| chain(&error))?;
    let login = options.login;
    let kafka = MskCluster::new(&config, options).map_err(|error| chain(&error))?;
    let warehouse = DataApi::new(&config, settings.connection, "provisioner").paced(SUBMITS_PER_SECOND);
    Ok(Deps {
        pipeline: loaded.pipeline,
        dumps: loaded.dumps,
        redshift_role: settings.redshift_role_arn,
        login,
        warehouse: Arc::new(warehouse),
        kafka: Arc::new(kafka),
    })
}

/// Answers one event of the runtime.
pub async fn invoke(event: LambdaEvent<Value>, started: &Started) -> Result<Value, Diagnostic> {
    let work = Invocation::of(&event.context, started.margin);
    // Three quarters of what is kept back are for the answer on its way.
    let answer = Invocation::of(&event.context, started.margin / 4);
    let limits = Limits {
        work: work.deadline(),
        answer: answer.deadline(),
        run: format!("{} {}", work.request_id(), work.now_ms()),
    };
    handle(event.payload, &started.function, limits).await.map_err(|error| diagnostic(error_type(error.kind()), &error))
}
