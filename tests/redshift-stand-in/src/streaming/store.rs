//! One refresh's transaction.
//!
//! Runs as the superuser on a connection of its own: the stored select list was checked and resolved
//! when its owner created the view. Invariant: rows, positions and scan states are committed together.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use futures::SinkExt as _;
use redshift_sql::quote_identifier;
use rskafka::record::RecordAndOffset;
use tokio_postgres::Client;

use super::{Refresher, batch};
use crate::catalog::{Entry, KINESIS_VIEW, STREAM_TABLE};
use crate::error::{IntoSql as _, SqlResult};

/// Largest record (Redshift Database Developer Guide, "Streaming ingestion to a materialized view").
const MOST_RECORD_BYTES: usize = 16_777_216;
/// Bytes sent to PostgreSQL at once.
const CHUNK: usize = 1 << 20;

/// What was read of a partition so far.
#[derive(Debug, Default)]
struct Scan {
    rows: i64,
    skipped: i64,
    bytes: i64,
    oldest: Option<i64>,
    newest: Option<i64>,
}

/// A refresh under way, in the transaction that its caller began.
pub(super) struct Refresh<'a> {
    client: Client,
    entry: &'a Entry,
    refresher: &'a Refresher,
    /// Microseconds since 1970; all rows of a refresh carry it.
    started: i64,
    transaction_id: i64,
    staging: bool,
    scan: Scan,
}

fn now_micros() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "refresh_time is the warehouse's clock")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
}

/// An instant as a SQL expression of type timestamp.
fn instant(micros: i64) -> String {
    format!("(timestamp '1970-01-01' + {micros} * interval '1 microsecond')")
}

impl<'a> Refresh<'a> {
    pub(super) async fn begin(client: Client, entry: &'a Entry, refresher: &'a Refresher) -> SqlResult<Self> {
        let transaction_id =
            client.query_one("SELECT pg_catalog.nextval('rs_catalog.refresh_ids')", &[]).await.sql()?.get(0);
        Ok(Self {
            client,
            entry,
            refresher,
            started: now_micros(),
            transaction_id,
            staging: false,
            scan: Scan::default(),
        })
    }

    fn object(&self) -> String {
        format!(
            "{}.{}",
            quote_identifier(&self.entry.relation.postgres_schema),
            quote_identifier(&self.entry.relation.postgres_name)
        )
    }

    /// The next offset of every partition that the view has read from.
    pub(super) async fn positions(&self) -> SqlResult<HashMap<i64, i64>> {
        let rows = self
            .client
            .query(
                "SELECT partition_id, next_offset FROM rs_catalog.stream_position WHERE view_id = $1",
                &[&self.entry.oid],
            )
            .await
            .sql()?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Makes the table that holds the new records, once, and for Kinesis the view that shows them in its columns.
    pub(super) async fn prepare_staging(&mut self, kinesis: bool) -> SqlResult<()> {
        if self.staging {
            return Ok(());
        }
        let table = quote_identifier(STREAM_TABLE);
        self.client
            .batch_execute(&format!(
                "DROP TABLE IF EXISTS pg_temp.{table} CASCADE;
                 CREATE TEMPORARY TABLE {table} (kafka_partition bigint, kafka_offset bigint, kafka_timestamp_type character(1),
                     kafka_timestamp timestamp, kafka_key bytea, kafka_value bytea, kafka_headers jsonb, refresh_time timestamp)
                 ON COMMIT DROP"
            ))
            .await
            .sql()?;
        if kinesis {
            // Keys are text there, shards and sequence numbers have names of a fixed form.
            self.client
                .batch_execute(&format!(
                    "CREATE TEMPORARY VIEW {} AS SELECT kafka_timestamp AS approximate_arrival_timestamp,
                         (CASE WHEN rs.is_utf8(kafka_key) THEN convert_from(kafka_key, 'UTF8') ELSE encode(kafka_key, 'hex') END)::varchar(256) AS partition_key,
                         ('shardId-' || lpad(kafka_partition::text, 12, '0'))::char(20) AS shard_id,
                         lpad(kafka_offset::text, 56, '0')::varchar(128) AS sequence_number,
                         refresh_time, kafka_value AS kinesis_data
                     FROM pg_temp.{table}",
                    quote_identifier(KINESIS_VIEW)
                ))
                .await
                .sql()?;
        }
        self.staging = true;
        Ok(())
    }

    /// Adds records of one partition.
    pub(super) async fn stage(&mut self, partition: i64, records: &[RecordAndOffset]) -> SqlResult<()> {
        let mut large = Vec::new();
        let sink = self
            .client
            .copy_in::<_, Bytes>(&format!("COPY pg_temp.{} FROM STDIN (FORMAT binary)", quote_identifier(STREAM_TABLE)))
            .await
            .sql()?;
        futures::pin_mut!(sink);
        let mut buffer = BytesMut::with_capacity(CHUNK * 2);
        batch::header(&mut buffer);
        for record in records {
            let size = record.record.approximate_size();
            let millis = record.record.timestamp.timestamp_micros();
            if size > MOST_RECORD_BYTES {
                self.scan.skipped += 1;
                large.push((record.offset, millis));
                continue;
            }
            self.scan.rows += 1;
            self.scan.bytes += i64::try_from(size).unwrap_or(i64::MAX);
            self.scan.oldest = Some(self.scan.oldest.map_or(millis, |oldest| oldest.min(millis)));
            self.scan.newest = Some(self.scan.newest.map_or(millis, |newest| newest.max(millis)));
            batch::row(&mut buffer, partition, record, self.started);
            if buffer.len() >= CHUNK {
                sink.send(buffer.split().freeze()).await.sql()?;
            }
        }
        batch::trailer(&mut buffer);
        sink.send(buffer.freeze()).await.sql()?;
        sink.finish().await.sql()?;
        for (offset, micros) in large {
            self.note_error(partition, offset, micros).await?;
        }
        Ok(())
    }

    fn names(&self) -> [&str; 4] {
        let stream = &self.entry.meta["stream"];
        [
            stream["schema"].as_str().unwrap_or_default(),
            stream["topic"].as_str().unwrap_or_default(),
            &self.entry.relation.schema,
            &self.entry.relation.name,
        ]
    }

    /// A record over 16 MiB is skipped and the refresh goes on.
    async fn note_error(&self, partition: i64, offset: i64, micros: i64) -> SqlResult<()> {
        let [external, topic, schema, name] = self.names();
        self.client
            .execute(
                &format!(
                    "INSERT INTO rs_catalog.stream_scan_error VALUES ($1, $2, $3, $4, $5, $6, $7, 'C', {}, {}, $8, $9, 15,
                     'The record is larger than the maximum size of 16777216 bytes')",
                    instant(micros),
                    instant(self.started)
                ),
                &[
                    &self.refresher.user, &external, &topic, &schema, &name,
                    &self.transaction_id, &self.refresher.query_id, &partition, &offset,
                ],
            )
            .await
            .sql()?;
        Ok(())
    }

