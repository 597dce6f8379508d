//! DDL as PostgreSQL text. Keys, encodings and distribution have no PostgreSQL text: the engine keeps them.

use super::Rewriter;
use super::scope::Scope;
use crate::ast::{ObjectName, QueryBody, SelectItem};
use crate::catalog::{Column, OutputColumn, RelationKind};
use crate::error::SqlError;
use crate::statement::{
    AlterTable, AlterTableAction, ColumnDefinition, CreateFunction, CreateTable, CreateTableAs, CreateView, Drop,
    ObjectKind, Statement,
};
use crate::types::RsType;
use crate::{quote_identifier, quote_literal};

/// "Quotas and limits": columns of a table.
const MAX_COLUMNS: usize = 1600;

/// A new relation's name in the connected database; a temporary one is in PostgreSQL's temporary schema.
fn new_name(name: &ObjectName, temporary: bool, catalog: &dyn crate::Catalog) -> Result<String, SqlError> {
    if let Some(database) = name.database.as_ref().filter(|database| **database != catalog.database()) {
        return Err(SqlError::unsupported(format!(
            "cross-database reference to database \"{database}\" is not supported"
        )));
    }
    if temporary {
        return match &name.schema {
            Some(_) => Err(SqlError::new("42P16", "cannot create temporary relation in non-temporary schema")),
            None => Ok(format!("pg_temp.{}", quote_identifier(&name.name))),
        };
    }
    Ok(match &name.schema {
        Some(schema) => format!("{}.{}", quote_identifier(schema), quote_identifier(&name.name)),
        None => quote_identifier(&name.name),
    })
}

/// The byte length check of a column; its name tells the engine what to report.
fn length_check(name: &str, rs_type: &RsType, ordinal: usize) -> String {
    let column = quote_identifier(name);
    match rs_type {
        RsType::Varchar(n) => {
            format!(" CONSTRAINT \"rs_len_varchar_{n}_{ordinal}\" CHECK (octet_length({column}) <= {n})")
        }
        RsType::Char(n) => {
            format!(" CONSTRAINT \"rs_len_char_{n}_{ordinal}\" CHECK (octet_length(({column})::text) <= {n})")
        }
        RsType::Varbyte(n) => {
            format!(" CONSTRAINT \"rs_len_varbyte_{n}_{ordinal}\" CHECK (octet_length({column}) <= {n})")
        }
        _ => String::new(),
    }
}

/// The number in the name of a column's length check. It is the column's place when it was made: columns may have been
/// dropped in front of it since.
fn ordinal_of(column: &Column) -> Option<usize> {
    column.length_check.as_ref()?.rsplit('_').next()?.parse().ok()
}

/// A number that no length check of these columns has.
fn free_ordinal(columns: &[Column]) -> usize {
    1 + columns.iter().filter_map(ordinal_of).max().unwrap_or(0).max(columns.len())
}

