//! Which tables there are, and how far their topics go.
//!
//! The cluster's own list of topics resolves the pipeline file's patterns. When Kafka cannot be
//! asked, the topics that the file names exactly are known anyway, and the warehouse's catalog
//! knows those that were provisioned.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cdc_core::catalog::TableSpec;
use cdc_core::pipeline::{CatalogErrors, Pipeline};
use cdc_core::sql::layout::Layout;
use cdc_core::sql::observe;
use function_kit::diagnostic::chain;
use msk_client::{KafkaCluster, KafkaError};
use redshift_data::{Deadline, Warehouse, query};
use tokio::time::Instant;

use crate::memory::Ends;

/// Kafka may take this long; the rest of the time is for the warehouse.
const KAFKA_TIME: Duration = Duration::from_secs(15);

/// What is known before anything is synchronised.
#[derive(Debug)]
pub(crate) struct Tables {
    /// Sorted by topic.
    pub(crate) specs: Vec<TableSpec>,
    /// Kafka's end offsets by topic, or why they are not known.
    pub(crate) ends: Result<BTreeMap<String, Ends>, String>,
    /// What is incomplete about it.
    pub(crate) warnings: Vec<String>,
}

/// Asks Kafka, and the warehouse's catalog if need be.
pub(crate) async fn list(
    pipeline: &Pipeline,
    layout: &Layout,
    kafka: &dyn KafkaCluster,
    warehouse: &dyn Warehouse,
    deadline: Deadline,
) -> Result<Tables, CatalogErrors> {
    let kafka_deadline = deadline.min(Instant::now() + KAFKA_TIME);
    match ask_kafka(pipeline, kafka, kafka_deadline).await {
        Ok((topics, ends)) => {
            let specs = pipeline.catalog(&topics)?;
            let warnings = pipeline
                .declared_topics()
                .into_iter()
                .filter(|topic| !topics.iter().any(|present| present == topic))
                .map(|topic| format!("topic {topic} of the pipeline file is not in Kafka, or this role may not see it"))
                .collect();
            Ok(Tables { specs, ends: Ok(ends), warnings })
        }
        Err(error) => {
            let mut warnings = Vec::new();
            let topics = without_kafka(pipeline, layout, warehouse, deadline, &mut warnings).await;
            Ok(Tables { specs: pipeline.catalog(&topics)?, ends: Err(chain(&error)), warnings })
        }
    }
}

async fn ask_kafka(
    pipeline: &Pipeline,
    kafka: &dyn KafkaCluster,
    deadline: Deadline,
) -> Result<(Vec<String>, BTreeMap<String, Ends>), KafkaError> {
    let topics: Vec<String> = kafka.topics(deadline).await?.into_iter().map(|topic| topic.name).collect();
    // Collisions of names are the caller's business; here only tables' topics matter.
    let of_tables: Vec<String> = topics
        .iter()
        .filter(|topic| matches!(pipeline.resolve(topic), cdc_core::pipeline::TopicRole::Table(_)))
        .cloned()
        .collect();
    let ends = if of_tables.is_empty() { BTreeMap::new() } else { kafka.end_offsets(&of_tables, deadline).await? };
    Ok((of_tables, ends))
}

async fn without_kafka(
    pipeline: &Pipeline,
    layout: &Layout,
    warehouse: &dyn Warehouse,
    deadline: Deadline,
    warnings: &mut Vec<String>,
) -> Vec<String> {
    let mut topics: BTreeSet<String> = pipeline.declared_topics().into_iter().map(str::to_owned).collect();
    if pipeline.has_patterns() {
        match query(warehouse, "catalog", &observe::catalog(layout), deadline).await {
            Ok(result) => {
                topics.extend(result.iter().filter_map(|row| row.text("topic").ok().flatten()).map(str::to_owned));
            }
            Err(error) => warnings.push(format!(
                "neither Kafka nor the warehouse's catalog could be asked for the tables of the patterns: {}",
                chain(&error)
            )),
        }
    }
    topics.into_iter().collect()
}
