//! Lag: how much is not yet done, per partition and stage, and how fresh a table is.
//!
//! Pure arithmetic. Kafka's end offsets, the landed positions and the watermarks are observed
//! by others at slightly different moments; a later watermark than end offset is no negative
//! lag. What was not observed is None and never zero: unknown is not healthy.

use crate::watermark::Watermark;

/// What is known of one partition. None means not observed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartitionObservation {
    /// The partition.
    pub partition: i64,
    /// The oldest offset that Kafka still has.
    pub log_start_offset: Option<i64>,
    /// The offset that the next record will get.
    pub end_offset: Option<i64>,
    /// The highest offset in the landing view, inclusive; -1 when it is empty.
    pub landed_offset: Option<i64>,
    /// The table's watermark for this partition.
    pub watermark: Option<Watermark>,
}

/// The lag of one partition. None means unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartitionLag {
    /// The partition.
    pub partition: i64,
    /// Records in Kafka that are not in the landing view.
    pub landing_lag_records: Option<i64>,
    /// Records in the landing view that are not merged. Offsets are counted, so gaps count too.
    pub merge_lag_records: Option<i64>,
    /// Records in Kafka that are not merged.
    pub total_lag_records: Option<i64>,
    /// Milliseconds since the last merge committed, if anything is left to do; zero when
    /// nothing is.
    pub merge_lag_ms: Option<i64>,
    /// Records that Kafka deleted before they were merged: lost unless the source is read again.
    pub lost_records: Option<i64>,
}

/// The lag of a whole table: sums of records, maxima of times. None as soon as one partition is
/// unknown, since a sum over some partitions would look healthier than the table is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableLag {
    /// Records in Kafka that are not in the landing view.
    pub landing_lag_records: Option<i64>,
    /// Records in the landing view that are not merged.
    pub merge_lag_records: Option<i64>,
    /// Records in Kafka that are not merged.
    pub total_lag_records: Option<i64>,
    /// The longest time since a merge among the partitions with something left to do.
    pub merge_lag_ms: Option<i64>,
    /// Records that Kafka deleted before they were merged.
    pub lost_records: Option<i64>,
}

/// The lag of one partition at `now_ms`, in milliseconds since the epoch.
///
/// A partition without a watermark has merged nothing: everything from the log's start counts.
#[must_use]
pub fn partition_lag(observed: &PartitionObservation, now_ms: i64) -> PartitionLag {
    let before_log = observed.log_start_offset.map(|start| start - 1);
    let merged = match &observed.watermark {
        // A watermark before the log's start counts from there; the difference is lost.
        Some(mark) => Some(mark.offset.max(before_log.unwrap_or(mark.offset))),
        None => before_log,
    };
    let landed = observed
        .landed_offset
        .map(|landed| landed.max(before_log.unwrap_or(landed)))
        // What is merged has landed, also after the landing view was pruned.
        .map(|landed| landed.max(merged.unwrap_or(landed)));
    let last = observed.end_offset.map(|end| end - 1);
    let behind = |ahead: Option<i64>, done: Option<i64>| Some((ahead? - done?).max(0));
    let total = behind(last, merged);
    let merged_at = observed.watermark.as_ref().and_then(|mark| mark.merged_at_ms);
    PartitionLag {
        partition: observed.partition,
        landing_lag_records: behind(last, landed),
        merge_lag_records: behind(landed, merged),
        total_lag_records: total,
        merge_lag_ms: match total {
            Some(0) => Some(0),
            Some(_) => merged_at.map(|merged_at| (now_ms - merged_at).max(0)),
            None => None,
        },
        lost_records: match (&observed.watermark, before_log) {
            (Some(mark), Some(before)) if mark.offset >= 0 => Some((before - mark.offset).max(0)),
            // What was gone before the first merge was never this pipeline's to merge.
            (_, Some(_)) => Some(0),
            (_, None) => None,
        },
    }
}

/// The lag of a table from its partitions' lags. No partitions: all unknown.
#[must_use]
pub fn table_lag(partitions: &[PartitionLag]) -> TableLag {
    let each = |value: fn(&PartitionLag) -> Option<i64>| -> Option<Vec<i64>> {
        let values: Option<Vec<i64>> = partitions.iter().map(value).collect();
        values.filter(|values| !values.is_empty())
    };
    let sum = |value| each(value).map(|values| values.iter().sum());
    TableLag {
        landing_lag_records: sum(|lag| lag.landing_lag_records),
        merge_lag_records: sum(|lag| lag.merge_lag_records),
        total_lag_records: sum(|lag| lag.total_lag_records),
        merge_lag_ms: each(|lag| lag.merge_lag_ms).and_then(|values| values.into_iter().max()),
        lost_records: sum(|lag| lag.lost_records),
    }
}

