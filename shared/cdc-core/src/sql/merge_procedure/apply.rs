//! From staging into the target, and the ledger of deleted keys.

use super::{LEDGER_DAYS, Writer, one_line};
use crate::sql::ident::quoted;
use crate::sql::target_table;

impl Writer<'_> {
    /// Delete the deleted, merge the rest, keep the ledger of deleted keys.
    pub(super) fn apply(&self) -> String {
        let staging = self.stage("staging");
        let upserts = self.stage("upserts");
        let target_name = quoted(&self.table.spec.target_table);
        let mut sets = Vec::new();
        for column in self.table.value_columns() {
            let name = quoted(&column.target_name);
            sets.push(match self.is_unchanged("s", column) {
                Some(unchanged) => {
                    format!("{name} = CASE WHEN {unchanged} THEN {target_name}.{name} ELSE s.{name} END")
                }
                None => format!("{name} = s.{name}"),
            });
        }
        for (name, _) in target_table::own_columns(self.table.mode) {
            sets.push(format!("{0} = s.{0}", quoted(name)));
        }
        let all = self.target_columns();
        format!(
            "\x20   -- Delete the deleted, merge the rest.\n\
             \x20   DELETE FROM {target} USING {staging} AS s WHERE {deleted} AND s._cdc_op = 'd';\n\
             \x20   GET DIAGNOSTICS cdc_deleted_rows := ROW_COUNT;\n\
             \x20   cdc_deleted_rows := cdc_deleted_rows + cdc_truncated_rows;\n\
             \x20   DROP TABLE IF EXISTS {upserts};\n\
             \x20   CREATE TEMP TABLE {upserts} {attributes} AS SELECT s.* FROM {staging} AS s WHERE s._cdc_op <> 'd';\n\
             \x20   SELECT COUNT(*) INTO cdc_applied_rows FROM {upserts} AS u;\n\
             \x20   MERGE INTO {target} USING {upserts} AS s ON {matched}\n\
             \x20   WHEN MATCHED THEN UPDATE SET\n\
             \x20       {sets}\n\
             \x20   WHEN NOT MATCHED THEN INSERT ({all})\n\
             \x20        VALUES ({values});\n\
             {ledger}",
            target = self.target,
            ledger = self.keep_ledger(""),
            attributes = one_line(&target_table::table_attributes(self.table)),
            deleted = self.keys_equal(&self.target, "s"),
            matched = self.keys_equal(&target_name, "s"),
            sets = sets.join(",\n        "),
            all = all.join(", "),
            values = all.iter().map(|name| format!("s.{name}")).collect::<Vec<_>>().join(", "),
        )
    }

    /// Keys of deleted rows into the ledger, all others out of it. `newest` says which rows of
    /// the staging are a key's newest, where it has several.
    pub(super) fn keep_ledger(&self, newest: &str) -> String {
        let staging = self.stage("staging");
        let ledger = &self.ledger;
        format!(
            "\x20   -- The ledger remembers the positions of deletions, so that a late older change stays out.\n\
             \x20   DELETE FROM {ledger} USING {staging} AS s WHERE {ledgered};\n\
             \x20   DELETE FROM {ledger} WHERE _cdc_deleted_at < DATEADD(day, -{LEDGER_DAYS}, SYSDATE);\n\
             \x20   INSERT INTO {ledger} ({keys}, _cdc_domain, _cdc_position, _cdc_source_ts, _cdc_kafka_partition, _cdc_deleted_at)\n\
             \x20   SELECT {staged_keys}, s._cdc_domain, s._cdc_position, s._cdc_source_ts, s._cdc_kafka_partition, SYSDATE\n\
             \x20   FROM {staging} AS s WHERE s._cdc_op = 'd'{newest} AND s._cdc_domain IS NOT NULL;",
            ledgered = self.keys_equal(ledger, "s"),
            keys = self.keys().join(", "),
            staged_keys = self.key_list("s"),
        )
    }
}
