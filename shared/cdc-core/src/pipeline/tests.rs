//! The pipeline file by example: what is read, what is refused and how it is said.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::names::{SLUG_MAX_BYTES, slug};
use super::*;

const WHOLE: &str = r#"
version: 1
name: salesdb
source:
  topic_prefix: salesdb
  connector: mysql
  columns: auto
  dump: [ddl.sql, more.sql]
kafka:
  brokers: [b-1:9098, "b-2:9098"]
  authentication: iam
warehouse:
  control_schema: CDC
  iam_role: arn:aws:iam::123456789012:role/redshift
  users: {change_handler: "IAMR:handler", refresher: "IAMR:refresher"}
  readers: [analysts, "group:bi", "user:eve"]
defaults: {auto_refresh: false, on_unsupported_column: exclude, freshness_seconds: 60}
tables:
  - topic: salesdb.salesdb.*
    exclude: [salesdb.salesdb.dbz_signal, salesdb.salesdb.tmp_*]
    columns: {exclude: [SECRET]}
  - topic: salesdb.salesdb.CUSTOMER
    target: {schema: sales, table: Customer}
    key: [CUST_ID]
    columns: {rename: {NAME: full_name}, declare: [{name: CUST_ID, type: bigint, nullable: false}, {name: NAME, type: varchar(20)}]}
    auto_refresh: true
    freshness_seconds: 5
"#;

fn with_tables(tables: &str) -> String {
    format!("version: 1\nname: p\nsource: {{topic_prefix: db}}\ntables:\n{tables}")
}

fn pipeline(tables: &str) -> Pipeline {
    match Pipeline::parse(&with_tables(tables)) {
        Ok(pipeline) => pipeline,
        Err(errors) => panic!("{errors}"),
    }
}

fn problems(yaml: &str) -> Vec<String> {
    Pipeline::parse(yaml).expect_err("the file has problems").problems.iter().map(ToString::to_string).collect()
}

fn table(pipeline: &Pipeline, topic: &str) -> crate::catalog::TableSpec {
    match pipeline.resolve(topic) {
        TopicRole::Table(spec) => spec,
        other => panic!("{topic} is {other:?}"),
    }
}

#[test]
fn reads_a_whole_file() {
    let pipeline = Pipeline::parse(WHOLE).unwrap();
    assert_eq!(pipeline.name(), "salesdb");
    assert_eq!(pipeline.connector(), Some(Connector::Mysql));
    assert_eq!(pipeline.dump_files(), ["ddl.sql", "more.sql"]);
    assert_eq!(pipeline.control_schema(), "cdc");
    assert_eq!(pipeline.landing_schema(), "cdc_landing");
    assert_eq!(pipeline.external_schema(), "cdc_kafka");
    assert_eq!(pipeline.users().change_handler.as_deref(), Some("IAMR:handler"));
    assert_eq!(pipeline.users().lag_monitor, None);
    let kinds: Vec<(ReaderKind, &str)> =
        pipeline.readers().iter().map(|reader| (reader.kind, reader.name.as_str())).collect();
    assert_eq!(kinds, [(ReaderKind::Role, "analysts"), (ReaderKind::Group, "bi"), (ReaderKind::User, "eve")]);
    let kafka = pipeline.kafka().unwrap();
    assert_eq!(kafka.cluster, KafkaCluster::Brokers(vec!["b-1:9098".to_owned(), "b-2:9098".to_owned()]));
    assert_eq!(kafka.authentication, Authentication::Iam);
}

#[test]
fn the_smallest_file_has_all_defaults() {
    let pipeline = pipeline("  - topic: db.shop.*\n");
    assert_eq!(pipeline.kafka(), None);
    assert_eq!(pipeline.iam_role(), "default");
    assert_eq!(pipeline.column_source(), ColumnSource::Auto);
    assert_eq!(pipeline.unsized_text_bytes(), 65_535);
    assert!(pipeline.dump_files().is_empty());
    assert!(pipeline.has_patterns());
    assert!(pipeline.declared_topics().is_empty());
}

