//! Row-level security and dynamic data masking: who sees and changes what.

use redshift_data_api::Authentication;

use crate::harness::{Client, Database, run};

/// A table of events, users in roles, and privileges that leave the rows to the policies.
struct Setting {
    database: Database,
    admin: Client,
}

impl Setting {
    async fn new() -> Self {
        let database = Database::new().await;
        let mut admin = database.admin().await;
        for sql in [
            "CREATE TABLE events (id INT, grp VARCHAR(10), name VARCHAR(20), card VARCHAR(19))",
            "INSERT INTO events VALUES (1, 'Sports', 'NBA', '4111-1111'), (2, 'Sports', 'NHL', '4222-2222'), (3, 'Shows', 'Cats', '4333-3333')",
            "GRANT ALL ON events TO PUBLIC",
        ] {
            admin.ok(sql).await;
        }
        Self { database, admin }
    }

    fn name(&self, name: &str) -> String {
        self.database.unique(name)
    }

    async fn role(&mut self, name: &str) -> String {
        let role = self.name(name);
        self.admin.ok(&format!("CREATE ROLE {role}")).await;
        role
    }

    /// A session of a new user who has these roles.
    async fn user(&mut self, name: &str, roles: &[&str]) -> Client {
        let user = self.name(name);
        self.admin.ok(&format!("CREATE USER {user} PASSWORD DISABLE")).await;
        for role in roles {
            self.admin.ok(&format!("GRANT ROLE {role} TO {user}")).await;
        }
        self.database.login(&user, Authentication::DbUser).await.unwrap()
    }

    async fn script(&mut self, statements: &[&str]) {
        for sql in statements {
            self.admin.ok(sql).await;
        }
    }
}

const IDS: &str = "SELECT id FROM events ORDER BY id";

