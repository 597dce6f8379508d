//! Who could read a target can read it, and nobody else can, when a new table takes its place: with another
//! key, and in another mode. What cannot move with it holds it.

use std::path::Path;

use cdc_core::pipeline::Pipeline;
use e2e::{options, run, stop, write_recording};
use local_stack::binaries::Binaries;
use local_stack::replay::{self, Replay};
use local_stack::stack::Deployment;
use local_stack::warehouse::{Administrator, TextRows};
use serde_json::{Value, json};

use crate::expired::{event, number, text};

const CASE_SENSITIVE: &str = "SET enable_case_sensitive_identifier TO true";
const PROVISIONER: &str = "\"IAMR:redshift-cdc-provisioner\"";

/// Who may read which column before anything changes; nobody else may.
const READERS: [(&str, &[&str]); 5] = [
    ("reader_ana", &["id", "a", "region", "stock"]),
    ("reader_bob", &["id", "a", "region", "stock"]),
    ("reader_carl", &["id", "a", "region", "stock"]),
    ("reader_eve", &["a", "stock"]),
    ("reader_dan", &["stock"]),
];

const GIVEN: [&str; 16] = [
    "CREATE USER reader_ana PASSWORD DISABLE",
    "CREATE USER reader_bob PASSWORD DISABLE",
    "CREATE USER reader_carl PASSWORD DISABLE",
    "CREATE USER reader_eve PASSWORD DISABLE",
    "CREATE USER reader_dan PASSWORD DISABLE",
    "CREATE ROLE auditors",
    "GRANT ROLE auditors TO reader_bob",
    "CREATE GROUP staff WITH USER reader_carl",
    "GRANT USAGE ON SCHEMA shop TO PUBLIC",
    "GRANT SELECT ON shop.item TO reader_ana WITH GRANT OPTION",
    "GRANT SELECT ON shop.item TO ROLE auditors",
    "GRANT SELECT, DELETE ON shop.item TO GROUP staff",
    "GRANT REFERENCES ON shop.item TO PUBLIC",
    "GRANT SELECT (a), UPDATE (a) ON shop.item TO reader_eve",
    "GRANT SELECT (stock) ON shop.item TO PUBLIC",
    "GRANT SELECT (a, stock) ON shop.item TO ROLE auditors",
];

struct Shop {
    replay: Replay,
    warehouse: Administrator,
    folder: tempfile::TempDir,
}

