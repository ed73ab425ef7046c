//! First phase: which keys were given, where, and with what kind of value.
//!
//! Knows the names of all keys and nothing about their meaning. The file is walked by hand rather than
//! by serde, because serde stops at the first problem and forgets where a value stood.

use super::problem::{Origin, Problem, Problems};
use super::{Flag, Sources};
use crate::nearest::{distance, nearest};
use serde_json::Map;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// Sections of the file and their keys; each is also the variable `FIRSTFAULT_<SECTION>_<KEY>`.
pub(super) const SECTIONS: &[(&str, &[&str])] = &[
    ("listen", &["otlp_grpc", "otlp_http", "api", "allow_public"]),
    ("storage", &["data_dir", "wal_sync", "wal_sync_interval", "hot_bytes", "flush_interval"]),
    (
        "retention",
        &[
            "traces",
            "logs",
            "metrics",
            "read_models",
            "read_models_10s",
            "read_models_1m",
            "read_models_1h",
            "traces_bytes",
            "logs_bytes",
            "metrics_bytes",
            "read_models_bytes",
        ],
    ),
    ("compaction", &["automatic", "segments", "segment_bytes", "segment_rows"]),
    (
        "limits",
        &[
            "request_bytes",
            "inflight_bytes",
            "attributes_max",
            "attribute_bytes_max",
            "events_max",
            "links_max",
            "series_max",
            "query_memory",
            "query_spill",
            "query_timeout",
            "query_rows",
        ],
    ),
    ("evaluation", &["interval", "lag"]),
    ("tls", &["cert_file", "key_file", "client_ca_file", "client_auth", "server_name"]),
    ("cors", &["allowed_origins"]),
    ("zipkin", &["enabled", "listen"]),
    ("remote_write", &["enabled"]),
    ("slo_files", &["paths"]),
];

/// Lists of tables that stand in a section of their own, `[[auth.tokens]]`.
const AUTH: &str = "auth";
const AUTH_LISTS: &[&str] = &["tokens", "users"];
const TOKEN_KEYS: &[&str] = &["name", "secret_env", "secret_file", "items_per_second", "bytes_per_second"];
const USER_KEYS: &[&str] = &["name", "password_env", "password_file", "items_per_second", "bytes_per_second"];

/// Lists of tables, `[[slos]]`.
const LISTS: &[&str] = &["receivers", "routes", "slos", "services"];

const RECEIVER_KEYS: &[&str] = &[
    "name",
    "kind",
    "url",
    "url_env",
    "url_file",
    "urls",
    "secret_env",
    "secret_file",
    "bearer_env",
    "bearer_file",
    "routing_key_env",
    "routing_key_file",
    "host",
    "port",
    "tls",
    "from",
    "to",
    "username",
    "password_env",
    "password_file",
    "allow_private_targets",
    "send_resolved",
    "fallback",
    "timeout",
    "give_up_after",
];

const ROUTE_KEYS: &[&str] = &["match", "receivers", "continue", "escalate_after", "escalate_to"];

const SLO_KEYS: &[&str] = &[
    "id",
    "name",
    "description",
    "service",
    "operation",
    "filter",
    "indicator",
    "threshold",
    "good_metric",
    "good_filter",
    "good_sql",
    "bad_metric",
    "bad_filter",
    "bad_sql",
    "total_metric",
    "total_filter",
    "total_sql",
    "timeslice",
    "timeslice_target",
    "target",
    "period",
    "calendar",
    "calendar_start",
    "time_zone",
    "receivers",
    "runbook_url",
    "events_min",
    "bad_min",
    "for",
    "keep_firing",
];

const SERVICE_KEYS: &[&str] = &["name", "owner", "contact", "repository", "tier", "receiver", "playbooks"];

/// What messages call the section that an objective of JSON makes.
pub(super) const OBJECTIVE: &str = "objective";