#[test]
fn topics_have_roles() {
    let pipeline = Pipeline::parse(WHOLE).unwrap();
    assert_eq!(pipeline.resolve("salesdb"), TopicRole::SchemaChanges);
    assert_eq!(pipeline.resolve("__debezium-heartbeat.salesdb"), TopicRole::Heartbeat);
    assert_eq!(pipeline.resolve("salesdb.transaction"), TopicRole::Transactions);
    assert_eq!(pipeline.resolve("salesdb.salesdb.dbz_signal"), TopicRole::Excluded);
    assert_eq!(pipeline.resolve("salesdb.salesdb.tmp_1"), TopicRole::Excluded);
    assert_eq!(pipeline.resolve("salesdb.other.T"), TopicRole::Unknown);
    assert_eq!(pipeline.resolve("salesdb.salesdb.a.b"), TopicRole::Unknown);
    let order = table(&pipeline, "salesdb.salesdb.SALES_ORDER");
    assert_eq!(order.slug, "salesdb_sales_order");
    assert_eq!(order.id().as_str(), "salesdb.sales_order");
    assert_eq!(order.source_table, "SALES_ORDER");
    assert!(!order.auto_refresh);
    let customer = table(&pipeline, "salesdb.salesdb.CUSTOMER");
    assert_eq!(customer.id().as_str(), "sales.customer");
    assert_eq!(customer.slug, "salesdb_customer");
    assert!(customer.auto_refresh);
    let freshness = |topic: &str| pipeline.table_options(topic).freshness.map(|freshness| freshness.as_secs());
    assert_eq!(freshness("salesdb.salesdb.CUSTOMER"), Some(5));
    assert_eq!(freshness("salesdb.salesdb.SALES_ORDER"), Some(60));
}

#[test]
fn debezium_topics_may_have_other_names() {
    let pipeline = Pipeline::parse(
        "version: 1\nname: p\nsource: {topic_prefix: a.b, heartbeat_prefix: beat, transaction_topic: tx}\ntables: [{topic: 'a.b.**'}]",
    )
    .unwrap();
    assert_eq!(pipeline.resolve("beat.a.b"), TopicRole::Heartbeat);
    assert_eq!(pipeline.resolve("a.b.tx"), TopicRole::Transactions);
    assert_eq!(pipeline.resolve("a.b"), TopicRole::SchemaChanges);
    let dotted = table(&pipeline, "a.b.shop.with.dots");
    assert_eq!(dotted.source_table, "with.dots");
    assert_eq!(dotted.target_schema, "shop");
    assert!(dotted.slug.starts_with("shop_with_dots_"));
}

#[test]
fn exact_names_apply_over_patterns_and_later_patterns_over_earlier() {
    let pipeline = pipeline(
        "  - {topic: db.shop.T, keyless: error, mode: soft_delete}\n  - {topic: db.**, target: {schema: all}, key: [A], mode: history}\n  - {topic: db.shop.*, key: [B], columns: {exclude: [X]}}\n",
    );
    let options = pipeline.table_options("db.shop.T");
    assert_eq!((options.keyless, options.mode), (Keyless::Error, Mode::SoftDelete));
    assert_eq!(options.key, Some(vec!["B".to_owned()]));
    assert_eq!(options.exclude, ["X"]);
    assert_eq!(table(&pipeline, "db.shop.T").id().as_str(), "all.t");
    let other = pipeline.table_options("db.other.T");
    assert_eq!((other.key, other.mode), (Some(vec!["A".to_owned()]), Mode::History));
}

/// Lists of other options replace those of earlier entries; one that did so here would show clear values.
#[test]
fn what_a_pattern_protects_stays_protected() {
    let pipeline = pipeline(
        "  - {topic: db.a.*, columns: {hash: [MAIL, TAX], mask: {PHONE: {keep_last: 4}}}}\n  \
         - {topic: db.a.T, columns: {hash: [NAME], mask: {TAX: {}}}}\n",
    );
    let of =
        |topic: &str| -> Vec<(String, Protection)> { pipeline.table_options(topic).protection.into_iter().collect() };
    let mask = |keep_last| Protection::Mask { keep_last };
    let named = |found: &[(&str, Protection)]| -> Vec<(String, Protection)> {
        found.iter().map(|(name, protection)| ((*name).to_owned(), *protection)).collect()
    };
    assert_eq!(of("db.a.U"), named(&[("MAIL", Protection::Hash), ("PHONE", mask(4)), ("TAX", Protection::Hash)]));
    let own = [("MAIL", Protection::Hash), ("NAME", Protection::Hash), ("PHONE", mask(4)), ("TAX", mask(0))];
    assert_eq!(of("db.a.T"), named(&own));
}

