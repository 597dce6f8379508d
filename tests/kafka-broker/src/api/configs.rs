//! DescribeConfigs and IncrementalAlterConfigs, for topics; a broker's settings can be seen, not changed.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult};
use kafka_protocol::messages::incremental_alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{
    DescribeConfigsRequest, DescribeConfigsResponse, IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};

use super::{code_of, text};
use crate::cluster::{Cluster, NODE_ID};
use crate::configs::{self, Kind, SETTINGS};

/// Kinds of resources.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
/// Sources of values.
const FROM_TOPIC: i8 = 1;
const FROM_BROKER_FILE: i8 = 4;
const FROM_DEFAULT: i8 = 5;
/// Operations on values.
const SET: i8 = 0;
const DELETE: i8 = 1;

type Refusal = (ResponseError, String);

struct Shown {
    name: &'static str,
    value: String,
    kind: Kind,
    source: i8,
    read_only: bool,
}

pub(super) fn describe(cluster: &Cluster, version: i16, request: DescribeConfigsRequest) -> DescribeConfigsResponse {
    let results = request.resources.into_iter().map(|resource| {
        let result = show(cluster, &resource);
        let answer = DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name)
            .with_error_message(None);
        match result {
            Ok(shown) => {
                let wanted = |shown: &Shown| {
                    resource
                        .configuration_keys
                        .as_ref()
                        .is_none_or(|keys| keys.iter().any(|key| key.as_str() == shown.name))
                };
                let shown = shown.into_iter().filter(wanted);
                answer.with_configs(shown.map(|shown| entry(version, shown)).collect())
            }
            Err((code, reason)) => answer.with_error_code(code.code()).with_error_message(Some(text(reason))),
        }
    });
    DescribeConfigsResponse::default().with_results(results.collect())
}

fn entry(version: i16, shown: Shown) -> DescribeConfigsResourceResult {
    let entry = DescribeConfigsResourceResult::default()
        .with_name(text(shown.name))
        .with_value(Some(text(shown.value)))
        .with_config_source(shown.source)
        .with_read_only(shown.read_only);
    if version >= 3 { entry.with_config_type(shown.kind as i8).with_documentation(None) } else { entry }
}

fn show(cluster: &Cluster, resource: &DescribeConfigsResource) -> Result<Vec<Shown>, Refusal> {
    match resource.resource_type {
        TOPIC => {
            let topic = cluster
                .topics
                .get(&resource.resource_name)
                .ok_or_else(|| (ResponseError::UnknownTopicOrPartition, "there is no such topic".to_owned()))?;
            let shown = SETTINGS.iter().map(|setting| {
                let (value, own) = cluster.topics.shown_setting(&topic, setting);
                Shown {
                    name: setting.name,
                    value,
                    kind: setting.kind,
                    source: if own { FROM_TOPIC } else { FROM_DEFAULT },
                    read_only: false,
                }
            });
            Ok(shown.collect())
        }
        BROKER if resource.resource_name.as_str() == NODE_ID.to_string() => {
            let options = &cluster.options;
            let entry = |name, value, kind| Shown { name, value, kind, source: FROM_BROKER_FILE, read_only: true };
            Ok(vec![
                entry("auto.create.topics.enable", options.auto_create_topics.to_string(), Kind::Boolean),
                entry("default.replication.factor", "1".to_owned(), Kind::Int),
                entry("log.segment.bytes", options.segment_bytes.to_string(), Kind::Int),
                entry("message.max.bytes", options.max_message_bytes.to_string(), Kind::Int),
                entry("num.partitions", options.default_partitions.to_string(), Kind::Int),
            ])
        }
        _ => Err((ResponseError::InvalidRequest, "only topics and this broker have settings".to_owned())),
    }
}

pub(super) fn alter(cluster: &Cluster, request: IncrementalAlterConfigsRequest) -> IncrementalAlterConfigsResponse {
    let validate_only = request.validate_only;
    let responses = request.resources.into_iter().map(|resource| {
        let result = alter_one(cluster, &resource, validate_only);
        let answer = AlterConfigsResourceResponse::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name)
            .with_error_message(None);
        match result {
            Ok(()) => answer,
            Err((code, reason)) => answer.with_error_code(code.code()).with_error_message(Some(text(reason))),
        }
    });
    IncrementalAlterConfigsResponse::default().with_responses(responses.collect())
}

fn alter_one(cluster: &Cluster, resource: &AlterConfigsResource, validate_only: bool) -> Result<(), Refusal> {
    if resource.resource_type != TOPIC {
        return Err((ResponseError::InvalidRequest, "only settings of topics can be changed".to_owned()));
    }
    let mut changes = Vec::with_capacity(resource.configs.len());
    for config in &resource.configs {
        let value = match (config.config_operation, &config.value) {
            (SET, Some(value)) => {
                configs::check(&config.name, value).map_err(|reason| (ResponseError::InvalidConfig, reason))?;
                Some(value.to_string())
            }
            (DELETE, _) => None,
            _ => {
                return Err((
                    ResponseError::InvalidRequest,
                    "only setting and deleting of values is supported".to_owned(),
                ));
            }
        };
        changes.push((config.name.to_string(), value));
    }
    if validate_only {
        return match cluster.topics.get(&resource.resource_name) {
            Some(_) => Ok(()),
            None => Err((ResponseError::UnknownTopicOrPartition, "there is no such topic".to_owned())),
        };
    }
    cluster.topics.configure(&resource.resource_name, changes).map_err(|error| (code_of(&error), error.to_string()))
}
