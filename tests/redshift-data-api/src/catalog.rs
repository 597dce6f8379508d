//! ListDatabases, ListSchemas, ListTables and DescribeTable: questions to the engine's system views.
//!
//! Each opens a session, runs one query with the request's patterns as named parameters, and closes
//! it. Names and patterns are the request's; `%` and `_` mean what they mean to LIKE (service model,
//! `SchemaPattern`).
//!
//! Invariant: a page follows the order of the names, so that pages neither repeat nor skip while
//! nothing is created or dropped.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::engine::{ColumnMetadata, Login, Nullable, Session, Value};
use crate::error::ApiError;
use crate::execute::connection;
use crate::identity::Caller;
use crate::model::Input;
use crate::results::{column_json, list_page};
use crate::service::Service;

/// The most that a page holds.
const PAGE: usize = 1000;
/// How long a query may take before `QueryTimeoutException`; the service's time is not documented.
const PATIENCE: Duration = Duration::from_secs(60);

/// Connects as the request says, and runs one query.
async fn query(
    service: &Service,
    caller: &Caller,
    input: &Input,
    sql: &str,
    parameters: &[(String, String)],
) -> Result<Vec<Vec<Value>>, ApiError> {
    let listed = input.text("Database");
    let connected = input.text("ConnectedDatabase").or(listed);
    let connection = connection(&service.options, caller, input, connected)?;
    let answered = tokio::time::timeout(PATIENCE, async {
        let mut session = connect(service, &connection.login).await?;
        // Another database than the connected one is asked on a connection of its own: the engine's views show one database.
        if let Some(listed) = listed.filter(|listed| *listed != connection.login.database && !sql.contains("databases"))
        {
            session = connect(service, &Login { database: listed.to_owned(), ..connection.login.clone() }).await?;
            let result = session.execute(sql, parameters).await.map_err(|error| ApiError::validation(error.text()))?;
            return Ok(result.rows);
        }
        let result = session.execute(sql, parameters).await.map_err(|error| ApiError::validation(error.text()))?;
        if matches!(session.reset().await, Ok(true)) {
            service.sessions.keep_idle(&connection.login, session);
        }
        Ok(result.rows)
    });
    answered.await.map_err(|_| ApiError::query_timeout())?
}

async fn connect(service: &Service, login: &Login) -> Result<Box<dyn Session>, ApiError> {
    match service.sessions.take_idle(login) {
        Some(session) => Ok(session),
        None => service.engine.connect(login).await.map_err(|error| ApiError::database_connection(error.text())),
    }
}

fn text(row: &[Value], index: usize) -> Option<String> {
    match row.get(index)? {
        Value::Null => None,
        Value::Boolean(value) => Some(value.to_string()),
        Value::Long(value) => Some(value.to_string()),
        Value::Double(value) => Some(value.to_string()),
        Value::String(value) => Some(value.clone()),
    }
}

