//! Users, privileges and whose rights a procedure has.

use redshift_data_api::Authentication;

use crate::harness::{Case, Database, Step, check, run};

/// Management guide, "Mapping IAM identities to database users": a user comes into being at its
/// first login, and may nothing.
#[test]
fn iam_identities_become_users_at_their_first_login() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        let role = database.unique("handler");
        admin.ok("CREATE SCHEMA s").await;
        admin.ok("CREATE TABLE s.t (a INT)").await;
        let mut user = database.role(&role).await;
        assert_eq!(user.rows("SELECT current_user").await, [format!("IAMR:{role}")]);
        assert!(user.err("SELECT * FROM s.t").await.contains("permission denied"));
        assert!(user.err("CREATE SCHEMA mine").await.contains("permission denied"));
        let known = admin.rows("SELECT usename FROM pg_user").await;
        assert!(known.contains(&format!("IAMR:{role}")), "{known:?}");
        let nobody = database.login("nobody_at_all", Authentication::DbUser).await.err().unwrap();
        assert!(nobody.text().contains("does not exist"), "{}", nobody.text());
    });
}

/// DG: GRANT; DG: Role-based access control.
#[test]
fn grants_reach_users_through_roles_and_groups() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        let (role, reader, group) = (database.unique("r"), database.unique("reader"), database.unique("g"));
        admin.ok("CREATE SCHEMA s").await;
        admin.ok("CREATE TABLE s.t (a INT)").await;
        admin.ok("CREATE TABLE s.u (a INT)").await;
        admin.ok(&format!("CREATE ROLE {role}")).await;
        admin.ok(&format!("CREATE USER {reader} PASSWORD DISABLE")).await;
        admin.ok(&format!("CREATE GROUP {group} WITH USER {reader}")).await;
        admin.ok(&format!("GRANT USAGE ON SCHEMA s TO ROLE {role}")).await;
        admin.ok(&format!("GRANT SELECT ON s.t TO ROLE {role}")).await;
        admin.ok(&format!("GRANT SELECT ON TABLE s.u TO GROUP {group}")).await;
        let mut user = database.login(&reader, Authentication::DbUser).await.unwrap();
        assert!(user.err("SELECT * FROM s.t").await.contains("permission denied for schema s"));
        admin.ok(&format!("GRANT ROLE {role} TO {reader}")).await;
        user.ok("SELECT * FROM s.t").await;
        user.ok("SELECT * FROM s.u").await;
        assert!(user.err("INSERT INTO s.t VALUES (1)").await.contains("permission denied"));
        assert!(user.err("GRANT SELECT ON s.t TO PUBLIC").await.contains("permission denied"));
        assert_eq!(
            admin.rows(&format!("SELECT role_name FROM svv_roles WHERE role_name = '{role}'")).await,
            std::slice::from_ref(&role)
        );
        admin.ok(&format!("REVOKE ROLE {role} FROM {reader}")).await;
        assert!(user.err("SELECT * FROM s.t").await.contains("permission denied"));
        assert!(user.err("CREATE USER x PASSWORD DISABLE").await.contains("must be superuser"));
    });
}

/// DG: "Security and privileges for stored procedures".
#[test]
fn procedures_run_with_the_rights_that_they_declare() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        let caller = database.unique("caller");
        let mut user = database.role(&caller).await;
        let grantee = format!("\"IAMR:{caller}\"");
        admin.ok("SET enable_case_sensitive_identifier TO true").await;
        admin.ok("CREATE SCHEMA s").await;
        admin.ok("CREATE TABLE s.t (a VARCHAR(100))").await;
        for (name, security) in [("sp_definer", "SECURITY DEFINER"), ("sp_invoker", "SECURITY INVOKER")] {
            admin
                .ok(&format!(
                    "CREATE PROCEDURE s.{name}() AS $$ BEGIN INSERT INTO s.t SELECT current_user; END; $$ LANGUAGE plpgsql {security}"
                ))
                .await;
        }
        assert!(user.err("CALL s.sp_definer()").await.contains("permission denied for schema s"));
        admin.ok(&format!("GRANT USAGE ON SCHEMA s TO {grantee}")).await;
        assert!(user.err("CALL s.sp_definer()").await.contains("permission denied for procedure sp_definer"));
        admin.ok(&format!("GRANT EXECUTE ON PROCEDURE s.sp_definer() TO {grantee}")).await;
        admin.ok(&format!("GRANT EXECUTE ON PROCEDURE s.sp_invoker() TO {grantee}")).await;
        user.ok("CALL s.sp_definer()").await;
        assert!(user.err("CALL s.sp_invoker()").await.contains("permission denied for table t"));
        // The caller is itself again, after success and after failure.
        assert_eq!(user.rows("SELECT current_user").await, [format!("IAMR:{caller}")]);
        assert!(user.err("SELECT * FROM s.t").await.contains("permission denied"));
        assert_eq!(admin.rows("SELECT a FROM s.t").await, ["awsuser"]);
    });
}

#[test]
fn refusals() {
    check(&[Case {
        rule: "a privilege that cannot be enforced is refused",
        source: "DG: GRANT",
        steps: &[
            Step::Ok("CREATE TABLE t (a INT)"),
            Step::Err("GRANT DROP ON t TO PUBLIC", "DROP"),
            Step::Err("GRANT SELECT ON nowhere TO PUBLIC", "does not exist"),
        ],
    }]);
}

