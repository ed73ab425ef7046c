//! Tests of the configuration, as data: a file, variables and flags in; a `Config` or a text out.

use super::*;
use expect_test::{Expect, expect};

fn sources(text: &str, env: &[(&str, &str)]) -> Sources {
    let mut env: BTreeMap<String, String> =
        env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    env.entry("HOME".to_owned()).or_insert_with(|| "/home/ada".to_owned());
    Sources { file: Some((PathBuf::from("ff.toml"), text.to_owned())), env, flags: Vec::new() }
}

fn good(text: &str, env: &[(&str, &str)]) -> Config {
    load(&sources(text, env)).unwrap_or_else(|problems| panic!("{problems}"))
}

fn check_env(text: &str, env: &[(&str, &str)], expected: Expect) {
    let problems = load(&sources(text, env)).expect_err("refused");
    expected.assert_eq(&problems.to_string());
}

fn check(text: &str, expected: Expect) {
    check_env(text, &[], expected);
}

/// Scenario: nothing is configured.
/// Guarantees: loopback and the usual ports, a data directory in the home, the documented defaults.
#[test]
fn defaults_stand_alone() {
    let config = good("", &[]);
    assert_eq!(config.listen.otlp_grpc.to_string(), "127.0.0.1:4317");
    assert_eq!(config.listen.otlp_http.to_string(), "127.0.0.1:4318");
    assert_eq!(config.listen.api.to_string(), "127.0.0.1:4320");
    assert_eq!(config.storage.data_dir, PathBuf::from("/home/ada/.local/share/firstfault"));
    assert_eq!(config.storage.wal.sync, storage::WalSync::Always);
    assert_eq!(config.storage.hot.bytes_hard, 2 * config.storage.hot.bytes_soft);
    assert_eq!(config.limits, Limits { request_bytes: 64 << 20, inflight_bytes: 256 << 20 });
    assert_eq!(config.evaluation.interval, Duration::from_secs(10));
    let xdg = good("", &[("XDG_DATA_HOME", "/data")]);
    assert_eq!(xdg.storage.data_dir, PathBuf::from("/data/firstfault"));
}

/// Scenario: every key is given, and one of them again as a variable and as a flag.
/// Guarantees: all are read; the variable wins over the file and the flag over both.
#[test]
fn later_sources_win() {
    let text = r#"
        [listen]
        otlp_grpc = "127.0.0.1:1"
        otlp_http = "localhost:2"
        api = "0.0.0.0:3"
        allow_public = true
        [storage]
        data_dir = "~/ff"
        wal_sync = "interval"
        wal_sync_interval = "250ms"
        hot_bytes = "64MiB"
        flush_interval = "5s"
        [retention]
        traces = "3d"
        logs = "36h"
        metrics = "2w"
        read_models = "90d"
        [limits]
        request_bytes = "1MiB"
        inflight_bytes = "8MB"
        query_memory = "256MiB"
        query_timeout = "1m"
        query_rows = 500
        [evaluation]
        interval = "30s"
        lag = "1m"
        [[receivers]]
        name = "on-call"
        url = "https://example.com/hook?token=1"
        secret_env = "HOOK_SECRET"
        send_resolved = false
        format = "alertmanager"
        [[slos]]
        id = "checkout-latency"
        name = "Checkout is fast"
        service = "checkout"
        operation = "POST /cart"
        indicator = "latency"
        threshold = "300ms"
        target = 99.9
        period = "28d"
        receivers = ["on-call"]
        runbook_url = "https://example.com/runbook"
        events_min = 50
        keep_firing = "10m"
    "#;
    let env = [
        ("HOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("FIRSTFAULT_LISTEN_API", "127.0.0.1:30"),
        ("FIRSTFAULT_LIMITS_QUERY_ROWS", "7"),
        ("FIRSTFAULT_RETENTION_LOGS", "1d"),
    ];
    let mut sources = sources(text, &env);
    sources.flags.push(Flag { flag: "--listen-api", key: "listen.api", text: "127.0.0.1:300".to_owned() });
    let config = load(&sources).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.listen.otlp_http.to_string(), "127.0.0.1:2");
    assert_eq!(config.listen.api.to_string(), "127.0.0.1:300");
    assert_eq!(config.storage.data_dir, PathBuf::from("/home/ada/ff"));
    assert_eq!(config.storage.wal.sync, storage::WalSync::Interval(Duration::from_millis(250)));
    assert_eq!(config.storage.retention.logs, Duration::from_secs(86_400));
    assert_eq!(config.storage.query.rows_max, 7);
    assert_eq!(config.limits, Limits { request_bytes: 1 << 20, inflight_bytes: 8_000_000 });
    let [receiver] = config.receivers.as_slice() else { panic!("one receiver") };
    assert_eq!(
        (receiver.target.to_string().as_str(), receiver.send_resolved),
        ("https://example.com", false)
    );
    assert!(receiver.secret.is_some());
    let [slo] = config.slos.as_slice() else { panic!("one SLO") };
    expect!["99.9 % of checkout POST /cart requests take at most 300 ms over 28 d"]
        .assert_eq(&slo.sentence());
    assert_eq!((slo.spec().n_events_min, slo.spec().keep_firing), (50, Duration::from_secs(600)));
}

