//! The login of a connection: mechanism, token, and when the session has to be renewed (KIP-368).

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{
    ApiKey, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};

use super::text;
use crate::clock;
use crate::cluster::Cluster;
use crate::iam;
use crate::wire::{FrameError, Request};

const MECHANISM: &str = "OAUTHBEARER";

/// How far a connection's login is.
#[derive(Debug)]
pub(crate) enum Login {
    /// The listener wants none.
    NotNeeded,
    /// Nothing but a login is taken.
    Needed { chosen: bool },
    /// Everything is taken until the session ends; a new login may begin at any time.
    Done { expires_ms: i64, chosen: bool },
}

impl Login {
    /// Whether the connection may send this request now.
    pub(crate) fn permits(&self, api: ApiKey) -> Result<(), FrameError> {
        if is_part_of_login(api) || api == ApiKey::ApiVersions {
            return Ok(());
        }
        match self {
            Self::NotNeeded => Ok(()),
            Self::Needed { .. } => Err(FrameError::BeforeLogin(api)),
            Self::Done { expires_ms, .. } if clock::now_ms() < *expires_ms => Ok(()),
            Self::Done { .. } => Err(FrameError::LoginExpired),
        }
    }

    pub(crate) fn is_pending(&self) -> bool {
        matches!(self, Self::Needed { .. })
    }

    fn chosen(&mut self) -> Option<&mut bool> {
        match self {
            Self::NotNeeded => None,
            Self::Needed { chosen } | Self::Done { chosen, .. } => Some(chosen),
        }
    }
}

pub(crate) fn is_part_of_login(api: ApiKey) -> bool {
    matches!(api, ApiKey::SaslHandshake | ApiKey::SaslAuthenticate)
}

/// An answer, and whether the connection has to be closed after it.
pub(crate) struct Answered {
    pub(crate) answer: Bytes,
    pub(crate) close: bool,
}

/// Answers a request of the login.
pub(crate) fn handle(cluster: &Cluster, login: &mut Login, request: &Request) -> Result<Answered, FrameError> {
    if request.api == ApiKey::SaslHandshake {
        let response = handshake(login, &request.body()?);
        return Ok(Answered { close: response.error_code != 0, answer: request.answer(&response)? });
    }
    let response = authenticate(cluster, login, request.version, &request.body()?);
    Ok(Answered { close: response.error_code != 0, answer: request.answer(&response)? })
}

fn handshake(login: &mut Login, request: &SaslHandshakeRequest) -> SaslHandshakeResponse {
    let response = SaslHandshakeResponse::default();
    let Some(chosen) = login.chosen() else {
        return response.with_error_code(ResponseError::IllegalSaslState.code());
    };
    let response = response.with_mechanisms(vec![text(MECHANISM)]);
    if request.mechanism.as_str() == MECHANISM {
        *chosen = true;
        response
    } else {
        response.with_error_code(ResponseError::UnsupportedSaslMechanism.code())
    }
}

fn authenticate(
    cluster: &Cluster,
    login: &mut Login,
    version: i16,
    request: &SaslAuthenticateRequest,
) -> SaslAuthenticateResponse {
    let refuse = |code: ResponseError, reason: String| {
        SaslAuthenticateResponse::default().with_error_code(code.code()).with_error_message(Some(text(reason)))
    };
    if !login.chosen().is_some_and(std::mem::take) {
        return refuse(ResponseError::IllegalSaslState, "a mechanism has to be chosen first".to_owned());
    }
    let now_ms = clock::now_ms();
    match iam::authenticate(&request.auth_bytes, &cluster.options.region, now_ms) {
        Ok(session) => {
            let longest = i64::try_from(cluster.options.max_session.as_millis()).unwrap_or(i64::MAX);
            let lifetime_ms = longest.min(session.expires_ms - now_ms);
            *login = Login::Done { expires_ms: now_ms.saturating_add(lifetime_ms), chosen: false };
            tracing::debug!(access_key = session.access_key, lifetime_ms, "logged in");
            let response = SaslAuthenticateResponse::default().with_error_message(None);
            if version >= 1 { response.with_session_lifetime_ms(lifetime_ms) } else { response }
        }
        Err(refusal) => {
            tracing::warn!(reason = %refusal, "refused a login");
            refuse(ResponseError::SaslAuthenticationFailed, refusal.to_string())
        }
    }
}
