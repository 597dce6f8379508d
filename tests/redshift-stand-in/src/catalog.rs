//! What exists in a database, as the front end asks for it.
//!
//! A [`Snapshot`] is read in a few queries and shared by all sessions until someone changes an
//! object; a session adds its own temporary tables. Reading happens away from the session's
//! transaction whenever it can, because a query there would take the transaction's snapshot before
//! a LOCK that is to come first.
//!
//! Invariant: what a [`View`] answers is what the session's next statement will find.

use std::collections::HashMap;
use std::sync::Arc;

use redshift_sql::{Column, LateBinding, Relation, RelationKind, RsType, Settings, UserFunction};
use serde_json::Value as Json;
use tokio_postgres::Client;

use crate::error::{IntoSql as _, SqlResult};
use crate::protection::Protections;
use crate::session::SessionSettings;

/// Name of the temporary table that a refresh fills with the new records of a stream.
pub(crate) const STREAM_TABLE: &str = "rs:stream";
/// The same records as a Kinesis stream shows them: a topic is a stream, a partition a shard.
pub(crate) const KINESIS_VIEW: &str = "rs:kinesis";
/// The source of an external schema of Kinesis, in its comment.
pub(crate) const KINESIS: &str = "KINESIS";

/// Everything that is committed, and the session's own changes if it read them itself.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) schemas: HashMap<String, Schema>,
    pub(crate) relations: HashMap<(String, String), Arc<Entry>>,
    functions: HashMap<(String, String), Vec<UserFunction>>,
    procedures: HashMap<(String, String), Vec<Arc<Procedure>>>,
    system: Arc<HashMap<String, Arc<Entry>>>,
    /// Policies; `None` if there are none in force.
    protections: Option<Protections>,
}

/// A schema.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    /// The owner's role name.
    pub(crate) owner: String,
    /// Its metadata; `kind` is `external` for external schemas.
    pub(crate) meta: Json,
}

impl Schema {
    pub(crate) fn is_external(&self) -> bool {
        self.meta["kind"] == "external"
    }
}

/// A relation with what only the engine needs.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) relation: Relation,
    pub(crate) oid: u32,
    pub(crate) owner: String,
    pub(crate) meta: Json,
}

/// A stored procedure.
#[derive(Debug, Clone)]
pub(crate) struct Procedure {
    pub(crate) oid: u32,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) owner: String,
    pub(crate) definer: bool,
    pub(crate) nonatomic: bool,
    /// SET clause.
    pub(crate) set: Vec<(String, Option<String>)>,
    pub(crate) arguments: Vec<ProcedureArgument>,
    pub(crate) source: String,
}

/// An argument of a procedure.
#[derive(Debug, Clone)]
pub(crate) struct ProcedureArgument {
    /// `$1` and so on if none was given.
    pub(crate) name: String,
    pub(crate) input: bool,
    pub(crate) output: bool,
    /// `None` is a REFCURSOR.
    pub(crate) rs_type: Option<RsType>,
}

impl Procedure {
    /// Types of the input arguments.
    pub(crate) fn inputs(&self) -> Vec<Option<RsType>> {
        self.arguments.iter().filter(|a| a.input).map(|a| a.rs_type.clone()).collect()
    }

    /// The PostgreSQL text of its signature.
    pub(crate) fn signature(&self) -> String {
        format!(
            "{}.{}({})",
            redshift_sql::quote_identifier(&self.schema),
            redshift_sql::quote_identifier(&self.name),
            self.inputs().iter().map(|t| postgres_type(t.as_ref())).collect::<Vec<_>>().join(", ")
        )
    }
}

/// The PostgreSQL type of an argument, without modifiers, as signatures have it.
pub(crate) fn postgres_type(rs_type: Option<&RsType>) -> String {
    match rs_type {
        None => "refcursor".to_owned(),
        Some(rs_type) => rs_type.postgres().split('(').next().unwrap_or_default().to_owned(),
    }
}

