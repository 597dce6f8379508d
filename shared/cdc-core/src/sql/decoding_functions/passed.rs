//! Whether an event is behind a change of its table's definition.

use super::{PASSED, function};
use crate::sql::layout::Layout;
use crate::sql::versions::MARGIN_MS;

/// Arguments: of the event its place in the log, its server, and three times in milliseconds since
/// the epoch: Kafka's, the source's, the connector's; then the same of the change. 1001: it is
/// behind. 0: it is not. 1000: it may be. Sums of them count both.
///
/// Places of one server are compared; a snapshot's records have server 0. Kafka's time decides
/// otherwise, unless it is the change's own, or a millisecond from it, by which a producer that
/// stamps records in finer units may round it differently in different batches: then the
/// connector's clock tells, which Debezium writes into both ("ts_ms": the time at which the connector
/// processed the event), or a place without its server (-1). An event that the source made before
/// the change's second, or at such a place in front, may have been sent again: Kafka's time alone
/// does not tell of it.
pub(super) fn passed(layout: &Layout) -> String {
    let is_before = "COALESCE($4 BETWEEN 1 AND $9 - MOD($9, 1000) - 1 OR ($2 = -1 AND $1 < $6 AND COALESCE($4 <= $9, true)), false)";
    let body = format!(
        "SELECT CASE WHEN $1 IS NOT NULL AND ($2 = $7 OR $2 = 0 OR ($7 = 0 AND $2 > 0)) THEN CASE WHEN $1 >= $6 THEN 1001 ELSE 0 END\n\
         \x20           WHEN $3 < $8 - {MARGIN_MS} THEN 0\n\
         \x20           WHEN {is_before} THEN CASE WHEN $3 <= $8 + {MARGIN_MS} THEN 0 ELSE 1000 END\n\
         \x20           WHEN $3 <= $8 + {MARGIN_MS} AND $5 < $10 THEN 0\n\
         \x20           WHEN $3 <= $8 + {MARGIN_MS} AND NOT COALESCE(($2 = -1 AND $1 >= $6) OR $5 > $10, false) THEN 1000\n\
         \x20           ELSE 1001 END::BIGINT"
    );
    let arguments = "VARCHAR(80), BIGINT, BIGINT, BIGINT, BIGINT, VARCHAR(80), BIGINT, BIGINT, BIGINT, BIGINT";
    function(layout, PASSED, arguments, "BIGINT", &body)
}
