//! Serves the Data API over the tests' scripted engine, for a look with the AWS CLI or boto3:
//! `cargo run --release -p redshift-data-api --example fake -- 127.0.0.1:5439`, then
//! `AWS_ENDPOINT_URL_REDSHIFT_DATA=http://127.0.0.1:5439 aws redshift-data execute-statement …`.

#[expect(dead_code, reason = "the tests look at the engine's log, this example does not")]
#[path = "../tests/api/fake.rs"]
mod fake;

use std::sync::Arc;

use redshift_data_api::{Options, serve};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.unwrap_or_else(|| "127.0.0.1:5439".to_owned());
    let engine = fake::Fake::default();
    // One `WAIT` ends at once, the others when they are cancelled.
    engine.release();
    let server = serve(TcpListener::bind(address).await?, Arc::new(engine), Options::default())?;
    println!("{}", server.endpoint());
    std::future::pending().await
}
