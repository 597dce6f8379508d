//! Stored procedures: who may call what, with which arguments, in which transaction.
//!
//! PostgreSQL's own plpgsql cannot give Redshift's rules (a handler rolls the whole transaction back,
//! COMMIT stands anywhere, dynamic SQL is Redshift SQL), so that procedures are interpreted here,
//! statement by statement, each through the same rewriter as any statement.
//! Sources: Redshift Database Developer Guide, "Creating stored procedures in Amazon Redshift".
//!
//! Invariant: when a call returns, the session's role and settings are the caller's.

mod control;
mod cursor;
mod embedded;
mod expression;
mod frame;
mod interpret;

use std::sync::Arc;

use redshift_data_api::SqlError;
use redshift_sql::{Expr, ObjectName, OutputColumn, RsType};

use crate::catalog::{Procedure, View};
use crate::clock;
use crate::error::{IntoSql as _, SqlResult, denied, from_front_end, refused};
use crate::history;
use crate::session::{Outcome, RedshiftSession, Scope};
use crate::value::Datum;
use frame::Frame;

/// Calls within calls (Redshift Database Developer Guide, "Stored procedure limitations").
const MOST_NESTED: usize = 16;

/// What a procedure may do with the transaction it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode {
    /// Each statement commits alone.
    pub(crate) nonatomic: bool,
    /// COMMIT, ROLLBACK and TRUNCATE may end the transaction.
    pub(crate) may_end: bool,
}

/// An evaluated argument.
pub(crate) struct Given {
    pub(crate) value: Option<String>,
    pub(crate) rs_type: RsType,
}

/// CALL as a statement of its own.
pub(crate) async fn call_top(
    session: &mut RedshiftSession,
    name: &ObjectName,
    arguments: &[Expr],
    scope: &dyn Scope,
) -> SqlResult<Outcome> {
    let view = session.view().await?;
    let expressions: Vec<&Expr> = arguments.iter().collect();
    let given = expression::evaluate_all(session, &view, &expressions, scope).await?;
    let procedure = choose(&view, name, &given)?;
    let given = expression::convert_all(session, &procedure, given).await?;
    let in_block = session.transaction.open;
    let mode = Mode { nonatomic: procedure.nonatomic, may_end: !in_block && procedure.set.is_empty() };
    session.open_loops = 0;
    let began = !in_block && !procedure.nonatomic;
    if began {
        session.begin().await?;
    }
    let login_role = session.role.clone();
    let result = call(session, &procedure, given, mode).await;
    session.depth = 0;
    session.open_loops = 0;
    session.role = login_role;
    let result = if procedure.nonatomic && !in_block {
        // A transaction that the procedure started and did not end is rolled back.
        if session.transaction.open {
            session.rollback_block().await?;
        }
        result
    } else {
        session.end_implicit(began, result).await
    };
    let outputs = result?;
    if outputs.is_empty() {
        return Ok(Outcome::nothing());
    }
    let mut columns = Vec::new();
    let mut row = Vec::new();
    for (name, rs_type, value) in outputs {
        row.push(Datum::from_text(value.as_deref(), &rs_type)?);
        columns.push(OutputColumn { name, rs_type, origin: None });
    }
    Ok(Outcome { columns: Some(columns), rows: vec![row], affected: -1 })
}

/// CALL inside a procedure. Returns the output arguments.
pub(crate) async fn call_nested(
    session: &mut RedshiftSession,
    procedure: &Arc<Procedure>,
    given: Vec<Given>,
    outer: Mode,
) -> SqlResult<Vec<Output>> {
    // "CREATE PROCEDURE", NONATOMIC: nested procedures must have the mode of the outer one.
    if procedure.nonatomic != outer.nonatomic {
        return Err(refused(format!(
            "procedure {}.{} cannot be called: a nested procedure must have the same transaction mode as its caller",
            procedure.schema, procedure.name
        )));
    }
    let given = expression::convert_all(session, procedure, given).await?;
    let mode = Mode { may_end: outer.may_end && procedure.set.is_empty(), ..outer };
    // "SYS_PROCEDURE_CALL": each call has a query id of its own, and knows the call around it.
    let around = session.query_id;
    let query_id = session.database.warehouse.next_query_id();
    let mut entry = session.entry(query_id, &format!("CALL {}.{}", procedure.schema, procedure.name));
    entry.caller = Some(around);
    entry.security_user = Some(session.role.clone());
    session.query_id = query_id;
    let result = call(session, procedure, given, mode).await;
    session.query_id = around;
    let end = history::End {
        error: result.as_ref().err().map(SqlError::text),
        cancelled: result.is_err() && session.is_cancelled(),
        returned_rows: 0,
    };
    session.database.history.send(history::Event::Ended(entry, end, clock::now()));
    result
}

