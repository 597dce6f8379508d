//! From a topic's name to what it is for this pipeline, from the file alone.

use std::collections::BTreeMap;
use std::fmt;

use super::names::{folded, identifier_problem, slug};
use super::{Entry, Pipeline, TableOptions};
use crate::catalog::TableSpec;
use crate::error::{Classify, ErrorKind};
use crate::plan::provision::Union;

/// What a topic is for this pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicRole {
    /// The changes of one table.
    Table(TableSpec),
    /// Debezium's schema changes.
    SchemaChanges,
    /// Debezium's heartbeats.
    Heartbeat,
    /// Debezium's transaction records.
    Transactions,
    /// A pattern would mean it, but the file excludes it.
    Excluded,
    /// The file does not mention it.
    Unknown,
}

impl Pipeline {
    /// What a topic is. An entry with the exact name decides first, then Debezium's own topics,
    /// then the patterns. Needs no server; the same topic always has the same role.
    #[must_use]
    pub fn resolve(&self, topic: &str) -> TopicRole {
        let layers = self.layers(topic);
        let is_exact = layers.last().is_some_and(|entry| entry.topic.is_exact());
        if !is_exact {
            if topic == self.topic_prefix {
                return TopicRole::SchemaChanges;
            }
            if topic == self.heartbeat_topic {
                return TopicRole::Heartbeat;
            }
            if topic == self.transaction_topic {
                return TopicRole::Transactions;
            }
        }
        if layers.is_empty() {
            let excluded = self.entries.iter().any(|entry| entry.topic.matches(topic));
            return if excluded { TopicRole::Excluded } else { TopicRole::Unknown };
        }
        TopicRole::Table(self.spec(topic, &self.options_of(&layers)))
    }

    /// The topics that the file names exactly, in the file's order. Patterns add more.
    #[must_use]
    pub fn declared_topics(&self) -> Vec<&str> {
        self.entries.iter().filter(|entry| entry.topic.is_exact()).map(|entry| entry.topic.text()).collect()
    }

    /// Whether the file has patterns, so that the cluster's topics must be known to list all
    /// tables.
    #[must_use]
    pub fn has_patterns(&self) -> bool {
        self.entries.iter().any(|entry| !entry.topic.is_exact())
    }

    /// The options of a topic's table: the defaults, over them each matching pattern in the
    /// file's order, over them the entry with the exact name. Lists replace, they do not add up, but
    /// for the columns that are protected.
    #[must_use]
    pub fn table_options(&self, topic: &str) -> TableOptions {
        self.options_of(&self.layers(topic))
    }

    /// The tables among these topics, sorted by topic. Topics that are no tables are left out,
    /// repeated ones count once.
    ///
    /// # Errors
    ///
    /// All pairs of topics that would share a target table or generated names, and all names
    /// that Redshift does not take.
    pub fn catalog(&self, topics: &[String]) -> Result<Vec<TableSpec>, CatalogErrors> {
        let mut topics: Vec<&String> = topics.iter().collect();
        topics.sort();
        topics.dedup();
        let specs: Vec<TableSpec> = topics
            .into_iter()
            .filter_map(|topic| match self.resolve(topic) {
                TopicRole::Table(spec) => Some(spec),
                _ => None,
            })
            .collect();
        let mut errors = Vec::new();
        let mut targets: BTreeMap<(&str, &str), &str> = BTreeMap::new();
        let mut slugs: BTreeMap<&str, &str> = BTreeMap::new();
        for spec in &specs {
            for name in [&spec.target_schema, &spec.target_table] {
                if let Some(problem) = identifier_problem(name) {
                    errors.push(CatalogError::Name { topic: spec.topic.clone(), name: name.clone(), problem });
                }
            }
            if [&self.control_schema, &self.landing_schema, &self.external_schema].contains(&&spec.target_schema) {
                errors.push(CatalogError::ReservedSchema {
                    topic: spec.topic.clone(),
                    schema: spec.target_schema.clone(),
                });
            }
            let target = (spec.target_schema.as_str(), spec.target_table.as_str());
            if let Some(other) = targets.insert(target, &spec.topic) {
                errors.push(CatalogError::SameTarget {
                    topic: spec.topic.clone(),
                    other: other.to_owned(),
                    target: spec.id().to_string(),
                });
            }
            if let Some(other) = slugs.insert(&spec.slug, &spec.topic) {
                errors.push(CatalogError::SameSlug {
                    topic: spec.topic.clone(),
                    other: other.to_owned(),
                    slug: spec.slug.clone(),
                });
            }
        }
        if errors.is_empty() { Ok(specs) } else { Err(CatalogErrors { errors }) }
    }

