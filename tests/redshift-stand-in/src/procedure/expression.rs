//! Values of expressions, and their conversion to a variable's type.
//!
//! Constants and plain variables are taken as they are: a procedure's first statements must not run a
//! query, which would take the transaction's snapshot before its LOCK. Everything else is PostgreSQL's
//! to compute. Invariant: a conversion is that of an assignment; what does not fit is an error.

use redshift_data_api::SqlError;
use redshift_sql::ast::{Literal, UnaryOp};
use redshift_sql::{Expr, RsType};

use super::Given;
use super::frame::Frame;
use crate::catalog::{Procedure, View};
use crate::error::{IntoSql as _, SqlResult, from_front_end};
use crate::session::{RedshiftSession, Scope};
use crate::value::TextParameter;

/// A constant's value and type; `None` if it has to be computed.
fn constant(expr: &Expr) -> Option<(Option<String>, RsType)> {
    let number = |text: &str| -> Option<(Option<String>, RsType)> {
        let value: i64 = text.parse().ok()?;
        let rs_type = if i32::try_from(value).is_ok() { RsType::Integer } else { RsType::BigInt };
        Some((Some(value.to_string()), rs_type))
    };
    match expr {
        Expr::Literal(Literal::Null) => Some((None, RsType::Unknown)),
        Expr::Literal(Literal::Boolean(value)) => Some((Some(value.to_string()), RsType::Boolean)),
        Expr::Literal(Literal::Number(text)) => number(text),
        Expr::Literal(Literal::String(text)) => Some((Some(text.clone()), RsType::Unknown)),
        Expr::Unary(UnaryOp::Minus, inner) => match &**inner {
            Expr::Literal(Literal::Number(text)) => number(&format!("-{text}")),
            _ => None,
        },
        _ => None,
    }
}

/// Converts without PostgreSQL where the result is certain; `None` where it is not.
fn convert(value: Option<&str>, from: &RsType, to: &RsType) -> Option<SqlResult<Option<String>>> {
    let Some(text) = value else {
        return Some(Ok(None));
    };
    let same = Some(Ok(Some(text.to_owned())));
    let integer = |fits: fn(i64) -> bool, name: &str| -> Option<SqlResult<Option<String>>> {
        let number: i64 = text.parse().ok()?;
        Some(if fits(number) {
            Ok(Some(number.to_string()))
        } else {
            Err(SqlError::new("22003", format!("{name} out of range")))
        })
    };
    match (from, to) {
        (from, to) if from == to => same,
        (from, RsType::BigInt) if from.is_integer() => same,
        (from, RsType::Integer) if from.is_integer() => integer(|n| i32::try_from(n).is_ok(), "integer"),
        (from, RsType::SmallInt) if from.is_integer() => integer(|n| i16::try_from(n).is_ok(), "smallint"),
        (RsType::Unknown | RsType::Varchar(_), RsType::Varchar(n)) => {
            let limit = usize::try_from(*n).ok()?;
            if text.len() <= limit {
                return same;
            }
            // Blanks beyond the length are cut off (Redshift Database Developer Guide, "Character types").
            let cut = text.trim_end_matches(' ');
            Some(if cut.len() <= limit {
                Ok(Some(text.get(..limit).unwrap_or(cut).to_owned()))
            } else {
                Err(SqlError::new("22001", format!("value too long for type character varying({n})")))
            })
        }
        _ => None,
    }
}

