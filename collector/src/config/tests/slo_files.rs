//! Objectives in files of their own.

use super::*;

const SLO: &str = "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: NAME}\nspec:\n  service: shop\n  indicatorRef: works\n  \
                   timeWindow: [{duration: 28d, isRolling: true}]\n  budgetingMethod: Occurrences\n  objectives: [{target: 0.999}]\n";
const SLI: &str = "apiVersion: openslo/v1\nkind: SLI\nmetadata: {name: works}\nspec:\n  ratioMetric:\n    \
                   good: {metricSource: {spec: {signal: spans, good: no_error}}}\n    \
                   total: {metricSource: {spec: {signal: spans}}}\n";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Scenario: a folder with two SLOs and their SLI in files of their own, named as a folder, by a pattern, and in a
/// variable.
/// Guarantees: they stand beside the configuration's own, and names are found in any file.
#[test]
fn files_are_one_set() {
    let [a, b] = ["a", "b"].map(|name| SLO.replace("NAME", name));
    let folder = folder(&[("a.yaml", &a), ("b.yml", &b), ("sli.yaml", SLI), ("notes.txt", "no YAML: [")]);
    let path = folder.path().display();
    let own = "[[slos]]\nid = \"own\"\nservice = \"s\"\nindicator = \"availability\"\ntarget = 99\n";
    let ids = |config: Config| config.slos.iter().map(|slo| slo.id().to_owned()).collect::<Vec<_>>();
    let text = format!("{own}[slo_files]\npaths = ['{path}']\n");
    assert_eq!(ids(good(&text, &[])), ["own", "a", "b"]);
    assert_eq!(ids(good(&format!("[slo_files]\npaths = ['{path}/*.yaml']\n"), &[])), ["a"]);
    let named = format!("{path}/b.yml, {path}/sli.yaml");
    assert_eq!(ids(good("", &[("FIRSTFAULT_SLO_FILES_PATHS", named.as_str())])), ["b"]);
}

/// Scenario: a path that is not there, a pattern that fits nothing; a file with a mistake; an id that is there already.
/// Guarantees: each is told with its place, and the configuration is refused.
#[test]
fn mistakes_in_files_are_told() {
    let broken = SLO.replace("NAME", "a").replace("0.999", "99.9");
    let folder = folder(&[("a.yaml", &broken), ("b.yaml", &SLO.replace("NAME", "own")), ("sli.yaml", SLI)]);
    let path = folder.path().display();
    let told = |text: &str| {
        load(&sources(text, &[])).expect_err("refused").to_string().replace(&path.to_string(), "DIR")
    };
    let missing = told(&format!("[slo_files]\npaths = ['{path}/none.yaml', '{path}/*.json']\n"));
    assert!(missing.contains("DIR/none.yaml cannot be read"), "{missing}");
    assert!(missing.contains("\"DIR/*.json\" names no file"), "{missing}");
    expect![[r#"DIR/a.yaml:9:25: document 1: spec.objectives[0].target: is a share from 0 to below 1, such as 0.999"#]]
        .assert_eq(&told(&format!("[slo_files]\npaths = ['{path}/a.yaml', '{path}/sli.yaml']\n")));
    let own = "[[slos]]\nid = \"own\"\nservice = \"s\"\nindicator = \"availability\"\ntarget = 99\n";
    let twice = told(&format!("{own}[slo_files]\npaths = ['{path}/b.yaml', '{path}/sli.yaml']\n"));
    expect![[r#"DIR/b.yaml:9:16: "own" is the id of another SLO"#]].assert_eq(&twice);
}

/// Scenario: a ratio of two counters, of statements, time slices, a calendar, requests with attributes; then keys that
/// do not go together.
/// Guarantees: each is read; each contradiction is told at its key.
#[test]
fn other_kinds_are_read() {
    let slo = |rest: &str| format!("[[slos]]\nid = \"a\"\nservice = \"s\"\ntarget = 99\n{rest}");
    let sentence = |rest: &str| good(&slo(rest), &[]).slos[0].sentence();
    expect!["99 % of s events in jobs are good over 7 d"].assert_eq(&sentence(
        "indicator = \"ratio\"\nbad_metric = \"jobs\"\nbad_filter = [\"ok=false\"]\ntotal_metric = \"jobs\"\nperiod = \"7d\"\n",
    ));
    expect!["in 99 % of all minutes, 95 % of s requests with tenant=acme succeed over 7 d"].assert_eq(&sentence(
        "indicator = \"availability\"\nfilter = [\"tenant=acme\"]\ntimeslice = \"1m\"\ntimeslice_target = 95\nperiod = \"7d\"\n",
    ));
    expect!["99 % of s requests succeed each month from 2026-02-01 00:00:00 in Europe/Berlin"].assert_eq(&sentence(
        "indicator = \"availability\"\ncalendar = \"1M\"\ncalendar_start = \"2026-02-01 00:00:00\"\ntime_zone = \"Europe/Berlin\"\n",
    ));
    let told = |rest: &str| load(&sources(&slo(rest), &[])).expect_err("refused").to_string();
    for (rest, expected) in [
        ("indicator = \"ratio\"\n", "total_metric: is missing"),
        ("indicator = \"ratio\"\ntotal_metric = \"t\"\n", "good_metric: is missing"),
        (
            "indicator = \"ratio\"\ntotal_metric = \"t\"\ngood_metric = \"g\"\nbad_metric = \"b\"\n",
            "only one of both can count",
        ),
        ("indicator = \"availability\"\ngood_sql = \"x\"\n", "has no effect on availability"),
        ("indicator = \"availability\"\nfilter = [\"tenant\"]\n", "is not key=value"),
        (
            "indicator = \"availability\"\nfilter = [\"a=b\"]\nperiod = \"30d\"\n",
            "is longer than retention.traces (1w)",
        ),
        ("indicator = \"availability\"\ntimeslice = \"1m\"\n", "timeslice_target: is missing"),
        ("indicator = \"availability\"\ncalendar = \"1 month\"\n", "is no window of a calendar"),
        ("indicator = \"availability\"\ntime_zone = \"UTC\"\n", "has no effect without a calendar"),
        (
            "indicator = \"availability\"\ncalendar = \"1M\"\nperiod = \"30d\"\n",
            "a calendar says how long it is",
        ),
        (
            "indicator = \"availability\"\ncalendar = \"1M\"\ntime_zone = \"Mars\"\n",
            "there is no time zone \"Mars\"",
        ),
    ] {
        let told = told(rest);
        assert!(told.contains(expected), "{rest}\n{told}");
    }
}
