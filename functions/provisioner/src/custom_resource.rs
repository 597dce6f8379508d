//! CloudFormation's custom-resource protocol: the event, and the answer's body.
//!
//! Source: AWS CloudFormation User Guide, "Custom resource request and response objects". The
//! answer repeats the request's ids, is at most 4,096 bytes long, and names a physical id. That
//! id never depends on the pipeline: were it to change in an update, CloudFormation would delete
//! the "old" resource afterwards, which is the same warehouse.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ProvisionError;

/// The longest body that CloudFormation reads.
const BODY_BYTES: usize = 4096;

/// Ends the physical id of a resource whose creation failed before anything was changed in the
/// warehouse. Its deletion has nothing to do and nothing to fail at.
const NOTHING_CREATED: &str = "/nothing-created";

/// A request of CloudFormation.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ResourceRequest {
    request_type: String,
    /// Where the answer goes: a pre-signed URL, so never in a log or an error.
    #[serde(rename = "ResponseURL")]
    pub(crate) response_url: String,
    stack_id: String,
    request_id: String,
    /// The resource's name in the template.
    pub(crate) logical_resource_id: String,
    physical_resource_id: Option<String>,
    #[serde(default)]
    resource_properties: Value,
}

/// What CloudFormation wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// The resource is new.
    Create,
    /// Its properties changed.
    Update,
    /// It goes.
    Delete,
}

/// What a deletion does to the warehouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnDelete {
    /// Nothing: everything stays, a later creation goes on with it. The default.
    Retain,
    /// Everything that was provisioned is dropped, data and history included.
    Destroy,
}

impl ResourceRequest {
    /// Reads the event. Fails only if it cannot be answered.
    pub(crate) fn of(event: Value) -> Result<Self, ProvisionError> {
        serde_json::from_value(event).map_err(|error| ProvisionError::Request {
            reason: format!(
                "the event has a RequestType and is not a custom-resource request of CloudFormation ({error})"
            ),
        })
    }

    /// Create, Update or Delete.
    pub(crate) fn wish(&self) -> Result<Wish, ProvisionError> {
        match self.request_type.as_str() {
            "Create" => Ok(Wish::Create),
            "Update" => Ok(Wish::Update),
            "Delete" => Ok(Wish::Delete),
            _ => Err(ProvisionError::Request { reason: "RequestType is not Create, Update or Delete".to_owned() }),
        }
    }

    /// The property `OnDelete`.
    pub(crate) fn on_delete(&self) -> Result<OnDelete, ProvisionError> {
        match self.resource_properties.get("OnDelete") {
            None => Ok(OnDelete::Retain),
            Some(Value::String(text)) if text == "retain" => Ok(OnDelete::Retain),
            Some(Value::String(text)) if text == "destroy" => Ok(OnDelete::Destroy),
            Some(_) => {
                Err(ProvisionError::Request { reason: "the property OnDelete is not retain or destroy".to_owned() })
            }
        }
    }

    /// The id of a resource of which something may exist: the same for all requests of one
    /// logical resource of one stack.
    fn own_id(&self) -> String {
        // arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/GUID
        let stack = self.stack_id.rsplit_once(":stack/").map_or(self.stack_id.as_str(), |(_, rest)| rest);
        format!("redshift-cdc/{stack}/{}", self.logical_resource_id)
    }

    /// Whether the resource to delete never came to be: its creation failed before the first
    /// step, or CloudFormation made up an id because nobody answered the creation.
    #[must_use]
    pub(crate) fn never_created(&self) -> bool {
        self.physical_resource_id.as_deref() != Some(self.own_id().as_str())
    }

    /// The id to answer with. A deletion repeats the request's.
    fn physical_id(&self, outcome: &Outcome) -> String {
        match (self.wish(), outcome, &self.physical_resource_id) {
            (Ok(Wish::Create), Outcome::Failed { nothing_done: true, .. }, _) => {
                format!("{}{NOTHING_CREATED}", self.own_id())
            }
            (Ok(Wish::Create), _, _) | (_, _, None) => self.own_id(),
            // A failed update keeps the id, or CloudFormation would take it for a replacement.
            (_, Outcome::Failed { .. }, Some(id)) | (Ok(Wish::Delete) | Err(_), _, Some(id)) => id.clone(),
            (Ok(Wish::Update), Outcome::Done { .. }, Some(_)) => self.own_id(),
        }
    }

    /// The body of the answer.
    #[must_use]
    pub(crate) fn body(&self, outcome: &Outcome) -> String {
        let (status, reason, data) = match outcome {
            Outcome::Done { message, changed, waiting } => {
                ("SUCCESS", message, Some(Data { changed: changed.to_string(), waiting: waiting.to_string() }))
            }
            Outcome::Failed { reason, .. } => ("FAILED", reason, None),
        };
        let mut body = Body {
            status,
            reason: reason.clone(),
            physical_resource_id: self.physical_id(outcome),
            stack_id: &self.stack_id,
            request_id: &self.request_id,
            logical_resource_id: &self.logical_resource_id,
            data,
        };
        loop {
            let text = serde_json::to_string(&body).expect("texts and numbers are always JSON");
            let excess = text.len().saturating_sub(BODY_BYTES);
            if excess == 0 || body.reason.len() <= CUT.len() {
                return text;
            }
            // Escapes may make a character longer in the body than in the text, never shorter.
            let keep = body.reason.len().saturating_sub(excess.div_ceil(6).max(1) + CUT.len());
            body.reason = format!("{}{CUT}", cut(&body.reason, keep));
        }
    }
}

