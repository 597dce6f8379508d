//! The demo and the replay as commands: progress, a table at the end, an exit code.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::binaries::Binaries;
use crate::replay::{self, Progress, Replay, ReplayOptions};
use crate::report;
use crate::stack::{MappingOptions, StackOptions};

/// The recorded order system that the demo replays.
#[must_use]
pub fn demo_options(stack: StackOptions) -> ReplayOptions {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = package.join("../corpora/salesdb-small");
    ReplayOptions {
        pipeline: package.join("pipelines/salesdb.yaml"),
        records: vec![corpus.join("records.schema.jsonl.gz")],
        truth: Some(corpus.join("truth")),
        dump: None,
        mapping: MappingOptions { batch_size: 250, window: Duration::from_millis(250), ..MappingOptions::default() },
        in_flight: 800,
        stack,
    }
}

/// Runs a replay, shows it, and stops the stack.
///
/// # Errors
/// As [`replay::run`].
pub async fn run(options: ReplayOptions, next_steps: bool) -> Result<ExitCode> {
    let mut shown = Shown::new();
    // What a person wrote is checked before anything is built or started.
    replay::load(&options.pipeline)?;
    shown.phase("building the function binaries if they are missing or stale");
    let binaries = Binaries::build()?;
    let replay = replay::run(&options, &binaries, &mut shown).await?;
    println!("\n{}", report::table(&replay.summary));
    explain(&replay);
    if next_steps {
        steps(&replay);
    }
    let success = replay.summary.full_parity != Some(false);
    replay.deployment.shutdown().await;
    replay.stack.shutdown().await;
    Ok(if success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn explain(replay: &Replay) {
    let summary = &replay.summary;
    println!(
        "{} records through Kafka, Lambda runtime API, Data API and Redshift SQL in {:.1} s",
        summary.records,
        Duration::from_millis(u64::try_from(summary.elapsed_ms).unwrap_or(u64::MAX)).as_secs_f64()
    );
    for (topic, count) in &summary.undeclared {
        println!("not declared in the pipeline file: topic {topic} ({count} records stay in Kafka)");
    }
    for (table, reason) in &summary.waiting {
        println!("not replicated: {table}: {reason}");
    }
    for (column, reason) in &summary.excluded_columns {
        println!("left out: column {column}: {reason}");
    }
    let quarantined: i64 = summary.tables.iter().map(|table| table.quarantined).sum();
    if quarantined > 0 {
        println!("in quarantine: {quarantined} records or values; see the control schema's table quarantine");
    }
    for parity in replay.parities.values() {
        for example in &parity.examples {
            println!("difference: {example}");
        }
        for column in &parity.absent_columns {
            println!("difference: the target does not have the source's column {column}");
        }
    }
    match summary.full_parity {
        Some(true) => println!("every table equals the source's own, row by row and value by value"),
        Some(false) => println!("the target differs from the source; the differences are above"),
        None => println!("no ground truth was given to compare with"),
    }
}

fn steps(replay: &Replay) {
    println!(
        "\nwhat ran here: {}\n\
         the same, kept running:            cargo run --release -- up --pipeline tests/local-stack/pipelines/salesdb.yaml\n\
         your own recording:                cargo run --release -- replay --help\n\
         every statement that was sent:     cargo run --release -- sql --help",
        [
            format!("Kafka {}", replay.stack.kafka()),
            format!("Redshift Data API {}", replay.stack.data_api()),
            format!("Lambda {}", replay.deployment.lambda()),
        ]
        .join(", ")
    );
}

/// Progress on the terminal; plain lines where there is no terminal.
pub struct Shown {
    bar: Option<ProgressBar>,
    next_share: u64,
    expected: u64,
}

impl Shown {
    /// Nothing shown yet.
    #[must_use]
    pub fn new() -> Self {
        Self { bar: None, next_share: 0, expected: 0 }
    }
}

impl Default for Shown {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress for Shown {
    fn phase(&mut self, text: &str) {
        println!("{text}");
    }

    fn expect(&mut self, records: u64) {
        self.expected = records;
        let bar = ProgressBar::with_draw_target(Some(records), ProgressDrawTarget::stderr());
        if let Ok(style) =
            ProgressStyle::with_template("  {bar:40} {pos}/{len} records acknowledged, {per_sec}, {elapsed}")
        {
            bar.set_style(style);
        }
        self.bar = Some(bar);
    }

    fn acknowledged(&mut self, records: u64) {
        let Some(bar) = &self.bar else { return };
        bar.set_position(records);
        if bar.is_hidden() && self.expected > 0 && records * 10 / self.expected >= self.next_share {
            println!("  {records}/{} records acknowledged", self.expected);
            self.next_share = records * 10 / self.expected + 1;
        }
    }

    fn finished(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish();
        }
    }
}

/// Files that a person names on the command line, checked before anything starts.
///
/// # Errors
/// If one does not exist; names it.
pub fn must_exist(paths: &[&PathBuf]) -> Result<()> {
    for path in paths {
        if !path.exists() {
            anyhow::bail!("{} does not exist", path.display());
        }
    }
    Ok(())
}
