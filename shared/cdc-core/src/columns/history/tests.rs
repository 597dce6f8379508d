//! Histories of one table, told by schema-change records as Debezium writes them.

use serde_json::json;

use super::super::{Knowledge, define};
use crate::catalog::{FormerColumn, FormerVersion, TableDefinition};
use crate::kafka::{Record, RecordPosition};
use crate::pipeline::{Pipeline, TopicRole};

/// `name TYPE`, `name TYPE!` for NOT NULL, `name TYPE=default`.
fn column(text: &str, position: usize) -> serde_json::Value {
    let (definition, default) = match text.split_once('=') {
        Some((definition, default)) => (definition, Some(default)),
        None => (text, None),
    };
    let (name, kind) = definition.split_once(' ').unwrap();
    let kind = kind.trim_end_matches('!');
    let (kind, length, scale) = match kind.strip_suffix(')').and_then(|kind| kind.split_once('(')) {
        Some((kind, numbers)) => {
            let (length, scale) = numbers.split_once(',').unwrap_or((numbers, ""));
            (kind, length.parse::<i64>().ok(), scale.parse::<i64>().ok())
        }
        None => (kind, None, None),
    };
    json!({"name": name, "typeName": kind, "length": length, "scale": scale, "position": position + 1,
           "charsetName": (kind == "VARCHAR").then_some("utf8mb4"),
           "optional": !definition.ends_with('!'), "defaultValueExpression": default})
}

struct Story {
    knowledge: Knowledge,
    told: i64,
    records: Vec<Record>,
}

impl Story {
    fn new() -> Self {
        Self { knowledge: Knowledge::default(), told: 0, records: Vec::new() }
    }

    fn tell(&mut self, kind: &str, ddl: &str, columns: &[&str]) {
        self.tell_with_key(kind, ddl, &["id"], columns);
    }

    fn tell_with_key(&mut self, kind: &str, ddl: &str, key: &[&str], columns: &[&str]) {
        self.told += 1;
        let columns: Vec<_> = columns.iter().enumerate().map(|(index, text)| column(text, index)).collect();
        let table = (kind != "DROP").then(|| json!({"primaryKeyColumnNames": key, "columns": columns}));
        let value = json!({
            "source": {"connector": "mariadb", "name": "shop", "snapshot": if self.told == 1 { "true" } else { "false" },
                       "db": "db", "server_id": 7, "gtid": format!("0-7-{}", self.told), "file": "bin.000001",
                       "pos": self.told * 100, "ts_ms": self.told * 1_000},
            "ts_ms": self.told * 1_000, "databaseName": "db", "ddl": ddl,
            "tableChanges": [{"type": kind, "id": "\"db\".\"t\"", "table": table}],
        });
        self.write(&Record {
            position: RecordPosition { topic: "shop".to_owned(), partition: 0, offset: 0 },
            timestamp_ms: None,
            key: None,
            value: Some(value.to_string().into_bytes()),
            headers: Vec::new(),
        });
    }

    /// A record goes to the end of the topic.
    fn write(&mut self, record: &Record) {
        let mut record = record.clone();
        let length = i64::try_from(self.records.len()).unwrap();
        record.position.offset = length + 1;
        record.timestamp_ms = Some((length + 1) * 1_000);
        self.knowledge.learn(&record);
        self.records.push(record);
    }

    fn definition(&self) -> TableDefinition {
        defined(&self.knowledge)
    }

    /// Each former version as `end: what the columns were, where it matters`.
    fn former(&self) -> Vec<String> {
        let table = self.definition();
        table.former.iter().map(|version| shown(&table, version)).collect()
    }
}

fn defined(knowledge: &Knowledge) -> TableDefinition {
    let file = "version: 1\nname: shop\nsource:\n  topic_prefix: shop\n  columns: schema_changes\n\
                tables:\n  - topic: shop.db.t\n";
    let pipeline = Pipeline::parse(file).unwrap();
    let TopicRole::Table(spec) = pipeline.resolve("shop.db.t") else { panic!("a table") };
    define(&pipeline, &spec, knowledge).unwrap().table
}

