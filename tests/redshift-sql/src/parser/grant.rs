//! GRANT, REVOKE, users, groups and roles (the guide's pages of these commands).

use super::{Parsed, Parser};
use crate::error::SqlError;
use crate::lexer::Kind;
use crate::statement::{DefaultPrivileges, Grant, GrantObject, Grantee, Statement, UserStatement};

const PRIVILEGES: &[&str] = &[
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "DROP",
    "REFERENCES",
    "ALTER",
    "TRUNCATE",
    "CREATE",
    "USAGE",
    "TEMPORARY",
    "TEMP",
    "EXECUTE",
    "RULE",
    "TRIGGER",
];

impl Parser<'_> {
    pub(super) fn grant(&mut self, revoke: bool) -> Parsed<Statement> {
        self.advance();
        let mut grant = Grant {
            privileges: Vec::new(),
            columns: Vec::new(),
            on: GrantObject::System,
            grantees: Vec::new(),
            with_option: false,
        };
        if revoke && (self.eat_words(&["GRANT", "OPTION", "FOR"]) || self.eat_words(&["ADMIN", "OPTION", "FOR"])) {
            grant.with_option = true;
        }
        if self.eat_word("ROLE") {
            let roles = self.comma_list(|p| {
                p.eat_word("ROLE");
                p.role_name()
            })?;
            grant.on = GrantObject::Roles(roles);
        } else {
            self.privileges(&mut grant)?;
        }
        self.expect_word(if revoke { "FROM" } else { "TO" })?;
        grant.grantees = self.comma_list(Self::grantee)?;
        if !revoke && (self.eat_words(&["WITH", "GRANT", "OPTION"]) || self.eat_words(&["WITH", "ADMIN", "OPTION"])) {
            grant.with_option = true;
        }
        if revoke {
            self.cascade();
            return Ok(Statement::Revoke(grant));
        }
        Ok(Statement::Grant(grant))
    }

    /// "ALTER DEFAULT PRIVILEGES".
    pub(super) fn alter_default_privileges(&mut self) -> Parsed<Statement> {
        self.expect_words(&["DEFAULT", "PRIVILEGES"])?;
        let users = if self.eat_word("FOR") {
            self.expect_word("USER")?;
            self.comma_list(Self::name)?
        } else {
            Vec::new()
        };
        let schemas = if self.eat_words(&["IN", "SCHEMA"]) { self.comma_list(Self::name)? } else { Vec::new() };
        let give = self.eat_word("GRANT");
        if !give {
            self.expect_word("REVOKE")?;
        }
        let with_option = !give && self.eat_words(&["GRANT", "OPTION", "FOR"]);
        let privileges = if self.eat_word("ALL") {
            self.eat_word("PRIVILEGES");
            vec!["ALL".to_owned()]
        } else {
            self.comma_list(|p| match p.keyword() {
                Some(word) if PRIVILEGES.contains(&word.as_str()) => {
                    p.advance();
                    Ok(word)
                }
                _ => Err(p.unexpected()),
            })?
        };
        self.expect_word("ON")?;
        let objects = match self.keyword() {
            Some(word) if ["TABLES", "FUNCTIONS", "PROCEDURES", "SCHEMAS"].contains(&word.as_str()) => word,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        self.expect_word(if give { "TO" } else { "FROM" })?;
        let grantees = self.comma_list(Self::grantee)?;
        let with_option = with_option || (give && self.eat_words(&["WITH", "GRANT", "OPTION"]));
        let grant = Grant { privileges, columns: Vec::new(), on: GrantObject::System, grantees, with_option };
        Ok(Statement::AlterDefaultPrivileges(DefaultPrivileges { users, schemas, give, objects, grant }))
    }

    /// Role names may hold a colon (`sys:monitor`).
    fn role_name(&mut self) -> Parsed<String> {
        let name = self.name()?;
        if let Kind::Named(rest) = self.kind() {
            let full = format!("{name}:{}", rest.to_ascii_lowercase());
            self.advance();
            return Ok(full);
        }
        Ok(name)
    }

    pub(super) fn grantee(&mut self) -> Parsed<Grantee> {
        if self.is_policy() {
            return self.refuse(SqlError::not_in_stand_in("GRANT to a policy").with_hint(
                "grant SELECT on a policy's lookup tables to the users and roles that the policy is attached to",
            ));
        }
        if self.eat_word("PUBLIC") {
            return Ok(Grantee::Public);
        }
        if self.eat_word("GROUP") {
            return self.name().map(Grantee::Group);
        }
        if self.is_word("ROLE") && matches!(self.token_at(1).kind, Kind::Word(_) | Kind::Quoted(_)) {
            self.advance();
            return self.role_name().map(Grantee::Role);
        }
        self.name().map(Grantee::User)
    }

    fn privileges(&mut self, grant: &mut Grant) -> Parsed<()> {
        if self.eat_word("ALL") {
            self.eat_word("PRIVILEGES");
            if self.is_symbol("(") {
                // "GRANT": of columns, ALL is SELECT and UPDATE.
                let columns = self.name_list()?;
                grant.privileges = vec!["SELECT".into(), "UPDATE".into()];
                grant.columns = vec![columns.clone(), columns];
            } else {
                grant.privileges.push("ALL".into());
            }
        } else {
            loop {
                let Some(word) = self.keyword() else {
                    return Err(self.unexpected());
                };
                if !PRIVILEGES.contains(&word.as_str()) {
                    return self.system_privilege(grant);
                }
                self.advance();
                if matches!(word.as_str(), "RULE" | "TRIGGER") {
                    return self
                        .refuse(SqlError::unsupported(format!("the privilege {word} is not supported by Redshift")));
                }
                if word == "CREATE" && !self.is_word("ON") && !self.is_symbol(",") {
                    self.at -= 1;
                    return self.system_privilege(grant);
                }
                let word = if word == "TEMP" { "TEMPORARY".to_owned() } else { word };
                grant.privileges.push(word);
                let columns = if self.is_symbol("(") { self.name_list()? } else { Vec::new() };
                grant.columns.push(columns);
                if !self.eat_symbol(",") {
                    break;
                }
            }
            if grant.columns.iter().all(Vec::is_empty) {
                grant.columns.clear();
            }
        }
        self.expect_word("ON")?;
        grant.on = self.grant_object()?;
        self.check_privileges(grant)
    }

    /// `CREATE USER`, `ACCESS SYSTEM TABLE` and so on, given to roles.
    fn system_privilege(&mut self, grant: &mut Grant) -> Parsed<()> {
        let start = self.position();
        while matches!(self.kind(), Kind::Word(_)) && !self.is_word("TO") && !self.is_word("FROM") {
            self.advance();
        }
        if self.previous_end() <= start {
            return Err(self.unexpected());
        }
        let text = self.text[start..self.previous_end()].to_ascii_uppercase();
        let known = ["ACCESS SYSTEM TABLE", "ACCESS CATALOG"].contains(&text.as_str())
            || [
                "CREATE ",
                "DROP ",
                "ALTER ",
                "TRUNCATE ",
                "ANALYZE",
                "VACUUM",
                "CANCEL",
                "IGNORE ",
                "EXPLAIN ",
                "ATTACH ",
                "DETACH ",
            ]
            .iter()
            .any(|p| text.starts_with(p));
        if !known {
            return self.refuse(SqlError::syntax(format!("syntax error at or near \"{text}\": not a privilege")));
        }
        grant.privileges.push(text);
        grant.on = GrantObject::System;
        Ok(())
    }

    fn check_privileges(&self, grant: &Grant) -> Parsed<()> {
        let allowed: &[&str] = match &grant.on {
            GrantObject::Tables(_) | GrantObject::AllTablesInSchema(_) => {
                &["SELECT", "INSERT", "UPDATE", "DELETE", "DROP", "REFERENCES", "ALTER", "TRUNCATE"]
            }
            GrantObject::Schemas(_) => &["CREATE", "USAGE", "ALTER", "DROP"],
            GrantObject::Databases(_) => &["CREATE", "USAGE", "TEMPORARY", "ALTER"],
            GrantObject::Routines(..) | GrantObject::AllRoutinesInSchema(..) => &["EXECUTE"],
            GrantObject::Languages(_) => &["USAGE"],
            GrantObject::Roles(_) | GrantObject::System => return Ok(()),
        };
        match grant.privileges.iter().find(|p| *p != "ALL" && !allowed.contains(&p.as_str())) {
            Some(wrong) => {
                self.refuse(SqlError::new("0LP01", format!("invalid privilege type {wrong} for this kind of object")))
            }
            None => Ok(()),
        }
    }

    fn grant_object(&mut self) -> Parsed<GrantObject> {
        if self.eat_words(&["ALL", "TABLES", "IN", "SCHEMA"]) {
            return self.comma_list(Self::name).map(GrantObject::AllTablesInSchema);
        }
        for (word, procedure) in [("FUNCTIONS", false), ("PROCEDURES", true)] {
            if self.eat_words(&["ALL", word, "IN", "SCHEMA"]) {
                let schemas = self.comma_list(Self::name)?;
                return Ok(GrantObject::AllRoutinesInSchema(procedure, schemas));
            }
        }
        for (word, procedure) in [("FUNCTION", false), ("PROCEDURE", true)] {
            if self.is_word(word) && !self.is_word_at(1, "TO") {
                self.advance();
                let routines = self.comma_list(|p| {
                    let name = p.object_name()?;
                    Ok((name, p.signature()?))
                })?;
                return Ok(GrantObject::Routines(procedure, routines));
            }
        }
        if self.is_word("SCHEMA") {
            self.advance();
            return self.comma_list(Self::name).map(GrantObject::Schemas);
        }
        if self.is_word("DATABASE") {
            self.advance();
            return self.comma_list(Self::name).map(GrantObject::Databases);
        }
        if self.is_word("LANGUAGE") {
            self.advance();
            return self.comma_list(Self::name).map(GrantObject::Languages);
        }
        if self.is_word("EXTERNAL") || self.is_word("DATASHARE") || self.is_word("MODEL") {
            return self.refuse(SqlError::not_in_stand_in("GRANT ON EXTERNAL, DATASHARE or MODEL"));
        }
        self.eat_word("TABLE");
        self.comma_list(Self::object_name).map(GrantObject::Tables)
    }

    pub(super) fn user(&mut self, alter: bool) -> Parsed<Statement> {
        let name = self.name()?;
        let mut user = UserStatement {
            alter,
            name,
            password: None,
            create_db: None,
            create_user: None,
            groups: Vec::new(),
            rename_to: None,
            set: Vec::new(),
            options: Vec::new(),
        };
        self.eat_word("WITH");
        while !self.at_end() && !self.is_symbol(";") {
            let Some(word) = self.keyword() else {
                return Err(self.unexpected());
            };
            self.advance();
            match word.as_str() {
                "PASSWORD" => {
                    user.password = Some(if self.eat_word("DISABLE") { None } else { Some(self.string()?) });
                }
                "CREATEDB" | "NOCREATEDB" => user.create_db = Some(word == "CREATEDB"),
                "CREATEUSER" | "NOCREATEUSER" => user.create_user = Some(word == "CREATEUSER"),
                "IN" if !alter => {
                    self.expect_word("GROUP")?;
                    user.groups = self.comma_list(Self::name)?;
                }
                "RENAME" if alter => {
                    self.expect_word("TO")?;
                    user.rename_to = Some(self.name()?);
                }
                "SET" if alter => {
                    let setting = self.configuration()?;
                    user.set.push(setting);
                }
                "RESET" if alter && self.eat_words(&["SESSION", "TIMEOUT"]) => {
                    user.options.push("RESET SESSION TIMEOUT".to_owned());
                }
                "RESET" if alter => {
                    let name = self.parameter_name()?;
                    user.set.push((name, None));
                }
                "CONNECTION" => {
                    self.expect_word("LIMIT")?;
                    let limit =
                        if self.eat_word("UNLIMITED") { "UNLIMITED".to_owned() } else { self.unsigned()?.to_string() };
                    user.options.push(format!("CONNECTION LIMIT {limit}"));
                }
                "SYSLOG" => {
                    self.expect_word("ACCESS")?;
                    let unrestricted = self.eat_word("UNRESTRICTED");
                    if !unrestricted {
                        self.expect_word("RESTRICTED")?;
                    }
                    let kind = if unrestricted { "UNRESTRICTED" } else { "RESTRICTED" };
                    user.options.push(format!("SYSLOG ACCESS {kind}"));
                }
                "SESSION" => {
                    self.expect_word("TIMEOUT")?;
                    let seconds = self.unsigned()?;
                    user.options.push(format!("SESSION TIMEOUT {seconds}"));
                }
                "VALID" => {
                    self.expect_word("UNTIL")?;
                    let until = self.string()?;
                    user.options.push(format!("VALID UNTIL {until}"));
                }
                "EXTERNALID" => {
                    let id = self.string()?;
                    user.options.push(format!("EXTERNALID {id}"));
                }
                _ => {
                    self.at -= 1;
                    return Err(self.unexpected());
                }
            }
        }
        if !alter && user.password.is_none() {
            return self.refuse(SqlError::syntax(format!(
                "CREATE USER \"{}\" needs a PASSWORD, or PASSWORD DISABLE",
                user.name
            )));
        }
        Ok(Statement::User(user))
    }

    pub(super) fn create_group(&mut self) -> Parsed<Statement> {
        self.expect_word("GROUP")?;
        let name = self.name()?;
        self.eat_word("WITH");
        let users = if self.eat_word("USER") { self.comma_list(Self::name)? } else { Vec::new() };
        Ok(Statement::CreateGroup { name, users })
    }

    pub(super) fn alter_group(&mut self) -> Parsed<Statement> {
        self.expect_word("GROUP")?;
        let name = self.name()?;
        if self.eat_words(&["RENAME", "TO"]) {
            return Ok(Statement::RenameRole { group: true, name, to: self.name()? });
        }
        let add = self.eat_word("ADD");
        if !add {
            self.expect_word("DROP")?;
        }
        self.expect_word("USER")?;
        let users = self.comma_list(Self::name)?;
        Ok(Statement::AlterGroup { name, add, users })
    }

    pub(super) fn alter_role(&mut self) -> Parsed<Statement> {
        self.expect_word("ROLE")?;
        let name = self.name()?;
        self.eat_word("WITH");
        if self.is_word("OWNER") || self.is_word("EXTERNALID") {
            return self.refuse(SqlError::not_in_stand_in("ALTER ROLE other than RENAME TO"));
        }
        self.expect_words(&["RENAME", "TO"])?;
        Ok(Statement::RenameRole { group: false, name, to: self.name()? })
    }
}
