//! A model of the warehouse's catalogs for tests: which objects the statements of a plan make,
//! drop and record. It reads a statement's first words and knows nothing else of SQL.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use redshift_data::fake::{FakeWarehouse, Reply};
use redshift_data::{Cell, ResultSet};

/// The objects. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Objects(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    relations: BTreeSet<(String, String)>,
    external_schemas: BTreeSet<String>,
    users: BTreeSet<String>,
    roles: BTreeSet<String>,
    /// (kind, name) -> (fingerprint, table, topic), of the newest entry.
    catalog: BTreeMap<(String, String), String>,
    changes: Vec<String>,
}

impl Objects {
    /// A warehouse with these objects.
    pub(super) fn warehouse(&self) -> FakeWarehouse {
        let objects = self.clone();
        FakeWarehouse::answering(move |sql| objects.run(sql))
    }

    /// Statements that would have changed something, in order, without catalog entries.
    pub(super) fn changes(&self) -> Vec<String> {
        self.0.lock().unwrap().changes.clone()
    }

    pub(super) fn has_relation(&self, schema: &str, name: &str) -> bool {
        self.0.lock().unwrap().relations.contains(&(schema.to_owned(), name.to_owned()))
    }

    /// Newest recorded objects of a kind.
    pub(super) fn recorded(&self, kind: &str) -> Vec<String> {
        let state = self.0.lock().unwrap();
        state.catalog.keys().filter(|(of, _)| of == kind).map(|(_, name)| name.clone()).collect()
    }

    fn run(&self, sql: &str) -> Reply {
        let mut state = self.0.lock().unwrap();
        if sql.starts_with("SELECT") {
            return state.read(sql);
        }
        if sql.starts_with("SET ") {
            return Reply::Affected(0);
        }
        if sql.starts_with("INSERT INTO \"cdc\".\"catalog\"") {
            return state.record(sql);
        }
        match state.change(sql) {
            Ok(()) => {
                state.changes.push(sql.to_owned());
                Reply::Affected(0)
            }
            Err(error) => Reply::Fails(format!("ERROR: {error}")),
        }
    }
}

impl State {
    fn read(&self, sql: &str) -> Reply {
        let texts = |column: &str, values: &BTreeSet<String>| {
            Reply::Rows(ResultSet::of(
                &[column],
                values.iter().map(|value| vec![Some(Cell::Text(value.clone()))]).collect(),
            ))
        };
        if sql.contains("FROM svv_tables") {
            let rows = self
                .relations
                .iter()
                .map(|(schema, name)| {
                    vec![schema, name].into_iter().map(|text| Some(Cell::Text(text.clone()))).collect()
                })
                .collect();
            Reply::Rows(ResultSet::of(&["table_schema", "table_name"], rows))
        } else if sql.contains("FROM svv_columns") {
            let columns = ["table_schema", "table_name", "column_name", "data_type", "character_maximum_length"];
            Reply::Rows(ResultSet::of(&columns, Vec::new()))
        } else if sql.contains("svv_external_schemas") {
            texts("schemaname", &self.external_schemas)
        } else if sql.contains("pg_user") {
            texts("usename", &self.users)
        } else if sql.contains("svv_roles") {
            texts("role_name", &self.roles)
        } else if sql.contains("\"cdc\".\"holds\"") {
            Reply::Rows(ResultSet::of(&["topic", "kafka_partition", "kafka_offset"], Vec::new()))
        } else if sql.contains("FROM \"cdc\".\"quarantine\" AS q") {
            Reply::Rows(ResultSet::of(&["table_name", "entries", "first_at"], Vec::new()))
        } else if sql.contains("\"cdc\".\"definitions\"") {
            Reply::Rows(ResultSet::of(&["table_name", "learned_from"], Vec::new()))
        } else if sql.contains("\"cdc\".\"watermarks\"") {
            Reply::Rows(ResultSet::of(&["table_name", "kafka_partition", "kafka_offset"], Vec::new()))
        } else if sql.contains("\"cdc\".\"catalog\"") {
            if !self.relations.contains(&("cdc".to_owned(), "catalog".to_owned())) {
                return Reply::Fails("ERROR: relation \"cdc.catalog\" does not exist".to_owned());
            }
            let rows = self
                .catalog
                .iter()
                .map(|((kind, name), fingerprint)| {
                    let texts = [kind, name, fingerprint].into_iter().map(|text| Some(Cell::Text(text.clone())));
                    texts.chain([Some(Cell::Integer(1))]).collect()
                })
                .collect();
            Reply::Rows(ResultSet::of(&["object_kind", "object_name", "fingerprint", "entries"], rows))
        } else {
            Reply::Fails(format!("ERROR: the model does not know {sql}"))
        }
    }

    fn record(&mut self, sql: &str) -> Reply {
        if !self.relations.contains(&("cdc".to_owned(), "catalog".to_owned())) {
            return Reply::Fails("ERROR: relation \"cdc.catalog\" does not exist".to_owned());
        }
        for row in sql.split("(SYSDATE, ").skip(1) {
            let values: Vec<&str> = row.split(", ").take(4).map(|value| value.trim_matches('\'')).collect();
            let key = (values[0].to_owned(), values[1].to_owned());
            if values[3].is_empty() {
                self.catalog.remove(&key);
            } else {
                self.catalog.insert(key, values[3].to_owned());
            }
        }
        Reply::Affected(1)
    }

    fn change(&mut self, sql: &str) -> Result<(), String> {
        let names: Vec<&str> = sql.split('"').skip(1).step_by(2).collect();
        let first = names.first().map(|name| (*name).to_owned()).unwrap_or_default();
        let relation = (first.clone(), names.get(1).map(|name| (*name).to_owned()).unwrap_or_default());
        let starts = |words: &str| sql.starts_with(words);
        let added = |new: bool| if new { Ok(()) } else { Err(format!("\"{first}\" already exists")) };
        if starts("CREATE TABLE IF NOT EXISTS") || starts("CREATE OR REPLACE VIEW") {
            self.relations.insert(relation);
        } else if starts("CREATE MATERIALIZED VIEW") {
            return added(self.relations.insert(relation));
        } else if starts("CREATE EXTERNAL SCHEMA") {
            return added(self.external_schemas.insert(first.clone()));
        } else if starts("CREATE USER") {
            return added(self.users.insert(first.clone()));
        } else if starts("CREATE ROLE") {
            return added(self.roles.insert(first.clone()));
        } else if starts("DROP SCHEMA") && sql.ends_with("CASCADE") {
            self.relations.retain(|(schema, _)| *schema != first);
            self.catalog.clear();
        } else if starts("DROP SCHEMA") {
            self.external_schemas.remove(&first);
        } else if starts("DROP") {
            self.relations.remove(&relation);
        }
        Ok(())
    }
}