    /// Notes how far a partition was read.
    pub(super) async fn note_partition(
        &mut self,
        external: &str,
        topic: &str,
        partition: i64,
        end: i64,
    ) -> SqlResult<()> {
        let scan = std::mem::take(&mut self.scan);
        let [_, _, schema, name] = self.names();
        let moment = |micros: Option<i64>| micros.map_or_else(|| "NULL".to_owned(), instant);
        self.client
            .execute(
                "INSERT INTO rs_catalog.stream_position VALUES ($1, $2, $3)
                 ON CONFLICT (view_id, partition_id) DO UPDATE SET next_offset = excluded.next_offset",
                &[&self.entry.oid, &partition, &end],
            )
            .await
            .sql()?;
        self.client
            .execute(
                &format!(
                    "INSERT INTO rs_catalog.stream_scan_state VALUES ($1, $2, $3, $4, $5, $6, $7, {}, $8, $9, $10, $11, $12, {}, {})",
                    instant(self.started),
                    moment(scan.oldest),
                    moment(scan.newest)
                ),
                &[
                    &self.refresher.user, &external, &topic, &schema, &name, &self.transaction_id,
                    &self.refresher.query_id, &partition, &(end - 1), &scan.rows, &scan.skipped, &scan.bytes,
                ],
            )
            .await
            .sql()?;
        Ok(())
    }

    /// Puts the staged records through the view's select list.
    pub(super) async fn project(&self) -> SqlResult<()> {
        let select = self.entry.meta["select"].as_str().unwrap_or_default();
        self.client.batch_execute(&format!("INSERT INTO {} {select}", self.object())).await.sql()
    }

    /// Fills an ordinary materialized view anew.
    pub(super) async fn recompute(&self) -> SqlResult<()> {
        let (object, select) = (self.object(), self.entry.meta["select"].as_str().unwrap_or_default());
        self.client
            .batch_execute(&format!(
                "SET LOCAL ROLE {}; DELETE FROM {object}; INSERT INTO {object} {select}; RESET ROLE",
                quote_identifier(&self.entry.owner)
            ))
            .await
            .sql()
    }

    async fn note_history(&self, status: &str) -> SqlResult<()> {
        let [_, _, schema, name] = self.names();
        let kind = if self.refresher.automatic { "Auto" } else { "Manual" };
        self.client
            .execute(
                &format!(
                    "INSERT INTO rs_catalog.mv_refresh VALUES ($1, $2, $3, $4, $5, $6, $7, $8, {}, {})",
                    instant(self.started),
                    instant(now_micros())
                ),
                &[
                    &self.refresher.user,
                    &self.refresher.session_id,
                    &self.transaction_id,
                    &schema,
                    &self.entry.oid,
                    &name,
                    &kind,
                    &status,
                ],
            )
            .await
            .sql()?;
        Ok(())
    }

    /// Notes the success and gives the connection back; the caller commits.
    pub(super) async fn finish(self, status: &str) -> SqlResult<Client> {
        // An automatic refresh that found nothing leaves no line every second.
        if !(self.refresher.automatic && status == super::UNCHANGED) {
            self.note_history(status).await?;
        }
        Ok(self.client)
    }

    /// Takes everything back and notes why.
    pub(super) async fn fail(self, reason: &str) {
        let noted = async {
            self.client.batch_execute("ROLLBACK").await.sql()?;
            self.note_history(&format!("Refresh failed. {reason}")).await
        };
        if let Err(error) = noted.await {
            tracing::warn!(error = %error.message, "a failed refresh could not be noted");
        }
    }
}
