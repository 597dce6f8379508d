//! Settings: read once from the environment, all problems reported together.
//!
//! Every setting is a constant with its kind, default and meaning, so that a README's table can
//! be compared with the code. Units are in the names. Which tables exist is not a setting: that
//! is the pipeline file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use cdc_core::error::{Classify, ErrorKind};
use redshift_data::{Connection, Endpoint};

use crate::pipeline_file::{self, PipelineFileError};

/// What holds when a setting is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// The function does not start.
    Required,
    /// There is no value; the meaning says what follows.
    None,
    /// This value.
    Value(&'static str),
}

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// What may be written, for people: `text`, `path`, `count`, `milliseconds`, `a|b`.
    pub kind: &'static str,
    /// What holds when it is not given.
    pub default: Default,
    /// What it is for. One sentence or two.
    pub meaning: &'static str,
}

/// The pipeline file.
pub const PIPELINE_FILE: Setting = Setting {
    name: "PIPELINE_FILE",
    kind: "path",
    default: Default::Required,
    meaning: "The pipeline file (YAML), inside the function's package.",
};

/// The database in the warehouse.
pub const WAREHOUSE_DATABASE: Setting = Setting {
    name: "WAREHOUSE_DATABASE",
    kind: "text",
    default: Default::Required,
    meaning: "The database in the warehouse.",
};

/// A Redshift Serverless workgroup.
pub const WAREHOUSE_WORKGROUP: Setting = Setting {
    name: "WAREHOUSE_WORKGROUP",
    kind: "text",
    default: Default::None,
    meaning: "Name or ARN of the Redshift Serverless workgroup. Exactly one of this and `WAREHOUSE_CLUSTER`.",
};

/// A provisioned cluster.
pub const WAREHOUSE_CLUSTER: Setting = Setting {
    name: "WAREHOUSE_CLUSTER",
    kind: "text",
    default: Default::None,
    meaning: "Identifier of the provisioned Redshift cluster.",
};

/// The database user for a cluster.
pub const WAREHOUSE_DB_USER: Setting = Setting {
    name: "WAREHOUSE_DB_USER",
    kind: "text",
    default: Default::None,
    meaning: "Database user, with `WAREHOUSE_CLUSTER` only. Without it the user follows from the function's role (`IAMR:<role>`).",
};

/// A secret with the database user.
pub const WAREHOUSE_SECRET_ARN: Setting = Setting {
    name: "WAREHOUSE_SECRET_ARN",
    kind: "text",
    default: Default::None,
    meaning: "Secret in AWS Secrets Manager with the database user's name and password, instead of the function's role.",
};

/// The MSK cluster.
pub const MSK_CLUSTER_ARN: Setting = Setting {
    name: "MSK_CLUSTER_ARN",
    kind: "text",
    default: Default::None,
    meaning: "ARN of the MSK cluster; overrides the pipeline file's `kafka` section.",
};

/// Extra certificates for the brokers.
pub const KAFKA_CA_FILE: Setting = Setting {
    name: "KAFKA_CA_FILE",
    kind: "path",
    default: Default::None,
    meaning: "PEM file with certificates to trust besides the usual ones, for brokers with their own authority.",
};

/// The role by which Redshift reads Kafka.
pub const REDSHIFT_ROLE_ARN: Setting = Setting {
    name: "REDSHIFT_ROLE_ARN",
    kind: "text",
    default: Default::None,
    meaning: "Role by which Redshift reads the topics; overrides the pipeline file's `warehouse.iam_role`.",
};

/// How many records one merge takes on.
pub const MAX_ROWS_PER_MERGE: Setting = Setting {
    name: "MAX_ROWS_PER_MERGE",
    kind: "count",
    default: Default::Value("100000"),
    meaning: "One merge statement takes about this many landed records; what is left is merged by the next one.",
};

/// Time kept back from the function's timeout.
pub const DEADLINE_MARGIN_MS: Setting = Setting {
    name: "DEADLINE_MARGIN_MS",
    kind: "milliseconds",
    default: Default::Value("5000"),
    meaning: "Kept back from the function's timeout, so that the answer is out in time.",
};

/// Settings that cannot be used: all of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} of the settings cannot be used: {}", problems.len(), problems.join("; "))]
pub struct SettingsError {
    /// One sentence each.
    pub problems: Vec<String>,
}

impl Classify for SettingsError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Misconfigured
    }
}

/// Reads settings and collects what is wrong with them. After a problem a read gives some value
/// of its type; [`finish`](Self::finish) then fails.
#[derive(Debug)]
pub struct Reader {
    given: BTreeMap<String, String>,
    problems: Vec<String>,
}

impl Reader {
    /// Reads from the process's environment.
    #[must_use]
    pub fn environment() -> Self {
        #[allow(clippy::disallowed_methods, reason = "this is the one place that reads it")]
        let variables = std::env::vars_os();
        Self {
            given: variables
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            problems: Vec::new(),
        }
    }

