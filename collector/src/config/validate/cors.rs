//! `[cors]`: the pages that may send telemetry.

use super::super::Problems;
use super::super::problem::{Origin, Problem};
use super::super::raw::{Raw, Value};
use super::{Keys, strings};
use crate::receive::cors::Origins;
use http::HeaderValue;
use reqwest::Url;

/// Every page, whatever its origin.
const ANY: &str = "*";

pub(super) fn read(raw: &Raw, problems: &mut Problems) -> Origins {
    let section = raw.section("cors");
    let mut keys = Keys { section: &section, problems };
    let given = given(&mut keys);
    if given.iter().any(|(text, _)| text == ANY) {
        if given.len() > 1 {
            keys.problem("allowed_origins", "\"*\" allows every origin; others beside it say nothing")
                .report(keys.problems);
        }
        return Origins::Any;
    }
    let origins: Vec<HeaderValue> =
        given.into_iter().filter_map(|(text, place)| origin(&text, place, &mut keys)).collect();
    if origins.is_empty() { Origins::None } else { Origins::Named(origins) }
}

/// A variable has them in one text, with commas between.
fn given(keys: &mut Keys<'_>) -> Vec<(String, Origin)> {
    let key = "allowed_origins";
    match keys.section.fields.get(key) {
        Some(field) if keys.is_outside_file(key) => match &field.value {
            Value::Text(text) => {
                let texts = text.split(',').map(str::trim).filter(|text| !text.is_empty());
                texts.map(|text| (text.to_owned(), field.origin.clone())).collect()
            }
            _ => Vec::new(),
        },
        _ => strings(keys, key),
    }
}

/// Browsers write an origin in one way only, and it is compared as it is.
fn origin(text: &str, place: Origin, keys: &mut Keys<'_>) -> Option<HeaderValue> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let written = url.map(|url| url.origin().ascii_serialization());
    if written.as_deref() == Some(text) {
        return HeaderValue::from_str(text).ok();
    }
    let message = format!("cors.allowed_origins: {text:?} is not an origin");
    let hint = written.unwrap_or_else(|| "https://app.example.com".to_owned());
    let hint = format!("write it as browsers do, with scheme and host alone: \"{hint}\"");
    keys.problems.push(Problem::new(place, message).hint(hint));
    None
}
