//! A call's variables.
//!
//! Values are texts that PostgreSQL reads back as the variable's type. Invariant: a scalar's value
//! has its declared type; names are looked up from the innermost block outwards.

use std::collections::HashMap;

use redshift_data_api::SqlError;
use redshift_sql::{Query, RsType, Variables};

use super::{Given, Mode, Output};
use crate::catalog::Procedure;
use crate::error::SqlResult;
use crate::session::Scope;

/// One variable.
#[derive(Debug, Clone)]
pub(super) enum Variable {
    Scalar {
        rs_type: RsType,
        value: Option<String>,
        constant: bool,
        not_null: bool,
    },
    /// A row, or nothing yet.
    Record(Vec<(String, RsType, Option<String>)>),
    /// A cursor by name; a bound one has its query.
    Cursor {
        name: Option<String>,
        bound: Option<Box<BoundCursor>>,
    },
    /// Another name of a variable.
    Alias(String),
}

/// The query of a declared cursor, with its arguments.
pub(super) type BoundCursor = (Vec<(String, RsType)>, Query);

/// The variables of one block.
#[derive(Debug, Default)]
pub(super) struct Level {
    pub(super) label: Option<String>,
    pub(super) variables: HashMap<String, Variable>,
}

/// A call under way.
pub(super) struct Frame {
    pub(super) levels: Vec<Level>,
    pub(super) mode: Mode,
    pub(super) found: bool,
    pub(super) row_count: i64,
    /// The error that a handler is handling.
    pub(super) handling: Option<SqlError>,
    /// The line of the statement that runs.
    pub(super) line: usize,
}

impl Frame {
    pub(super) fn new(procedure: &Procedure, given: Vec<Given>, mode: Mode) -> Self {
        let mut level = Level { label: Some(procedure.name.clone()), ..Level::default() };
        let mut given = given.into_iter();
        for (index, argument) in procedure.arguments.iter().enumerate() {
            let value = if argument.input { given.next().and_then(|g| g.value) } else { None };
            let variable = match &argument.rs_type {
                Some(rs_type) => Variable::Scalar { rs_type: rs_type.clone(), value, constant: false, not_null: false },
                None => Variable::Cursor { name: value, bound: None },
            };
            let position = format!("${}", index + 1);
            if argument.name != position {
                level.variables.insert(position, Variable::Alias(argument.name.clone()));
            }
            level.variables.insert(argument.name.clone(), variable);
        }
        Self { levels: vec![level], mode, found: false, row_count: 0, handling: None, line: 0 }
    }

    /// The output arguments' values at the end.
    pub(super) fn outputs(&self, procedure: &Procedure) -> Vec<Output> {
        procedure
            .arguments
            .iter()
            .filter(|argument| argument.output)
            .map(|argument| {
                let rs_type = argument.rs_type.clone().unwrap_or(RsType::Varchar(256));
                let value = match self.levels.first().and_then(|level| level.variables.get(&argument.name)) {
                    Some(Variable::Scalar { value, .. }) => value.clone(),
                    Some(Variable::Cursor { name, .. }) => name.clone(),
                    _ => None,
                };
                (argument.name.clone(), rs_type, value)
            })
            .collect()
    }

    fn lookup_in<'a>(&'a self, level: &'a Level, name: &str) -> Option<&'a Variable> {
        match level.variables.get(name)? {
            Variable::Alias(other) => self.lookup(other),
            variable => Some(variable),
        }
    }

    pub(super) fn lookup(&self, name: &str) -> Option<&Variable> {
        self.levels.iter().rev().find_map(|level| self.lookup_in(level, name))
    }

    /// Whether a name is a variable, a special variable or a block's label.
    pub(super) fn is_known(&self, name: &str) -> bool {
        matches!(name, "found" | "sqlerrm" | "sqlstate")
            || self.lookup(name).is_some()
            || self.levels.iter().any(|level| level.label.as_deref() == Some(name))
    }

    pub(super) fn lookup_mut(&mut self, name: &str) -> Option<&mut Variable> {
        let mut name = name.to_owned();
        loop {
            let index = self.levels.iter().rposition(|level| level.variables.contains_key(&name))?;
            if let Some(Variable::Alias(other)) = self.levels[index].variables.get(&name) {
                name = other.clone();
                continue;
            }
            return self.levels[index].variables.get_mut(&name);
        }
    }

