//! Runs a broker until it is interrupted, for trying other clients against it.
//!
//! Usage: `broker DIRECTORY [PLAINTEXT_PORT [IAM_PORT]]`. The authority's certificate is written to
//! `DIRECTORY/ca.pem`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use kafka_broker::{Broker, Options};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().ok_or("a directory is needed")?);
    let mut address = || -> Result<SocketAddr, Box<dyn std::error::Error>> {
        let port = arguments.next().map_or(Ok(0), |port| port.parse())?;
        Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    };
    let options = Options {
        plaintext: Some(address()?),
        iam: Some(address()?),
        data_dir: Some(directory.clone()),
        ..Options::default()
    };
    let broker = Broker::start(options).await?;
    std::fs::write(directory.join("ca.pem"), broker.ca_pem())?;
    println!("plaintext {}", broker.plaintext_address().unwrap_or_default());
    println!("iam {}", broker.iam_address().unwrap_or_default());
    std::future::pending().await
}