#[test]
fn every_problem_is_reported_with_its_place() {
    let yaml = r#"version: 1
nmae: salesdb
source:
  topic_prefx: salesdb
  columns: shema_changes
kafka: [a]
tables:
  - topic: salesdb.*
    columns:
      exlude: [A]
  - topic: ""
    auto_refresh: maybe
    key: A
  - 7
"#;
    assert_eq!(
        problems(yaml),
        [
            "line 1, column 1: the key `name` is missing",
            "line 2, column 1: nmae: unknown key `nmae`; did you mean `name`?",
            "line 4, column 3: source: the key `topic_prefix` is missing",
            "line 4, column 3: source.topic_prefx: unknown key `topic_prefx`; did you mean `topic_prefix`?",
            "line 5, column 12: source.columns: unknown value `shema_changes`; did you mean `schema_changes`?",
            "line 6, column 8: kafka: expected a mapping, found a list",
            "line 10, column 7: tables[0].columns.exlude: unknown key `exlude`; did you mean `exclude`?",
            "line 11, column 12: tables[1].topic: must not be empty",
            "line 12, column 19: tables[1].auto_refresh: expected true or false, found text",
            "line 13, column 10: tables[1].key: expected a list, found text",
            "line 14, column 5: tables[2]: expected a mapping, found a whole number",
        ]
    );
}

#[test]
fn one_problem_each() {
    let cases: &[(&str, &str)] = &[
        ("", "expected a mapping, found nothing"),
        ("a: [", "line "),
        (
            "version: 2\nname: p\nsource: {topic_prefix: db}\ntables: [{topic: db.a.b}]",
            "line 1, column 10: version: must be 1",
        ),
        (
            "version: 1\nname: p\nname: q\nsource: {topic_prefix: db}\ntables: [{topic: db.a.b}]",
            "line 3, column 1: name: the key is already given on line 2",
        ),
        ("version: 1\nname: p\nsource: {topic_prefix: db}\ntables: []", "tables: must not be empty"),
        (
            "version: 1\nname: p\nsource: {topic_prefix: db, columns: dump}\ntables: [{topic: db.a.b}]",
            "source.columns: `dump` needs the key `dump`",
        ),
        (
            "version: 1\nname: p\nsource: {topic_prefix: db, columns: events, dump: x.sql}\ntables: [{topic: db.a.b}]",
            "source.dump: is not used",
        ),
        (
            "version: 1\nname: p\nsource: {topic_prefix: db}\nkafka: {authentication: iam}\ntables: [{topic: db.a.b}]",
            "kafka: needs `cluster_arn` or `brokers`",
        ),
        (
            "version: 1\nname: p\nsource: {topic_prefix: db}\nkafka: {brokers: [a:1], authentication: mtls}\ntables: [{topic: db.a.b}]",
            "kafka.authentication: mtls needs",
        ),
        (
            "version: 1\nname: p\nsource: {topic_prefix: db}\nkafka: {brokers: [a:70000]}\ntables: [{topic: db.a.b}]",
            "kafka.brokers[0]: the port",
        ),
        (
            "version: 1\nname: p\nsource: {topic_prefix: db}\nwarehouse: {landing_schema: CDC}\ntables: [{topic: db.a.b}]",
            "warehouse.landing_schema: is the same schema as `control_schema`",
        ),
    ];
    for (yaml, expected) in cases {
        let found = problems(yaml);
        assert_eq!(found.len(), 1, "{yaml}: {found:#?}");
        assert!(found[0].contains(expected), "{yaml}: {found:#?}");
    }
}

