//! What a well-formed pipeline file means: the checks that concern several keys at once.

use std::collections::{BTreeMap, BTreeSet};

use super::changes::ChangePolicies;
use super::check::join;
use super::document::{self, Authentication, ColumnSource, Columns, Connector, Document, TableEntry};
use super::glob::Glob;
use super::names::{folded, identifier_problem};
use super::yaml::Mark;
use super::{Entry, KafkaCluster, KafkaSection, Pipeline, PipelineErrors, Problem, Reader, ReaderKind, TableOptions};

/// Collects problems by place; the line and column come from the reader.
struct Findings<'a> {
    marks: &'a BTreeMap<String, Mark>,
    problems: Vec<Problem>,
}

impl Findings<'_> {
    /// Reports a problem at a place, or at the nearest place around it that is written.
    fn report(&mut self, place: &str, message: impl Into<String>) {
        let mut written = place;
        let mark = loop {
            match self.marks.get(written) {
                Some(mark) => break *mark,
                None => match written.rfind(['.', '[']) {
                    Some(end) => written = &written[..end],
                    None => break self.marks.get("").copied().unwrap_or_default(),
                },
            }
        };
        self.problems.push(Problem {
            line: mark.line,
            column: mark.column,
            place: place.to_owned(),
            message: message.into(),
        });
    }

    fn check_identifier(&mut self, place: &str, name: &str) {
        if let Some(problem) = identifier_problem(name) {
            self.report(place, problem);
        }
    }
}

/// Turns a document into a pipeline or into all problems of its meaning.
pub(super) fn understand(document: Document, marks: &BTreeMap<String, Mark>) -> Result<Pipeline, PipelineErrors> {
    let mut findings = Findings { marks, problems: Vec::new() };
    let kafka = document.kafka.as_ref().and_then(|kafka| understand_kafka(kafka, &mut findings));
    check_source(&document, &mut findings);
    check_schemas(&document.warehouse, &mut findings);
    let readers = understand_readers(&document.warehouse.readers, &mut findings);
    let entries: Vec<Entry> = document
        .tables
        .into_iter()
        .enumerate()
        .filter_map(|(index, stated)| understand_entry(index, stated, &mut findings))
        .collect();
    check_entries(&entries, document.source.connector, &mut findings);

    let source = document.source;
    let warehouse = document.warehouse;
    let mut policies = ChangePolicies::default();
    if let Some(stated) = document.defaults.on_schema_change {
        policies.state(stated);
    }
    let pipeline = Pipeline {
        name: document.name,
        heartbeat_topic: format!("{}.{}", source.heartbeat_prefix, source.topic_prefix),
        transaction_topic: format!("{}.{}", source.topic_prefix, source.transaction_topic),
        topic_prefix: source.topic_prefix,
        connector: source.connector,
        column_source: source.columns,
        settings: source.settings,
        dump_files: source.dump.iter().flat_map(|files| files.iter().map(str::to_owned).collect::<Vec<_>>()).collect(),
        kafka,
        control_schema: folded(&warehouse.control_schema),
        landing_schema: folded(&warehouse.landing_schema),
        external_schema: folded(&warehouse.external_schema),
        target_schema: warehouse.target_schema.as_deref().map(folded),
        iam_role: warehouse.iam_role,
        users: warehouse.users,
        readers,
        defaults: TableOptions {
            auto_refresh: document.defaults.auto_refresh,
            on_unsupported_column: document.defaults.on_unsupported_column,
            mode: document.defaults.mode,
            keyless: document.defaults.keyless,
            on_unfit_value: document.defaults.on_unfit_value,
            on_schema_change: policies,
            freshness: document.defaults.freshness_seconds.map(super::seconds),
            ..TableOptions::default()
        },
        unsized_text_bytes: document.defaults.unsized_text_bytes,
        entries,
    };
    check_names(&pipeline, &mut findings);
    if findings.problems.is_empty() { Ok(pipeline) } else { Err(PipelineErrors::of(findings.problems)) }
}

fn understand_kafka(kafka: &document::Kafka, findings: &mut Findings<'_>) -> Option<KafkaSection> {
    let cluster = match (&kafka.cluster_arn, &kafka.brokers) {
        (Some(arn), None) => KafkaCluster::Msk { arn: arn.clone() },
        (None, Some(brokers)) => {
            for (index, broker) in brokers.iter().enumerate() {
                let port = broker.0.rsplit_once(':').map(|(_, port)| port);
                if !port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0)) {
                    findings.report(&format!("kafka.brokers[{index}]"), "the port must be between 1 and 65535");
                }
            }
            KafkaCluster::Brokers(brokers.iter().map(|broker| broker.0.clone()).collect())
        }
        (Some(_), Some(_)) => {
            findings.report(
                "kafka",
                "has both `cluster_arn` and `brokers`; keep `cluster_arn` for Amazon MSK, `brokers` for any other cluster",
            );
            return None;
        }
        (None, None) => {
            findings.report(
                "kafka",
                "needs `cluster_arn` or `brokers`; leave the whole section out to take the cluster from the environment",
            );
            return None;
        }
    };
    let certificates = usize::from(kafka.authentication_arn.is_some()) + usize::from(kafka.secret_arn.is_some());
    match (kafka.authentication, certificates) {
        (Authentication::Mtls, 0) => findings.report(
            "kafka.authentication",
            "mtls needs `authentication_arn` or `secret_arn`, the certificate that Redshift presents",
        ),
        (Authentication::Mtls, 2) => {
            findings.report("kafka.authentication", "has both `authentication_arn` and `secret_arn`; keep one")
        }
        (Authentication::None | Authentication::Iam, 1..) => {
            findings.report("kafka.authentication", "`authentication_arn` and `secret_arn` are for mtls only")
        }
        _ => {}
    }
    Some(KafkaSection {
        cluster,
        authentication: kafka.authentication,
        authentication_arn: kafka.authentication_arn.clone(),
        secret_arn: kafka.secret_arn.clone(),
    })
}

