//! CASE, and the loops over numbers and rows.

use redshift_data_api::SqlError;
use redshift_sql::ast::BinaryOp;
use redshift_sql::plpgsql::{Expression, PlStatement, Target};
use redshift_sql::{Expr, RsType};

use super::expression::{self, condition};
use super::frame::{Frame, Level, Variable};
use super::interpret::{Flow, Turn, turn};
use crate::error::SqlResult;
use crate::session::{Outcome, RedshiftSession};

impl Frame {
    pub(super) async fn case(
        &mut self,
        session: &mut RedshiftSession,
        operand: Option<&Expression>,
        branches: &[(Vec<Expression>, Vec<PlStatement>)],
        otherwise: Option<&[PlStatement]>,
    ) -> SqlResult<Flow> {
        for (tests, statements) in branches {
            for test in tests {
                let holds = match operand {
                    Some(operand) => {
                        let equal =
                            Expr::Binary(BinaryOp::Eq, Box::new(operand.expr.clone()), Box::new(test.expr.clone()));
                        condition(session, &equal, self).await?
                    }
                    None => condition(session, &test.expr, self).await?,
                };
                if holds {
                    return self.statements(session, statements).await;
                }
            }
        }
        match otherwise {
            Some(statements) => self.statements(session, statements).await,
            None => Err(SqlError::new("20000", "case not found")),
        }
    }

    pub(super) async fn for_integer(
        &mut self,
        session: &mut RedshiftSession,
        label: Option<&String>,
        variable: &str,
        reverse: bool,
        (from, to): (&Expression, &Expression),
        body: &[PlStatement],
    ) -> SqlResult<Flow> {
        let from = self.integer(session, from).await?;
        let to = self.integer(session, to).await?;
        let numbers: Box<dyn Iterator<Item = i64> + Send> =
            if reverse { Box::new((to..=from).rev()) } else { Box::new(from..=to) };
        let depth = self.levels.len();
        self.levels.push(Level::default());
        for number in numbers {
            tokio::task::yield_now().await;
            let counter = Variable::Scalar {
                rs_type: RsType::Integer,
                value: Some(number.to_string()),
                constant: false,
                not_null: false,
            };
            let level = self.levels.last_mut().expect("the loop's own level was pushed");
            level.variables.insert(variable.to_owned(), counter);
            let flow = self.statements(session, body).await?;
            if let Turn::Leave(flow) = turn(flow, label) {
                self.levels.truncate(depth);
                return Ok(flow);
            }
            session.check_cancelled()?;
        }
        self.levels.truncate(depth);
        Ok(Flow::Next)
    }

    pub(super) async fn integer(&self, session: &mut RedshiftSession, bound: &Expression) -> SqlResult<i64> {
        let (value, _) = expression::evaluate(session, &bound.expr, Some(&RsType::Integer), self).await?;
        value
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| SqlError::new("22004", "a bound of a FOR loop cannot be null"))
    }

    pub(super) async fn for_rows(
        &mut self,
        session: &mut RedshiftSession,
        label: Option<&String>,
        targets: &[Target],
        outcome: Outcome,
        body: &[PlStatement],
    ) -> SqlResult<Flow> {
        let columns = outcome.columns.unwrap_or_default();
        let mut any = false;
        let mut after = Flow::Next;
        for row in outcome.rows {
            any = true;
            self.assign_row(session, targets, &columns, Some(row)).await?;
            let flow = self.statements(session, body).await?;
            if let Turn::Leave(flow) = turn(flow, label) {
                after = flow;
                break;
            }
        }
        session.open_loops -= 1;
        self.found = any;
        Ok(after)
    }
}
