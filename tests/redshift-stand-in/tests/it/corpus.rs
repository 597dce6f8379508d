//! Redshift SQL with the answers that Redshift's documentation gives, in text files that a DBA can read.
//!
//! A file is one session in a database of its own. Statements are separated by empty lines. `# ` names the page (Redshift
//! Database Developer Guide) that states the answer of what follows. `-> ` is a row, values joined by `|`, NULL as `~`;
//! `-> (none)` is a result without rows. `<> ` is a row of the documentation that the stand-in does not give, yet: a known
//! difference, which its README lists. `!! ` is a refusal whose text holds the rest of the line. A statement with neither
//! succeeds. Several statements may stand in one block, each ended by a semicolon; the answer is the last one's.

use crate::harness::{Client, Database, run};

const CORPUS: &[(&str, &str)] = &[
    ("catalogs", include_str!("corpus/catalogs.sql")),
    ("dates", include_str!("corpus/dates.sql")),
    ("definitions", include_str!("corpus/definitions.sql")),
    ("numbers", include_str!("corpus/numbers.sql")),
    ("projects", include_str!("corpus/projects.sql")),
    ("procedures", include_str!("corpus/procedures.sql")),
    ("queries", include_str!("corpus/queries.sql")),
    ("strings", include_str!("corpus/strings.sql")),
    ("super", include_str!("corpus/super.sql")),
];

#[derive(Debug)]
enum Answer<'a> {
    Success,
    Rows(Vec<&'a str>),
    Difference(Vec<&'a str>),
    Refusal(&'a str),
}

#[derive(Debug)]
struct Entry<'a> {
    section: &'a str,
    line: usize,
    sql: String,
    answer: Answer<'a>,
}

fn entries(text: &str) -> Vec<Entry<'_>> {
    let mut out = Vec::new();
    let mut section = "";
    let mut lines: Vec<&str> = Vec::new();
    let mut answer = Answer::Success;
    let mut start = 0;
    for (number, line) in text.lines().chain([""]).enumerate() {
        if line.is_empty() {
            if !lines.is_empty() {
                let answer = std::mem::replace(&mut answer, Answer::Success);
                out.push(Entry { section, line: start, sql: lines.join("\n"), answer });
                lines.clear();
            }
        } else if let Some(page) = line.strip_prefix("# ") {
            section = page;
        } else if let Some(row) = line.strip_prefix("-> ") {
            match &mut answer {
                Answer::Rows(rows) => rows.push(row),
                other => *other = Answer::Rows(if row == "(none)" { Vec::new() } else { vec![row] }),
            }
        } else if let Some(row) = line.strip_prefix("<> ") {
            answer = Answer::Difference(vec![row]);
        } else if let Some(text) = line.strip_prefix("!!") {
            answer = Answer::Refusal(text.trim_start());
        } else {
            if lines.is_empty() {
                start = number + 1;
            }
            lines.push(line);
        }
    }
    out
}

/// What is wrong with the answer to one entry.
async fn failure(client: &mut Client, entry: &Entry<'_>) -> Option<String> {
    let statements = redshift_sql::split(&entry.sql).expect("the corpus is well-formed");
    let (last, before) = statements.split_last().expect("an entry has a statement");
    for sql in before {
        if let Err(error) = client.send(sql).await {
            return Some(format!("{sql}\n      {}", error.text()));
        }
    }
    let given = client.send(last).await;
    let given = given.map(|result| crate::harness::rows_of(&result)).map_err(|error| error.text());
    match (&entry.answer, given) {
        (Answer::Success, Ok(_)) => None,
        (Answer::Rows(wanted), Ok(rows)) if rows == *wanted => None,
        (Answer::Difference(wanted), Ok(rows)) if rows != *wanted => None,
        (Answer::Refusal(wanted), Err(text)) if text.contains(wanted) && !text.contains("XX000") => None,
        (wanted, given) => Some(format!("{last}\n      gives {given:?}\n      not   {wanted:?}")),
    }
}

#[test]
fn answers_are_those_of_the_documentation() {
    run(async {
        let mut failures = Vec::new();
        let (mut count, mut refusals, mut differences) = (0, 0, 0);
        for (name, text) in CORPUS {
            let database = Database::new().await;
            let mut client = database.admin().await;
            for entry in entries(text) {
                count += 1;
                refusals += usize::from(matches!(entry.answer, Answer::Refusal(_)));
                differences += usize::from(matches!(entry.answer, Answer::Difference(_)));
                if let Some(failure) = failure(&mut client, &entry).await {
                    failures.push(format!("  {name}.sql:{} ({}): {failure}", entry.line, entry.section));
                    if client.send("SELECT 1").await.is_err() {
                        client.ok("ROLLBACK").await;
                    }
                }
            }
        }
        println!("{count} entries, {refusals} refusals, {differences} known differences, {} failures", failures.len());
        assert!(failures.is_empty(), "{} of {count} entries:\n{}", failures.len(), failures.join("\n"));
    });
}

#[test]
fn the_reader_of_the_corpus_reads() {
    let text =
        "CREATE TABLE t (a INT);\nINSERT INTO t VALUES (1)\n\n# Page\nSELECT a FROM t\n-> 1\n\nSELECT b\n!! no b\n";
    let read = entries(text);
    assert_eq!(read.len(), 3);
    assert!(matches!(&read[0].answer, Answer::Success));
    assert!(matches!(&read[1].answer, Answer::Rows(rows) if rows == &["1"]) && read[1].section == "Page");
    assert!(matches!(read[2].answer, Answer::Refusal("no b")) && read[2].line == 8);
}
