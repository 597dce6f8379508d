//! Materialized views: REFRESH of streams and of ordinary ones, by hand and in the background.
//!
//! A refresh of a stream reads what the topic holds above the view's positions, projects it with the
//! view's own select list, and stores rows and positions in one transaction of its own
//! (Redshift Database Developer Guide, "Streaming ingestion to a materialized view"). It is away from
//! the session's transaction, as Redshift's REFRESH is.
//!
//! Invariant: a record is in the view exactly once, or its refresh failed and none of it is.

mod batch;
mod kafka;
mod store;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use redshift_data_api::SqlError;
use redshift_sql::{ObjectName, RelationKind};
use serde_json::Value as Json;

use crate::catalog::{Entry, KINESIS, Snapshot, View};
use crate::engine::{Database, Warehouse};
use crate::error::{IntoSql as _, SqlResult, refused};
use crate::session::{Outcome, RedshiftSession};

pub(crate) use kafka::Kafka;

/// Redshift's messages of SYS_MV_REFRESH_HISTORY.
const UPDATED: &str = "Refresh successfully updated MV incrementally";
const UNCHANGED: &str = "Refresh successfully completed. MV was already updated";
const RECOMPUTED: &str = "Refresh successfully recomputed MV from scratch";

/// Who refreshes, for the history.
#[derive(Debug, Clone)]
pub(crate) struct Refresher {
    pub(crate) user: String,
    pub(crate) session_id: i32,
    pub(crate) query_id: i64,
    pub(crate) automatic: bool,
}

/// REFRESH MATERIALIZED VIEW.
pub(crate) async fn refresh_statement(
    session: &mut RedshiftSession,
    view: &View,
    name: &ObjectName,
    cascade: bool,
) -> SqlResult<Outcome> {
    let entry = view
        .entry(name.schema.as_deref(), &name.name)
        .ok_or_else(|| SqlError::new("42P01", format!("materialized view \"{name}\" does not exist")))?;
    if entry.relation.kind != RelationKind::MaterializedView {
        return Err(SqlError::new("42809", format!("\"{}\" is not a materialized view", name.name)));
    }
    // Redshift Database Developer Guide, "REFRESH MATERIALIZED VIEW": only the owner can.
    if entry.owner != session.role && session.database.superuser(&session.role).await? != Some(true) {
        return Err(SqlError::new("42501", format!("must be owner of materialized view {}", name.name)));
    }
    let refresher = Refresher {
        user: session.role.clone(),
        session_id: i32::try_from(redshift_data_api::Session::pid(session)).unwrap_or_default(),
        query_id: session.query_id,
        automatic: false,
    };
    let entries = if cascade { with_dependents(view, entry) } else { vec![entry] };
    refresh(&Arc::clone(&session.database), &entries, &refresher).await?;
    Ok(Outcome::nothing())
}

/// A view and all that read it, what is read first ("Cascading refresh").
fn with_dependents(view: &View, first: Arc<Entry>) -> Vec<Arc<Entry>> {
    let reads = |entry: &Entry, of: &Entry| {
        let wanted = serde_json::json!([of.relation.schema, of.relation.name]);
        entry.meta["reads"].as_array().is_some_and(|reads| reads.contains(&wanted))
    };
    let mut found = vec![first];
    let mut next = 0;
    while let Some(base) = found.get(next).cloned() {
        next += 1;
        let mut above: Vec<_> = view.snapshot.relations.values().filter(|entry| reads(entry, &base)).cloned().collect();
        above.sort_by_key(|entry| entry.oid);
        for entry in above {
            // A view that is reached again comes after the later of what it reads.
            if let Some(at) = found.iter().position(|known| known.oid == entry.oid) {
                if at < next {
                    continue;
                }
                found.remove(at);
            }
            found.push(entry);
        }
    }
    found
}

/// Refreshes views in one transaction, in their order; refreshes of the same view wait for each other.
pub(crate) async fn refresh(database: &Arc<Database>, entries: &[Arc<Entry>], refresher: &Refresher) -> SqlResult<()> {
    let mut oids: Vec<u32> = entries.iter().map(|entry| entry.oid).collect();
    oids.sort_unstable();
    let mut alone = Vec::new();
    for oid in oids {
        alone.push(database.refresh_lock(oid).lock_owned().await);
    }
    let mut client = database.refresh_client().await?;
    client.batch_execute("BEGIN").await.sql()?;
    for entry in entries {
        let mut refresh = store::Refresh::begin(client, entry, refresher).await?;
        let result = match stream_of(&entry.meta) {
            Some((schema, topic)) => refresh_stream(database, &mut refresh, schema, topic).await,
            None => refresh.recompute().await.map(|()| RECOMPUTED),
        };
        match result {
            Ok(status) => client = refresh.finish(status).await?,
            Err(error) => {
                refresh.fail(&error.message).await;
                return Err(error);
            }
        }
    }
    client.batch_execute("COMMIT").await.sql()?;
    database.return_refresh_client(client);
    Ok(())
}

