//! Second phase: what the values mean, and which of them cannot work together.
//!
//! Each reader takes one key, reports what is wrong with it and goes on with the default, so that one
//! start shows every problem. Files with secrets, certificates and objectives are read here; nothing else is opened.

use super::problem::{Origin, Problem, Problems};
use super::raw::{Located, Raw, Section, Value};
use super::{Config, Evaluation, Limits, Listen};
use crate::columns;
use crate::series_limit;
use crate::units::{self, DURATION_HINT, SIZE_HINT};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;
use storage::{HotOptions, KeptServices, Options, QueryLimits, WalOptions, WalSync};

mod auth;
mod cors;
mod keeping;
pub(super) mod objective;
mod protocols;
mod reach;
mod receivers;
mod routes;
mod services;
mod slo_files;
mod slos;
mod tls;

const MIB: u64 = 1 << 20;
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// No duration in the file is longer: ten years.
const DURATION_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// The configuration these values describe. It is only fit for use if no problem was reported.
pub(super) fn config(raw: &Raw, env: &BTreeMap<String, String>, problems: &mut Problems) -> Config {
    let receivers = receivers::read(raw, env, problems);
    let storage = storage_options(raw, env, problems);
    let mut slos = slos::read(raw, &storage.retention, problems);
    slo_files::read(raw, &receivers, &storage.retention, &mut slos, problems);
    let listen = listen(raw, problems);
    let mut config = Config {
        zipkin: protocols::zipkin(raw, &listen, problems),
        remote_write: protocols::remote_write(raw, problems),
        listen,
        limits: limits(raw, problems),
        evaluation: evaluation(raw, problems),
        tls: tls::read(raw, problems),
        credentials: auth::read(raw, env, problems),
        origins: cors::read(raw, problems),
        storage,
        services: services::read(raw, problems),
        routes: routes::read(raw, problems),
        receivers,
        slos,
    };
    config.storage.kept = kept(&config);
    config
}

/// What somebody watches or owns is never counted under others.
fn kept(config: &Config) -> KeptServices {
    let mut kept: KeptServices =
        config.services.keys().map(|service| (service.clone(), BTreeSet::new())).collect();
    for slo in &config.slos {
        let operations = kept.entry(slo.service().to_owned()).or_default();
        operations.extend(slo.operation().map(str::to_owned));
    }
    kept
}

fn listen(raw: &Raw, problems: &mut Problems) -> Listen {
    let section = raw.section("listen");
    let mut keys = Keys { section: &section, problems };
    let listen = Listen {
        otlp_grpc: keys.address("otlp_grpc", "127.0.0.1:4317"),
        otlp_http: keys.address("otlp_http", "127.0.0.1:4318"),
        api: keys.address("api", "127.0.0.1:4320"),
        allow_public: keys.bool("allow_public", false),
    };
    let named = [("otlp_grpc", listen.otlp_grpc), ("otlp_http", listen.otlp_http), ("api", listen.api)];
    for (i, (key, address)) in named.iter().enumerate() {
        reach::check(&mut keys, raw, key, *address, listen.allow_public);
        let mut earlier = named[..i].iter();
        if let Some((other, other_address)) = earlier.find(|(_, other)| reach::collide(*address, *other)) {
            // Reported where it was written, which may be the other one.
            let at = if keys.section.fields.contains_key(key) { key } else { other };
            let both = format!("{address} for {key} and {other_address} for {other} share a port");
            keys.problem(at, both).hint("give each listener a port of its own").report(keys.problems);
        }
    }
    listen
}

