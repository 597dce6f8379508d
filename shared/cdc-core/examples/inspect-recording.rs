//! Shows what the core makes of recorded Kafka records: how many of each kind each topic has,
//! and how the tables would be defined.
//!
//! `zcat records.jsonl.gz | cargo run -p cdc-core --example inspect-recording -- pipeline.yaml`
//!
//! Each line is an object with `topic`, `partition`, `offset`, `timestamp`, `key`, `value`
//! (texts or null). Dumps that the pipeline file names are read from beside it.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::path::Path;

use cdc_core::columns::{Knowledge, define};
use cdc_core::event::{Decoded, decode};
use cdc_core::kafka::{Record, RecordBatch, RecordPosition};
use cdc_core::pipeline::Pipeline;
use cdc_core::plan::merge::plan;

type Failure = Box<dyn std::error::Error>;

#[derive(serde::Deserialize)]
struct Line {
    topic: String,
    partition: i32,
    offset: i64,
    timestamp: Option<i64>,
    key: Option<String>,
    value: Option<String>,
}

fn main() -> Result<(), Failure> {
    let file = std::env::args().nth(1).ok_or("name the pipeline file")?;
    let pipeline = Pipeline::parse(&std::fs::read_to_string(&file)?)?;
    let folder = Path::new(&file).parent().unwrap_or(Path::new("."));
    let mut knowledge = Knowledge::default();
    for dump in pipeline.dump_files() {
        let sql = std::fs::read_to_string(folder.join(dump))?;
        knowledge.learn_dump(&pipeline, dump, &sql)?;
    }
    let mut kinds: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut records = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let line: Line = serde_json::from_str(&line?)?;
        let record = Record {
            position: RecordPosition { topic: line.topic, partition: line.partition, offset: line.offset },
            timestamp_ms: line.timestamp,
            key: line.key.map(String::into_bytes),
            value: line.value.map(String::into_bytes),
            headers: Vec::new(),
        };
        knowledge.learn(&record);
        let kind = kind(&decode(&record));
        *kinds.entry((record.position.topic.clone(), kind)).or_default() += 1;
        records.push(record);
    }
    for ((topic, kind), count) in &kinds {
        println!("{topic}: {count} {kind}");
    }
    let batch = RecordBatch::of(records, Vec::new());
    let plan = plan(&batch, &pipeline);
    for work in plan.tables.values() {
        println!();
        match define(&pipeline, &work.spec, &knowledge) {
            Ok(definition) => {
                let table = &definition.table;
                println!("{} from {}, key {:?}", table.spec.id(), definition.origin, table.key);
                for column in &table.columns {
                    println!(
                        "  {} {} {} <- {} {:?}",
                        column.target_name,
                        column.target_type,
                        if column.nullable { "null" } else { "not null" },
                        column.source_type,
                        column.decoding
                    );
                }
                for column in &definition.excluded {
                    println!("  without {} ({}): {}", column.name, column.source_type, column.reason);
                }
            }
            Err(error) => println!("{error}"),
        }
    }
    println!("\nunknown topics: {:?}", plan.unknown_topics.keys());
    Ok(())
}

fn kind(decoded: &Decoded<'_>) -> String {
    match decoded {
        Decoded::Change(change) => {
            let ordered = match change.source.position {
                Some(_) => "ordered",
                None => "without position",
            };
            format!("change {:?} {ordered}", change.operation)
        }
        Decoded::Tombstone => "tombstone".to_owned(),
        Decoded::Heartbeat { .. } => "heartbeat".to_owned(),
        Decoded::SchemaChange(_) => "schema change".to_owned(),
        Decoded::Transaction(_) => "transaction".to_owned(),
        Decoded::Truncate(_) => "truncate".to_owned(),
        Decoded::Message => "message".to_owned(),
        Decoded::Poison { reason } => format!("POISON {reason}"),
    }
}