/// Variables with our prefix that other places read.
const OTHER_VARIABLES: &[&str] = &[
    "FIRSTFAULT_CONFIG",
    "FIRSTFAULT_LOG",
    "FIRSTFAULT_LOG_FORMAT",
    "FIRSTFAULT_URL",
    "FIRSTFAULT_CA_FILE",
    "FIRSTFAULT_USER",
    "FIRSTFAULT_PASSWORD",
    "FIRSTFAULT_TOKEN",
];

#[derive(Debug, Default)]
pub(super) struct Raw {
    sections: BTreeMap<&'static str, Section>,
    pub(super) receivers: Vec<Section>,
    pub(super) routes: Vec<Section>,
    pub(super) slos: Vec<Section>,
    pub(super) services: Vec<Section>,
    pub(super) tokens: Vec<Section>,
    pub(super) users: Vec<Section>,
}

impl Raw {
    /// The section of that name, empty where it was not given.
    pub(super) fn section(&self, name: &'static str) -> Section {
        self.sections.get(name).cloned().unwrap_or_else(|| Section::new(name, Origin::Default))
    }

    fn set(&mut self, section: &'static str, key: &'static str, value: Located) {
        let section = self.sections.entry(section).or_insert_with(|| Section::new(section, Origin::Default));
        section.fields.insert(key, value);
    }
}

/// One table: known keys only.
#[derive(Debug, Clone)]
pub(super) struct Section {
    /// For messages: `listen`, `slos[0]`.
    pub(super) name: String,
    pub(super) origin: Origin,
    pub(super) fields: BTreeMap<&'static str, Located>,
}

