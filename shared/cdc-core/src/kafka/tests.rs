//! Odd events by example, and arbitrary ones.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn batch(event: &serde_json::Value) -> RecordBatch {
    serde_json::from_str::<KafkaEvent>(&event.to_string()).unwrap().into_batch()
}

/// An event with one record of `orders-0`: the usual fields with the given ones over them.
fn one(fields: serde_json::Value) -> RecordBatch {
    let mut record = json!({
        "topic": "orders", "partition": 0, "offset": 7, "timestamp": 1000, "timestampType": "CREATE_TIME",
        "key": "eyJpZCI6MX0=", "value": "e30=", "headers": [{"a": [104, 105]}],
    });
    for (name, value) in fields.as_object().unwrap() {
        if value == "absent" {
            record.as_object_mut().unwrap().remove(name);
        } else {
            record[name] = value.clone();
        }
    }
    batch(&json!({"eventSource": "aws:kafka", "records": {"orders-0": [record]}}))
}

fn position(partition: i32, offset: i64) -> RecordPosition {
    RecordPosition { topic: "orders".to_owned(), partition, offset }
}

#[test]
fn reads_an_event_of_msk_and_of_a_self_managed_cluster() {
    let text = json!({
        "eventSource": "aws:kafka",
        "eventSourceArn": "arn:aws:kafka:eu-west-1:123456789012:cluster/c/1",
        "bootstrapServers": "b-1:9098",
        "records": {"orders-0": [{
            "topic": "orders", "partition": 0, "offset": 15, "timestamp": 1_545_084_650_987_i64,
            "timestampType": "CREATE_TIME", "key": "eyJpZCI6MX0=", "value": "e30=",
            "headers": [{"k": [-61, -85]}], "keySchemaMetadata": {"dataFormat": "JSON", "schemaId": "1"},
        }]},
    })
    .to_string();
    let event: KafkaEvent = serde_json::from_str(&text).unwrap();
    assert_eq!(event.event_source.as_deref(), Some("aws:kafka"));
    assert!(event.event_source_arn.is_some());
    let batch = event.into_batch();
    assert!(batch.malformed.is_empty());
    assert_eq!(
        batch.records,
        [Record {
            position: position(0, 15),
            timestamp_ms: Some(1_545_084_650_987),
            key: Some(b"{\"id\":1}".to_vec()),
            value: Some(b"{}".to_vec()),
            headers: vec![("k".to_owned(), Some("ë".as_bytes().to_vec()))],
        }]
    );
    let own: KafkaEvent = serde_json::from_str(r#"{"eventSource":"SelfManagedKafka","records":{}}"#).unwrap();
    assert_eq!(own.event_source_arn, None);
}

#[test]
fn what_is_odd_but_legal_is_read() {
    let none = one(json!({"key": null, "value": null}));
    assert_eq!((&none.records[0].key, &none.records[0].value), (&None, &None));
    let absent = one(json!({"key": "absent", "value": "absent", "timestamp": "absent", "headers": "absent"}));
    assert_eq!((&absent.records[0].key, &absent.records[0].value), (&None, &None));
    assert_eq!(absent.records[0].timestamp_ms, None);
    assert!(absent.records[0].headers.is_empty());
    let empty = one(json!({"key": "", "value": ""}));
    assert_eq!(empty.records[0].key, Some(Vec::new()));
    assert_eq!(empty.records[0].value, Some(Vec::new()));
    assert_eq!(one(json!({"timestamp": -1})).records[0].timestamp_ms, None);
    assert_eq!(one(json!({"timestamp": null})).records[0].timestamp_ms, None);
    assert!(one(json!({"headers": null})).records[0].headers.is_empty());
    let headers = one(json!({"headers": [{"n": null}, {"u": [195, 171]}, {"s": [-128, -1, 0, 127]}, {"e": []}]}));
    assert_eq!(
        headers.records[0].headers,
        [
            ("n".to_owned(), None),
            ("u".to_owned(), Some(vec![195, 171])),
            ("s".to_owned(), Some(vec![128, 255, 0, 127])),
            ("e".to_owned(), Some(Vec::new())),
        ]
    );
    let by_group = one(json!({"topic": "absent", "partition": "absent"}));
    assert_eq!(by_group.records[0].position, position(0, 7));
}

#[test]
fn what_is_malformed_is_one_record_s_trouble() {
    let cases = [
        (json!({"key": "%%"}), "the key is not base64 text"),
        (json!({"key": 7}), "the key is not base64 text"),
        (json!({"value": "e30"}), "the value is not base64 text"),
        (json!({"value": {"a": [1]}}), "the value is not base64 text"),
        (json!({"value": [1]}), "the value is not base64 text"),
        (json!({"headers": "x"}), "the headers are not a list of objects"),
        (json!({"headers": [7]}), "the headers are not a list of objects"),
        (json!({"headers": [{"a": [256]}]}), "the headers are not a list of objects"),
        (json!({"headers": [{"a": "text"}]}), "the headers are not a list of objects"),
    ];
    for (fields, reason) in cases {
        let batch = one(fields.clone());
        assert!(batch.records.is_empty(), "{fields}");
        assert_eq!(batch.malformed.len(), 1, "{fields}");
        assert_eq!(batch.malformed[0].position, Some(position(0, 7)), "{fields}");
        assert_eq!(batch.malformed[0].reason, reason, "{fields}");
        assert_eq!(batch.malformed[0].timestamp_ms, Some(1000), "{fields}");
    }
}

#[test]
fn what_has_no_position_is_kept_apart() {
    for fields in [
        json!({"offset": "absent"}),
        json!({"offset": null}),
        json!({"offset": "7"}),
        json!({"offset": -1}),
        json!({"offset": 1.5}),
        json!({"partition": 4_294_967_296_i64}),
    ] {
        let batch = one(fields.clone());
        assert!(batch.records.is_empty(), "{fields}");
        assert_eq!(batch.malformed[0].position, None, "{fields}");
        assert_eq!(batch.malformed[0].group, "orders-0", "{fields}");
    }
    let groups = batch(&json!({"records": {"orders-0": [7, null, [], "x"], "orders-1": null, "orders-2": {"a": 1}}}));
    assert_eq!(groups.malformed.len(), 6);
    assert!(batch(&json!({"records": [1]})).malformed[0].position.is_none());
    assert_eq!(batch(&json!({})), RecordBatch::default());
    assert_eq!(batch(&json!({"records": null})), RecordBatch::default());
    assert!(serde_json::from_str::<KafkaEvent>("[]").is_err());
}

#[test]
fn records_are_sorted_and_repeated_positions_count_once() {
    let record = |topic: &str, partition: i32, offset: i64, value: &str| json!({"topic": topic, "partition": partition, "offset": offset, "value": value});
    let batch = batch(&json!({"records": {
        "b-1-0": [record("b-1", 0, 2, "e30="), record("b-1", 0, 1, "e30=")],
        "a-1": [record("a", 1, 5, "e30="), record("a", 1, 5, "e30="), record("a", 1, 4, "%")],
        "a-0": [record("a", 0, 9, "e30="), record("a", 1, 4, "e30="), record("a", 0, 3, "%"), record("a", 0, 3, "%")],
    }}));
    let order: Vec<String> = batch.records.iter().map(|record| record.position.to_string()).collect();
    assert_eq!(order, ["a-0@9", "a-1@4", "a-1@5", "b-1-0@1", "b-1-0@2"]);
    let malformed: Vec<Option<String>> =
        batch.malformed.iter().map(|record| record.position.as_ref().map(ToString::to_string)).collect();
    assert_eq!(malformed, [Some("a-0@3".to_owned())]);
}

#[test]
fn the_response_has_the_shape_that_lambda_expects() {
    let response = BatchResponse::of(&[position(0, 100_042), position(1, 3)]);
    assert_eq!(
        serde_json::to_value(&response).unwrap(),
        json!({"batchItemFailures": [
            {"itemIdentifier": {"partition": "orders-0", "offset": 100_042}},
            {"itemIdentifier": {"partition": "orders-1", "offset": 3}},
        ]})
    );
    assert_eq!(serde_json::to_value(BatchResponse::default()).unwrap(), json!({"batchItemFailures": []}));
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "[a-zA-Z0-9=+/-]{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let name = prop_oneof![
            Just("topic".to_owned()),
            Just("partition".to_owned()),
            Just("offset".to_owned()),
            Just("timestamp".to_owned()),
            Just("key".to_owned()),
            Just("value".to_owned()),
            Just("headers".to_owned()),
            Just("orders-0".to_owned()),
            "[a-z]{1,3}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(name, inner, 0..6).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_object_is_an_event(records in any_json(), source in any_json()) {
        let event = json!({"eventSource": source, "records": records});
        let batch = batch(&event);
        let positions: Vec<&RecordPosition> =
            batch.records.iter().map(|record| &record.position).collect();
        prop_assert!(positions.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,100}") {
        let _ = serde_json::from_str::<KafkaEvent>(&text).is_ok();
    }

    #[test]
    fn no_record_of_an_event_is_lost(
        fields in prop::collection::vec((any_json(), any_json(), any_json()), 0..8),
    ) {
        let records: Vec<serde_json::Value> = fields
            .into_iter()
            .enumerate()
            .map(|(offset, (key, value, headers))| json!({
                "topic": "orders", "partition": 0, "offset": offset,
                "key": key, "value": value, "headers": headers,
            }))
            .collect();
        let expected = records.len();
        let batch = batch(&json!({"records": {"orders-0": records}}));
        prop_assert_eq!(batch.records.len() + batch.malformed.len(), expected);
    }
}
