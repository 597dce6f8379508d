//! SET, RESET and SHOW.
//!
//! What changes the meaning of SQL is the front end's; the rest is here. Invariant: a parameter that
//! Redshift does not document is refused by its name, and one that the stand-in only keeps has no effect.

use std::collections::BTreeMap;
use std::sync::Arc;

use redshift_data_api::SqlError;
use redshift_sql::statement::{SetStatement, Statement};
use redshift_sql::{Settings, quote_identifier, quote_literal};

use super::{Outcome, RedshiftSession};
use crate::error::{IntoSql as _, SqlResult, denied, from_front_end, refused};

/// A session's parameters.
#[derive(Debug, Clone)]
pub(crate) struct SessionSettings {
    pub(crate) front_end: Settings,
    /// Folded schema names; `$user` stands for itself.
    pub(crate) search_path: Arc<Vec<String>>,
    pub(crate) query_group: String,
    kept: BTreeMap<String, String>,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            front_end: Settings::default(),
            search_path: Arc::new(vec!["$user".to_owned(), "public".to_owned()]),
            query_group: "default".to_owned(),
            kept: BTreeMap::new(),
        }
    }
}

impl SessionSettings {
    /// True if the session reads or shows moments in its own way.
    pub(super) fn shape_values(&self) -> bool {
        ["datestyle", "intervalstyle", "timezone"].iter().any(|name| self.kept.contains_key(*name))
    }

    /// The current value of a parameter; `None` if Redshift has none of that name.
    pub(crate) fn show(&self, name: &str) -> Option<String> {
        if let Some(value) = self.front_end.show(name) {
            return Some(value.to_owned());
        }
        let (_, default, _) = PARAMETERS.iter().find(|(known, _, _)| *known == name)?;
        Some(self.kept.get(name).map_or_else(|| (*default).to_owned(), Clone::clone))
    }
}

/// Whether a name is a session context variable's: two parts and one dot ("SET").
pub(super) fn is_context_variable(name: &str) -> bool {
    name.split('.').count() == 2
}

/// What the stand-in does with a parameter.
enum Effect {
    /// Set in PostgreSQL too, under the same name.
    Postgres,
    /// Kept and shown.
    Kept,
}

/// Parameters of the Redshift Database Developer Guide, "Configuration reference", with their
/// defaults; those of the front end are not among them.
const PARAMETERS: &[(&str, &str, Effect)] = &[
    ("analyze_threshold_percent", "10", Effect::Kept),
    ("application_name", "", Effect::Kept),
    ("cast_super_null_on_error", "on", Effect::Kept),
    ("client_encoding", "UTF8", Effect::Kept),
    ("datashare_break_glass_session_var", "", Effect::Kept),
    ("datestyle", "ISO, MDY", Effect::Postgres),
    ("default_geometry_encoding", "1", Effect::Kept),
    ("describe_field_name_in_uppercase", "off", Effect::Kept),
    ("downcase_delimited_identifier", "on", Effect::Kept),
    ("enable_numeric_rounding", "on", Effect::Kept),
    ("enable_result_cache_for_session", "on", Effect::Kept),
    ("enable_vacuum_boost", "off", Effect::Kept),
    ("error_on_nondeterministic_update", "off", Effect::Kept),
    ("extra_float_digits", "0", Effect::Kept),
    ("interval_forbid_composite_literals", "off", Effect::Kept),
    ("intervalstyle", "postgres", Effect::Postgres),
    ("json_serialization_enable", "off", Effect::Kept),
    ("json_serialization_parse_nested_strings", "off", Effect::Kept),
    ("max_concurrency_scaling_clusters", "1", Effect::Kept),
    ("max_cursor_result_set_size", "default", Effect::Kept),
    ("mv_enable_aqmv_for_session", "true", Effect::Kept),
    // "SET" and "CURRENT_SETTING" show a session without a query group so; its label in the logs is "default".
    ("query_group", "unset", Effect::Kept),
    ("search_path", "\"$user\", public", Effect::Kept),
    ("spectrum_enable_pseudo_columns", "true", Effect::Kept),
    ("spectrum_query_maxerror", "-1", Effect::Kept),
    ("statement_timeout", "0", Effect::Postgres),
    ("stored_proc_log_min_messages", "LOG", Effect::Kept),
    ("timezone", "UTC", Effect::Postgres),
    ("use_fips_ssl", "off", Effect::Kept),
    ("wlm_query_slot_count", "1", Effect::Kept),
    ("wlm_json_configuration", "", Effect::Kept),
];

/// Whether a SET clause may name the parameter.
pub(crate) fn is_known_parameter(name: &str) -> bool {
    Settings::default().show(name).is_some() || PARAMETERS.iter().any(|(known, _, _)| *known == name)
}

fn unknown(name: &str) -> SqlError {
    SqlError::new("42704", format!("unrecognized configuration parameter \"{name}\""))
}

