//! The page of constructs says what the code does.

use crate::harness::{Database, run};

const PAGE: &str = include_str!("../../CONSTRUCTS.md");

/// The names between backquotes behind a heading's "Executed:".
fn listed() -> Vec<&'static str> {
    let start = PAGE.find("Executed:\n").expect("the page lists the functions");
    let end = PAGE[start..].find("Refused by name").expect("the list ends") + start;
    PAGE[start..end].split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_page_lists_the_functions_that_are_executed() {
    assert_eq!(listed(), redshift_sql::functions());
}

/// With some number of arguments, each function is found.
#[test]
fn every_listed_function_exists() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        let mut missing = Vec::new();
        for name in listed() {
            let mut calls = vec![format!("SELECT {name}"), format!("SELECT {name}(*)")];
            for value in ["NULL", "'1'", "ARRAY()", "'1'::VARBYTE"] {
                for count in 0..4 {
                    let arguments = vec![value; count].join(", ");
                    calls.push(format!("SELECT {name}({arguments})"));
                    calls.push(format!("SELECT {name}({arguments}) OVER ()"));
                }
            }
            calls.push(format!("SELECT {name}(day, '2020-01-01', '2020-01-02')"));
            calls.push(format!("SELECT {name}(day, '2020-01-01')"));
            calls.push(format!("SELECT {name}(day FROM DATE '2020-01-01')"));
            calls.push(format!("SELECT {name}(1)"));
            calls.push(format!("SELECT {name}('1') WITHIN GROUP (ORDER BY 1)"));
            let mut found = false;
            for call in calls {
                found |= match admin.send(&call).await {
                    Ok(_) => true,
                    Err(error) => {
                        let text = error.text();
                        !["does not exist", "syntax error", "is not an aggregate", "only COUNT takes"]
                            .iter()
                            .any(|t| text.contains(t))
                    }
                };
                if found {
                    break;
                }
            }
            if !found {
                missing.push(name);
            }
        }
        assert!(missing.is_empty(), "listed, but not found with any arguments: {missing:?}");
    });
}
