//! This function's settings, besides the common ones.

use std::time::Duration;

use function_kit::settings::{Common, DEADLINE_MARGIN_MS, Default, MAX_ROWS_PER_MERGE, Reader, Setting, SettingsError};

/// How records that are not processed are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseMode {
    /// As batch item failures, and an error only if a record cannot be named.
    Partial,
    /// As an error of the whole batch.
    Whole,
}

/// How records that are not processed are reported.
pub const RESPONSE_MODE: Setting = Setting {
    name: "RESPONSE_MODE",
    kind: "partial|whole",
    default: Default::Value("partial"),
    meaning: "`partial` answers with batch item failures and needs `ReportBatchItemFailures` on the event source mapping; `whole` fails the batch. A mapping that ignores item failures takes them for success: use `whole` there.",
};

/// All settings, in the order of the README's table.
pub const SETTINGS: [&Setting; 9] = [
    Common::WAREHOUSE_SETTINGS[0],
    Common::WAREHOUSE_SETTINGS[1],
    Common::WAREHOUSE_SETTINGS[2],
    Common::WAREHOUSE_SETTINGS[3],
    Common::WAREHOUSE_SETTINGS[4],
    Common::WAREHOUSE_SETTINGS[5],
    &RESPONSE_MODE,
    &MAX_ROWS_PER_MERGE,
    &DEADLINE_MARGIN_MS,
];

/// The settings, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Pipeline file and warehouse.
    pub common: Common,
    /// How unprocessed records are reported.
    pub response_mode: ResponseMode,
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
            response_mode: reader
                .choice(&RESPONSE_MODE, &[("partial", ResponseMode::Partial), ("whole", ResponseMode::Whole)]),
            max_rows: i64::try_from(reader.count(&MAX_ROWS_PER_MERGE)).unwrap_or(i64::MAX),
            deadline_margin: reader.millis(&DEADLINE_MARGIN_MS),
        };
        reader.finish().map(|()| settings)
    }
}
