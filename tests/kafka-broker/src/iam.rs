//! The login of Amazon MSK's IAM access control: SASL/OAUTHBEARER with a signed URL as the token.
//!
//! A token is the base64url form of a URL of the host `kafka.REGION.amazonaws.com`, signed with AWS
//! Signature Version 4 in its query (Amazon MSK Developer Guide, "Configure clients for IAM access control";
//! the official signer libraries). The broker has no secret to verify a signature with: it checks everything
//! else, so a token that MSK would refuse for its action, region, service, form or age is refused here too.
//! A reason never contains a part of a token.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const ACTION: &str = "kafka-cluster:Connect";
const SERVICE: &str = "kafka-cluster";
/// The longest life of a token, in seconds (the signer libraries use exactly this).
const MAX_EXPIRES_S: i64 = 900;
/// How far a client's clock may be ahead (AWS General Reference: requests may differ by five minutes).
const CLOCK_SKEW_MS: i64 = 5 * 60 * 1000;

/// Who logged in, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// The access key id; it is no secret.
    pub(crate) access_key: String,
    /// Milliseconds since 1970-01-01 UTC.
    pub(crate) expires_ms: i64,
}

/// Why a login is refused. The text is sent to the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("access denied: {0}")]
pub(crate) struct Refusal(String);

fn refuse<T>(reason: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(reason.into()))
}

/// Judges the client's first message (RFC 7628, section 3.1): a header, then fields between bytes of value 1.
pub(crate) fn authenticate(message: &[u8], region: &str, now_ms: i64) -> Result<Session, Refusal> {
    let Ok(text) = std::str::from_utf8(message) else {
        return refuse("the OAUTHBEARER message is not text");
    };
    let mut parts = text.split('\u{1}');
    let header = parts.next().unwrap_or_default();
    if !header.starts_with("n,") && !header.starts_with("y,") {
        return refuse("the OAUTHBEARER message does not start with a GS2 header");
    }
    let bearer = parts
        .filter_map(|field| field.split_once('='))
        .find(|(name, _)| *name == "auth")
        .and_then(|(_, value)| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match bearer {
        Some((_, token)) => check_token(token.trim(), region, now_ms),
        None => refuse("the OAUTHBEARER message has no bearer token"),
    }
}

fn check_token(token: &str, region: &str, now_ms: i64) -> Result<Session, Refusal> {
    let Some(url) =
        URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).ok().and_then(|bytes| String::from_utf8(bytes).ok())
    else {
        return refuse("the token is not a base64url encoded URL");
    };
    let Some((host, query)) = url
        .strip_prefix("https://")
        .and_then(|rest| rest.split_once('?'))
        .map(|(host, query)| (host.trim_end_matches('/'), query))
    else {
        return refuse("the token is not an https URL with a query");
    };
    let fields = parse_query(query)?;
    let field =
        |name: &str| fields.get(name).map(String::as_str).ok_or_else(|| Refusal(format!("the token has no {name}")));
    if field("Action")? != ACTION {
        return refuse(format!("the token's Action is not {ACTION}"));
    }
    if field("X-Amz-Algorithm")? != "AWS4-HMAC-SHA256" {
        return refuse("the token's X-Amz-Algorithm is not AWS4-HMAC-SHA256");
    }
    if !field("X-Amz-SignedHeaders")?.split(';').any(|header| header == "host") {
        return refuse("the token's X-Amz-SignedHeaders does not contain host");
    }
    let signature = field("X-Amz-Signature")?;
    if signature.len() != 64 || !signature.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return refuse("the token's X-Amz-Signature is not a SHA-256 signature");
    }
    let date = field("X-Amz-Date")?;
    let Some(signed_ms) = parse_date(date) else {
        return refuse("the token's X-Amz-Date is not of the form YYYYMMDDTHHMMSSZ");
    };
    let access_key = check_credential(field("X-Amz-Credential")?, date, region)?;
    if !host.eq_ignore_ascii_case(&format!("kafka.{region}.amazonaws.com")) {
        return refuse(format!("the token's host is not kafka.{region}.amazonaws.com"));
    }
    let Some(lifetime_s) =
        field("X-Amz-Expires")?.parse::<i64>().ok().filter(|seconds| (1..=MAX_EXPIRES_S).contains(seconds))
    else {
        return refuse(format!("the token's X-Amz-Expires is not between 1 and {MAX_EXPIRES_S} seconds"));
    };
    if signed_ms > now_ms + CLOCK_SKEW_MS {
        return refuse("the token's X-Amz-Date is in the future; check the client's clock");
    }
    let expires_ms = signed_ms + lifetime_s * 1000;
    if expires_ms <= now_ms {
        return refuse("the token is expired; sign a new one for every login");
    }
    Ok(Session { access_key, expires_ms })
}

/// Checks `KEY/DATE/REGION/SERVICE/aws4_request` and returns the key.
fn check_credential(credential: &str, date: &str, region: &str) -> Result<String, Refusal> {
    let parts: Vec<&str> = credential.split('/').collect();
    let [key, day, its_region, service, terminator] = parts[..] else {
        return refuse("the token's X-Amz-Credential does not have five parts");
    };
    if key.is_empty() || terminator != "aws4_request" {
        return refuse("the token's X-Amz-Credential is not a Signature Version 4 scope");
    }
    if !date.starts_with(day) || day.len() != 8 {
        return refuse("the token's X-Amz-Credential is of another day than X-Amz-Date");
    }
    if service != SERVICE {
        return refuse(format!("the token is not signed for the service {SERVICE}"));
    }
    if its_region != region {
        return refuse(format!("the token is not signed for the region {region}"));
    }
    Ok(key.to_owned())
}

