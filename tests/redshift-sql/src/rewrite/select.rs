//! One SELECT: its list, grouping, QUALIFY and DISTINCT.

use super::query::natural_name;
use super::query::{bare, direction, order_clause, ordinal, unblanked};
use super::scope::{Item, Scope};
use super::{Form, Rewriter, Typed, functions};
use crate::ast::{Expr, GroupItem, OrderItem, Select, SelectItem};
use crate::catalog::OutputColumn;
use crate::error::SqlError;
use crate::quote_identifier;
use crate::types::RsType;

impl Rewriter<'_> {
    pub(super) fn select(
        &mut self,
        select: &Select,
        order_by: &[OrderItem],
        parent: Option<&Scope<'_>>,
    ) -> Result<(String, Vec<OutputColumn>), SqlError> {
        if select.into.is_some() {
            return Err(SqlError::syntax("SELECT … INTO is not allowed here")
                .with_hint("INTO stands in the first SELECT of a statement; INSERT INTO … SELECT fills a table"));
        }
        let mut scope = Scope { parent, ..Scope::default() };
        let outer_json = std::mem::take(&mut self.known_json);
        let (from, selection) = match &select.selection {
            Some(selection) if super::outer::is_marked(selection) => {
                self.outer_joins(&select.from, selection, &mut scope)?
            }
            selection => (self.from(&select.from, &mut scope)?, selection.clone()),
        };
        let from = match &select.connect_by {
            Some(connect) => self.hierarchy(connect, &from, &mut scope)?,
            None => from,
        };
        // An alias here may hide the one that a key of the query around is from.
        let hidden: Vec<String> = scope.items.iter().map(|i| format!("{}.", quote_identifier(&i.alias))).collect();
        let outer_keys = self.group_keys.clone();
        self.group_keys.retain(|(key, _)| !hidden.iter().any(|alias| key.contains(alias)));
        let result = self.select_from(select, selection.as_ref(), order_by, &from, &mut scope);
        self.group_keys = outer_keys;
        self.known_json = outer_json;
        result
    }

    fn select_from(
        &mut self,
        select: &Select,
        selection: Option<&Expr>,
        order_by: &[OrderItem],
        from: &str,
        scope: &mut Scope<'_>,
    ) -> Result<(String, Vec<OutputColumn>), SqlError> {
        let mut values: Vec<(String, Typed)> = Vec::new();
        let mut plain = Vec::new();
        let known = self.learn(selection, scope);
        for item in &select.items {
            self.select_item(item, scope, &mut values)?;
            let aggregated = matches!(item, SelectItem::Expr(expr, _) if functions::has_aggregate(expr));
            plain.resize(values.len(), !aggregated);
        }
        self.unlearn(known);
        let columns: Vec<OutputColumn> = values
            .iter()
            .map(|(name, value)| OutputColumn {
                name: name.clone(),
                rs_type: value.ty.clone(),
                origin: value.origin.clone(),
            })
            .collect();
        let filter = self.clause(" WHERE ", selection, scope)?;
        let keys = self.group_by(&select.group_by, scope, &values, &plain)?;
        let group = keys.sql();
        if !keys.character.is_empty() {
            self.group_keys.extend(keys.character);
            values.clear();
            scope.laterals.clear();
            let known = self.learn(selection, scope);
            for item in &select.items {
                self.select_item(item, scope, &mut values)?;
            }
            self.unlearn(known);
        }
        let names: Vec<String> = values.iter().map(|(n, _)| n.clone()).collect();
        let having = self.clause(" HAVING ", select.having.as_ref(), scope)?;
        let mut keys = Vec::new();
        for item in order_by {
            keys.push(self.order_key(item, scope, &names)?);
        }
        let tail = format!("{from}{filter}{group}{having}");
        let settled: Vec<String> = values.iter().map(|(_, value)| self.settled(value)).collect();
        if let Some(qualify) = &select.qualify {
            let test = self.expr(qualify, scope)?;
            let test = self.condition(&test)?;
            return self.qualified(select, order_by, &keys, &settled, &test, &tail, columns);
        }
        let list = |names: &[String]| {
            settled
                .iter()
                .zip(names)
                .map(|(s, n)| format!("{s} AS {}", quote_identifier(n)))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let selected = keys.iter().all(|key| key.among(&settled).is_some());
        if select.distinct && (!selected || columns.iter().any(|c| c.rs_type.is_character())) {
            let mut order = Vec::new();
            let mut extra = Vec::new();
            for (item, key) in order_by.iter().zip(&keys) {
                let place = key.among(&settled).unwrap_or_else(|| {
                    let name = format!("rs_o{}", extra.len() + 1);
                    extra.push(format!("{} AS {name}", key.in_place()));
                    sole_value(&name)
                });
                order.push(format!("{place}{}", direction(item)));
            }
            let inner: Vec<String> = (1..=columns.len()).map(|n| format!("rs_c{n}")).collect();
            let items = [vec![list(&inner)], extra].concat().join(", ");
            let sql = self.distinct(&format!("SELECT {items}{tail}"), &columns);
            return Ok((format!("{sql}{}", order_clause(&order)), columns));
        }
        let distinct = if select.distinct { "DISTINCT " } else { "" };
        let order: Vec<String> =
            order_by.iter().zip(&keys).map(|(item, key)| format!("{}{}", key.in_place(), direction(item))).collect();
        Ok((format!("SELECT {distinct}{}{tail}{}", list(&names), order_clause(&order)), columns))
    }

    /// "QUALIFY clause": filters after the window functions.
    #[allow(clippy::too_many_arguments, reason = "the parts of one SELECT")]
    fn qualified(
        &mut self,
        select: &Select,
        order_by: &[OrderItem],
        keys: &[Key],
        settled: &[String],
        test: &str,
        tail: &str,
        columns: Vec<OutputColumn>,
    ) -> Result<(String, Vec<OutputColumn>), SqlError> {
        let mut inner: Vec<String> = settled.iter().enumerate().map(|(n, s)| format!("{s} AS rs_c{}", n + 1)).collect();
        inner.push(format!("{test} AS rs_qualify"));
        let mut order = Vec::new();
        for (n, (item, key)) in order_by.iter().zip(keys).enumerate() {
            let key = match key {
                Key::Output(index) if select.distinct => index.to_string(),
                Key::Output(index) => format!("rs_c{index}"),
                Key::Expression(_) if select.distinct => key.among(settled).ok_or_else(|| {
                    SqlError::not_in_stand_in("SELECT DISTINCT with QUALIFY and ORDER BY of what is not selected")
                        .with_hint("select the expression of ORDER BY, too")
                })?,
                Key::Expression(sql) => {
                    inner.push(format!("{sql} AS rs_o{n}"));
                    format!("rs_o{n}")
                }
            };
            order.push(format!("{key}{}", direction(item)));
        }
        let alias = self.alias("q");
        let filtered = format!("FROM (SELECT {}{tail}) AS {alias} WHERE rs_qualify", inner.join(", "));
        let outer: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(n, column)| format!("rs_c{} AS {}", n + 1, quote_identifier(&column.name)))
            .collect();
        let sql = format!("SELECT {} {filtered}", outer.join(", "));
        let sql = if select.distinct { self.distinct(&sql, &columns) } else { sql };
        Ok((format!("{sql}{}", order_clause(&order)), columns))
    }

    /// The distinct rows of a query. Values that differ in trailing blanks are equal ("Character types").
    fn distinct(&mut self, sql: &str, columns: &[OutputColumn]) -> String {
        let alias = self.alias("d");
        let names: Vec<String> = (1..=columns.len()).map(|n| format!("rs_c{n}")).collect();
        let (items, keys) = unblanked(&names, columns, "");
        format!(
            "SELECT {} FROM ({sql}) AS {alias}({}) GROUP BY {}",
            items.join(", "),
            names.join(", "),
            keys.join(", ")
        )
    }

    fn clause(&mut self, word: &str, expr: Option<&Expr>, scope: &Scope<'_>) -> Result<String, SqlError> {
        match expr {
            Some(expr) => {
                let value = self.expr(expr, scope)?;
                Ok(format!("{word}{}", self.condition(&value)?))
            }
            None => Ok(String::new()),
        }
    }

    fn select_item(
        &mut self,
        item: &SelectItem,
        scope: &mut Scope<'_>,
        values: &mut Vec<(String, Typed)>,
    ) -> Result<(), SqlError> {
        match item {
            SelectItem::Expr(expr, alias) => {
                let value = self.expr(expr, scope)?;
                let name = alias.clone().unwrap_or_else(|| natural_name(expr));
                if alias.is_some() {
                    let mut lateral = value.clone();
                    lateral.origin = None;
                    scope.laterals.push((name.clone(), lateral));
                }
                values.push((name, value));
            }
            SelectItem::Star { qualifier, exclude } => {
                let before = values.len();
                match qualifier {
                    None => star(scope, values),
                    Some(name) => {
                        let Some(item) = scope
                            .items
                            .iter()
                            .find(|i| i.alias == name.name && (name.schema.is_none() || name.schema == i.schema))
                        else {
                            return Err(SqlError::new("42P01", format!("relation \"{}\" does not exist", name.name)));
                        };
                        item_columns(item, values);
                    }
                }
                if scope.items.is_empty() {
                    return Err(SqlError::syntax("SELECT * with no tables specified is not valid"));
                }
                for name in exclude {
                    let Some(at) = values[before..].iter().position(|(n, _)| n == name) else {
                        return Err(SqlError::new("42703", format!("column \"{name}\" in EXCLUDE does not exist")));
                    };
                    values.remove(before + at);
                }
            }
        }
        Ok(())
    }

    fn group_by(
        &mut self,
        items: &[GroupItem],
        scope: &Scope<'_>,
        values: &[(String, Typed)],
        plain: &[bool],
    ) -> Result<Grouping, SqlError> {
        let mut grouping = Grouping::default();
        for item in items {
            match item {
                GroupItem::Expr(expr) => {
                    let key = self.group_key(expr, scope, values)?;
                    let key = grouping.key(key, false);
                    grouping.parts.push(key);
                }
                // "GROUP BY clause", ALL: every entry that is not aggregated.
                GroupItem::All => {
                    for (_, (_, value)) in plain.iter().zip(values).filter(|(plain, _)| **plain) {
                        let key = if value.form == Form::Value { value.clone() } else { open_key(value) };
                        let key = grouping.key(key, false);
                        grouping.parts.push(key);
                    }
                }
                GroupItem::Sets(word, sets) => {
                    let mut list = Vec::new();
                    for set in sets {
                        let mut keys = Vec::new();
                        for expr in set {
                            let key = self.group_key(expr, scope, values)?;
                            keys.push(grouping.key(key, true));
                        }
                        list.push(format!("({})", keys.join(", ")));
                    }
                    grouping.parts.push(format!("{word} ({})", list.join(", ")));
                }
            }
        }
        Ok(grouping)
    }

    fn group_key(&mut self, expr: &Expr, scope: &Scope<'_>, values: &[(String, Typed)]) -> Result<Typed, SqlError> {
        if let Some(n) = ordinal(expr) {
            return match n.checked_sub(1).and_then(|i| values.get(i)) {
                Some((_, value)) if value.form == Form::Value => Ok(value.clone()),
                Some((_, value)) => Ok(open_key(value)),
                None => Err(SqlError::new("42P10", format!("GROUP BY position {n} is not in select list"))),
            };
        }
        match self.expr(expr, scope) {
            // A constant key groups nothing; PostgreSQL would read a number as an ordinal.
            Ok(value) if value.is_open() => Ok(open_key(&value)),
            Ok(value) => Ok(value),
            Err(error) => match bare(expr).and_then(|name| values.iter().find(|(n, _)| n == name)) {
                Some((_, value)) => Ok(value.clone()),
                None => Err(error),
            },
        }
    }

    fn order_key(&mut self, item: &OrderItem, scope: &Scope<'_>, names: &[String]) -> Result<Key, SqlError> {
        if let Some(n) = ordinal(&item.expr) {
            if n >= 1 && n <= names.len() {
                return Ok(Key::Output(n));
            }
            return Err(SqlError::new("42P10", format!("ORDER BY position {n} is not in select list")));
        }
        if let Some(name) = bare(&item.expr)
            && let Some(n) = names.iter().position(|x| x == name)
        {
            return Ok(Key::Output(n + 1));
        }
        let value = self.expr(&item.expr, scope)?;
        Ok(Key::Expression(self.settled(&value)))
    }
}