fn storage_options(raw: &Raw, env: &BTreeMap<String, String>, problems: &mut Problems) -> Options {
    let section = raw.section("storage");
    let mut keys = Keys { section: &section, problems };
    let defaults = HotOptions::default();
    let hot_bytes = keys.size("hot_bytes", defaults.bytes_soft, 8 * MIB..=1024 * 1024 * MIB);
    let hot = HotOptions {
        bytes_soft: hot_bytes,
        // Room for what arrives while a flush runs: as much again.
        bytes_hard: hot_bytes * 2,
        flush_interval: keys.duration("flush_interval", defaults.flush_interval, SECOND..=DAY),
    };
    let wal = WalOptions { sync: wal_sync(&mut keys), ..WalOptions::default() };
    let data_dir = data_dir(&mut keys, env);
    let compaction = keeping::compaction(raw, problems);
    Options {
        retention: keeping::retention(raw, hot.flush_interval, &compaction, problems),
        compaction,
        query: query_limits(raw, problems),
        hot,
        wal,
        ..Options::new(data_dir)
    }
}

fn wal_sync(keys: &mut Keys<'_>) -> WalSync {
    let is_interval = keys.choice("wal_sync", &["always", "interval"]) == Some("interval");
    let given = keys.section.fields.contains_key("wal_sync_interval");
    let interval = keys.duration("wal_sync_interval", SECOND, Duration::from_millis(10)..=60 * SECOND);
    if given && !is_interval {
        keys.problem("wal_sync_interval", "has no effect while wal_sync is \"always\"")
            .hint("set wal_sync = \"interval\", which may lose that much at a power cut, or remove this key")
            .report(keys.problems);
    }
    if is_interval { WalSync::Interval(interval) } else { WalSync::Always }
}

fn data_dir(keys: &mut Keys<'_>, env: &BTreeMap<String, String>) -> PathBuf {
    let variable = |name: &str| env.get(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some(text) = keys.text("data_dir") {
        return match (text.strip_prefix("~/"), variable("HOME")) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(text),
        };
    }
    let data_home = variable("XDG_DATA_HOME").filter(|path| path.is_absolute());
    match data_home.or_else(|| Some(variable("HOME")?.join(".local/share"))) {
        Some(data_home) => data_home.join("firstfault"),
        None => {
            keys.problem("data_dir", "has no default, because neither HOME nor XDG_DATA_HOME is set")
                .hint("name a directory with --data-dir, storage.data_dir or FIRSTFAULT_STORAGE_DATA_DIR")
                .report(keys.problems);
            PathBuf::new()
        }
    }
}

fn query_limits(raw: &Raw, problems: &mut Problems) -> QueryLimits {
    let section = raw.section("limits");
    let mut keys = Keys { section: &section, problems };
    let defaults = QueryLimits::default();
    let memory = keys.size("query_memory", defaults.memory_bytes as u64, 16 * MIB..=1024 * 1024 * MIB);
    QueryLimits {
        memory_bytes: to_usize(memory),
        spill_bytes_max: keys.size("query_spill", defaults.spill_bytes_max, 0..=1024 * 1024 * MIB),
        timeout: keys.duration("query_timeout", defaults.timeout, SECOND..=HOUR),
        rows_max: to_usize(keys.integer("query_rows", defaults.rows_max as u64, 1..=10_000_000)),
        ..defaults
    }
}

fn limits(raw: &Raw, problems: &mut Problems) -> Limits {
    let section = raw.section("limits");
    let mut keys = Keys { section: &section, problems };
    // Larger requests would not fit the 2 GiB of text that one Arrow column can hold.
    let request_bytes = keys.size("request_bytes", 64 * MIB, 1024..=256 * MIB);
    // Four of the largest requests at once, so that one client cannot keep all others out.
    let inflight_bytes = keys.size("inflight_bytes", 4 * request_bytes, 1024..=1024 * 1024 * MIB);
    if inflight_bytes < request_bytes {
        let shown = units::show_size(request_bytes);
        keys.problem("inflight_bytes", format!("is smaller than limits.request_bytes ({shown})"))
            .hint("a single request of the allowed size would never be let in")
            .report(keys.problems);
    }
    Limits {
        request_bytes: to_usize(request_bytes),
        inflight_bytes: to_usize(inflight_bytes),
        items: item_limits(&mut keys),
        // As many as are remembered of all metrics together.
        series_max: to_usize(keys.integer("series_max", 50_000, 1..=series_limit::REMEMBERED_MAX as u64)),
    }
}