impl Shop {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let row = |name, region, stock| vec![text("a", name), number("region", region), number("stock", stock)];
        let records = folder.path().join("records.jsonl");
        write_recording(&records, &[event(0, "c", 1, row("one", 7, 10)), event(1, "c", 2, row("two", 8, 20))])
            .expect("a recording");
        let mut options = options("evolve-postgres", "schema", "evolve-postgres.yaml");
        (options.pipeline, options.records, options.truth) = (pipeline(folder.path(), ""), vec![records], None);
        let replay = run(&options).await.expect("the replay ends");
        let warehouse = replay.stack.administrator();
        for statement in GIVEN {
            warehouse.query(statement).await.unwrap_or_else(|error| panic!("{statement}: {error:#}"));
        }
        Self { replay, warehouse, folder }
    }

    /// The functions, deployed with other keys at the table.
    async fn deploy(&self, keys: &str) -> Deployment {
        let file = pipeline(self.folder.path(), keys);
        let (meaning, _): (Pipeline, _) = replay::load(&file).expect("the pipeline file is right");
        let binaries = Binaries::build().expect("the functions are built");
        self.replay.stack.deploy(&binaries, &file, &meaning).await.expect("the functions are deployed")
    }

    async fn apply(&self, keys: &str) -> Value {
        let deployment = self.deploy(keys).await;
        let answer = deployment.provision().await.expect("the provisioner answers");
        deployment.shutdown().await;
        answer
    }

    /// Something that an administrator does, with names as they are.
    async fn administer(&self, sql: &str) {
        self.warehouse.batch(&[CASE_SENSITIVE, sql]).await.unwrap_or_else(|error| panic!("{sql}: {error:#}"));
    }

    async fn rows(&self, sql: &str) -> TextRows {
        self.warehouse.query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:#}"))
    }

    /// Runs statements as a user.
    async fn run_as(&self, user: &str, statements: &[&str]) -> anyhow::Result<()> {
        let become_user = format!("SET SESSION AUTHORIZATION {user}");
        let mut batch = vec![CASE_SENSITIVE, become_user.as_str()];
        batch.extend_from_slice(statements);
        self.warehouse.batch(&batch).await
    }

    /// All that anybody was given on the target.
    async fn rights(&self) -> TextRows {
        let mut rights = self
            .rows(
                "SELECT privilege_type, identity_type, identity_name, admin_option FROM svv_relation_privileges \
                 WHERE namespace_name = 'shop' AND relation_name = 'item' ORDER BY 1, 2, 3",
            )
            .await;
        let columns = "SELECT column_name, privilege_type, identity_type, identity_name FROM svv_column_privileges \
                       WHERE namespace_name = 'shop' AND relation_name = 'item' ORDER BY 1, 2, 3, 4";
        rights.extend(self.rows(columns).await);
        rights
    }

    async fn assert_everybody_reads_what_they_could(&self, when: &str) {
        for (user, readable) in READERS {
            for column in ["id", "a", "region", "stock", "_cdc_kafka_offset"] {
                let query = format!("SELECT \"{column}\" FROM shop.item");
                let allowed = readable.contains(&column) || (column == "_cdc_kafka_offset" && readable.len() == 4);
                let done = self.run_as(user, &[query.as_str()]).await;
                assert_eq!(done.is_ok(), allowed, "{when}: {user} reads {column}: {done:?}");
            }
        }
    }

    async fn key_columns(&self) -> TextRows {
        self.rows(
            "SELECT column_name FROM svv_columns WHERE table_schema = 'cdc' AND table_name = 'ledger_public_item' \
             AND LEFT(column_name, 5) <> '_cdc_' ORDER BY 1",
        )
        .await
    }
}

fn pipeline(folder: &Path, keys: &str) -> std::path::PathBuf {
    let file = folder.join("pipeline.yaml");
    let yaml = format!(
        "version: 1\nname: shop\nsource: {{topic_prefix: shop}}\ntables:\n  - topic: shop.public.item\n    \
         target: {{schema: shop, table: item}}\n{keys}"
    );
    std::fs::write(&file, yaml).expect("a pipeline file");
    file
}