/// How old the newest merged change is at `now_ms`: now minus its time in the source. None when
/// no change was merged. Clocks differ; a change from the future counts as fresh.
#[must_use]
pub fn freshness_ms(newest_merged_source_ms: Option<i64>, now_ms: i64) -> Option<i64> {
    newest_merged_source_ms.map(|source| (now_ms - source).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::TableId;

    fn mark(offset: i64, merged_at_ms: Option<i64>) -> Option<Watermark> {
        Some(Watermark {
            table: TableId("s.t".to_owned()),
            partition: 0,
            offset,
            kafka_timestamp_ms: None,
            refresh_time_ms: None,
            gaps: 0,
            merged_at_ms,
        })
    }

    fn lag(start: Option<i64>, end: Option<i64>, landed: Option<i64>, watermark: Option<Watermark>) -> PartitionLag {
        let observed = PartitionObservation {
            partition: 0,
            log_start_offset: start,
            end_offset: end,
            landed_offset: landed,
            watermark,
        };
        partition_lag(&observed, 10_000)
    }

    /// landing, merge, total, milliseconds, lost
    type Expected = (Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>);

    #[test]
    fn each_stage_is_counted() {
        let cases: &[(PartitionLag, Expected)] = &[
            (
                lag(Some(0), Some(100), Some(79), mark(59, Some(9_000))),
                (Some(20), Some(20), Some(40), Some(1_000), Some(0)),
            ),
            (lag(Some(0), Some(100), Some(99), mark(99, Some(1))), (Some(0), Some(0), Some(0), Some(0), Some(0))),
            // An empty topic.
            (lag(Some(0), Some(0), Some(-1), None), (Some(0), Some(0), Some(0), Some(0), Some(0))),
            // The watermark was read after the end offset.
            (lag(Some(0), Some(100), Some(99), mark(104, Some(1))), (Some(0), Some(0), Some(0), Some(0), Some(0))),
            // Nothing merged yet.
            (lag(Some(0), Some(10), Some(4), None), (Some(5), Some(5), Some(10), None, Some(0))),
            // A table that was provisioned when the log already began at 70.
            (lag(Some(70), Some(100), Some(-1), mark(-1, None)), (Some(30), Some(0), Some(30), None, Some(0))),
            // Kafka deleted 50 to 69 before they were merged.
            (
                lag(Some(70), Some(100), Some(49), mark(49, Some(9_500))),
                (Some(30), Some(0), Some(30), Some(500), Some(20)),
            ),
            // The landing view was pruned behind the watermark.
            (lag(Some(0), Some(100), Some(-1), mark(99, Some(1))), (Some(0), Some(0), Some(0), Some(0), Some(0))),
            // Not observed is unknown.
            (lag(None, None, None, mark(5, Some(1))), (None, None, None, None, None)),
            (lag(None, Some(10), None, mark(5, Some(9_999))), (None, None, Some(4), Some(1), None)),
        ];
        for (index, (found, expected)) in cases.iter().enumerate() {
            let found = (
                found.landing_lag_records,
                found.merge_lag_records,
                found.total_lag_records,
                found.merge_lag_ms,
                found.lost_records,
            );
            assert_eq!(found, *expected, "case {index}");
        }
    }

    #[test]
    fn a_table_is_known_when_all_its_partitions_are() {
        let behind = lag(Some(0), Some(100), Some(79), mark(59, Some(9_000)));
        let done = lag(Some(0), Some(5), Some(4), mark(4, Some(1)));
        let unknown = lag(None, None, Some(4), mark(4, Some(1)));
        let table = table_lag(&[behind, done]);
        assert_eq!(table.total_lag_records, Some(40));
        assert_eq!(table.merge_lag_ms, Some(1_000));
        assert_eq!(table_lag(&[behind, unknown]).total_lag_records, None);
        assert_eq!(table_lag(&[]).total_lag_records, None);
    }

    #[test]
    fn freshness_is_never_negative() {
        assert_eq!(freshness_ms(Some(9_000), 10_000), Some(1_000));
        assert_eq!(freshness_ms(Some(11_000), 10_000), Some(0));
        assert_eq!(freshness_ms(None, 10_000), None);
    }
}