fn parse_query(query: &str) -> Result<BTreeMap<String, String>, Refusal> {
    let mut fields = BTreeMap::new();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(name), Some(value)) = (percent_decode(name), percent_decode(value)) else {
            return refuse("the token's URL is not percent encoded correctly");
        };
        if fields.insert(name, value).is_some() {
            return refuse("the token's URL has a field twice");
        }
    }
    Ok(fields)
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
                u8::try_from(value).ok()?
            }
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// `YYYYMMDDTHHMMSSZ` as milliseconds since 1970-01-01 UTC.
fn parse_date(date: &str) -> Option<i64> {
    let bytes = date.as_bytes();
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = &bytes[range];
        digits.iter().all(u8::is_ascii_digit).then(|| digits.iter().fold(0, |n, d| n * 10 + i64::from(d - b'0')))
    };
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    let (hour, minute, second) = (number(9..11)?, number(11..13)?, number(13..15)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 {
        return None;
    }
    // Days since 1970-01-01 in the Gregorian calendar, counting years from March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGION: &str = "eu-west-1";
    const SIGNED_MS: i64 = 1_709_210_096_000;

    fn fields() -> Vec<(&'static str, &'static str)> {
        vec![
            ("Action", "kafka-cluster%3AConnect"),
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", "AKIDEXAMPLE%2F20240229%2Feu-west-1%2Fkafka-cluster%2Faws4_request"),
            ("X-Amz-Date", "20240229T123456Z"),
            ("X-Amz-Expires", "900"),
            ("X-Amz-SignedHeaders", "host"),
            ("X-Amz-Signature", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
            ("User-Agent", "a+test"),
        ]
    }

    fn login(host: &str, fields: &[(&str, &str)], now_ms: i64) -> Result<Session, Refusal> {
        let query: Vec<String> = fields.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let url = format!("https://{host}/?{}", query.join("&"));
        let message = format!("n,,\u{1}auth=Bearer {}\u{1}\u{1}", URL_SAFE_NO_PAD.encode(url));
        authenticate(message.as_bytes(), REGION, now_ms)
    }

    const HOST: &str = "kafka.eu-west-1.amazonaws.com";

    #[test]
    fn a_sound_token_gives_a_session_until_it_expires() {
        let session = login(HOST, &fields(), SIGNED_MS + 1000).unwrap();
        assert_eq!(session.access_key, "AKIDEXAMPLE");
        assert_eq!(session.expires_ms, SIGNED_MS + 900_000);
    }

    #[test]
    fn the_age_of_a_token_is_checked_on_both_sides() {
        assert!(login(HOST, &fields(), SIGNED_MS + 899_999).is_ok());
        let expired = login(HOST, &fields(), SIGNED_MS + 900_000).unwrap_err();
        assert!(expired.to_string().contains("expired"), "{expired}");
        let early = login(HOST, &fields(), SIGNED_MS - CLOCK_SKEW_MS - 1).unwrap_err();
        assert!(early.to_string().contains("future"), "{early}");
    }

    #[test]
    fn every_field_is_needed_and_checked() {
        let wrong = [
            ("Action", "kafka-cluster%3AReadData"),
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA1"),
            ("X-Amz-Credential", "AKID%2F20240229%2Fus-east-1%2Fkafka-cluster%2Faws4_request"),
            ("X-Amz-Date", "2024-02-29T12:34:56"),
            ("X-Amz-Expires", "901"),
            ("X-Amz-SignedHeaders", "date"),
            ("X-Amz-Signature", "00"),
        ];
        for (name, value) in wrong {
            let mut changed = fields();
            changed.retain(|(field, _)| *field != name);
            let missing = login(HOST, &changed, SIGNED_MS).unwrap_err();
            assert!(missing.to_string().contains(name), "{missing}");
            changed.push((name, value));
            let refused = login(HOST, &changed, SIGNED_MS).unwrap_err();
            assert!(!refused.to_string().contains(value), "{refused}");
        }
        assert!(login("kafka.us-east-1.amazonaws.com", &fields(), SIGNED_MS).is_err());
        let service = [("X-Amz-Credential", "AKID%2F20240229%2Feu-west-1%2Fs3%2Faws4_request")];
        let mut changed = fields();
        changed.retain(|(field, _)| *field != "X-Amz-Credential");
        changed.extend(service);
        assert!(login(HOST, &changed, SIGNED_MS).is_err());
        let mut twice = fields();
        twice.push(("Action", "kafka-cluster%3AConnect"));
        assert!(login(HOST, &twice, SIGNED_MS).is_err());
    }

    #[test]
    fn other_messages_are_refused_without_panic() {
        for message in [&b""[..], b"\xff\xfe", b"n,,", b"n,,\x01auth=Basic eA==\x01\x01"] {
            assert!(authenticate(message, REGION, SIGNED_MS).is_err());
        }
        for token in ["", "%%%", "aHR0cHM6Ly94", "bm90IGEgdXJs", "aHR0cHM6Ly94Lz8lJQ"] {
            assert!(check_token(token, REGION, SIGNED_MS).is_err());
        }
    }

    #[test]
    fn dates_are_counted_as_everywhere_else() {
        assert_eq!(parse_date("19700101T000000Z"), Some(0));
        assert_eq!(parse_date("20000301T000000Z"), Some(951_868_800_000));
        assert_eq!(parse_date("20240229T123456Z"), Some(SIGNED_MS));
        assert_eq!(parse_date("20241301T000000Z"), None);
        assert_eq!(parse_date("20240229T12345\u{e9}"), None);
    }
}
