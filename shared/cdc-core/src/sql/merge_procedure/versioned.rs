//! Which version of its table each event is of, for tables whose definition changed.
//!
//! An event that may be of several versions by its place and time is of those that have its
//! attributes, and not of an earlier one than the records before it in its partition. What is left open after that is not guessed at: a value that the versions would read
//! differently does not fit, and an event that may be of a table that was dropped cannot be merged.

use std::collections::BTreeMap;

use super::Writer;
use super::shapes::weight;
use crate::sql::ident::literal;
use crate::sql::versions;

impl Writer<'_> {
    /// Columns of events that tell their version, of the relation `of`.
    pub(super) fn version_columns(&self, of: &str) -> String {
        match (self.table.former.is_empty(), self.table.has_places()) {
            (true, _) => String::new(),
            (false, false) => format!("{of}._cdc_version, "),
            (false, true) => format!("{of}._cdc_version, {of}._cdc_version_to, "),
        }
    }

    pub(super) fn version_variables(&self) -> &'static str {
        if self.table.has_places() { "\x20   cdc_open BIGINT := 0;\n" } else { "" }
    }

    /// `source` becomes the events of the present table, each with its version.
    pub(super) fn versioned(&self, text: &mut String, source: &mut String) {
        if self.table.former.is_empty() {
            return;
        }
        let versioned = self.stage("versioned");
        if self.table.shapes.is_some() {
            text.push_str(&format!(
                "\x20   -- versioned: which of the table's definitions each event is of.\n\
                 \x20   DROP TABLE IF EXISTS {versioned};\n\
                 \x20   CREATE TEMP TABLE {versioned} AS\n\
                 \x20   {};\n",
                self.shaped_versions(source),
            ));
        } else {
            text.push_str(&format!(
                "\x20   -- versioned: how many of the table's known schema changes are before an event. Where place and time leave\n\
                 \x20   -- it open, _cdc_version_to is the most.\n\
                 \x20   DROP TABLE IF EXISTS {versioned};\n\
                 \x20   CREATE TEMP TABLE {versioned} AS\n\
                 \x20   {versions};\n\
                 {by_evidence}{of_present_table}",
                versions = versions::versions(self.layout, self.table, source),
                by_evidence = self.by_evidence(),
                of_present_table = self.of_present_table(),
            ));
        }
        *source = versioned;
    }

    /// Narrows down the versions of events that may be of several: to those that have their
    /// attributes, and by the records around them in their partition, which are in the log's order as
    /// long as the connector does not begin anew.
    fn by_evidence(&self) -> String {
        let (versioned, attributes) = (self.stage("versioned"), self.stage("attributes"));
        let (sets, fitting, around) = (self.stage("sets"), self.stage("fitting"), self.stage("around"));
        let former = self.table.former.iter().map(|former| &former.attributes);
        let mut weights: BTreeMap<&str, i64> = BTreeMap::new();
        let mut rows: Vec<String> = Vec::new();
        for (version, known) in former.chain([&self.table.attributes]).enumerate() {
            for set in known.iter().filter(|set| !set.is_empty()) {
                let mut sum = 0;
                for name in set {
                    let weight = weight(name, "");
                    weights.insert(name, weight);
                    sum += weight;
                }
                rows.push(format!("({version}, {}, {sum})", set.len()));
            }
        }
        if rows.is_empty() {
            return String::new();
        }
        let weights: Vec<String> =
            weights.iter().map(|(name, weight)| format!("({}, {weight})", literal(name))).collect();
        format!(
            "\x20   SELECT COUNT(*) INTO cdc_open FROM {versioned} AS v WHERE v._cdc_version < v._cdc_version_to;\n\
             \x20   IF cdc_open > 0 THEN\n\
             \x20       -- attributes, sets, fitting: the versions among them that have an event's attributes.\n\
             \x20       DROP TABLE IF EXISTS {attributes};\n\
             \x20       CREATE TEMP TABLE {attributes} (attribute VARCHAR(512), weight BIGINT);\n\
             \x20       INSERT INTO {attributes} VALUES {weights};\n\
             \x20       DROP TABLE IF EXISTS {sets};\n\
             \x20       CREATE TEMP TABLE {sets} (version BIGINT, attributes BIGINT, weight BIGINT);\n\
             \x20       INSERT INTO {sets} VALUES {rows};\n\
             \x20       DROP TABLE IF EXISTS {fitting};\n\
             \x20       CREATE TEMP TABLE {fitting} AS\n\
             \x20       SELECT o.kafka_partition, o.kafka_offset, MIN(s.version) AS first_version, MAX(s.version) AS last_version\n\
             \x20       FROM (SELECT n.kafka_partition, n.kafka_offset, n.first_version, n.last_version, COUNT(*) AS attributes, SUM(a.weight) AS weight\n\
             \x20             FROM (SELECT DISTINCT v._cdc_kafka_partition AS kafka_partition, v._cdc_kafka_offset AS kafka_offset,\n\
             \x20                          v._cdc_version AS first_version, v._cdc_version_to AS last_version, attribute\n\
             \x20                   FROM (SELECT w.* FROM {versioned} AS w WHERE w._cdc_version < w._cdc_version_to) AS v, UNPIVOT v._cdc_image AS value AT attribute) AS n\n\
             \x20             JOIN {attributes} AS a ON a.attribute = n.attribute\n\
             \x20             GROUP BY n.kafka_partition, n.kafka_offset, n.first_version, n.last_version) AS o\n\
             \x20       JOIN {sets} AS s ON s.attributes = o.attributes AND s.weight = o.weight AND s.version BETWEEN o.first_version AND o.last_version\n\
             \x20       GROUP BY o.kafka_partition, o.kafka_offset;\n\
             \x20       UPDATE {versioned} SET _cdc_version = f.first_version, _cdc_version_to = f.last_version FROM {fitting} AS f\n\
             \x20       WHERE {versioned}._cdc_kafka_partition = f.kafka_partition AND {versioned}._cdc_kafka_offset = f.kafka_offset;\n\
             \x20       -- around: what the records of the same moment before and behind an event in its partition are of.\n\
             \x20       DROP TABLE IF EXISTS {around};\n\
             \x20       CREATE TEMP TABLE {around} AS\n\
             \x20       SELECT v._cdc_kafka_partition AS kafka_partition, v._cdc_kafka_offset AS kafka_offset,\n\
             \x20              MAX(CASE WHEN n._cdc_kafka_offset < v._cdc_kafka_offset THEN n._cdc_version END) AS at_least,\n\
             \x20              MIN(CASE WHEN n._cdc_kafka_offset > v._cdc_kafka_offset THEN n._cdc_version_to END) AS at_most\n\
             \x20       FROM {versioned} AS v JOIN {versioned} AS n ON n._cdc_kafka_partition = v._cdc_kafka_partition\n\
             \x20            AND n._cdc_kafka_ms BETWEEN v._cdc_kafka_ms - 2 AND v._cdc_kafka_ms + 2\n\
             \x20       WHERE v._cdc_version < v._cdc_version_to GROUP BY v._cdc_kafka_partition, v._cdc_kafka_offset;\n\
             \x20       UPDATE {versioned} SET _cdc_version = GREATEST({versioned}._cdc_version, a.at_least),\n\
             \x20              _cdc_version_to = LEAST({versioned}._cdc_version_to, a.at_most) FROM {around} AS a\n\
             \x20       WHERE {versioned}._cdc_kafka_partition = a.kafka_partition AND {versioned}._cdc_kafka_offset = a.kafka_offset\n\
             \x20             AND GREATEST({versioned}._cdc_version, a.at_least) <= LEAST({versioned}._cdc_version_to, a.at_most);\n\
             \x20   END IF;\n",
            weights = weights.join(", "),
            rows = rows.join(", "),
        )
    }

    /// Events of a table that was dropped since are none of the present one's.
    fn of_present_table(&self) -> String {
        match versions::first_kept(self.table) {
            0 => String::new(),
            kept => format!(
                "\x20   -- {kept} is the first version of the present table.\n\
                 \x20   DELETE FROM {} WHERE _cdc_version_to < {kept};\n",
                self.stage("versioned")
            ),
        }
    }

    /// A branch of a record's fault, for the typed event `t`.
    pub(super) fn may_be_of_a_dropped_table(&self) -> String {
        match versions::first_kept(self.table) {
            kept if kept > 0 && self.table.has_places() => format!(
                "\n                 WHEN t._cdc_version < {kept} THEN 'nobody can tell whether the event is of the table that was dropped or of the one created anew'"
            ),
            _ => String::new(),
        }
    }
}
