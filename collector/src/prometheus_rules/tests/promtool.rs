//! Prometheus as the judge: its tool reads the rules, and fires and resolves when the evaluation does.

use super::*;
use alerts::{Replay, SliceCounts, backtest};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Of the simulation; every tier has its say in them.
const MINUTES: usize = 300;
const PER_MINUTE: u64 = 97;

/// The tool beside the Prometheus of the tests.
fn promtool(test: &str) -> Option<PathBuf> {
    let prometheus = std::env::var_os("FIRSTFAULT_TEST_PROMETHEUS").map(PathBuf::from);
    let tool = prometheus.map(|path| path.with_file_name("promtool")).filter(|path| path.is_file());
    if tool.is_none() {
        println!("SKIPPED {test}: no promtool beside FIRSTFAULT_TEST_PROMETHEUS (run `cargo xtask test`)");
    }
    tool
}

fn run(promtool: &Path, args: &[&str], folder: &Path) {
    let ran = Command::new(promtool).args(args).current_dir(folder).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "promtool {args:?}\n{out}\n{err}");
}

/// Scenario: rules of objectives of every kind, with texts that look like templates, labels and YAML.
/// Guarantees: Prometheus' own tool takes them.
#[test]
fn rules_are_accepted() {
    let Some(promtool) = promtool("promtool_check_rules") else { return };
    let kinds = all_kinds();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.yml"), export(&kinds, "http://127.0.0.1:4320/").unwrap())
        .unwrap();
    run(&promtool, &["check", "rules", "rules.yml"], folder.path());
}

/// Bad events of each minute: a fault of a tenth, an outage, and a slow burn until the end.
fn bad_events() -> Vec<u64> {
    let bad = |minute| match minute {
        60..70 => 10,
        200..205 => PER_MINUTE,
        240.. => 1,
        _ => 0,
    };
    (0..MINUTES).map(bad).collect()
}

fn jobs() -> Slo {
    slo(|spec| {
        (spec.id, spec.service) = ("jobs".to_owned(), "worker".to_owned());
        let (source, total) = (metric("jobs_failed_total", &[]), metric("jobs_total", &[]));
        spec.indicator = Indicator::Ratio(Ratio { part: Part::Bad, source, total });
        (spec.n_events_min, spec.n_bad_min, spec.keep_firing) = (1, 1, Duration::ZERO);
    })
}

/// Whether each alert fires at each minute, by the running evaluation's own steps.
fn ours(slo: &Slo, bad: &[u64]) -> Vec<[bool; 2]> {
    const MINUTE: i64 = 60_000_000_000;
    let n_slices = usize::try_from(60 / slo.slice().as_secs()).unwrap();
    let mut slices = Vec::new();
    for n_bad in bad {
        slices.push(SliceCounts { n_good: PER_MINUTE - n_bad, n_total: PER_MINUTE, is_measured: true });
        let quiet = SliceCounts { is_measured: true, ..SliceCounts::default() };
        slices.extend(std::iter::repeat_n(quiet, n_slices - 1));
    }
    let step = Duration::from_secs(60);
    let found = backtest(slo, &Replay { start: 0, slices: &slices, from: 0, step, lag: Duration::ZERO });
    let fires = |severity, at: i64| {
        let mut episodes = found.episodes.iter().filter(|one| one.severity == severity);
        episodes.any(|one| one.firing_at <= at && one.resolved_at.is_none_or(|resolved_at| at < resolved_at))
    };
    (1..=bad.len() as i64)
        .map(|minute| Severity::ALL.map(|severity| fires(severity, minute * MINUTE)))
        .collect()
}

/// A counter that has grown by these, minute by minute. It has counted before, so that nothing is extrapolated to zero.
fn counter(grown: impl Iterator<Item = u64>) -> String {
    let mut sum = 1_000_000;
    let mut text = sum.to_string();
    for n in grown {
        sum += n;
        let _ = write!(text, " {sum}");
    }
    text
}

/// Scenario: five hours of a worker's counters with a fault, an outage and a slow burn, given to the exported rules and
/// to the evaluation, which both look once a minute.
/// Guarantees: page and ticket fire and resolve at the same minutes, all of them.
#[test]
fn alerts_fire_at_the_same_steps() {
    let Some(promtool) = promtool("promtool_test_rules") else { return };
    let (slo, bad) = (jobs(), bad_events());
    let ours = ours(&slo, &bad);
    let changes = ours.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(changes >= 4, "{ours:?}");

    let mut test = String::from("rule_files: [rules.yml]\nevaluation_interval: 1m\ngroup_eval_order:\n");
    for name in ["sli-recordings", "meta-recordings", "alerts"] {
        let _ = writeln!(test, "  - sloth-slo-{name}-worker-jobs");
    }
    test.push_str("tests:\n  - interval: 1m\n    input_series:\n");
    for (name, values) in [
        ("jobs_total", counter(bad.iter().map(|_| PER_MINUTE))),
        ("jobs_failed_total", counter(bad.iter().copied())),
    ] {
        let _ = writeln!(test, "      - series: '{name}{{job=\"worker\"}}'\n        values: '{values}'");
    }
    test.push_str("    promql_expr_test:\n");
    for (idx, fires) in ours.iter().enumerate() {
        for (severity, fires) in Severity::ALL.iter().zip(fires) {
            let expr = format!(
                "count(ALERTS{{alertstate=\"firing\", sloth_severity=\"{}\"}}) or vector(0)",
                severity.name()
            );
            let _ = writeln!(
                test,
                "      - expr: '{expr}'\n        eval_time: {}m\n        exp_samples: [{{labels: '{{}}', value: {}}}]",
                idx + 1,
                u8::from(*fires)
            );
        }
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.yml"), export([&slo], "http://127.0.0.1:4320").unwrap())
        .unwrap();
    std::fs::write(folder.path().join("test.yml"), test).unwrap();
    run(&promtool, &["test", "rules", "test.yml"], folder.path());
}
