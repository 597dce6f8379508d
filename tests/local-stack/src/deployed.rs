//! Compares a warehouse that somebody else's deployment filled with the ground truth, as the
//! replay compares its own.
//!
//! It changes nothing. A target table that is not there is an error, never an empty table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::compare::{self, Parity};
use crate::replay::{self, Definitions};
use crate::stack::{ADMINISTRATOR_KEY, REGION, SECRET};
use crate::warehouse::Administrator;
use crate::{dump, recording, truth};

/// What to compare.
#[derive(Debug, Clone)]
pub struct CompareOptions {
    /// The pipeline file that was deployed.
    pub pipeline: PathBuf,
    /// The recordings that were written to Kafka; columns and their types come from them.
    pub records: Vec<PathBuf>,
    /// Folder with the ground truth.
    pub truth: PathBuf,
    /// The Data API's endpoint, as `up` prints it.
    pub data_api: String,
}

/// Compares every table of the ground truth; the outcome by source table.
///
/// # Errors
/// If a file cannot be read, the pipeline does not replicate a table of the ground truth, or the
/// warehouse refuses a query.
pub async fn run(options: &CompareOptions) -> Result<BTreeMap<String, Parity>> {
    let (pipeline, mut knowledge) = replay::load(&options.pipeline)?;
    let mut topics = BTreeSet::new();
    for path in &options.records {
        for record in recording::read(path)? {
            knowledge.learn(&replay::as_record(&record));
            topics.insert(record.topic);
        }
    }
    let Definitions { tables, .. } = replay::definitions(&pipeline, &topics, &knowledge, &BTreeMap::new());
    let warehouse = Administrator::new(&options.data_api, REGION, ADMINISTRATOR_KEY, SECRET);
    let layout = provisioner::layout(&pipeline);
    let truth = truth::read(&options.truth)?;
    if truth.is_empty() {
        bail!("{} holds no tables", options.truth.display());
    }
    let mut parities = BTreeMap::new();
    for expected in &truth {
        let Some(table) = tables.iter().find(|table| table.spec.source_table == expected.name) else {
            bail!("the ground truth has table {}, the pipeline does not replicate it", expected.name);
        };
        let rows = dump::rows(&warehouse, &layout, table).await?;
        parities.insert(
            expected.name.clone(),
            compare::compare(&replay::as_readable(expected, table), &replay::target_columns(table), &rows),
        );
    }
    Ok(parities)
}

/// The outcome as text: one line a table, then the first differences.
#[must_use]
pub fn render(parities: &BTreeMap<String, Parity>) -> String {
    let mut text = String::new();
    for (table, parity) in parities {
        text.push_str(&format!(
            "{table}: {} rows equal, {} different, {} missing, {} unexpected; {} values equal\n",
            parity.equal, parity.different, parity.missing, parity.unexpected, parity.cells.exact
        ));
    }
    for parity in parities.values() {
        for example in &parity.examples {
            text.push_str(&format!("difference: {example}\n"));
        }
        for column in &parity.absent_columns {
            text.push_str(&format!("difference: the target does not have the source's column {column}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_spelled_out() {
        let different = Parity {
            equal: 2,
            missing: 1,
            examples: vec!["ITEM: row (\"7\") is missing".to_owned()],
            absent_columns: vec!["PRICE".to_owned()],
            ..Parity::default()
        };
        let text = render(&BTreeMap::from([("ITEM".to_owned(), different)]));
        assert_eq!(
            text,
            "ITEM: 2 rows equal, 0 different, 1 missing, 0 unexpected; 0 values equal\n\
             difference: ITEM: row (\"7\") is missing\n\
             difference: the target does not have the source's column PRICE\n"
        );
    }

    #[tokio::test]
    async fn a_table_that_is_not_replicated_is_an_error() {
        let package = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let corpus = package.join("../corpora/salesdb-small");
        let options = CompareOptions {
            pipeline: package.join("pipelines/salesdb.yaml"),
            // Without records no column is known, and so no table.
            records: Vec::new(),
            truth: corpus.join("truth"),
            data_api: "http://127.0.0.1:9".to_owned(),
        };
        let error = run(&options).await.expect_err("nothing is replicated");
        assert!(error.to_string().contains("the ground truth has table CUSTOMER"), "{error:#}");
    }
}
