//! Policies (Redshift Database Developer Guide, "CREATE RLS POLICY", "CREATE MASKING POLICY" and the pages beside them).

use super::{Parsed, Parser};
use crate::ast::Expr;
use crate::error::SqlError;
use crate::statement::{Attachment, Grantee, PolicyAction, PolicyKind, PolicyStatement, Statement};

impl Parser<'_> {
    /// `RLS POLICY` or `MASKING POLICY` behind the verb.
    pub(super) fn is_policy(&self) -> bool {
        self.is_words(&["RLS", "POLICY"]) || self.is_words(&["MASKING", "POLICY"])
    }

    fn policy_kind(&mut self) -> Parsed<PolicyKind> {
        let kind = if self.is_word("RLS") { PolicyKind::Rls } else { PolicyKind::Masking };
        self.advance();
        self.expect_word("POLICY")?;
        Ok(kind)
    }

    pub(super) fn create_policy(&mut self) -> Parsed<Statement> {
        let kind = self.policy_kind()?;
        let before = self.if_not_exists();
        let name = self.name()?;
        let if_not_exists = self.if_not_exists() || before;
        let mut columns = Vec::new();
        let mut alias = None;
        if self.eat_word("WITH") {
            columns = self.parenthesised(|p| Ok((p.name()?, p.data_type()?)))?;
            if kind == PolicyKind::Rls && !self.is_word("USING") {
                self.eat_word("AS");
                alias = Some(self.name()?);
            }
        } else if kind == PolicyKind::Masking {
            return Err(self.unexpected());
        }
        let using = self.policy_using(kind)?;
        let action = PolicyAction::Create { if_not_exists, columns, alias, using };
        Ok(Statement::Policy(PolicyStatement { kind, name, action }))
    }

    pub(super) fn alter_policy(&mut self) -> Parsed<Statement> {
        let kind = self.policy_kind()?;
        let name = self.name()?;
        let using = self.policy_using(kind)?;
        Ok(Statement::Policy(PolicyStatement { kind, name, action: PolicyAction::Alter { using } }))
    }

    pub(super) fn drop_policy(&mut self) -> Parsed<Statement> {
        let kind = self.policy_kind()?;
        let if_exists = self.if_exists();
        let name = self.name()?;
        let cascade = self.cascade();
        Ok(Statement::Policy(PolicyStatement { kind, name, action: PolicyAction::Drop { if_exists, cascade } }))
    }

    /// `ATTACH` or `DETACH`.
    pub(super) fn attach_policy(&mut self, attach: bool) -> Parsed<Statement> {
        self.advance();
        if !self.is_policy() {
            return Err(self.unexpected());
        }
        let kind = self.policy_kind()?;
        let name = self.name()?;
        self.expect_word("ON")?;
        self.eat_word("TABLE");
        let relations =
            if kind == PolicyKind::Rls { self.comma_list(Self::object_name)? } else { vec![self.object_name()?] };
        let mut outputs = Vec::new();
        let mut inputs = Vec::new();
        if kind == PolicyKind::Masking {
            outputs = self.policy_columns()?;
            if attach && self.eat_word("USING") {
                inputs = self.policy_columns()?;
            }
        }
        self.expect_word(if attach { "TO" } else { "FROM" })?;
        let grantees = self.comma_list(Self::grantee)?;
        if grantees.iter().any(|grantee| matches!(grantee, Grantee::Group(_))) {
            return self.refuse(SqlError::syntax("policies are attached to users, roles and PUBLIC, not to groups"));
        }
        let priority = if attach && kind == PolicyKind::Masking && self.eat_word("PRIORITY") {
            i32::try_from(self.unsigned()?).unwrap_or(i32::MAX)
        } else {
            0
        };
        let attachment = Attachment { relations, outputs, inputs, grantees, priority };
        let action = if attach { PolicyAction::Attach(attachment) } else { PolicyAction::Detach(attachment) };
        Ok(Statement::Policy(PolicyStatement { kind, name, action }))
    }

    fn policy_columns(&mut self) -> Parsed<Vec<String>> {
        self.parenthesised(|p| {
            let name = p.name()?;
            if p.is_symbol(".") || p.is_symbol("[") {
                return p.refuse(SqlError::not_in_stand_in("a masking policy on a path of a SUPER column").with_hint(
                    "attach it to the whole column: OBJECT_TRANSFORM changes an attribute of a SUPER value",
                ));
            }
            Ok(name)
        })
    }

    /// The text between the parentheses of USING.
    fn policy_using(&mut self, kind: PolicyKind) -> Parsed<String> {
        self.expect_word("USING")?;
        self.expect_symbol("(")?;
        let start = self.position();
        let expressions = self.comma_list(Self::expr)?;
        if kind == PolicyKind::Rls && expressions.len() > 1 {
            return Err(self.unexpected());
        }
        let text = self.text[start..self.previous_end()].to_owned();
        self.expect_symbol(")")?;
        Ok(text)
    }
}

/// Parses what [`Parser::policy_using`] kept. One tuple is the list of its members.
pub(crate) fn parse_using(text: &str, settings: &crate::settings::Settings) -> Parsed<Vec<Expr>> {
    let mut parser = Parser::new(text, settings)?;
    let mut list = parser.comma_list(Parser::expr)?;
    if !parser.at_end() {
        return Err(parser.unexpected());
    }
    if let [Expr::Tuple(members)] = list.as_slice() {
        list = members.clone();
    }
    Ok(list)
}
