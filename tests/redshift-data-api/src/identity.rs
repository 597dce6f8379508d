//! Who sends a request: the access key id of its Signature Version 4, and the identity behind it.
//!
//! The signature itself is not verified, as the server knows no secret keys. What a client without
//! credentials gets wrong is answered as AWS answers it.

use axum::http::HeaderMap;

use crate::error::ApiError;
use crate::options::{Identity, Options};

/// The caller of a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Caller {
    pub(crate) identity: Identity,
}

/// Finds the caller, or says why there is none.
pub(crate) fn authenticate(headers: &HeaderMap, options: &Options) -> Result<Caller, ApiError> {
    let Some(header) = headers.get("authorization") else {
        return Err(ApiError::common(400, "MissingAuthenticationTokenException", "Missing Authentication Token"));
    };
    let header = header.to_str().unwrap_or_default();
    let dated = headers.contains_key("x-amz-date") || headers.contains_key("date");
    let scope = read_scope(header, dated)?;
    if options.check_region && (scope.region != options.region || scope.service != "redshift-data") {
        return Err(ApiError::common(
            400,
            "InvalidSignatureException",
            format!("Credential should be scoped to region '{}' and service 'redshift-data'.", options.region),
        ));
    }
    let identities = &options.identities;
    let identity = identities.keys.get(scope.access_key_id).or(identities.default.as_ref()).cloned();
    identity.map(|identity| Caller { identity }).ok_or_else(|| {
        ApiError::common(400, "UnrecognizedClientException", "The security token included in the request is invalid.")
    })
}

struct Scope<'a> {
    access_key_id: &'a str,
    region: &'a str,
    service: &'a str,
}

/// Reads `AWS4-HMAC-SHA256 Credential=<id>/<date>/<region>/<service>/aws4_request,
/// SignedHeaders=…, Signature=…`.
fn read_scope(header: &str, dated: bool) -> Result<Scope<'_>, ApiError> {
    let incomplete = |message: String| ApiError::common(400, "IncompleteSignatureException", message);
    let Some(parts) = header.strip_prefix("AWS4-HMAC-SHA256 ") else {
        return Err(incomplete(
            "Unsupported AWS 'algorithm' in the Authorization header; 'AWS4-HMAC-SHA256' is required.".to_owned(),
        ));
    };
    let part = |name: &str| {
        parts.split(',').find_map(|part| {
            let (key, value) = part.trim().split_once('=')?;
            (key == name && !value.is_empty()).then_some(value)
        })
    };
    let missing: Vec<String> =
        ["Credential", "Signature", "SignedHeaders"]
            .into_iter()
            .filter(|name| part(name).is_none())
            .map(|name| format!("Authorization header requires '{name}' parameter."))
            .chain((!dated).then(|| {
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".to_owned()
            }))
            .collect();
    if !missing.is_empty() {
        return Err(incomplete(missing.join(" ")));
    }
    let scope: Vec<_> = part("Credential").unwrap_or_default().split('/').collect();
    match scope[..] {
        [access_key_id, _date, region, service, "aws4_request"] if !access_key_id.is_empty() => {
            Ok(Scope { access_key_id, region, service })
        }
        _ => Err(incomplete(
            "Credential must have exactly 5 slash-delimited elements: keyid/date/region/service/aws4_request."
                .to_owned(),
        )),
    }
}