/// DG: SVV_RELATION_PRIVILEGES; DG: SVV_COLUMN_PRIVILEGES; DG: CREATE USER, SYSLOG ACCESS; DG: SHOW GRANTS.
#[test]
fn rights_of_others_are_seen_with_syslog_access() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        let [owner, ana, bob, role, other, group] =
            ["owner", "ana", "bob", "role", "other", "group"].map(|name| database.unique(name));
        for user in [&owner, &ana, &bob] {
            admin.ok(&format!("CREATE USER {user} PASSWORD DISABLE")).await;
        }
        for role in [&role, &other] {
            admin.ok(&format!("CREATE ROLE {role}")).await;
        }
        admin.ok(&format!("GRANT ROLE {role} TO {owner}")).await;
        admin.ok(&format!("CREATE GROUP {group} WITH USER {ana}")).await;
        admin.ok(&format!("GRANT CREATE ON DATABASE {} TO {owner}", database.name())).await;
        let mut user = database.login(&owner, Authentication::DbUser).await.unwrap();
        user.ok("CREATE SCHEMA s").await;
        user.ok("CREATE TABLE s.t (a INT, b INT)").await;
        for to in
            [ana.clone(), format!("ROLE {role}"), format!("ROLE {other}"), format!("GROUP {group}"), "PUBLIC".into()]
        {
            user.ok(&format!("GRANT SELECT ON s.t TO {to}")).await;
            user.ok(&format!("GRANT UPDATE (b) ON s.t TO {to}")).await;
        }
        let rights = "SELECT identity_name FROM svv_relation_privileges WHERE relation_name = 't' ORDER BY 1";
        let columns = "SELECT identity_name FROM svv_column_privileges WHERE relation_name = 't' ORDER BY 1";
        let sorted = |names: &[&String]| {
            let mut names: Vec<String> = names.iter().map(|name| (*name).clone()).collect();
            names.push("public".to_owned());
            names.sort();
            names
        };
        // Its owner, too, sees its own role and PUBLIC only.
        for view in [rights, columns] {
            assert_eq!(user.rows(view).await, sorted(&[&role]), "{view}");
        }
        let access = format!("SELECT syslog_access FROM svv_user_info WHERE user_name = '{owner}'");
        assert_eq!(user.rows(&access).await, ["RESTRICTED"]);
        assert!(
            user.err(&format!("ALTER USER {owner} SYSLOG ACCESS UNRESTRICTED")).await.contains("must be superuser")
        );
        admin.ok(&format!("ALTER USER {owner} SYSLOG ACCESS UNRESTRICTED")).await;
        assert_eq!(user.rows(&access).await, ["UNRESTRICTED"]);
        for view in [rights, columns] {
            assert_eq!(user.rows(view).await, sorted(&[&ana, &role, &other, &group]), "{view}");
            assert_eq!(admin.rows(view).await, sorted(&[&ana, &role, &other, &group]), "{view}");
        }
        let logged = format!("SELECT COUNT(*) > 0 FROM svv_user_info WHERE user_name = '{bob}'");
        assert_eq!(user.rows(&logged).await, ["true"]);
        // SHOW GRANTS goes by whom a right was given to, whatever may be seen besides.
        assert_eq!(user.rows("SHOW GRANTS ON TABLE s.t").await.len(), 2);
        admin.ok(&format!("ALTER USER {owner} SYSLOG ACCESS RESTRICTED")).await;
        assert_eq!(user.rows(rights).await, sorted(&[&role]));
        admin.ok(&format!("CREATE USER {}_u PASSWORD DISABLE SYSLOG ACCESS UNRESTRICTED", bob)).await;
        let mut unrestricted = database.login(&format!("{bob}_u"), Authentication::DbUser).await.unwrap();
        assert_eq!(unrestricted.rows(rights).await.len(), 5);
        // To see somebody's session is not to end it.
        let process = user.rows("SELECT pg_backend_pid()").await.remove(0);
        assert_eq!(unrestricted.rows(&format!("SELECT pg_terminate_backend({process})")).await, ["0"]);
        assert_eq!(user.rows("SELECT 1").await, ["1"]);
    });
}

/// DG: DROP TABLE, the example that finds the views of a table; RESTRICT is the default.
#[test]
fn views_that_depend_on_a_table_are_found_and_stand_in_its_way() {
    run(async {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        admin.ok("CREATE SCHEMA s").await;
        admin.ok("CREATE TABLE s.t (a INT, b VARCHAR(10), c INT)").await;
        admin.ok("CREATE VIEW s.v AS SELECT b FROM s.t").await;
        admin.ok("CREATE VIEW s.late AS SELECT b FROM s.t WITH NO SCHEMA BINDING").await;
        let found = admin
            .rows(
                "SELECT DISTINCT v.relname, a.attname FROM pg_class AS t JOIN pg_depend AS d ON d.refobjid = t.oid \
                 JOIN pg_depend AS r ON r.objid = d.objid AND r.deptype = 'i' \
                 JOIN pg_class AS v ON v.oid = r.refobjid AND v.relkind = 'v' AND v.oid <> t.oid \
                 LEFT JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid AND a.attnum > 0 \
                 WHERE t.relname = 't'",
            )
            .await;
        assert_eq!(found, ["v|b"]);
        assert!(admin.err("DROP TABLE s.t").await.contains("other objects depend on it"));
        assert!(admin.err("ALTER TABLE s.t DROP COLUMN b").await.contains("other objects depend on it"));
        let longer = admin.err("ALTER TABLE s.t ALTER COLUMN b TYPE VARCHAR(20)").await;
        assert!(longer.contains("used by a view"), "{longer}");
        admin.ok("ALTER TABLE s.t DROP COLUMN c").await;
        admin.ok("ALTER TABLE s.t RENAME TO former").await;
        admin.ok("SELECT * FROM s.v").await;
        assert!(admin.err("SELECT * FROM s.late").await.contains("does not exist"));
    });
}
