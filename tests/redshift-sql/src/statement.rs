//! Classified statements: what the engine dispatches on.
//!
//! Clauses that Redshift checks but that change nothing here (ENCODE, BACKUP, …) are checked by the parser and carried.
//! Invariant: names are folded; a member that is `None` or empty was not written.

pub mod files;
mod policy;
mod tables;

use crate::ast::{Delete, Expr, Insert, Literal, Merge, ObjectName, Query, QueryBody, SelectItem, Update};
use crate::types::RsType;

pub use policy::*;
pub use tables::*;

/// How a statement is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// [`crate::rewrite`] gives SQL that returns rows.
    Rows,
    /// [`crate::rewrite`] gives SQL that changes rows.
    Change,
    /// [`crate::rewrite`] gives PostgreSQL DDL; the engine may have to keep metadata as well.
    Definition,
    /// The engine interprets the members itself; [`crate::rewrite`] refuses it.
    Engine,
}

/// One parsed statement.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "a variant is named after its statement")]
pub enum Statement {
    Query(Query),
    Insert(Insert),
    Update(Update),
    Delete(Delete),
    Merge(Merge),
    CreateTable(CreateTable),
    /// CREATE TABLE … AS and SELECT … INTO.
    CreateTableAs(CreateTableAs),
    CreateView(CreateView),
    AlterTable(AlterTable),
    Truncate(ObjectName),
    Drop(Drop),
    CreateSchema(CreateSchema),
    AlterSchema {
        name: String,
        action: AlterSchema,
    },
    Comment {
        /// `TABLE`, `COLUMN`, `VIEW`, `SCHEMA`, …
        kind: String,
        /// Object; a column has its table as schema part.
        name: Vec<String>,
        text: Option<String>,
    },
    AlterDefaultPrivileges(DefaultPrivileges),
    Copy(files::Copy),
    Unload(Box<files::Unload>),
    CreateDatabase(CreateDatabase),
    AlterDatabase {
        name: String,
        action: AlterDatabase,
    },
    DropDatabase {
        name: String,
    },
    CreateExternalSchema(CreateExternalSchema),
    CreateMaterializedView(CreateMaterializedView),
    RefreshMaterializedView {
        name: ObjectName,
        cascade: bool,
    },
    AlterMaterializedView {
        name: ObjectName,
        action: AlterMaterializedView,
    },
    CreateProcedure(CreateProcedure),
    CreateFunction(CreateFunction),
    /// DROP PROCEDURE / DROP FUNCTION.
    DropRoutine(DropRoutine),
    AlterProcedure {
        name: ObjectName,
        /// Input types, if given.
        arguments: Option<Vec<RsType>>,
        action: AlterProcedure,
    },
    Call {
        procedure: ObjectName,
        arguments: Vec<Expr>,
    },
    Lock(Vec<ObjectName>),
    Set(SetStatement),
    Reset(Option<String>),
    Show(Show),
    Begin {
        /// SERIALIZABLE and so on, upper case, if given.
        isolation: Option<String>,
        read_only: bool,
    },
    Commit,
    Rollback,
    Grant(Grant),
    Revoke(Grant),
    /// RLS and masking policies.
    Policy(PolicyStatement),
    /// CREATE USER / ALTER USER.
    User(UserStatement),
    DropUsers {
        names: Vec<String>,
        if_exists: bool,
    },
    CreateGroup {
        name: String,
        users: Vec<String>,
    },
    AlterGroup {
        name: String,
        /// True for ADD USER, false for DROP USER.
        add: bool,
        users: Vec<String>,
    },
    /// ALTER GROUP and ALTER ROLE … RENAME TO.
    RenameRole {
        group: bool,
        name: String,
        to: String,
    },
    DropGroup {
        name: String,
        if_exists: bool,
    },
    CreateRole {
        name: String,
    },
    DropRole {
        name: String,
        force: bool,
        if_exists: bool,
    },
    /// With or without VERBOSE, which asks for a plan's inner form.
    Explain(Box<Statement>),
    Analyze(Option<ObjectName>),
    Vacuum(Option<ObjectName>),
    /// DECLARE … CURSOR FOR of plain SQL.
    DeclareCursor {
        name: String,
        query: Query,
    },
    FetchCursor {
        /// `NEXT`, `ALL`, `FORWARD n` as a count; None is all rows.
        count: Option<u64>,
        name: String,
    },
    CloseCursor(String),
    /// PREPARE.
    Prepare {
        /// Name.
        name: String,
        /// Types of `$1`, `$2`, ….
        types: Vec<RsType>,
        /// SELECT, INSERT, UPDATE or DELETE.
        statement: Box<Statement>,
    },
    /// EXECUTE of a prepared statement.
    Execute {
        /// Name.
        name: String,
        /// Values of `$1`, `$2`, ….
        arguments: Vec<Expr>,
    },
    /// DEALLOCATE; `None` is ALL.
    Deallocate(Option<String>),
    /// CANCEL pid.
    Cancel(u64),
}

