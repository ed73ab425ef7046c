//! Alerts for the API of an Alertmanager, version 2: a list of them, each with the moment until which it holds.
//!
//! An alert that fires is sent again before that moment, so that an Alertmanager which hears no more of us resolves
//! it by itself. The moment is therefore not in the document; it comes in when the document is sent.

use super::super::payload::{Notice, ends_at, rfc3339, starts_at};
use super::super::request::Letter;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Four times the minute after which it is sent again: three of these may be lost.
const HOLDS_NS: i64 = 4 * 60 * 1_000_000_000;
const ENDS_AT: &str = "endsAt";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Posted<'a> {
    labels: &'a BTreeMap<String, String>,
    annotations: &'a BTreeMap<String, String>,
    starts_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<String>,
    #[serde(rename = "generatorURL")]
    generator_url: String,
}

pub(super) fn document(notice: &Notice<'_>) -> Vec<u8> {
    let posted = [Posted {
        labels: notice.identity.labels(),
        annotations: notice.annotations,
        starts_at: starts_at(notice),
        ends_at: ends_at(notice),
        generator_url: notice.source_url(),
    }];
    serde_json::to_vec(&posted).expect("maps with text keys always serialize")
}

/// The document with the moment until which each alert holds; none where it is not a list of alerts.
pub(super) fn body(letter: Letter<'_>) -> Option<Vec<u8>> {
    let mut alerts: Vec<Map<String, Value>> = serde_json::from_slice(letter.body).ok()?;
    let holds_until = rfc3339(letter.at.saturating_add(HOLDS_NS));
    for alert in &mut alerts {
        alert.entry(ENDS_AT).or_insert_with(|| Value::String(holds_until.clone()));
    }
    serde_json::to_vec(&alerts).ok()
}

/// One document of several. What cannot be read has been refused already, and is left out.
pub(in crate::webhook) fn joined(documents: &[Vec<u8>]) -> Vec<u8> {
    let read = |document: &Vec<u8>| serde_json::from_slice::<Vec<Value>>(document).unwrap_or_default();
    let alerts: Vec<Value> = documents.iter().flat_map(read).collect();
    serde_json::to_vec(&alerts).expect("what was JSON is JSON")
}