/// The keys of a GROUP BY.
#[derive(Default)]
struct Grouping {
    parts: Vec<String>,
    /// Keys whose trailing blanks do not count, and whether they are in grouping sets.
    character: Vec<(String, bool)>,
}

impl Grouping {
    /// A key as PostgreSQL text.
    fn key(&mut self, value: Typed, in_sets: bool) -> String {
        if value.ty.is_character() {
            let key = format!("({})::bpchar", value.sql);
            self.character.push((value.sql, in_sets));
            return key;
        }
        // In parentheses a number is a value; alone it would be an ordinal.
        format!("({})", value.sql)
    }

    fn sql(&self) -> String {
        if self.parts.is_empty() { String::new() } else { format!(" GROUP BY {}", self.parts.join(", ")) }
    }
}

/// A constant as a key that groups nothing.
fn open_key(value: &Typed) -> Typed {
    Typed::new(format!("({}::text)", value.sql), RsType::Unknown)
}

enum Key {
    /// The n-th output column.
    Output(usize),
    Expression(String),
}

impl Key {
    /// The key as an ordinal of the result, if it is in there.
    fn among(&self, settled: &[String]) -> Option<String> {
        match self {
            Self::Output(n) => Some(n.to_string()),
            Self::Expression(sql) => settled.iter().position(|s| s == sql).map(|n| (n + 1).to_string()),
        }
    }

