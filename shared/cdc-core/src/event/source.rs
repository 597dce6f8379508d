//! The `source` block: where in the source database a change comes from.

use super::json::Object;

/// The source of a change event, schema change or other record with a `source` block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// `mysql`, `mariadb`, `postgresql`.
    pub connector: Option<String>,
    /// The connector's logical name: the topic prefix.
    pub name: Option<String>,
    /// The database. MySQL and MariaDB: what tables are in.
    pub db: Option<String>,
    /// The schema within the database. None for MySQL and MariaDB.
    pub schema: Option<String>,
    /// The table. None for changes that concern none.
    pub table: Option<String>,
    /// Whether the record is a snapshot's read: any marker but absent, null and `false`,
    /// `incremental` included.
    pub snapshot: bool,
    /// When the change was made in the source, in milliseconds since the epoch. MariaDB's
    /// stream has whole seconds only; many changes may share one value.
    pub ts_ms: Option<i64>,
    /// The ordering token. None where the record has none that can be compared.
    pub position: Option<SourcePosition>,
    /// The place in the server's binary log. None for PostgreSQL.
    pub log: Option<LogPoint>,
}

/// A place in a MySQL or MariaDB server's binary log.
///
/// Snapshot reads have one too: the place at which the snapshot was taken. It tells which
/// definition of its table a record was written with; for the order of changes there is
/// [`SourcePosition`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPoint {
    /// The server's id; 0 in a snapshot's records, where Debezium does not tell it.
    pub server_id: i64,
    /// The file's numeric suffix padded to 12 digits, `:`, the position padded to 20 digits,
    /// `:0000000000`: the form of [`SourcePosition`]'s rule 5 for the row 0.
    pub position: String,
}

/// Where in the source's log a change is: comparable within one domain only.
///
/// The merge procedures compute the same two texts in SQL. The rules, in this order:
///
/// 1. Snapshot reads have no position: they read a state and are no entry of the log.
/// 2. With `lsn` (PostgreSQL): domain `lsn`, position the number padded to 20 digits.
/// 3. With a `gtid` that has a colon (MySQL `uuid:n`, with a tag `uuid:tag:n`): domain `gtid:`
///    and all before the last colon, cut to 128 bytes; position the number behind it padded
///    to 20 digits.
/// 4. With a `gtid` that has a hyphen (MariaDB `domain-server-sequence`): domain `gtid:` and
///    the first number; position the third number padded to 20 digits.
/// 5. With `file` and `server_id` (binary log without GTID): domain `binlog:` and the server
///    id; position the file's numeric suffix padded to 12 digits, `:`, `pos` padded to 20, `:`,
///    `row` padded to 10.
///
/// Texts compare like the numbers in them because they are padded. Equal positions do not mean
/// equal events: a key change is a delete and a create at one position.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourcePosition {
    /// What the position counts in.
    pub domain: String,
    /// The padded position.
    pub position: String,
}

/// The column of the domain in target tables is this long, in bytes.
const DOMAIN_MAX_BYTES: usize = 128;

impl Source {
    /// Reads a `source` block; whatever is missing or of another type is None.
    pub(crate) fn read(object: &Object<'_>) -> Self {
        let snapshot = match object.text("snapshot") {
            Some(marker) => marker != "false",
            None => object.boolean("snapshot").unwrap_or(false),
        };
        Self {
            connector: object.string("connector"),
            name: object.string("name"),
            db: object.string("db"),
            schema: object.string("schema"),
            table: object.string("table"),
            snapshot,
            ts_ms: object.integer("ts_ms"),
            position: if snapshot { None } else { SourcePosition::read(object) },
            log: LogPoint::read(object),
        }
    }

    /// A `source` block with this place in the log and this time, and nothing else.
    pub(crate) fn place(&self) -> serde_json::Map<String, serde_json::Value> {
        let mut block = self.position.as_ref().map(SourcePosition::block).unwrap_or_default();
        if let Some(ts_ms) = self.ts_ms {
            block.insert("ts_ms".to_owned(), ts_ms.into());
        }
        block
    }

    /// Whether this change lost against one that was already applied to the same key: both are
    /// in one domain, this one's position is strictly smaller, and its source time is not
    /// later. The time guards against a server that was reset and counts anew.
    #[must_use]
    pub fn is_staler_than(&self, applied: &Self) -> bool {
        let (Some(own), Some(other)) = (&self.position, &applied.position) else {
            return false;
        };
        let not_later = match (self.ts_ms, applied.ts_ms) {
            (Some(own), Some(other)) => own <= other,
            _ => false,
        };
        own.domain == other.domain && own.position < other.position && not_later
    }
}

