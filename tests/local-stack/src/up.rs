//! The stack kept running, for the AWS CLI, SDKs, Kafka clients and people.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use cdc_core::pipeline::{Pipeline, TopicRole};
use tokio::signal::unix::{SignalKind, signal};

use crate::binaries::Binaries;
use crate::replay;
use crate::stack::{ADMINISTRATOR_KEY, CLUSTER_ARN, Deployment, MappingOptions, REGION, SECRET, Stack, StackOptions};
use crate::warehouse::{DATABASE, WORKGROUP};

/// How to keep it running.
#[derive(Debug, Clone)]
pub struct UpOptions {
    /// A pipeline to deploy; without one there are Kafka and the warehouse only.
    pub pipeline: Option<PathBuf>,
    /// How often the refresher runs.
    pub refresh_rate: Duration,
    /// How often the lag-monitor runs.
    pub monitor_rate: Duration,
    /// The stack's own options.
    pub stack: StackOptions,
}

/// How often the broker is asked for topics that were not there before.
const DISCOVERY: Duration = Duration::from_secs(2);

/// Starts, prints how to reach everything, and runs until interrupted or told to end.
///
/// # Errors
/// If something cannot be started.
pub async fn run(options: UpOptions) -> Result<()> {
    let loaded = options.pipeline.as_deref().map(replay::load).transpose()?;
    let pipeline = loaded.as_ref().map(|(pipeline, _)| pipeline);
    let stack = Stack::start(options.stack.clone(), pipeline).await?;
    let mut deployment = match (&options.pipeline, pipeline) {
        (Some(file), Some(pipeline)) => {
            let binaries = Binaries::build()?;
            let mut deployment = stack.deploy(&binaries, file, pipeline).await?;
            deployment.schedule(options.refresh_rate, options.monitor_rate);
            Some(deployment)
        }
        _ => None,
    };
    // Before it says that it is up: a signal that nobody listens for yet ends it on the spot.
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    announce(&stack, deployment.as_ref());
    let mut provisioned = BTreeSet::new();
    loop {
        if let (Some(deployment), Some(pipeline)) = (deployment.as_mut(), pipeline) {
            discover(&stack, deployment, pipeline, &mut provisioned).await;
        }
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            () = tokio::time::sleep(DISCOVERY) => {}
        }
    }
    println!("stopping");
    if let Some(deployment) = deployment {
        deployment.shutdown().await;
    }
    stack.shutdown().await;
    Ok(())
}

/// Provisions and maps tables whose topics have appeared. A table whose columns are not known
/// yet is tried again with the next look.
async fn discover(stack: &Stack, deployment: &mut Deployment, pipeline: &Pipeline, provisioned: &mut BTreeSet<String>) {
    let ours: BTreeSet<String> = stack
        .broker()
        .topics()
        .into_iter()
        .filter(|topic| !matches!(pipeline.resolve(topic), TopicRole::Unknown | TopicRole::Excluded))
        .filter(|topic| stack.broker().offsets(topic).is_some_and(|offsets| offsets.iter().any(|one| one.latest > 0)))
        .collect();
    if ours.is_subset(provisioned) {
        return;
    }
    match deployment.provision().await {
        Ok(answer) => {
            let waiting: BTreeSet<&str> = answer["waiting"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|entry| entry["topic"].as_str())
                .collect();
            for topic in ours.iter().filter(|topic| !waiting.contains(topic.as_str())) {
                if let Err(error) = deployment.map(stack, topic, &MappingOptions::default()) {
                    eprintln!("topic {topic} cannot be mapped: {error:#}");
                    continue;
                }
                if provisioned.insert(topic.clone()) {
                    println!("topic {topic} is mapped to change-handler");
                }
            }
        }
        Err(error) => eprintln!("provisioning failed and is tried again: {error:#}"),
    }
}

fn announce(stack: &Stack, deployment: Option<&Deployment>) {
    println!("Kafka (plaintext)    {}", stack.kafka());
    if let Some(address) = stack.broker().iam_address() {
        println!("Kafka (TLS, MSK IAM) {address}, certificate {}", stack.folder().join("kafka-ca.pem").display());
    }
    println!("Redshift Data API    {}, database {DATABASE}, workgroup {WORKGROUP}", stack.data_api());
    println!("MSK control plane    {}, cluster {CLUSTER_ARN}", stack.msk());
    println!("PostgreSQL below it  {}", stack.postgres_url());
    if let Some(deployment) = deployment {
        println!("Lambda               {}", deployment.lambda());
        println!("function logs        {}", stack.folder().join("logs").display());
    }
    println!("\nexport AWS_ENDPOINT_URL_REDSHIFT_DATA={}", stack.data_api());
    println!("export AWS_ENDPOINT_URL_KAFKA={}", stack.msk());
    if let Some(deployment) = deployment {
        println!("export AWS_ENDPOINT_URL_LAMBDA={}", deployment.lambda());
    }
    // Version 1 of the AWS CLI reads the second name only.
    println!("export AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION}");
    println!("export AWS_ACCESS_KEY_ID={ADMINISTRATOR_KEY}");
    println!("export AWS_SECRET_ACCESS_KEY={SECRET}");
    println!(
        "\naws redshift-data execute-statement --workgroup-name {WORKGROUP} --database {DATABASE} --sql 'select 1'\n\
         Ctrl-C stops."
    );
}
