//! What a function's answer says about its batch.
//!
//! Pure. Source of the rules: Lambda Developer Guide, "Reporting batch item failures" (an empty answer, a null or
//! an empty list are success; an identifier that is empty, null, misnamed or unknown fails the whole batch).

use std::collections::BTreeMap;

use serde_json::Value;

use super::payload::Batch;

/// The meaning of an answer without function error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every record is processed.
    Success,
    /// Per partition, the lowest failed offset. The records below it and those of other partitions are processed.
    Partial(BTreeMap<i32, i64>),
    /// The answer is not a batch response: nothing counts as processed. The text says why.
    Malformed(&'static str),
}

/// Reads the answer of a function whose mapping has `ReportBatchItemFailures`.
pub(crate) fn judge(answer: &[u8], batch: &Batch, topic: &str) -> Verdict {
    if answer.iter().all(u8::is_ascii_whitespace) {
        return Verdict::Success;
    }
    let Ok(answer) = serde_json::from_slice::<Value>(answer) else {
        return Verdict::Malformed("the response is not valid JSON");
    };
    let answer = match answer {
        Value::Null => return Verdict::Success,
        Value::Object(members) => members,
        _ => return Verdict::Malformed("the response is not a JSON object"),
    };
    let items = match answer.get("batchItemFailures") {
        None | Some(Value::Null) => return Verdict::Success,
        Some(Value::Array(items)) if items.is_empty() => return Verdict::Success,
        Some(Value::Array(items)) => items,
        Some(_) => return Verdict::Malformed("batchItemFailures is not a list"),
    };
    let mut lowest = BTreeMap::new();
    for item in items {
        let Some((partition, offset)) = identifier(item, batch, topic) else {
            return Verdict::Malformed("batchItemFailures has an identifier that is not of this batch");
        };
        lowest.entry(partition).and_modify(|known: &mut i64| *known = offset.min(*known)).or_insert(offset);
    }
    Verdict::Partial(lowest)
}

/// The record that an item names; `None` if there is no such record in the batch.
fn identifier(item: &Value, batch: &Batch, topic: &str) -> Option<(i32, i64)> {
    let identifier = item.get("itemIdentifier")?;
    let partition = identifier.get("partition")?.as_str()?.strip_prefix(topic)?.strip_prefix('-')?;
    let number: i32 = partition.parse().ok()?;
    // `+1` and `01` would be parsed too, but they are not names of partitions.
    if number.to_string() != partition {
        return None;
    }
    let offset = identifier.get("offset")?.as_i64()?;
    batch.partition(number).binary_search_by_key(&offset, |record| record.offset).is_ok().then_some((number, offset))
}