impl Section {
    fn new(name: impl Into<String>, origin: Origin) -> Self {
        Self { name: name.into(), origin, fields: BTreeMap::new() }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Located {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    /// Also integers and floats as they were written, so that no digit is lost before it is checked.
    Number(String),
    Bool(bool),
    List(Vec<Located>),
    /// TOML's name of a kind of value that no key takes.
    Other(&'static str),
}

/// File, then variables, then flags; the later one wins.
pub(super) fn read(sources: &Sources, problems: &mut Problems) -> Raw {
    let mut raw = Raw::default();
    if let Some((_, text)) = &sources.file {
        read_file(text, &mut raw, problems);
    }
    read_variables(&sources.env, &mut raw, problems);
    for Flag { flag, key, text } in &sources.flags {
        let known = keys().find(|(section, name)| key.split_once('.') == Some((*section, *name)));
        let (section, key) = known.expect("flags name keys of the table above");
        raw.set(section, key, Located { value: Value::Text(text.clone()), origin: Origin::Flag(flag) });
    }
    raw
}

fn read_file(text: &str, raw: &mut Raw, problems: &mut Problems) {
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        for error in errors {
            problems.push(Problem::new(Origin::File(error.span().unwrap_or(0..0)), error.message()));
        }
        // What recovery made of the rest would only add noise.
        return;
    }
    for (name, value) in document.get_ref() {
        read_top_level(name, value, raw, problems);
    }
}

fn read_top_level(
    name: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
    raw: &mut Raw,
    problems: &mut Problems,
) {
    let text = name.get_ref().as_ref();
    let known_section = SECTIONS.iter().find(|(section, _)| *section == text);
    match (known_section, value.get_ref()) {
        (Some((section, keys)), DeValue::Table(table)) => {
            let read = read_section((*section).to_owned(), name.span(), table, keys, problems);
            raw.sections.insert(section, read);
        }
        (None, DeValue::Table(table)) if text == AUTH => read_auth(table, raw, problems),
        (None, DeValue::Array(_)) if text == "receivers" => {
            raw.receivers = read_list(text, value, RECEIVER_KEYS, problems);
        }
        (None, DeValue::Array(_)) if text == "routes" => {
            raw.routes = read_list(text, value, ROUTE_KEYS, problems);
        }
        (None, DeValue::Array(_)) if text == "slos" => {
            raw.slos = read_list(text, value, SLO_KEYS, problems);
        }
        (None, DeValue::Array(_)) if text == "services" => {
            raw.services = read_list(text, value, SERVICE_KEYS, problems);
        }
        (Some(_), other) => problems.push(
            Problem::new(Origin::File(value.span()), format!("{text} is a section, not {}", kind(other)))
                .hint(format!("write a line [{text}] and its keys below it")),
        ),
        (None, other) if LISTS.contains(&text) => {
            problems.push(no_list(text, other, name.span()));
        }
        (None, other) if text == AUTH => problems.push(
            Problem::new(Origin::File(name.span()), format!("{text} is a section, not {}", kind(other)))
                .hint("write [[auth.tokens]] or [[auth.users]], once for each"),
        ),
        (None, _) => problems.push(unknown_section(text, name.span())),
    }
}

fn read_auth(table: &DeTable<'_>, raw: &mut Raw, problems: &mut Problems) {
    for (name, value) in table {
        let text: &str = name.get_ref().as_ref();
        let (list, keys) = match text {
            "tokens" => (&mut raw.tokens, TOKEN_KEYS),
            "users" => (&mut raw.users, USER_KEYS),
            other => {
                problems.push(unknown_key(AUTH, other, Origin::File(name.span()), AUTH_LISTS));
                continue;
            }
        };
        let path = format!("{AUTH}.{text}");
        match value.get_ref() {
            DeValue::Array(_) => *list = read_list(&path, value, keys, problems),
            other => problems.push(no_list(&path, other, name.span())),
        }
    }
}

fn no_list(name: &str, value: &DeValue<'_>, span: Range<usize>) -> Problem {
    Problem::new(Origin::File(span), format!("{name} is a list of tables, not {}", kind(value)))
        .hint(format!("write [[{name}]] with two brackets, once for each"))
}

fn unknown_section(text: &str, span: Range<usize>) -> Problem {
    let sections = || SECTIONS.iter().map(|(section, _)| *section).chain([AUTH]).chain(LISTS.iter().copied());
    let problem = Problem::new(Origin::File(span), format!("unknown section {text:?}"));
    let homes: Vec<&str> = keys().filter(|(_, key)| *key == text).map(|(section, _)| section).collect();
    match (homes.as_slice(), nearest(text, sections())) {
        ([home, ..], _) => problem.hint(format!("{text} belongs below a line [{home}]")),
        ([], Some(near)) => problem.hint(format!("did you mean {near:?}?")),
        ([], None) => problem.hint(format!("sections are {}", sections().collect::<Vec<_>>().join(", "))),
    }
}

fn read_list(
    name: &str,
    value: &Spanned<DeValue<'_>>,
    keys: &'static [&'static str],
    problems: &mut Problems,
) -> Vec<Section> {
    let DeValue::Array(items) = value.get_ref() else { return Vec::new() };
    let mut sections = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let name = format!("{name}[{i}]");
        match item.get_ref() {
            DeValue::Table(table) => sections.push(read_section(name, item.span(), table, keys, problems)),
            other => problems.push(Problem::new(
                Origin::File(item.span()),
                format!("{name} is a table, not {}", kind(other)),
            )),
        }
    }
    sections
}

fn read_section(
    name: String,
    span: Range<usize>,
    table: &DeTable<'_>,
    keys: &'static [&'static str],
    problems: &mut Problems,
) -> Section {
    let mut section = Section::new(name, Origin::File(span));
    for (key, value) in table {
        match keys.iter().find(|known| **known == key.get_ref().as_ref()) {
            Some(known) => {
                section.fields.insert(known, located(value));
            }
            None => problems.push(unknown_key(&section.name, key.get_ref(), Origin::File(key.span()), keys)),
        }
    }
    section
}

