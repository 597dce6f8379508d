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