/// Reads back what [`RsType`]'s `Display` printed.
pub(crate) fn type_from_text(text: &str) -> RsType {
    match text {
        "super" => RsType::Super,
        "unknown" => RsType::Unknown,
        _ => {
            let length = text
                .strip_prefix("binary varying(")
                .and_then(|rest| rest.strip_suffix(')'))
                .and_then(|n| n.parse().ok());
            match length {
                Some(n) => RsType::Varbyte(n),
                None => RsType::from_postgres(text).unwrap_or(RsType::Varchar(redshift_sql::MAX_VARCHAR)),
            }
        }
    }
}

/// Settings as they were when a view was created.
pub(crate) fn frozen_settings(meta: &Json) -> Settings {
    let mut settings = Settings::default();
    if let Some(kept) = meta["settings"].as_object() {
        for (name, value) in kept {
            if settings.apply(name, value.as_str()).is_err() {
                tracing::warn!(setting = %name, "a view keeps a setting that does not exist");
            }
        }
    }
    settings
}

/// The settings of a view's creation that change what its names mean.
pub(crate) fn freeze_settings(settings: &Settings) -> Json {
    let mut kept = serde_json::Map::new();
    for name in ["enable_case_sensitive_identifier", "enable_case_sensitive_super_attribute"] {
        if let Some(value) = settings.show(name) {
            kept.insert(name.to_owned(), Json::from(value));
        }
    }
    Json::Object(kept)
}

const RELATIONS: &str = "
    SELECT r.oid, r.schema_name, r.name, pg_catalog.pg_get_userbyid(r.owner)::text AS owner, r.relkind::text, r.meta::text,
           COALESCE((SELECT pg_catalog.json_agg(pg_catalog.json_build_object('n', c.name, 't', c.type_text, 'null', c.nullable,
                    'id', c.generated_only, 'd', c.default_text IS NOT NULL, 'check', (SELECT k.conname FROM pg_catalog.pg_constraint k
                    WHERE k.conrelid = c.relation AND k.contype = 'c' AND k.conkey = ARRAY[c.number::smallint]
                      AND pg_catalog.starts_with(k.conname, 'rs_len_'))) ORDER BY c.number)
             FROM rs_catalog.columns c WHERE c.relation = r.oid), '[]')::text AS columns
    FROM rs_catalog.relations r WHERE r.temporary = $1";

/// The system views, which never change while a server runs.
pub(crate) async fn system_relations(client: &Client) -> SqlResult<HashMap<String, Arc<Entry>>> {
    let rows = client
        .query(
            "SELECT relation, pg_catalog.json_agg(pg_catalog.json_build_object('n', name, 't', type_text, 'null', true, 'id', false,
                    'd', false) ORDER BY number)::text
             FROM rs_catalog.system_columns GROUP BY relation",
            &[],
        )
        .await
        .sql()?;
    Ok(rows
        .iter()
        .map(|row| {
            let name: String = row.get(0);
            let (schema, shown) = name.split_once('.').unwrap_or(("pg_catalog", &name));
            let entry = Entry {
                relation: Relation {
                    schema: schema.to_owned(),
                    name: shown.to_owned(),
                    postgres_schema: "rs_sys".to_owned(),
                    postgres_name: name.clone(),
                    kind: RelationKind::System,
                    columns: columns(row.get(1)),
                    definition: None,
                    protection: None,
                },
                oid: 0,
                owner: crate::postgres::SUPERUSER.to_owned(),
                meta: Json::Null,
            };
            (name, Arc::new(entry))
        })
        .collect())
}

fn columns(text: &str) -> Vec<Column> {
    let parsed: Json = serde_json::from_str(text).unwrap_or_default();
    parsed
        .as_array()
        .into_iter()
        .flatten()
        .map(|column| Column {
            name: column["n"].as_str().unwrap_or_default().to_owned(),
            rs_type: type_from_text(column["t"].as_str().unwrap_or_default()),
            nullable: column["null"].as_bool().unwrap_or(true),
            identity: column["id"].as_bool().unwrap_or(false),
            has_default: column["d"].as_bool().unwrap_or(false),
            length_check: column["check"].as_str().map(str::to_owned),
        })
        .collect()
}

