//! CREATE, ALTER and DROP DATABASE, and COMMENT (Redshift Database Developer Guide, the pages of these commands).

use super::{Parsed, Parser};
use crate::error::SqlError;
use crate::statement::{AlterDatabase, CreateDatabase, Statement};

impl Parser<'_> {
    pub(super) fn create_database(&mut self) -> Parsed<Statement> {
        self.expect_word("DATABASE")?;
        let mut database = CreateDatabase { name: self.name()?, owner: None, serializable: false };
        if self.is_word("FROM") || self.is_word("IAM_ROLE") || self.is_words(&["WITH", "PERMISSIONS"]) {
            return self.refuse(SqlError::not_in_stand_in(
                "CREATE DATABASE from an integration, a datashare or a data catalog",
            ));
        }
        self.eat_word("WITH");
        loop {
            if self.eat_word("OWNER") {
                self.eat_symbol("=");
                database.owner = Some(self.name()?);
            } else if self.is_word("CONNECTION") {
                self.connection_limit()?;
            } else if self.is_word("ISOLATION") {
                database.serializable = self.isolation_level()?;
            } else if self.is_word("COLLATE") {
                self.collation()?;
            } else {
                return Ok(Statement::CreateDatabase(database));
            }
        }
    }

    pub(super) fn alter_database(&mut self) -> Parsed<Statement> {
        self.expect_word("DATABASE")?;
        let name = self.name()?;
        let action = if self.eat_words(&["RENAME", "TO"]) {
            AlterDatabase::RenameTo(self.name()?)
        } else if self.eat_words(&["OWNER", "TO"]) {
            AlterDatabase::OwnerTo(self.name()?)
        } else if self.is_word("CONNECTION") {
            self.connection_limit()?;
            AlterDatabase::ConnectionLimit
        } else if self.is_word("ISOLATION") {
            AlterDatabase::Isolation(self.isolation_level()?)
        } else if self.is_word("INTEGRATION") {
            return self.refuse(SqlError::not_in_stand_in("ALTER DATABASE … INTEGRATION"));
        } else {
            self.collation()?;
            AlterDatabase::ConnectionLimit
        };
        Ok(Statement::AlterDatabase { name, action })
    }

    fn connection_limit(&mut self) -> Parsed<()> {
        self.expect_words(&["CONNECTION", "LIMIT"])?;
        if self.eat_word("UNLIMITED") { Ok(()) } else { self.unsigned().map(drop) }
    }

    /// True for SERIALIZABLE.
    fn isolation_level(&mut self) -> Parsed<bool> {
        self.expect_words(&["ISOLATION", "LEVEL"])?;
        if self.eat_word("SERIALIZABLE") {
            return Ok(true);
        }
        self.expect_word("SNAPSHOT").map(|()| false)
    }

    fn collation(&mut self) -> Parsed<()> {
        self.expect_word("COLLATE")?;
        if self.eat_word("CASE_SENSITIVE") || self.eat_word("CS") {
            return Ok(());
        }
        self.refuse(SqlError::not_in_stand_in("COLLATE CASE_INSENSITIVE"))
    }

    pub(super) fn comment(&mut self) -> Parsed<Statement> {
        self.expect_words(&["COMMENT", "ON"])?;
        let kind = match self.keyword().as_deref() {
            Some(k @ ("TABLE" | "COLUMN" | "VIEW" | "SCHEMA" | "DATABASE")) => k.to_owned(),
            Some("CONSTRAINT") => {
                return self.refuse(SqlError::not_in_stand_in("COMMENT ON CONSTRAINT"));
            }
            _ => return Err(self.unexpected()),
        };
        self.advance();
        let mut name = vec![self.name()?];
        while self.eat_symbol(".") {
            name.push(self.label()?);
        }
        self.expect_word("IS")?;
        let text = if self.eat_word("NULL") { None } else { Some(self.string()?) };
        Ok(Statement::Comment { kind, name, text })
    }
}
