//! System information functions and current values.

use super::{Arguments, boolean, big, double, int, text};
use crate::error::SqlError;
use crate::quote_literal;
use crate::rewrite::{Rewriter, Typed};
use crate::types::{MAX_VARCHAR, RsType};

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
            ("current_user_id", 0) => int("rs.current_user_id()".into()),
            ("current_database", 0) => text(quote_literal(&self.catalog.database()) + "::character varying", 128),
            ("current_schema", 0) => text("current_schema()::text".into(), 128),
            ("version", 0) => text(
                "'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0 (stand-in)'::character varying".into(),
                256,
            ),
            ("pg_backend_pid", 0) => int("pg_backend_pid()".into()),
            ("pg_last_query_id", 0) => big("(-1)::bigint".into()),
            ("is_large_string_enabled", 0) => boolean("false".into()),
            ("random", 0) => double("random()".into()),
            ("pi", 0) => double("pi()".into()),
            ("timeofday", 0) => text("timeofday()".into(), 64),
            ("has_schema_privilege" | "has_table_privilege" | "has_database_privilege", 2 | 3) => {
                let list = (0..args.len()).map(|i| a.text(i)).collect::<Result<Vec<_>, _>>()?;
                boolean(format!("rs.{name}({})", list.join(", ")))
            }
            ("pg_get_userbyid", 1) => text(format!("pg_get_userbyid(({})::oid)::text", args[0].sql), 128),
            ("format_type", 2) => text(format!("format_type(({})::oid, {})", args[0].sql, a.whole(1)?), 256),
            ("pg_get_viewdef", 1 | 2) => return Err(SqlError::not_in_stand_in("the function PG_GET_VIEWDEF").with_hint("use SHOW VIEW")),
            ("current_setting", 1) => text(format!("current_setting({})", a.text(0)?), MAX_VARCHAR),
            _ => return Ok(None),
        }))
    }
}
