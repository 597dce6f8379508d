//! The stand-in as a program: a Data API that AWS SDKs, boto3 and the AWS CLI are pointed at.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use redshift_data_api::{Identities, Identity, Secret, Throttle};
use redshift_stand_in::{Options, PostgresSource, StandIn};

/// A stand-in for Amazon Redshift: the Redshift Data API over PostgreSQL, on loopback, until interrupted.
#[derive(Parser)]
#[command(name = "redshift-stand-in", version)]
struct Arguments {
    /// Port of the Data API; any free one if 0
    #[arg(long, default_value_t = 8439)]
    port: u16,
    /// A database that exists from the start; may be given several times
    #[arg(long = "database", value_name = "NAME", default_value = "dev")]
    databases: Vec<String>,
    /// A database user that exists from the start, as superuser; may be given several times
    #[arg(long = "admin", value_name = "USER", default_value = "awsuser")]
    admins: Vec<String>,
    /// Whose access key it is, as KEY=role/NAME or KEY=user/NAME; may be given several times
    #[arg(long = "key", value_name = "KEY=IDENTITY", value_parser = key)]
    keys: Vec<(String, Identity)>,
    /// The IAM role of all other access keys, whose database user IAMR:ROLE is a superuser; "none" refuses them
    #[arg(long, value_name = "ROLE", default_value = "local")]
    role: String,
    /// Whose secret it is, as ARN=USER; may be given several times
    #[arg(long = "secret", value_name = "ARN=USER", value_parser = pair)]
    secrets: Vec<(String, String)>,
    /// The database user of all other secrets
    #[arg(long, value_name = "USER", default_value = "awsuser")]
    secret_user: String,
    /// A cluster that exists; without any, every name is accepted
    #[arg(long = "cluster", value_name = "NAME")]
    clusters: Vec<String>,
    /// A workgroup that exists; without any, every name is accepted
    #[arg(long = "workgroup", value_name = "NAME")]
    workgroups: Vec<String>,
    /// The region
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// Throttle each operation as the documented quotas do
    #[arg(long)]
    throttle: bool,
    /// Print the event of every statement that was sent with WithEvent, one JSON object a line
    #[arg(long)]
    events: bool,
    /// Kafka brokers from which the topics of external schemas are read, host:port,host:port
    #[arg(long, value_name = "BROKERS")]
    kafka: Option<String>,
    /// A folder that stands for S3, of which COPY reads and UNLOAD writes s3://bucket/prefix as DIR/bucket/prefix
    #[arg(long, value_name = "DIR")]
    s3: Option<PathBuf>,
    /// Keep everything in this folder across restarts
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Use this PostgreSQL server instead of starting one
    #[arg(long, value_name = "URL")]
    postgres_url: Option<String>,
    /// Use PostgreSQL's programs in this folder
    #[arg(long, value_name = "DIR", conflicts_with = "postgres_url")]
    postgres_bin: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.rsplit_once('=').ok_or("it needs the form NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn key(text: &str) -> Result<(String, Identity), String> {
    let (key, identity) = pair(text)?;
    let identity = match identity.split_once('/') {
        Some(("role", name)) => Identity::role(name),
        Some(("user", name)) => Identity::user(name),
        _ => return Err("the identity needs the form role/NAME or user/NAME".to_owned()),
    };
    Ok((key, identity))
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let default = (arguments.role != "none").then(|| Identity::role(&arguments.role));
    let mut admin_users = arguments.admins.clone();
    admin_users.extend(default.iter().map(Identity::db_user));
    let stand_in = StandIn::start(Options {
        postgres: match (arguments.postgres_url, arguments.postgres_bin) {
            (Some(url), _) => PostgresSource::Url(url),
            (None, Some(folder)) => PostgresSource::Bin(folder),
            (None, None) => PostgresSource::default(),
        },
        state_dir: arguments.state,
        kafka_bootstrap: arguments.kafka,
        s3_dir: arguments.s3,
        admin_users,
        databases: arguments.databases.clone(),
        auto_refresh: true,
    })
    .await?;
    let (events, mut received) = tokio::sync::mpsc::unbounded_channel();
    let mut options = redshift_data_api::Options {
        region: arguments.region.clone(),
        clusters: (!arguments.clusters.is_empty()).then_some(arguments.clusters),
        workgroups: (!arguments.workgroups.is_empty()).then_some(arguments.workgroups),
        identities: Identities { keys: arguments.keys.into_iter().collect(), default },
        secrets: secrets(arguments.secrets),
        secret_user: Some(arguments.secret_user),
        events: arguments.events.then_some(events),
        ..redshift_data_api::Options::default()
    };
    options.limits.throttle = arguments.throttle.then(Throttle::documented);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", arguments.port))
        .await
        .with_context(|| format!("port {} cannot be opened; choose another with --port", arguments.port))?;
    let server = redshift_data_api::serve(listener, stand_in.engine(), options)?;
    let database = arguments.databases.first().map_or("dev", String::as_str);
    // Version 1 of the AWS CLI reads the second name of the region only.
    say(format_args!(
        "PostgreSQL below it: {postgres}\n\
         Set these where your program runs:\n\n\
         export AWS_ENDPOINT_URL_REDSHIFT_DATA={endpoint}\n\
         export AWS_REGION={region} AWS_DEFAULT_REGION={region}\n\
         export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any\n\n\
         aws redshift-data execute-statement --workgroup-name any --database {database} --sql 'select 1'\n\n\
         Ctrl-C stops.",
        postgres = stand_in.postgres_url(),
        endpoint = server.endpoint(),
        region = arguments.region,
    ));
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        tokio::select! {
            _ = &mut interrupt => break,
            Some(event) = received.recv() => say(event),
        }
    }
    // Answers that are under way are not waited for.
    let stopped = tokio::time::timeout(Duration::from_secs(10), async {
        server.shutdown().await;
        stand_in.shutdown().await;
    });
    stopped.await.context("the stand-in did not stop in time")
}

fn secrets(given: Vec<(String, String)>) -> BTreeMap<String, Secret> {
    given.into_iter().map(|(arn, user)| (arn, Secret { db_user: user, cluster: None })).collect()
}

/// Prints a line. Whoever reads the first lines only must not end the program.
fn say(line: impl std::fmt::Display) {
    let mut output = std::io::stdout().lock();
    if writeln!(output, "{line}").is_err() {
        tracing::debug!("nobody reads what is printed");
    }
}
