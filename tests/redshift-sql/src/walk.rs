//! Walking over syntax trees.
//!
//! Invariant: nothing here resolves names.

use crate::ast::{Expr, Query, QueryBody, Step, TableRef};

impl Expr {
    /// The expressions directly in this one; subqueries, windows and WITHIN GROUP are left out.
    pub(crate) fn children(&self) -> Vec<&Self> {
        match self {
            Self::Navigate(e, _)
            | Self::Unary(_, e)
            | Self::Prior(e)
            | Self::OuterMark(e)
            | Self::Cast { expr: e, .. }
            | Self::IsNull { expr: e, .. }
            | Self::IsTruth { expr: e, .. }
            | Self::InQuery { expr: e, .. }
            | Self::Quantified { expr: e, .. } => vec![e],
            Self::Binary(_, a, b) | Self::AtTimeZone(a, b) | Self::Like { expr: a, pattern: b, .. } => vec![a, b],
            Self::Between { expr, low, high, .. } => vec![expr, low, high],
            Self::InList { expr, list, .. } => std::iter::once(expr.as_ref()).chain(list).collect(),
            Self::Tuple(list) => list.iter().collect(),
            Self::Case { operand, branches, otherwise } => {
                let ends = operand.iter().chain(otherwise).map(AsRef::as_ref);
                ends.chain(branches.iter().flat_map(|(when, then)| [when, then])).collect()
            }
            Self::Call(call) => call.args.iter().collect(),
            Self::ObjectTransform(t) => std::iter::once(&t.input).chain(t.set.iter().map(|(_, value)| value)).collect(),
            Self::Literal(_)
            | Self::TypedLiteral(..)
            | Self::Interval(..)
            | Self::Path(_)
            | Self::Argument(_)
            | Self::NamedParameter(_)
            | Self::Exists(_)
            | Self::Subquery(_) => Vec::new(),
        }
    }

    /// True if the test holds for this expression or one in it.
    pub(crate) fn any(&self, test: &dyn Fn(&Self) -> bool) -> bool {
        test(self) || self.children().into_iter().any(|e| e.any(test))
    }
}

impl Query {
    /// A relation in FROM that is written without its schema, as a view WITH NO SCHEMA BINDING may not have one.
    ///
    /// Common table expressions and unnested values are no relations. Subqueries of expressions are not entered.
    #[must_use]
    pub fn unqualified_relation(&self) -> Option<String> {
        self.unqualified(&[])
    }

    fn unqualified(&self, around: &[String]) -> Option<String> {
        let mut known = around.to_vec();
        for cte in &self.with {
            known.push(cte.name.clone());
            if let Some(found) = cte.query.unqualified(&known) {
                return Some(found);
            }
        }
        body_unqualified(&self.body, &known)
    }
}

fn body_unqualified(body: &QueryBody, known: &[String]) -> Option<String> {
    match body {
        QueryBody::Select(select) => {
            let mut known = known.to_vec();
            select.from.iter().find_map(|item| item_unqualified(item, &mut known))
        }
        QueryBody::Set(_, left, right) => body_unqualified(left, known).or_else(|| body_unqualified(right, known)),
        QueryBody::Nested(query) => query.unqualified(known),
        QueryBody::Values(_) => None,
    }
}

fn item_unqualified(item: &TableRef, known: &mut Vec<String>) -> Option<String> {
    match item {
        TableRef::Named { path, alias, .. } => {
            let [Step::Name(first), rest @ ..] = path.as_slice() else { return None };
            let missing = rest.is_empty() && !known.contains(&first.name) && !first.name.starts_with("pg_");
            known.push(alias.clone().unwrap_or_else(|| first.name.clone()));
            missing.then(|| first.name.clone())
        }
        TableRef::Unpivot { value, .. } => {
            known.push(value.clone());
            None
        }
        TableRef::Query { query, .. } => query.unqualified(known),
        TableRef::Join { left, right, .. } => item_unqualified(left, known).or_else(|| item_unqualified(right, known)),
        TableRef::Pivot(pivot) => item_unqualified(&pivot.source, known),
        TableRef::UnpivotColumns(unpivot) => item_unqualified(&unpivot.source, known),
        TableRef::Series { .. } => None,
    }
}
