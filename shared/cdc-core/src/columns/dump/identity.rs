//! PostgreSQL's `REPLICA IDENTITY USING INDEX`: the columns that every event tells of a row.
//!
//! With it an update or a deletion names the former row by the columns of that index and by no
//! others ("Replica identity", Debezium connector for PostgreSQL), which are unique and never null
//! (PostgreSQL, `ALTER TABLE`). So they are the key, also where there is a primary key: what the
//! events have for that are fillers.

use super::{Cursor, Found, Reader};

impl Reader<'_> {
    /// `CREATE UNIQUE INDEX n ON public.t USING btree (…)`, from behind `CREATE`.
    pub(super) fn unique_index(&mut self, cursor: &mut Cursor<'_>) {
        if cursor.take_word(&["INDEX"]).is_none() {
            return;
        }
        while cursor.take_word(&["CONCURRENTLY", "IF", "NOT", "EXISTS"]).is_some() {}
        if let Some(index) = self.identifier(cursor) {
            let columns = self.key_columns(cursor);
            self.unique_indexes.push((index, columns));
        }
    }

    /// `REPLICA IDENTITY USING INDEX n`, from behind the table's name.
    pub(super) fn replica_identity(&mut self, cursor: &mut Cursor<'_>, table: &super::TableName) {
        let words = ["REPLICA", "IDENTITY", "USING", "INDEX"];
        if !words.iter().all(|word| cursor.take_word(&[word]).is_some()) {
            return;
        }
        let Some(index) = self.identifier(cursor) else { return };
        let of_table = |found: &&mut Found| {
            let has = |column: &String| found.columns.iter().any(|(name, _, _)| name == column);
            found.name == *table
                && self.unique_indexes.iter().any(|(name, columns)| *name == index && columns.iter().all(has))
        };
        let columns = self.unique_indexes.iter().rfind(|(name, _)| *name == index).map(|(_, columns)| columns.clone());
        if let (Some(found), Some(columns)) = (self.found.iter_mut().find(of_table), columns) {
            found.identity = Some(columns);
        }
    }
}
