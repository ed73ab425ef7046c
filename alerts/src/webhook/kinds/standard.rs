//! Generic JSON as Standard Webhooks recommends it: a type, a time, and the data.
//!
//! The specification is about headers, which every program that knows it checks; the body here is for programs that
//! know nothing of alerts and read the few fields that they need.

use super::super::payload::{Evidence, Notice, ends_at, evidence, rfc3339, starts_at};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    kind: String,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    receiver: &'a str,
    is_test: bool,
    status: &'static str,
    severity: &'static str,
    service: &'a str,
    summary: &'a str,
    starts_at: String,
    ends_at: Option<String>,
    fingerprint: String,
    url: String,
    labels: &'a BTreeMap<String, String>,
    annotations: &'a BTreeMap<String, String>,
    evidence: Evidence<'a>,
}

pub(super) fn document(notice: &Notice<'_>, receiver: &str) -> Vec<u8> {
    let document = Document {
        kind: format!("alert.{}", notice.event.name()),
        timestamp: rfc3339(notice.now),
        data: Data {
            receiver,
            is_test: notice.is_test,
            status: notice.event.status(),
            severity: notice.alert.severity.name(),
            service: &notice.alert.service,
            summary: &notice.alert.summary,
            starts_at: starts_at(notice),
            ends_at: ends_at(notice),
            fingerprint: notice.identity.fingerprint(),
            url: notice.alert_url(),
            labels: notice.identity.labels(),
            annotations: notice.annotations,
            evidence: evidence(notice, receiver),
        },
    };
    serde_json::to_vec(&document).expect("maps with text keys and numbers always serialize")
}
