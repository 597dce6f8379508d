//! Rights that others were given on a target, and their GRANTs on what takes its place.
//!
//! Invariant: nothing but what was there is given. Names come from people outside the pipeline, so
//! a name that would end a procedure's body is none that is written into one.

use std::collections::BTreeMap;

use super::ident::quoted;
use super::reshape::BODY;

/// Who has a right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grantee {
    /// A user.
    User(String),
    /// A role.
    Role(String),
    /// A group of users.
    Group(String),
    /// Everybody.
    Public,
}

impl Grantee {
    fn sql(&self) -> String {
        match self {
            Self::User(name) => quoted(name),
            Self::Role(name) => format!("ROLE {}", quoted(name)),
            Self::Group(name) => format!("GROUP {}", quoted(name)),
            Self::Public => "PUBLIC".to_owned(),
        }
    }
}

/// One right on a table, or on one of its columns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// Who has it.
    pub grantee: Grantee,
    /// Whether it may be given on. Users only, and never of a column ("GRANT").
    pub may_grant: bool,
    /// Which, e.g. `SELECT`.
    pub privilege: &'static str,
}

/// What can be given on a table ("GRANT").
const OF_TABLES: [&str; 8] = ["SELECT", "INSERT", "UPDATE", "DELETE", "DROP", "REFERENCES", "ALTER", "TRUNCATE"];

/// What can be given on a column ("GRANT").
const OF_COLUMNS: [&str; 2] = ["SELECT", "UPDATE"];

impl Right {
    /// A right on a table, as `SVV_RELATION_PRIVILEGES` shows it. None: it cannot be given anew.
    #[must_use]
    pub fn on_table(kind: &str, name: &str, privilege: &str, may_grant: bool) -> Option<Self> {
        Self::known(&OF_TABLES, kind, name, privilege, may_grant)
    }

    /// A right on a column, as `SVV_COLUMN_PRIVILEGES` shows it. None: it cannot be given anew.
    #[must_use]
    pub fn on_column(kind: &str, name: &str, privilege: &str) -> Option<Self> {
        Self::known(&OF_COLUMNS, kind, name, privilege, false)
    }

    fn known(known: &[&'static str], kind: &str, name: &str, privilege: &str, may_grant: bool) -> Option<Self> {
        let owned = || Some(name.to_owned()).filter(|name| !name.contains(BODY));
        let grantee = match kind.to_lowercase().as_str() {
            "user" => Grantee::User(owned()?),
            "role" => Grantee::Role(owned()?),
            "group" => Grantee::Group(owned()?),
            "public" => Grantee::Public,
            _ => return None,
        };
        let privilege = *known.iter().find(|known| known.eq_ignore_ascii_case(privilege))?;
        Some(Self { may_grant: may_grant && matches!(grantee, Grantee::User(_)), grantee, privilege })
    }
}

/// GRANTs of rights on a table; `table` is quoted.
#[must_use]
pub fn grant_on_table(table: &str, rights: &[Right]) -> Vec<String> {
    let mut privileges: BTreeMap<(&Grantee, bool), Vec<&str>> = BTreeMap::new();
    for right in rights {
        privileges.entry((&right.grantee, right.may_grant)).or_default().push(right.privilege);
    }
    privileges
        .into_iter()
        .map(|((grantee, may_grant), privileges)| {
            let option = if may_grant { " WITH GRANT OPTION" } else { "" };
            format!("GRANT {} ON {table} TO {}{option}", privileges.join(", "), grantee.sql())
        })
        .collect()
}

/// GRANTs of rights on single columns, by the columns' names; `table` is quoted.
#[must_use]
pub fn grant_on_columns<'a>(table: &str, columns: impl IntoIterator<Item = (&'a str, &'a [Right])>) -> Vec<String> {
    let mut names: BTreeMap<&Right, Vec<String>> = BTreeMap::new();
    for (name, rights) in columns {
        for right in rights {
            names.entry(right).or_default().push(quoted(name));
        }
    }
    names
        .into_iter()
        .map(|(right, names)| {
            format!("GRANT {} ({}) ON {table} TO {}", right.privilege, names.join(", "), right.grantee.sql())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_given_and_no_more() {
        let right = |kind, name, privilege, option| Right::on_table(kind, name, privilege, option).unwrap();
        let rights = [
            right("user", "IAMR:ana\"lyst", "SELECT", true),
            right("user", "IAMR:ana\"lyst", "UPDATE", false),
            right("role", "r", "select", true),
            right("role", "r", "INSERT", false),
            right("group", "g", "DELETE", false),
            right("public", "public", "SELECT", false),
        ];
        assert_eq!(
            grant_on_table("\"s\".\"t\"", &rights),
            [
                "GRANT UPDATE ON \"s\".\"t\" TO \"IAMR:ana\"\"lyst\"",
                "GRANT SELECT ON \"s\".\"t\" TO \"IAMR:ana\"\"lyst\" WITH GRANT OPTION",
                "GRANT SELECT, INSERT ON \"s\".\"t\" TO ROLE \"r\"",
                "GRANT DELETE ON \"s\".\"t\" TO GROUP \"g\"",
                "GRANT SELECT ON \"s\".\"t\" TO PUBLIC",
            ]
        );
        let one = [Right::on_column("role", "r", "SELECT").unwrap(), Right::on_column("user", "u", "UPDATE").unwrap()];
        assert_eq!(
            grant_on_columns("t", [("a", &one[..]), ("b", &one[..1])]),
            ["GRANT UPDATE (\"a\") ON t TO \"u\"", "GRANT SELECT (\"a\", \"b\") ON t TO ROLE \"r\""]
        );
    }

    /// A name that others chose must not end the body of the procedure that has it.
    #[test]
    fn what_cannot_be_written_is_not() {
        assert_eq!(Right::on_table("user", "u$procedure$; DROP TABLE t", "SELECT", false), None);
        assert_eq!(Right::on_table("user", "u", "RULE", false), None);
        assert_eq!(Right::on_column("user", "u", "INSERT"), None);
        assert_eq!(Right::on_table("datashare", "d", "SELECT", false), None);
    }
}