/// Name, type and value of an output argument.
pub(crate) type Output = (String, RsType, Option<String>);

async fn call(
    session: &mut RedshiftSession,
    procedure: &Arc<Procedure>,
    given: Vec<Given>,
    mode: Mode,
) -> SqlResult<Vec<Output>> {
    if session.depth >= MOST_NESTED {
        return Err(SqlError::new(
            "54001",
            format!("stored procedure calls are nested deeper than {MOST_NESTED} levels"),
        ));
    }
    check_execute(session, procedure).await?;
    let caller = session.role.clone();
    if procedure.definer && procedure.owner != caller {
        session.assume(&procedure.owner).await?;
    }
    let mut saved = Vec::new();
    for (name, value) in &procedure.set {
        saved.push((name.clone(), session.parameter(name)?));
        session.set_parameter(name, value.as_deref()).await?;
    }
    session.depth += 1;
    let result = run_body(session, procedure, given, mode).await;
    session.depth -= 1;
    if result.is_ok() {
        for (name, value) in saved {
            session.set_parameter(&name, Some(&value)).await?;
        }
        if session.role != caller {
            session.assume(&caller).await?;
        }
    } else {
        // The transaction is to be rolled back, which brings settings and role back below.
        session.role = caller;
    }
    result
}

async fn run_body(
    session: &mut RedshiftSession,
    procedure: &Arc<Procedure>,
    given: Vec<Given>,
    mode: Mode,
) -> SqlResult<Vec<Output>> {
    let block = redshift_sql::parse_body(&procedure.source, procedure.nonatomic, &session.settings.front_end)
        .map_err(|e| from_front_end(e, None))?;
    let mut frame = Frame::new(procedure, given, mode);
    frame.run(session, &block).await?;
    Ok(frame.outputs(procedure))
}

async fn check_execute(session: &RedshiftSession, procedure: &Procedure) -> SqlResult<()> {
    if procedure.owner == session.role {
        return Ok(());
    }
    let row = session
        .database
        .reader
        .query_opt(
            "SELECT pg_catalog.has_function_privilege($1::text::name, $2::oid, 'EXECUTE'),
                    pg_catalog.has_schema_privilege($1::text::name, $3::text, 'USAGE')",
            &[&session.role, &procedure.oid, &procedure.schema],
        )
        .await
        .sql()?;
    let (execute, usage) = row.map_or((false, false), |row| {
        (row.get::<_, Option<bool>>(0).unwrap_or(false), row.get::<_, Option<bool>>(1).unwrap_or(false))
    });
    if !usage {
        return Err(denied(format!("schema {}", procedure.schema)));
    }
    if !execute {
        return Err(denied(format!("procedure {}", procedure.name)));
    }
    Ok(())
}

/// The overload that fits best: as many exact types as possible, none that cannot be converted.
pub(crate) fn choose(view: &View, name: &ObjectName, given: &[Given]) -> SqlResult<Arc<Procedure>> {
    let mut best: Option<(usize, Arc<Procedure>)> = None;
    for procedure in view.procedures(name.schema.as_deref(), &name.name) {
        let inputs = procedure.inputs();
        let all = procedure.arguments.len();
        if inputs.len() != given.len() && all != given.len() {
            continue;
        }
        let score = inputs
            .iter()
            .zip(given)
            .filter(|(input, given)| {
                // A constant whose type is open is a character string first.
                let open = |t: &RsType| given.rs_type == RsType::Unknown && given.value.is_some() && t.is_character();
                input
                    .as_ref()
                    .is_some_and(|t| std::mem::discriminant(t) == std::mem::discriminant(&given.rs_type) || open(t))
            })
            .count()
            + usize::from(inputs.len() == given.len());
        if best.as_ref().is_none_or(|(found, _)| score > *found) {
            best = Some((score, procedure));
        }
    }
    best.map(|(_, procedure)| procedure).ok_or_else(|| {
        let types: Vec<String> = given.iter().map(|g| g.rs_type.to_string()).collect();
        SqlError::new("42883", format!("procedure {name}({}) does not exist", types.join(", ")))
    })
}