fn only(answer: &Value, field: &str) -> String {
    let all = answer[field].as_array().expect("a list");
    all.iter().map(|one| one["reason"].as_str().or(one.as_str()).unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_survive_another_key_and_another_mode() {
    let shop = Shop::new().await;
    let before = shop.rights().await;
    assert!(before.len() >= 10, "{before:?}");
    shop.assert_everybody_reads_what_they_could("before").await;
    let grown = "    key: [id, region]\n";

    // A view that is bound to the table, in a schema of somebody else's.
    for statement in [
        "CREATE SCHEMA marts",
        "CREATE VIEW marts.bound AS SELECT id, a FROM shop.item",
        "CREATE VIEW marts.late AS SELECT id, a FROM shop.item WITH NO SCHEMA BINDING",
    ] {
        shop.rows(statement).await;
    }
    let held = shop.apply(grown).await;
    assert!(only(&held, "waiting").contains("these views depend on the former: marts.bound. "), "{held:#}");
    assert_eq!(shop.key_columns().await.len(), 1, "the table stays as it is");
    assert_eq!(shop.rows("SELECT id FROM marts.bound").await.len(), 2);
    shop.rows("DROP VIEW marts.bound").await;

    let built = shop.apply(grown).await;
    assert_eq!(only(&built, "waiting"), "", "{built:#}");
    assert!(!only(&built, "warnings").contains("rights"), "{built:#}");
    assert_eq!(shop.key_columns().await.len(), 2, "the table was built anew");
    assert_eq!(shop.rights().await, before);
    shop.assert_everybody_reads_what_they_could("with another key").await;
    assert_eq!(shop.rows("SELECT id FROM marts.late").await.len(), 2);

    let kept = shop.apply("    key: [id, region]\n    mode: history\n").await;
    assert_eq!(only(&kept, "waiting"), "", "{kept:#}");
    assert_eq!(shop.rows("SELECT id FROM shop.item_was_current").await.len(), 2, "{kept:#}");
    assert_eq!(shop.rights().await, before);
    shop.assert_everybody_reads_what_they_could("in another mode").await;
    // Who may give a right on still may.
    shop.run_as("reader_ana", &["GRANT SELECT ON shop.item TO reader_dan"]).await.expect("the grant option");
    stop(shop.replay).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_move_is_held_or_said() {
    let shop = Shop::new().await;
    let before = shop.rights().await;
    let grown = "    key: [id, region]\n";

    // As in deployments of before: rights that the provisioner does not see are said.
    let deployment = shop.deploy(grown).await;
    shop.administer(&format!("ALTER USER {PROVISIONER} SYSLOG ACCESS RESTRICTED")).await;
    let plan = deployment.invoke("provisioner", &json!({"action": "plan"})).await.expect("a plan");
    let warnings = only(&plan, "warnings");
    for part in [&format!("ALTER USER {PROVISIONER} SYSLOG ACCESS UNRESTRICTED"), "svv_rls_attached_policy"] {
        assert!(warnings.contains(part), "{part}: {warnings}");
    }

    // A user goes between the look and the deed: nothing is done, and the next run does it.
    shop.administer(&format!("ALTER USER {PROVISIONER} SYSLOG ACCESS UNRESTRICTED")).await;
    let plan = deployment.invoke("provisioner", &json!({"action": "plan"})).await.expect("a plan");
    assert!(!only(&plan, "warnings").contains("SYSLOG"), "{plan:#}");
    let steps = plan["steps"].as_array().expect("steps");
    let target = steps.iter().find(|step| step["kind"] == "target table").expect("the target is built anew");
    let sql: Vec<&str> = target["sql"].as_array().expect("its SQL").iter().filter_map(Value::as_str).collect();
    assert!(sql[0].contains("TO \"reader_eve\""), "{sql:?}");
    for statement in ["REVOKE ALL ON shop.item FROM reader_eve", "REVOKE ALL (a) ON shop.item FROM reader_eve"] {
        shop.rows(statement).await;
    }
    shop.rows("DROP USER reader_eve").await;
    let failed = shop.run_as(PROVISIONER, &sql).await.expect_err("a right for nobody");
    assert!(format!("{failed:#}").contains("reader_eve"), "{failed:#}");
    assert_eq!(shop.key_columns().await.len(), 1);
    assert_eq!(shop.rows("SELECT id FROM shop.item").await.len(), 2);

    // Policies would not be on the new table.
    for statement in [
        &format!("GRANT ROLE sys:secadmin TO {PROVISIONER}"),
        "CREATE RLS POLICY own_region WITH (region INTEGER) USING (region = 7)",
        "ATTACH RLS POLICY own_region ON shop.item TO ROLE auditors",
        "ALTER TABLE shop.item ROW LEVEL SECURITY ON",
    ] {
        shop.administer(statement).await;
    }
    let held = deployment.provision().await.expect("the provisioner answers");
    assert!(only(&held, "waiting").contains("row-level security policy own_region"), "{held:#}");
    assert_eq!(shop.key_columns().await.len(), 1);
    for statement in
        ["DETACH RLS POLICY own_region ON shop.item FROM ROLE auditors", "ALTER TABLE shop.item ROW LEVEL SECURITY OFF"]
    {
        shop.rows(statement).await;
    }
    let built = deployment.provision().await.expect("the provisioner answers");
    assert_eq!((only(&built, "waiting").as_str(), shop.key_columns().await.len()), ("", 2), "{built:#}");
    let left: TextRows =
        before.into_iter().filter(|right| !right.iter().flatten().any(|text| text == "reader_eve")).collect();
    assert_eq!(shop.rights().await, left);
    deployment.shutdown().await;
    stop(shop.replay).await;
}
