//! EXPLAIN: PostgreSQL's plan in the shape of Redshift's, with a model of distribution and of zone maps.
//!
//! Scans, joins and numbers are PostgreSQL's, which has no index on user tables. Where rows would have to move follows from the
//! declared distribution (Redshift Database Developer Guide, "Evaluating the query plan"); what a sort key would leave out is counted
//! ("Working with sort keys"). Invariant: reads only, and runs no part of the statement.

use redshift_data_api::SqlError;
use redshift_sql::statement::{Route, Statement};
use serde_json::Value as Json;
use tokio_postgres::SimpleQueryMessage;

use super::definition::qualified;
use super::query::as_variables;
use super::{Outcome, RedshiftSession, Scope, role_statements};
use crate::catalog::View;
use crate::error::{IntoSql as _, SqlResult, from_front_end, refused};

/// Where the rows of a step lie.
#[derive(Debug, Clone, PartialEq)]
enum Place {
    /// A whole copy on every node.
    All,
    /// By the value of these columns (`alias.column`), which are equal.
    Key(Vec<String>),
    /// By no value.
    Even,
}

/// A table that is scanned.
struct Scanned {
    /// `"schema"."name"` for PostgreSQL.
    table: String,
    /// As the user knows it.
    name: String,
    alias: String,
    /// The leading column of the sort key, and the conditions on it.
    pruned: Option<(String, Vec<String>)>,
}

struct Plan<'v> {
    view: &'v View,
    lines: Vec<String>,
    scanned: Vec<Scanned>,
}

impl RedshiftSession {
    /// EXPLAIN of a query, a change, or CREATE TABLE AS.
    pub(super) async fn explain(&mut self, inner: &Statement, scope: &dyn Scope) -> SqlResult<Outcome> {
        let query = match inner {
            Statement::CreateTableAs(create) => Some(Statement::Query(create.query.clone())),
            _ => None,
        };
        let inner = query.as_ref().unwrap_or(inner);
        if !matches!(inner.route(), Route::Rows | Route::Change) {
            return Err(refused(format!("EXPLAIN of {} is not supported by this stand-in", inner.tag())));
        }
        let view = self.view().await?;
        let translated = redshift_sql::rewrite(inner, &view, &self.settings.front_end, as_variables(scope))
            .map_err(|e| from_front_end(e, None))?;
        self.transaction.snapshot_taken = true;
        // Redshift joins sorted tables without sorting them first, and others by hash.
        self.client.batch_execute("SET enable_mergejoin TO off").await.sql()?;
        let plan = self.client.simple_query(&format!("EXPLAIN (FORMAT JSON, VERBOSE) {}", translated.sql)).await;
        if plan.is_ok() || !self.transaction.open {
            self.client.batch_execute("RESET enable_mergejoin").await.sql()?;
        }
        let plan: String = plan
            .sql()?
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            })
            .collect();
        let plan: Json = serde_json::from_str(&plan)
            .map_err(|error| SqlError::new("XX000", format!("PostgreSQL's plan cannot be read: {error}")))?;
        let mut shown = Plan { view: &view, lines: Vec::new(), scanned: Vec::new() };
        shown.step(&plan[0]["Plan"], 0, true);
        let Plan { mut lines, scanned, .. } = shown;
        if !scanned.is_empty() {
            lines.push(
                "----- Model: rows that are scanned, without indexes; zone maps as if each table were sorted, and a block one row -----"
                    .to_owned(),
            );
            // The caller may see a view and not its tables.
            self.client.batch_execute("RESET ROLE").await.sql()?;
            let counted = self.count(&scanned).await;
            if counted.is_ok() || !self.transaction.open {
                self.client.batch_execute(&role_statements(&self.role)).await.sql()?;
            }
            lines.extend(counted?);
        }
        Ok(Outcome::texts(&["QUERY PLAN"], lines.into_iter().map(|line| vec![Some(line)]).collect()))
    }

    async fn count(&self, scanned: &[Scanned]) -> SqlResult<Vec<String>> {
        let mut lines = Vec::new();
        for scan in scanned {
            let condition = scan.pruned.as_ref().map_or("true".to_owned(), |(_, conditions)| conditions.join(" AND "));
            let sql =
                format!("SELECT count(*) FILTER (WHERE {condition}), count(*) FROM {} AS {}", scan.table, scan.alias);
            let row = self.client.query_one(&sql, &[]).await.sql()?;
            let (read, all): (i64, i64) = (row.get(0), row.get(1));
            let by = scan.pruned.as_ref().map(|(column, _)| format!(" (sort key {column})")).unwrap_or_default();
            lines.push(format!("{}: {read} of {all} rows{by}", scan.name));
        }
        Ok(lines)
    }
}