/// DG: Row-level security end-to-end example; ATTACH RLS POLICY: superusers and sys:secadmin are not held by policies.
#[test]
fn rows_are_those_of_the_policy_and_none_without_one() {
    run(async {
        let mut it = Setting::new().await;
        let analyst = it.role("analyst").await;
        let mut alice = it.user("alice", &[&analyst]).await;
        let mut joe = it.user("joe", &[]).await;
        let mut bob = it.user("bob", &["sys:secadmin"]).await;
        assert_eq!(alice.rows(IDS).await, ["1", "2", "3"]);
        bob.ok("CREATE RLS POLICY only_sports WITH (grp VARCHAR(10)) USING (grp = 'Sports')").await;
        bob.ok(&format!("ATTACH RLS POLICY only_sports ON events TO ROLE {analyst}")).await;
        assert_eq!(alice.rows(IDS).await, ["1", "2", "3"], "RLS is off yet");
        bob.ok("ALTER TABLE events ROW LEVEL SECURITY ON").await;
        assert_eq!(alice.rows(IDS).await, ["1", "2"]);
        assert_eq!(joe.rows(IDS).await, [""; 0], "no policy, no row");
        assert_eq!(bob.rows(IDS).await, ["1", "2", "3"]);
        assert_eq!(it.admin.rows(IDS).await, ["1", "2", "3"]);
        assert_eq!(
            bob.rows("SELECT polname, polatts, polmodifiedby FROM svv_rls_policy").await,
            [format!(r#"only_sports|[{{"colname":"grp","type":"character varying(10)"}}]|{}"#, it.name("bob"))]
        );
        assert_eq!(
            bob.rows("SELECT relname, polname, grantee, granteekind, is_rls_on, rls_conjunction_type FROM svv_rls_attached_policy").await,
            [format!("events|only_sports|{analyst}|role|true|and")]
        );
        assert_eq!(bob.rows("SELECT relname, is_rls_on FROM svv_rls_relation").await, ["events|true"]);
        assert_eq!(alice.rows("SELECT count(*) FROM svv_rls_policy").await, ["0"]);
        assert!(alice.err("DROP RLS POLICY only_sports").await.contains("permission denied"));
        // A policy for all, then none: the default is to deny.
        bob.ok("ATTACH RLS POLICY only_sports ON TABLE events TO PUBLIC").await;
        assert_eq!(joe.rows(IDS).await, ["1", "2"]);
        bob.ok(&format!("DETACH RLS POLICY only_sports ON events FROM ROLE {analyst}, PUBLIC")).await;
        assert_eq!(alice.rows(IDS).await, [""; 0]);
        assert!(bob.err("DETACH RLS POLICY only_sports ON events FROM PUBLIC").await.contains("is not attached"));
        bob.ok(&format!("GRANT IGNORE RLS TO ROLE {analyst}")).await;
        assert_eq!(alice.rows(IDS).await, ["1", "2", "3"]);
        bob.ok(&format!("REVOKE IGNORE RLS FROM ROLE {analyst}")).await;
        assert_eq!(alice.rows(IDS).await, [""; 0]);
        bob.ok("ALTER TABLE events ROW LEVEL SECURITY OFF").await;
        assert_eq!(alice.rows(IDS).await, ["1", "2", "3"]);
    });
}

/// DG: Combining multiple policies per user; ALTER RLS POLICY.
#[test]
fn several_policies_are_joined_by_the_conjunction_type() {
    run(async {
        let mut it = Setting::new().await;
        let mut alice = it.user("alice", &[]).await;
        it.script(&[
            "CREATE RLS POLICY sports WITH (grp VARCHAR(10)) AS e USING (e.grp = 'Sports')",
            "CREATE RLS POLICY named WITH (name VARCHAR(20)) AS e USING (name = 'NBA')",
            "ATTACH RLS POLICY sports ON events TO PUBLIC",
            "ATTACH RLS POLICY named ON events TO PUBLIC",
            "ALTER TABLE events ROW LEVEL SECURITY ON CONJUNCTION TYPE AND",
        ])
        .await;
        assert_eq!(alice.rows(IDS).await, ["1"]);
        it.admin.ok("ALTER TABLE events ROW LEVEL SECURITY ON CONJUNCTION TYPE OR").await;
        assert_eq!(alice.rows(IDS).await, ["1", "2"]);
        it.admin.ok("ALTER RLS POLICY named USING (name = 'Cats')").await;
        assert_eq!(alice.rows(IDS).await, ["1", "2", "3"]);
        it.admin.ok("CREATE RLS POLICY other WITH (id INT) USING (id > 1)").await;
        assert!(it.admin.err("ATTACH RLS POLICY other ON events TO PUBLIC").await.contains("another table alias"));
        assert!(it.admin.err("DROP RLS POLICY named").await.contains("attached"));
        it.admin.ok("DROP RLS POLICY named CASCADE").await;
        assert_eq!(alice.rows(IDS).await, ["1", "2"]);
        // DG: Row-level security end-to-end example.
        assert!(it.admin.err("ALTER TABLE events RENAME COLUMN grp TO kind").await.contains("policies depend on it"));
        assert!(it.admin.err("ALTER TABLE events DROP COLUMN grp CASCADE").await.contains("policies depend on it"));
        it.admin.ok("ALTER TABLE events RENAME COLUMN name TO title").await;
    });
}

/// DG: Using RLS policies in SQL statements; Considerations and limitations using RLS policies.
#[test]
fn changes_reach_the_rows_that_are_seen() {
    run(async {
        let mut it = Setting::new().await;
        let mut alice = it.user("alice", &[]).await;
        it.script(&[
            "CREATE TABLE lookup (id INT)",
            "INSERT INTO lookup VALUES (1), (3)",
            "GRANT SELECT ON lookup TO PUBLIC",
            "CREATE RLS POLICY known WITH (id INT) USING (id IN (SELECT id FROM lookup))",
            "ATTACH RLS POLICY known ON events TO PUBLIC",
            "CREATE VIEW shown AS SELECT id FROM events",
            "CREATE VIEW late AS SELECT id FROM public.events WITH NO SCHEMA BINDING",
            "GRANT SELECT ON shown TO PUBLIC",
            "GRANT SELECT ON late TO PUBLIC",
            "ALTER TABLE events ROW LEVEL SECURITY ON",
        ])
        .await;
        // Names of the query around do not reach the policy.
        assert_eq!(
            alice.rows("WITH lookup AS (SELECT 2 AS id) SELECT e.id FROM events e JOIN lookup l ON l.id < e.id").await,
            ["3"]
        );
        assert_eq!(alice.rows("SELECT id FROM late ORDER BY id").await, ["1", "3"]);
        assert!(alice.err("SELECT id FROM shown").await.contains("policies for this user"));
        assert_eq!(it.admin.rows("SELECT count(*) FROM shown").await, ["3"]);
        alice.ok("UPDATE events SET name = 'new'").await;
        alice.ok("UPDATE events SET name = 'newer' FROM lookup l WHERE l.id = events.id AND l.id = 3").await;
        alice.ok("DELETE FROM events WHERE id < 3").await;
        alice.ok("INSERT INTO events VALUES (4, 'Other', 'x', 'y')").await;
        assert_eq!(it.admin.rows("SELECT id, name FROM events ORDER BY id").await, ["2|NHL", "3|newer", "4|x"]);
        alice.ok("CREATE TEMP TABLE copied AS SELECT * FROM events").await;
        assert_eq!(alice.rows("SELECT id FROM copied").await, ["3"]);
        let merge = "MERGE INTO events USING copied ON events.id = copied.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (1, 'a', 'b', 'c')";
        assert!(alice.err(merge).await.contains("policies for this user"));
        alice.ok("SET enable_case_sensitive_identifier TO true").await;
        assert!(
            alice
                .err("SELECT * FROM events")
                .await
                .contains("RLS protected relation does not support session level config")
        );
        alice.ok("RESET enable_case_sensitive_identifier").await;
        alice.ok("DELETE FROM events").await;
        alice.ok("TRUNCATE events").await;
        assert_eq!(it.admin.rows("SELECT count(*) FROM events").await, ["0"]);
    });
}

/// DG: Considerations and limitations using RLS policies, SET_CONFIG, CURRENT_SETTING.
#[test]
fn policies_read_session_context_variables() {
    run(async {
        let mut it = Setting::new().await;
        let mut alice = it.user("alice", &[]).await;
        it.script(&[
            "CREATE RLS POLICY mine WITH (grp VARCHAR(10)) USING (grp = current_setting('app.category', FALSE))",
            "ATTACH RLS POLICY mine ON events TO PUBLIC",
            "ALTER TABLE events ROW LEVEL SECURITY ON",
        ])
        .await;
        assert_eq!(alice.rows(IDS).await, [""; 0]);
        assert_eq!(alice.rows("SELECT set_config('app.category', 'Shows', FALSE)").await, ["Shows"]);
        assert_eq!(alice.rows(IDS).await, ["3"]);
        alice.ok("SET app.category TO 'Sports'").await;
        assert_eq!(alice.rows(IDS).await, ["1", "2"]);
        assert_eq!(alice.rows("SHOW app.category").await, ["Sports"]);
        alice.ok("RESET app.category").await;
        assert_eq!(alice.rows("SELECT current_setting('app.category', FALSE)").await, ["~"]);
        assert!(
            alice.err("SELECT current_setting('app.category')").await.contains("unrecognized configuration parameter")
        );
    });
}

/// DG: CREATE MASKING POLICY, ATTACH MASKING POLICY, Dynamic data masking policy hierarchy.
#[test]
fn the_mask_of_the_highest_priority_shows() {
    run(async {
        let mut it = Setting::new().await;
        let (analytics, fraud) = (it.role("analytics").await, it.role("fraud").await);
        let mut plain = it.user("plain", &[]).await;
        let mut partly = it.user("partly", &[&analytics]).await;
        let mut both = it.user("both", &[&analytics, &fraud]).await;
        it.script(&[
            "CREATE MASKING POLICY full_mask WITH (card VARCHAR(256)) USING ('XXXX'::TEXT)",
            "CREATE MASKING POLICY IF NOT EXISTS full_mask WITH (card VARCHAR(256)) USING ('other'::TEXT)",
            "CREATE MASKING POLICY part_mask WITH (c VARCHAR(256)) USING (LEFT(c, 4) || '-****')",
            "CREATE MASKING POLICY raw_mask WITH (c VARCHAR(256)) USING (c)",
            "ATTACH MASKING POLICY full_mask ON events(card) TO PUBLIC",
            &format!("ATTACH MASKING POLICY part_mask ON events(card) TO ROLE {analytics} PRIORITY 10"),
            &format!("ATTACH MASKING POLICY raw_mask ON events(card) TO ROLE {fraud} PRIORITY 20"),
        ])
        .await;
        let card = "SELECT card FROM events WHERE id = 1";
        assert_eq!(plain.rows(card).await, ["XXXX"]);
        assert_eq!(partly.rows(card).await, ["4111-****"]);
        assert_eq!(both.rows(card).await, ["4111-1111"]);
        // PUBLIC is everybody; masks come before conditions and groups.
        assert_eq!(it.admin.rows(card).await, ["XXXX"]);
        assert_eq!(plain.rows("SELECT card, count(*) FROM events GROUP BY card").await, ["XXXX|3"]);
        assert_eq!(partly.rows("SELECT id FROM events WHERE card = '4111-1111'").await, [""; 0]);
        assert!(plain.err("UPDATE events SET name = card").await.contains("masking policies"));
        assert!(
            it.admin
                .err("ATTACH MASKING POLICY raw_mask ON events(card) TO PUBLIC PRIORITY 30")
                .await
                .contains("same user or role")
        );
        let same = format!("ATTACH MASKING POLICY raw_mask ON events(card) TO {} PRIORITY 10", it.name("plain"));
        assert!(it.admin.err(&same).await.contains("same priority"));
        assert!(
            it.admin
                .err("ATTACH MASKING POLICY raw_mask ON events(card, name) TO PUBLIC")
                .await
                .contains("takes 1 columns")
        );
        assert!(
            it.admin
                .err("ATTACH MASKING POLICY raw_mask ON events(card.last) TO PUBLIC")
                .await
                .contains("path of a SUPER column")
        );
        it.admin.ok("ALTER MASKING POLICY full_mask USING ('a text that is longer than the column'::TEXT)").await;
        assert!(plain.err(card).await.contains("value too long for type character varying(19)"));
        it.admin.ok("ALTER MASKING POLICY full_mask USING (SHA2(card, 256)::VARCHAR(10))").await;
        assert_eq!(plain.rows("SELECT len(card) FROM events WHERE id = 1").await, ["10"]);
        assert_eq!(
            it.admin.rows("SELECT policy_name, grantee, grantee_type, priority, output_columns FROM svv_attached_masking_policy ORDER BY priority DESC LIMIT 1").await,
            [format!("raw_mask|{fraud}|role|20|[\"card\"]")]
        );
        assert_eq!(it.admin.rows("SELECT count(*) FROM svv_masking_policy").await, ["3"]);
        it.script(&["DETACH MASKING POLICY full_mask ON events(card) FROM PUBLIC", "DROP MASKING POLICY full_mask"])
            .await;
        assert_eq!(plain.rows(card).await, ["4111-1111"]);
    });
}

/// DG: Conditional dynamic data masking; Considerations when using dynamic data masking: RLS comes first.
#[test]
fn masks_read_other_columns_and_rows_that_rls_leaves() {
    run(async {
        let mut it = Setting::new().await;
        let mut alice = it.user("alice", &[]).await;
        it.script(&[
            "CREATE MASKING POLICY by_group WITH (g VARCHAR(10), c VARCHAR(19)) USING (CASE WHEN g = 'Shows' THEN c ELSE 'hidden'::VARCHAR(19) END)",
            "ATTACH MASKING POLICY by_group ON events(card) USING (grp, card) TO PUBLIC",
            "CREATE MASKING POLICY two WITH (i INT, n VARCHAR(20)) USING ((0, UPPER(n)))",
            &format!("ATTACH MASKING POLICY two ON events(id, name) TO {}", it.name("alice")),
            "CREATE RLS POLICY from_two WITH (id INT) USING (id >= 2)",
            "ATTACH RLS POLICY from_two ON events TO PUBLIC",
            "ALTER TABLE events ROW LEVEL SECURITY ON",
        ])
        .await;
        assert_eq!(
            alice.rows("SELECT id, name, card FROM events ORDER BY name").await,
            ["0|CATS|4333-3333", "0|NHL|hidden"]
        );
    });
}

/// DG: ALTER ROLE: a role keeps its policies under its new name.
#[test]
fn a_renamed_role_keeps_its_policies() {
    run(async {
        let mut it = Setting::new().await;
        let role = it.role("analyst").await;
        let mut alice = it.user("alice", &[&role]).await;
        let renamed = it.name("reader");
        it.script(&[
            "CREATE RLS POLICY sports WITH (grp VARCHAR(10)) USING (grp = 'Sports')",
            &format!("ATTACH RLS POLICY sports ON events TO ROLE {role}"),
            "ALTER TABLE events ROW LEVEL SECURITY ON",
            &format!("ALTER ROLE {role} RENAME TO {renamed}"),
        ])
        .await;
        assert_eq!(alice.rows(IDS).await, ["1", "2"]);
        assert_eq!(it.admin.rows("SELECT grantee FROM svv_rls_attached_policy").await, [renamed]);
    });
}