impl Statement {
    /// `SELECT SET_CONFIG('name', 'value', is_local)` and nothing else.
    #[must_use]
    pub fn set_config_call(&self) -> Option<(String, String, bool)> {
        let Self::Query(query) = self else { return None };
        let QueryBody::Select(select) = &query.body else { return None };
        let ([SelectItem::Expr(Expr::Call(call), _)], []) = (select.items.as_slice(), select.from.as_slice()) else {
            return None;
        };
        let text = |expr: &Expr| match expr {
            Expr::Literal(Literal::String(text)) => Some(text.clone()),
            _ => None,
        };
        let ("set_config", [name, value, local]) = (call.name.name.as_str(), call.args.as_slice()) else { return None };
        let local = match local {
            Expr::Literal(Literal::Boolean(local)) => *local,
            Expr::Literal(Literal::Number(local)) => local != "0",
            _ => return None,
        };
        Some((text(name)?.to_lowercase(), text(value)?, local))
    }

    /// How to run it.
    #[must_use]
    pub fn route(&self) -> Route {
        match self {
            Self::Query(_) => Route::Rows,
            Self::Insert(_) | Self::Update(_) | Self::Delete(_) | Self::Merge(_) => Route::Change,
            Self::CreateTable(_)
            | Self::CreateTableAs(_)
            | Self::AlterTable(_)
            | Self::Truncate(_)
            | Self::Drop(_)
            | Self::CreateSchema(_) => Route::Definition,
            Self::CreateView(view) if !view.no_schema_binding => Route::Definition,
            Self::CreateFunction(_) => Route::Definition,
            _ => Route::Engine,
        }
    }