fn check_source(document: &Document, findings: &mut Findings<'_>) {
    let source = &document.source;
    match (source.columns, &source.dump) {
        (ColumnSource::Dump, None) => findings
            .report("source.columns", "`dump` needs the key `dump` with the name of a file of CREATE TABLE statements"),
        (ColumnSource::Events | ColumnSource::SchemaChanges | ColumnSource::Declared, Some(_)) => {
            findings
                .report("source.dump", "is not used with this `columns`; remove it, or set `columns` to auto or dump");
        }
        _ => {}
    }
    if source.columns == ColumnSource::SchemaChanges && source.connector == Some(Connector::Postgresql) {
        findings.report(
            "source.columns",
            "the PostgreSQL connector writes no schema changes; use events, dump or declared",
        );
    }
}

fn check_schemas(warehouse: &document::Warehouse, findings: &mut Findings<'_>) {
    let mut used: BTreeMap<String, &str> = BTreeMap::new();
    let schemas = [
        ("control_schema", Some(&warehouse.control_schema)),
        ("landing_schema", Some(&warehouse.landing_schema)),
        ("external_schema", Some(&warehouse.external_schema)),
        ("target_schema", warehouse.target_schema.as_ref()),
    ];
    for (key, name) in schemas {
        let Some(name) = name else { continue };
        let place = join("warehouse", key);
        findings.check_identifier(&place, name);
        if let Some(other) = used.insert(folded(name), key) {
            findings.report(&place, format!("is the same schema as `{other}`"));
        }
    }
}

fn understand_readers(readers: &[document::Name], findings: &mut Findings<'_>) -> Vec<Reader> {
    let mut understood: Vec<Reader> = Vec::new();
    for (index, written) in readers.iter().enumerate() {
        let place = format!("warehouse.readers[{index}]");
        let (kind, name) = match written.0.split_once(':') {
            Some(("role", name)) => (ReaderKind::Role, name),
            Some(("group", name)) => (ReaderKind::Group, name),
            Some(("user", name)) => (ReaderKind::User, name),
            _ => (ReaderKind::Role, written.0.as_str()),
        };
        findings.check_identifier(&place, name);
        let reader = Reader { kind, name: name.to_owned() };
        if understood.contains(&reader) {
            findings.report(&place, "is given twice");
        } else {
            understood.push(reader);
        }
    }
    understood
}

fn understand_entry(index: usize, stated: TableEntry, findings: &mut Findings<'_>) -> Option<Entry> {
    let place = format!("tables[{index}]");
    let topic = match Glob::parse(&stated.topic) {
        Ok(topic) => topic,
        Err(problem) => {
            findings.report(&join(&place, "topic"), problem);
            return None;
        }
    };
    let mut exclude = Vec::new();
    for (number, pattern) in stated.exclude.iter().enumerate() {
        match Glob::parse(&pattern.0) {
            Ok(glob) => exclude.push(glob),
            Err(problem) => findings.report(&format!("{place}.exclude[{number}]"), problem),
        }
    }
    if topic.is_exact() && !stated.exclude.is_empty() {
        findings.report(&join(&place, "exclude"), "is for patterns; this entry names one topic");
    }
    if let Some(target) = &stated.target {
        let target_place = join(&place, "target");
        if let Some(schema) = &target.schema {
            findings.check_identifier(&join(&target_place, "schema"), schema);
        }
        if let Some(table) = &target.table {
            let table_place = join(&target_place, "table");
            findings.check_identifier(&table_place, table);
            if !topic.is_exact() {
                findings.report(&table_place, "a pattern cannot have one target table; name the topic exactly");
            }
        }
    }
    check_unique(&join(&place, "key"), stated.key.iter().flatten().map(|name| name.0.as_str()), findings);
    if let Some(columns) = &stated.columns {
        check_columns(&place, columns, &stated, findings);
    }
    Some(Entry { topic, exclude, stated })
}