fn entry(row: &tokio_postgres::Row, temporary: bool) -> Entry {
    let meta: Json = serde_json::from_str(row.get(5)).unwrap_or_default();
    let (schema, name): (String, String) = (row.get(1), row.get(2));
    let relkind: &str = row.get(4);
    let kind = match (relkind, meta["kind"].as_str()) {
        (_, Some("mv")) | ("m", _) => RelationKind::MaterializedView,
        ("v", _) => RelationKind::View,
        _ => RelationKind::Table,
    };
    let definition = (meta["kind"] == "late").then(|| LateBinding {
        sql: meta["definition"].as_str().unwrap_or_default().to_owned(),
        columns: meta["columns"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|c| c.as_str().map(str::to_owned))
            .collect(),
        settings: frozen_settings(&meta),
    });
    Entry {
        relation: Relation {
            schema: if temporary { "pg_temp".to_owned() } else { schema.clone() },
            name: name.clone(),
            postgres_schema: if temporary { "pg_temp".to_owned() } else { schema },
            postgres_name: name,
            kind,
            columns: columns(row.get(6)),
            definition,
            protection: None,
        },
        oid: row.get(0),
        owner: row.get(3),
        meta,
    }
}

impl Snapshot {
    /// Reads everything permanent that the connection sees.
    pub(crate) async fn read(client: &Client, system: Arc<HashMap<String, Arc<Entry>>>) -> SqlResult<Self> {
        let schemas = client
            .query("SELECT name, pg_catalog.pg_get_userbyid(owner)::text, meta::text FROM rs_catalog.schemas", &[]);
        let relations = client.query(RELATIONS, &[&false]);
        let routines = client.query(
            "SELECT oid, schema_name, name, pg_catalog.pg_get_userbyid(owner)::text, prokind::text, definer, source, meta::text
             FROM rs_catalog.routines",
            &[],
        );
        let protections = client.query_one("SELECT rs_catalog.protections()", &[]);
        let (schemas, relations, routines, protections) =
            futures::try_join!(schemas, relations, routines, protections).sql()?;
        let protections = protections.get::<_, Option<&str>>(0).map(Protections::read);
        let mut snapshot = Self { system, protections, ..Self::default() };
        for row in &schemas {
            let meta = serde_json::from_str(row.get(2)).unwrap_or_default();
            snapshot.schemas.insert(row.get(0), Schema { owner: row.get(1), meta });
        }
        for row in &relations {
            let entry = entry(row, false);
            let key = (entry.relation.schema.clone(), entry.relation.name.clone());
            snapshot.relations.insert(key, Arc::new(entry));
        }
        for row in &routines {
            snapshot.add_routine(row);
        }
        Ok(snapshot)
    }

    /// Materialized views that refresh themselves.
    pub(crate) fn auto_refreshed(&self) -> Vec<Arc<Entry>> {
        self.relations
            .values()
            .filter(|entry| entry.meta["kind"] == "mv" && entry.meta["autorefresh"] == true)
            .cloned()
            .collect()
    }