/// Scenario: names that do not exist, at every level, some of them near to one that does.
/// Guarantees: all are reported together, in order, with place, text and the likely name.
#[test]
fn unknown_names_are_refused() {
    check(
        "listn = 1\n[listen]\notlp_grcp = \"x\"\ncolour = 3\n[storrage]\n[[slos]]\nid = \"a\"\nobjective = 9\n",
        expect![[r#""#]],
    );
    check("data_dir = \"/x\"\n", expect![[r#""#]]);
    check_env(
        "",
        &[
            ("FIRSTFAULT_LISTEN_APPI", "x"),
            ("FIRSTFAULT_RETENTON_LOGS", "1d"),
            ("FIRSTFAULT_PORT", "tcp://10.0.0.1"),
        ],
        expect![[r#""#]],
    );
}

/// Scenario: values of the wrong kind, without a unit, with a wrong one, out of range.
/// Guarantees: each is reported at its own place with what would be right.
#[test]
fn bad_values_are_refused() {
    check(
        "[retention]\ntraces = 7\nlogs = \"7x\"\n[limits]\nrequest_bytes = \"64\"\nquery_rows = \"many\"\n\
         query_timeout = \"2d\"\n[storage]\nwal_sync = \"sometimes\"\nflush_interval = true\n",
        expect![[r#""#]],
    );
    check("[listen]\napi = \"4320\"\nallow_public = \"yes\"\notlp_http = 4318\n", expect![[r#""#]]);
    check_env(
        "",
        &[("FIRSTFAULT_LISTEN_ALLOW_PUBLIC", "yes"), ("FIRSTFAULT_STORAGE_HOT_BYTES", "1KiB")],
        expect![[r#""#]],
    );
}

/// Scenario: values that are fine alone and cannot work together.
/// Guarantees: each pair is refused, naming both.
#[test]
fn impossible_pairs_are_refused() {
    check("[listen]\notlp_grpc = \"127.0.0.1:4318\"\napi = \"0.0.0.0:4318\"\n", expect![[r#""#]]);
    check("[retention]\ntraces = \"10s\"\n[limits]\ninflight_bytes = \"1MiB\"\n", expect![[r#""#]]);
    check("[storage]\nwal_sync_interval = \"1s\"\n", expect![[r#""#]]);
    let mut homeless = sources("", &[]);
    homeless.env.clear();
    expect![[r#""#]].assert_eq(&load(&homeless).expect_err("no home").to_string());
}

/// Scenario: receivers and SLOs with every kind of mistake.
/// Guarantees: each is reported at its key; no secret and no path of a URL is repeated.
#[test]
fn bad_receivers_and_slos_are_refused() {
    check_env(
        "[[receivers]]\nname = \"a\"\nurl = \"http://example.com/tok3n\"\nsecret_env = \"NOT_SET\"\n\
         [[receivers]]\nname = \"a\"\nurl = \"https://example.com/\"\nsecret_env = \"SHORT\"\nformat = \"slack\"\n\
         [[receivers]]\nurl = \"https://u:p@example.com/\"\n",
        &[("SHORT", "hunter2")],
        expect![[r#""#]],
    );
    check(
        "[[receivers]]\nname = \"on-call\"\nurl = \"https://example.com/\"\n\
         [[slos]]\nid = \"a\"\nservice = \"s\"\nindicator = \"availability\"\ntarget = 100\nreceivers = [\"oncall\", 3]\n\
         [[slos]]\nid = \"a\"\nservice = \"s\"\nindicator = \"latency\"\ntarget = \"99%\"\n\
         [[slos]]\nid = \"A b\"\nservice = \"s\"\nindicator = \"availability\"\nthreshold = \"1s\"\ntarget = 99\n\
         [[slos]]\nid = \"c\"\nservice = \"s\"\nindicator = \"availability\"\ntarget = 99\nperiod = \"500d\"\n\
         [[slos]]\nid = \"c\"\nservice = \"s\"\nindicator = \"latency\"\nthreshold = \"3h\"\ntarget = 99.9\n\
         [[slos]]\n",
        expect![[r#""#]],
    );
}

/// Scenario: text that is not TOML, sections of the wrong shape, control characters.
/// Guarantees: place and cause are told, and nothing moves the reader's cursor.
#[test]
fn broken_files_are_refused() {
    check("[listen]\napi = \n[storage\n", expect![[r#""#]]);
    check("listen = 3\nslos = \"x\"\nreceivers = [1]\n[slo]\n", expect![[r#""#]]);
    check("[listen]\n\tapi = \"\u{1b}[2J\"\n", expect![[r#""#]]);
    check("[listen]\napi = \"a\\u001b\\nb\"\n", expect![[r#""#]]);
}