fn shown(table: &TableDefinition, version: &FormerVersion) -> String {
    let columns: Vec<String> = table
        .columns
        .iter()
        .zip(&version.columns)
        .filter_map(|(column, former)| {
            let name = &column.target_name;
            Some(match former {
                FormerColumn::Same => return None,
                FormerColumn::Other(other) => {
                    let was = &other.was;
                    let then: String =
                        other.then.iter().map(|then| format!(" then {}", then.column.source_type)).collect();
                    format!("{name} was {} {}{then}", was.source_name, was.target_type)
                }
                FormerColumn::Absent { default, reuses_name } => format!(
                    "{name} absent{}{}",
                    default.as_ref().map(|default| format!(" {default}")).unwrap_or_default(),
                    if *reuses_name { " (another before)" } else { "" }
                ),
                FormerColumn::Altered(was) => format!("{name} was {} and altered", was.source_name),
                FormerColumn::Unknown => format!("{name} unknown"),
            })
        })
        .collect();
    let end: u64 = version.until.as_ref().unwrap().log.position.split(':').nth(1).unwrap().parse().unwrap();
    format!("{end}{}: {}", if version.discarded { " discarded" } else { "" }, columns.join(", "))
}

#[test]
fn a_table_that_never_changed_has_no_past() {
    let mut story = Story::new();
    story.tell("CREATE", "CREATE TABLE t", &["id INT!", "v TEXT"]);
    // A snapshot that is taken again, an index, a table option.
    story.tell("ALTER", "ALTER TABLE t ADD INDEX (v)", &["id INT!", "v TEXT"]);
    assert_eq!(story.former(), [""; 0]);
    let mark = story.definition().schema_changes.unwrap();
    assert_eq!((mark.topic.as_str(), mark.table.as_str(), mark.offset), ("shop", "\"db\".\"t\"", 2));
}

#[test]
fn renamed_columns_keep_their_values() {
    let mut story = Story::new();
    story.tell("CREATE", "", &["id INT!", "kind VARCHAR(9)", "mail VARCHAR(50)"]);
    story.tell(
        "ALTER",
        "ALTER TABLE t RENAME COLUMN mail TO contact",
        &["id INT!", "kind VARCHAR(9)", "contact VARCHAR(50)"],
    );
    story.tell(
        "ALTER",
        "ALTER TABLE `t` CHANGE COLUMN `kind` `category` VARCHAR(20) NULL AFTER id",
        &["id INT!", "category VARCHAR(20)", "contact VARCHAR(50)"],
    );
    assert_eq!(
        story.former(),
        ["200: category was kind VARCHAR(80), contact was mail VARCHAR(200)", "300: category was kind VARCHAR(80)"]
    );
}

#[test]
fn a_wider_decimal_is_read_with_the_scale_of_its_time() {
    let mut story = Story::new();
    story.tell("CREATE", "", &["id INT!", "amt DECIMAL(10,2)", "qty INT"]);
    story.tell("ALTER", "ALTER TABLE t MODIFY amt DECIMAL(18,4)", &["id INT!", "amt DECIMAL(18,4)", "qty INT"]);
    // A larger integer is read the same way.
    story.tell("ALTER", "ALTER TABLE t MODIFY qty BIGINT", &["id INT!", "amt DECIMAL(18,4)", "qty BIGINT"]);
    assert_eq!(story.former(), ["200: amt was amt DECIMAL(10,2)"]);
}

#[test]
fn added_columns_have_the_default_they_were_added_with() {
    let mut story = Story::new();
    story.tell("CREATE", "", &["id INT!"]);
    story.tell(
        "ALTER",
        "ALTER TABLE t ADD COLUMN s VARCHAR(8) NOT NULL DEFAULT 'new'",
        &["id INT!", "s VARCHAR(8)!=new"],
    );
    story.tell("ALTER", "ALTER TABLE t MODIFY s VARCHAR(8) DEFAULT 'older'", &["id INT!", "s VARCHAR(8)=older"]);
    story.tell("ALTER", "ALTER TABLE t ADD COLUMN n INT", &["id INT!", "s VARCHAR(8)=older", "n INT"]);
    // NOT NULL without a default: the database puts zero into the rows that are there.
    story.tell("ALTER", "ALTER TABLE t ADD m INT NOT NULL", &["id INT!", "s VARCHAR(8)=older", "n INT", "m INT!"]);
    assert_eq!(
        story.former(),
        ["200: s absent new, n absent, m absent 0", "400: n absent, m absent 0", "500: m absent 0"]
    );
}

#[test]
fn a_name_that_comes_back_is_another_column() {
    let mut story = Story::new();
    story.tell("CREATE", "", &["id INT!", "note TEXT"]);
    story.tell("ALTER", "ALTER TABLE t DROP COLUMN note", &["id INT!"]);
    story.tell("ALTER", "ALTER TABLE t ADD COLUMN note INT", &["id INT!", "note INT"]);
    assert_eq!(story.former(), ["300: note absent (another before)"]);
    let mut at_once = Story::new();
    at_once.tell("CREATE", "", &["id INT!", "note INT"]);
    at_once.tell("ALTER", "ALTER TABLE t DROP COLUMN note, ADD COLUMN note INT DEFAULT 5", &["id INT!", "note INT=5"]);
    assert_eq!(at_once.former(), ["200: note absent 5 (another before)"]);
}

