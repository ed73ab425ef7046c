//! Tests of the configuration, as data: a file, variables and flags in; a `Config` or a text out.

use super::*;
use crate::auth::{Kind, Rates};
use expect_test::{Expect, expect};

mod receivers;
mod services;
mod slo_files;

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

/// Scenario: the retention of read models is set by the name of earlier versions, shorter than a default, and not at
/// all.
/// Guarantees: it is that of hours; finer buckets are kept no longer than coarser ones.
#[test]
fn read_models_have_three_ages() {
    let ages = |text: &str| {
        let ages = good(text, &[]).storage.retention.read_models;
        [ages.ten_seconds, ages.minute, ages.hour].map(|age| age.as_secs() / 86_400)
    };
    assert_eq!(ages(""), [7, 40, 400]);
    assert_eq!(ages("[retention]\nread_models = \"90d\"\n"), [7, 40, 90]);
    assert_eq!(ages("[retention]\nread_models = \"20d\"\n"), [7, 20, 20]);
    assert_eq!(ages("[retention]\nread_models_1m = \"3d\"\nread_models_1h = \"30d\"\n"), [3, 3, 30]);
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
    let (request_bytes, inflight_bytes, items) = (64 << 20, 256 << 20, columns::Limits::default());
    assert_eq!(config.limits, Limits { request_bytes, inflight_bytes, items, series_max: 50_000 });
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
        read_models_10s = "3d"
        read_models_1m = "30d"
        read_models_1h = "90d"
        traces_bytes = "50GiB"
        read_models_bytes = "1GB"
        [compaction]
        automatic = false
        segments = 4
        segment_bytes = "32MiB"
        segment_rows = 100_000
        [limits]
        request_bytes = "1MiB"
        inflight_bytes = "8MB"
        attributes_max = 100
        attribute_bytes_max = "8KiB"
        events_max = 0
        links_max = 10
        series_max = 1000
        query_memory = "256MiB"
        query_spill = "1GiB"
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
        kind = "webhook"
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
    let day = Duration::from_secs(86_400);
    let ages = storage::ReadModelAges { ten_seconds: 3 * day, minute: 30 * day, hour: 90 * day };
    assert_eq!(config.storage.retention.read_models, ages);
    let bytes_max = config.storage.retention.bytes_max;
    assert_eq!((bytes_max.traces, bytes_max.logs), (Some(50 << 30), None));
    assert_eq!((bytes_max.metrics, bytes_max.read_models), (None, Some(1_000_000_000)));
    let storage::Compaction { is_automatic, segments_min, segment_bytes_max, segment_rows_max } =
        config.storage.compaction;
    assert_eq!(
        (is_automatic, segments_min, segment_bytes_max, segment_rows_max),
        (false, 4, 32 << 20, 100_000)
    );
    assert_eq!(config.storage.query.rows_max, 7);
    assert_eq!(config.storage.query.spill_bytes_max, 1 << 30);
    let items =
        columns::Limits { attributes_max: 100, attribute_bytes_max: 8 << 10, events_max: 0, links_max: 10 };
    let (request_bytes, inflight_bytes, series_max) = (1 << 20, 8_000_000, 1_000);
    assert_eq!(config.limits, Limits { request_bytes, inflight_bytes, items, series_max });
    let [receiver] = config.receivers.as_slice() else { panic!("one receiver") };
    assert_eq!((receiver.kind.to_string().as_str(), receiver.send_resolved), ("https://example.com", false));
    let alerts::Kind::Webhook(hook) = &receiver.kind else { panic!("a webhook") };
    assert!(hook.secret.is_some());
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
        expect![[r#"
            ff.toml:1:1: unknown section "listn"
              1 | listn = 1
                | ^^^^^
              hint: did you mean "listen"?

            ff.toml:3:1: unknown key "otlp_grcp" in listen
              3 | otlp_grcp = "x"
                | ^^^^^^^^^
              hint: did you mean "otlp_grpc"?

            ff.toml:4:1: unknown key "colour" in listen
              4 | colour = 3
                | ^^^^^^
              hint: keys of listen are otlp_grpc, otlp_http, api, allow_public

            ff.toml:5:2: unknown section "storrage"
              5 | [storrage]
                |  ^^^^^^^^
              hint: did you mean "storage"?

            ff.toml:6:1: slos[0].service: is missing
              6 | [[slos]]
                | ^^^^^^^^
              hint: add service = "checkout"

            ff.toml:6:1: slos[0].indicator: is missing
              6 | [[slos]]
                | ^^^^^^^^
              hint: add indicator = "availability", "latency" or "ratio"

            ff.toml:6:1: slos[0].target: is missing
              6 | [[slos]]
                | ^^^^^^^^
              hint: add target = 99.9

            ff.toml:8:1: unknown key "objective" in slos[0]
              8 | objective = 9
                | ^^^^^^^^^
              hint: keys of slos[0] are id, name, description, service, operation, filter, indicator, threshold, good_metric, good_filter, good_sql, bad_metric, bad_filter, bad_sql, total_metric, total_filter, total_sql, timeslice, timeslice_target, target, period, calendar, calendar_start, time_zone, receivers, runbook_url, events_min, bad_min, for, keep_firing"#]],
    );
    check(
        "data_dir = \"/x\"\n",
        expect![[r#"
        ff.toml:1:1: unknown section "data_dir"
          1 | data_dir = "/x"
            | ^^^^^^^^
          hint: data_dir belongs below a line [storage]"#]],
    );
    check_env(
        "",
        &[
            ("FIRSTFAULT_LISTEN_APPI", "x"),
            ("FIRSTFAULT_RETENTON_LOGS", "1d"),
            ("FIRSTFAULT_PORT", "tcp://10.0.0.1"),
        ],
        expect![[r#"
            environment variable FIRSTFAULT_LISTEN_APPI: unknown setting
              hint: did you mean FIRSTFAULT_LISTEN_API?

            environment variable FIRSTFAULT_RETENTON_LOGS: unknown setting
              hint: did you mean FIRSTFAULT_RETENTION_LOGS?"#]],
    );
}

/// Scenario: values of the wrong kind, without a unit, with a wrong one, out of range.
/// Guarantees: each is reported at its own place with what would be right.
#[test]
fn bad_values_are_refused() {
    check(
        "[retention]\ntraces = 7\nlogs = \"7x\"\n[limits]\nrequest_bytes = \"64\"\nquery_rows = \"many\"\n\
         query_timeout = \"2d\"\n[storage]\nwal_sync = \"sometimes\"\nflush_interval = true\n",
        expect![[r#"
            ff.toml:2:10: retention.traces: 7 is not a duration
              2 | traces = 7
                |          ^
              hint: write a number and a unit (ns, us, ms, s, m, h, d, w), such as "300ms" or "7d"

            ff.toml:3:8: retention.logs: "7x" is not a duration
              3 | logs = "7x"
                |        ^^^^
              hint: write a number and a unit (ns, us, ms, s, m, h, d, w), such as "300ms" or "7d"

            ff.toml:5:17: limits.request_bytes: "64" is not a size
              5 | request_bytes = "64"
                |                 ^^^^
              hint: write a number and a unit (B, kB, MB, GB, TB, KiB, MiB, GiB, TiB), such as "64MiB"

            ff.toml:6:14: limits.query_rows: "many" is not a whole number from 1 to 10000000
              6 | query_rows = "many"
                |              ^^^^^^

            ff.toml:7:17: limits.query_timeout: 2d is not between 1s and 1h
              7 | query_timeout = "2d"
                |                 ^^^^

            ff.toml:9:12: storage.wal_sync: "sometimes" is not "always" or "interval"
              9 | wal_sync = "sometimes"
                |            ^^^^^^^^^^^

            ff.toml:10:18: storage.flush_interval: true is not a duration
              10 | flush_interval = true
                 |                  ^^^^
              hint: write a number and a unit (ns, us, ms, s, m, h, d, w), such as "300ms" or "7d""#]],
    );
    check(
        "[listen]\napi = \"4320\"\nallow_public = \"yes\"\notlp_http = 4318\n",
        expect![[r#"
        ff.toml:2:7: listen.api: "4320" is not an address to listen on
          2 | api = "4320"
            |       ^^^^^^
          hint: write an IP address and a port, such as "127.0.0.1:4320"; port 0 takes any free one

        ff.toml:3:16: listen.allow_public: "yes" is not true or false
          3 | allow_public = "yes"
            |                ^^^^^

        ff.toml:4:13: listen.otlp_http: 4318 is not text
          4 | otlp_http = 4318
            |             ^^^^
          hint: write it in quotation marks"#]],
    );
    check_env(
        "",
        &[("FIRSTFAULT_LISTEN_ALLOW_PUBLIC", "yes"), ("FIRSTFAULT_STORAGE_HOT_BYTES", "1KiB")],
        expect![[r#"
            environment variable FIRSTFAULT_STORAGE_HOT_BYTES: storage.hot_bytes: 1KiB is not between 8MiB and 1TiB

            environment variable FIRSTFAULT_LISTEN_ALLOW_PUBLIC: listen.allow_public: "yes" is not true or false"#]],
    );
}

/// Scenario: values that are fine alone and cannot work together.
/// Guarantees: each pair is refused, naming both.
#[test]
fn impossible_pairs_are_refused() {
    check(
        "[listen]\notlp_grpc = \"127.0.0.1:4318\"\napi = \"0.0.0.0:4318\"\n",
        expect![[r#"
        ff.toml:2:13: listen.otlp_grpc: 127.0.0.1:4318 for otlp_http and 127.0.0.1:4318 for otlp_grpc share a port
          2 | otlp_grpc = "127.0.0.1:4318"
            |             ^^^^^^^^^^^^^^^^
          hint: give each listener a port of its own

        ff.toml:3:7: listen.api: 0.0.0.0:4318 is reachable from other machines, and nothing asks for credentials
          3 | api = "0.0.0.0:4318"
            |       ^^^^^^^^^^^^^^
          hint: use 127.0.0.1, add [[auth.users]], or set listen.allow_public = true if the network is trusted

        ff.toml:3:7: listen.api: 0.0.0.0:4318 for api and 127.0.0.1:4318 for otlp_grpc share a port
          3 | api = "0.0.0.0:4318"
            |       ^^^^^^^^^^^^^^
          hint: give each listener a port of its own"#]],
    );
    check(
        "[retention]\ntraces = \"10s\"\n[limits]\ninflight_bytes = \"1MiB\"\n",
        expect![[r#"
        ff.toml:2:10: retention.traces: is shorter than storage.flush_interval (1m)
          2 | traces = "10s"
            |          ^^^^^
          hint: data would expire before it is written to a segment

        ff.toml:4:18: limits.inflight_bytes: is smaller than limits.request_bytes (64MiB)
          4 | inflight_bytes = "1MiB"
            |                  ^^^^^^
          hint: a single request of the allowed size would never be let in"#]],
    );
    check(
        "[retention]\nread_models = \"60d\"\nread_models_1m = \"90d\"\nread_models_10s = \"10s\"\n",
        expect![[r#"
        ff.toml:3:18: retention.read_models_1m: is longer than retention.read_models (60d)
          3 | read_models_1m = "90d"
            |                  ^^^^^
          hint: long ranges are read from the coarser buckets: keep those at least as long

        ff.toml:4:19: retention.read_models_10s: is shorter than storage.flush_interval (1m)
          4 | read_models_10s = "10s"
            |                   ^^^^^
          hint: data would expire before it is written to a segment"#]],
    );
    check(
        "[retention]\nread_models = \"60d\"\nread_models_1h = \"90d\"\n",
        expect![[r#"
        ff.toml:2:15: retention.read_models: is the older name of retention.read_models_1h, which is set too
          2 | read_models = "60d"
            |               ^^^^^
          hint: remove one of them"#]],
    );
    check(
        "[retention]\nlogs_bytes = \"511MiB\"\nmetrics_bytes = \"512MiB\"\n[compaction]\nsegments = 1\n",
        expect![[r#"
        ff.toml:2:14: retention.logs_bytes: is less than 4 times compaction.segment_bytes (128MiB)
          2 | logs_bytes = "511MiB"
            |              ^^^^^^^^
          hint: segments leave whole: allow more bytes, or make segments smaller

        ff.toml:5:12: compaction.segments: 1 is not a whole number from 2 to 32
          5 | segments = 1
            |            ^"#]],
    );
    check(
        "[storage]\nwal_sync_interval = \"1s\"\n",
        expect![[r#"
        ff.toml:2:21: storage.wal_sync_interval: has no effect while wal_sync is "always"
          2 | wal_sync_interval = "1s"
            |                     ^^^^
          hint: set wal_sync = "interval", which may lose that much at a power cut, or remove this key"#]],
    );
    let mut homeless = sources("", &[]);
    homeless.env.clear();
    expect![[r#"
        default value: storage.data_dir: has no default, because neither HOME nor XDG_DATA_HOME is set
          hint: name a directory with --data-dir, storage.data_dir or FIRSTFAULT_STORAGE_DATA_DIR"#]]
    .assert_eq(&load(&homeless).expect_err("no home").to_string());
}

/// Scenario: protocols beside OTLP are not mentioned, turned on, and configured in ways that cannot work.
/// Guarantees: nothing is on unless asked for; Zipkin's port keeps the rules of the other ports.
#[test]
fn protocols_beside_otlp_are_asked_for() {
    let config = good("", &[]);
    assert_eq!((config.zipkin, config.remote_write), (None, false));
    let config = good("[zipkin]\nenabled = true\n", &[("FIRSTFAULT_REMOTE_WRITE_ENABLED", "true")]);
    assert_eq!((config.zipkin, config.remote_write), (Some(Zipkin { listen: None }), true));
    let config = good("[zipkin]\nenabled = true\nlisten = \"localhost:9411\"\n", &[]);
    let listen = config.zipkin.and_then(|zipkin| zipkin.listen).expect("a port of its own");
    assert_eq!(listen.to_string(), "127.0.0.1:9411");
    let token = [("CI_TOKEN", "0123456789abcdef-ci")];
    let reachable = "[zipkin]\nenabled = true\nlisten = \"0.0.0.0:9411\"\n\
                     [[auth.tokens]]\nname = \"ci\"\nsecret_env = \"CI_TOKEN\"\n";
    assert!(good(reachable, &token).zipkin.is_some());
    check(
        "[zipkin]\nlisten = \"127.0.0.1:9411\"\n",
        expect![[r#"
            ff.toml:2:10: zipkin.listen: has no effect while zipkin.enabled is false
              2 | listen = "127.0.0.1:9411"
                |          ^^^^^^^^^^^^^^^^
              hint: set enabled = true, or remove this key"#]],
    );
    check(
        "[zipkin]\nenabled = true\nlisten = \"0.0.0.0:4318\"\n[remote_write]\nenabled = 1\n",
        expect![[r#"
            ff.toml:3:10: zipkin.listen: 0.0.0.0:4318 is reachable from other machines, and nothing asks for credentials
              3 | listen = "0.0.0.0:4318"
                |          ^^^^^^^^^^^^^^
              hint: use 127.0.0.1, add [[auth.tokens]], or set listen.allow_public = true if the network is trusted

            ff.toml:3:10: zipkin.listen: 0.0.0.0:4318 and 127.0.0.1:4318 for listen.otlp_http share a port
              3 | listen = "0.0.0.0:4318"
                |          ^^^^^^^^^^^^^^
              hint: choose another port, or remove this key to share that of OTLP/HTTP

            ff.toml:5:11: remote_write.enabled: 1 is not true or false
              5 | enabled = 1
                |           ^"#]],
    );
}

/// Scenario: receivers and SLOs with every kind of mistake.
/// Guarantees: each is reported at its key; no secret and no path of a URL is repeated.
#[test]
fn bad_receivers_and_slos_are_refused() {
    check_env(
        "[[receivers]]\nname = \"a\"\nurl = \"http://example.com/tok3n\"\nsecret_env = \"NOT_SET\"\n\
         [[receivers]]\nname = \"a\"\nurl = \"https://example.com/\"\nsecret_env = \"SHORT\"\n\
         [[receivers]]\nurl = \"https://u:p@example.com/\"\n\
         [[receivers]]\nname = \"b\"\nkind = \"pager\"\n",
        &[("SHORT", "hunter2")],
        expect![[r#"
            ff.toml:3:7: receivers[0].url: plain http is only for internal receivers: use https, or set allow_private_targets = true

            ff.toml:4:14: receivers[0].secret_env: environment variable "NOT_SET" is not set
              4 | secret_env = "NOT_SET"
                |              ^^^^^^^^^

            ff.toml:6:8: receivers[1].name: "a" is the name of another receiver
              6 | name = "a"
                |        ^^^

            ff.toml:8:14: receivers[1].secret_env: the secret must be "whsec_" and base64; `echo whsec_$(openssl rand -base64 32)` makes one
              8 | secret_env = "SHORT"
                |              ^^^^^^^

            ff.toml:9:1: receivers[2].name: is missing
              9 | [[receivers]]
                | ^^^^^^^^^^^^^
              hint: add name = "on-call"

            ff.toml:10:7: receivers[2].url: the url must not hold a user name or password; use a path, a query or a signing secret

            ff.toml:13:8: receivers[3].kind: "pager" is not "webhook" or "standard-webhooks" or "alertmanager" or "pagerduty" or "slack" or "teams" or "discord" or "mattermost" or "email"
              13 | kind = "pager"
                 |        ^^^^^^^"#]],
    );
    check(
        "[[receivers]]\nname = \"on-call\"\nurl = \"https://example.com/\"\n\
         [[slos]]\nid = \"a\"\nservice = \"s\"\nindicator = \"availability\"\ntarget = 100\nreceivers = [\"oncall\", 3]\n\
         [[slos]]\nid = \"a\"\nservice = \"s\"\nindicator = \"latency\"\ntarget = \"99%\"\n\
         [[slos]]\nid = \"A b\"\nservice = \"s\"\nindicator = \"availability\"\nthreshold = \"1s\"\ntarget = 99\n\
         [[slos]]\nid = \"c\"\nservice = \"s\"\nindicator = \"availability\"\ntarget = 99\nperiod = \"500d\"\n\
         [[slos]]\nid = \"c\"\nservice = \"s\"\nindicator = \"latency\"\nthreshold = \"3h\"\ntarget = 99.9\n\
         [[slos]]\n",
        expect![[r#"
            ff.toml:8:10: slos[0].target: target 100 is out of range: it is a percentage above 0 and below 100, for example 99.9
              8 | target = 100
                |          ^^^

            ff.toml:9:14: slos[0].receivers: no receiver is called "oncall"
              9 | receivers = ["oncall", 3]
                |              ^^^^^^^^
              hint: did you mean "on-call"?

            ff.toml:9:24: slos[0].receivers: 3 is not text
              9 | receivers = ["oncall", 3]
                |                        ^

            ff.toml:10:1: slos[1].threshold: is missing
              10 | [[slos]]
                 | ^^^^^^^^
              hint: add threshold = "300ms"

            ff.toml:11:6: slos[1].id: "a" is the id of another SLO
              11 | id = "a"
                 |      ^^^

            ff.toml:14:10: slos[1].target: "99%" is not a percentage
              14 | target = "99%"
                 |          ^^^^^
              hint: write a number without quotation marks, such as 99.9

            ff.toml:19:13: slos[2].threshold: has no effect on an availability indicator
              19 | threshold = "1s"
                 |             ^^^^
              hint: set indicator = "latency", or remove this key

            ff.toml:26:10: slos[3].period: is longer than retention.read_models_1h (400d)
              26 | period = "500d"
                 |          ^^^^^^
              hint: the objective could never be measured in full

            ff.toml:26:10: slos[3].period: period 500 d is out of range: take 1 d to 366 d; at 1 d the shortest window is already the smallest slice of 10 s
              26 | period = "500d"
                 |          ^^^^^^

            ff.toml:28:6: slos[4].id: "c" is the id of another SLO
              28 | id = "c"
                 |      ^^^

            ff.toml:31:13: slos[4].threshold: threshold must be at least 1 ms and at most 1 h, for example "300ms"
              31 | threshold = "3h"
                 |             ^^^^

            ff.toml:33:1: slos[5].id: is missing
              33 | [[slos]]
                 | ^^^^^^^^
              hint: add id = "checkout-availability"

            ff.toml:33:1: slos[5].service: is missing
              33 | [[slos]]
                 | ^^^^^^^^
              hint: add service = "checkout"

            ff.toml:33:1: slos[5].indicator: is missing
              33 | [[slos]]
                 | ^^^^^^^^
              hint: add indicator = "availability", "latency" or "ratio"

            ff.toml:33:1: slos[5].target: is missing
              33 | [[slos]]
                 | ^^^^^^^^
              hint: add target = 99.9"#]],
    );
}

/// Scenario: text that is not TOML, sections of the wrong shape, control characters.
/// Guarantees: place and cause are told, and nothing moves the reader's cursor.
#[test]
fn broken_files_are_refused() {
    check(
        "[listen]\napi = \n[storage\n",
        expect![[r#"
        ff.toml:2:7: string values must be quoted, expected literal string
          2 | api = 
            |       ^

        ff.toml:3:9: unclosed table, expected `]`
          3 | [storage
            |         ^"#]],
    );
    check(
        "listen = 3\nslos = \"x\"\nreceivers = [1]\n[slo]\n",
        expect![[r#"
        ff.toml:1:10: listen is a section, not a number
          1 | listen = 3
            |          ^
          hint: write a line [listen] and its keys below it

        ff.toml:2:1: slos is a list of tables, not a string
          2 | slos = "x"
            | ^^^^
          hint: write [[slos]] with two brackets, once for each

        ff.toml:3:14: receivers[0] is a table, not a number
          3 | receivers = [1]
            |              ^

        ff.toml:4:2: unknown section "slo"
          4 | [slo]
            |  ^^^
          hint: did you mean "slos"?"#]],
    );
    check(
        "[listen]\n\tapi = \"\u{1b}[2J\"\n",
        expect![[r#"
        ff.toml:2:9: invalid basic string, expected non-double-quote visible characters, `\`
          2 |  api = "\u{1b}[2J"
            |         ^^^^^^"#]],
    );
    check(
        "[listen]\napi = \"a\\u001b\\nb\"\n",
        expect![[r#"
        ff.toml:2:7: listen.api: "a\u{1b}\nb" is not an address to listen on
          2 | api = "a\u001b\nb"
            |       ^^^^^^^^^^^^
          hint: write an IP address and a port, such as "127.0.0.1:4320"; port 0 takes any free one"#]],
    );
}

/// Scenario: tokens, users, pages and certificates for clients are configured, and ports that others reach.
/// Guarantees: all are read; what asks for credentials at a port makes it fit to be reached; no secret is kept.
#[test]
fn doors_with_credentials_may_be_reached() {
    let env = [("CI_TOKEN", "0123456789abcdef-ci"), ("ADA", "correct horse")];
    let tokens = "[[auth.tokens]]\nname = \"ci\"\nsecret_env = \"CI_TOKEN\"\nitems_per_second = 500\n";
    let users = "[[auth.users]]\nname = \"ada\"\npassword_env = \"ADA\"\nbytes_per_second = \"1MiB\"\n";
    let otlp = "[listen]\notlp_grpc = \"0.0.0.0:1\"\notlp_http = \"[::]:2\"\n";
    let all = "[listen]\notlp_grpc = \"0.0.0.0:1\"\napi = \"0.0.0.0:3\"\n";
    let config = good(&format!("{otlp}{tokens}"), &env);
    let [token] = config.credentials.as_slice() else { panic!("one token") };
    assert_eq!((token.kind, token.name.as_str()), (Kind::Token, "ci"));
    assert_eq!(token.rates, Rates { items_per_second: Some(500), bytes_per_second: None });
    let config = good(&format!("{all}{users}{tokens}"), &env);
    let rates: Vec<_> = config.credentials.iter().map(|one| (one.kind, one.rates.bytes_per_second)).collect();
    assert_eq!(rates, [(Kind::Token, None), (Kind::User, Some(1 << 20))]);
    let shown = format!("{config:?}");
    assert!(!shown.contains("0123456789abcdef") && !shown.contains("horse"), "{shown}");

    let origins = "[cors]\nallowed_origins = [\"https://app.example.com\", \"http://localhost:3000\"]\n";
    let Origins::Named(origins) = good(origins, &[]).origins else { panic!("named") };
    assert_eq!(origins, ["https://app.example.com", "http://localhost:3000"]);
    assert_eq!(good("[cors]\nallowed_origins = [\"*\"]\n", &[]).origins, Origins::Any);
    assert_eq!(good("", &[]).origins, Origins::None);
    let variable = [("FIRSTFAULT_CORS_ALLOWED_ORIGINS", "https://a.example, https://b.example")];
    let Origins::Named(origins) = good("", &variable).origins else { panic!("named") };
    assert_eq!(origins, ["https://a.example", "https://b.example"]);
}

/// Scenario: an authority and a certificate are in files, and every key of `[tls]` names one.
/// Guarantees: they are read; a required certificate makes the ports of OTLP fit to be reached, not that of the API.
#[test]
fn certificates_are_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let write = |name: &str, text: String| {
        std::fs::write(dir.path().join(name), text).expect("written");
        format!("{:?}", dir.path().join(name))
    };
    let (certificate, key) = (write("cert.pem", cert.pem()), write("key.pem", signing_key.serialize_pem()));
    let tls = format!(
        "[tls]\ncert_file = {certificate}\nkey_file = {key}\nclient_ca_file = {certificate}\n\
         client_auth = \"require\"\nserver_name = \"ff.example.com\"\n[listen]\notlp_http = \"0.0.0.0:2\"\n"
    );
    let read = good(&tls, &[]).tls.expect("configured");
    assert_eq!(read.server_name.as_deref(), Some("ff.example.com"));
    assert!(read.files.clients.is_some_and(|clients| clients.is_required));
    let problems =
        load(&sources(&format!("{tls}api = \"0.0.0.0:3\"\n"), &[])).expect_err("nobody asks there");
    assert!(problems.to_string().contains("add [[auth.users]]"), "{problems}");
    let other = write("other.pem", rcgen::KeyPair::generate().expect("a key").serialize_pem());
    let text = format!("[tls]\ncert_file = {certificate}\nkey_file = {other}\n");
    let problems = load(&sources(&text, &[])).expect_err("another key").to_string();
    assert!(
        problems.contains("tls.key_file: the certificate and the key cannot be used together"),
        "{problems}"
    );
}

/// Scenario: tokens, users, pages and certificates with every kind of mistake.
/// Guarantees: each is reported at its key with what would be right, and no secret is repeated.
#[test]
fn bad_credentials_are_refused() {
    check_env(
        "[[auth.tokens]]\nname = \"ci\"\nsecret_env = \"SHORT\"\nitems_per_second = 0\n\
         [[auth.tokens]]\nname = \"ci\"\nsecret_env = \"NOT_SET\"\nbytes_per_second = \"1B\"\n\
         [[auth.tokens]]\nname = \"app\"\nsecret = \"x\"\n\
         [[auth.users]]\nname = \"a:b\"\npassword_env = \"SHORT\"\npassword_file = \"/nowhere\"\n\
         [[auth.user]]\n",
        &[("SHORT", "hunter2")],
        expect![[r#"
            ff.toml:3:14: auth.tokens[0].secret_env: a token has at least 16 characters; `openssl rand -base64 32` makes one
              3 | secret_env = "SHORT"
                |              ^^^^^^^

            ff.toml:4:20: auth.tokens[0].items_per_second: 0 is not a whole number from 1 to 1000000000
              4 | items_per_second = 0
                |                    ^

            ff.toml:6:8: auth.tokens[1].name: "ci" is the name of another token
              6 | name = "ci"
                |        ^^^^

            ff.toml:7:14: auth.tokens[1].secret_env: environment variable "NOT_SET" is not set
              7 | secret_env = "NOT_SET"
                |              ^^^^^^^^^

            ff.toml:8:20: auth.tokens[1].bytes_per_second: 1B is not between 1KiB and 1TiB
              8 | bytes_per_second = "1B"
                |                    ^^^^

            ff.toml:9:1: auth.tokens[2].secret_env: is missing
              9 | [[auth.tokens]]
                | ^^^^^^^^^^^^^^^
              hint: add secret_env = "NAME_OF_A_VARIABLE" or secret_file = "/run/secrets/..."

            ff.toml:11:1: unknown key "secret" in auth.tokens[2]
              11 | secret = "x"
                 | ^^^^^^
              hint: keys of auth.tokens[2] are name, secret_env, secret_file, items_per_second, bytes_per_second

            ff.toml:13:8: auth.users[0].name: the name of a user has no colon, which separates it from the password
              13 | name = "a:b"
                 |        ^^^^^

            ff.toml:15:17: auth.users[0].password_file: password_env is set too; only one of them can count
              15 | password_file = "/nowhere"
                 |                 ^^^^^^^^^^

            ff.toml:16:8: unknown key "user" in auth
              16 | [[auth.user]]
                 |        ^^^^
              hint: did you mean "users"?"#]],
    );
    check(
        "[tls]\ncert_file = \"/nowhere/cert.pem\"\nclient_auth = \"optional\"\nserver_name = \"https://x\"\n\
         [cors]\nallowed_origins = [\"https://app.example.com/\", \"app.example.com\", 3]\n",
        expect![[r#"
            ff.toml:1:2: tls.key_file: is missing
              1 | [tls]
                |  ^^^
              hint: add key_file = "/etc/firstfault/key.pem"

            ff.toml:3:15: tls.client_auth: needs client_ca_file, the authority that certifies clients
              3 | client_auth = "optional"
                |               ^^^^^^^^^^
              hint: add client_ca_file = "/etc/firstfault/clients.pem"

            ff.toml:4:15: tls.server_name: "https://x" is not the name of a host
              4 | server_name = "https://x"
                |               ^^^^^^^^^^^
              hint: write the name in the certificate alone, such as "firstfault.example.com"

            ff.toml:6:20: cors.allowed_origins: "https://app.example.com/" is not an origin
              6 | allowed_origins = ["https://app.example.com/", "app.example.com", 3]
                |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^
              hint: write it as browsers do, with scheme and host alone: "https://app.example.com"

            ff.toml:6:48: cors.allowed_origins: "app.example.com" is not an origin
              6 | allowed_origins = ["https://app.example.com/", "app.example.com", 3]
                |                                                ^^^^^^^^^^^^^^^^^
              hint: write it as browsers do, with scheme and host alone: "https://app.example.com"

            ff.toml:6:67: cors.allowed_origins: 3 is not text
              6 | allowed_origins = ["https://app.example.com/", "app.example.com", 3]
                |                                                                   ^"#]],
    );
    check(
        "[tls]\ncert_file = \"/nowhere/cert.pem\"\nkey_file = \"/nowhere/key.pem\"\n\
         client_ca_file = \"/nowhere/ca.pem\"\nclient_auth = \"optional\"\n[auth]\ntokens = 3\n",
        expect![[r#"
            ff.toml:2:13: tls.cert_file: "/nowhere/cert.pem" cannot be read: No such file or directory (os error 2)
              2 | cert_file = "/nowhere/cert.pem"
                |             ^^^^^^^^^^^^^^^^^^^

            ff.toml:5:15: tls.client_auth: "optional" lets everybody in while there are no credentials
              5 | client_auth = "optional"
                |               ^^^^^^^^^^
              hint: set client_auth = "require", or add [[auth.tokens]] for those without a certificate

            ff.toml:7:1: auth.tokens is a list of tables, not a number
              7 | tokens = 3
                | ^^^^^^
              hint: write [[auth.tokens]] with two brackets, once for each"#]],
    );
}
