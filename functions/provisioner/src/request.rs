//! What the function is asked: a direct invocation, CloudFormation's custom-resource event, or a
//! CloudWatch alarm's action.
//!
//! They are told apart by CloudFormation's `RequestType` and the alarm's `alarmData` (CloudWatch
//! User Guide, "Invoke a Lambda function from an alarm"). A direct request is strict: an
//! unknown key or an action without what it needs is refused, since a misread `destroy` cannot
//! be taken back.

use serde::Deserialize;
use serde_json::Value;

use crate::custom_resource::ResourceRequest;
use crate::error::ProvisionError;

/// A request.
#[derive(Debug)]
pub(crate) enum Request {
    /// From a person or a pipeline of theirs.
    Direct(Direct),
    /// From CloudFormation.
    Resource(Box<ResourceRequest>),
}

/// What a direct invocation asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Direct {
    /// Make a plan and print it.
    Plan,
    /// Make a plan and carry it out.
    Apply(Said),
    /// Remove what was provisioned.
    Destroy {
        /// The pipeline's name, typed by who asks; must be the right one.
        confirm: Option<String>,
        /// Whether target tables, landing views and history go too.
        drop_data: bool,
    },
}

/// What somebody says about tables by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Their changes are accepted, whatever their policies say.
    pub(crate) accepted: Vec<String>,
    /// Their rows are taken for gone; a snapshot follows.
    pub(crate) emptied: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    action: String,
    confirm: Option<String>,
    drop_data: Option<bool>,
    accept: Option<Vec<String>>,
    empty: Option<Vec<String>>,
}

const EXPECTED: &str = "send {\"action\": \"plan\"}, {\"action\": \"apply\"} or \
     {\"action\": \"destroy\", \"confirm\": \"<pipeline name>\", \"drop_data\": false}";

impl Request {
    /// Reads an event.
    pub(crate) fn of(event: Value) -> Result<Self, ProvisionError> {
        // An alarm about records that wait for a schema change: what it asks for is to take it in.
        if event.get("source").and_then(Value::as_str) == Some("aws.cloudwatch") && event.get("alarmData").is_some() {
            return Ok(Self::Direct(Direct::Apply(Said::default())));
        }
        if event.get("RequestType").is_some() {
            return ResourceRequest::of(event).map(|request| Self::Resource(Box::new(request)));
        }
        let refuse = |reason: String| ProvisionError::Request { reason: format!("{reason}; {EXPECTED}") };
        let wire: Wire = serde_json::from_value(event)
            .map_err(|error| refuse(format!("the request is not understood ({error})")))?;
        for (key, named) in [("accept", &wire.accept), ("empty", &wire.empty)] {
            if named.is_some() && wire.action != "apply" {
                return Err(refuse(format!("`{key}` does not belong to {}", wire.action)));
            }
        }
        let direct = match wire.action.as_str() {
            "plan" => Direct::Plan,
            "apply" => Direct::Apply(Said {
                accepted: wire.accept.unwrap_or_default(),
                emptied: wire.empty.unwrap_or_default(),
            }),
            "destroy" => {
                return Ok(Self::Direct(Direct::Destroy {
                    confirm: wire.confirm,
                    drop_data: wire.drop_data.unwrap_or(false),
                }));
            }
            _ => return Err(refuse("the action is not known".to_owned())),
        };
        if wire.confirm.is_some() || wire.drop_data.is_some() {
            return Err(refuse(format!("`confirm` and `drop_data` do not belong to {}", wire.action)));
        }
        Ok(Self::Direct(direct))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn direct_requests_are_strict() {
        let direct = |event| match Request::of(event) {
            Ok(Request::Direct(direct)) => Ok(direct),
            Ok(Request::Resource(_)) => panic!("not CloudFormation's"),
            Err(error) => Err(error.to_string()),
        };
        assert_eq!(direct(json!({"action": "plan"})), Ok(Direct::Plan));
        assert_eq!(direct(json!({"action": "apply"})), Ok(Direct::Apply(Said::default())));
        assert_eq!(
            direct(json!({"action": "apply", "accept": ["shop.item"], "empty": ["shop.stock"]})),
            Ok(Direct::Apply(Said { accepted: vec!["shop.item".to_owned()], emptied: vec!["shop.stock".to_owned()] }))
        );
        assert_eq!(
            direct(json!({"action": "destroy", "confirm": "salesdb", "drop_data": true})),
            Ok(Direct::Destroy { confirm: Some("salesdb".to_owned()), drop_data: true })
        );
        assert_eq!(direct(json!({"action": "destroy"})), Ok(Direct::Destroy { confirm: None, drop_data: false }));
        for unclear in [
            json!({}),
            json!(null),
            json!("apply"),
            json!({"action": "drop"}),
            json!({"action": "Apply"}),
            json!({"action": "apply", "drop_data": true}),
            json!({"action": "plan", "confirm": "salesdb"}),
            json!({"action": "plan", "accept": ["shop.item"]}),
            json!({"action": "destroy", "empty": ["shop.item"]}),
            json!({"action": "destroy", "dropData": true}),
            json!({"action": "destroy", "drop_data": "yes"}),
        ] {
            let error = direct(unclear.clone()).unwrap_err();
            assert!(error.contains("\"action\": \"plan\""), "{unclear}: {error}");
        }
    }

    #[test]
    fn the_sample_events_are_understood() {
        for (name, text) in [
            ("plan", include_str!("../events/plan.json")),
            ("apply", include_str!("../events/apply.json")),
            ("alarm", include_str!("../events/alarm.json")),
            ("destroy", include_str!("../events/destroy.json")),
            ("create", include_str!("../events/custom_resource_create.json")),
            ("delete", include_str!("../events/custom_resource_delete.json")),
        ] {
            let request = Request::of(serde_json::from_str(text).unwrap()).unwrap();
            if let Request::Resource(request) = request {
                assert!(request.wish().is_ok() && request.on_delete().is_ok(), "{name}");
                assert_eq!(request.never_created(), name == "create");
            }
        }
    }
}