#[test]
fn a_statement_that_cannot_be_followed_makes_columns_unknown() {
    let mut story = Story::new();
    story.tell("CREATE", "", &["id INT!", "a INT"]);
    story.tell("ALTER", "ALTER TABLE t MANGLE a INTO b", &["id INT!", "b INT"]);
    assert_eq!(story.former(), ["200: b unknown"]);
}

#[test]
fn columns_that_change_their_names_with_each_other_take_their_values_along() {
    let mut story = Story::new();
    story.tell("CREATE", "", &["id INT!", "a INT", "b INT"]);
    // The definition is the same as before: only the statement tells.
    story.tell("ALTER", "ALTER TABLE t CHANGE a b INT, CHANGE b a INT", &["id INT!", "a INT", "b INT"]);
    assert_eq!(story.former(), ["200: a was b INTEGER, b was a INTEGER"]);
}

#[test]
fn a_name_is_taken_by_another_column_in_the_statement_that_frees_it() {
    let mut story = Story::new();
    story.tell("CREATE", "", &["id INT!", "a INT", "b INT"]);
    story.tell("ALTER", "ALTER TABLE t DROP a, CHANGE b a INT", &["id INT!", "a INT"]);
    story.tell("ALTER", "ALTER TABLE t CHANGE A c INT, ADD a INT DEFAULT 3", &["id INT!", "c INT", "a INT=3"]);
    assert_eq!(
        story.former(),
        ["200: c was b INTEGER, a absent 3 (another before)", "300: c was a INTEGER, a absent 3 (another before)"]
    );
}

#[test]
fn what_a_narrower_column_took_does_not_come_back() {
    let mut story = Story::new();
    story.tell("CREATE", "", &["id INT!", "amt DECIMAL(10,4)", "at DATETIME(6)", "n INT(11)"]);
    story.tell(
        "ALTER",
        "ALTER TABLE t MODIFY amt DECIMAL(10,2), MODIFY at DATETIME(3), MODIFY n VARCHAR(20)",
        &["id INT!", "amt DECIMAL(10,2)", "at DATETIME(3)", "n VARCHAR(20)"],
    );
    story.tell(
        "ALTER",
        "ALTER TABLE t MODIFY amt DECIMAL(10,4), MODIFY at DATETIME(6), MODIFY n INT",
        &["id INT!", "amt DECIMAL(10,4)", "at DATETIME(6)", "n INT"],
    );
    assert_eq!(
        story.former(),
        [
            "200: amt was amt DECIMAL(10,4) then decimal(10,2), at was at TIMESTAMP then datetime(3), n was n INTEGER then varchar(20)",
            "300: amt was amt DECIMAL(10,2), at was at TIMESTAMP, n was n VARCHAR(80)"
        ]
    );
}

#[test]
fn computed_values_of_an_added_column_are_unknown() {
    let mut story = Story::new();
    story.tell("CREATE", "", &["id INT!"]);
    story.tell(
        "ALTER",
        "ALTER TABLE t ADD g INT AS (id + 1) STORED, ADD u CHAR(36) DEFAULT uuid(), ADD f INT!",
        &["id INT!", "g INT", "u CHAR(36)=uuid()", "f INT!"],
    );
    assert_eq!(story.former(), ["200: g unknown, u unknown, f absent 0"]);
}

#[test]
fn a_table_that_takes_the_name_of_another_has_none_of_its_rows() {
    for (ddl, expected) in [
        ("RENAME TABLE t TO old, fresh TO t", "200 discarded: "),
        // gh-ost and pt-online-schema-change: the copy has the table's rows.
        ("RENAME TABLE t TO _t_del, _t_gho TO t", "200: v absent"),
        ("RENAME TABLE t TO _t_old, _t_new TO t", "200: v absent"),
    ] {
        let mut story = Story::new();
        story.tell("CREATE", "", &["id INT!"]);
        story.tell("ALTER", ddl, &["id INT!", "v INT"]);
        assert_eq!(story.former(), [expected], "{ddl}");
    }
    let mut story = Story::new();
    story.tell("CREATE", "", &["id INT!"]);
    story.tell("CREATE", "CREATE OR REPLACE TABLE t (id INT PRIMARY KEY)", &["id INT!"]);
    assert_eq!(story.former(), ["200 discarded: "]);
}