fn text<'j>(node: &'j Json, name: &str) -> &'j str {
    node[name].as_str().unwrap_or_default()
}

fn children(node: &Json) -> &[Json] {
    node["Plans"].as_array().map_or(&[], Vec::as_slice)
}

impl Plan<'_> {
    fn line(&mut self, depth: usize, step: &str, node: &Json) {
        let arrow = if depth == 0 { String::new() } else { format!("{}->  ", " ".repeat(depth * 6 - 4)) };
        let numbers = format!(
            "(cost={:.2}..{:.2} rows={} width={})",
            node["Startup Cost"].as_f64().unwrap_or_default(),
            node["Total Cost"].as_f64().unwrap_or_default(),
            node["Plan Rows"],
            node["Plan Width"]
        );
        self.lines.push(format!("{arrow}XN {step}  {numbers}"));
    }

    fn detail(&mut self, depth: usize, text: &str) {
        self.lines.push(format!("{}{text}", " ".repeat(depth * 6 + 2)));
    }

    /// Shows a step and what is below it. `outermost` are the last steps, whose sort the leader node merges.
    fn step(&mut self, node: &Json, depth: usize, outermost: bool) -> Place {
        let kind = text(node, "Node Type");
        match kind {
            // Not steps of Redshift's.
            "ModifyTable" | "Hash" | "Materialize" | "Memoize" => {
                return children(node).first().map_or(Place::Even, |below| self.step(below, depth, outermost));
            }
            "Seq Scan" => return self.scan(node, depth),
            "Hash Join" | "Nested Loop" | "Merge Join" => return self.join(node, depth),
            "Sort" if outermost => {
                let keys = list(node, "Sort Key");
                self.line(depth, "Merge", node);
                self.detail(depth, &format!("Merge Key: {keys}"));
                self.line(depth + 1, "Network", node);
                self.detail(depth + 1, "Send to leader");
                self.line(depth + 2, "Sort", node);
                self.detail(depth + 2, &format!("Sort Key: {keys}"));
                self.below(node, depth + 3, false);
                return Place::Even;
            }
            _ => {}
        }
        let step = match (kind, text(node, "Strategy")) {
            ("Aggregate", "Hashed") => "HashAggregate".to_owned(),
            ("Aggregate", "Sorted") => "GroupAggregate".to_owned(),
            ("WindowAgg", _) => "Window".to_owned(),
            ("Subquery Scan" | "CTE Scan", _) => format!("{kind} {}", text(node, "Alias")),
            _ => kind.to_owned(),
        };
        self.line(depth, &step, node);
        if kind == "Sort" {
            self.detail(depth, &format!("Sort Key: {}", list(node, "Sort Key")));
        }
        if !text(node, "Filter").is_empty() {
            self.detail(depth, &format!("Filter: {}", text(node, "Filter")));
        }
        self.below(node, depth + 1, outermost && kind == "Limit");
        Place::Even
    }

    fn below(&mut self, node: &Json, depth: usize, outermost: bool) {
        for child in children(node) {
            self.step(child, depth, outermost);
        }
    }

    fn scan(&mut self, node: &Json, depth: usize) -> Place {
        let (schema, relation, alias) = (text(node, "Schema"), text(node, "Relation Name"), text(node, "Alias"));
        let filter = text(node, "Filter");
        let shown = if alias == relation { relation.to_owned() } else { format!("{relation} {alias}") };
        self.line(depth, &format!("Seq Scan on {shown}"), node);
        if !filter.is_empty() {
            self.detail(depth, &format!("Filter: {filter}"));
        }
        let temporary = schema.starts_with("pg_temp");
        let known = if temporary { "pg_temp" } else { schema };
        let Some(entry) = self.view.entry(Some(known), relation) else { return Place::Even };
        let quoted = redshift_sql::quote_identifier(alias);
        let column = |name: &str| (alias.to_owned(), name.to_owned());
        let sorted = entry.meta["sortkey"][0].as_str().map(str::to_owned);
        let pruned = sorted.and_then(|leading| {
            let conditions: Vec<String> = conjuncts(filter)
                .into_iter()
                .filter(|condition| limits(condition, &column(&leading)))
                .map(str::to_owned)
                .collect();
            (!conditions.is_empty()).then_some((leading, conditions))
        });
        let name = if temporary { relation.to_owned() } else { format!("{schema}.{relation}") };
        self.scanned.push(Scanned { table: qualified(known, relation), name, alias: quoted, pruned });
        match entry.meta["distkey"].as_str() {
            Some(key) => Place::Key(vec![format!("{alias}.{key}")]),
            // "Distribution styles": AUTO is ALL while a table is small. A temporary table's is not kept.
            None if temporary || entry.meta["diststyle"] == "EVEN" => Place::Even,
            None => Place::All,
        }
    }

    /// "Evaluating the query plan": what a join has to move.
    fn join(&mut self, node: &Json, depth: usize) -> Place {
        let at = self.lines.len();
        let hash = text(node, "Node Type") != "Nested Loop";
        let condition =
            ["Hash Cond", "Merge Cond", "Join Filter"].iter().map(|name| text(node, name)).find(|c| !c.is_empty());
        let pairs: Vec<(String, String)> = if hash { equal_columns(condition.unwrap_or_default()) } else { Vec::new() };
        let [outer, inner, rest @ ..] = children(node) else { return Place::Even };
        let outer = self.step(outer, depth + 1, false);
        if hash {
            self.line(depth + 1, "Hash", inner);
        }
        let inner = self.step(inner, depth + 1 + usize::from(hash), false);
        for subplan in rest {
            self.step(subplan, depth + 1, false);
        }
        let (label, place) = movement(&outer, &inner, &pairs, matches!(text(node, "Join Type"), "Full" | "Right"));
        let below = self.lines.split_off(at);
        let join = match text(node, "Join Type") {
            "Inner" | "" => String::new(),
            kind => format!(" {kind}"),
        };
        let step = if hash { format!("Hash{join} Join") } else { format!("Nested Loop{join} Join") };
        self.line(depth, &format!("{} {label}", step.replace("Nested Loop Join", "Nested Loop")), node);
        if let Some(condition) = condition {
            self.detail(depth, &format!("{}: {condition}", if hash { "Hash Cond" } else { "Join Filter" }));
        }
        self.lines.extend(below);
        place
    }
}