fn unknown_key(section: &str, key: &str, origin: Origin, keys: &'static [&'static str]) -> Problem {
    let problem = Problem::new(origin, format!("unknown key {key:?} in {section}"));
    match nearest(key, keys.iter().copied()) {
        Some(near) => problem.hint(format!("did you mean {near:?}?")),
        None => problem.hint(format!("keys of {section} are {}", keys.join(", "))),
    }
}

fn located(value: &Spanned<DeValue<'_>>) -> Located {
    let read = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.clone().into_owned()),
        DeValue::Integer(number) => Value::Number(number.to_string()),
        DeValue::Float(number) => Value::Number(number.to_string()),
        DeValue::Boolean(yes) => Value::Bool(*yes),
        DeValue::Array(items) => Value::List(items.iter().map(located).collect()),
        other => Value::Other(kind(other)),
    };
    Located { value: read, origin: Origin::File(value.span()) }
}

/// An objective as `[[slos]]` has it, from JSON: the place of a value is its key. What is null is not given.
pub(super) fn slo_of_json(object: &Map<String, serde_json::Value>, problems: &mut Problems) -> Section {
    let mut section = Section::new(OBJECTIVE, Origin::Other(String::new()));
    for (key, value) in object {
        let origin = Origin::Other(key.clone());
        match SLO_KEYS.iter().find(|known| **known == key.as_str()) {
            Some(_) if value.is_null() => {}
            Some(known) => {
                section.fields.insert(known, located_json(value, &origin));
            }
            None => problems.push(unknown_key(&section.name, key, origin, SLO_KEYS)),
        }
    }
    section
}

fn located_json(value: &serde_json::Value, origin: &Origin) -> Located {
    let read = match value {
        serde_json::Value::Null => Value::Other("nothing"),
        serde_json::Value::Bool(yes) => Value::Bool(*yes),
        serde_json::Value::Number(number) => Value::Number(number.to_string()),
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Array(items) => {
            Value::List(items.iter().map(|item| located_json(item, origin)).collect())
        }
        serde_json::Value::Object(_) => Value::Other("an object"),
    };
    Located { value: read, origin: origin.clone() }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn read_variables(env: &BTreeMap<String, String>, raw: &mut Raw, problems: &mut Problems) {
    for (name, text) in env.iter().filter(|(name, _)| name.starts_with("FIRSTFAULT_")) {
        let origin = Origin::Variable(name.clone());
        match keys().find(|(section, key)| variable(section, key) == *name) {
            Some((section, key)) => {
                raw.set(section, key, Located { value: Value::Text(text.clone()), origin });
            }
            None => problems.extend(misspelt_variable(name, origin)),
        }
    }
}

/// A variable that nobody reads is a problem if it is below one of our sections or a slip away from a
/// known name. Others are left alone: Kubernetes sets `FIRSTFAULT_PORT` and the like for a service of our name.
fn misspelt_variable(name: &str, origin: Origin) -> Option<Problem> {
    if OTHER_VARIABLES.contains(&name) {
        return None;
    }
    let known: Vec<String> = keys().map(|(section, key)| variable(section, key)).collect();
    let known = || known.iter().map(String::as_str).chain(OTHER_VARIABLES.iter().copied());
    let in_section = SECTIONS.iter().any(|(section, _)| name.starts_with(&variable(section, "")));
    let near = nearest(name, known()).filter(|near| in_section || distance(name, near) <= 2);
    let problem = Problem::new(origin, "unknown setting");
    match near {
        Some(near) => Some(problem.hint(format!("did you mean {near}?"))),
        None => in_section.then_some(problem),
    }
}

fn keys() -> impl Iterator<Item = (&'static str, &'static str)> {
    SECTIONS.iter().flat_map(|(section, keys)| keys.iter().map(move |key| (*section, *key)))
}

fn variable(section: &str, key: &str) -> String {
    format!("FIRSTFAULT_{}_{}", section.to_ascii_uppercase(), key.to_ascii_uppercase())
}