impl RedshiftSession {
    pub(super) async fn set(&mut self, statement: &SetStatement) -> SqlResult<Outcome> {
        match statement {
            SetStatement::Parameter { local: true, .. } if self.depth > 0 => {
                // Redshift Database Developer Guide, "Stored procedure limitations".
                Err(refused("SET LOCAL is not supported in stored procedures"))
            }
            // Redshift Database Developer Guide, "SET": LOCAL ends with the transaction; outside of one it has no effect.
            SetStatement::Parameter { local: true, .. } if !self.transaction.open => Ok(Outcome::nothing()),
            SetStatement::Parameter { local: true, name, value } if is_context_variable(name) => {
                let sql = "SELECT rs.set_context($1, $2, true)";
                self.client.execute(sql, &[name, value]).await.sql()?;
                Ok(Outcome::nothing())
            }
            SetStatement::Parameter { local: true, name, value } => {
                let before = self.parameter(name)?;
                self.set_parameter(name, value.as_deref()).await?;
                self.transaction.locals.push((name.clone(), before));
                Ok(Outcome::nothing())
            }
            SetStatement::Parameter { name, value, .. } => {
                self.set_parameter(name, value.as_deref()).await?;
                Ok(Outcome::nothing())
            }
            SetStatement::SessionAuthorization(user) => {
                let wanted = user.clone().unwrap_or_else(|| self.login.clone());
                if self.depth > 0 {
                    return Err(refused("SET SESSION AUTHORIZATION is not supported in stored procedures"));
                }
                if self.database.superuser(&wanted).await?.is_none() {
                    return Err(SqlError::new("42704", format!("user \"{wanted}\" does not exist")));
                }
                if wanted != self.login && self.database.superuser(&self.login).await? != Some(true) {
                    return Err(denied("SET SESSION AUTHORIZATION"));
                }
                self.assume(&wanted).await?;
                Ok(Outcome::nothing())
            }
        }
    }

    /// SET name TO value; None is the default.
    pub(crate) async fn set_parameter(&mut self, name: &str, value: Option<&str>) -> SqlResult<()> {
        if is_context_variable(name) {
            let sql = "SELECT rs.set_context($1, $2, false)";
            return self.client.execute(sql, &[&name, &value]).await.sql().map(drop);
        }
        if self.settings.front_end.apply(name, value).map_err(|e| from_front_end(e, None))? {
            return Ok(());
        }
        let Some((_, default, effect)) = PARAMETERS.iter().find(|(known, _, _)| *known == name) else {
            return Err(unknown(name));
        };
        match name {
            "search_path" => self.set_search_path(value.unwrap_or(default)).await?,
            "query_group" => value.unwrap_or("default").clone_into(&mut self.settings.query_group),
            _ => {}
        }
        if matches!(effect, Effect::Postgres) {
            let sql = match value {
                Some(value) => format!("SET {name} TO {}", quote_literal(value)),
                None if name == "timezone" => "SET TimeZone TO 'UTC'".to_owned(),
                None => format!("SET {name} TO DEFAULT"),
            };
            self.client.batch_execute(&sql).await.sql()?;
        }
        match value {
            Some(value) => {
                self.settings.kept.insert(name.to_owned(), value.to_owned());
            }
            None => {
                self.settings.kept.remove(name);
            }
        }
        Ok(())
    }

    async fn set_search_path(&mut self, value: &str) -> SqlResult<()> {
        let fold = !self.settings.front_end.case_sensitive_identifier;
        let names: Vec<String> = value
            .split(',')
            .map(|name| {
                let name = name.trim();
                let bare = name.trim_matches(|c| c == '"' || c == '\'').to_owned();
                if fold || !name.starts_with('"') { bare.to_lowercase() } else { bare }
            })
            .filter(|name| !name.is_empty())
            .collect();
        let quoted: Vec<String> = names.iter().map(|name| quote_identifier(name)).collect();
        let list = if quoted.is_empty() { "''".to_owned() } else { quoted.join(", ") };
        self.client
            .batch_execute(&format!(
                "SET search_path TO {list}; SET rs.search_path TO {}",
                quote_literal(&names.join(","))
            ))
            .await
            .sql()?;
        self.settings.search_path = Arc::new(names);
        Ok(())
    }

    /// RESET name, or all.
    pub(super) async fn reset_parameter(&mut self, name: Option<&str>) -> SqlResult<Outcome> {
        match name {
            Some(name) => self.set_parameter(name, None).await?,
            None => {
                self.settings.front_end = Settings::default();
                for name in self.settings.kept.keys().cloned().collect::<Vec<_>>() {
                    self.set_parameter(&name, None).await?;
                }
                self.client.batch_execute("SELECT rs.forget_context()").await.sql()?;
            }
        }
        Ok(Outcome::nothing())
    }

    /// The current value of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> SqlResult<String> {
        self.settings.show(name).ok_or_else(|| unknown(name))
    }

    /// A session context variable, as SHOW gives it.
    pub(super) async fn context_variable(&self, name: &str) -> SqlResult<String> {
        let row = self.client.query_one("SELECT rs.context_variable($1, true)", &[&name]).await.sql()?;
        Ok(row.get(0))
    }

    /// `SELECT SET_CONFIG('parameter', 'value', is_local)` of a configuration parameter is a SET ("SET_CONFIG"); of a context variable
    /// it is a function.
    pub(super) async fn set_config(&mut self, statement: &Statement) -> SqlResult<Option<Outcome>> {
        let Some((name, value, local)) = statement.set_config_call() else { return Ok(None) };
        if is_context_variable(&name) {
            return Ok(None);
        }
        Box::pin(self.set(&SetStatement::Parameter { local, name, value: Some(value.clone()) })).await?;
        Ok(Some(Outcome::texts(&["set_config"], vec![vec![Some(value)]])))
    }

    /// Names and values of everything that SHOW ALL lists.
    pub(super) fn all_parameters(&self) -> Vec<Vec<Option<String>>> {
        let front_end = [
            "enable_case_sensitive_identifier",
            "enable_case_sensitive_super_attribute",
            "navigate_super_null_on_error",
            "cast_super_null_on_error",
            "parse_super_null_on_error",
            "json_parse_truncate_strings",
            "json_parse_dedup_attributes",
        ];
        let mut names: Vec<&str> = PARAMETERS.iter().map(|(name, _, _)| *name).chain(front_end).collect();
        names.sort_unstable();
        names.dedup();
        names
            .into_iter()
            .filter_map(|name| Some(vec![Some(name.to_owned()), Some(self.parameter(name).ok()?)]))
            .collect()
    }
}