#[test]
fn one_problem_of_a_table_each() {
    let long = "x".repeat(128);
    let cases: &[(&str, &str)] = &[
        ("  - topic: db.a.***\n", "tables[0].topic: `db.a.***` has three stars"),
        ("  - topic: 'db a'\n", "tables[0].topic: `db a` does not have the form"),
        ("  - topic: db\n", "tables[0].topic: `db` carries Debezium's schema changes"),
        (
            "  - topic: db.a.T\n  - topic: db.a.T\n",
            "line 6, column 12: tables[1].topic: `db.a.T` already has the entry tables[0]",
        ),
        ("  - {topic: db.a.T, exclude: [db.a.U]}\n", "tables[0].exclude: is for patterns"),
        ("  - {topic: db.a.*, target: {table: t}}\n", "tables[0].target.table: a pattern cannot have one target table"),
        ("  - topic: db.a.T\n  - topic: db.a.t\n", "topics db.a.T and db.a.t have the same target table a.t"),
        ("  - {topic: db.a.T, key: [A, A]}\n", "tables[0].key[1]: `A` is given twice"),
        (
            "  - {topic: db.a.T, key: [A], columns: {exclude: [A]}}\n",
            "tables[0].columns.exclude[0]: `A` is part of `key`",
        ),
        (
            "  - topic: db.a.T\n    key: [A]\n    columns:\n      hash: [B, A]\n",
            "line 8, column 17: tables[0].columns.hash[1]: `A` is part of `key`, by whose clear values rows are found",
        ),
        (
            "  - {topic: db.a.T, key: [A], columns: {mask: {A: {keep_last: 4}}}}\n",
            "tables[0].columns.mask.A: `A` is part of `key`",
        ),
        (
            "  - {topic: db.a.T, columns: {hash: [A], mask: {A: {}}}}\n",
            "tables[0].columns.hash[0]: `A` is in `mask`, too; a column is hashed or masked",
        ),
        (
            "  - {topic: db.a.T, columns: {hash: [A], exclude: [A]}}\n",
            "tables[0].columns.hash[0]: `A` is in `exclude`, too",
        ),
        (
            "  - {topic: db.a.T, columns: {mask: {B: {}}, include: [A]}}\n",
            "tables[0].columns.mask.B: `B` is not in `include`",
        ),
        ("  - {topic: db.a.T, columns: {hash: [A, A]}}\n", "tables[0].columns.hash[1]: `A` is given twice"),
        (
            "  - {topic: db.a.T, columns: {mask: {A: {keep_lats: 4}}}}\n",
            "tables[0].columns.mask.A.keep_lats: unknown key `keep_lats`; did you mean `keep_last`?",
        ),
        (
            "  - {topic: db.a.T, columns: {mask: {A: {keep_last: 65}}}}\n",
            "tables[0].columns.mask.A.keep_last: must be between 0 and 64",
        ),
        ("  - {topic: db.a.T, columns: {include: [A], exclude: [B]}}\n", "has both `include` and `exclude`"),
        (
            "  - {topic: db.a.T, columns: {rename: {A: c, B: C}}}\n",
            "tables[0].columns.rename.B: `A` is renamed to the same name",
        ),
        ("  - {topic: db.a.T, columns: {declare: [{name: A, type: int}]}}\n", "say whose with `source.connector`"),
        ("  - {topic: db.a.T, target: {schema: cdc}}\n", "the target schema `cdc` is one of the pipeline's own"),
        (&format!("  - {{topic: db.a.T, target: {{table: {long}}}}}\n"), "is longer than 127 characters"),
        (
            "  - {topic: db.a.T, target: {table: 'ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ'}}\n",
            "has 128 bytes",
        ),
    ];
    for (tables, expected) in cases {
        let found = problems(&with_tables(tables));
        assert!(found.iter().any(|problem| problem.contains(expected)), "{tables}: {found:#?}");
    }
}

