//! Queries by which provisioning learns what the warehouse has.
//!
//! Only views of Redshift's own documentation are read, and each by name and column.

use super::ident::literal;
use super::layout::{CATALOG, DEFINITIONS, GAPS, HOLDS, Layout, QUARANTINE, TRUNCATIONS, WATERMARKS};
use super::merge_procedure;
use crate::catalog::TableSpec;

/// Columns `table_schema, table_name, table_type` of the pipeline's schemas.
#[must_use]
pub fn relations(schemas: &[String]) -> String {
    format!(
        "SELECT t.table_schema, t.table_name, t.table_type FROM svv_tables AS t WHERE t.table_schema IN ({}) ORDER BY 1, 2",
        list(schemas)
    )
}

/// Columns `table_schema, table_name, column_name, data_type, character_maximum_length,
/// numeric_precision, numeric_scale` of the pipeline's schemas, in column order.
#[must_use]
pub fn columns(schemas: &[String]) -> String {
    format!(
        "SELECT c.table_schema, c.table_name, c.column_name, c.data_type, c.character_maximum_length, \
         c.numeric_precision, c.numeric_scale FROM svv_columns AS c WHERE c.table_schema IN ({}) ORDER BY c.table_schema, c.table_name, c.ordinal_position",
        list(schemas)
    )
}

/// Column `schemaname` of all external schemas.
pub const EXTERNAL_SCHEMAS: &str = "SELECT e.schemaname FROM svv_external_schemas AS e ORDER BY 1";

/// Column `usename` of all database users.
pub const USERS: &str = "SELECT u.usename FROM pg_user AS u ORDER BY 1";

/// Column `role_name` of all roles that the caller may see.
pub const ROLES: &str = "SELECT r.role_name FROM svv_roles AS r ORDER BY 1";

/// Columns `user_name, superuser, syslog_access` of the caller. Of other users than superusers, those with
/// SYSLOG ACCESS UNRESTRICTED see all rights ("SVV_RELATION_PRIVILEGES").
pub const CALLER: &str =
    "SELECT u.user_name, u.superuser, u.syslog_access FROM svv_user_info AS u WHERE u.user_name = CURRENT_USER";

/// One row if the caller has the role that sees all policies ("SVV_RLS_ATTACHED_POLICY",
/// "SVV_ATTACHED_MASKING_POLICY").
pub const SECURITY_ADMINISTRATOR: &str =
    "SELECT g.role_name FROM svv_user_grants AS g WHERE g.user_name = CURRENT_USER AND g.role_name = 'sys:secadmin'";

/// Columns `privilege_type, identity_name, identity_type, admin_option`: the rights of others on the table.
#[must_use]
pub fn rights(spec: &TableSpec) -> String {
    format!(
        "SELECT p.privilege_type, p.identity_name, p.identity_type, p.admin_option FROM svv_relation_privileges AS p \
         WHERE {} AND {OTHERS} ORDER BY 3, 2, 1",
        is_target("p.namespace_name", "p.relation_name", spec)
    )
}

/// Columns `column_name, privilege_type, identity_name, identity_type`: the rights of others on single columns.
#[must_use]
pub fn column_rights(spec: &TableSpec) -> String {
    format!(
        "SELECT p.column_name, p.privilege_type, p.identity_name, p.identity_type FROM svv_column_privileges AS p \
         WHERE {} AND {OTHERS} ORDER BY 1, 4, 3, 2",
        is_target("p.namespace_name", "p.relation_name", spec)
    )
}

const OTHERS: &str = "NOT (p.identity_type = 'user' AND p.identity_name = CURRENT_USER)";

/// Columns `view_schema, view_name, column_name`: views that depend on the table, by the columns that they
/// read ("DROP TABLE", the example that finds dependencies).
#[must_use]
pub fn dependent_views(spec: &TableSpec) -> String {
    format!(
        "SELECT DISTINCT n.nspname AS view_schema, v.relname AS view_name, a.attname AS column_name \
         FROM pg_class AS t JOIN pg_namespace AS s ON s.oid = t.relnamespace \
         JOIN pg_depend AS d ON d.refobjid = t.oid \
         JOIN pg_depend AS r ON r.objid = d.objid AND r.deptype = 'i' \
         JOIN pg_class AS v ON v.oid = r.refobjid AND v.relkind = 'v' AND v.oid <> t.oid \
         JOIN pg_namespace AS n ON n.oid = v.relnamespace \
         LEFT JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid AND a.attnum > 0 \
         WHERE {} ORDER BY 1, 2, 3",
        is_target("s.nspname", "t.relname", spec)
    )
}

/// Columns `kind, name` of the policies on the table, a query each: to others than those who see them they
/// show nothing, or fail.
#[must_use]
pub fn policies(spec: &TableSpec) -> [String; 3] {
    [
        format!(
            "SELECT DISTINCT 'row-level security policy' AS kind, p.polname AS name FROM svv_rls_attached_policy AS p WHERE {} ORDER BY 2",
            is_target("p.relschema", "p.relname", spec)
        ),
        format!(
            "SELECT 'row-level security' AS kind, 'on' AS name FROM svv_rls_relation AS p WHERE {} AND p.is_rls_on",
            is_target("p.relschema", "p.relname", spec)
        ),
        format!(
            "SELECT DISTINCT 'masking policy' AS kind, p.policy_name AS name FROM svv_attached_masking_policy AS p WHERE {} ORDER BY 2",
            is_target("p.schema_name", "p.table_name", spec)
        ),
    ]
}

