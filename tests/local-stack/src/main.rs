//! The local stack's command line.
//!
//! Without a command it runs the demo: the recorded order system through the whole path.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use local_stack::stack::{MappingOptions, StackOptions};
use local_stack::{compare::Parity, demo, deployed, producer, replay, sql, up};

/// redshift-cdc on one machine: the real function binaries between a Kafka broker and a
/// stand-in for Amazon Redshift. Without a command: the demo, which replays the recorded order
/// system and compares the result with the source's own tables. Exit code 0 only if every
/// table is equal.
#[derive(Parser)]
#[command(name = "local-stack", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    stack: StackArguments,
}

#[derive(Subcommand)]
enum Command {
    /// Replay recordings of Debezium's records through the whole path.
    ///
    /// One line of a recording is one Kafka record: {"topic", "partition", "offset",
    /// "timestamp", "key", "value", "headers"}; key and value are the converter's text or null.
    /// Files may be plain, .gz or .zst. Exit code 0 only with full parity where --truth is given.
    Replay(ReplayArguments),
    /// Keep the stack running until interrupted, and print its endpoints.
    Up(UpArguments),
    /// Write recordings to a broker that is running, in their order, as a connector would.
    Produce(ProduceArguments),
    /// Compare a warehouse that `up` keeps running with the source's own tables, row by row and
    /// value by value. Exit code 0 only if every table is equal.
    Compare(CompareArguments),
    /// Print every statement that provisioning would send, in order, for the query editor.
    Sql(SqlArguments),
}

#[derive(Args)]
struct StackArguments {
    /// Use this PostgreSQL server instead of starting one, e.g. postgres://postgres@localhost:5432/postgres
    #[arg(long, global = true, value_name = "URL")]
    postgres_url: Option<String>,
    /// Use PostgreSQL's programs in this folder
    #[arg(long, global = true, value_name = "DIR")]
    postgres_bin: Option<PathBuf>,
}

#[derive(Args)]
struct ReplayArguments {
    /// The pipeline file
    #[arg(long)]
    pipeline: PathBuf,
    /// Recordings, in order
    #[arg(long, required = true, num_args = 1..)]
    records: Vec<PathBuf>,
    /// Folder with the source's final tables to compare with (columns.json, TABLE.jsonl)
    #[arg(long)]
    truth: Option<PathBuf>,
    /// Write every target table (TABLE.jsonl), quarantine.jsonl and summary.json into this folder
    #[arg(long)]
    dump: Option<PathBuf>,
    /// Most records of one batch that a poller hands to change-handler
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    batch_size: u16,
    /// Random batch sizes up to --batch-size, the same ones for the same seed
    #[arg(long)]
    seed: Option<u64>,
    /// At most this many records on their way at a time
    #[arg(long, default_value_t = 20_000)]
    in_flight: usize,
    /// Keep broker, warehouse and poller positions in this folder
    #[arg(long)]
    state: Option<PathBuf>,
}

#[derive(Args)]
struct UpArguments {
    /// Deploy the functions for this pipeline file; without it Kafka and warehouse only
    #[arg(long)]
    pipeline: Option<PathBuf>,
    /// Keep broker, warehouse and poller positions in this folder across restarts
    #[arg(long)]
    state: Option<PathBuf>,
    /// Seconds between two runs of the refresher
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    refresh_secs: u64,
    /// Seconds between two runs of the lag-monitor
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    monitor_secs: u64,
    /// Port of the Kafka broker; any free one if 0
    #[arg(long, default_value_t = 0)]
    kafka_port: u16,
    /// Port of the Redshift Data API; any free one if 0
    #[arg(long, default_value_t = 0)]
    data_api_port: u16,
    /// Port of Lambda's Invoke API; any free one if 0
    #[arg(long, default_value_t = 0)]
    lambda_port: u16,
}

#[derive(Args)]
struct ProduceArguments {
    /// The broker's plaintext listener, host:port, as `up` prints it
    #[arg(long)]
    kafka: String,
    /// Recordings, in order
    #[arg(long, required = true, num_args = 1..)]
    records: Vec<PathBuf>,
}

#[derive(Args)]
struct CompareArguments {
    /// The pipeline file that was deployed
    #[arg(long)]
    pipeline: PathBuf,
    /// The recordings that were written to Kafka
    #[arg(long, required = true, num_args = 1..)]
    records: Vec<PathBuf>,
    /// Folder with the source's final tables (columns.json, TABLE.jsonl)
    #[arg(long)]
    truth: PathBuf,
    /// The Redshift Data API's endpoint, as `up` prints it
    #[arg(long)]
    data_api: String,
}

#[derive(Args)]
struct SqlArguments {
    /// The pipeline file
    #[arg(long)]
    pipeline: PathBuf,
    /// Recordings from which topics and columns may be learned
    #[arg(long, num_args = 1..)]
    records: Vec<PathBuf>,
    /// Bootstrap brokers for the external schema, host:port, comma separated; needed if the file
    /// names a cluster ARN
    #[arg(long, value_delimiter = ',')]
    brokers: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let stack = StackOptions {
        postgres_url: arguments.stack.postgres_url,
        postgres_bin: arguments.stack.postgres_bin,
        auto_refresh: true,
        ..StackOptions::default()
    };
    match arguments.command {
        None => demo::run(demo::demo_options(stack), true).await,
        Some(Command::Replay(replay)) => {
            demo::must_exist(&[&replay.pipeline])?;
            demo::must_exist(&replay.records.iter().collect::<Vec<_>>())?;
            demo::must_exist(&replay.truth.iter().collect::<Vec<_>>())?;
            let options = replay::ReplayOptions {
                pipeline: replay.pipeline,
                records: replay.records,
                truth: replay.truth,
                dump: replay.dump,
                mapping: MappingOptions {
                    batch_size: usize::from(replay.batch_size),
                    seed: replay.seed,
                    ..MappingOptions::default()
                },
                in_flight: replay.in_flight.max(1),
                stack: StackOptions { state: replay.state, ..stack },
            };
            demo::run(options, false).await
        }
        Some(Command::Up(up)) => {
            let options = up::UpOptions {
                pipeline: up.pipeline,
                refresh_rate: Duration::from_secs(up.refresh_secs),
                monitor_rate: Duration::from_secs(up.monitor_secs),
                stack: StackOptions {
                    state: up.state,
                    kafka_port: up.kafka_port,
                    data_api_port: up.data_api_port,
                    lambda_port: up.lambda_port,
                    ..stack
                },
            };
            up::run(options).await?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Produce(arguments)) => {
            let written = producer::run(&arguments.kafka, &arguments.records).await?;
            println!("{written} records written to {}", arguments.kafka);
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Compare(arguments)) => {
            let options = deployed::CompareOptions {
                pipeline: arguments.pipeline,
                records: arguments.records,
                truth: arguments.truth,
                data_api: arguments.data_api,
            };
            let parities = deployed::run(&options).await?;
            print!("{}", deployed::render(&parities));
            Ok(if parities.values().all(Parity::is_full) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Some(Command::Sql(arguments)) => {
            print!("{}", sql::render(&arguments.pipeline, &arguments.records, &arguments.brokers)?);
            Ok(ExitCode::SUCCESS)
        }
    }
}
