//! ALTER and DROP of tables and schemas (Redshift Database Developer Guide, the pages of these commands).

use super::{Parsed, Parser};
use crate::ast::ObjectName;
use crate::error::SqlError;
use crate::statement::{
    AlterSchema, AlterTable, AlterTableAction, CreateSchema, DistStyle, Drop, DropRoutine, ObjectKind,
    RowLevelSecurity, Statement, TableAttributes,
};
use crate::types::RsType;

impl Parser<'_> {
    pub(super) fn alter(&mut self) -> Parsed<Statement> {
        self.expect_word("ALTER")?;
        match self.keyword().as_deref() {
            Some("TABLE") => self.alter_table(),
            Some("MATERIALIZED") => self.alter_materialized_view(),
            Some("SCHEMA") => self.alter_schema(),
            Some("DATABASE") => self.alter_database(),
            Some("PROCEDURE") => self.alter_procedure(),
            Some("USER") => {
                self.advance();
                self.user(true)
            }
            Some("GROUP") => self.alter_group(),
            Some("ROLE") => self.alter_role(),
            Some("VIEW") => {
                self.refuse(SqlError::unsupported("ALTER VIEW is not supported by Redshift: use ALTER TABLE"))
            }
            Some("DEFAULT") => self.alter_default_privileges(),
            _ if self.is_policy() => self.alter_policy(),
            Some(other @ ("EXTERNAL" | "FUNCTION" | "DATASHARE" | "SYSTEM")) => {
                let construct = format!("ALTER {other}");
                self.refuse(SqlError::not_in_stand_in(&construct))
            }
            _ => Err(self.unexpected()),
        }
    }

    fn alter_table(&mut self) -> Parsed<Statement> {
        self.expect_word("TABLE")?;
        let name = self.object_name()?;
        let action = self.alter_table_action()?;
        let mut more = Vec::new();
        while self.is_symbol(",") {
            // "ALTER TABLE": one column (and one action) per statement, but for physical attributes.
            if !physical(&action) {
                return Err(self.unexpected());
            }
            self.advance();
            self.expect_word("ALTER")?;
            let next = self.alter_attribute()?;
            if !physical(&next) {
                return Err(self.unexpected());
            }
            more.push(next);
        }
        Ok(Statement::AlterTable(AlterTable { name, action, more }))
    }

    fn alter_table_action(&mut self) -> Parsed<AlterTableAction> {
        let Some(keyword) = self.keyword() else {
            return Err(self.unexpected());
        };
        self.advance();
        match keyword.as_str() {
            "ADD" => {
                if let Some(constraint) = self.table_constraint()? {
                    return Ok(AlterTableAction::AddConstraint(constraint));
                }
                self.eat_word("COLUMN");
                if self.is_words(&["IF", "NOT", "EXISTS"]) {
                    return self.refuse(SqlError::syntax(
                        "syntax error at or near \"NOT\": ADD COLUMN takes no IF NOT EXISTS in Redshift",
                    ));
                }
                self.add_column()
            }
            "DROP" => {
                if self.eat_word("CONSTRAINT") {
                    let name = self.name()?;
                    let cascade = self.cascade();
                    return Ok(AlterTableAction::DropConstraint { name, cascade });
                }
                self.eat_word("COLUMN");
                if self.is_words(&["IF", "EXISTS"]) {
                    return Err(self.unexpected());
                }
                let column = self.name()?;
                let cascade = self.cascade();
                Ok(AlterTableAction::DropColumn { column, cascade })
            }
            "RENAME" => {
                if self.eat_word("TO") {
                    return self.name().map(AlterTableAction::RenameTo);
                }
                self.eat_word("COLUMN");
                let from = self.name()?;
                self.expect_word("TO")?;
                let to = self.name()?;
                Ok(AlterTableAction::RenameColumn { from, to })
            }
            "OWNER" => {
                self.expect_word("TO")?;
                self.name().map(AlterTableAction::OwnerTo)
            }
            "SET" => {
                self.expect_word("SCHEMA")?;
                self.name().map(AlterTableAction::SetSchema)
            }
            "APPEND" => {
                self.expect_word("FROM")?;
                let source = self.object_name()?;
                let ignore_extra = self.eat_word("IGNOREEXTRA");
                let fill_target = !ignore_extra && self.eat_word("FILLTARGET");
                Ok(AlterTableAction::AppendFrom { source, ignore_extra, fill_target })
            }
            "ROW" => {
                self.expect_words(&["LEVEL", "SECURITY"])?;
                self.row_level_security().map(AlterTableAction::RowLevelSecurity)
            }
            "ALTER" => self.alter_attribute(),
            _ => {
                self.at -= 1;
                Err(self.unexpected())
            }
        }
    }

    /// `ON | OFF [CONJUNCTION TYPE AND | OR] [FOR DATASHARES]`
    pub(super) fn row_level_security(&mut self) -> Parsed<RowLevelSecurity> {
        let on = self.on_or_off()?;
        let mut security = RowLevelSecurity { on, any: None };
        if self.eat_words(&["CONJUNCTION", "TYPE"]) {
            let any = self.eat_word("OR");
            if !any {
                self.expect_word("AND")?;
            }
            security.any = Some(any);
        }
        if self.is_words(&["FOR", "DATASHARES"]) {
            return self.refuse(SqlError::not_in_stand_in("ROW LEVEL SECURITY … FOR DATASHARES"));
        }
        Ok(security)
    }

    fn on_or_off(&mut self) -> Parsed<bool> {
        if self.eat_word("ON") {
            Ok(true)
        } else {
            self.expect_word("OFF")?;
            Ok(false)
        }
    }

    /// "ALTER TABLE": a column added cannot be a key, unique, or an identity.
    fn add_column(&mut self) -> Parsed<AlterTableAction> {
        let mut attributes = TableAttributes::default();
        let column = self.column_definition(&mut attributes)?;
        let refused = if attributes != TableAttributes::default() {
            Some("DISTKEY or SORTKEY")
        } else if column.identity.is_some() {
            Some("IDENTITY")
        } else if column.unique || column.primary_key || column.references.is_some() {
            Some("UNIQUE, PRIMARY KEY or REFERENCES")
        } else {
            None
        };
        if let Some(what) = refused {
            return self
                .refuse(SqlError::unsupported(format!("ALTER TABLE ADD COLUMN \"{}\" cannot be {what}", column.name)));
        }
        if column.not_null && column.default.is_none() {
            return self.refuse(SqlError::new(
                "42P16",
                "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression",
            ));
        }
        Ok(AlterTableAction::AddColumn(column))
    }

    fn alter_attribute(&mut self) -> Parsed<AlterTableAction> {
        if self.eat_word("COLUMN") {
            let column = self.name()?;
            if self.eat_word("TYPE") {
                let rs_type = self.data_type()?;
                if !matches!(rs_type, RsType::Varchar(_)) {
                    return self
                        .refuse(SqlError::unsupported("ALTER COLUMN TYPE is only supported for VARCHAR columns"));
                }
                return Ok(AlterTableAction::AlterColumnType { column, rs_type });
            }
            if self.is_word("SET") || self.is_word("DROP") {
                return self.refuse(SqlError::unsupported(
                    "ALTER COLUMN SET/DROP DEFAULT and NOT NULL are not supported by Redshift",
                ));
            }
            self.expect_word("ENCODE")?;
            let encoding = self.encoding()?;
            return Ok(AlterTableAction::AlterColumnEncode { column, encoding });
        }
        if self.eat_word("DISTKEY") {
            return self.name().map(AlterTableAction::DistKey);
        }
        if self.eat_word("DISTSTYLE") {
            let style = self.dist_style()?;
            if style == DistStyle::Key {
                self.expect_word("DISTKEY")?;
                return self.name().map(AlterTableAction::DistKey);
            }
            return Ok(AlterTableAction::DistStyle(style));
        }
        if self.eat_words(&["ENCODE", "AUTO"]) {
            return Ok(AlterTableAction::EncodeAuto);
        }
        if self.is_word("SORTKEY") || self.is_word("COMPOUND") || self.is_word("INTERLEAVED") {
            return self.sort_key().map(AlterTableAction::SortKey);
        }
        Err(self.unexpected())
    }

    pub(super) fn cascade(&mut self) -> bool {
        if self.eat_word("CASCADE") {
            return true;
        }
        self.eat_word("RESTRICT");
        false
    }

    pub(super) fn attribute_of_view(&mut self) -> Parsed<crate::statement::AlterMaterializedView> {
        use crate::statement::AlterMaterializedView as Action;
        Ok(match self.alter_attribute()? {
            AlterTableAction::DistKey(column) => Action::DistKey(column),
            AlterTableAction::DistStyle(style) => Action::DistStyle(style),
            AlterTableAction::SortKey(key) => Action::SortKey(key),
            _ => return Err(self.unexpected()),
        })
    }

    pub(super) fn drop(&mut self) -> Parsed<Statement> {
        self.expect_word("DROP")?;
        let Some(keyword) = self.keyword() else {
            return Err(self.unexpected());
        };
        if self.is_policy() {
            return self.drop_policy();
        }
        self.advance();
        let kind = match keyword.as_str() {
            "TABLE" => ObjectKind::Table,
            "VIEW" => ObjectKind::View,
            "SCHEMA" => ObjectKind::Schema,
            "MATERIALIZED" => {
                self.expect_word("VIEW")?;
                ObjectKind::MaterializedView
            }
            "PROCEDURE" | "FUNCTION" => return self.drop_routine(keyword == "PROCEDURE"),
            "USER" => {
                let if_exists = self.if_exists();
                let names = self.comma_list(Self::name)?;
                return Ok(Statement::DropUsers { names, if_exists });
            }
            "GROUP" => {
                let if_exists = self.if_exists();
                let name = self.name()?;
                return Ok(Statement::DropGroup { name, if_exists });
            }
            "ROLE" => {
                let if_exists = self.if_exists();
                let name = self.name()?;
                let force = self.eat_word("FORCE");
                if !force {
                    self.eat_word("RESTRICT");
                }
                return Ok(Statement::DropRole { name, force, if_exists });
            }
            "INDEX" | "SEQUENCE" | "TRIGGER" | "TYPE" | "DOMAIN" | "EXTENSION" => {
                return self.refuse(SqlError::unsupported(format!("DROP {keyword} is not supported by Redshift")));
            }
            "DATABASE" => return self.name().map(|name| Statement::DropDatabase { name }),
            "DATASHARE" | "LIBRARY" | "MODEL" | "EXTERNAL" => {
                return self.refuse(SqlError::not_in_stand_in(&format!("DROP {keyword}")));
            }
            _ => {
                self.at -= 1;
                return Err(self.unexpected());
            }
        };
        let if_exists = self.if_exists();
        let names =
            self.comma_list(
                |p| {
                    if kind == ObjectKind::Schema { p.name().map(ObjectName::bare) } else { p.object_name() }
                },
            )?;
        let external_database = kind == ObjectKind::Schema && self.eat_words(&["DROP", "EXTERNAL", "DATABASE"]);
        let cascade = self.cascade();
        Ok(Statement::Drop(Drop { kind, names, if_exists, cascade, external_database }))
    }

    fn drop_routine(&mut self, procedure: bool) -> Parsed<Statement> {
        let if_exists = self.if_exists();
        let name = self.object_name()?;
        let arguments = self.signature()?;
        let cascade = self.cascade();
        Ok(Statement::DropRoutine(DropRoutine { procedure, name, arguments, if_exists, cascade }))
    }

    pub(super) fn create_schema(&mut self) -> Parsed<Statement> {
        self.expect_word("SCHEMA")?;
        let if_not_exists = self.if_not_exists();
        let mut schema = CreateSchema { name: String::new(), if_not_exists, authorization: None, quota_mb: None };
        if self.eat_word("AUTHORIZATION") {
            schema.name = self.name()?;
            schema.authorization = Some(schema.name.clone());
        } else {
            schema.name = self.name()?;
            if self.eat_word("AUTHORIZATION") {
                schema.authorization = Some(self.name()?);
            }
        }
        if self.eat_word("QUOTA") {
            schema.quota_mb = Some(self.quota()?);
        }
        Ok(Statement::CreateSchema(schema))
    }

    fn quota(&mut self) -> Parsed<Option<u64>> {
        if self.eat_word("UNLIMITED") {
            return Ok(None);
        }
        let amount = self.unsigned()?;
        let factor = match self.keyword().as_deref() {
            Some("GB") => 1024,
            Some("TB") => 1024 * 1024,
            Some("MB") => 1,
            _ => return Ok(Some(amount)),
        };
        self.advance();
        Ok(Some(amount.saturating_mul(factor)))
    }

    fn alter_schema(&mut self) -> Parsed<Statement> {
        self.expect_word("SCHEMA")?;
        let name = self.name()?;
        let action = if self.eat_words(&["RENAME", "TO"]) {
            AlterSchema::RenameTo(self.name()?)
        } else if self.eat_words(&["OWNER", "TO"]) {
            AlterSchema::OwnerTo(self.name()?)
        } else {
            self.expect_word("QUOTA")?;
            AlterSchema::Quota(self.quota()?)
        };
        Ok(Statement::AlterSchema { name, action })
    }
}

/// How a table is stored.
fn physical(action: &AlterTableAction) -> bool {
    matches!(
        action,
        AlterTableAction::DistKey(_)
            | AlterTableAction::DistStyle(_)
            | AlterTableAction::SortKey(_)
            | AlterTableAction::EncodeAuto
            | AlterTableAction::AlterColumnEncode { .. }
    )
}