fn check_columns(place: &str, columns: &Columns, stated: &TableEntry, findings: &mut Findings<'_>) {
    let place = join(place, "columns");
    if columns.include.is_some() && !columns.exclude.is_empty() {
        findings.report(&place, "has both `include` and `exclude`; keep one");
    }
    for (index, name) in columns.exclude.iter().enumerate() {
        let is_key = stated.key.iter().flatten().any(|key| key == name);
        if is_key {
            findings.report(
                &format!("{place}.exclude[{index}]"),
                format!("`{}` is part of `key` and cannot be left out", name.0),
            );
        }
    }
    let mut targets: BTreeMap<String, &str> = BTreeMap::new();
    for (from, to) in &columns.rename {
        let rename_place = join(&join(&place, "rename"), from);
        findings.check_identifier(&rename_place, &to.0);
        if let Some(other) = targets.insert(folded(&to.0), from) {
            findings.report(&rename_place, format!("`{other}` is renamed to the same name"));
        }
    }
    check_protection(&place, columns, stated, findings);
    check_unique(&join(&place, "hash"), columns.hash.iter().map(|name| name.0.as_str()), findings);
    check_unique(&join(&place, "exclude"), columns.exclude.iter().map(|name| name.0.as_str()), findings);
    check_unique(&join(&place, "include"), columns.include.iter().flatten().map(|name| name.0.as_str()), findings);
    check_unique(&join(&place, "declare"), columns.declare.iter().map(|column| column.name.as_str()), findings);
}

/// Checks that what is hashed or masked is there, is no key, and is protected in one way.
fn check_protection(place: &str, columns: &Columns, stated: &TableEntry, findings: &mut Findings<'_>) {
    let is_in = |names: &[document::Name], name: &str| names.iter().any(|other| other.0 == name);
    let key = stated.key.as_deref().unwrap_or_default();
    let hashed = columns.hash.iter().enumerate().map(|(index, name)| (format!("{place}.hash[{index}]"), &name.0));
    let masked = columns.mask.keys().map(|name| (join(&join(place, "mask"), name), name));
    for (place, name) in hashed.chain(masked) {
        if is_in(key, name) {
            findings.report(
                &place,
                format!("`{name}` is part of `key`, by whose clear values rows are found; leave it clear, or declare another `key`"),
            );
        }
        if is_in(&columns.exclude, name) {
            findings.report(&place, format!("`{name}` is in `exclude`, too, and then has no column; keep one"));
        }
        let included = columns.include.as_deref();
        if included.is_some_and(|included| !is_in(included, name) && !is_in(key, name)) {
            findings.report(
                &place,
                format!("`{name}` is not in `include` and has no column; add it there, or remove it here"),
            );
        }
    }
    for (index, name) in columns.hash.iter().enumerate() {
        if columns.mask.contains_key(&name.0) {
            findings.report(
                &format!("{place}.hash[{index}]"),
                format!("`{}` is in `mask`, too; a column is hashed or masked, so keep one", name.0),
            );
        }
    }
}

fn check_unique<'n>(place: &str, names: impl Iterator<Item = &'n str>, findings: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for (index, name) in names.enumerate() {
        if !seen.insert(name) {
            findings.report(&format!("{place}[{index}]"), format!("`{name}` is given twice"));
        }
    }
}

fn check_entries(entries: &[Entry], connector: Option<Connector>, findings: &mut Findings<'_>) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        let place = format!("tables[{index}]");
        if let Some(first) = seen.get(entry.topic.text()) {
            findings.report(
                &join(&place, "topic"),
                format!("`{}` already has the entry tables[{first}]", entry.topic.text()),
            );
        } else {
            seen.insert(entry.topic.text(), index);
        }
        let declares = entry.stated.columns.as_ref().is_some_and(|columns| !columns.declare.is_empty());
        if declares && connector.is_none() {
            findings.report(
                &join(&place, "columns.declare"),
                "the types are the source's; say whose with `source.connector`",
            );
        }
    }
}

/// Checks that the topics with exact names are tables and do not get in each other's way.
fn check_names(pipeline: &Pipeline, findings: &mut Findings<'_>) {
    let place_of = |topic: &str| {
        pipeline
            .entries
            .iter()
            .position(|entry| entry.topic.is_exact() && entry.topic.text() == topic)
            .map_or_else(|| "tables".to_owned(), |index| format!("tables[{index}]"))
    };
    let specials = [
        ("schema changes", pipeline.schema_change_topic()),
        ("heartbeats", pipeline.heartbeat_topic()),
        ("transaction records", pipeline.transaction_topic()),
    ];
    for topic in pipeline.declared_topics() {
        if let Some((what, _)) = specials.iter().find(|(_, special)| *special == topic) {
            findings.report(
                &join(&place_of(topic), "topic"),
                format!("`{topic}` carries Debezium's {what} and is no table"),
            );
        }
    }
    let topics: Vec<String> = pipeline.declared_topics().into_iter().map(str::to_owned).collect();
    if let Err(errors) = pipeline.catalog(&topics) {
        for error in errors.errors {
            findings.report(&place_of(error.topic()), error.to_string());
        }
    }
}
