//! The on-failure destination: a folder that stands for an S3 bucket.
//!
//! Each discarded batch is one object, under the key that Lambda uses
//! (`aws/lambda/<mapping>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<uuid>`; the mapping's UUID is its consumer group here),
//! with metadata and the whole event as text. Source: Lambda Developer Guide, "Capturing discarded batches for an
//! Amazon MSK event source".

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, json};

use super::MappingError;
use super::config::MappingConfig;
use super::payload::Layout;
use super::settle::{Condition, Item};
use crate::clock;

/// Writes the failure record of a discarded batch and returns its path.
pub(crate) fn write(
    folder: &Path,
    config: &MappingConfig,
    layout: &Layout,
    item: &Item,
    condition: Condition,
) -> Result<PathBuf, MappingError> {
    let event = layout.event(&item.batch);
    let record_info: Map<String, serde_json::Value> = item
        .batch
        .partitions()
        .filter_map(|(partition, records)| {
            let (first, last) = (records.first()?, records.last()?);
            Some((
                format!("{}-{partition}", config.topic),
                json!({
                    "firstRecordOffset": first.offset.to_string(),
                    "lastRecordOffset": last.offset.to_string(),
                    "firstRecordTimestamp": clock::iso8601(first.timestamp_ms),
                    "lastRecordTimestamp": clock::iso8601(last.timestamp_ms),
                }),
            ))
        })
        .collect();
    let now_ms = clock::now_ms();
    let failure = item.last_failure.as_ref();
    let record = json!({
        "requestContext": {
            "requestId": failure.map(|f| &f.request_id),
            "functionArn": config.function_arn,
            "condition": condition.name(),
            "approximateInvokeCount": item.failures,
        },
        "responseContext": failure.map(|f| json!({
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": f.function_error,
        })),
        "version": "1.0",
        "timestamp": clock::iso8601(now_ms),
        "KafkaBatchInfo": {
            "batchSize": item.batch.len(),
            "eventSourceArn": config.event_source_arn,
            "bootstrapServers": config.bootstrap_servers,
            "payloadSize": event.len(),
            "recordInfo": record_info,
        },
        "payload": String::from_utf8_lossy(&event),
    });
    let (day, second) = clock::object_key_parts(now_ms);
    let path = folder
        .join("aws/lambda")
        .join(&config.consumer_group)
        .join(day)
        .join(format!("{second}-{}", uuid::Uuid::new_v4()));
    let failed = |source| MappingError::Destination { path: path.clone(), source };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    fs::write(&path, record.to_string()).map_err(failed)?;
    Ok(path)
}