    fn in_place(&self) -> String {
        match self {
            Self::Output(n) => n.to_string(),
            Self::Expression(sql) => sql.clone(),
        }
    }
}

/// The one value that an unselected key of ORDER BY has among the rows that DISTINCT makes one. "ORDER BY clause" allows columns
/// that are not in the select list; which of several values would count is not documented, so that is an error.
fn sole_value(name: &str) -> String {
    format!("rs.sole_value((pg_catalog.array_agg({name}))[1], count(DISTINCT {name}) + max(({name} IS NULL)::integer))")
}

fn item_columns(item: &Item, values: &mut Vec<(String, Typed)>) {
    if let Some(value) = &item.value {
        values.push((item.alias.clone(), value.clone()));
    }
    for column in &item.columns {
        values.push((column.name.clone(), column.value.clone()));
    }
}

fn star(scope: &Scope<'_>, values: &mut Vec<(String, Typed)>) {
    for name in &scope.merged {
        if let Some(column) = scope.items.iter().flat_map(|i| &i.columns).find(|c| c.name == *name) {
            let mut value = column.value.clone();
            value.sql = quote_identifier(name);
            values.push((name.clone(), value));
        }
    }
    for item in &scope.items {
        let mut all = Vec::new();
        item_columns(item, &mut all);
        values.extend(all.into_iter().filter(|(n, _)| !scope.merged.contains(n)));
    }
}