    /// The statement's name as a command tag (`SELECT`, `CREATE TABLE`, …).
    #[must_use]
    pub fn tag(&self) -> &'static str {
        match self {
            Self::Query(_) => "SELECT",
            Self::Insert(_) => "INSERT",
            Self::Update(_) => "UPDATE",
            Self::Delete(_) => "DELETE",
            Self::Merge(_) => "MERGE",
            Self::CreateTable(_) => "CREATE TABLE",
            Self::CreateTableAs(_) => "CREATE TABLE AS",
            Self::CreateView(_) => "CREATE VIEW",
            Self::AlterTable(_) => "ALTER TABLE",
            Self::Truncate(_) => "TRUNCATE TABLE",
            Self::Drop(drop) => match drop.kind {
                ObjectKind::Table => "DROP TABLE",
                ObjectKind::View => "DROP VIEW",
                ObjectKind::MaterializedView => "DROP MATERIALIZED VIEW",
                ObjectKind::Schema => "DROP SCHEMA",
            },
            Self::CreateSchema(_) => "CREATE SCHEMA",
            Self::AlterSchema { .. } => "ALTER SCHEMA",
            Self::Comment { .. } => "COMMENT",
            Self::Copy(_) => "COPY",
            Self::Unload(_) => "UNLOAD",
            Self::AlterDefaultPrivileges(_) => "ALTER DEFAULT PRIVILEGES",
            Self::CreateDatabase(_) => "CREATE DATABASE",
            Self::AlterDatabase { .. } => "ALTER DATABASE",
            Self::DropDatabase { .. } => "DROP DATABASE",
            Self::CreateExternalSchema(_) => "CREATE EXTERNAL SCHEMA",
            Self::CreateMaterializedView(_) => "CREATE MATERIALIZED VIEW",
            Self::RefreshMaterializedView { .. } => "REFRESH MATERIALIZED VIEW",
            Self::AlterMaterializedView { .. } => "ALTER MATERIALIZED VIEW",
            Self::CreateProcedure(_) => "CREATE PROCEDURE",
            Self::CreateFunction(_) => "CREATE FUNCTION",
            Self::DropRoutine(drop) if drop.procedure => "DROP PROCEDURE",
            Self::DropRoutine(_) => "DROP FUNCTION",
            Self::AlterProcedure { .. } => "ALTER PROCEDURE",
            Self::Call { .. } => "CALL",
            Self::Lock(_) => "LOCK TABLE",
            Self::Set(_) => "SET",
            Self::Reset(_) => "RESET",
            Self::Show(_) => "SHOW",
            Self::Begin { .. } => "BEGIN",
            Self::Commit => "COMMIT",
            Self::Rollback => "ROLLBACK",
            Self::Grant(_) => "GRANT",
            Self::Revoke(_) => "REVOKE",
            Self::Policy(policy) => match (policy.kind, &policy.action) {
                (PolicyKind::Rls, PolicyAction::Create { .. }) => "CREATE RLS POLICY",
                (PolicyKind::Rls, PolicyAction::Alter { .. }) => "ALTER RLS POLICY",
                (PolicyKind::Rls, PolicyAction::Drop { .. }) => "DROP RLS POLICY",
                (PolicyKind::Rls, PolicyAction::Attach(_)) => "ATTACH RLS POLICY",
                (PolicyKind::Rls, PolicyAction::Detach(_)) => "DETACH RLS POLICY",
                (PolicyKind::Masking, PolicyAction::Create { .. }) => "CREATE MASKING POLICY",
                (PolicyKind::Masking, PolicyAction::Alter { .. }) => "ALTER MASKING POLICY",
                (PolicyKind::Masking, PolicyAction::Drop { .. }) => "DROP MASKING POLICY",
                (PolicyKind::Masking, PolicyAction::Attach(_)) => "ATTACH MASKING POLICY",
                (PolicyKind::Masking, PolicyAction::Detach(_)) => "DETACH MASKING POLICY",
            },
            Self::User(user) if user.alter => "ALTER USER",
            Self::User(_) => "CREATE USER",
            Self::DropUsers { .. } => "DROP USER",
            Self::CreateGroup { .. } => "CREATE GROUP",
            Self::AlterGroup { .. } | Self::RenameRole { group: true, .. } => "ALTER GROUP",
            Self::RenameRole { .. } => "ALTER ROLE",
            Self::DropGroup { .. } => "DROP GROUP",
            Self::CreateRole { .. } => "CREATE ROLE",
            Self::DropRole { .. } => "DROP ROLE",
            Self::Explain(_) => "EXPLAIN",
            Self::Analyze(_) => "ANALYZE",
            Self::Vacuum(_) => "VACUUM",
            Self::DeclareCursor { .. } => "DECLARE CURSOR",
            Self::FetchCursor { .. } => "FETCH",
            Self::CloseCursor(_) => "CLOSE CURSOR",
            Self::Prepare { .. } => "PREPARE",
            Self::Execute { .. } => "EXECUTE",
            Self::Deallocate(_) => "DEALLOCATE",
            Self::Cancel(_) => "CANCEL",
        }
    }
}

/// Modes of procedure arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum ArgumentMode {
    In,
    Out,
    InOut,
}

