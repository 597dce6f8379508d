//! Functions and procedures.
//!
//! A function is a PostgreSQL function with a translated body. A procedure is a PostgreSQL procedure
//! only by name, owner and grants: its source is never run by PostgreSQL, but by the interpreter.
//! Invariant: a procedure is created without EXECUTE for PUBLIC (Redshift Database Developer Guide,
//! "Security and privileges for stored procedures"); a function with it.

use std::sync::Arc;

use redshift_data_api::SqlError;
use redshift_sql::statement::{AlterProcedure, ArgumentMode, ArgumentType, DropRoutine, Statement};
use redshift_sql::{CreateFunction, CreateProcedure, NoVariables, ObjectName, RsType, quote_identifier};
use serde_json::json;

use super::definition::qualified;
use super::{Outcome, RedshiftSession, is_known_parameter};
use crate::catalog::{Procedure, View, postgres_type};
use crate::error::{SqlResult, from_front_end, refused};

/// Arguments in each direction (Redshift Database Developer Guide, "Stored procedure limitations").
const MOST_ARGUMENTS: usize = 32;
/// Bytes of a procedure's source.
const MOST_SOURCE: usize = 2 << 20;

fn scalar(argument: &ArgumentType) -> Option<&RsType> {
    match argument {
        ArgumentType::Scalar(rs_type) => Some(rs_type),
        ArgumentType::RefCursor => None,
    }
}

/// The PostgreSQL types of a signature; lengths do not distinguish procedures.
fn signature(arguments: &[ArgumentType]) -> Vec<String> {
    arguments.iter().map(|argument| postgres_type(scalar(argument))).collect()
}

impl RedshiftSession {
    pub(super) async fn create_procedure(&mut self, create: &CreateProcedure) -> SqlResult<Outcome> {
        let view = self.view().await?;
        let schema = self.creation_schema(&view, &create.name)?;
        let inputs: Vec<ArgumentType> = create
            .arguments
            .iter()
            .filter(|argument| argument.mode != ArgumentMode::Out)
            .map(|argument| argument.arg_type.clone())
            .collect();
        let outputs = create.arguments.iter().filter(|a| a.mode != ArgumentMode::In).count();
        if inputs.len() > MOST_ARGUMENTS || outputs > MOST_ARGUMENTS {
            return Err(refused(format!(
                "procedures cannot have more than {MOST_ARGUMENTS} input and {MOST_ARGUMENTS} output arguments"
            )));
        }
        if create.body.len() > MOST_SOURCE {
            return Err(refused("the source of a procedure cannot be larger than 2 MB"));
        }
        // Redshift Database Developer Guide, "CREATE PROCEDURE", NONATOMIC.
        if create.nonatomic && create.security_definer {
            return Err(refused("SECURITY DEFINER is not supported for NONATOMIC procedures"));
        }
        if create.nonatomic && !create.set.is_empty() {
            return Err(refused("the SET clause is not supported for NONATOMIC procedures"));
        }
        for (name, _) in &create.set {
            if !is_known_parameter(name) {
                return Err(SqlError::new("42704", format!("unrecognized configuration parameter \"{name}\"")));
            }
        }
        redshift_sql::parse_body(&create.body, create.nonatomic, &self.settings.front_end).map_err(|error| {
            let line = error.line;
            let mut error = from_front_end(error, None);
            if let Some(line) = line {
                error.message.push_str(&format!(" (line {line} of the procedure)"));
            }
            error
        })?;
        let types = signature(&inputs);
        let known = view
            .procedures(Some(&schema), &create.name.name)
            .into_iter()
            .find(|procedure| procedure.inputs().iter().map(|t| postgres_type(t.as_ref())).eq(types.iter().cloned()));
        if known.is_some() && !create.or_replace {
            return Err(SqlError::new(
                "42723",
                format!("procedure \"{}\" already exists with same argument types", create.name.name),
            ));
        }
        let object = format!("{}({})", qualified(&schema, &create.name.name), types.join(", "));
        let quote = dollar_quote(&create.body);
        let security = if create.security_definer { "DEFINER" } else { "INVOKER" };
        self.script(&format!(
            "CREATE OR REPLACE PROCEDURE {object} LANGUAGE plpgsql SECURITY {security} AS {quote}{}{quote}",
            create.body
        ))
        .await?;
        if known.is_none() {
            self.script(&format!("REVOKE ALL ON PROCEDURE {object} FROM PUBLIC")).await?;
        }
        let arguments: Vec<_> = create
            .arguments
            .iter()
            .map(|argument| {
                json!({
                    "name": argument.name,
                    "mode": match argument.mode {
                        ArgumentMode::In => "in",
                        ArgumentMode::Out => "out",
                        ArgumentMode::InOut => "inout",
                    },
                    "type": scalar(&argument.arg_type).map(ToString::to_string),
                })
            })
            .collect();
        let meta = json!({
            "arguments": arguments,
            "inputs": inputs.iter().map(type_text).collect::<Vec<_>>(),
            "nonatomic": create.nonatomic,
            "set": create.set,
        });
        self.set_meta("PROCEDURE", &object, &meta).await?;
        self.object_changed();
        Ok(Outcome::nothing())
    }