    /// The views over several tables, with those of these topics that belong to each.
    #[must_use]
    pub fn unions(&self, topics: &[String]) -> Vec<Union> {
        let member = |topic: &String| {
            let (container, table) = self.source_names(topic);
            (topic.clone(), format!("{container}.{table}"))
        };
        let union = |entry: &Entry| {
            let view = entry.stated.union.as_ref()?;
            let means =
                |topic: &&String| entry.topic.matches(topic) && !entry.exclude.iter().any(|glob| glob.matches(topic));
            Some(Union {
                schema: folded(&view.schema),
                table: folded(&view.table),
                column: folded(&view.column),
                members: topics.iter().filter(means).map(member).collect(),
            })
        };
        self.entries.iter().filter_map(union).collect()
    }

    /// The entries that mean this topic: patterns in the file's order, then the exact name.
    fn layers(&self, topic: &str) -> Vec<&Entry> {
        let meant =
            |entry: &&Entry| entry.topic.matches(topic) && !entry.exclude.iter().any(|glob| glob.matches(topic));
        let patterns = self.entries.iter().filter(|entry| !entry.topic.is_exact());
        let exact = self.entries.iter().filter(|entry| entry.topic.is_exact());
        patterns.chain(exact).filter(meant).collect()
    }

    fn options_of(&self, layers: &[&Entry]) -> TableOptions {
        let mut options = self.defaults.clone();
        for entry in layers {
            let stated = &entry.stated;
            if let Some(auto_refresh) = stated.auto_refresh {
                options.auto_refresh = auto_refresh;
            }
            if let Some(policy) = stated.on_unsupported_column {
                options.on_unsupported_column = policy;
            }
            if let Some(mode) = stated.mode {
                options.mode = mode;
            }
            if let Some(policy) = stated.keyless {
                options.keyless = policy;
            }
            if let Some(policy) = stated.on_unfit_value {
                options.on_unfit_value = policy;
            }
            if let Some(policies) = stated.on_schema_change {
                options.on_schema_change.state(policies);
            }
            if let Some(seconds) = stated.freshness_seconds {
                options.freshness = Some(super::seconds(seconds));
            }
            if let Some(key) = &stated.key {
                options.key = Some(key.iter().map(|name| name.0.clone()).collect());
            }
            if let Some(target) = &stated.target {
                if let Some(schema) = &target.schema {
                    options.target_schema = Some(folded(schema));
                }
                if let Some(table) = &target.table {
                    options.target_table = Some(folded(table));
                }
            }
            if let Some(columns) = &stated.columns {
                if entry.topic.is_exact() {
                    let include = columns.include.iter().flatten();
                    options.mentioned = include
                        .chain(&columns.exclude)
                        .map(|name| &name.0)
                        .chain(columns.rename.keys())
                        .chain(columns.on_unfit_value.keys())
                        .chain(columns.hash.iter().map(|name| &name.0))
                        .chain(columns.mask.keys())
                        .cloned()
                        .collect();
                }
                if let Some(include) = &columns.include {
                    options.include = Some(include.iter().map(|name| name.0.clone()).collect());
                    options.exclude.clear();
                }
                if !columns.exclude.is_empty() {
                    options.exclude = columns.exclude.iter().map(|name| name.0.clone()).collect();
                    options.include = None;
                }
                if !columns.rename.is_empty() {
                    options.rename = columns.rename.iter().map(|(from, to)| (from.clone(), folded(&to.0))).collect();
                }
                // What a pattern protects stays so: a list that replaced another would show clear values.
                options.protection.extend(columns.protection());
                if !columns.on_unfit_value.is_empty() {
                    options.on_unfit_value_of.clone_from(&columns.on_unfit_value);
                }
                if !columns.declare.is_empty() {
                    options.declare.clone_from(&columns.declare);
                }
            }
        }
        options
    }