    /// Reads from these values.
    #[must_use]
    pub fn of(values: &[(&str, &str)]) -> Self {
        Self {
            given: values.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
            problems: Vec::new(),
        }
    }

    /// The value given, or the default. Empty counts as not given: templates pass empty
    /// parameters on.
    pub fn optional_text(&mut self, setting: &Setting) -> Option<String> {
        let given = self.given.get(setting.name).map(|text| text.trim()).filter(|text| !text.is_empty());
        match (given, setting.default) {
            (Some(text), _) => Some(text.to_owned()),
            (None, Default::Value(value)) => Some(value.to_owned()),
            (None, Default::None) => None,
            (None, Default::Required) => {
                self.problems.push(format!("{} is not set ({})", setting.name, setting.meaning.trim_end_matches('.')));
                None
            }
        }
    }

    /// A text that is required or has a default.
    pub fn text(&mut self, setting: &Setting) -> String {
        self.optional_text(setting).unwrap_or_default()
    }

    /// A path.
    pub fn optional_path(&mut self, setting: &Setting) -> Option<PathBuf> {
        self.optional_text(setting).map(PathBuf::from)
    }

    /// A number of things, at least 1.
    pub fn count(&mut self, setting: &Setting) -> u64 {
        self.number(setting, 1)
    }

    /// A duration in milliseconds.
    pub fn millis(&mut self, setting: &Setting) -> Duration {
        Duration::from_millis(self.number(setting, 0))
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, setting: &Setting) -> bool {
        self.choice(setting, &[("true", true), ("false", false)])
    }

    /// One of a few words. The first stands in when the setting is wrong.
    ///
    /// # Panics
    /// If there is nothing to choose from.
    pub fn choice<T: Copy>(&mut self, setting: &Setting, choices: &[(&str, T)]) -> T {
        let text = self.text(setting);
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return *value;
        }
        if !text.is_empty() {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            self.problems.push(format!("{} is '{text}'; it takes {}", setting.name, words.join(" or ")));
        }
        choices.first().expect("a choice has at least one word").1
    }

    fn number(&mut self, setting: &Setting, least: u64) -> u64 {
        let text = self.text(setting);
        match text.parse() {
            Ok(number) if number >= least => number,
            _ if text.is_empty() => least,
            _ => {
                self.problems.push(format!(
                    "{} is '{text}'; it takes a whole number of at least {least} ({})",
                    setting.name, setting.kind
                ));
                least
            }
        }
    }

    /// Notes a problem that concerns several settings.
    pub fn problem(&mut self, text: impl Into<String>) {
        self.problems.push(text.into());
    }

    /// Fails if anything was wrong.
    pub fn finish(self) -> Result<(), SettingsError> {
        if self.problems.is_empty() { Ok(()) } else { Err(SettingsError { problems: self.problems }) }
    }
}

/// The settings that all functions share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Common {
    /// The pipeline file.
    pub pipeline_file: PathBuf,
    /// The warehouse.
    pub connection: Connection,
    /// The MSK cluster, if it is not the pipeline file's.
    pub msk_cluster_arn: Option<String>,
    /// Certificates to trust besides the usual ones.
    pub kafka_ca_file: Option<PathBuf>,
    /// The role by which Redshift reads Kafka, if it is not the pipeline file's.
    pub redshift_role_arn: Option<String>,
}

impl Common {
    /// The settings about the pipeline and the warehouse: all that a function without a Kafka
    /// client reads.
    pub const WAREHOUSE_SETTINGS: [&'static Setting; 6] = [
        &PIPELINE_FILE,
        &WAREHOUSE_DATABASE,
        &WAREHOUSE_WORKGROUP,
        &WAREHOUSE_CLUSTER,
        &WAREHOUSE_DB_USER,
        &WAREHOUSE_SECRET_ARN,
    ];

