//! Events for PagerDuty's Events API, version 2.
//!
//! An occurrence of an alert is one incident there: its id is the key by which the end finds the beginning. The
//! routing key is put in when an event is sent, so that no file has it.

use super::super::{
    payload::{Notice, starts_at},
    request::HIDDEN,
    retry::{Answer, Verdict, by_status},
    sign::Token,
    story::story,
    target::ReceiverUrl,
    text::cut,
};
use crate::{Event, Severity};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};

/// The documented length of a summary.
const SUMMARY_MAX: usize = 1024;
/// What the API takes, with room for the routing key.
const BODY_BYTES_MAX: usize = 512 * 1024 - 1024;
/// A full bucket empties in minutes, not in seconds.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(60);
const ROUTING_KEY_CHARS: usize = 32;

/// An integration of a service there.
#[derive(Debug, Clone)]
pub struct PagerDuty {
    target: ReceiverUrl,
    routing_key: Token,
}

/// Why a routing key was refused; it does not repeat the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a routing key of the Events API v2 has 32 letters and digits, this one is another text of {n_chars} \
     characters"
)]
pub struct RoutingKeyError {
    n_chars: usize,
}

impl PagerDuty {
    /// Where events of accounts outside Europe go.
    pub const URL: &'static str = "https://events.pagerduty.com/v2/enqueue";

    pub fn new(target: ReceiverUrl, routing_key: Token) -> Result<Self, RoutingKeyError> {
        let text = routing_key.reveal();
        let n_chars = text.chars().count();
        if n_chars != ROUTING_KEY_CHARS || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(RoutingKeyError { n_chars });
        }
        Ok(Self { target, routing_key })
    }

    pub(super) fn target(&self) -> &ReceiverUrl {
        &self.target
    }

    /// The document with the routing key before everything else; none where it is no event.
    pub(super) fn body(&self, document: &[u8]) -> Option<Vec<u8>> {
        with_key(document, self.routing_key.reveal())
    }
}

pub(super) fn shown_body(document: &[u8]) -> Option<Vec<u8>> {
    with_key(document, HIDDEN)
}

/// Nothing in a key needs an escape.
fn with_key(document: &[u8], key: &str) -> Option<Vec<u8>> {
    let rest = document.strip_prefix(b"{")?;
    Some([&b"{\"routing_key\":\""[..], key.as_bytes(), b"\",", rest].concat())
}

#[derive(Serialize)]
struct Document<'a> {
    event_action: &'static str,
    dedup_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Payload<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
    client: &'static str,
    client_url: String,
}

#[derive(Serialize)]
struct Payload<'a> {
    summary: String,
    source: &'a str,
    severity: &'static str,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_details: Option<&'a BTreeMap<String, String>>,
}

#[derive(Serialize)]
struct Link {
    href: String,
    text: &'static str,
}

/// Details are worth less than the event: where both do not fit, they stay behind.
pub(super) fn document(notice: &Notice<'_>) -> Vec<u8> {
    let whole = bytes(&compose(notice, true));
    if whole.len() <= BODY_BYTES_MAX { whole } else { bytes(&compose(notice, false)) }
}

fn bytes(document: &Document<'_>) -> Vec<u8> {
    serde_json::to_vec(document).expect("maps with text keys always serialize")
}

fn compose<'a>(notice: &Notice<'a>, with_details: bool) -> Document<'a> {
    let event_action = match notice.event {
        Event::Firing => "trigger",
        Event::Acknowledged => "acknowledge",
        Event::Resolved => "resolve",
    };
    let is_trigger = notice.event == Event::Firing;
    let links = story(notice).links.into_iter().map(|(text, href)| Link { href, text });
    Document {
        event_action,
        dedup_key: &notice.alert.id,
        payload: is_trigger.then(|| payload(notice, with_details)),
        links: if is_trigger { links.collect() } else { Vec::new() },
        client: "Firstfault",
        client_url: notice.alert_url(),
    }
}

fn payload<'a>(notice: &Notice<'a>, with_details: bool) -> Payload<'a> {
    let label = |name: &str| notice.identity.labels().get(name).map(String::as_str);
    let test = if notice.is_test { "Test: " } else { "" };
    Payload {
        summary: cut(&format!("{test}{}", story(notice).sentence), SUMMARY_MAX),
        source: &notice.alert.service,
        severity: severity(notice),
        timestamp: starts_at(notice),
        component: label("operation"),
        group: label("slo"),
        class: label("alertname"),
        custom_details: with_details.then_some(notice.annotations),
    }
}

fn severity(notice: &Notice<'_>) -> &'static str {
    match notice.alert.severity {
        _ if notice.is_test => "info",
        Severity::Page => "critical",
        Severity::Ticket => "warning",
    }
}

/// A busy account is asked again after a minute at the earliest.
pub(super) fn judge(answer: &Answer<'_>) -> Verdict {
    match answer.status {
        429 => Verdict::Retry(Some(answer.retry_after.unwrap_or_default().max(BUSY_RETRY_AFTER))),
        410 => Verdict::Final,
        _ => by_status(answer),
    }
}
