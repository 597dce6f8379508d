//! `local-stack up`, as a process.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

/// A container's end and `kill` are SIGTERM: broker and folder stayed behind.
#[test]
fn it_leaves_nothing_behind_when_it_is_told_to_end() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut stack = Command::new(env!("CARGO_BIN_EXE_local-stack"))
        .args(["up", "--kafka-port", "0"])
        .env("TMPDIR", folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(stack.stdout.take().expect("its output")).lines();
    assert!(lines.any(|line| line.expect("text").contains("Ctrl-C stops")), "it ended before it was up");
    assert!(std::fs::read_dir(folder.path()).expect("the folder").count() > 0, "it has a folder while it runs");
    let told = Command::new("kill").args(["-TERM", &stack.id().to_string()]).status().expect("kill runs");
    assert!(told.success());
    assert!(stack.wait().expect("it ends").success());
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("the folder").collect();
    assert!(left.is_empty(), "{left:?}");
}
