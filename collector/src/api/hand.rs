//! Who changes something, and what they say: the part that all changes of incidents and silences have in common.

use super::changes::{Expected, check_content_type, check_origin, read_json};
use super::params::Params;
use super::{Api, Failure};
use alerts::Hand;
use axum::extract::Request;
use http::HeaderMap;
use serde::de::DeserializeOwned;

/// Bytes of a name.
const NAME_BYTES_MAX: usize = 200;
/// Bytes of what somebody writes: some pages.
const TEXT_BYTES_MAX: usize = 16 << 10;

/// A body that may change something, with the headers that it came with.
pub(super) async fn asked<T: DeserializeOwned>(
    api: &Api,
    request: Request,
    expected: Expected,
) -> Result<(T, HeaderMap), Failure> {
    let (parts, body) = request.into_parts();
    Params::read(&parts.uri, api.now(), &[])?;
    check_origin(&parts.uri, &parts.headers)?;
    check_content_type(&parts.headers, expected)?;
    Ok((read_json(body, expected).await?, parts.headers))
}

/// The user who asks, where there are users; or else who somebody says that they are.
pub(super) fn hand(api: &Api, headers: &HeaderMap, by: Option<String>) -> Result<Hand, Failure> {
    let by = match api.settings.gate.user(headers) {
        Some(user) => Some(user),
        None => name("by", by)?,
    };
    Ok(Hand { by, at: api.now() })
}

/// A name that somebody wrote; none where it is blank.
pub(super) fn name(field: &str, text: Option<String>) -> Result<Option<String>, Failure> {
    let trimmed = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    match trimmed {
        Some(text) if text.len() > NAME_BYTES_MAX => {
            Err(Failure::bad_request(format!("{field} is longer than {NAME_BYTES_MAX} bytes")))
        }
        Some(text) if text.chars().any(char::is_control) => {
            Err(Failure::bad_request(format!("{field} has control characters")))
        }
        trimmed => Ok(trimmed),
    }
}

/// What somebody wrote, of some pages at most; none where it is blank.
pub(super) fn text(field: &str, text: Option<String>) -> Result<Option<String>, Failure> {
    match text.filter(|text| !text.trim().is_empty()) {
        Some(text) if text.len() > TEXT_BYTES_MAX => {
            Err(Failure::bad_request(format!("{field} is longer than {TEXT_BYTES_MAX} bytes")))
        }
        text => Ok(text),
    }
}