#[test]
fn the_catalog_refuses_topics_that_share_a_target_or_a_slug() {
    let pipeline = pipeline("  - topic: db.**\n");
    let topics = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let specs = pipeline.catalog(&topics(&["db.a.T", "db", "other", "db.transaction", "db.a.B", "db.a.T"])).unwrap();
    let ids: Vec<String> = specs.iter().map(|spec| spec.id().to_string()).collect();
    assert_eq!(ids, ["a.b", "a.t"]);
    let errors = pipeline.catalog(&topics(&["db.a.b_c", "db.a_b.c", "db.a.T", "db.a.t"])).unwrap_err();
    assert_eq!(errors.errors.len(), 3);
    assert!(matches!(&errors.errors[0], CatalogError::SameTarget { target, .. } if target == "a.t"));
    assert!(matches!(&errors.errors[2], CatalogError::SameSlug { slug, .. } if slug == "a_b_c"));
    let long = format!("db.a.{}", "T".repeat(200));
    assert!(matches!(&pipeline.catalog(&[long]).unwrap_err().errors[..], [CatalogError::Name { .. }]));
}

#[test]
fn the_schema_file_is_up_to_date() {
    let published = include_str!("../../pipeline.schema.json");
    assert_eq!(
        published,
        Pipeline::json_schema_text(),
        "run cargo run -p cdc-core --example pipeline-schema > shared/cdc-core/pipeline.schema.json"
    );
}

#[test]
fn every_keyword_of_the_schema_is_checked() {
    fn keywords(schema: &serde_json::Value, found: &mut BTreeSet<String>) {
        let Some(schema) = schema.as_object() else {
            return;
        };
        for (keyword, value) in schema {
            found.insert(keyword.clone());
            match (keyword.as_str(), value) {
                ("properties" | "$defs", serde_json::Value::Object(inner)) => {
                    inner.values().for_each(|inner| keywords(inner, found));
                }
                ("oneOf" | "anyOf", serde_json::Value::Array(inner)) => {
                    inner.iter().for_each(|inner| keywords(inner, found));
                }
                ("items" | "additionalProperties", inner) => keywords(inner, found),
                _ => {}
            }
        }
    }
    let mut found = BTreeSet::new();
    keywords(&Pipeline::json_schema(), &mut found);
    let unknown: Vec<&String> =
        found.iter().filter(|keyword| !check::KNOWN_KEYWORDS.contains(&keyword.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn near_names_are_found_and_far_ones_are_not() {
    assert_eq!(check::edit_distance("exlude", "exclude"), 1);
    assert_eq!(check::edit_distance("nmae", "name"), 1);
    let keys = ["topic", "target", "columns"];
    assert_eq!(check::nearest("tpic", keys.into_iter()), Some("topic"));
    assert_eq!(check::nearest("password", keys.into_iter()), None);
}

proptest! {
    #[test]
    fn parsing_never_panics(text in "\\PC{0,200}") {
        let _ = Pipeline::parse(&text).is_ok();
    }

    #[test]
    fn slugs_are_short_plain_and_unique(
        left in "[a-zA-Z0-9._-]{1,150}",
        right in "[a-zA-Z0-9._-]{1,150}",
    ) {
        let topics = [format!("p.{left}"), format!("p.{right}")];
        let slugs: Vec<String> = topics.iter().map(|topic| slug(topic, "p")).collect();
        for slug in &slugs {
            prop_assert!(!slug.is_empty() && slug.len() <= SLUG_MAX_BYTES);
            prop_assert!(slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'));
        }
        let alike = |topic: &str| topic.to_lowercase().replace('.', "_");
        if alike(&topics[0]) != alike(&topics[1]) {
            prop_assert_ne!(&slugs[0], &slugs[1]);
        }
    }

    #[test]
    fn an_exact_pattern_matches_only_itself(name in "[a-z.]{1,20}", other in "[a-z.]{1,20}") {
        let glob = glob::Glob::parse(&name).unwrap();
        prop_assert!(glob.matches(&name));
        prop_assert_eq!(glob.matches(&other), name == other);
        prop_assert!(glob::Glob::parse("**").unwrap().matches(&name));
        prop_assert_eq!(glob::Glob::parse("*").unwrap().matches(&name), !name.contains('.'));
    }
}