    fn spec(&self, topic: &str, options: &TableOptions) -> TableSpec {
        let (database, table) = self.source_names(topic);
        TableSpec {
            topic: topic.to_owned(),
            source_table: table.to_owned(),
            slug: slug(topic, &self.topic_prefix),
            target_schema: options
                .target_schema
                .clone()
                .or_else(|| self.target_schema.clone())
                .unwrap_or_else(|| folded(database)),
            target_table: options.target_table.clone().unwrap_or_else(|| folded(table)),
            auto_refresh: options.auto_refresh,
        }
    }

    /// The source's database (PostgreSQL: schema) and table as the topic's name spells them.
    ///
    /// Debezium names a topic `prefix.database.table` or `prefix.schema.table`. What follows the
    /// first dot behind the prefix is the table's name, so that a table's name may hold dots.
    /// Characters that Kafka does not allow are underscores in the topic.
    pub(crate) fn source_names<'t>(&self, topic: &'t str) -> (&'t str, &'t str) {
        let rest = topic.strip_prefix(self.topic_prefix.as_str()).and_then(|rest| rest.strip_prefix('.'));
        match rest {
            Some(rest) => rest.split_once('.').unwrap_or(("public", rest)),
            // A renamed topic: its last two parts are the best guess.
            None => match topic.rsplit_once('.') {
                Some((before, table)) => (before.rsplit('.').next().unwrap_or(before), table),
                None => ("public", topic),
            },
        }
    }
}

/// A table's names that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// A name that is no identifier in Redshift.
    #[error("topic {topic}: the name `{name}` {problem}; set `target` in the topic's own entry")]
    Name {
        /// The topic.
        topic: String,
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The target would be among the pipeline's own objects.
    #[error(
        "topic {topic}: the target schema `{schema}` is one of the pipeline's own; set `target.schema` in the topic's entry, or `warehouse.target_schema`"
    )]
    ReservedSchema {
        /// The topic.
        topic: String,
        /// The schema.
        schema: String,
    },
    /// Two topics with one target table, also when the names differ only by case.
    #[error("topics {other} and {topic} have the same target table {target}; set `target` in the entry of one of them")]
    SameTarget {
        /// The later topic.
        topic: String,
        /// The earlier topic.
        other: String,
        /// The target they share.
        target: String,
    },
    /// Two topics whose generated names would be the same.
    #[error(
        "topics {other} and {topic} lead to the same generated names ({slug}); exclude one of them and give it a pipeline of its own"
    )]
    SameSlug {
        /// The later topic.
        topic: String,
        /// The earlier topic.
        other: String,
        /// The stem they share.
        slug: String,
    },
}

impl CatalogError {
    /// The topic that the error is about; the later one of a pair.
    #[must_use]
    pub fn topic(&self) -> &str {
        match self {
            Self::Name { topic, .. }
            | Self::ReservedSchema { topic, .. }
            | Self::SameTarget { topic, .. }
            | Self::SameSlug { topic, .. } => topic,
        }
    }
}

/// All names that cannot be used. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogErrors {
    /// The errors, in the order of the topics.
    pub errors: Vec<CatalogError>,
}

impl fmt::Display for CatalogErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the tables' names cannot be used")?;
        self.errors.iter().try_for_each(|error| write!(formatter, "\n  {error}"))
    }
}

impl std::error::Error for CatalogErrors {}

impl Classify for CatalogErrors {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Misconfigured
    }
}