    fn add_routine(&mut self, row: &tokio_postgres::Row) {
        let meta: Json = serde_json::from_str(row.get(7)).unwrap_or_default();
        let (schema, name): (String, String) = (row.get(1), row.get(2));
        let key = (schema.clone(), name.clone());
        let types = |value: &Json| -> Vec<RsType> {
            value.as_array().into_iter().flatten().filter_map(Json::as_str).map(type_from_text).collect()
        };
        if row.get::<_, &str>(4) == "f" {
            self.functions.entry(key).or_default().push(UserFunction {
                schema,
                name,
                arguments: types(&meta["inputs"]),
                returns: type_from_text(meta["returns"].as_str().unwrap_or_default()),
            });
            return;
        }
        let arguments = meta["arguments"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(index, argument)| ProcedureArgument {
                name: argument["name"].as_str().map_or_else(|| format!("${}", index + 1), str::to_owned),
                input: argument["mode"] != "out",
                output: argument["mode"] != "in",
                rs_type: argument["type"].as_str().map(type_from_text),
            })
            .collect();
        let set = meta["set"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|pair| (pair[0].as_str().unwrap_or_default().to_owned(), pair[1].as_str().map(str::to_owned)))
            .collect();
        self.procedures.entry(key).or_default().push(Arc::new(Procedure {
            oid: row.get(0),
            schema,
            name,
            owner: row.get(3),
            definer: row.get(5),
            nonatomic: meta["nonatomic"].as_bool().unwrap_or(false),
            set,
            arguments,
            source: row.get(6),
        }));
    }
}

/// Temporary tables of a session, by name.
pub(crate) type Temporary = HashMap<String, Arc<Entry>>;

/// Reads the session's temporary tables anew.
pub(crate) async fn read_temporary(client: &Client) -> SqlResult<Temporary> {
    let rows = client.query(RELATIONS, &[&true]).await.sql()?;
    Ok(rows.iter().map(|row| entry(row, true)).map(|entry| (entry.relation.name.clone(), Arc::new(entry))).collect())
}

/// A temporary table as its creation described it.
pub(crate) fn temporary_entry(name: &str, columns: Vec<Column>) -> Arc<Entry> {
    Arc::new(Entry {
        relation: Relation {
            schema: "pg_temp".to_owned(),
            name: name.to_owned(),
            postgres_schema: "pg_temp".to_owned(),
            postgres_name: name.to_owned(),
            kind: RelationKind::Table,
            columns,
            definition: None,
            protection: None,
        },
        oid: 0,
        owner: String::new(),
        meta: Json::Null,
    })
}

/// What one statement sees.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) database: String,
    pub(crate) user: String,
    /// What PG_LAST_QUERY_ID answers.
    pub(crate) last_query_id: i64,
    /// What PG_LAST_COPY_ID and PG_LAST_COPY_COUNT answer, and their like of UNLOAD.
    pub(crate) last_copy: (i64, i64),
    pub(crate) last_unload: (i64, i64),
    pub(crate) search_path: Arc<Vec<String>>,
    /// What CURRENT_SETTING answers.
    pub(crate) settings: SessionSettings,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) temporary: Arc<Temporary>,
}

impl View {
    /// The schemas of the search path that exist, in order.
    pub(crate) fn path(&self) -> impl Iterator<Item = &str> {
        self.search_path
            .iter()
            .map(|name| if name == "$user" { self.user.as_str() } else { name.as_str() })
            .filter(|name| self.snapshot.schemas.contains_key(*name))
    }

    /// Finds a relation with the engine's knowledge of it.
    pub(crate) fn entry(&self, schema: Option<&str>, name: &str) -> Option<Arc<Entry>> {
        match schema {
            Some("pg_temp") => self.temporary.get(name).cloned(),
            Some("pg_catalog") => self.snapshot.system.get(name).cloned(),
            Some("information_schema") => self.snapshot.system.get(&format!("information_schema.{name}")).cloned(),
            Some(schema) => self
                .snapshot
                .relations
                .get(&(schema.to_owned(), name.to_owned()))
                .cloned()
                .or_else(|| self.stream(schema, name)),
            None => self
                .temporary
                .get(name)
                .cloned()
                .or_else(|| {
                    self.path()
                        .find_map(|schema| self.snapshot.relations.get(&(schema.to_owned(), name.to_owned())).cloned())
                })
                .or_else(|| self.snapshot.system.get(name).cloned()),
        }
    }

