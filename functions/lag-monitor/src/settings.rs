//! This function's settings: the common ones, and the limits between its states.

use std::path::PathBuf;
use std::time::Duration;

use function_kit::settings::{Common, DEADLINE_MARGIN_MS, Default, Reader, Setting, SettingsError};
use redshift_data::Connection;

use crate::assess::Thresholds;

/// From when on pending records are a delay.
pub const BEHIND_AFTER_MS: Setting = Setting {
    name: "BEHIND_AFTER_MS",
    kind: "milliseconds",
    default: Default::Value("60000"),
    meaning: "A table whose oldest unmerged record is older is `behind`.",
};

/// From when on a table without merges has stopped.
pub const STOPPED_AFTER_MS: Setting = Setting {
    name: "STOPPED_AFTER_MS",
    kind: "milliseconds",
    default: Default::Value("900000"),
    meaning: "A table with an older unmerged record and no merge for as long is `stopped`.",
};

/// All settings, in the order of the README's table.
#[must_use]
pub fn all() -> Vec<&'static Setting> {
    let mut settings = Common::WAREHOUSE_SETTINGS.to_vec();
    settings.extend(Common::KAFKA_SETTINGS);
    settings.extend([&BEHIND_AFTER_MS, &STOPPED_AFTER_MS, &DEADLINE_MARGIN_MS]);
    settings
}

/// The settings' values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) pipeline_file: PathBuf,
    pub(crate) connection: Connection,
    pub(crate) msk_cluster_arn: Option<String>,
    pub(crate) kafka_ca_file: Option<PathBuf>,
    pub(crate) thresholds: Thresholds,
    pub(crate) margin: Duration,
}

/// Reads all settings.
pub(crate) fn read(mut reader: Reader) -> Result<Settings, SettingsError> {
    let common = Common::read(&mut reader);
    let thresholds =
        Thresholds { behind_after: reader.millis(&BEHIND_AFTER_MS), stopped_after: reader.millis(&STOPPED_AFTER_MS) };
    if thresholds.stopped_after < thresholds.behind_after {
        reader.problem("STOPPED_AFTER_MS is less than BEHIND_AFTER_MS; a table is behind before it is stopped");
    }
    let margin = reader.millis(&DEADLINE_MARGIN_MS);
    reader.finish()?;
    Ok(Settings {
        pipeline_file: common.pipeline_file,
        connection: common.connection,
        msk_cluster_arn: common.msk_cluster_arn,
        kafka_ca_file: common.kafka_ca_file,
        thresholds,
        margin,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics;

    #[test]
    fn the_readme_has_the_tables_of_settings_and_metrics() {
        let readme = include_str!("../README.md");
        let table = function_kit::settings::table(&all());
        assert!(readme.contains(&table), "put this into README.md:\n{table}");
        for (metric, per, meaning) in metrics::ALL {
            let row = format!("| `{}` | {} | {per} | {meaning} |", metric.name, metric.unit);
            assert!(readme.contains(&row), "put this into README.md:\n{row}");
        }
    }

    #[test]
    fn the_limits_are_in_order() {
        let given = |behind, stopped| {
            read(Reader::of(&[
                ("PIPELINE_FILE", "p.yaml"),
                ("WAREHOUSE_DATABASE", "dev"),
                ("WAREHOUSE_WORKGROUP", "wg"),
                ("BEHIND_AFTER_MS", behind),
                ("STOPPED_AFTER_MS", stopped),
            ]))
        };
        assert_eq!(given("1000", "2000").unwrap().thresholds.behind_after, Duration::from_secs(1));
        assert!(given("3000", "2000").unwrap_err().to_string().contains("STOPPED_AFTER_MS"));
    }
}