#[test]
fn a_table_that_was_dropped_and_created_anew_has_no_older_rows() {
    let mut story = Story::new();
    story.tell("CREATE", "", &["id INT!", "label VARCHAR(20)"]);
    story.tell("DROP", "DROP TABLE t", &[]);
    story.tell("CREATE", "CREATE TABLE t (...)", &["id INT!", "label VARCHAR(20)"]);
    assert_eq!(story.former(), ["300 discarded: "]);
}

#[test]
fn former_names_are_no_news() {
    let mut story = Story::new();
    story.tell("CREATE", "", &["id INT!", "mail VARCHAR(50)"]);
    story.tell("ALTER", "ALTER TABLE t RENAME COLUMN mail TO contact", &["id INT!", "contact VARCHAR(50)"]);
    let known = story.definition().known_attributes.unwrap();
    assert_eq!(known.into_iter().collect::<Vec<_>>(), ["contact", "id", "mail"]);
}

/// With `field.name.adjustment.mode` the topic has the source's names and the events have others:
/// former ones were taken for new columns, and the table waited for ever.
#[test]
fn former_names_are_adjusted_as_those_in_the_events_are() {
    for (mode, [mail, contact]) in
        [("avro", ["e_mail", "con_tact"]), ("avro_unicode", ["e_u002dmail", "con_u002btact"])]
    {
        let mut story = Story::new();
        story.tell("CREATE", "", &["id INT!", "e-mail VARCHAR(50)"]);
        let columns = ["id INT!", "con+tact VARCHAR(50)"];
        story.tell("ALTER", "ALTER TABLE t RENAME COLUMN `e-mail` TO `con+tact`", &columns);
        let file = format!(
            "version: 1\nname: shop\nsource:\n  topic_prefix: shop\n  settings: {{field.name.adjustment.mode: {mode}}}\n\
             tables:\n  - topic: shop.db.t\n    columns: {{rename: {{{contact}: contact}}}}\n"
        );
        let pipeline = Pipeline::parse(&file).unwrap();
        let TopicRole::Table(spec) = pipeline.resolve("shop.db.t") else { panic!("a table") };
        let table = define(&pipeline, &spec, &story.knowledge).unwrap().table;
        let known = table.known_attributes.unwrap();
        assert_eq!(known.into_iter().collect::<Vec<_>>(), [contact, mail, "id"].map(str::to_owned));
        let [FormerVersion { columns, .. }] = table.former.as_slice() else { panic!("one former version") };
        let was = columns[1].was().expect("the column had another name");
        assert_eq!(was.source_name, mail);
    }
}

#[test]
fn a_dump_does_not_tell_how_former_events_are_read() {
    let mut story = Story::new();
    story.tell("CREATE", "", &["id INT!", "amt DECIMAL(10,4)"]);
    story.tell("ALTER", "ALTER TABLE t MODIFY amt DECIMAL(10,2)", &["id INT!", "amt DECIMAL(10,2)"]);
    let file =
        "version: 1\nname: shop\nsource:\n  topic_prefix: shop\n  connector: mariadb\ntables:\n  - topic: shop.db.t\n";
    let pipeline = Pipeline::parse(file).unwrap();
    let dump = "CREATE TABLE `t` (`id` int NOT NULL, `amt` decimal(10,2), PRIMARY KEY (`id`));";
    story.knowledge.learn_dump(&pipeline, "dump.sql", dump).unwrap();
    let TopicRole::Table(spec) = pipeline.resolve("shop.db.t") else { panic!("a table") };
    let table = define(&pipeline, &spec, &story.knowledge).unwrap().table;
    assert_eq!(table.former.len(), 1);
}

/// With the definition of before as the newest, the provisioner would have taken the change back;
/// with a way back and forth between the two, a renamed column's former values were unknown.
#[test]
fn changes_that_are_told_again_count_once() {
    let mut story = Story::new();
    story.tell("CREATE", "CREATE TABLE t", &["id INT!", "a DECIMAL(8,2)", "gone INT"]);
    story.tell("ALTER", "ALTER TABLE t MODIFY a DECIMAL(12,4), DROP gone", &["id INT!", "a DECIMAL(12,4)"]);
    story.tell("ALTER", "ALTER TABLE t RENAME COLUMN a TO b", &["id INT!", "b DECIMAL(12,4)"]);
    let (former, definition) = (story.former(), story.definition());
    for again in [2, 1, 3] {
        let last = story.records.split_off(story.records.len() - again);
        story.records.extend(last.iter().cloned());
        for record in &last {
            story.write(record);
            assert_eq!(story.former(), former);
            let told = story.definition();
            assert_eq!(told.columns, definition.columns);
            let (mark, first) = (told.schema_changes.unwrap(), definition.schema_changes.as_ref().unwrap());
            assert_eq!(mark.offset, i64::try_from(story.records.len()).unwrap(), "the record is passed");
            assert_eq!(mark.position, first.position, "the newest statement that is known");
        }
    }
}

