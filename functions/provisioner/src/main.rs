//! The provisioner: invoked directly with an action, or by CloudFormation as a custom resource.
//! It makes the warehouse have what the pipeline file declares, and answers CloudFormation
//! whatever happens. Logic is in the library.

use function_kit::settings::Reader;
use function_kit::telemetry;
use lambda_runtime::{Error, run, service_fn};
use provisioner::{invoke, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let started = start(Reader::environment()).await;
    run(service_fn(|event| invoke(event, &started))).await
}
