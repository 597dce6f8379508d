//! Starting servers.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use redshift_data_api::{Authentication, Login};
use redshift_stand_in::{Options, Origin, PostgresSource, StandIn};

use crate::harness::{Client, run};

async fn client(stand_in: &StandIn, database: &str) -> Client {
    let login =
        Login { database: database.to_owned(), db_user: "awsuser".to_owned(), authentication: Authentication::DbUser };
    Client(stand_in.engine().connect(&login).await.unwrap(), None)
}

fn folder(stand_in: &StandIn) -> PathBuf {
    let url = stand_in.postgres_url();
    PathBuf::from(url.split_once("host=").unwrap().1)
}

async fn gone(path: &std::path::Path) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while path.exists() {
        assert!(Instant::now() < deadline, "{} is still there", path.display());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn leaves_nothing_behind() {
    run(async {
        let stand_in = StandIn::start(Options::default()).await.unwrap();
        let folder = folder(&stand_in);
        assert!(folder.exists());
        assert_eq!(client(&stand_in, "dev").await.rows("SHOW search_path").await, ["\"$user\", public"]);
        stand_in.shutdown().await;
        gone(&folder).await;
        let dropped = StandIn::start(Options::default()).await.unwrap();
        let folder = self::folder(&dropped);
        tokio::task::spawn_blocking(move || drop(dropped)).await.unwrap();
        gone(&folder).await;
    });
}

#[test]
fn keeps_its_state_in_a_folder() {
    run(async {
        let state = tempfile::Builder::new().prefix("rs-state-").tempdir_in("/tmp").unwrap();
        // The server's user must be able to enter it.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(state.path(), open).unwrap();
        let options = || Options { state_dir: Some(state.path().to_owned()), ..Options::default() };
        let first = StandIn::start(options()).await.unwrap();
        client(&first, "dev").await.ok("CREATE SCHEMA kept").await;
        client(&first, "dev")
            .await
            .ok("CREATE PROCEDURE kept.sp_nothing() AS $$ BEGIN NULL; END; $$ LANGUAGE plpgsql")
            .await;
        first.shutdown().await;
        let second = StandIn::start(options()).await.unwrap();
        client(&second, "dev").await.ok("CALL kept.sp_nothing()").await;
        // A second server on the same folder is refused, with a reason.
        let error = StandIn::start(options()).await.unwrap_err();
        let reason = std::error::Error::source(&error).unwrap().to_string();
        assert!(reason.contains("does not answer") && reason.contains("postmaster.pid"), "{reason}");
        second.shutdown().await;
    });
}

#[test]
fn says_what_is_wrong_and_what_to_do() {
    run(async {
        let empty = tempfile::tempdir().unwrap();
        let source = PostgresSource::Bin(empty.path().to_owned());
        let error = StandIn::start(Options { postgres: source, ..Options::default() }).await.unwrap_err();
        let reason = std::error::Error::source(&error).unwrap().to_string();
        assert!(reason.contains("has no initdb and postgres"), "{reason}");
        assert!(reason.contains("install PostgreSQL 15 or newer"), "{reason}");
    });
}

#[test]
fn runs_the_packaged_binaries() {
    run(async {
        let options = Options { postgres: PostgresSource::Packaged, ..Options::default() };
        let stand_in = StandIn::start(options).await.unwrap();
        assert_eq!(stand_in.postgres_origin(), &Origin::Packaged);
        client(&stand_in, "dev").await.ok("CREATE SCHEMA s").await;
        // A running server is used as it is.
        let url = stand_in.postgres_url();
        let host = url.split_once("host=").unwrap().1.to_owned();
        let guest = StandIn::start(Options {
            postgres: PostgresSource::Url(format!("host={host} user=rdsdb dbname=postgres")),
            databases: vec!["guest".to_owned()],
            ..Options::default()
        })
        .await
        .unwrap();
        assert_eq!(guest.postgres_origin(), &Origin::Url);
        client(&guest, "guest").await.ok("CREATE SCHEMA s").await;
        guest.shutdown().await;
        stand_in.shutdown().await;
    });
}