fn item_limits(keys: &mut Keys<'_>) -> columns::Limits {
    let defaults = columns::Limits::default();
    let bytes = keys.size("attribute_bytes_max", defaults.attribute_bytes_max as u64, 64..=16 * MIB);
    columns::Limits {
        attributes_max: to_usize(keys.integer("attributes_max", defaults.attributes_max as u64, 1..=65_536)),
        attribute_bytes_max: to_usize(bytes),
        events_max: to_usize(keys.integer("events_max", defaults.events_max as u64, 0..=1_000_000)),
        links_max: to_usize(keys.integer("links_max", defaults.links_max as u64, 0..=1_000_000)),
    }
}

fn evaluation(raw: &Raw, problems: &mut Problems) -> Evaluation {
    let section = raw.section("evaluation");
    let mut keys = Keys { section: &section, problems };
    Evaluation {
        interval: keys.duration("interval", 10 * SECOND, SECOND..=HOUR),
        lag: keys.duration("lag", 30 * SECOND, Duration::ZERO..=HOUR),
    }
}

/// 32-bit machines get the largest size they can address.
fn to_usize(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// Reads keys of one section, reporting what is wrong with each.
struct Keys<'a> {
    section: &'a Section,
    problems: &'a mut Problems,
}

impl Keys<'_> {
    /// A problem with a key's value, or with its absence.
    fn problem(&self, key: &str, message: impl AsRef<str>) -> Problem {
        let origin =
            self.section.fields.get(key).map_or(self.section.origin.clone(), |field| field.origin.clone());
        Problem::new(origin, format!("{}.{key}: {}", self.section.name, message.as_ref()))
    }

    fn text(&mut self, key: &str) -> Option<String> {
        match &self.section.fields.get(key)?.value {
            Value::Text(text) if text.trim().is_empty() => {
                self.problem(key, "is empty").report(self.problems);
                None
            }
            Value::Text(text) => Some(text.clone()),
            other => {
                self.wrong_kind(key, other, "text").hint("write it in quotation marks").report(self.problems);
                None
            }
        }
    }

    fn wrong_kind(&self, key: &str, value: &Value, wanted: &str) -> Problem {
        self.problem(key, format!("{} is not {wanted}", show(value)))
    }

    fn bool(&mut self, key: &str, default: bool) -> bool {
        match self.section.fields.get(key).map(|field| &field.value) {
            None => default,
            Some(Value::Bool(yes)) => *yes,
            Some(Value::Text(text)) if self.is_outside_file(key) && text == "true" => true,
            Some(Value::Text(text)) if self.is_outside_file(key) && text == "false" => false,
            Some(other) => {
                self.wrong_kind(key, other, "true or false").report(self.problems);
                default
            }
        }
    }

    /// Variables and flags are always text; in the file a number has no quotation marks.
    fn is_outside_file(&self, key: &str) -> bool {
        self.section.fields.get(key).is_some_and(|field| !matches!(field.origin, Origin::File(_)))
    }

    fn integer(&mut self, key: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let value = match self.section.fields.get(key).map(|field| &field.value) {
            None => return default,
            Some(Value::Number(text)) => text.parse().ok(),
            Some(Value::Text(text)) if self.is_outside_file(key) => text.trim().parse().ok(),
            Some(_) => None,
        };
        match value {
            Some(value) if range.contains(&value) => value,
            _ => {
                let value = self.section.fields.get(key).map(|field| show(&field.value)).unwrap_or_default();
                let wanted =
                    format!("{value} is not a whole number from {} to {}", range.start(), range.end());
                self.problem(key, wanted).report(self.problems);
                default
            }
        }
    }

    fn duration(&mut self, key: &str, default: Duration, range: RangeInclusive<Duration>) -> Duration {
        let read = self.unit(key, "duration", units::duration, DURATION_HINT);
        self.in_range(key, read, range, units::show_duration).unwrap_or(default)
    }

    fn size(&mut self, key: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let read = self.unit(key, "size", units::size, SIZE_HINT);
        self.in_range(key, read, range, units::show_size).unwrap_or(default)
    }

    /// As `size`, for a bound that need not be there.
    fn optional_size(&mut self, key: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let read = self.unit(key, "size", units::size, SIZE_HINT);
        self.in_range(key, read, range, units::show_size)
    }

    fn unit<T>(&mut self, key: &str, what: &str, parse: fn(&str) -> Option<T>, hint: &str) -> Option<T> {
        let value = &self.section.fields.get(key)?.value;
        let parsed = if let Value::Text(text) = value { parse(text) } else { None };
        if parsed.is_none() {
            self.problem(key, format!("{} is not a {what}", show(value))).hint(hint).report(self.problems);
        }
        parsed
    }

    fn in_range<T: PartialOrd + Copy>(
        &mut self,
        key: &str,
        value: Option<T>,
        range: RangeInclusive<T>,
        show: fn(T) -> String,
    ) -> Option<T> {
        let value = value?;
        if range.contains(&value) {
            return Some(value);
        }
        let (low, high) = (show(*range.start()), show(*range.end()));
        self.problem(key, format!("{} is not between {low} and {high}", show(value))).report(self.problems);
        None
    }

    /// One of a few words; `None` where the key is absent or wrong.
    fn choice(&mut self, key: &str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.text(key)?;
        let found = words.iter().find(|word| **word == text).copied();
        if found.is_none() {
            let allowed = words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" or ");
            self.problem(key, format!("{text:?} is not {allowed}")).report(self.problems);
        }
        found
    }

    fn address(&mut self, key: &str, default: &str) -> SocketAddr {
        let default = default.parse().expect("defaults are addresses");
        let Some(text) = self.text(key) else { return default };
        // The one name that means the same address on every machine.
        let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        numeric.as_deref().unwrap_or(&text).parse().unwrap_or_else(|_| {
            self.problem(key, format!("{text:?} is not an address to listen on"))
                .hint(format!(
                    "write an IP address and a port, such as \"{default}\"; port 0 takes any free one"
                ))
                .report(self.problems);
            default
        })
    }

    /// A key that must be there.
    fn required(&mut self, key: &str, example: &str) -> Option<String> {
        if !self.section.fields.contains_key(key) {
            self.problem(key, "is missing").hint(format!("add {key} = {example}")).report(self.problems);
        }
        self.text(key)
    }
}

