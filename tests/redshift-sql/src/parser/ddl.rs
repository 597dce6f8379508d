//! CREATE TABLE, ALTER TABLE, DROP, schemas and comments (Redshift Database Developer Guide, the pages of these commands).

use super::{Parsed, Parser};
use crate::ast::ObjectName;
use crate::error::SqlError;
use crate::lexer::Kind;
use crate::statement::{
    AlterSchema, AlterTable, AlterTableAction, ColumnDefinition, CreateSchema, CreateTable, CreateTableAs, DistStyle,
    Drop, DropRoutine, Identity, ObjectKind, SortKey, SortKind, Statement, TableAttributes, TableConstraint,
};
use crate::types::RsType;

/// "Compression encodings".
const ENCODINGS: &[&str] = &[
    "auto",
    "raw",
    "az64",
    "bytedict",
    "delta",
    "delta32k",
    "lzo",
    "mostly8",
    "mostly16",
    "mostly32",
    "runlength",
    "text255",
    "text32k",
    "zstd",
    "none",
];

impl Parser<'_> {
    pub(super) fn create(&mut self) -> Parsed<Statement> {
        self.expect_word("CREATE")?;
        let or_replace = self.eat_words(&["OR", "REPLACE"]);
        let Some(keyword) = self.keyword() else {
            return Err(self.unexpected());
        };
        match keyword.as_str() {
            "VIEW" => self.create_view(or_replace),
            "PROCEDURE" => self.create_procedure(or_replace),
            "FUNCTION" => self.create_function(or_replace),
            "EXTERNAL" if self.is_word_at(1, "SCHEMA") && !or_replace => self.create_external_schema(),
            "EXTERNAL" => self.refuse(SqlError::not_in_stand_in("CREATE EXTERNAL TABLE, VIEW or FUNCTION")),
            _ if or_replace => Err(self.unexpected()),
            "TABLE" => self.create_table(false),
            "TEMP" | "TEMPORARY" => {
                self.advance();
                self.create_table(true)
            }
            "LOCAL" if self.is_word_at(1, "TEMP") || self.is_word_at(1, "TEMPORARY") => {
                self.advance();
                self.advance();
                self.create_table(true)
            }
            "MATERIALIZED" => self.create_materialized_view(),
            "SCHEMA" => self.create_schema(),
            "DATABASE" => self.create_database(),
            "USER" => {
                self.advance();
                self.user(false)
            }
            "GROUP" => self.create_group(),
            "ROLE" => {
                self.advance();
                let name = self.name()?;
                if self.is_word("EXTERNALID") {
                    return self.refuse(SqlError::not_in_stand_in("CREATE ROLE … EXTERNALID"));
                }
                Ok(Statement::CreateRole { name })
            }
            "INDEX" | "UNIQUE" => {
                self.refuse(SqlError::unsupported("CREATE INDEX is not supported by Redshift: it has no indexes"))
            }
            "SEQUENCE" | "TRIGGER" | "DOMAIN" | "TYPE" | "EXTENSION" | "RULE" | "UNLOGGED" | "AGGREGATE"
            | "OPERATOR" | "TABLESPACE" => {
                self.refuse(SqlError::unsupported(format!("CREATE {keyword} is not supported by Redshift")))
            }
            "DATASHARE" | "LIBRARY" | "MODEL" | "MASKING" | "RLS" | "IDENTITY" => {
                self.refuse(SqlError::not_in_stand_in(&format!("CREATE {keyword}")))
            }
            _ => Err(self.unexpected()),
        }
    }

    pub(super) fn if_not_exists(&mut self) -> bool {
        self.eat_words(&["IF", "NOT", "EXISTS"])
    }

    pub(super) fn if_exists(&mut self) -> bool {
        self.eat_words(&["IF", "EXISTS"])
    }

    fn create_table(&mut self, temporary: bool) -> Parsed<Statement> {
        self.expect_word("TABLE")?;
        let if_not_exists = self.if_not_exists();
        let name = self.object_name()?;
        let temporary = temporary || name.name.starts_with('#');
        let mut table = CreateTable {
            name,
            temporary,
            if_not_exists,
            columns: Vec::new(),
            constraints: Vec::new(),
            like: None,
            attributes: TableAttributes::default(),
        };
        let mut only_names = None;
        if self.is_symbol("(") {
            if self.is_name_list_before_as() {
                only_names = Some(self.name_list()?);
            } else {
                self.table_elements(&mut table)?;
            }
        }
        table.attributes = self.table_attributes(table.attributes.clone())?;
        if self.eat_word("AS") {
            if !table.columns.is_empty() || table.like.is_some() || if_not_exists {
                return Err(self.unexpected());
            }
            let query = self.query_or_parenthesised()?;
            return Ok(Statement::CreateTableAs(CreateTableAs {
                name: table.name,
                temporary: table.temporary,
                columns: only_names.unwrap_or_default(),
                attributes: table.attributes,
                query,
            }));
        }
        if table.columns.is_empty() && table.like.is_none() {
            return Err(self.unexpected());
        }
        if self.is_word("PARTITIONED") || self.is_word("INHERITS") || self.is_word("TABLESPACE") {
            return Err(self.unexpected());
        }
        Ok(Statement::CreateTable(table))
    }

    pub(super) fn query_or_parenthesised(&mut self) -> Parsed<crate::ast::Query> {
        if self.starts_query() { self.query() } else { Err(self.unexpected()) }
    }

    /// `(a, b, c)` without types: the column names of CREATE TABLE AS.
    fn is_name_list_before_as(&self) -> bool {
        let mut ahead = 1;
        loop {
            if !matches!(self.token_at(ahead).kind, Kind::Word(_) | Kind::Quoted(_)) {
                return false;
            }
            if self.is_symbol_at(ahead + 1, ")") {
                return true;
            }
            if !self.is_symbol_at(ahead + 1, ",") {
                return false;
            }
            ahead += 2;
        }
    }

    fn table_elements(&mut self, table: &mut CreateTable) -> Parsed<()> {
        self.expect_symbol("(")?;
        loop {
            if self.eat_word("LIKE") {
                let parent = self.object_name()?;
                let defaults = if self.eat_words(&["INCLUDING", "DEFAULTS"]) {
                    true
                } else {
                    self.eat_words(&["EXCLUDING", "DEFAULTS"]);
                    false
                };
                table.like = Some((parent, defaults));
            } else if let Some(constraint) = self.table_constraint()? {
                table.constraints.push(constraint);
            } else {
                let column = self.column_definition(&mut table.attributes)?;
                if table.columns.iter().any(|c| c.name == column.name) {
                    return self.refuse(SqlError::new(
                        "42701",
                        format!("column \"{}\" specified more than once", column.name),
                    ));
                }
                table.columns.push(column);
            }
            if !self.eat_symbol(",") {
                break;
            }
        }
        self.expect_symbol(")")?;
        let keys: Vec<String> = table
            .constraints
            .iter()
            .filter_map(|c| match c {
                TableConstraint::PrimaryKey(columns) => Some(columns.clone()),
                _ => None,
            })
            .flatten()
            .collect();
        for column in &mut table.columns {
            column.not_null |= keys.contains(&column.name);
        }
        Ok(())
    }

    fn table_constraint(&mut self) -> Parsed<Option<TableConstraint>> {
        if self.eat_word("CONSTRAINT") {
            self.name()?;
        }
        if self.eat_words(&["PRIMARY", "KEY"]) {
            return self.name_list().map(TableConstraint::PrimaryKey).map(Some);
        }
        if self.is_word("UNIQUE") && self.is_symbol_at(1, "(") {
            self.advance();
            return self.name_list().map(TableConstraint::Unique).map(Some);
        }
        if self.eat_words(&["FOREIGN", "KEY"]) {
            let columns = self.name_list()?;
            self.expect_word("REFERENCES")?;
            let table = self.object_name()?;
            let references = if self.is_symbol("(") { self.name_list()? } else { Vec::new() };
            return Ok(Some(TableConstraint::ForeignKey { columns, table, references }));
        }
        if self.is_word("CHECK") || self.is_word("EXCLUDE") {
            return self.no_check();
        }
        Ok(None)
    }

    fn no_check<T>(&self) -> Parsed<T> {
        self.refuse(SqlError::unsupported("CHECK and EXCLUDE constraints are not supported by Redshift"))
    }

    fn column_definition(&mut self, table: &mut TableAttributes) -> Parsed<ColumnDefinition> {
        let name = self.name()?;
        let rs_type = self.data_type()?;
        let mut column = ColumnDefinition {
            name,
            rs_type,
            not_null: false,
            default: None,
            identity: None,
            encoding: None,
            collation: None,
            unique: false,
            primary_key: false,
            references: None,
        };
        loop {
            if self.eat_words(&["NOT", "NULL"]) {
                column.not_null = true;
            } else if self.eat_word("NULL") {
            } else if self.eat_word("DEFAULT") {
                column.default = Some(self.expr()?);
            } else if self.is_word("IDENTITY") {
                self.advance();
                column.identity = Some(self.identity(false)?);
                column.not_null = true;
            } else if self.eat_words(&["GENERATED", "BY", "DEFAULT", "AS", "IDENTITY"]) {
                column.identity = Some(self.identity(true)?);
                column.not_null = true;
            } else if self.is_words(&["GENERATED", "ALWAYS"]) {
                return self.refuse(SqlError::unsupported("GENERATED ALWAYS is not supported by Redshift"));
            } else if self.eat_word("ENCODE") {
                column.encoding = Some(self.encoding()?);
            } else if self.eat_word("DISTKEY") {
                table.dist_style.get_or_insert(DistStyle::Key);
                if table.dist_key.replace(column.name.clone()).is_some() {
                    return self.refuse(SqlError::new("42P16", "cannot specify more than one DISTKEY column"));
                }
            } else if self.eat_word("SORTKEY") {
                let key = table.sort_key.get_or_insert(SortKey { kind: SortKind::Compound, columns: Vec::new() });
                key.columns.push(column.name.clone());
            } else if self.eat_word("UNIQUE") {
                column.unique = true;
            } else if self.eat_words(&["PRIMARY", "KEY"]) {
                column.primary_key = true;
                column.not_null = true;
            } else if self.eat_word("REFERENCES") {
                column.references = Some(self.object_name()?);
                if self.is_symbol("(") {
                    self.name_list()?;
                }
            } else if self.eat_word("COLLATE") {
                let collation = self.label()?;
                if !matches!(collation.as_str(), "case_sensitive" | "case_insensitive" | "cs" | "ci") {
                    return self.refuse(SqlError::syntax(format!(
                        "unknown collation {collation}: use CASE_SENSITIVE or CASE_INSENSITIVE"
                    )));
                }
                if matches!(collation.as_str(), "case_insensitive" | "ci") {
                    return self.refuse(SqlError::not_in_stand_in("COLLATE CASE_INSENSITIVE"));
                }
                column.collation = Some(collation);
            } else if self.is_word("CHECK") {
                return self.no_check();
            } else {
                break;
            }
        }
        self.check_column(&column, table)?;
        Ok(column)
    }

    fn check_column(&self, column: &ColumnDefinition, table: &TableAttributes) -> Parsed<()> {
        if column.identity.is_some() && !matches!(column.rs_type, RsType::Integer | RsType::BigInt) {
            return self.refuse(SqlError::new(
                "42P16",
                format!("identity column \"{}\" must be of type INTEGER or BIGINT", column.name),
            ));
        }
        if column.rs_type == RsType::Super {
            // "Limitations" of SUPER.
            let key = table.dist_key.as_ref() == Some(&column.name)
                || table.sort_key.as_ref().is_some_and(|k| k.columns.contains(&column.name));
            if key {
                return self
                    .refuse(SqlError::unsupported("a column of type super cannot be a distribution or sort key"));
            }
        }
        Ok(())
    }

    fn identity(&mut self, by_default: bool) -> Parsed<Identity> {
        self.expect_symbol("(")?;
        let seed = self.signed()?;
        self.expect_symbol(",")?;
        let step = self.signed()?;
        self.expect_symbol(")")?;
        if step == 0 {
            return self.refuse(SqlError::new("22023", "the IDENTITY step must not be zero"));
        }
        Ok(Identity { seed, step, by_default })
    }

    fn encoding(&mut self) -> Parsed<String> {
        let place = (self.position(), self.line());
        let encoding = self.label()?;
        if ENCODINGS.contains(&encoding.as_str()) {
            Ok(encoding)
        } else {
            Err(SqlError::syntax(format!("unknown column encoding \"{encoding}\"")).at(place.0, place.1))
        }
    }

    fn dist_style(&mut self) -> Parsed<DistStyle> {
        let style = match self.keyword().as_deref() {
            Some("AUTO") => DistStyle::Auto,
            Some("EVEN") => DistStyle::Even,
            Some("KEY") => DistStyle::Key,
            Some("ALL") => DistStyle::All,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(style)
    }

    /// A key column; `#n` for an ordinal, which materialized views take.
    fn key_column(&mut self) -> Parsed<String> {
        match self.kind() {
            Kind::Number(_) => Ok(format!("#{}", self.unsigned()?)),
            _ => self.name(),
        }
    }

    fn sort_key(&mut self) -> Parsed<SortKey> {
        let kind = if self.eat_word("COMPOUND") {
            SortKind::Compound
        } else if self.eat_word("INTERLEAVED") {
            SortKind::Interleaved
        } else {
            SortKind::Compound
        };
        self.expect_word("SORTKEY")?;
        if self.eat_word("AUTO") {
            return Ok(SortKey { kind: SortKind::Auto, columns: Vec::new() });
        }
        if self.eat_word("NONE") {
            return Ok(SortKey { kind: SortKind::None, columns: Vec::new() });
        }
        let columns =
            if self.is_symbol("(") { self.parenthesised(Self::key_column)? } else { vec![self.key_column()?] };
        let most = if kind == SortKind::Interleaved { 8 } else { 400 };
        if columns.len() > most {
            return self.refuse(SqlError::new("54011", format!("a sort key cannot have more than {most} columns")));
        }
        Ok(SortKey { kind, columns })
    }

    pub(super) fn table_attributes(&mut self, start: TableAttributes) -> Parsed<TableAttributes> {
        let mut out = start;
        loop {
            match self.keyword().as_deref() {
                Some("DISTSTYLE") => {
                    self.advance();
                    out.dist_style = Some(self.dist_style()?);
                }
                Some("DISTKEY") => {
                    self.advance();
                    self.expect_symbol("(")?;
                    let column = self.key_column()?;
                    self.expect_symbol(")")?;
                    if out.dist_key.replace(column).is_some() {
                        return self.refuse(SqlError::new("42P16", "cannot specify more than one DISTKEY column"));
                    }
                    out.dist_style.get_or_insert(DistStyle::Key);
                }
                Some("SORTKEY" | "COMPOUND" | "INTERLEAVED") => {
                    if out.sort_key.is_some() {
                        return Err(self.unexpected());
                    }
                    out.sort_key = Some(self.sort_key()?);
                }
                Some("BACKUP") => {
                    self.advance();
                    out.backup = Some(self.yes_or_no()?);
                }
                Some("ENCODE") if self.is_word_at(1, "AUTO") => {
                    self.advance();
                    self.advance();
                    out.encode_auto = true;
                }
                _ => break,
            }
        }
        if out.dist_key.is_some() && out.dist_style != Some(DistStyle::Key) {
            return self.refuse(SqlError::new("42P16", "cannot specify DISTKEY column(s) if DISTSTYLE is not KEY"));
        }
        if out.dist_style == Some(DistStyle::Key) && out.dist_key.is_none() {
            return self.refuse(SqlError::new("42P16", "DISTSTYLE KEY requires a DISTKEY column"));
        }
        Ok(out)
    }

    pub(super) fn yes_or_no(&mut self) -> Parsed<bool> {
        if self.eat_word("YES") {
            Ok(true)
        } else {
            self.expect_word("NO")?;
            Ok(false)
        }
    }

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
            Some("VIEW") => {
                self.refuse(SqlError::unsupported("ALTER VIEW is not supported by Redshift: use ALTER TABLE"))
            }
            Some("DEFAULT") => self.alter_default_privileges(),
            Some(other @ ("EXTERNAL" | "FUNCTION" | "ROLE" | "DATASHARE" | "SYSTEM")) => {
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
        if self.is_symbol(",") {
            // ALTER TABLE: one column (and one action) per statement.
            return Err(self.unexpected());
        }
        Ok(Statement::AlterTable(AlterTable { name, action }))
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
                self.on_or_off().map(AlterTableAction::RowLevelSecurity)
            }
            "ALTER" => self.alter_attribute(),
            _ => {
                self.at -= 1;
                Err(self.unexpected())
            }
        }
    }

    pub(super) fn on_or_off(&mut self) -> Parsed<bool> {
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
            "DATASHARE" | "LIBRARY" | "MODEL" | "MASKING" | "RLS" | "EXTERNAL" => {
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

    fn create_schema(&mut self) -> Parsed<Statement> {
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
