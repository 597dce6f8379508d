//! This function's settings, besides the common ones.

use std::time::Duration;

use function_kit::settings::{Common, DEADLINE_MARGIN_MS, MAX_ROWS_PER_MERGE, Reader, Setting, SettingsError};

/// All settings, in the order of the README's table.
pub const SETTINGS: [&Setting; 10] = [
    Common::WAREHOUSE_SETTINGS[0],
    Common::WAREHOUSE_SETTINGS[1],
    Common::WAREHOUSE_SETTINGS[2],
    Common::WAREHOUSE_SETTINGS[3],
    Common::WAREHOUSE_SETTINGS[4],
    Common::WAREHOUSE_SETTINGS[5],
    Common::KAFKA_SETTINGS[0],
    Common::KAFKA_SETTINGS[1],
    &MAX_ROWS_PER_MERGE,
    &DEADLINE_MARGIN_MS,
];

/// The settings, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Pipeline file, warehouse and Kafka.
    pub common: Common,
    /// Records per merge statement.
    pub max_rows: i64,
    /// Kept back from the function's timeout.
    pub deadline_margin: Duration,
}

impl Settings {
    /// Reads them; all problems are reported together.
    pub fn read(mut reader: Reader) -> Result<Self, SettingsError> {
        let settings = Self {
            common: Common::read(&mut reader),
            max_rows: i64::try_from(reader.count(&MAX_ROWS_PER_MERGE)).unwrap_or(i64::MAX),
            deadline_margin: reader.millis(&DEADLINE_MARGIN_MS),
        };
        reader.finish().map(|()| settings)
    }
}