impl LogPoint {
    fn read(object: &Object<'_>) -> Option<Self> {
        let position = binlog_position(&object.text("file")?, object.integer("pos")?, 0)?;
        Some(Self { server_id: object.integer("server_id").unwrap_or(0), position })
    }
}

fn binlog_position(file: &str, position: i64, row: i64) -> Option<String> {
    let suffix = file.rsplit('.').next().unwrap_or(file);
    Some(format!("{}:{}:{}", padded(suffix, 12)?, padded(&position.to_string(), 20)?, padded(&row.to_string(), 10)?))
}

impl SourcePosition {
    fn read(object: &Object<'_>) -> Option<Self> {
        if let Some(lsn) = object.integer("lsn") {
            return Some(Self { domain: "lsn".to_owned(), position: padded(&lsn.to_string(), 20)? });
        }
        if let Some(gtid) = object.text("gtid") {
            if let Some((before, number)) = gtid.rsplit_once(':') {
                let mut domain = format!("gtid:{before}");
                if domain.len() > DOMAIN_MAX_BYTES {
                    let end = (0..=DOMAIN_MAX_BYTES).rev().find(|end| domain.is_char_boundary(*end)).unwrap_or(0);
                    domain.truncate(end);
                }
                return Some(Self { domain, position: padded(number, 20)? });
            }
            let parts: Vec<&str> = gtid.split('-').collect();
            if let [domain, _, sequence, ..] = parts.as_slice() {
                return Some(Self { domain: format!("gtid:{domain}"), position: padded(sequence, 20)? });
            }
        }
        Some(Self {
            domain: format!("binlog:{}", object.integer("server_id")?),
            position: binlog_position(
                &object.text("file")?,
                object.integer("pos")?,
                object.integer("row").unwrap_or(0),
            )?,
        })
    }
}

impl SourcePosition {
    /// A `source` block that reads as this position.
    fn block(&self) -> serde_json::Map<String, serde_json::Value> {
        let number = |digits: &str| digits.parse::<i64>().map_or(serde_json::Value::Null, Into::into);
        let mut block = serde_json::Map::new();
        let mut insert = |name: &str, value| drop(block.insert(name.to_owned(), value));
        if self.domain == "lsn" {
            insert("lsn", number(&self.position));
        } else if let Some(domain) = self.domain.strip_prefix("gtid:") {
            let is_mariadb = domain.bytes().all(|byte| byte.is_ascii_digit());
            let sequence = &self.position;
            insert(
                "gtid",
                if is_mariadb { format!("{domain}-0-{sequence}") } else { format!("{domain}:{sequence}") }.into(),
            );
        } else if let Some(server) = self.domain.strip_prefix("binlog:") {
            let mut parts = self.position.split(':');
            let mut part = || parts.next().unwrap_or_default();
            insert("server_id", number(server));
            insert("file", part().into());
            insert("pos", number(part()));
            insert("row", number(part()));
        }
        block
    }
}

/// The digits with zeros in front. None for what is no number or does not fit: it could not be
/// compared.
fn padded(digits: &str, width: usize) -> Option<String> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && digits.len() <= width).then(|| format!("{digits:0>width$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was() {
        let blocks = [
            r#"{"lsn":42,"ts_ms":7}"#,
            r#"{"gtid":"3E11FA47-71CA-11E1-9E33-C80AA9429562:23","ts_ms":7}"#,
            r#"{"gtid":"3E11FA47-71CA-11E1-9E33-C80AA9429562:tag:23"}"#,
            r#"{"gtid":"0-223344-3616","ts_ms":7}"#,
            r#"{"server_id":5,"file":"mysql-bin.000003","pos":154,"row":2,"ts_ms":7}"#,
            r#"{"ts_ms":7}"#,
            r#"{}"#,
        ];
        for block in blocks {
            let read = |block: &str| Source::read(&Object::parse(block).unwrap());
            let source = read(block);
            let again = read(&serde_json::Value::Object(source.place()).to_string());
            assert_eq!((&again.position, again.ts_ms), (&source.position, source.ts_ms), "{block}");
        }
    }
}
