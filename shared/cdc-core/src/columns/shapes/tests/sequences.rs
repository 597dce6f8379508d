//! Any sequence of changes of a table: in which order its schemas are learned does not matter, and
//! a record is read by its own schema.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::catalog::{FormerVersion, Shape};

/// A column as (name, form).
type Columns = Vec<(usize, usize)>;

const FORMS: usize = 5;

fn field((name, form): (usize, usize)) -> String {
    let name = format!("c{name}");
    match form {
        0 => text(&name),
        1 => int(&name),
        2 => int(&name).replace("int32", "int64"),
        3 => decimal(&name, 2, 10),
        _ => decimal(&name, 4, 12),
    }
}

/// What an `ALTER TABLE` of PostgreSQL makes of the columns: `what` chooses, `at` and `of` say where
/// and with which form.
fn altered(mut columns: Columns, fresh: &mut usize, what: usize, at: usize, of: usize) -> Columns {
    let place = at % columns.len().max(1);
    *fresh += 1;
    match what % 5 {
        0 => columns.push((*fresh, of % FORMS)),
        1 if columns.len() > 1 => drop(columns.remove(place)),
        2 if !columns.is_empty() => columns[place].0 = *fresh,
        3 if !columns.is_empty() => columns[place].1 = of % FORMS,
        4 if columns.len() > 1 => {
            let other = (place + 1) % columns.len();
            let name = columns[place].0;
            columns[place].0 = columns[other].0;
            columns[other].0 = name;
        }
        _ => {}
    }
    columns
}

fn schemas(changes: &[(usize, usize, usize)]) -> Vec<Columns> {
    let mut fresh = 2;
    let mut columns: Columns = vec![(0, 0), (1, 1), (2, 3)];
    let mut all = vec![columns.clone()];
    for (what, at, of) in changes {
        columns = altered(columns, &mut fresh, *what, *at, *of);
        all.push(columns.clone());
    }
    all
}

fn events(schemas: &[Columns]) -> Vec<Record> {
    let event = |(offset, columns): (i64, &Columns)| {
        super::event(offset, &["id"], &columns.iter().map(|column| field(*column)).collect::<Vec<_>>())
    };
    (1..).zip(schemas).map(event).collect()
}

fn forms_of(columns: &Columns) -> BTreeMap<String, String> {
    let record = events(std::slice::from_ref(columns)).remove(0);
    let shapes = defined(&[record]).shapes.expect("schemas");
    shapes.known.first().expect("one schema").forms.clone()
}

/// How the present columns are read from events with these columns.
fn reading(table: &TableDefinition, columns: &Columns) -> Vec<FormerColumn> {
    let shapes = table.shapes.as_ref().expect("schemas");
    let forms = forms_of(columns);
    let known: Vec<&Shape> = shapes.known.iter().filter(|shape| shape.forms == forms).collect();
    let [shape] = known.as_slice() else { panic!("one schema of this form: {known:?}") };
    let same = vec![FormerColumn::Same; table.columns.len()];
    table.former.get(shape.version).map_or(same, |version: &FormerVersion| version.columns.clone())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_learning_does_not_matter(
        changes in prop::collection::vec((0usize..5, 0usize..6, 0usize..FORMS), 1..7),
        seed in any::<u64>(),
    ) {
        let in_order = events(&schemas(&changes));
        let mut shuffled = in_order.clone();
        let mut state = seed;
        for index in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(index, usize::try_from(state >> 33).expect("31 bits") % (index + 1));
        }
        let at_once = defined(&in_order);
        prop_assert_eq!(&at_once, &defined(&shuffled));
        // Some of them again, as every run of the provisioner reads them.
        let again: Vec<Record> = in_order.iter().chain(&shuffled).cloned().collect();
        prop_assert_eq!(&at_once, &defined(&again));
    }

    #[test]
    fn a_record_is_read_by_its_own_schema(
        changes in prop::collection::vec((0usize..5, 0usize..6, 0usize..FORMS), 1..7),
        from in 0usize..7,
    ) {
        let schemas = schemas(&changes);
        let table = defined(&events(&schemas));
        for columns in &schemas {
            let forms = forms_of(columns);
            for (column, former) in table.columns.iter().zip(reading(&table, columns)) {
                match former {
                    FormerColumn::Same => prop_assert!(forms.contains_key(&column.source_name), "{}", column.source_name),
                    former => {
                        let name = former.was().map(|was| &was.source_name);
                        prop_assert!(name.is_none_or(|name| forms.contains_key(name)), "{name:?}");
                    }
                }
            }
        }
        // What came before its schema does not change how a record is read, unless that schema
        // came back.
        let from = from % schemas.len();
        let later = defined(&events(&schemas[from..]));
        for columns in &schemas[from..] {
            if !schemas[..from].iter().any(|other| forms_of(other) == forms_of(columns)) {
                prop_assert_eq!(reading(&table, columns), reading(&later, columns));
            }
        }
    }
}
