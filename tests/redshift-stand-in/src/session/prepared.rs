//! PREPARE, EXECUTE and DEALLOCATE (Redshift Database Developer Guide, the commands' pages).
//!
//! A prepared statement is kept as it was parsed and translated at every EXECUTE. Invariant: it ends with the session.

use redshift_data_api::SqlError;
use redshift_sql::statement::Statement;
use redshift_sql::{Expr, RsType, Variables};

use super::{Outcome, RedshiftSession, Scope};
use crate::error::{SqlResult, from_front_end};

/// A statement with the types of its parameters.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    types: Vec<RsType>,
    statement: Statement,
}

/// The values of `$1`, `$2`, ….
struct Values(Vec<(RsType, Option<String>)>);

impl Values {
    fn get(&self, name: &str) -> Option<&(RsType, Option<String>)> {
        let number: usize = name.strip_prefix('$')?.parse().ok()?;
        self.0.get(number.checked_sub(1)?)
    }
}

impl Variables for Values {
    fn variable(&self, path: &[&str]) -> Option<RsType> {
        let [name] = path else { return None };
        self.get(name).map(|(rs_type, _)| rs_type.clone())
    }

    fn named_parameter(&self, _: &str) -> Option<String> {
        None
    }
}

impl Scope for Values {
    fn value(&self, path: &[String]) -> Option<String> {
        self.get(path.first()?).and_then(|(_, value)| value.clone())
    }
}

fn unknown(name: &str) -> SqlError {
    SqlError::new("26000", format!("prepared statement \"{name}\" does not exist"))
}

impl RedshiftSession {
    pub(super) fn prepare(&mut self, name: &str, types: &[RsType], statement: &Statement) -> SqlResult<Outcome> {
        if self.prepared.contains_key(name) {
            return Err(SqlError::new("42P05", format!("prepared statement \"{name}\" already exists")));
        }
        let prepared = Prepared { types: types.to_vec(), statement: statement.clone() };
        self.prepared.insert(name.to_owned(), prepared);
        Ok(Outcome::nothing())
    }

    pub(super) async fn execute_prepared(
        &mut self,
        name: &str,
        arguments: &[Expr],
        scope: &dyn Scope,
    ) -> SqlResult<Outcome> {
        let Prepared { types, statement } = self.prepared.get(name).cloned().ok_or_else(|| unknown(name))?;
        if types.len() != arguments.len() {
            let text = format!(
                "wrong number of parameters for prepared statement \"{name}\": expected {}, got {}",
                types.len(),
                arguments.len()
            );
            return Err(SqlError::new("42601", text));
        }
        let mut values = Vec::new();
        if !arguments.is_empty() {
            let view = self.view().await?;
            let expressions: Vec<&Expr> = arguments.iter().collect();
            let targets: Vec<Option<RsType>> = types.iter().cloned().map(Some).collect();
            let translated =
                redshift_sql::rewrite_expressions(&expressions, &targets, &view, &self.settings.front_end, scope)
                    .map_err(|e| from_front_end(e, None))?;
            let datums = self.evaluate(&translated, scope).await?;
            values = types.into_iter().zip(datums).map(|(t, datum)| (t.clone(), datum.into_variable(&t))).collect();
        }
        self.run(&statement, &Values(values)).await
    }

    pub(super) fn deallocate(&mut self, name: Option<&str>) -> SqlResult<Outcome> {
        match name {
            None => self.prepared.clear(),
            Some(name) => {
                self.prepared.remove(name).ok_or_else(|| unknown(name))?;
            }
        }
        Ok(Outcome::nothing())
    }
}
