//! CREATE TABLE and its attributes (Redshift Database Developer Guide, the pages of these commands).

use super::{Parsed, Parser};
use crate::error::SqlError;
use crate::lexer::Kind;
use crate::statement::{
    ColumnDefinition, CreateTable, CreateTableAs, DistStyle, Identity, SortKey, SortKind, Statement, TableAttributes,
    TableConstraint,
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
            _ if self.is_policy() => self.create_policy(),
            "DATASHARE" | "LIBRARY" | "MODEL" | "IDENTITY" => {
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

    pub(super) fn table_constraint(&mut self) -> Parsed<Option<TableConstraint>> {
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

    pub(super) fn column_definition(&mut self, table: &mut TableAttributes) -> Parsed<ColumnDefinition> {
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

    pub(super) fn encoding(&mut self) -> Parsed<String> {
        let place = (self.position(), self.line());
        let encoding = self.label()?;
        if ENCODINGS.contains(&encoding.as_str()) {
            Ok(encoding)
        } else {
            Err(SqlError::syntax(format!("unknown column encoding \"{encoding}\"")).at(place.0, place.1))
        }
    }

    pub(super) fn dist_style(&mut self) -> Parsed<DistStyle> {
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

    pub(super) fn sort_key(&mut self) -> Parsed<SortKey> {
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
}
