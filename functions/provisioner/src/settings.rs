//! This function's settings: the common ones, and the time it keeps back for its answer.

use std::path::PathBuf;
use std::time::Duration;

use function_kit::settings::{Common, Default, Reader, Setting, SettingsError};
use redshift_data::Connection;

/// Kept back from the function's timeout. Longer than other functions' because CloudFormation
/// waits an hour for a function that did not answer.
pub const DEADLINE_MARGIN_MS: Setting = Setting {
    name: "DEADLINE_MARGIN_MS",
    kind: "milliseconds",
    default: Default::Value("10000"),
    meaning: "Kept back from the function's timeout: no further step is begun in it, and CloudFormation is answered.",
};

/// All settings, in the order of the README's table.
#[must_use]
pub fn all() -> Vec<&'static Setting> {
    let mut settings = Common::SETTINGS.to_vec();
    settings.push(&DEADLINE_MARGIN_MS);
    settings
}

/// The settings' values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) pipeline_file: PathBuf,
    pub(crate) connection: Connection,
    pub(crate) msk_cluster_arn: Option<String>,
    pub(crate) kafka_ca_file: Option<PathBuf>,
    pub(crate) redshift_role_arn: Option<String>,
}

/// Reads all settings. The margin is given even if others are wrong: CloudFormation is told of
/// the others within it.
pub(crate) fn read(mut reader: Reader) -> (Duration, Result<Settings, SettingsError>) {
    let margin = reader.millis(&DEADLINE_MARGIN_MS);
    let common = Common::read(&mut reader);
    let settings = reader.finish().map(|()| Settings {
        pipeline_file: common.pipeline_file,
        connection: common.connection,
        msk_cluster_arn: common.msk_cluster_arn,
        kafka_ca_file: common.kafka_ca_file,
        redshift_role_arn: common.redshift_role_arn,
    });
    (margin, settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_the_table_of_settings() {
        let table = function_kit::settings::table(&all());
        assert!(include_str!("../README.md").contains(&table), "put this into README.md:\n{table}");
    }

    #[test]
    fn the_margin_is_known_although_other_settings_are_wrong() {
        let (margin, settings) = read(Reader::of(&[("DEADLINE_MARGIN_MS", "2500")]));
        assert_eq!(margin, Duration::from_millis(2500));
        let error = settings.unwrap_err().to_string();
        assert!(error.contains("PIPELINE_FILE") && error.contains("WAREHOUSE_DATABASE"), "{error}");
    }
}