fn number(row: &[Value], index: usize) -> i32 {
    text(row, index).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Builds the conditions of a query: the ones whose value the request has.
struct Conditions {
    sql: String,
    parameters: Vec<(String, String)>,
}

impl Conditions {
    fn new(select: &str) -> Self {
        Self { sql: select.to_owned(), parameters: Vec::new() }
    }

    /// Adds `column operator :name` if there is a value.
    fn add(mut self, column: &str, operator: &str, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let word = if self.parameters.is_empty() { "WHERE" } else { "AND" };
            self.sql.push_str(&format!(" {word} {column} {operator} :{name}"));
            self.parameters.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    fn order_by(mut self, columns: &str) -> Self {
        self.sql.push_str(" ORDER BY ");
        self.sql.push_str(columns);
        self
    }
}

fn page(name: &str, items: Vec<Json>, input: &Input) -> Result<Map<String, Json>, ApiError> {
    let token = input.text("NextToken");
    let (page, next) = list_page(name, items, token, input.integer("MaxResults"), PAGE)?;
    let mut answer = Map::new();
    answer.insert(name.to_owned(), Json::Array(page));
    if let Some(next) = next {
        answer.insert("NextToken".to_owned(), json!(next));
    }
    Ok(answer)
}

/// ListDatabases.
pub(crate) async fn databases(service: &Service, caller: &Caller, input: &Input) -> Result<Json, ApiError> {
    let question = Conditions::new("SELECT database_name FROM svv_redshift_databases").order_by("database_name");
    let rows = query(service, caller, input, &question.sql, &question.parameters).await?;
    let names = rows.iter().filter_map(|row| text(row, 0)).map(Json::String);
    Ok(Json::Object(page("Databases", names.collect(), input)?))
}

/// ListSchemas.
pub(crate) async fn schemas(service: &Service, caller: &Caller, input: &Input) -> Result<Json, ApiError> {
    let question = Conditions::new("SELECT schema_name FROM svv_all_schemas")
        .add("database_name", "=", "database", input.text("Database"))
        .add("schema_name", "LIKE", "schema", input.text("SchemaPattern"))
        .order_by("schema_name");
    let rows = query(service, caller, input, &question.sql, &question.parameters).await?;
    let names = rows.iter().filter_map(|row| text(row, 0)).map(Json::String);
    Ok(Json::Object(page("Schemas", names.collect(), input)?))
}

/// ListTables.
pub(crate) async fn tables(service: &Service, caller: &Caller, input: &Input) -> Result<Json, ApiError> {
    let question = Conditions::new("SELECT table_schema, table_name, table_type FROM svv_tables")
        .add("table_catalog", "=", "database", input.text("Database"))
        .add("table_schema", "LIKE", "schema", input.text("SchemaPattern"))
        .add("table_name", "LIKE", "table", input.text("TablePattern"))
        .order_by("table_schema, table_name");
    let rows = query(service, caller, input, &question.sql, &question.parameters).await?;
    let tables = rows.iter().map(|row| {
        let schema = text(row, 0).unwrap_or_default();
        let kind = table_type(&schema, &text(row, 2).unwrap_or_default());
        json!({"schema": schema, "name": text(row, 1).unwrap_or_default(), "type": kind})
    });
    Ok(Json::Object(page("Tables", tables.collect(), input)?))
}

/// The words of the model for the words of `svv_tables`.
fn table_type(schema: &str, kind: &str) -> String {
    let system = matches!(schema, "pg_catalog" | "information_schema" | "pg_internal");
    match kind {
        "BASE TABLE" | "TABLE" if system => "SYSTEM TABLE".to_owned(),
        "BASE TABLE" => "TABLE".to_owned(),
        "VIEW" if system => "SYSTEM VIEW".to_owned(),
        other => other.to_owned(),
    }
}

/// DescribeTable.
pub(crate) async fn columns(service: &Service, caller: &Caller, input: &Input) -> Result<Json, ApiError> {
    let question = Conditions::new(
        "SELECT table_schema, table_name, column_name, column_default, is_nullable, data_type, \
         character_maximum_length, numeric_precision, numeric_scale FROM svv_columns",
    )
    .add("table_catalog", "=", "database", input.text("Database"))
    .add("table_schema", "=", "schema", input.text("Schema"))
    .add("table_name", "=", "table", input.text("Table"))
    .order_by("table_schema, table_name, ordinal_position");
    let rows = query(service, caller, input, &question.sql, &question.parameters).await?;
    let columns = rows.iter().map(|row| column(row)).collect();
    let mut answer = page("ColumnList", columns, input)?;
    if let Some(table) = input.text("Table") {
        answer.insert("TableName".to_owned(), json!(table));
    }
    Ok(Json::Object(answer))
}

fn column(row: &[Value]) -> Json {
    let name = text(row, 2).unwrap_or_default();
    let declared = text(row, 5).unwrap_or_default();
    let (type_name, whole_digits) = type_name(&declared);
    let length = number(row, 6);
    let numeric = whole_digits.is_some() || matches!(type_name, "numeric" | "float4" | "float8");
    let column = ColumnMetadata {
        label: name.clone(),
        name,
        type_name: type_name.to_owned(),
        length,
        precision: match (whole_digits, number(row, 7)) {
            (Some(digits), _) => digits,
            (None, 0) => length,
            (None, precision) => precision,
        },
        scale: number(row, 8),
        nullable: match text(row, 4).as_deref() {
            Some("NO" | "no" | "false") => Nullable::No,
            Some(_) => Nullable::Yes,
            None => Nullable::Unknown,
        },
        schema_name: text(row, 0).unwrap_or_default(),
        table_name: text(row, 1).unwrap_or_default(),
        is_signed: numeric,
        is_case_sensitive: matches!(type_name, "varchar" | "bpchar"),
        is_currency: false,
    };
    column_json(&column, text(row, 3).as_deref())
}

/// The short name of a type, and the decimal digits of whole numbers, as JDBC gives them.
fn type_name(declared: &str) -> (&str, Option<i32>) {
    match declared {
        "smallint" => ("int2", Some(5)),
        "integer" => ("int4", Some(10)),
        "bigint" => ("int8", Some(19)),
        "real" => ("float4", None),
        "double precision" => ("float8", None),
        "boolean" => ("bool", None),
        "character varying" => ("varchar", None),
        "character" => ("bpchar", None),
        "timestamp without time zone" => ("timestamp", None),
        "timestamp with time zone" => ("timestamptz", None),
        "time without time zone" => ("time", None),
        "time with time zone" => ("timetz", None),
        "binary varying" => ("varbyte", None),
        other => (other, None),
    }
}