fn is_target(schema: &str, name: &str, spec: &TableSpec) -> String {
    format!("{schema} = {} AND {name} = {}", literal(&spec.target_schema), literal(&spec.target_table))
}

/// Columns `object_kind, object_name, fingerprint, table_name, topic, entries`: the newest entry of each
/// object in the control schema's catalog, and how many it has. Fails if the catalog does not exist yet.
#[must_use]
pub fn catalog(layout: &Layout) -> String {
    format!("{} ORDER BY 1, 2", entries(layout))
}

/// Column `table_name`: the tables that have an object of this kind in the control schema's catalog.
/// Fails if the catalog does not exist yet.
#[must_use]
pub fn tables_with(layout: &Layout, object_kind: &str) -> String {
    format!(
        "SELECT DISTINCT p.table_name FROM ({}) AS p WHERE p.object_kind = {} AND p.table_name IS NOT NULL",
        entries(layout),
        literal(object_kind)
    )
}

/// The newest entry of each object that was not dropped since.
fn entries(layout: &Layout) -> String {
    format!(
        "SELECT c.object_kind, c.object_name, c.fingerprint, c.table_name, c.topic, c.entries \
         FROM (SELECT a.object_kind, a.object_name, a.fingerprint, a.table_name, a.topic, \
         COUNT(*) OVER (PARTITION BY a.object_kind, a.object_name) AS entries, \
         ROW_NUMBER() OVER (PARTITION BY a.object_kind, a.object_name ORDER BY a.applied_at DESC) AS rank_of_entry \
         FROM {} AS a) AS c WHERE c.rank_of_entry = 1 AND c.fingerprint <> ''",
        layout.control(CATALOG)
    )
}

fn list(values: &[String]) -> String {
    values.iter().map(|value| literal(value)).collect::<Vec<_>>().join(", ")
}

/// Columns `topic, kafka_partition, kafka_offset`: the newest record of each partition at which a
/// table had to wait for a schema change. Fails if the control schema does not exist yet.
#[must_use]
pub fn holds(layout: &Layout) -> String {
    format!(
        "SELECT h.topic, h.kafka_partition, MAX(h.kafka_offset) AS kafka_offset FROM {} AS h \
         GROUP BY h.topic, h.kafka_partition ORDER BY 1, 2",
        layout.control(HOLDS)
    )
}

/// Columns `table_name, learned_from`: what the definition of each target was learned from, piece by
/// piece. Fails if the control schema does not exist yet.
#[must_use]
pub fn definitions(layout: &Layout) -> String {
    format!(
        "SELECT d.table_name, d.learned_from FROM {} AS d ORDER BY d.table_name, d.piece",
        layout.control(DEFINITIONS)
    )
}

/// Columns `table_name, entries, first_at`: tables of which rows came a second time, or were deleted
/// without a name, since they were emptied last. Fails if the control schema does not exist yet.
#[must_use]
pub fn lost_rows(layout: &Layout) -> String {
    format!(
        "SELECT q.table_name, COUNT(*) AS entries, TO_CHAR(MIN(q.quarantined_at), 'YYYY-MM-DD HH24:MI:SS') AS first_at FROM {quarantine} AS q \
         LEFT JOIN (SELECT x.table_name, MAX(x.detected_at) AS emptied_at FROM {truncations} AS x GROUP BY x.table_name) AS t ON t.table_name = q.table_name \
         WHERE q.scope = {scope} AND (t.emptied_at IS NULL OR q.quarantined_at > t.emptied_at) GROUP BY q.table_name ORDER BY 1",
        quarantine = layout.control(QUARANTINE),
        truncations = layout.control(TRUNCATIONS),
        scope = literal(merge_procedure::LOST),
    )
}

/// Column `kafka_partition`: partitions of which the landing view does not have every record that
/// was merged. Every offset from 0 up to the watermark is in it, or was written down as one that
/// never landed.
#[must_use]
pub fn incomplete_logs(layout: &Layout, spec: &TableSpec) -> String {
    format!(
        "SELECT w.kafka_partition FROM {watermark} AS w \
         LEFT JOIN (SELECT l.kafka_partition, COUNT(DISTINCT l.kafka_offset) AS landed FROM {landing} AS l \
         JOIN {watermark} AS m ON m.kafka_partition = l.kafka_partition WHERE l.kafka_offset <= m.kafka_offset \
         GROUP BY l.kafka_partition) AS a ON a.kafka_partition = w.kafka_partition \
         LEFT JOIN (SELECT d.kafka_partition, SUM(d.last_missing - d.first_missing + 1) AS missing \
         FROM (SELECT DISTINCT g.kafka_partition, g.first_missing, g.last_missing FROM {gaps} AS g WHERE g.table_name = {table}) AS d \
         JOIN {watermark} AS m ON m.kafka_partition = d.kafka_partition WHERE d.last_missing <= m.kafka_offset \
         GROUP BY d.kafka_partition) AS b ON b.kafka_partition = w.kafka_partition \
         WHERE COALESCE(a.landed, 0) + COALESCE(b.missing, 0) <> w.kafka_offset + 1 ORDER BY 1",
        watermark = layout.watermark_table(spec),
        landing = layout.landing_view(spec),
        gaps = layout.control(GAPS),
        table = literal(spec.id().as_str()),
    )
}

/// Columns `table_name, kafka_partition, kafka_offset`: what is merged. Fails if the view does not
/// exist yet.
#[must_use]
pub fn watermarks(layout: &Layout) -> String {
    format!(
        "SELECT w.table_name, w.kafka_partition, w.kafka_offset FROM {} AS w ORDER BY 1, 2",
        layout.control(WATERMARKS)
    )
}
