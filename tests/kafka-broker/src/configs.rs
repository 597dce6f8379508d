//! The topic settings that the broker knows, with Kafka's defaults.
//!
//! Only `max.message.bytes` changes what the broker does. The others are kept and shown, because tools set
//! them when they create topics; a value that would need a feature the broker lacks is refused.

use std::collections::BTreeMap;

/// The setting that limits the size of a batch.
pub(crate) const MAX_MESSAGE_BYTES: &str = "max.message.bytes";

/// Settings of one topic that differ from the defaults, by name.
pub(crate) type Settings = BTreeMap<String, String>;

/// The kinds of values, with the numbers of the protocol (DescribeConfigs, `config_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean = 1,
    Text = 2,
    Int = 3,
    Long = 5,
    Double = 6,
    List = 7,
}

/// One known setting.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Kafka's default (Apache Kafka documentation, "Topic Configs").
    pub(crate) default: &'static str,
    /// The only values that can be set; empty: all of the kind.
    allowed: &'static [&'static str],
}

const fn setting(name: &'static str, kind: Kind, default: &'static str) -> Setting {
    Setting { name, kind, default, allowed: &[] }
}

/// All known settings, by name.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting {
        name: "cleanup.policy",
        kind: Kind::List,
        default: "delete",
        allowed: &["delete", "compact", "compact,delete", "delete,compact"],
    },
    Setting { name: "compression.type", kind: Kind::Text, default: "producer", allowed: &["producer"] },
    setting("delete.retention.ms", Kind::Long, "86400000"),
    setting("file.delete.delay.ms", Kind::Long, "60000"),
    setting("flush.messages", Kind::Long, "9223372036854775807"),
    setting("flush.ms", Kind::Long, "9223372036854775807"),
    setting("index.interval.bytes", Kind::Int, "4096"),
    setting("max.compaction.lag.ms", Kind::Long, "9223372036854775807"),
    setting(MAX_MESSAGE_BYTES, Kind::Int, "1048588"),
    Setting { name: "message.timestamp.type", kind: Kind::Text, default: "CreateTime", allowed: &["CreateTime"] },
    setting("min.cleanable.dirty.ratio", Kind::Double, "0.5"),
    setting("min.compaction.lag.ms", Kind::Long, "0"),
    setting("min.insync.replicas", Kind::Int, "1"),
    setting("preallocate", Kind::Boolean, "false"),
    setting("retention.bytes", Kind::Long, "-1"),
    setting("retention.ms", Kind::Long, "604800000"),
    setting("segment.bytes", Kind::Int, "1073741824"),
    setting("segment.index.bytes", Kind::Int, "10485760"),
    setting("segment.jitter.ms", Kind::Long, "0"),
    setting("segment.ms", Kind::Long, "604800000"),
    setting("unclean.leader.election.enable", Kind::Boolean, "false"),
];

/// Checks one setting; the error says what is wrong with it.
pub(crate) fn check(name: &str, value: &str) -> Result<(), String> {
    let Some(known) = SETTINGS.iter().find(|setting| setting.name == name) else {
        return Err(format!("unknown topic config name: {name}"));
    };
    let of_its_kind = match known.kind {
        Kind::Boolean => value.parse::<bool>().is_ok(),
        Kind::Int => value.parse::<i32>().is_ok(),
        Kind::Long => value.parse::<i64>().is_ok(),
        Kind::Double => value.parse::<f64>().is_ok(),
        Kind::Text | Kind::List => true,
    };
    if !of_its_kind {
        return Err(format!("the value of {name} is not of type {:?}", known.kind));
    }
    if !known.allowed.is_empty() && !known.allowed.contains(&value) {
        return Err(format!("this broker supports only {} for {name}", known.allowed.join(" or ")));
    }
    Ok(())
}
