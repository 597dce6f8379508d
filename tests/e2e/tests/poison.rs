//! Records that nobody can merge: they end in quarantine with a reason, and nothing else is
//! held up or lost.

use e2e::{assert_full_parity, options, records, run, stop, write_recording};
use local_stack::recording::RecordedRecord;

#[tokio::test(flavor = "multi_thread")]
async fn poison_records_go_to_quarantine_and_hold_nothing_up() {
    let mut all = records("salesdb-postgres", "schema").expect("the corpus is readable");
    let topic = "pgsales.public.CUSTOMER";
    let poison = [
        ("not JSON", Some("this is no JSON")),
        ("half a document", Some("{\"before\":null,\"after\":{\"CUST_ID\":")),
        ("JSON, no event", Some("[1,2,3]")),
        ("no row image", Some("{\"op\":\"c\",\"after\":null,\"source\":{\"ts_ms\":1}}")),
        ("no key", Some("{\"op\":\"c\",\"after\":{\"NAME\":\"x\"},\"source\":{\"ts_ms\":1}}")),
        (
            "key of another type",
            Some("{\"op\":\"c\",\"after\":{\"CUST_ID\":\"seven\",\"NAME\":\"x\"},\"source\":{\"ts_ms\":1}}"),
        ),
        ("an operation that is no row change", Some("{\"op\":\"t\",\"source\":{\"ts_ms\":1}}")),
    ];
    let middle = all.len() / 2;
    for (index, (_, value)) in poison.iter().enumerate() {
        all.insert(
            middle + index * 20,
            RecordedRecord {
                topic: topic.to_owned(),
                partition: i32::try_from(index % 3).expect("three partitions"),
                offset: 0,
                timestamp: 0,
                key: Some("{}".to_owned()),
                value: value.map(str::to_owned),
                headers: Vec::new(),
            },
        );
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("poison.jsonl");
    write_recording(&file, &all).expect("the recording is written");
    let mut options = options("salesdb-postgres", "schema", "pgsales.yaml");
    options.records = vec![file];
    options.dump = Some(folder.path().join("dump"));
    let replay = run(&options).await.expect("the replay runs to its end");
    assert_full_parity(&replay);
    let quarantined: i64 = replay.summary.tables.iter().map(|table| table.quarantined).sum();
    assert_eq!(quarantined, i64::try_from(poison.len()).expect("a few records"));
    let dumped =
        std::fs::read_to_string(folder.path().join("dump/quarantine.jsonl")).expect("the quarantine is dumped");
    assert_eq!(dumped.lines().count(), poison.len());
    for line in dumped.lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("one JSON object a line");
        assert_eq!(row["topic"], topic);
        assert!(row["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{line}");
    }
    stop(replay).await;
}