/// The label of a join, and where its rows lie then.
fn movement(outer: &Place, inner: &Place, pairs: &[(String, String)], keeps_inner: bool) -> (&'static str, Place) {
    let by = |place: &Place, column: &String| matches!(place, Place::Key(columns) if columns.contains(column));
    let joined = |(a, b): &(String, String)| Place::Key(vec![a.clone(), b.clone()]);
    if *inner == Place::All {
        return ("DS_DIST_ALL_NONE", outer.clone());
    }
    if *outer == Place::All {
        return ("DS_DIST_ALL_INNER", Place::Even);
    }
    if let Some(pair) = pairs.iter().find(|(a, b)| by(outer, a) && by(inner, b)) {
        return ("DS_DIST_NONE", joined(pair));
    }
    if let Some(pair) = pairs.iter().find(|(a, _)| by(outer, a)) {
        return ("DS_DIST_INNER", joined(pair));
    }
    if let Some(pair) = pairs.iter().find(|(_, b)| by(inner, b)) {
        return ("DS_DIST_OUTER", joined(pair));
    }
    match pairs.first() {
        // A copied inner table would give its unmatched rows once a node.
        Some(pair) if keeps_inner => ("DS_DIST_BOTH", joined(pair)),
        _ => ("DS_BCAST_INNER", outer.clone()),
    }
}