impl Rewriter<'_> {
    pub(super) fn definition(&mut self, statement: &Statement) -> Result<(String, Vec<OutputColumn>), SqlError> {
        let only = |sql: String| Ok((sql, Vec::new()));
        match statement {
            Statement::CreateTable(create) => only(self.create_table(create)?),
            Statement::CreateTableAs(create) => self.create_table_as(create),
            Statement::CreateView(view) => self.create_view(view),
            Statement::CreateFunction(function) => only(self.create_function(function)?),
            Statement::AlterTable(alter) => only(self.alter_table(alter)?),
            Statement::Truncate(name) => {
                let relation = self.lookup(name)?;
                if !matches!(relation.kind, RelationKind::Table | RelationKind::MaterializedView) {
                    return Err(SqlError::new("42809", format!("\"{}\" is not a table", relation.name)));
                }
                self.writes.push((relation.schema.clone(), relation.name.clone()));
                only(format!(
                    "TRUNCATE {}.{}",
                    quote_identifier(&relation.postgres_schema),
                    quote_identifier(&relation.postgres_name)
                ))
            }
            Statement::Drop(drop) => only(self.drop(drop)?),
            Statement::CreateSchema(schema) => {
                let exists = if schema.if_not_exists { "IF NOT EXISTS " } else { "" };
                only(format!("CREATE SCHEMA {exists}{}", quote_identifier(&schema.name)))
            }
            other => Err(SqlError::new("XX000", format!("{} is run by the engine, not by PostgreSQL", other.tag()))),
        }
    }

    fn column_sql(&mut self, column: &ColumnDefinition, ordinal: usize) -> Result<String, SqlError> {
        let mut sql = format!("{} {}", quote_identifier(&column.name), column.rs_type.postgres());
        if let Some(default) = &column.default {
            let value = self.expr(default, &Scope::default())?;
            let value = self.assign_column(&value, &column.name, &column.rs_type)?;
            sql.push_str(&format!(" DEFAULT ({value})"));
        }
        if let Some(identity) = column.identity {
            let how = if identity.by_default { "BY DEFAULT" } else { "ALWAYS" };
            let (low, high) = if identity.step > 0 { (identity.seed, i64::MAX) } else { (i64::MIN, identity.seed) };
            let high = if column.rs_type == RsType::Integer { high.min(i64::from(i32::MAX)) } else { high };
            let low = if column.rs_type == RsType::Integer { low.max(i64::from(i32::MIN)) } else { low };
            sql.push_str(&format!(
                " GENERATED {how} AS IDENTITY (START WITH {} INCREMENT BY {} MINVALUE {low} MAXVALUE {high})",
                identity.seed, identity.step
            ));
        }
        if column.not_null {
            sql.push_str(" NOT NULL");
        }
        sql.push_str(&length_check(&column.name, &column.rs_type, ordinal));
        Ok(sql)
    }

    fn create_table(&mut self, create: &CreateTable) -> Result<String, SqlError> {
        let name = new_name(&create.name, create.temporary, self.catalog)?;
        let mut columns = Vec::new();
        if let Some((parent, defaults)) = &create.like {
            let relation = self.lookup(parent)?;
            let options =
                if *defaults { " INCLUDING DEFAULTS INCLUDING CONSTRAINTS" } else { " INCLUDING CONSTRAINTS" };
            columns.push(format!(
                "LIKE {}.{}{options}",
                quote_identifier(&relation.postgres_schema),
                quote_identifier(&relation.postgres_name)
            ));
        }
        if create.columns.len() > MAX_COLUMNS {
            return Err(SqlError::new("54011", format!("tables can have at most {MAX_COLUMNS} columns")));
        }
        for (n, column) in create.columns.iter().enumerate() {
            columns.push(self.column_sql(column, n + 1)?);
        }
        self.check_keys(create)?;
        let exists = if create.if_not_exists { "IF NOT EXISTS " } else { "" };
        Ok(format!("CREATE TABLE {exists}{name} ({})", columns.join(", ")))
    }

    /// Keys must name columns of the table.
    fn check_keys(&self, create: &CreateTable) -> Result<(), SqlError> {
        if create.like.is_some() {
            return Ok(());
        }
        let sort = create.attributes.sort_key.iter().flat_map(|k| &k.columns);
        for key in create.attributes.dist_key.iter().chain(sort) {
            let Some(column) = create.columns.iter().find(|c| c.name == *key) else {
                return Err(SqlError::new("42703", format!("column \"{key}\" named in key does not exist")));
            };
            if matches!(column.rs_type, RsType::Super | RsType::Varbyte(_))
                && (column.rs_type == RsType::Super || create.attributes.dist_key.as_ref() == Some(key))
            {
                return Err(SqlError::unsupported(format!(
                    "a column of type {} cannot be a distribution or sort key",
                    column.rs_type
                )));
            }
        }
        Ok(())
    }

    /// The query with each column in its Redshift type: PostgreSQL would lose lengths and scales.
    fn typed_query(&mut self, sql: String, columns: &[OutputColumn]) -> String {
        let names: Vec<String> = (1..=columns.len()).map(|n| format!("c{n}")).collect();
        let items: Vec<String> = names
            .iter()
            .zip(columns)
            .map(|(name, column)| {
                let ty = match &column.rs_type {
                    RsType::Unknown => RsType::Varchar(1),
                    other => other.clone(),
                };
                format!("{name}::{} AS {}", ty.postgres(), quote_identifier(&column.name))
            })
            .collect();
        let alias = self.alias("t");
        format!("SELECT {} FROM ({sql}) AS {alias}({})", items.join(", "), names.join(", "))
    }

    fn create_table_as(&mut self, create: &CreateTableAs) -> Result<(String, Vec<OutputColumn>), SqlError> {
        let name = new_name(&create.name, create.temporary, self.catalog)?;
        self.fills_temporary = create.temporary;
        let (sql, mut columns) = self.query(&create.query, None)?;
        rename_all(&mut columns, &create.columns)?;
        no_duplicates(&columns)?;
        let sort = create.attributes.sort_key.iter().flat_map(|k| &k.columns);
        for key in create.attributes.dist_key.iter().chain(sort) {
            if !columns.iter().any(|c| c.name == *key) {
                return Err(SqlError::new("42703", format!("column \"{key}\" named in key does not exist")));
            }
        }
        let sql = self.typed_query(sql, &columns);
        // The columns describe the new table: the statement itself returns no rows.
        Ok((format!("CREATE TABLE {name} AS {sql}"), columns))
    }

    fn create_view(&mut self, view: &CreateView) -> Result<(String, Vec<OutputColumn>), SqlError> {
        let name = new_name(&view.name, false, self.catalog)?;
        let (sql, mut columns) = self.query(&view.query, None)?;
        rename_all(&mut columns, &view.columns)?;
        no_duplicates(&columns)?;
        let sql = self.typed_query(sql, &columns);
        let replace = if view.or_replace { "OR REPLACE " } else { "" };
        Ok((format!("CREATE {replace}VIEW {name} AS {sql}"), columns))
    }

    fn create_function(&mut self, function: &CreateFunction) -> Result<String, SqlError> {
        let name = new_name(&function.name, false, self.catalog)?;
        let arguments: Vec<String> = function.arguments.iter().map(super::functions::argument_type).collect();
        struct Arguments<'a>(&'a [RsType]);
        impl crate::catalog::Variables for Arguments<'_> {
            fn variable(&self, _path: &[&str]) -> Option<RsType> {
                None
            }
            fn named_parameter(&self, _name: &str) -> Option<String> {
                None
            }
            fn arguments(&self) -> &[RsType] {
                self.0
            }
        }
        let types = Arguments(&function.arguments);
        let mut inner = Rewriter::new(self.catalog, self.settings, &types);
        let expression = match &function.body.body {
            QueryBody::Select(select) => match select.items.as_slice() {
                [SelectItem::Expr(expression, _)] => Some(expression),
                _ => None,
            },
            _ => None,
        };
        let Some(expression) = expression else {
            return Err(SqlError::new("42P13", "a SQL function returns exactly one value"));
        };
        let value = inner.expr(expression, &Scope::default())?;
        let value = inner.cast(&value, &function.returns)?;
        let replace = if function.or_replace { "OR REPLACE " } else { "" };
        // plpgsql evaluates each argument once; inlined SQL would repeat it, and SQL that is not inlined is slow.
        let body = format!("BEGIN RETURN {value}; END");
        Ok(format!(
            "CREATE {replace}FUNCTION {name}({}) RETURNS {} LANGUAGE plpgsql {} AS {}",
            arguments.join(", "),
            function.returns.postgres(),
            function.volatility,
            quote_literal(&body)
        ))
    }

    fn alter_table(&mut self, alter: &AlterTable) -> Result<String, SqlError> {
        let relation = self.lookup(&alter.name)?;
        let rename = matches!(alter.action, AlterTableAction::RenameTo(_) | AlterTableAction::OwnerTo(_));
        if relation.kind != RelationKind::Table && !(rename && relation.kind == RelationKind::View) {
            return Err(SqlError::new("42809", format!("\"{}\" is not a table", relation.name)));
        }
        self.writes.push((relation.schema.clone(), relation.name.clone()));
        let kind = if relation.kind == RelationKind::View { "VIEW" } else { "TABLE" };
        let table = format!(
            "ALTER {kind} {}.{}",
            quote_identifier(&relation.postgres_schema),
            quote_identifier(&relation.postgres_name)
        );
        let find = |name: &str| {
            relation.columns.iter().find(|c| c.name == name).ok_or_else(|| {
                SqlError::new("42703", format!("column \"{name}\" of relation \"{}\" does not exist", relation.name))
            })
        };
        Ok(match &alter.action {
            AlterTableAction::AddColumn(column) => {
                if relation.columns.iter().any(|c| c.name == column.name) {
                    return Err(SqlError::new(
                        "42701",
                        format!("column \"{}\" of relation \"{}\" already exists", column.name, relation.name),
                    ));
                }
                let sql = self.column_sql(column, free_ordinal(&relation.columns))?;
                format!("{table} ADD COLUMN {sql}")
            }
            AlterTableAction::DropColumn { column, cascade } => {
                find(column)?;
                if relation.columns.len() == 1 {
                    return Err(SqlError::unsupported("cannot drop the only column of a table"));
                }
                let cascade = if *cascade { " CASCADE" } else { "" };
                format!("{table} DROP COLUMN {}{cascade}", quote_identifier(column))
            }
            AlterTableAction::RenameTo(name) => {
                format!("{table} RENAME TO {}", quote_identifier(name))
            }
            AlterTableAction::RenameColumn { from, to } => {
                find(from)?;
                format!("{table} RENAME COLUMN {} TO {}", quote_identifier(from), quote_identifier(to))
            }
            AlterTableAction::AlterColumnType { column, rs_type } => {
                let at = relation.columns.iter().position(|c| c.name == *column);
                let current = find(column)?;
                let RsType::Varchar(before) = current.rs_type else {
                    return Err(SqlError::unsupported(format!(
                        "ALTER COLUMN TYPE: column \"{column}\" is not VARCHAR"
                    )));
                };
                if current.has_default {
                    return Err(SqlError::unsupported(format!(
                        "ALTER COLUMN TYPE: column \"{column}\" has a default value"
                    )));
                }
                let ordinal = ordinal_of(current).unwrap_or_else(|| at.map_or(0, |n| n + 1));
                let quoted = quote_identifier(column);
                let check = length_check(column, rs_type, ordinal);
                format!(
                    "{table} ALTER COLUMN {quoted} TYPE {}, DROP CONSTRAINT IF EXISTS \"rs_len_varchar_{before}_{ordinal}\", ADD{check}",
                    rs_type.postgres()
                )
            }
            AlterTableAction::SetSchema(schema) => {
                format!("{table} SET SCHEMA {}", quote_identifier(schema))
            }
            AlterTableAction::AppendFrom { .. } => {
                return Err(SqlError::new("XX000", "ALTER TABLE APPEND is run by the engine, not by PostgreSQL"));
            }
            AlterTableAction::DistKey(column) => {
                find(column)?;
                String::new()
            }
            AlterTableAction::SortKey(key) => {
                for column in &key.columns {
                    find(column)?;
                }
                String::new()
            }
            AlterTableAction::AlterColumnEncode { column, .. } => {
                find(column)?;
                String::new()
            }
            AlterTableAction::OwnerTo(_)
            | AlterTableAction::AddConstraint(_)
            | AlterTableAction::DropConstraint { .. }
            | AlterTableAction::DistStyle(_)
            | AlterTableAction::EncodeAuto
            | AlterTableAction::RowLevelSecurity(_) => String::new(),
        })
    }

    /// Names are resolved here, so that IF EXISTS and wrong kinds are Redshift's errors; a missing relation is left out.
    fn drop(&mut self, drop: &Drop) -> Result<String, SqlError> {
        let cascade = if drop.cascade { " CASCADE" } else { "" };
        let exists = if drop.if_exists { "IF EXISTS " } else { "" };
        if drop.kind == ObjectKind::Schema {
            let names: Vec<String> = drop.names.iter().map(|n| quote_identifier(&n.name)).collect();
            return Ok(format!("DROP SCHEMA {exists}{}{cascade}", names.join(", ")));
        }
        let mut names = Vec::new();
        for name in &drop.names {
            let relation = match self.lookup(name) {
                Ok(relation) => relation,
                Err(_) if drop.if_exists => continue,
                Err(_) => {
                    let what = match drop.kind {
                        ObjectKind::Table => "table",
                        ObjectKind::View => "view",
                        _ => "materialized view",
                    };
                    return Err(SqlError::new("42P01", format!("{what} \"{name}\" does not exist")));
                }
            };
            let fits = match drop.kind {
                ObjectKind::Table => relation.kind == RelationKind::Table,
                ObjectKind::View => relation.kind == RelationKind::View,
                _ => relation.kind == RelationKind::MaterializedView,
            };
            if !fits {
                let what = match drop.kind {
                    ObjectKind::Table => "table",
                    ObjectKind::View => "view",
                    _ => "materialized view",
                };
                return Err(SqlError::new("42809", format!("\"{}\" is not a {what}", relation.name)));
            }
            self.writes.push((relation.schema.clone(), relation.name.clone()));
            names.push(format!(
                "{}.{}",
                quote_identifier(&relation.postgres_schema),
                quote_identifier(&relation.postgres_name)
            ));
        }
        if names.is_empty() {
            return Ok(String::new());
        }
        let kind = match drop.kind {
            ObjectKind::View => "VIEW",
            _ => "TABLE",
        };
        Ok(format!("DROP {kind} {exists}{}{cascade}", names.join(", ")))
    }
}

fn rename_all(columns: &mut [OutputColumn], names: &[String]) -> Result<(), SqlError> {
    if names.len() > columns.len() {
        return Err(SqlError::syntax("too many column names were specified for the query"));
    }
    for (column, name) in columns.iter_mut().zip(names) {
        column.name.clone_from(name);
    }
    Ok(())
}

fn no_duplicates(columns: &[OutputColumn]) -> Result<(), SqlError> {
    for (n, column) in columns.iter().enumerate() {
        if columns[..n].iter().any(|c| c.name == column.name) {
            return Err(SqlError::new("42701", format!("column \"{}\" specified more than once", column.name)));
        }
    }
    Ok(())
}