/// An argument of a procedure or function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Mode.
    pub mode: ArgumentMode,
    /// Name, if given.
    pub name: Option<String>,
    /// Type; length modifiers of VARCHAR are kept. `refcursor` is [`ArgumentType::RefCursor`].
    pub arg_type: ArgumentType,
}

/// Type of an argument or plpgsql variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgumentType {
    /// A data type.
    Scalar(RsType),
    /// REFCURSOR.
    RefCursor,
}

/// CREATE PROCEDURE. The body is checked by [`crate::parse_body`] at creation and parsed again at each call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateProcedure {
    /// Name.
    pub name: ObjectName,
    /// OR REPLACE.
    pub or_replace: bool,
    /// Arguments in order.
    pub arguments: Vec<Argument>,
    /// NONATOMIC.
    pub nonatomic: bool,
    /// SECURITY DEFINER.
    pub security_definer: bool,
    /// SET name TO value (value None is DEFAULT).
    pub set: Vec<(String, Option<String>)>,
    /// Body between the dollar quotes.
    pub body: String,
}

/// CREATE FUNCTION … LANGUAGE sql.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateFunction {
    /// Name.
    pub name: ObjectName,
    /// OR REPLACE.
    pub or_replace: bool,
    /// Argument types; names do not exist in SQL functions (`$1`, `$2`).
    pub arguments: Vec<RsType>,
    /// RETURNS.
    pub returns: RsType,
    /// `VOLATILE`, `STABLE` or `IMMUTABLE`.
    pub volatility: &'static str,
    /// The body's query: one SELECT without FROM, WHERE and so on.
    pub body: Query,
    /// The body's text.
    pub body_text: String,
}

/// DROP PROCEDURE / FUNCTION.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropRoutine {
    /// True for a procedure.
    pub procedure: bool,
    /// Name.
    pub name: ObjectName,
    /// Input types, if given.
    pub arguments: Option<Vec<ArgumentType>>,
    /// IF EXISTS.
    pub if_exists: bool,
    /// CASCADE.
    pub cascade: bool,
}

/// ALTER PROCEDURE actions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum AlterProcedure {
    RenameTo(String),
    OwnerTo(String),
}

/// SET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetStatement {
    /// `SET [SESSION | LOCAL] name TO value`; several values joined by `, ` (search_path); None is DEFAULT.
    Parameter {
        /// SET LOCAL.
        local: bool,
        /// Lower-case name (`time zone` becomes `timezone`).
        name: String,
        /// Value.
        value: Option<String>,
    },
    /// `SET SESSION AUTHORIZATION user | DEFAULT`.
    SessionAuthorization(Option<String>),
}