    /// The settings about Kafka.
    pub const KAFKA_SETTINGS: [&'static Setting; 2] = [&MSK_CLUSTER_ARN, &KAFKA_CA_FILE];

    /// All common settings, in the order of the README's table.
    pub const SETTINGS: [&'static Setting; 9] = [
        &PIPELINE_FILE,
        &WAREHOUSE_DATABASE,
        &WAREHOUSE_WORKGROUP,
        &WAREHOUSE_CLUSTER,
        &WAREHOUSE_DB_USER,
        &WAREHOUSE_SECRET_ARN,
        &MSK_CLUSTER_ARN,
        &KAFKA_CA_FILE,
        &REDSHIFT_ROLE_ARN,
    ];

    /// Reads them.
    pub fn read(reader: &mut Reader) -> Self {
        let pipeline_file = PathBuf::from(reader.text(&PIPELINE_FILE));
        let database = reader.text(&WAREHOUSE_DATABASE);
        let workgroup = reader.optional_text(&WAREHOUSE_WORKGROUP);
        let cluster = reader.optional_text(&WAREHOUSE_CLUSTER);
        let db_user = reader.optional_text(&WAREHOUSE_DB_USER);
        let secret_arn = reader.optional_text(&WAREHOUSE_SECRET_ARN);
        if db_user.is_some() && (cluster.is_none() || secret_arn.is_some()) {
            reader.problem(
                "WAREHOUSE_DB_USER goes with WAREHOUSE_CLUSTER, and not with WAREHOUSE_SECRET_ARN, which names the user itself",
            );
        }
        if workgroup.is_some() == cluster.is_some() {
            reader.problem("set exactly one of WAREHOUSE_WORKGROUP and WAREHOUSE_CLUSTER");
        }
        let endpoint = match cluster {
            Some(identifier) => Endpoint::Cluster { identifier, db_user },
            None => Endpoint::Workgroup(workgroup.unwrap_or_default()),
        };
        Self {
            pipeline_file,
            connection: Connection { database, endpoint, secret_arn },
            msk_cluster_arn: reader.optional_text(&MSK_CLUSTER_ARN),
            kafka_ca_file: reader.optional_path(&KAFKA_CA_FILE),
            redshift_role_arn: reader.optional_text(&REDSHIFT_ROLE_ARN),
        }
    }
}

impl Common {
    /// The text of the file that `KAFKA_CA_FILE` names. None if the setting is not given.
    pub fn kafka_ca_pem(&self) -> Result<Option<String>, PipelineFileError> {
        self.kafka_ca_file.as_deref().map(|path| pipeline_file::read(path, KAFKA_CA_FILE.name)).transpose()
    }
}

/// The Markdown table of some settings, as it stands in a README.
#[must_use]
pub fn table(settings: &[&Setting]) -> String {
    let mut text = String::from("| Setting | Value | Default | Meaning |\n| --- | --- | --- | --- |\n");
    for setting in settings {
        let default = match setting.default {
            Default::Required => "required".to_owned(),
            Default::None => "none".to_owned(),
            Default::Value(value) => format!("`{value}`"),
        };
        writeln!(
            text,
            "| `{}` | {} | {default} | {} |",
            setting.name,
            setting.kind.replace('|', " or "),
            setting.meaning
        )
        .expect("writing to a string succeeds");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODE: Setting = Setting { name: "MODE", kind: "a|b", default: Default::Value("a"), meaning: "A or b." };

    #[test]
    fn all_problems_are_reported_together() {
        let mut reader = Reader::of(&[
            ("WAREHOUSE_DB_USER", "bob"),
            ("MODE", "c"),
            ("MAX_ROWS_PER_MERGE", "0"),
            ("DEADLINE_MARGIN_MS", "5 s"),
        ]);
        let _common = Common::read(&mut reader);
        assert_eq!(reader.choice(&MODE, &[("a", 1), ("b", 2)]), 1);
        reader.count(&MAX_ROWS_PER_MERGE);
        reader.millis(&DEADLINE_MARGIN_MS);
        let text = reader.finish().unwrap_err().to_string();
        for part in [
            "7 of the settings",
            "PIPELINE_FILE is not set",
            "WAREHOUSE_DATABASE is not set",
            "WAREHOUSE_DB_USER goes with",
            "exactly one of",
            "MODE is 'c'; it takes a or b",
            "MAX_ROWS_PER_MERGE is '0'; it takes a whole number of at least 1",
            "DEADLINE_MARGIN_MS is '5 s'",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn empty_is_not_given_and_defaults_hold() {
        let mut reader = Reader::of(&[
            ("PIPELINE_FILE", "p.yaml"),
            ("WAREHOUSE_DATABASE", " dev "),
            ("WAREHOUSE_WORKGROUP", ""),
            ("WAREHOUSE_CLUSTER", "c-1"),
            ("WAREHOUSE_DB_USER", "bob"),
        ]);
        let common = Common::read(&mut reader);
        assert_eq!(common.connection.database, "dev");
        assert_eq!(
            common.connection.endpoint,
            Endpoint::Cluster { identifier: "c-1".to_owned(), db_user: Some("bob".to_owned()) }
        );
        assert_eq!(reader.count(&MAX_ROWS_PER_MERGE), 100_000);
        assert_eq!(reader.millis(&DEADLINE_MARGIN_MS), Duration::from_secs(5));
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn a_table_has_one_row_per_setting() {
        assert_eq!(
            table(&[&MODE, &PIPELINE_FILE]),
            "| Setting | Value | Default | Meaning |\n| --- | --- | --- | --- |\n\
             | `MODE` | a or b | `a` | A or b. |\n\
             | `PIPELINE_FILE` | path | required | The pipeline file (YAML), inside the function's package. |\n"
        );
    }
}