/// Converts a variable's text from one type to another as an assignment does.
pub(super) async fn assign(
    session: &mut RedshiftSession,
    value: Option<String>,
    from: &RsType,
    to: &RsType,
) -> SqlResult<Option<String>> {
    if let Some(done) = convert(value.as_deref(), from, to) {
        return done;
    }
    let source = match (from, to) {
        (RsType::Unknown, _) => "$1::text".to_owned(),
        (RsType::Super, RsType::Super) => return Ok(value),
        // A scalar in SUPER is assigned by its text; NULL and containers are NULL, as casts are lax.
        (RsType::Super, _) => "($1::text::jsonb #>> '{}')".to_owned(),
        (from, _) => format!("$1::text::{}", from.postgres()),
    };
    // A cast to varchar(n) would cut; the length is checked afterwards.
    let wide = match to {
        RsType::Varchar(_) => "text".to_owned(),
        other => other.postgres(),
    };
    let sql = format!("SELECT ({source})::{wide}::text");
    let client = if session.transaction.open && session.transaction.snapshot_taken {
        &session.client
    } else {
        &session.database.reader
    };
    let row = client.query_typed_raw(&sql, [(TextParameter(value), tokio_postgres::types::Type::TEXT)]).await.sql()?;
    futures::pin_mut!(row);
    let text: Option<String> = match futures::StreamExt::next(&mut row).await {
        Some(row) => row.sql()?.try_get(0).sql()?,
        None => None,
    };
    match to {
        RsType::Varchar(_) => convert(text.as_deref(), &RsType::Unknown, to).unwrap_or(Ok(text)),
        _ => Ok(text),
    }
}

/// One expression's value and type. With `target` it is converted to that type.
pub(super) async fn evaluate(
    session: &mut RedshiftSession,
    expr: &Expr,
    target: Option<&RsType>,
    scope: &dyn Scope,
) -> SqlResult<(Option<String>, RsType)> {
    if let Some((value, rs_type)) = constant(expr) {
        match target {
            None => return Ok((value, rs_type)),
            Some(target) => {
                if let Some(done) = convert(value.as_deref(), &rs_type, target) {
                    return done.map(|value| (value, target.clone()));
                }
            }
        }
    }
    let view = session.view().await?;
    let translated = redshift_sql::rewrite_expression(expr, target, &view, &session.settings.front_end, scope)
        .map_err(|e| from_front_end(e, None))?;
    let datum = session.evaluate(&translated, scope).await?.into_iter().next();
    let rs_type = translated
        .columns
        .first()
        .map_or_else(|| target.cloned().unwrap_or(RsType::Unknown), |column| column.rs_type.clone());
    let value = datum.and_then(|datum| datum.into_variable(&rs_type));
    match target {
        // The translation converts; the text is that of the target's type.
        Some(target) if rs_type != *target => Ok((assign(session, value, &rs_type, target).await?, target.clone())),
        _ => Ok((value, rs_type)),
    }
}

/// A condition: NULL is not true.
pub(super) async fn condition(session: &mut RedshiftSession, expr: &Expr, frame: &Frame) -> SqlResult<bool> {
    let (value, _) = evaluate(session, expr, Some(&RsType::Boolean), frame).await?;
    Ok(matches!(value.as_deref(), Some("t" | "true")))
}

/// The arguments of a CALL, not converted yet.
pub(super) async fn evaluate_all(
    session: &mut RedshiftSession,
    view: &View,
    expressions: &[&Expr],
    scope: &dyn Scope,
) -> SqlResult<Vec<Given>> {
    let constants: Option<Vec<Given>> =
        expressions.iter().map(|expr| constant(expr).map(|(value, rs_type)| Given { value, rs_type })).collect();
    if let Some(given) = constants {
        return Ok(given);
    }
    let targets = vec![None; expressions.len()];
    let translated = redshift_sql::rewrite_expressions(expressions, &targets, view, &session.settings.front_end, scope)
        .map_err(|e| from_front_end(e, None))?;
    let datums = session.evaluate(&translated, scope).await?;
    Ok(datums
        .into_iter()
        .zip(&translated.columns)
        .map(|(datum, column)| Given { value: datum.into_variable(&column.rs_type), rs_type: column.rs_type.clone() })
        .collect())
}

/// Gives arguments the types that the procedure declares. Arguments at output places are left out.
pub(super) async fn convert_all(
    session: &mut RedshiftSession,
    procedure: &Procedure,
    given: Vec<Given>,
) -> SqlResult<Vec<Given>> {
    let every = given.len() == procedure.arguments.len();
    let places = procedure.arguments.iter().filter(|argument| argument.input || every);
    let mut converted = Vec::new();
    for (given, argument) in given.into_iter().zip(places) {
        if !argument.input {
            continue;
        }
        let rs_type = argument.rs_type.clone().unwrap_or(RsType::Varchar(256));
        let value = assign(session, given.value, &given.rs_type, &rs_type).await?;
        converted.push(Given { value, rs_type });
    }
    Ok(converted)
}