/// SHOW.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "a variant is named after its statement")]
pub enum Show {
    Parameter(String),
    All,
    /// SHOW PROCEDURE name(types).
    Procedure(ObjectName, Option<Vec<ArgumentType>>),
    Table(ObjectName),
    View(ObjectName),
    /// SHOW SCHEMAS FROM DATABASE d [LIKE p] [LIMIT n].
    Schemas {
        database: String,
        like: Option<String>,
        limit: Option<u64>,
    },
    /// SHOW TABLES FROM SCHEMA d.s.
    Tables {
        schema: ObjectName,
        like: Option<String>,
        limit: Option<u64>,
    },
    /// SHOW COLUMNS FROM TABLE d.s.t.
    Columns {
        table: ObjectName,
        like: Option<String>,
        limit: Option<u64>,
    },
    Databases {
        like: Option<String>,
        limit: Option<u64>,
    },
    /// SHOW PROCEDURES (true) or FUNCTIONS FROM SCHEMA s.
    Routines {
        procedures: bool,
        schema: ObjectName,
        like: Option<String>,
        limit: Option<u64>,
    },
    /// SHOW PARAMETERS OF PROCEDURE (true) or FUNCTION s.f(types).
    Parameters {
        procedure: bool,
        name: ObjectName,
        arguments: Option<Vec<ArgumentType>>,
        like: Option<String>,
    },
    /// SHOW CONSTRAINTS PRIMARY KEYS FROM TABLE t.
    PrimaryKeys {
        table: ObjectName,
        limit: Option<u64>,
    },
    /// `SHOW CONSTRAINTS FOREIGN KEYS [EXPORTED] FROM TABLE t`.
    ForeignKeys {
        table: ObjectName,
        exported: bool,
        limit: Option<u64>,
    },
    /// `SHOW [COLUMN] GRANTS [ON kind name] [FOR grantee]`.
    Grants {
        /// DATABASE, SCHEMA, TABLE, COLUMN (of that table), FUNCTION or PROCEDURE.
        on: Option<(&'static str, ObjectName)>,
        /// Name and kind: user, role or public.
        to: Option<(String, &'static str)>,
        limit: Option<u64>,
    },
}

/// GRANT or REVOKE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Upper-case privileges (`SELECT`, `USAGE`, …; `ALL` for ALL PRIVILEGES). Empty for role grants.
    pub privileges: Vec<String>,
    /// Columns of column-level grants, per privilege position; empty otherwise.
    pub columns: Vec<Vec<String>>,
    /// On what.
    pub on: GrantObject,
    /// To or from whom.
    pub grantees: Vec<Grantee>,
    /// WITH GRANT OPTION / WITH ADMIN OPTION / GRANT OPTION FOR.
    pub with_option: bool,
}

/// The object of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum GrantObject {
    Tables(Vec<ObjectName>),
    AllTablesInSchema(Vec<String>),
    Schemas(Vec<String>),
    Databases(Vec<String>),
    /// True for procedures; with input types if given.
    Routines(bool, Vec<(ObjectName, Option<Vec<ArgumentType>>)>),
    /// True for procedures.
    AllRoutinesInSchema(bool, Vec<String>),
    Languages(Vec<String>),
    /// GRANT ROLE a, b TO …
    Roles(Vec<String>),
    /// System permissions (`CREATE USER`, `ACCESS SYSTEM TABLE`, …) to roles.
    System,
}

/// To whom a grant goes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are SQL's")]
pub enum Grantee {
    User(String),
    Group(String),
    Role(String),
    Public,
}

/// CREATE USER / ALTER USER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserStatement {
    /// ALTER.
    pub alter: bool,
    /// Name.
    pub name: String,
    /// PASSWORD: `Some(None)` is DISABLE. Never printed.
    pub password: Option<Option<String>>,
    /// CREATEDB / NOCREATEDB.
    pub create_db: Option<bool>,
    /// CREATEUSER / NOCREATEUSER (superuser).
    pub create_user: Option<bool>,
    /// IN GROUP.
    pub groups: Vec<String>,
    /// RENAME TO.
    pub rename_to: Option<String>,
    /// SET / RESET of user defaults.
    pub set: Vec<(String, Option<String>)>,
    /// Other options, upper case, carried (`CONNECTION LIMIT 5`, `SYSLOG ACCESS UNRESTRICTED`, …).
    pub options: Vec<String>,
}

/// CREATE DATABASE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateDatabase {
    /// Name.
    pub name: String,
    /// OWNER.
    pub owner: Option<String>,
    /// ISOLATION LEVEL SERIALIZABLE; the default is SNAPSHOT.
    pub serializable: bool,
}

/// What ALTER DATABASE does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlterDatabase {
    /// RENAME TO.
    RenameTo(String),
    /// OWNER TO.
    OwnerTo(String),
    /// CONNECTION LIMIT, which is not enforced here.
    ConnectionLimit,
    /// ISOLATION LEVEL; true is SERIALIZABLE.
    Isolation(bool),
}

/// ALTER DEFAULT PRIVILEGES.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultPrivileges {
    /// FOR USER; empty is the current user.
    pub users: Vec<String>,
    /// IN SCHEMA; empty is all.
    pub schemas: Vec<String>,
    /// False for REVOKE.
    pub give: bool,
    /// `TABLES`, `FUNCTIONS`, `PROCEDURES` or `SCHEMAS`.
    pub objects: String,
    /// Privileges, grantees and options.
    pub grant: Grant,
}