#[test]
fn the_same_statement_at_another_place_is_another_change() {
    let mut story = Story::new();
    story.tell("CREATE", "CREATE TABLE t", &["id INT!", "a INT"]);
    story.tell("ALTER", "ALTER TABLE t DROP a", &["id INT!"]);
    story.tell("ALTER", "ALTER TABLE t ADD a INT", &["id INT!", "a INT"]);
    story.tell("ALTER", "ALTER TABLE t DROP a", &["id INT!"]);
    story.tell("ALTER", "ALTER TABLE t ADD a INT", &["id INT!", "a INT"]);
    // Everything before the last one, at 500, is of another column.
    assert_eq!(story.former(), ["500: a absent (another before)"]);
}

/// A flattened update does not tell which row of the longer key it is about: two rows of one former
/// key stayed.
#[test]
fn a_key_grows_when_the_flattened_records_with_the_former_one_are_merged() {
    let mut story = Story::new();
    story.tell("CREATE", "create table t (id int primary key, b int)", &["id INT!", "b INT"]);
    story.tell_with_key(
        "ALTER",
        "alter table t drop primary key, add primary key (id, b)",
        &["id", "b"],
        &["id INT!", "b INT!"],
    );
    let record = |key: &str| Record {
        position: RecordPosition { topic: "shop.db.t".to_owned(), partition: 0, offset: 1 },
        timestamp_ms: Some(1),
        key: Some(key.as_bytes().to_vec()),
        value: Some(br#"{"id":1,"b":2,"__op":"u","__deleted":"false"}"#.to_vec()),
        headers: Vec::new(),
    };
    let mut waiting = story.knowledge.clone();
    waiting.learn_unmerged(&record(r#"{"id":1}"#));
    waiting.learn_unmerged(&record(r#"{"id":1,"b":2}"#));
    let table = defined(&waiting);
    assert_eq!((table.key, table.records_key), (vec!["id".to_owned()], Some(["id".to_owned()].into())));
    story.knowledge.learn_unmerged(&record(r#"{"id":1,"b":2}"#));
    let table = story.definition();
    assert_eq!((table.key, table.records_key), (vec!["id".to_owned(), "b".to_owned()], None));
}

#[test]
fn every_version_knows_the_attributes_of_its_events() {
    let mut story = Story::new();
    story.tell("CREATE", "create table t (id int primary key, a int, gone int)", &["id INT!", "a INT", "gone INT"]);
    story.tell("ALTER", "alter table t drop column gone", &["id INT!", "a INT"]);
    story.tell("ALTER", "alter table t add column b int", &["id INT!", "a INT", "b INT"]);
    let table = story.definition();
    let sets = |sets: &[std::collections::BTreeSet<String>]| {
        sets.iter().map(|set| set.iter().cloned().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(table.former.len(), 1);
    assert_eq!(sets(&table.former[0].attributes), ["a gone id", "a id"]);
    assert_eq!(sets(&table.attributes), ["a b id"]);
}

/// A schema-change topic keeps its records for a week by default (Apache Kafka, `retention.ms`).
#[test]
fn a_recorded_definition_is_known_although_the_topic_lost_it() {
    let mut story = Story::new();
    story.tell("CREATE", "create table t (id int primary key, a decimal(8,2))", &["id INT!", "a DECIMAL(8,2)"]);
    let recorded = story.definition().learned_from.expect("a record");
    let mut expired = Story { told: 1, records: story.records.clone(), ..Story::new() };
    for story in [&mut story, &mut expired] {
        story.tell(
            "ALTER",
            "alter table t change a b decimal(10,4), add c int default 5",
            &["id INT!", "b DECIMAL(10,4)", "c INT=5"],
        );
    }
    assert_eq!(expired.former(), Vec::<String>::new());
    expired.knowledge.learn_recorded(&recorded);
    assert_eq!(expired.former(), story.former());
    assert_eq!(expired.definition(), story.definition());
    story.knowledge.learn_recorded(&recorded);
    assert_eq!(expired.definition(), story.definition(), "it is known already");
}
