//! Procedure bodies: "Structure of PL/pgSQL", "Supported PL/pgSQL statements", "Trapping errors".

use super::{Small, sensitive};
use crate::ast::Expr;
use crate::plpgsql::{DeclarationKind, HandlerKind, PlKind, RaiseLevel};
use crate::{RsType, Settings, Statement, Variables, parse, parse_body, rewrite, rewrite_expression};

struct Declared;

impl Variables for Declared {
    fn variable(&self, path: &[&str]) -> Option<RsType> {
        match path {
            ["v_count"] => Some(RsType::BigInt),
            ["v_name"] => Some(RsType::Varchar(5)),
            ["rec", "id"] => Some(RsType::Integer),
            ["name"] => Some(RsType::Varchar(9)),
            _ => None,
        }
    }

    fn named_parameter(&self, name: &str) -> Option<String> {
        (name == "p").then(|| "it's".to_owned())
    }
}

#[test]
fn a_body_keeps_its_lines_and_statements() {
    let body = "DECLARE\n  v_count BIGINT := 0;\n  rec RECORD;\n  cur CURSOR FOR SELECT id FROM t;\nBEGIN\n  LOCK TABLE t;\n  SELECT count(*) INTO v_count FROM t;\n  FOR rec IN SELECT id FROM t LOOP\n    v_count := v_count + rec.id;\n    EXIT WHEN v_count > 10;\n  END LOOP;\n  FOR i IN 1..3 LOOP NULL; END LOOP;\n  EXECUTE 'DELETE FROM t WHERE id = ' || v_count;\n  GET DIAGNOSTICS v_count := ROW_COUNT;\n  IF NOT FOUND THEN RAISE EXCEPTION 'nothing in %', v_count; ELSIF v_count = 1 THEN RETURN; END IF;\nEXCEPTION WHEN OTHERS THEN\n  RAISE INFO 'failed';\nEND;";
    let block = parse_body(body, false, &Settings::default()).expect("a plain body");
    let lines: Vec<usize> = block.statements.iter().map(|s| s.line).collect();
    assert_eq!(lines, [6, 7, 8, 12, 13, 14, 15]);
    assert!(matches!(block.declarations[1].kind, DeclarationKind::Record));
    let PlKind::Sql { into, statement, .. } = &block.statements[1].kind else {
        panic!("SELECT INTO is a SQL statement");
    };
    assert_eq!(into, &[vec!["v_count".to_owned()]]);
    assert!(matches!(statement.as_ref(), Statement::Query(_)));
    assert!(matches!(&block.statements[2].kind, PlKind::ForQuery { body, .. } if body.len() == 2));
    assert!(matches!(&block.statements[3].kind, PlKind::ForInteger { reverse: false, .. }));
    assert!(matches!(&block.statements[4].kind, PlKind::Execute { into, .. } if into.is_empty()));
    let handler = block.handler.expect("an EXCEPTION section");
    assert_eq!(handler.kind, HandlerKind::Plain);
    assert!(matches!(handler.statements[0].kind, PlKind::Raise { level: RaiseLevel::Info, .. }));
}

#[test]
fn what_redshift_has_not_is_refused() {
    for (body, text) in [
        ("BEGIN PERFORM f(); END", "PERFORM"),
        ("BEGIN SELECT 1; END", "query has no destination for result data"),
        ("BEGIN EXECUTE 'x' USING 1; END", "USING"),
        ("BEGIN RETURN 1; END", "takes no value"),
        ("BEGIN VACUUM t; END", "VACUUM"),
        ("BEGIN RAISE; END", "NONATOMIC"),
        ("BEGIN NULL; EXCEPTION WHEN division_by_zero THEN NULL; END", "OTHERS"),
        ("BEGIN RAISE INFO '% %', 1; END", "too few parameters"),
        ("BEGIN ALTER TABLE t APPEND FROM s; END", "APPEND"),
        ("BEGIN x := ; END", "syntax error at or near \";\""),
        ("BEGIN NULL END", "syntax error at or near \"END\""),
    ] {
        let error = parse_body(body, false, &Settings::default()).expect_err(body);
        assert!(error.message.contains(text), "{body}: {}", error.message);
    }
    let broken = "CREATE PROCEDURE p() NONATOMIC AS $$ BEGIN NULL; END; $$ LANGUAGE plpgsql SECURITY DEFINER";
    assert!(parse(broken, &Settings::default()).is_err());
}

#[test]
fn variables_become_parameters_once_each() {
    let settings = sensitive();
    let statement =
        parse("SELECT id + v_count, v_count, rec.id FROM t WHERE t.name = v_name GROUP BY id + v_count", &settings)
            .expect("a query");
    let translated = rewrite(&statement, &Small, &settings, &Declared).expect("translates");
    let paths: Vec<String> = translated.parameters.iter().map(|p| p.path.join(".")).collect();
    assert_eq!(paths, ["v_count", "rec.id", "v_name"]);
    assert!(
        translated.sql.contains("($1::bigint)") && translated.sql.contains("GROUP BY ((\"t\".\"id\" + ($1::bigint)))")
    );
    let both = parse("SELECT name FROM t", &settings).expect("a query");
    let error = rewrite(&both, &Small, &settings, &Declared).expect_err("a column and a variable");
    assert_eq!(error.message, "column reference \"name\" is ambiguous");
}

#[test]
fn expressions_convert_as_assignments_do() {
    let settings = Settings::default();
    let block = parse_body("BEGIN v_name := 'a' || v_count; x := :p; END", false, &settings).expect("a body");
    let expr = |n: usize| -> &Expr {
        match &block.statements[n].kind {
            PlKind::Assign { value, .. } => &value.expr,
            other => panic!("{other:?} is no assignment"),
        }
    };
    let translated =
        rewrite_expression(expr(0), Some(&RsType::Varchar(5)), &Small, &settings, &Declared).expect("translates");
    assert_eq!(translated.sql, "SELECT rs.varchar_assign(('a' || (($1::bigint))::text), 5) AS \"column1\"");
    let named = rewrite_expression(expr(1), None, &Small, &settings, &Declared).expect("translates");
    assert_eq!(named.sql, "SELECT ('it''s'::character varying) AS \"column1\"");
}