fn list(node: &Json, name: &str) -> String {
    let items = node[name].as_array().map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(", ")
}

/// The text without the parentheses and casts around it.
fn bare(text: &str) -> &str {
    let mut text = text.trim();
    loop {
        let before = text;
        if let Some(inside) = text.strip_prefix('(') {
            if let Some(end) = closing(inside)
                && (inside[end + 1..].is_empty() || is_cast(&inside[end + 1..]))
            {
                text = &inside[..end];
            }
        } else if let Some(at) = text.find("::")
            && is_cast(&text[at..])
        {
            text = &text[..at];
        }
        if text == before {
            return text;
        }
    }
}

/// `::type`, and nothing behind it.
fn is_cast(text: &str) -> bool {
    text.strip_prefix("::").is_some_and(|name| {
        name.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '(' | ')' | ',' | '[' | ']' | '"'))
    })
}

/// Where the parenthesis that is open before the text closes.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0_usize, None);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => return Some(at),
            (None, ')') => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The conditions that a text joins by AND, as PostgreSQL prints them: each in parentheses.
fn conjuncts(text: &str) -> Vec<&str> {
    let Some(inside) = text.strip_prefix('(').filter(|inside| closing(inside) == Some(inside.len() - 1)) else {
        return Vec::new();
    };
    let mut rest = &inside[..inside.len() - 1];
    let mut parts = Vec::new();
    while let Some(end) = rest.strip_prefix('(').and_then(closing) {
        parts.push(&rest[..end + 2]);
        match rest[end + 2..].strip_prefix(" AND ") {
            Some(more) => rest = more,
            None if rest.len() == end + 2 => return parts.into_iter().flat_map(conjuncts_or_self).collect(),
            None => break,
        }
    }
    vec![text]
}

fn conjuncts_or_self(text: &str) -> Vec<&str> {
    let parts = conjuncts(text);
    if parts.is_empty() { vec![text] } else { parts }
}

/// `alias.column`, without quotes.
fn column_of(text: &str) -> Option<(String, String)> {
    let (alias, column) = bare(text).split_once('.')?;
    let name = |part: &str| {
        let plain = part.trim_matches('"');
        (!plain.is_empty() && plain.chars().all(|c| c.is_alphanumeric() || c == '_')).then(|| plain.to_owned())
    };
    if alias.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    Some((name(alias)?, name(column)?))
}

/// The two sides of a comparison in parentheses.
fn sides<'t>(condition: &'t str, sign: &str) -> Option<(&'t str, &'t str)> {
    let inside = condition.strip_prefix('(')?.strip_suffix(')')?;
    inside.split_once(&format!(" {sign} "))
}

/// The pairs of columns that a join's condition makes equal, outer first.
fn equal_columns(condition: &str) -> Vec<(String, String)> {
    let joined = |(alias, column): (String, String)| format!("{alias}.{column}");
    conjuncts(condition)
        .into_iter()
        .filter_map(|part| {
            let (left, right) = sides(part, "=")?;
            Some((joined(column_of(left)?), joined(column_of(right)?)))
        })
        .collect()
}

/// Whether zone maps of the column can tell that a block has no row of the condition: a comparison of the column itself with what
/// is no column.
fn limits(condition: &str, column: &(String, String)) -> bool {
    ["=", "<", "<=", ">", ">="].iter().filter_map(|sign| sides(condition, sign)).any(|(left, right)| {
        let constant = |text: &str| {
            let value = bare(text);
            (value.starts_with('\'') && value.ends_with('\'')) || value.parse::<f64>().is_ok()
        };
        (column_of(left).as_ref() == Some(column) && constant(right))
            || (column_of(right).as_ref() == Some(column) && constant(left))
    })
}
