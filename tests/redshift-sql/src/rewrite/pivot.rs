//! The PIVOT and UNPIVOT operators of FROM (Redshift Database Developer Guide, "PIVOT and UNPIVOT examples").
//!
//! PIVOT becomes a grouped query with one aggregate per value, UNPIVOT a lateral list of the columns. Columns of the source that the
//! operator does not name stay as they are: "added implicitly".

use super::from::output_item;
use super::query::{column_list, natural_name};
use super::scope::{Scope, ScopeColumn};
use super::{Form, Rewriter, Typed};
use crate::ast::{BinaryOp, Call, Expr, Literal, Pivot, Step, TableRef, UnpivotColumns};
use crate::catalog::OutputColumn;
use crate::error::SqlError;
use crate::types::RsType;
use crate::{quote_identifier, quote_literal};

impl Rewriter<'_> {
    /// The FROM text of the one relation below the operator, with its columns.
    fn operand(&mut self, source: &TableRef, scope: &mut Scope<'_>) -> Result<(String, Vec<ScopeColumn>), SqlError> {
        if matches!(source, TableRef::Join { .. } | TableRef::Pivot(_) | TableRef::UnpivotColumns(_)) {
            return Err(SqlError::unsupported(
                "PIVOT and UNPIVOT apply to a table, a subquery or a common table expression",
            ));
        }
        let sql = self.table(source, scope)?;
        match scope.items.as_slice() {
            [item] if item.value.is_none() => Ok((sql, item.columns.clone())),
            _ => Err(SqlError::unsupported("PIVOT and UNPIVOT do not apply to unnested SUPER values")),
        }
    }

    pub(super) fn pivot(&mut self, pivot: &Pivot, scope: &mut Scope<'_>) -> Result<String, SqlError> {
        let mut inner = Scope { parent: scope.parent, ..Scope::default() };
        let (from, columns) = self.operand(&pivot.source, &mut inner)?;
        let aggregate = &pivot.aggregate;
        let name = aggregate.name.name.as_str();
        if !["count", "sum", "min", "max", "avg"].contains(&name) || aggregate.over.is_some() {
            return Err(SqlError::unsupported("PIVOT supports the aggregates COUNT, SUM, MIN, MAX and AVG"));
        }
        let turned = Expr::Path(vec![Step::Name(pivot.column.clone())]);
        let turned_sql = self.expr(&turned, &inner)?.sql;
        let mut arguments = Vec::new();
        for argument in &aggregate.args {
            arguments.push(self.expr(argument, &inner)?.sql);
        }
        let mut output = Vec::new();
        let mut items = Vec::new();
        let mut groups = Vec::new();
        for column in &columns {
            let sql = &column.value.sql;
            if *sql == turned_sql || arguments.iter().any(|a| a.contains(sql)) {
                continue;
            }
            // Trailing blanks do not tell groups apart.
            if column.value.ty.is_character() {
                groups.push(format!("({sql})::bpchar"));
                items.push(format!("min({sql})"));
            } else {
                groups.push(sql.clone());
                items.push(sql.clone());
            }
            output.push(OutputColumn { name: column.name.clone(), rs_type: column.value.ty.clone(), origin: None });
        }
        for (value, alias) in &pivot.values {
            let test = match value {
                Expr::Literal(Literal::Null) => Expr::IsNull { expr: Box::new(turned.clone()), negated: false },
                value => Expr::Binary(BinaryOp::Eq, Box::new(turned.clone()), Box::new(value.clone())),
            };
            let counted = aggregate.args.first().cloned().unwrap_or(Expr::Literal(Literal::Number("1".to_owned())));
            let case = Expr::Case { operand: None, branches: vec![(test, counted)], otherwise: None };
            let call = Call { args: vec![case], star: false, ..aggregate.clone() };
            let result = self.expr(&Expr::Call(Box::new(call)), &inner)?;
            let mut column = alias.clone().unwrap_or_else(|| self.constant_name(value));
            if let Some(alias) = &pivot.aggregate_alias {
                column = format!("{column}_{alias}");
            }
            items.push(result.sql);
            output.push(OutputColumn { name: column, rs_type: result.ty, origin: None });
        }
        let group = if groups.is_empty() { String::new() } else { format!(" GROUP BY {}", groups.join(", ")) };
        self.derived(&format!("SELECT {} FROM {from}{group}", items.join(", ")), &output, pivot.alias.as_deref(), scope)
    }

    pub(super) fn unpivot(&mut self, unpivot: &UnpivotColumns, scope: &mut Scope<'_>) -> Result<String, SqlError> {
        let mut inner = Scope { parent: scope.parent, ..Scope::default() };
        let (from, columns) = self.operand(&unpivot.source, &mut inner)?;
        let mut values: Vec<Typed> = Vec::new();
        for (ident, _) in &unpivot.columns {
            match columns.iter().find(|c| c.name == ident.name) {
                Some(column) => values.push(column.value.clone()),
                None => {
                    return Err(SqlError::new("42703", format!("column \"{}\" does not exist", ident.name))
                        .at(ident.position, 0));
                }
            }
        }
        let ty = self.common_type(&values.iter().collect::<Vec<_>>())?;
        let mut rows = Vec::new();
        for ((ident, alias), value) in unpivot.columns.iter().zip(&values) {
            let label = alias.as_ref().unwrap_or(&ident.name);
            rows.push(format!("({}, {})", quote_literal(label), self.branch(value, &ty)?));
        }
        let mut items = Vec::new();
        let mut output = Vec::new();
        for column in columns.iter().filter(|c| !unpivot.columns.iter().any(|(i, _)| i.name == c.name)) {
            items.push(column.value.sql.clone());
            output.push(OutputColumn { name: column.name.clone(), rs_type: column.value.ty.clone(), origin: None });
        }
        let list = self.alias("u");
        items.push(format!("{list}.n::character varying"));
        items.push(format!("{list}.v"));
        let named = |name: &str, rs_type| OutputColumn { name: name.to_owned(), rs_type, origin: None };
        output.push(named(&unpivot.name, RsType::Varchar(128)));
        output.push(named(&unpivot.value, ty));
        let skip = if unpivot.include_nulls { String::new() } else { format!(" WHERE {list}.v IS NOT NULL") };
        let sql = format!(
            "SELECT {} FROM {from} CROSS JOIN LATERAL (VALUES {}) AS {list}(n, v){skip}",
            items.join(", "),
            rows.join(", ")
        );
        self.derived(&sql, &output, unpivot.alias.as_deref(), scope)
    }

    /// A query as a FROM item. Redshift needs no alias there.
    pub(super) fn derived(
        &mut self,
        sql: &str,
        output: &[OutputColumn],
        alias: Option<&str>,
        scope: &mut Scope<'_>,
    ) -> Result<String, SqlError> {
        let alias = alias.map_or_else(|| self.alias("s"), str::to_owned);
        self.add_item(scope, output_item(&alias, output))?;
        Ok(format!("({sql}) AS {}{}", quote_identifier(&alias), column_list(output)))
    }

    /// "For constant IN values such as 'abc' or 5 the default column name is the constant itself."
    fn constant_name(&self, value: &Expr) -> String {
        let name = match value {
            Expr::Literal(Literal::String(text)) => text.clone(),
            Expr::Literal(Literal::Number(number)) => number.clone(),
            Expr::Literal(Literal::Null) => "null".to_owned(),
            Expr::Literal(Literal::Boolean(value)) => value.to_string(),
            other => natural_name(other),
        };
        if self.settings.case_sensitive_identifier { name } else { name.to_lowercase() }
    }

    /// Inside GROUP BY, a character key stands for a group whose values differ in trailing blanks: one of them is shown.
    pub(super) fn representative(&self, value: Typed) -> Typed {
        if value.form != Form::Value || !value.ty.is_character() {
            return value;
        }
        match self.group_keys.iter().find(|(key, _)| *key == value.sql) {
            Some((key, false)) => Typed { sql: format!("min({key})"), ..value },
            Some((key, true)) => {
                Typed { sql: format!("(CASE WHEN grouping(({key})::bpchar) = 0 THEN min({key}) END)"), ..value }
            }
            None => value,
        }
    }
}
