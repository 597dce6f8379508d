//! The session settings that change what SQL text means.
//!
//! Settings that only the engine obeys (`statement_timeout`, `search_path`, …) are not kept here.
//! Invariant: `Settings::default()` is what a new Redshift session has.

use crate::error::SqlError;

/// Session configuration as far as the front end needs it.
///
/// Defaults are those of the Redshift Database Developer Guide, "Configuration reference" and
/// "SUPER configurations". The last two members are this stand-in's switches for behaviour that AWS does not document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `enable_case_sensitive_identifier` (default false): quoted names keep their case.
    pub case_sensitive_identifier: bool,
    /// `enable_case_sensitive_super_attribute` (default false): unquoted SUPER attribute names keep their case.
    pub case_sensitive_super_attribute: bool,
    /// `navigate_super_null_on_error` (default true): wrong navigation gives NULL.
    pub navigate_super_null_on_error: bool,
    /// `cast_super_null_on_error` (default true): a wrong cast from SUPER gives NULL.
    pub cast_super_null_on_error: bool,
    /// `parse_super_null_on_error` (default false): JSON_PARSE of bad text gives NULL instead of an error.
    pub parse_super_null_on_error: bool,
    /// `json_parse_truncate_strings` (default false): JSON_PARSE cuts strings over 65,535 bytes.
    pub json_parse_truncate_strings: bool,
    /// `json_parse_dedup_attributes` (default false): JSON_PARSE keeps the last of equal attribute names.
    pub json_parse_dedup_attributes: bool,
    /// Stand-in switch (default true): `IS NULL` is true for a JSON null, as for a missing attribute. Unconfirmed by AWS documents.
    pub json_null_is_null: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            case_sensitive_identifier: false,
            case_sensitive_super_attribute: false,
            navigate_super_null_on_error: true,
            cast_super_null_on_error: true,
            parse_super_null_on_error: false,
            json_parse_truncate_strings: false,
            json_parse_dedup_attributes: false,
            json_null_is_null: true,
        }
    }
}

impl Settings {
    fn slot(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "enable_case_sensitive_identifier" => &mut self.case_sensitive_identifier,
            "enable_case_sensitive_super_attribute" => &mut self.case_sensitive_super_attribute,
            "navigate_super_null_on_error" => &mut self.navigate_super_null_on_error,
            "cast_super_null_on_error" => &mut self.cast_super_null_on_error,
            "parse_super_null_on_error" => &mut self.parse_super_null_on_error,
            "json_parse_truncate_strings" => &mut self.json_parse_truncate_strings,
            "json_parse_dedup_attributes" => &mut self.json_parse_dedup_attributes,
            "stand_in_json_null_is_null" => &mut self.json_null_is_null,
            _ => return None,
        })
    }

    /// Applies `SET name TO value`; `None` as value is `RESET name` (or `TO DEFAULT`).
    ///
    /// Returns false if the name is not one of the front end's (the engine then decides). `name` must be lower case.
    ///
    /// # Errors
    /// The value is not a boolean.
    pub fn apply(&mut self, name: &str, value: Option<&str>) -> Result<bool, SqlError> {
        let mut defaults = Self::default();
        let Some(default) = defaults.slot(name).map(|v| *v) else {
            return Ok(false);
        };
        let wanted = match value {
            None => default,
            Some(text) => match text.to_ascii_lowercase().as_str() {
                "on" | "true" | "t" | "yes" | "1" => true,
                "off" | "false" | "f" | "no" | "0" => false,
                _ => {
                    return Err(SqlError::new("22023", format!("parameter \"{name}\" requires a Boolean value")));
                }
            },
        };
        *self.slot(name).expect("the same name was found above") = wanted;
        Ok(true)
    }

    /// Current value as `on` or `off`; `None` if the name is not one of the front end's.
    #[must_use]
    pub fn show(&self, name: &str) -> Option<&'static str> {
        let mut copy = self.clone();
        copy.slot(name).map(|v| if *v { "on" } else { "off" })
    }
}
