//! Records of other shapes: flattened rows, and records without a key.

use std::collections::BTreeSet;

use super::*;

/// Debezium documentation, "New Record State Extraction": with
/// `delete.tombstone.handling.mode=tombstone`, the default, a deletion is its tombstone alone.
#[test]
fn a_tombstone_deletes_where_flattened_events_leave_deletions_out() {
    let text = |table: &TableDefinition| merge_procedure::create(&layout(), table);
    let wait = "deletions arrive as records without a value";
    assert!(text(&order_detail()).contains(wait), "flattened events wait until somebody knows of them");
    for mut table in [order_detail(), changed(), shaped()] {
        table.tombstones_delete = true;
        let procedure = text(&table);
        assert!(!procedure.contains(wait));
        let deleted = procedure.rfind("JSON_PARSE(k.kafka_key)").expect("keys are read");
        let held = procedure.find("cdc_held_rows := ROW_COUNT").expect("records wait");
        let typed = procedure.find("-- typed:").expect("typed events");
        assert!(held < deleted && deleted < typed, "what waits is no deletion yet");
        if table.shapes.is_some() {
            assert!(procedure.contains("IN ('json', 'repaired', 'tombstone')"), "a tombstone with another key waits");
        }
    }
}

/// A table without a key whose events carry their schema (types-mysql without its schema-change
/// topic): its records have no key, and one that has waits.
#[test]
fn a_list_of_no_names_is_no_condition() {
    let mut table = counted();
    table.shapes = shaped().shapes;
    table.records_key = Some(BTreeSet::new());
    let text = merge_procedure::create(&layout(), &table);
    assert!(!text.contains("IN ()"));
    assert!(text.contains("SUM(0) AS known"));
}