    /// Any name in an external schema is a topic, until someone reads it.
    fn stream(&self, schema: &str, topic: &str) -> Option<Arc<Entry>> {
        let found = self.snapshot.schemas.get(schema).filter(|s| s.is_external())?;
        let kinesis = found.meta["source"] == KINESIS;
        Some(Arc::new(Entry {
            relation: Relation {
                schema: schema.to_owned(),
                name: topic.to_owned(),
                postgres_schema: "pg_temp".to_owned(),
                postgres_name: if kinesis { KINESIS_VIEW } else { STREAM_TABLE }.to_owned(),
                kind: RelationKind::Stream,
                columns: if kinesis { kinesis_columns() } else { stream_columns() },
                definition: None,
                protection: None,
            },
            oid: 0,
            owner: found.owner.clone(),
            meta: Json::Null,
        }))
    }

    /// All procedures of that name in the schema, or along the search path.
    pub(crate) fn procedures(&self, schema: Option<&str>, name: &str) -> Vec<Arc<Procedure>> {
        let in_schema = |schema: &str| {
            self.snapshot.procedures.get(&(schema.to_owned(), name.to_owned())).cloned().unwrap_or_default()
        };
        match schema {
            Some(schema) => in_schema(schema),
            None => self.path().flat_map(in_schema).collect(),
        }
    }
}

/// The columns of a Kafka stream (Redshift Database Developer Guide, "Getting started with
/// streaming ingestion from Apache Kafka sources").
pub(crate) fn stream_columns() -> Vec<Column> {
    [
        ("kafka_partition", RsType::BigInt),
        ("kafka_offset", RsType::BigInt),
        ("kafka_timestamp_type", RsType::Char(1)),
        ("kafka_timestamp", RsType::Timestamp),
        ("kafka_key", RsType::Varbyte(redshift_sql::MAX_VARBYTE)),
        ("kafka_value", RsType::Varbyte(redshift_sql::MAX_VARBYTE)),
        ("kafka_headers", RsType::Super),
        ("refresh_time", RsType::Timestamp),
    ]
    .into_iter()
    .map(|(name, rs_type)| Column::new(name, rs_type))
    .collect()
}

/// The columns of a Kinesis stream (Redshift Database Developer Guide, "Getting started with streaming
/// ingestion from Amazon Kinesis Data Streams").
fn kinesis_columns() -> Vec<Column> {
    [
        ("approximate_arrival_timestamp", RsType::Timestamp),
        ("partition_key", RsType::Varchar(256)),
        ("shard_id", RsType::Char(20)),
        ("sequence_number", RsType::Varchar(128)),
        ("refresh_time", RsType::Timestamp),
        ("kinesis_data", RsType::Varbyte(redshift_sql::MAX_VARBYTE)),
    ]
    .into_iter()
    .map(|(name, rs_type)| Column::new(name, rs_type))
    .collect()
}

impl redshift_sql::Catalog for View {
    fn database(&self) -> String {
        self.database.clone()
    }

    fn parameter(&self, name: &str) -> Option<String> {
        self.settings.show(name)
    }

    fn last_query_id(&self) -> i64 {
        self.last_query_id
    }

    fn last_copy(&self) -> (i64, i64) {
        self.last_copy
    }

    fn last_unload(&self) -> (i64, i64) {
        self.last_unload
    }

    fn relation(&self, schema: Option<&str>, name: &str) -> Option<Relation> {
        let entry = self.entry(schema, name)?;
        let mut relation = entry.relation.clone();
        if let Some(protections) = &self.snapshot.protections
            && relation.kind != RelationKind::System
            && entry.oid != 0
        {
            relation.protection = protections.of(&self.user, &entry);
        }
        Some(relation)
    }

    fn functions(&self, schema: Option<&str>, name: &str) -> Vec<UserFunction> {
        let in_schema = |schema: &str| {
            self.snapshot.functions.get(&(schema.to_owned(), name.to_owned())).cloned().unwrap_or_default()
        };
        match schema {
            Some(schema) => in_schema(schema),
            None => self.path().flat_map(in_schema).collect(),
        }
    }
}