    /// What a path means: a scalar, or a record's field.
    fn resolve(&self, path: &[&str]) -> Option<(RsType, Option<String>)> {
        match path {
            [name] => match self.lookup(name) {
                Some(Variable::Scalar { rs_type, value, .. }) => Some((rs_type.clone(), value.clone())),
                Some(Variable::Cursor { name, .. }) => Some((RsType::Varchar(256), name.clone())),
                Some(_) => None,
                None => match *name {
                    "found" => Some((RsType::Boolean, Some(self.found.to_string()))),
                    // They exist only in handlers, as in Redshift.
                    "sqlerrm" => self.handling.as_ref().map(|e| (RsType::Varchar(65_535), Some(e.message.clone()))),
                    "sqlstate" => self.handling.as_ref().map(|e| (RsType::Varchar(5), Some(e.code.clone()))),
                    _ => None,
                },
            },
            [first, second] => {
                if let Some(Variable::Record(fields)) = self.lookup(first) {
                    return fields
                        .iter()
                        .find(|(field, _, _)| field == second)
                        .map(|(_, rs_type, value)| (rs_type.clone(), value.clone()));
                }
                let level = self.levels.iter().rev().find(|l| l.label.as_deref() == Some(*first))?;
                match self.lookup_in(level, second)? {
                    Variable::Scalar { rs_type, value, .. } => Some((rs_type.clone(), value.clone())),
                    _ => None,
                }
            }
            [label, record, field] => {
                let level = self.levels.iter().rev().find(|l| l.label.as_deref() == Some(*label))?;
                match self.lookup_in(level, record)? {
                    Variable::Record(fields) => fields
                        .iter()
                        .find(|(name, _, _)| name == field)
                        .map(|(_, rs_type, value)| (rs_type.clone(), value.clone())),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The type of an assignment's target.
    pub(super) fn target_type(&self, path: &[String]) -> SqlResult<RsType> {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        self.resolve(&names)
            .map(|(rs_type, _)| rs_type)
            .ok_or_else(|| SqlError::new("42601", format!("\"{}\" is not a known variable", path.join("."))))
    }

    /// Whether a path is a record as a whole.
    pub(super) fn is_record(&self, path: &[String]) -> bool {
        matches!(path, [name] if matches!(self.lookup(name), Some(Variable::Record(_))))
    }

    /// Stores a value that has the target's type already.
    pub(super) fn store(&mut self, path: &[String], new: Option<String>) -> SqlResult<()> {
        let unknown = || SqlError::new("42601", format!("\"{}\" is not a known variable", path.join(".")));
        let variable = match path {
            [name] => self.lookup_mut(name).ok_or_else(unknown)?,
            [first, field] => {
                if let Some(Variable::Record(fields)) = self.lookup_mut(first) {
                    let slot = fields.iter_mut().find(|(name, _, _)| name == field).ok_or_else(unknown)?;
                    slot.2 = new;
                    return Ok(());
                }
                self.levels
                    .iter_mut()
                    .rev()
                    .find(|level| level.label.as_deref() == Some(first.as_str()))
                    .and_then(|level| level.variables.get_mut(field))
                    .ok_or_else(unknown)?
            }
            _ => return Err(unknown()),
        };
        match variable {
            Variable::Scalar { constant: true, .. } => {
                Err(SqlError::new("22005", format!("\"{}\" is declared CONSTANT", path.join("."))))
            }
            Variable::Scalar { not_null: true, .. } if new.is_none() => Err(SqlError::new(
                "22004",
                format!("null value cannot be assigned to variable \"{}\" declared NOT NULL", path.join(".")),
            )),
            Variable::Scalar { value, .. } => {
                *value = new;
                Ok(())
            }
            Variable::Cursor { name, .. } => {
                *name = new;
                Ok(())
            }
            _ => Err(unknown()),
        }
    }
}

impl Variables for Frame {
    fn variable(&self, path: &[&str]) -> Option<RsType> {
        self.resolve(path).map(|(rs_type, _)| rs_type)
    }

    fn named_parameter(&self, _: &str) -> Option<String> {
        None
    }
}

impl Scope for Frame {
    fn value(&self, path: &[String]) -> Option<String> {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        self.resolve(&names).and_then(|(_, value)| value)
    }
}
