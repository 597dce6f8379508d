//! Watermarks: how far each partition of a table has been merged.
//!
//! In stream processing "watermark" often means progress in event time. Here it is the highest
//! Kafka offset that a merge procedure has folded into the target or put into quarantine,
//! committed in the same transaction as the rows. It is the only truth about what is done;
//! the event source mapping's committed offsets are a bookmark.

use crate::catalog::TableId;

/// One row of the control schema's view `watermarks`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    /// The table that was merged.
    pub table: TableId,
    /// The partition of the table's topic.
    pub partition: i64,
    /// The highest merged offset of the partition, inclusive. -1 when nothing was merged yet.
    pub offset: i64,
    /// The newest Kafka timestamp among the merged records, in milliseconds since the epoch.
    /// None when no merged record had one.
    pub kafka_timestamp_ms: Option<i64>,
    /// When the newest merged row was put into the landing view, in milliseconds since the
    /// epoch. None when unknown.
    pub refresh_time_ms: Option<i64>,
    /// How many gaps in the offsets were seen and recorded so far.
    pub gaps: i64,
    /// When the newest merge committed, in milliseconds since the epoch. None before the first.
    pub merged_at_ms: Option<i64>,
}