    pub(super) async fn create_function(
        &mut self,
        create: &CreateFunction,
        statement: &Statement,
    ) -> SqlResult<Outcome> {
        let view = self.view().await?;
        let schema = self.creation_schema(&view, &create.name)?;
        let mut named = create.clone();
        named.name.schema = Some(schema.clone());
        debug_assert!(matches!(statement, Statement::CreateFunction(_)), "the caller matched it");
        let translated =
            redshift_sql::rewrite(&Statement::CreateFunction(named), &view, &self.settings.front_end, &NoVariables)
                .map_err(|e| from_front_end(e, None))?;
        self.script(&translated.sql).await?;
        let types: Vec<String> = create.arguments.iter().map(|t| postgres_type(Some(t))).collect();
        let object = format!("{}({})", qualified(&schema, &create.name.name), types.join(", "));
        let meta = json!({
            "inputs": create.arguments.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "returns": create.returns.to_string(),
            "definition": create.body_text,
        });
        self.set_meta("FUNCTION", &object, &meta).await?;
        self.object_changed();
        Ok(Outcome::nothing())
    }

    /// The one procedure of that name, and of those input types if they are given.
    pub(super) fn find_procedure(
        view: &View,
        name: &ObjectName,
        arguments: Option<&[ArgumentType]>,
    ) -> SqlResult<Option<Arc<Procedure>>> {
        let mut found = view.procedures(name.schema.as_deref(), &name.name);
        if let Some(arguments) = arguments {
            let types = signature(arguments);
            found.retain(|p| p.inputs().iter().map(|t| postgres_type(t.as_ref())).eq(types.iter().cloned()));
        } else if found.len() > 1 {
            return Err(SqlError::new("42725", format!("procedure name \"{name}\" is not unique")));
        }
        Ok(found.into_iter().next())
    }

    /// The PostgreSQL signature of a routine that a statement names.
    pub(super) fn routine_signature(
        view: &View,
        procedure: bool,
        name: &ObjectName,
        arguments: Option<&[ArgumentType]>,
    ) -> SqlResult<Option<String>> {
        if procedure {
            return Ok(Self::find_procedure(view, name, arguments)?.map(|p| p.signature()));
        }
        let mut found = redshift_sql::Catalog::functions(view, name.schema.as_deref(), &name.name);
        if let Some(arguments) = arguments {
            let types = signature(arguments);
            found.retain(|f| f.arguments.iter().map(|t| postgres_type(Some(t))).eq(types.iter().cloned()));
        } else if found.len() > 1 {
            return Err(SqlError::new("42725", format!("function name \"{name}\" is not unique")));
        }
        Ok(found.first().map(|function| {
            let types: Vec<String> = function.arguments.iter().map(|t| postgres_type(Some(t))).collect();
            format!("{}({})", qualified(&function.schema, &function.name), types.join(", "))
        }))
    }

    pub(super) async fn drop_routine(&mut self, drop: &DropRoutine) -> SqlResult<Outcome> {
        let view = self.view().await?;
        let word = if drop.procedure { "PROCEDURE" } else { "FUNCTION" };
        match Self::routine_signature(&view, drop.procedure, &drop.name, drop.arguments.as_deref())? {
            Some(object) => {
                let cascade = if drop.cascade { " CASCADE" } else { "" };
                self.script(&format!("DROP {word} {object}{cascade}")).await?;
                self.object_changed();
            }
            None if drop.if_exists => {}
            None => return Err(no_routine(drop.procedure, &drop.name, drop.arguments.as_deref())),
        }
        Ok(Outcome::nothing())
    }

    pub(super) async fn alter_procedure(
        &mut self,
        name: &ObjectName,
        arguments: Option<&[RsType]>,
        action: &AlterProcedure,
    ) -> SqlResult<Outcome> {
        let view = self.view().await?;
        let arguments: Option<Vec<ArgumentType>> =
            arguments.map(|types| types.iter().cloned().map(ArgumentType::Scalar).collect());
        let procedure = Self::find_procedure(&view, name, arguments.as_deref())?
            .ok_or_else(|| no_routine(true, name, arguments.as_deref()))?;
        let object = procedure.signature();
        let change = match action {
            AlterProcedure::RenameTo(to) => format!("RENAME TO {}", quote_identifier(to)),
            AlterProcedure::OwnerTo(owner) => format!("OWNER TO {}", quote_identifier(owner)),
        };
        self.script(&format!("ALTER PROCEDURE {object} {change}")).await?;
        self.object_changed();
        Ok(Outcome::nothing())
    }
}

fn type_text(argument: &ArgumentType) -> String {
    scalar(argument).map_or_else(|| "refcursor".to_owned(), ToString::to_string)
}

/// `procedure s.p(integer) does not exist`.
pub(crate) fn no_routine(procedure: bool, name: &ObjectName, arguments: Option<&[ArgumentType]>) -> SqlError {
    let word = if procedure { "procedure" } else { "function" };
    let types: Vec<String> = arguments.unwrap_or_default().iter().map(type_text).collect();
    SqlError::new("42883", format!("{word} {name}({}) does not exist", types.join(", ")))
}

/// A dollar quote that the text does not hold.
fn dollar_quote(text: &str) -> String {
    let mut number = 0;
    loop {
        let quote = format!("$rs{number}$");
        if !text.contains(&quote) {
            return quote;
        }
        number += 1;
    }
}
