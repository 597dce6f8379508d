//! System information functions and current values.

use super::{Arguments, big, boolean, double, int, text};
use crate::error::SqlError;
use crate::quote_literal;
use crate::rewrite::{Form, Rewriter, Typed};
use crate::types::{MAX_VARCHAR, RsType};

/// "Leader node-only functions": they run only in statements that read no table of a user and no system table.
pub(super) const LEADER_ONLY: &[&str] = &[
    crate::ast::OVERLAPS,
    "age",
    "current_schema",
    "current_schemas",
    "current_time",
    "generate_series",
    "has_database_privilege",
    "has_schema_privilege",
    "has_table_privilege",
    "isfinite",
    "localtime",
    "localtimestamp",
    "now",
];

impl Rewriter<'_> {
    /// "System information functions" and current values.
    pub(super) fn system(&self, name: &str, args: &[Typed]) -> Result<Option<Typed>, SqlError> {
        let a = Arguments { rewriter: self, values: args };
        Ok(Some(match (name, args.len()) {
            ("sysdate", 0) => Typed::new("LOCALTIMESTAMP", RsType::Timestamp),
            ("getdate", 0) => Typed::new(
                "date_trunc('second', statement_timestamp()::timestamp)",
                RsType::Timestamp,
            ),
            ("current_date", 0) => Typed::new("CURRENT_DATE", RsType::Date),
            ("current_user" | "user", 0) => text("rs.current_user_name()".into(), 128),
            ("session_user", 0) => text("rs.session_user_name()".into(), 128),
            // "PG_LAST_COPY_ID" and its like.
            ("pg_last_copy_id", 0) => int(format!("({})::integer", self.catalog.last_copy().0)),
            ("pg_last_copy_count", 0) => big(format!("({})::bigint", self.catalog.last_copy().1)),
            ("pg_last_unload_id", 0) => int(format!("({})::integer", self.catalog.last_unload().0)),
            ("pg_last_unload_count", 0) => big(format!("({})::bigint", self.catalog.last_unload().1)),
            ("current_user_id", 0) => int("rs.current_user_id()".into()),
            ("current_database", 0) => text(quote_literal(&self.catalog.database()) + "::character varying", 128),
            ("current_schema", 0) => text("current_schema()::text".into(), 128),
            ("current_schemas", 1) => {
                text(format!("pg_catalog.current_schemas({})::text", a.flag(0, "false")?), MAX_VARCHAR)
            }
            // What the scripts of amazon-redshift-utils make of a routine's number: its signature.
            ("regprocedureout", 1) => text(format!("rs_sys.signature(({})::oid)", args[0].sql), MAX_VARCHAR),
            ("oidvectortypes", 1) => text(format!("rs_sys.oidvectortypes({})", a.text(0)?), MAX_VARCHAR),
            ("textin", 1) => text(a.text(0)?, MAX_VARCHAR),
            ("version", 0) => text(
                "'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0 (stand-in)'::character varying".into(),
                256,
            ),
            ("pg_backend_pid", 0) => int("pg_backend_pid()".into()),
            ("pg_last_query_id" | "last_user_query_id", 0) => big(format!("({})::bigint", self.catalog.last_query_id())),
            ("is_large_string_enabled", 0) => boolean("false".into()),
            ("random", 0) => double("random()".into()),
            ("pi", 0) => double("pi()".into()),
            ("timeofday", 0) => text("timeofday()".into(), 64),
            ("has_schema_privilege" | "has_table_privilege" | "has_database_privilege", 2 | 3) => {
                let list = (0..args.len()).map(|i| a.text(i)).collect::<Result<Vec<_>, _>>()?;
                boolean(format!("rs.{name}({})", list.join(", ")))
            }
            ("pg_get_userbyid", 1) => text(format!("pg_get_userbyid(({})::oid)::text", args[0].sql), 128),
            ("format_type", 2) => text(format!("rs_catalog.type_text(({})::oid, {})", args[0].sql, a.whole(1)?), 256),
            // "PG_CANCEL_BACKEND" and "PG_TERMINATE_BACKEND".
            ("pg_cancel_backend" | "pg_terminate_backend", 1) => int(format!("rs_sys.{name}({})", a.whole(0)?)),
            ("pg_table_is_visible", 1) => boolean(format!("pg_catalog.pg_table_is_visible(({})::oid)", args[0].sql)),
            // Undocumented, and read by the scripts of amazon-redshift-utils: the name of PG_ATTRIBUTE's number.
            ("format_encoding", 1) => text(format!("rs_sys.format_encoding({})", a.whole(0)?), 32),
            // PG_ATTRDEF holds texts, not trees.
            ("pg_get_expr", 2 | 3) => text(format!("({})::text", args[0].sql), MAX_VARCHAR),
            ("pg_get_viewdef", 1 | 2) => text(format!("rs_sys.viewdef({})", Self::object_id(&args[0])?), MAX_VARCHAR),
            ("pg_get_constraintdef", 1 | 2) => {
                text(format!("rs_sys.constraintdef({})", Self::object_id(&args[0])?), MAX_VARCHAR)
            }
            ("obj_description", 1 | 2) => text(format!("rs_sys.obj_description({})", Self::object_id(&args[0])?), MAX_VARCHAR),
            ("col_description", 2) => {
                text(format!("rs_sys.col_description({}, {})", Self::object_id(&args[0])?, a.whole(1)?), MAX_VARCHAR)
            }
            ("regclass" | "oid", 1) => Typed::new(Self::object_id(&args[0])?, RsType::Oid),
            ("db_collation", 0) => text("'case_sensitive'::character varying".into(), 32),
            ("current_timestamp", 1) => {
                Typed::new(format!("CURRENT_TIMESTAMP({})", args[0].sql), RsType::TimestampTz)
            }
            ("now" | "current_timestamp", 0) => Typed::new("now()", RsType::TimestampTz),
            ("localtimestamp", 0) => Typed::new("LOCALTIMESTAMP", RsType::Timestamp),
            ("current_time", 0) => Typed::new("CURRENT_TIME", RsType::TimeTz),
            ("localtime", 0) => Typed::new("LOCALTIME", RsType::Time),
            ("age", 1 | 2) => {
                let list = (0..args.len()).map(|i| a.moment(i).map(|v| v.sql)).collect::<Result<Vec<_>, _>>()?;
                Typed::new(format!("age({})", list.join(", ")), RsType::Interval)
            }
            ("isfinite", 1) => boolean(format!("isfinite({})", a.moment(0)?.sql)),
            ("generate_series", 2 | 3) => {
                let list = (0..args.len()).map(|i| a.number(i).map(|v| v.sql)).collect::<Result<Vec<_>, _>>()?;
                let ty = self.common_type(&args.iter().collect::<Vec<_>>())?;
                Typed::new(format!("generate_series({})", list.join(", ")), ty)
            }
            // The catalogs show arrays in their print form: {1,2}.
            (crate::ast::CATALOG_ARRAY, 1..) => {
                let ty = self.common_type(&args.iter().collect::<Vec<_>>())?;
                let list = args.iter().map(|v| self.branch(v, &ty)).collect::<Result<Vec<_>, _>>()?;
                text(format!("(ARRAY[{}]::{}[])::text", list.join(", "), ty.postgres()), MAX_VARCHAR)
            }
            // No page of the guide knows OVERLAPS: PostgreSQL 8.0 has it, so the leader node does.
            (crate::ast::OVERLAPS, 4) => {
                let end = |i: usize| match &args[i].ty {
                    RsType::Interval => Ok(args[i].sql.clone()),
                    _ => a.moment(i).map(|v| v.sql),
                };
                let (from, to) = (a.moment(0)?.sql, a.moment(2)?.sql);
                boolean(format!("(({from}, {}) OVERLAPS ({to}, {}))", end(1)?, end(3)?))
            }
            (crate::ast::IN_CATALOG_ARRAY, 2) if args[1].ty.is_character() => boolean(format!(
                "(({})::text = ANY (pg_catalog.string_to_array(pg_catalog.btrim(({})::text, '{{}}'), ',')))",
                args[0].sql, args[1].sql
            )),
            (crate::ast::IN_CATALOG_ARRAY, 2) => {
                return Err(SqlError::unsupported("ANY and ALL over arrays are not supported by Redshift"));
            }
            ("current_setting", 1 | 2) => self.current_setting(args)?,
            ("set_config", 3) => match &args[0].form {
                Form::Text(name) if name.split('.').count() == 2 => text(
                    format!("rs.set_context({}, {}, {})", quote_literal(&name.to_lowercase()), a.text(1)?, a.flag(2, "false")?),
                    MAX_VARCHAR,
                ),
                _ => {
                    return Err(SqlError::not_in_stand_in("SET_CONFIG of a configuration parameter inside of a query")
                        .with_hint("use SET, or SELECT SET_CONFIG('parameter', 'value', is_local) alone"));
                }
            },
            _ => return Ok(None),
        }))
    }

    /// "CURRENT_SETTING": a configuration parameter, or a session context variable, whose name has two parts.
    fn current_setting(&self, args: &[Typed]) -> Result<Typed, SqlError> {
        let Form::Text(name) = &args[0].form else {
            return Err(SqlError::not_in_stand_in("CURRENT_SETTING of a name that is no string constant"));
        };
        let name = name.to_lowercase();
        if name.split('.').count() == 2 {
            let must = args.get(1).map_or_else(|| Ok("true".to_owned()), |must| self.condition(must))?;
            return Ok(text(format!("rs.context_variable({}, {must})", quote_literal(&name)), MAX_VARCHAR));
        }
        match self.catalog.parameter(&name) {
            Some(value) if args.len() == 1 => {
                Ok(text(format!("{}::character varying", quote_literal(&value)), MAX_VARCHAR))
            }
            Some(_) => Err(SqlError::unsupported(
                "error_if_undefined of CURRENT_SETTING is only supported for session context variables",
            )),
            None => Err(SqlError::new("42704", format!("unrecognized configuration parameter \"{name}\""))),
        }
    }

    /// The number of a relation, given by name or by number.
    fn object_id(value: &Typed) -> Result<String, SqlError> {
        match &value.ty {
            t if t.is_character() => Ok(format!("(({})::text::regclass::oid)", value.sql)),
            t if t.is_integer() || *t == RsType::Oid => Ok(format!("(({})::oid)", value.sql)),
            other => Err(SqlError::datatype(format!("the name or the number of a relation is needed, not {other}"))),
        }
    }
}
