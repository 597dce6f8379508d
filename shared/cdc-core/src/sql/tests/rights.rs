//! What is asked about a target that gives way to a new one, and what the new one gets.

use super::*;
use crate::sql::ident::quoted;
use crate::sql::rights::{self, Right};
use crate::sql::{observe, reshape};

#[test]
fn what_others_have_put_on_a_target() {
    let spec = order_detail().spec;
    let mut statements = vec![observe::CALLER.to_owned(), observe::SECURITY_ADMINISTRATOR.to_owned()];
    statements.extend([observe::rights, observe::column_rights, observe::dependent_views].map(|query| query(&spec)));
    statements.extend(observe::policies(&spec));
    check_golden("attached.sql", &statements.join(";\n"));
}

/// Another key: the former table's rows, its kept column, and everybody's rights, in one transaction.
#[test]
fn a_table_built_anew_with_the_rights_of_others() {
    let (layout, mut table) = (layout(), order_detail());
    table.key.truncate(1);
    let rebuilt = |column: &Column| reshape::rebuilt(&table, column, Some(quoted(&column.target_name)), None);
    let mut columns: Vec<reshape::Rebuilt> = table.columns.iter().map(rebuilt).collect();
    columns.push(reshape::kept(&quoted("gone"), "gone", "INTEGER"));
    let of_table = [
        Right::on_table("user", "IAMR:Ana", "SELECT", true),
        Right::on_table("role", "auditors", "SELECT", false),
        Right::on_table("group", "staff", "SELECT", false),
        Right::on_table("group", "staff", "DELETE", false),
    ];
    let of_column = [Right::on_column("public", "public", "SELECT").expect("a right")];
    let target = layout.target_table(&table.spec);
    let mut grants = grants::reader_grants(&layout, &table.spec, "analysts");
    grants.extend(rights::grant_on_table(&target, &of_table.map(|right| right.expect("a right"))));
    grants.extend(rights::grant_on_columns(&target, [("gone", &of_column[..])]));
    check_golden("rebuild.sql", &reshape::rebuild(&layout, &table, &columns, &grants).join(";\n\n"));
}
