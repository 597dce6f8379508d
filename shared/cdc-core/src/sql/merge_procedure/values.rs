//! The part of the merge procedure that makes typed columns of row images.
//!
//! Decimals and the elements of arrays take several stages, each a temporary table. A value
//! that its column cannot hold is NULL afterwards; the column's policy decides whether the
//! record goes to quarantine or the value is only counted.

use super::Writer;
use crate::catalog::{Column, Element, Mode, OnUnfitValue, RedshiftType};
use crate::sql::decode::{self, Staged};
use crate::sql::decoding_functions::{HEX_INTEGER, LOST};
use crate::sql::ident::{literal, quoted};
use crate::sql::{placeholder, protect, versions};

/// Text of an array's elements beyond this size is not put together: LISTAGG holds 65,535 bytes.
const LIST_MAX_BYTES: u32 = 65_000;

/// Bytes that are looked at as hexadecimal text at a time: with a mark for every U+0000 the
/// text is twice as long as its digits, and holds 65,535 bytes.
const PIECE_BYTES: u32 = 16_000;

/// The most bytes of a VARBYTE ("VARBYTE type").
const VARBYTE_MAX_BYTES: u32 = 16_777_216;

impl Writer<'_> {
    fn decimal_columns(&self) -> Vec<&Column> {
        versions::columns(self.table).into_iter().filter(|column| decode::needs_stages(column)).collect()
    }

    fn array_columns(&self) -> Vec<(&Column, Element)> {
        versions::columns(self.table)
            .into_iter()
            .filter_map(|column| Some((column, decode::element(column)?)))
            .collect()
    }

    /// Records that only U+0000 keeps from being parsed: a mark takes its place, and the values
    /// that hold the mark do not fit. The bytes are looked at as hexadecimal text: what is
    /// searched for cannot begin in the middle of a byte of UTF-8 JSON. An escaped backslash in
    /// front of `u0000` is no U+0000, so those are put aside meanwhile, as a byte that JSON text
    /// cannot hold. A piece never ends within an escape, so the next one begins outside of one.
    pub(super) fn repair(&self) -> String {
        let landed = self.stage("landed");
        let parsed = self.stage("parsed");
        let repaired = self.stage("repaired");
        let piece = self.stage("piece");
        let mark: String = decode::NUL_MARK.bytes().map(|byte| format!("{byte:02x}")).collect();
        format!(
            "\x20   -- repaired: what only U+0000 keeps from being parsed, with a mark in its place; values with the mark do not fit.\n\
             \x20   -- Piece by piece, since text holds 65,535 hexadecimal digits.\n\
             \x20   SELECT COUNT(*) INTO cdc_malformed_count FROM {landed} AS l WHERE l.shape = 'malformed';\n\
             \x20   IF cdc_malformed_count > 0 THEN\n\
             \x20       DROP TABLE IF EXISTS {repaired};\n\
             \x20       CREATE TEMP TABLE {repaired} AS\n\
             \x20       SELECT l.kafka_partition, l.kafka_offset, l.kafka_timestamp, l.arrival, l.kafka_value AS original,\n\
             \x20              CAST(SUBSTRING(l.kafka_value, 1, 0) AS VARBYTE({VARBYTE_MAX_BYTES})) AS kafka_value, 0::INTEGER AS done\n\
             \x20       FROM {landed} AS l WHERE l.shape = 'malformed';\n\
             \x20       WHILE cdc_malformed_count > 0 LOOP\n\
             \x20           DROP TABLE IF EXISTS {piece};\n\
             \x20           CREATE TEMP TABLE {piece} AS\n\
             \x20           SELECT h.kafka_partition, h.kafka_offset, h.bytes, h.digits,\n\
             \x20                  CASE WHEN h.remaining > h.bytes THEN REGEXP_REPLACE(h.digits, '5c(75([346][0-9a-f]){{0,3}})?$', '') ELSE h.digits END AS body\n\
             \x20           FROM (SELECT r.kafka_partition, r.kafka_offset, OCTET_LENGTH(r.original) - r.done AS remaining,\n\
             \x20                        LEAST(OCTET_LENGTH(r.original) - r.done, {PIECE_BYTES}) AS bytes,\n\
             \x20                        REPLACE(LOWER(TO_HEX(SUBSTRING(r.original, r.done + 1, {PIECE_BYTES}))), '5c5c', '01') AS digits\n\
             \x20                 FROM {repaired} AS r WHERE r.done < OCTET_LENGTH(r.original)) AS h;\n\
             \x20           UPDATE {repaired} SET done = {repaired}.done + n.bytes - (LEN(n.digits) - LEN(n.body)) / 2,\n\
             \x20                  kafka_value = {repaired}.kafka_value || FROM_HEX(REPLACE(REPLACE(n.body, '5c7530303030', '{mark}'), '01', '5c5c'))\n\
             \x20           FROM {piece} AS n\n\
             \x20           WHERE {repaired}.kafka_partition = n.kafka_partition AND {repaired}.kafka_offset = n.kafka_offset;\n\
             \x20           SELECT COUNT(*) INTO cdc_malformed_count FROM {repaired} AS r WHERE r.done < OCTET_LENGTH(r.original);\n\
             \x20       END LOOP;\n\
             \x20       DELETE FROM {repaired} WHERE NOT COALESCE(CAN_JSON_PARSE(kafka_value), false);\n\
             \x20       UPDATE {landed} SET shape = 'repaired' FROM {repaired} AS r\n\
             \x20       WHERE {landed}.kafka_partition = r.kafka_partition AND {landed}.kafka_offset = r.kafka_offset;\n\
             \x20       INSERT INTO {parsed} (kafka_partition, kafka_offset, kafka_timestamp, arrival, whole, document)\n\
             \x20       SELECT r.kafka_partition, r.kafka_offset, r.kafka_timestamp, r.arrival, {whole}, JSON_PARSE(r.kafka_value)\n\
             \x20       FROM {repaired} AS r;\n\
             \x20   END IF;\n",
            whole = decode::whole_bytes("r.kafka_value"),
        )
    }

    /// Typed columns, and what could not be decoded.
    pub(super) fn typed(&self) -> String {
        let mut text = String::new();
        let mut source = self.stage(if self.table.mode.counts() { "halves" } else { "events" });
        self.versioned(&mut text, &mut source);
        self.decimals(&mut text, &mut source);
        self.arrays(&mut text, &mut source);
        let typed = self.stage("typed");
        let values: Vec<String> = self
            .table
            .columns
            .iter()
            .map(|column| {
                format!("{} AS {}", self.typed_expression(column, "c._cdc_image"), quoted(&column.target_name))
            })
            .collect();
        text.push_str(&format!(
            "\x20   -- typed: one column per column of the target. _cdc_fault says why a record cannot be merged,\n\
             \x20   -- _cdc_lost names columns whose value is there but does not fit, _cdc_nulled counts such values of\n\
             \x20   -- columns that do not ask for quarantine, _cdc_truncated counts text that was cut.\n\
             \x20   DROP TABLE IF EXISTS {typed};\n\
             \x20   CREATE TEMP TABLE {typed} AS\n\
             \x20   SELECT t.*,\n\
             \x20          ({fault})::VARCHAR(256) AS _cdc_fault,\n\
             \x20          ({lost})::VARCHAR(65535) AS _cdc_lost,\n\
             \x20          ({nulled})::BIGINT AS _cdc_nulled,\n\
             \x20          {moved} AS _cdc_moved\n\
             \x20   FROM (SELECT c._cdc_kafka_partition, c._cdc_kafka_offset, c._cdc_arrival, c._cdc_op, c._cdc_image, c._cdc_source_ms,\n\
             \x20                c._cdc_domain, c._cdc_position,\n\
             \x20                {carried}({unavailable})::VARCHAR(65535) AS _cdc_unavailable,\n\
             \x20                ({truncated})::BIGINT AS _cdc_truncated,\n\
             \x20                {old_keys}{values}\n\
             \x20         FROM {source} AS c{with_key}) AS t;",
            fault = self.fault(),
            lost = self.lost(),
            nulled = self.nulled(),
            unavailable = self.unavailable(),
            truncated = self.truncated(),
            carried = self.carried(),
            with_key = protect::with_key(self.layout, self.table),
            moved = self.moved(),
            old_keys = self.old_keys(),
            values = values.join(",\n         "),
        ));
        text
    }

    /// What typed events keep of their stages besides what every table needs.
    fn carried(&self) -> String {
        let version = self.version_columns("c");
        let has_row = if self.table.mode == Mode::Append { "c._cdc_has_row, " } else { "" };
        let half = if self.table.mode.counts() { "c._cdc_change, c._cdc_log_file, c._cdc_log_place, " } else { "" };
        format!("{version}{has_row}{half}")
    }

    /// Whether an event's image has nothing but its key: other columns are fillers, not data. Of a
    /// row that a change takes away, what does not fit is lost to nobody either.
    pub(super) fn is_key_alone(&self, event: &str) -> String {
        if self.table.mode.counts() {
            return format!("{event}._cdc_change < 0");
        }
        if self.table.mode != Mode::Append {
            return format!("{event}._cdc_op = 'd'");
        }
        format!(
            "({event}._cdc_op = 't' OR ({event}._cdc_op = 'd' AND NOT ({event}._cdc_has_row AND COALESCE(IS_OBJECT({event}._cdc_image), false))))"
        )
    }

    /// What the key was before an update.
    fn old_keys(&self) -> String {
        let old = |column: &&Column| {
            let value = self.typed_expression(column, "c._cdc_before");
            format!("{value} AS {},\n         ", versions::old_key(column))
        };
        self.movable_keys().iter().map(old).collect()
    }

    /// The stages of decimals; `source` becomes the last one.
    fn decimals(&self, text: &mut String, source: &mut String) {
        let columns = self.decimal_columns();
        if columns.is_empty() {
            return;
        }
        let hex = self.stage("hexadecimal");
        let unscaled = self.stage("unscaled");
        let hex_list: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                format!("{} AS _cdc_h{index}", decode::hexadecimal(self.layout, "e._cdc_image", column))
            })
            .collect();
        let unscaled_list: Vec<String> = (0..columns.len())
            .map(|index| format!("{} AS _cdc_u{index}", decode::unscaled(self.layout, &format!("h._cdc_h{index}"))))
            .collect();
        text.push_str(&format!(
            "\x20   -- hexadecimal, unscaled: decimals arrive as base64 of a two's complement number without its point.\n\
             \x20   DROP TABLE IF EXISTS {hex};\n\
             \x20   CREATE TEMP TABLE {hex} AS\n\
             \x20   SELECT e.*,\n\
             \x20          {}\n\
             \x20   FROM {source} AS e;\n\
             \x20   DROP TABLE IF EXISTS {unscaled};\n\
             \x20   CREATE TEMP TABLE {unscaled} AS\n\
             \x20   SELECT h.*,\n\
             \x20          {}\n\
             \x20   FROM {hex} AS h;\n",
            hex_list.join(",\n         "),
            unscaled_list.join(",\n         "),
        ));
        *source = unscaled;
    }

    /// The stages of arrays whose elements are decoded one by one; `source` becomes the last one.
    fn arrays(&self, text: &mut String, source: &mut String) {
        let columns = self.array_columns();
        if columns.is_empty() {
            return;
        }
        let staged = Staged { unscaled: "d._cdc_unscaled".to_owned(), text: "d._cdc_hex".to_owned() };
        // What tells one row image from another.
        let mut image = vec!["_cdc_kafka_partition", "_cdc_kafka_offset"];
        if self.table.mode.counts() {
            image.push("_cdc_change");
        }
        let of = |alias: &str| image.iter().map(|name| format!("{alias}.{name}")).collect::<Vec<_>>().join(", ");
        let same = |left: &str, right: &str| {
            image.iter().map(|name| format!("{left}.{name} = {right}.{name}")).collect::<Vec<_>>().join(" AND ")
        };
        let mut joins = String::new();
        let mut lists = Vec::new();
        for (index, (column, element)) in columns.iter().enumerate() {
            let elements = self.stage(&format!("elements_{index}"));
            let digits = self.stage(&format!("digits_{index}"));
            let items = self.stage(&format!("items_{index}"));
            let list = self.stage(&format!("list_{index}"));
            let hex = decode::element_hexadecimal(self.layout, *element, "i");
            let unscaled = if hex.is_some() {
                format!("{}(d._cdc_hex)", self.layout.function(HEX_INTEGER))
            } else {
                "NULL::DECIMAL(38,0)".to_owned()
            };
            text.push_str(&format!(
                "\x20   -- elements, digits, items, list: the elements of {name}, decoded one by one and put together again.\n\
                 \x20   DROP TABLE IF EXISTS {elements};\n\
                 \x20   CREATE TEMP TABLE {elements} AS\n\
                 \x20   SELECT {of_e}, n AS _cdc_index, i AS _cdc_item, {hex} AS _cdc_hex\n\
                 \x20   FROM {source} AS e, {attribute} AS i AT n;\n\
                 \x20   DROP TABLE IF EXISTS {digits};\n\
                 \x20   CREATE TEMP TABLE {digits} AS\n\
                 \x20   SELECT d.*, {unscaled} AS _cdc_unscaled FROM {elements} AS d;\n\
                 \x20   DROP TABLE IF EXISTS {items};\n\
                 \x20   CREATE TEMP TABLE {items} AS\n\
                 \x20   SELECT {of_d}, d._cdc_index,\n\
                 \x20          ({json})::VARCHAR(65535) AS _cdc_json\n\
                 \x20   FROM {digits} AS d;\n\
                 \x20   DROP TABLE IF EXISTS {list};\n\
                 \x20   CREATE TEMP TABLE {list} AS\n\
                 \x20   SELECT {of_d}, '[' || LISTAGG(d._cdc_json, ',') WITHIN GROUP (ORDER BY d._cdc_index) || ']' AS _cdc_list\n\
                 \x20   FROM {items} AS d\n\
                 \x20   JOIN (SELECT {of_w} FROM {items} AS w GROUP BY {of_w}\n\
                 \x20         HAVING COUNT(w._cdc_json) = COUNT(*) AND SUM(OCTET_LENGTH(w._cdc_json) + 1) < {LIST_MAX_BYTES}) AS g\n\
                 \x20        ON {same_image}\n\
                 \x20   GROUP BY {of_d};\n",
                of_e = of("e"),
                of_d = of("d"),
                of_w = of("w"),
                same_image = same("g", "d"),
                name = column.target_name.replace(['\n', '\r'], " "),
                hex = hex.unwrap_or_else(|| "NULL::VARCHAR(64)".to_owned()),
                attribute = decode::attribute("e._cdc_image", column),
                json = decode::element_json(self.layout, *element, "d._cdc_item", &staged),
            ));
            lists.push(format!("JSON_PARSE(l{index}._cdc_list) AS _cdc_a{index}"));
            joins.push_str(&format!("\n\x20   LEFT JOIN {list} AS l{index} ON {}", same(&format!("l{index}"), "e")));
        }
        let arrays = self.stage("arrays");
        text.push_str(&format!(
            "\x20   DROP TABLE IF EXISTS {arrays};\n\
             \x20   CREATE TEMP TABLE {arrays} AS\n\
             \x20   SELECT e.*, {}\n\
             \x20   FROM {source} AS e{joins};\n",
            lists.join(", "),
        ));
        *source = arrays;
    }

    fn typed_expression(&self, column: &Column, image: &str) -> String {
        let staged = |column: &Column| {
            let same = |candidate: &Column| versions::same_stage(candidate, column);
            let decimal = self.decimal_columns().iter().position(|candidate| same(candidate));
            let array = self.array_columns().iter().position(|(candidate, _)| same(candidate));
            match (decimal, array) {
                (Some(index), _) => Staged { unscaled: format!("c._cdc_u{index}"), text: format!("c._cdc_h{index}") },
                (None, Some(index)) => Staged { unscaled: format!("c._cdc_a{index}"), text: String::new() },
                (None, None) => Staged::default(),
            }
        };
        versions::typed(self.layout, self.table, column, image, "c", &staged)
    }

    /// Why a whole record cannot be merged; NULL if it can.
    fn fault(&self) -> String {
        let truncation = if self.table.mode == Mode::Append {
            "NULL"
        } else {
            "CASE WHEN t._cdc_position IS NULL THEN 'a truncation has no place in the log of the source' END"
        };
        // A delete that tells no row is a row of its own where nothing is looked for by key.
        let with_image =
            if self.table.mode == Mode::Append && self.table.key.is_empty() { "t._cdc_op <> 'd' AND " } else { "" };
        let key_missing = self.keys().iter().map(|key| format!("t.{key} IS NULL")).collect::<Vec<_>>().join(" OR ");
        let key_missing = if key_missing.is_empty() {
            String::new()
        } else {
            format!("\n                 WHEN {key_missing} THEN 'a key column is missing or not readable as its type'")
        };
        format!(
            "CASE WHEN t._cdc_op IS NULL THEN 'the value is JSON but not a change event: it has no op'{dropped}\n\
             \x20                WHEN t._cdc_op = 't' THEN {truncation}\n\
             \x20                WHEN t._cdc_op NOT IN ('c', 'r', 'u', 'd') THEN 'the operation is not a row change: ' || LEFT(t._cdc_op, 8)\n\
             \x20                WHEN {with_image}NOT COALESCE(IS_OBJECT(t._cdc_image), false) THEN 'the row image is missing'{key_missing} END",
            dropped = self.may_be_of_a_dropped_table(),
        )
    }

    /// `f_lost(…)` for a column: its name and a comma if its value is present but NULL after
    /// decoding, and not the placeholder of an unchanged one.
    fn lost_name(&self, column: &Column) -> String {
        let lost = format!(
            "{lost}(t.{name} IS NULL, {type_of}, {label})",
            lost = self.layout.function(LOST),
            name = quoted(&column.target_name),
            type_of = versions::type_of(self.table, column, "t._cdc_image", "t"),
            label = literal(&column.target_name),
        );
        if placeholder::unavailable("t", column, &self.table.unavailable_value).is_none() {
            return lost;
        }
        let marked = literal(&format!(",{},", column.target_name));
        format!("CASE WHEN STRPOS(t._cdc_unavailable, {marked}) > 0 THEN '' ELSE {lost} END")
    }

    /// The names of columns whose value does not fit and that ask for quarantine, comma
    /// separated.
    fn lost(&self) -> String {
        let parts: Vec<String> = self
            .table
            .value_columns()
            .filter(|column| column.on_unfit_value != OnUnfitValue::Null)
            .map(|column| self.lost_name(column))
            .collect();
        if parts.is_empty() {
            return "''".to_owned();
        }
        format!("CASE WHEN {} THEN '' ELSE {} END", self.is_key_alone("t"), parts.join("\n      || "))
    }

    /// How many values do not fit into columns that take NULL then.
    fn nulled(&self) -> String {
        let parts: Vec<String> = self
            .table
            .value_columns()
            .filter(|column| column.on_unfit_value == OnUnfitValue::Null)
            .map(|column| format!("CASE WHEN {} = '' THEN 0 ELSE 1 END", self.lost_name(column)))
            .collect();
        if parts.is_empty() {
            return "0".to_owned();
        }
        format!("CASE WHEN {} THEN 0 ELSE {} END", self.is_key_alone("t"), parts.join("\n         + "))
    }

    /// How many values were cut.
    fn truncated(&self) -> String {
        let parts: Vec<String> = self
            .table
            .value_columns()
            .filter_map(|column| decode::truncated(self.layout, "c._cdc_image", column))
            .collect();
        if parts.is_empty() {
            return "0".to_owned();
        }
        format!("CASE WHEN {} THEN 0 ELSE {} END", self.is_key_alone("c"), parts.join("\n         + "))
    }

    /// The names of columns that carry the placeholder of an unchanged large value.
    fn unavailable(&self) -> String {
        let parts: Vec<String> = self
            .unavailable_columns("c._cdc_image")
            .iter()
            .map(|(column, condition)| {
                let label = literal(&format!(",{},", column.target_name));
                format!("CASE WHEN {condition} THEN {label} ELSE '' END")
            })
            .collect();
        if parts.is_empty() {
            return "''".to_owned();
        }
        parts.join("\n      || ")
    }

    /// Whether an update's row image before the change has another key.
    fn moved(&self) -> String {
        let parts: Vec<String> = self
            .movable_keys()
            .iter()
            .map(|column| {
                let before = format!("t.{}", versions::old_key(column));
                let after = format!("t.{}", quoted(&column.target_name));
                match column.target_type {
                    RedshiftType::Varchar { .. } => format!(
                        "COALESCE({before} <> {after} OR OCTET_LENGTH({before}) <> OCTET_LENGTH({after}), false)"
                    ),
                    _ => format!("COALESCE({before} <> {after}, false)"),
                }
            })
            .collect();
        if parts.is_empty() {
            return "false".to_owned();
        }
        format!("({})", parts.join(" OR "))
    }
}
