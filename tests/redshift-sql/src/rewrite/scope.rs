//! Names in sight of an expression, and their resolution.
//!
//! Order: alias or table, then column, then the enclosing query, then plpgsql variables. A name that is both a column and a variable
//! is ambiguous. Invariant: a resolved path is either a whole value or SUPER navigation.

use super::{Rewriter, Typed};
use crate::ast::{Ident, Step};
use crate::catalog::Parameter;
use crate::error::SqlError;
use crate::quote_identifier;
use crate::types::RsType;

#[derive(Debug, Clone)]
pub(crate) struct ScopeColumn {
    pub(crate) name: String,
    pub(crate) value: Typed,
}

/// A FROM item.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) alias: String,
    pub(crate) schema: Option<String>,
    pub(crate) columns: Vec<ScopeColumn>,
    /// The item itself is a value: an unnested element or an attribute name.
    pub(crate) value: Option<Typed>,
}

#[derive(Debug, Default)]
pub(crate) struct Scope<'p> {
    pub(crate) items: Vec<Item>,
    /// Columns of JOIN … USING: their bare name is one column.
    pub(crate) merged: Vec<String>,
    /// LEVEL of a hierarchical query: found where no column has the name.
    pub(crate) pseudo: Vec<ScopeColumn>,
    /// Select list aliases so far, for lateral references ("SELECT list").
    pub(crate) laterals: Vec<(String, Typed)>,
    pub(crate) parent: Option<&'p Scope<'p>>,
}

impl Scope<'_> {
    /// Finds a bare column. `None` if there is none here.
    fn column(&self, name: &str) -> Result<Option<Typed>, SqlError> {
        let mut found = None;
        for item in &self.items {
            let here = item.columns.iter().find(|c| c.name == name).map(|c| &c.value).or(if item.alias == name {
                item.value.as_ref()
            } else {
                None
            });
            let Some(value) = here else { continue };
            if found.is_some() {
                if self.merged.iter().any(|m| m == name) {
                    let mut merged = value.clone();
                    merged.sql = quote_identifier(name);
                    return Ok(Some(merged));
                }
                return Err(SqlError::new("42702", format!("column reference \"{name}\" is ambiguous")));
            }
            found = Some(value.clone());
        }
        Ok(found.or_else(|| self.pseudo.iter().find(|c| c.name == name).map(|c| c.value.clone())))
    }

    fn item(&self, schema: Option<&str>, alias: &str) -> Option<&Item> {
        self.items.iter().find(|i| i.alias == alias && (schema.is_none() || i.schema.as_deref() == schema))
    }
}

/// Names at the start of a path.
fn names(steps: &[Step]) -> Vec<&Ident> {
    steps
        .iter()
        .map_while(|s| match s {
            Step::Name(ident) => Some(ident),
            Step::Index(_) => None,
        })
        .collect()
}

impl Rewriter<'_> {
    pub(crate) fn path(&mut self, steps: &[Step], scope: &Scope<'_>) -> Result<Typed, SqlError> {
        let names = names(steps);
        let variable = self.variable(&names);
        let mut level = Some(scope);
        while let Some(here) = level {
            if let Some((value, used)) = self.in_scope(&names, here)? {
                if variable.is_some() && used == 1 && names.len() == 1 {
                    return Err(SqlError::new("42702", format!("column reference \"{}\" is ambiguous", names[0].name))
                        .with_hint("it could refer to either a PL/pgSQL variable or a table column"));
                }
                return self.navigate_rest(value, &steps[used..], scope);
            }
            level = here.parent;
        }
        if let Some((path, rs_type)) = variable {
            let used = path.len();
            let value = self.parameter(path, rs_type);
            return self.navigate_rest(value, &steps[used..], scope);
        }
        // Aliases of the same select list come last: columns win ("SELECT list", lateral aliases).
        if let Some((_, value)) = scope.laterals.iter().find(|(n, _)| *n == names[0].name) {
            let value = value.clone();
            return self.navigate_rest(value, &steps[1..], scope);
        }
        Err(unknown(&names, scope))
    }

    fn navigate_rest(&mut self, value: Typed, rest: &[Step], scope: &Scope<'_>) -> Result<Typed, SqlError> {
        if rest.is_empty() { Ok(value) } else { self.navigate(value, rest, scope) }
    }

    /// The value that the first `used` names denote in one scope.
    fn in_scope(&self, names: &[&Ident], scope: &Scope<'_>) -> Result<Option<(Typed, usize)>, SqlError> {
        let column_of = |item: &Item, at: usize| {
            let name = names.get(at)?;
            item.columns.iter().find(|c| c.name == name.name).map(|c| (c.value.clone(), at + 1))
        };
        if names.len() >= 2 {
            if let Some(item) = scope.item(None, &names[0].name) {
                if let Some(found) = column_of(item, 1) {
                    return Ok(Some(found));
                }
                if let Some(value) = &item.value {
                    return Ok(Some((value.clone(), 1)));
                }
            }
            if let Some(item) = scope.item(Some(&names[0].name), &names[1].name)
                && let Some(found) = column_of(item, 2)
            {
                return Ok(Some(found));
            }
            if names.len() >= 4
                && names[0].name == self.catalog.database()
                && let Some(item) = scope.item(Some(&names[1].name), &names[2].name)
                && let Some(found) = column_of(item, 3)
            {
                return Ok(Some(found));
            }
        }
        Ok(scope.column(&names[0].name)?.map(|value| (value, 1)))
    }

    /// The longest variable path that the names start with (record fields have two names).
    fn variable(&self, names: &[&Ident]) -> Option<(Vec<String>, RsType)> {
        for length in (1..=names.len().min(3)).rev() {
            let path: Vec<&str> = names[..length].iter().map(|i| i.name.as_str()).collect();
            if let Some(rs_type) = self.variables.variable(&path) {
                return Some((path.into_iter().map(str::to_owned).collect(), rs_type));
            }
        }
        None
    }

    pub(super) fn parameter(&mut self, path: Vec<String>, rs_type: RsType) -> Typed {
        let index = match self.parameters.iter().position(|p| p.path == path) {
            Some(index) => index,
            None => {
                self.parameters.push(Parameter { path, rs_type: rs_type.clone() });
                self.parameters.len() - 1
            }
        };
        // A bare `::character(n)` or `::varchar(n)` would cut: the variable's own assignment has checked its length.
        let cast = match &rs_type {
            RsType::Char(_) => "bpchar".to_owned(),
            RsType::Varchar(_) => "character varying".to_owned(),
            RsType::Decimal(..) => "numeric".to_owned(),
            // As text it has its attributes in order.
            RsType::Super => return Typed::new(format!("rs.ordered(${}::json)", index + 1), rs_type),
            other => other.postgres(),
        };
        Typed::new(format!("(${}::{cast})", index + 1), rs_type)
    }
}

fn unknown(names: &[&Ident], scope: &Scope<'_>) -> SqlError {
    let place = |e: SqlError| e.at(names[0].position, 0);
    if names.len() == 1 {
        let tables: Vec<&str> = scope.items.iter().map(|i| i.alias.as_str()).collect();
        let within = if tables.is_empty() { String::new() } else { format!(" in {}", tables.join(", ")) };
        return place(SqlError::new("42703", format!("column \"{}\" does not exist{within}", names[0].name)));
    }
    let known = scope.item(None, &names[0].name).is_some();
    if known {
        return place(SqlError::new("42703", format!("column {}.{} does not exist", names[0].name, names[1].name)));
    }
    place(SqlError::new("42P01", format!("relation \"{}\" does not exist", names[0].name)))
}
