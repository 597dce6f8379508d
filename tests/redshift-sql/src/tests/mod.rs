//! Tests over tables of statements. Each case names the page of the Redshift Database Developer Guide that its rule comes from;
//! translations are kept as snapshots beside this file, refusals as texts in it.

mod bodies;
mod refusals;
mod robustness;
mod translations;

use crate::{
    Catalog, Column, LateBinding, NoVariables, Relation, RelationKind, RsType, Settings, SqlError, Translated,
    UserFunction, parse, rewrite,
};

/// A small database: table `t` (id, v SUPER, name, d, ts, b), `s` (id, name), `u` (id, name), stream `kafka.topic`, late-binding view `lb`.
pub(super) struct Small;

fn relation(schema: &str, name: &str, kind: RelationKind, columns: &[(&str, RsType)]) -> Relation {
    Relation {
        schema: schema.into(),
        name: name.into(),
        postgres_schema: schema.into(),
        postgres_name: name.into(),
        kind,
        columns: columns.iter().map(|(n, t)| Column::new(*n, t.clone())).collect(),
        definition: None,
        protection: None,
    }
}

impl Catalog for Small {
    fn database(&self) -> String {
        "dev".into()
    }

    fn relation(&self, schema: Option<&str>, name: &str) -> Option<Relation> {
        use RelationKind::{Stream, System, Table, View};
        use RsType::{BigInt, Decimal, Integer, Super, Timestamp, Varbyte, Varchar};
        let found = match name {
            "t" => relation(
                "public",
                "t",
                Table,
                &[
                    ("id", Integer),
                    ("v", Super),
                    ("name", Varchar(10)),
                    ("d", Decimal(18, 2)),
                    ("ts", Timestamp),
                    ("b", Varbyte(64)),
                ],
            ),
            "s" => relation("public", "s", Table, &[("id", Integer), ("name", Varchar(20))]),
            "u" => relation("public", "u", Table, &[("id", Integer), ("name", Varchar(20))]),
            "wide" => relation("public", "wide", Table, &[("big", Decimal(38, 0)), ("frac", Decimal(38, 20))]),
            "topic" => relation(
                "kafka",
                "topic",
                Stream,
                &[
                    ("kafka_partition", BigInt),
                    ("kafka_offset", BigInt),
                    ("kafka_value", Varbyte(16_777_216)),
                    ("refresh_time", Timestamp),
                ],
            ),
            "lb" => Relation {
                definition: Some(LateBinding {
                    sql: "select id, v.a.\"B\" as b from public.t".into(),
                    columns: Vec::new(),
                    settings: Settings::default(),
                }),
                ..relation("public", "lb", View, &[])
            },
            "svv_tables" => relation(
                "pg_catalog",
                "svv_tables",
                System,
                &[("table_schema", Varchar(128)), ("table_name", Varchar(128))],
            ),
            _ => return None,
        };
        (schema.is_none() || schema == Some(found.schema.as_str())).then_some(found)
    }

    fn functions(&self, _schema: Option<&str>, name: &str) -> Vec<UserFunction> {
        if name != "f_double" {
            return Vec::new();
        }
        vec![UserFunction {
            schema: "public".into(),
            name: "f_double".into(),
            arguments: vec![RsType::BigInt],
            returns: RsType::BigInt,
        }]
    }
}

pub(super) fn sensitive() -> Settings {
    Settings { case_sensitive_identifier: true, ..Settings::default() }
}

pub(super) fn translate(sql: &str, settings: &Settings) -> Result<Translated, SqlError> {
    rewrite(&parse(sql, settings)?, &Small, settings, &NoVariables)
}