fn stream_of(meta: &Json) -> Option<(&str, &str)> {
    Some((meta["stream"]["schema"].as_str()?, meta["stream"]["topic"].as_str()?))
}

async fn refresh_stream(
    database: &Database,
    refresh: &mut store::Refresh<'_>,
    schema: &str,
    topic: &str,
) -> SqlResult<&'static str> {
    let snapshot = database.snapshot().await?;
    let external = snapshot
        .schemas
        .get(schema)
        .filter(|found| found.is_external())
        .ok_or_else(|| SqlError::new("3F000", format!("external schema \"{schema}\" does not exist")))?;
    let options = &external.meta["options"];
    let reader = database
        .kafka
        .open(options["URI"].as_str(), options["AUTHENTICATION"].as_str().unwrap_or("none"))
        .await
        .map_err(|error| error.in_sql(schema, topic))?;
    let positions = refresh.positions().await?;
    let ends = reader.ends(topic).await.map_err(|error| error.in_sql(schema, topic))?;
    let mut anything = false;
    for (partition, bounds) in ends {
        let stored = positions.get(&partition).copied();
        if let Some(stored) = stored
            && stored > bounds.latest
        {
            // Not documented by AWS; the strict reading is that the stream is another one.
            return Err(refused(format!(
                "partition {partition} of topic \"{topic}\" in external schema \"{schema}\" ends before the position \
                 of the materialized view: the topic was created anew; drop the view and create it again"
            )));
        }
        let start = stored.unwrap_or(0).max(bounds.earliest);
        if start < bounds.latest {
            anything = true;
            refresh.prepare_staging(external.meta["source"] == KINESIS).await?;
            let mut cursor = reader
                .read(topic, partition, start, bounds.latest)
                .await
                .map_err(|error| error.in_sql(schema, topic))?;
            while let Some(records) = cursor.next().await.map_err(|error| error.in_sql(schema, topic))? {
                refresh.stage(partition, &records).await?;
            }
            refresh.note_partition(schema, topic, partition, bounds.latest).await?;
        }
    }
    if anything {
        refresh.project().await?;
        Ok(UPDATED)
    } else {
        Ok(UNCHANGED)
    }
}

/// Refreshes views with AUTO REFRESH YES for ever, each about once a second.
pub(crate) async fn auto_refresh(warehouse: Arc<Warehouse>, databases: Vec<String>) {
    for name in &databases {
        if let Err(error) = warehouse.database(name).await {
            tracing::warn!(database = %name, error = %error.message, "auto refresh cannot open a database");
        }
    }
    let mut every = tokio::time::interval(Duration::from_secs(1));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut changes = HashMap::new();
    loop {
        every.tick().await;
        for database in warehouse.open_databases().await {
            let snapshot = match database.snapshot().await {
                Ok(snapshot) => snapshot,
                Err(error) => {
                    tracing::debug!(error = %error.message, "auto refresh cannot read the catalog");
                    continue;
                }
            };
            for entry in snapshot.auto_refreshed() {
                if stream_of(&entry.meta).is_none() {
                    let now = changes_below(&database, &snapshot, &entry).await;
                    if changes.insert((database.name.clone(), entry.oid), now) == Some(now) {
                        continue;
                    }
                }
                let refresher = Refresher {
                    user: entry.owner.clone(),
                    session_id: 0,
                    query_id: warehouse.next_query_id(),
                    automatic: true,
                };
                if let Err(error) = refresh(&database, &[Arc::clone(&entry)], &refresher).await {
                    tracing::warn!(view = %entry.relation.name, error = %error.message, "an automatic refresh failed");
                }
            }
        }
    }
}

/// Rows that were ever changed in the tables that a view reads: another number means that the view may be stale. `None` at first,
/// and when PostgreSQL does not say.
async fn changes_below(database: &Database, snapshot: &Snapshot, entry: &Entry) -> Option<i64> {
    let reads: Vec<(String, String)> = serde_json::from_value(entry.meta["reads"].clone()).unwrap_or_default();
    let oids: Vec<u32> = reads.iter().filter_map(|key| snapshot.relations.get(key)).map(|entry| entry.oid).collect();
    let row = database
        .reader
        .query_one(
            "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint FROM pg_catalog.pg_stat_all_tables WHERE relid = ANY ($1)",
            &[&oids],
        )
        .await;
    row.ok()?.get(0)
}
