//! JSON that CAN_JSON_PARSE has found good: JSON_PARSE of the same column need not check it again.
//!
//! Invariant: a value is known only where nothing is evaluated for a row before the test was true for it, that is in the select list
//! behind a WHERE, and in the result of a CASE behind its WHEN; never in a query inside of them.

use super::Rewriter;
use super::scope::Scope;
use crate::ast::{BinaryOp, Expr};

impl Rewriter<'_> {
    /// Notes the columns that a condition tests, and tells how many were known before.
    pub(super) fn learn(&mut self, condition: Option<&Expr>, scope: &Scope<'_>) -> usize {
        let before = self.known_json.len();
        let mut open: Vec<&Expr> = condition.into_iter().collect();
        while let Some(expr) = open.pop() {
            match expr {
                Expr::Binary(BinaryOp::And, left, right) => open.extend([&**left, &**right]),
                Expr::Call(call) if call.name.name == "can_json_parse" && call.name.schema.is_none() => {
                    if let [argument] = call.args.as_slice()
                        && is_column(argument)
                    {
                        self.learn_column(argument, scope);
                    }
                }
                _ => {}
            }
        }
        before
    }

    /// Forgets what was learnt since there were `before`.
    pub(super) fn unlearn(&mut self, before: usize) {
        self.known_json.truncate(before);
    }

    fn learn_column(&mut self, argument: &Expr, scope: &Scope<'_>) {
        let (parameters, leader) = (self.parameters.len(), self.leader_function.clone());
        // An error is reported where the condition itself is translated.
        let value = self.expr(argument, scope);
        // A variable would be bound twice.
        if self.parameters.len() > parameters {
            self.parameters.truncate(parameters);
        } else if let Ok(value) = value {
            self.known_json.push(value.sql);
        }
        self.leader_function = leader;
    }
}

/// A column, or FROM_VARBYTE of one: the same each time it is evaluated.
fn is_column(expr: &Expr) -> bool {
    match expr {
        Expr::Path(_) => true,
        Expr::Call(call) => {
            call.name.name == "from_varbyte"
                && call.name.schema.is_none()
                && matches!(call.args.as_slice(), [Expr::Path(_), Expr::Literal(_)])
        }
        _ => false,
    }
}