const CUT: &str = " … (cut; the function's log has the whole)";

/// The longest start of `text` of at most `bytes` bytes that ends between characters.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The wish is fulfilled.
    Done {
        /// What happened.
        message: String,
        /// Steps that changed the warehouse.
        changed: usize,
        /// Tables that wait for their columns.
        waiting: usize,
    },
    /// It is not.
    Failed {
        /// Why, with the next step.
        reason: String,
        /// Whether the warehouse is as it was before.
        nothing_done: bool,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    status: &'static str,
    reason: String,
    physical_resource_id: String,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data>,
}

/// Attributes for `Fn::GetAtt`, which are texts.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Data {
    changed: String,
    waiting: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(wish: &str, physical: Option<&str>) -> ResourceRequest {
        let mut event = json!({
            "RequestType": wish,
            "ResponseURL": "https://cloudformation-custom-resource-response.s3.amazonaws.com/x?sig=y",
            "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/orders/0a1b",
            "RequestId": "request-1",
            "ResourceType": "Custom::RedshiftCdcPipeline",
            "LogicalResourceId": "Pipeline",
            "ResourceProperties": {"ServiceToken": "arn:aws:lambda:…", "OnDelete": "destroy"}
        });
        if let Some(physical) = physical {
            event["PhysicalResourceId"] = physical.into();
        }
        ResourceRequest::of(event).unwrap()
    }

    fn done() -> Outcome {
        Outcome::Done { message: "3 steps done".to_owned(), changed: 3, waiting: 1 }
    }

    fn failed(reason: &str, nothing_done: bool) -> Outcome {
        Outcome::Failed { reason: reason.to_owned(), nothing_done }
    }

    fn body(request: &ResourceRequest, outcome: &Outcome) -> Value {
        serde_json::from_str(&request.body(outcome)).unwrap()
    }

    const ID: &str = "redshift-cdc/orders/0a1b/Pipeline";

    #[test]
    fn an_answer_repeats_the_ids() {
        assert_eq!(
            body(&request("Create", None), &done()),
            json!({
                "Status": "SUCCESS", "Reason": "3 steps done", "PhysicalResourceId": ID,
                "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/orders/0a1b",
                "RequestId": "request-1", "LogicalResourceId": "Pipeline",
                "Data": {"Changed": "3", "Waiting": "1"}
            })
        );
    }

    #[test]
    fn the_physical_id_is_stable_and_a_creation_without_a_trace_is_marked() {
        let id = |request: &ResourceRequest, outcome: &Outcome| {
            body(request, outcome)["PhysicalResourceId"].as_str().unwrap().to_owned()
        };
        let marked = format!("{ID}/nothing-created");
        assert_eq!(id(&request("Create", None), &done()), ID);
        assert_eq!(id(&request("Create", None), &failed("x", false)), ID);
        assert_eq!(id(&request("Create", None), &failed("x", true)), marked);
        assert_eq!(id(&request("Update", Some(ID)), &done()), ID);
        assert_eq!(id(&request("Update", Some(ID)), &failed("x", true)), ID);
        assert_eq!(id(&request("Update", Some(&marked)), &done()), ID, "something exists now");
        assert_eq!(id(&request("Update", Some(&marked)), &failed("x", true)), marked);
        for physical in [ID, marked.as_str(), "2026/11/22/[$LATEST]abc"] {
            assert_eq!(id(&request("Delete", Some(physical)), &done()), physical);
        }
        assert!(!request("Delete", Some(ID)).never_created());
        assert!(request("Delete", Some(&marked)).never_created());
        assert!(request("Delete", Some("2026/11/22/[$LATEST]abc")).never_created());
    }

    #[test]
    fn a_long_reason_is_cut_to_what_cloudformation_reads() {
        for reason in ["x".repeat(10_000), "\"\n\u{1}".repeat(5_000), "ü€😀".repeat(3_000)] {
            let text = request("Create", None).body(&failed(&reason, false));
            assert!(text.len() <= BODY_BYTES, "{}", text.len());
            let body: Value = serde_json::from_str(&text).unwrap();
            let shown = body["Reason"].as_str().unwrap();
            let kept = shown.strip_suffix(CUT).unwrap();
            assert!(reason.starts_with(kept) && kept.len() > 300, "{}", kept.len());
        }
    }

    #[test]
    fn on_delete_is_one_of_two_words() {
        let of = |value: Value| {
            let mut request = request("Delete", Some(ID));
            request.resource_properties = value;
            request.on_delete()
        };
        assert_eq!(of(json!({})).unwrap(), OnDelete::Retain);
        assert_eq!(of(Value::Null).unwrap(), OnDelete::Retain);
        assert_eq!(of(json!({"OnDelete": "retain"})).unwrap(), OnDelete::Retain);
        assert_eq!(of(json!({"OnDelete": "destroy"})).unwrap(), OnDelete::Destroy);
        for unclear in [json!("Destroy"), json!(true), json!("")] {
            assert!(of(json!({"OnDelete": unclear})).is_err());
        }
    }

    #[test]
    fn an_event_that_cannot_be_answered_is_an_error() {
        let error = ResourceRequest::of(json!({"RequestType": "Create", "StackId": "x"})).unwrap_err();
        assert!(error.to_string().contains("custom-resource"), "{error}");
    }
}