impl Problem {
    fn report(self, problems: &mut Problems) {
        problems.push(self);
    }
}

/// The offending text, as it was written where that is possible.
fn show(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("{text:?}"),
        Value::Number(text) => text.clone(),
        Value::Bool(yes) => yes.to_string(),
        Value::List(_) => "a list".to_owned(),
        Value::Other(kind) => (*kind).to_owned(),
    }
}

/// Sections whose `key` repeats the text of an earlier one; `what` says whose key it is. Looked at before anything else
/// of a section, so that another fault does not hide it.
fn report_repeated(sections: &[Section], key: &str, what: &str, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for section in sections {
        let Some(Located { value: Value::Text(text), origin }) = section.fields.get(key) else { continue };
        if !seen.insert(text) {
            let message = format!("{}.{key}: {text:?} is the {key} of another {what}", section.name);
            problems.push(Problem::new(origin.clone(), message));
        }
    }
}

/// Items of a list of strings, each with its place.
fn strings<'a>(keys: &mut Keys<'a>, key: &str) -> Vec<(String, Origin)> {
    let Some(field) = keys.section.fields.get(key) else { return Vec::new() };
    let Value::List(items) = &field.value else {
        keys.wrong_kind(key, &field.value, "a list")
            .hint(format!("write {key} = [\"...\"]"))
            .report(keys.problems);
        return Vec::new();
    };
    let mut texts = Vec::new();
    for Located { value, origin } in items {
        match value {
            Value::Text(text) => texts.push((text.clone(), origin.clone())),
            other => keys.problems.push(Problem::new(
                origin.clone(),
                format!("{}.{key}: {} is not text", keys.section.name, show(other)),
            )),
        }
    }
    texts
}
