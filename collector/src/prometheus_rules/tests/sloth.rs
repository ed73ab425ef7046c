//! Sloth's own examples: the same windows, factors, thresholds and expressions, and the same decisions.

use super::super::queries::WINDOW;
use super::*;
use crate::openslo::yaml::{self, Node, Value};
use alerts::{Condition, Coverage, Verdict, WindowCounts, judge};
use proptest::prelude::*;
use serde_json::Value as Json;
use std::path::PathBuf;

fn folder() -> Option<PathBuf> {
    let root = std::env::var_os("FIRSTFAULT_FIXTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures"),
        PathBuf::from,
    );
    let folder = root.join("slo");
    if !folder.is_dir() {
        println!("SKIPPED sloth_pairs: {} not found", folder.display());
        return None;
    }
    Some(folder)
}

fn documents(path: &std::path::Path) -> Vec<Node> {
    let text = std::fs::read_to_string(path).unwrap();
    let found = yaml::documents(&text).unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
    found.into_iter().map(|(_, node)| node).collect()
}

/// What lies below some keys, whichever of two spellings a key has.
fn get<'a>(node: &'a Node, path: &[&str]) -> Option<&'a Node> {
    path.iter().try_fold(node, |node, names| match &node.value {
        Value::Map(entries) => {
            let found = |key: &str| names.split('|').any(|name| name == key);
            entries.iter().find(|(key, _)| found(&key.text)).map(|(_, node)| node)
        }
        Value::List(items) => items.get(names.parse::<usize>().ok()?),
        Value::Scalar { .. } => None,
    })
}

fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => &[],
    }
}

fn text(node: &Node, path: &[&str]) -> Option<String> {
    match &get(node, path)?.value {
        Value::Scalar { text, .. } => Some(text.clone()),
        _ => None,
    }
}

/// One SLO of a specification.
struct Spec {
    id: String,
    service: String,
    slo: String,
    target_percent: f64,
    /// None where a plug-in makes them.
    queries: Option<Queries>,
    severities: Vec<Severity>,
}

fn specs(document: &Node) -> Vec<Spec> {
    if text(document, &["apiVersion"]).is_some_and(|version| version == "openslo/v1alpha") {
        return items(get(document, &["spec", "objectives"]).unwrap())
            .iter()
            .enumerate()
            .map(|(idx, objective)| openslo_alpha(document, idx, objective))
            .collect();
    }
    let root = get(document, &["spec"]).unwrap_or(document);
    let service = text(root, &["service"]).unwrap();
    items(get(root, &["slos"]).unwrap()).iter().map(|slo| sloth(&service, slo)).collect()
}

fn sloth(service: &str, node: &Node) -> Spec {
    let slo = text(node, &["name"]).unwrap();
    let events = get(node, &["sli", "events"]);
    let queries = events.map(|events| Queries {
        error: text(events, &["error_query|errorQuery"]).unwrap(),
        total: text(events, &["total_query|totalQuery"]).unwrap(),
        slice: None,
    });
    let is_on =
        |key: &str| text(node, &["alerting", key, "disable"]).is_none_or(|disabled| disabled != "true");
    let severities =
        [(Severity::Page, "page_alert|pageAlert"), (Severity::Ticket, "ticket_alert|ticketAlert")];
    Spec {
        id: format!("{service}-{slo}"),
        service: service.to_owned(),
        target_percent: text(node, &["objective"]).unwrap().parse().unwrap(),
        queries,
        severities: severities
            .into_iter()
            .filter(|(_, key)| is_on(key))
            .map(|(severity, _)| severity)
            .collect(),
        slo,
    }
}

/// Sloth made recordings of these, and no alerts.
fn openslo_alpha(document: &Node, idx: usize, objective: &Node) -> Spec {
    let service = text(document, &["spec", "service"]).unwrap();
    let slo = format!("{}-{idx}", text(document, &["metadata", "name"]).unwrap());
    let query = |key| text(objective, &["ratioMetrics", key, "query"]).unwrap();
    let target: f64 = text(objective, &["target"]).unwrap().parse().unwrap();
    Spec {
        id: format!("{service}-{slo}"),
        service,
        target_percent: format!("{target}e2").parse().unwrap(),
        queries: Some(Queries {
            error: format!("1 - {}", query("good")),
            total: query("total"),
            slice: None,
        }),
        severities: Vec::new(),
        slo,
    }
}

/// An objective of that target with our four tiers.
fn tiers_of(target_percent: f64) -> Slo {
    slo(|spec| spec.target_percent = target_percent)
}

/// Our rules for it, read back.
fn rules(spec: &Spec) -> Vec<Node> {
    let own = tiers_of(spec.target_percent);
    let unknown =
        || Queries { error: format!("error[{WINDOW}]"), total: format!("total[{WINDOW}]"), slice: None };
    let set = RuleSet {
        id: spec.id.clone(),
        service: &spec.service,
        slo: &spec.slo,
        target: own.target(),
        period: own.period(),
        tiers: own.tiers(),
        queries: spec.queries.clone().unwrap_or_else(unknown),
        labels: BTreeMap::new(),
        alert: Alert { name: "Burn".to_owned(), severities: spec.severities.clone(), ..Alert::default() },
        comments: Vec::new(),
    };
    let mut text = String::new();
    write::groups(&mut text, &groups(&set));
    let found = yaml::documents(&text).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    found[0..1].iter().flat_map(|(_, node)| rules_of(node)).collect()
}

/// All rules of a file, whichever of two shapes it has.
fn rules_of(document: &Node) -> Vec<Node> {
    let groups = get(document, &["groups"]).or_else(|| get(document, &["spec", "groups"]));
    let groups = items(groups.expect("groups"));
    groups.iter().flat_map(|group| items(get(group, &["rules"]).expect("rules")).to_vec()).collect()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12
}

/// `(14.4 * 0.001)` of each comparison in an alert, with its window.
fn bounds(expr: &str) -> Vec<(String, f64, f64)> {
    let one = |part: &str| {
        let window = part.split('{').next().unwrap().to_owned();
        let bound = part.split("> (").nth(1).unwrap().split(')').next().unwrap();
        let (factor, budget) = bound.split_once(" * ").unwrap();
        (window, factor.parse().unwrap(), budget.parse().unwrap())
    };
    expr.split("slo:sli_error:ratio_rate").skip(1).map(one).collect()
}

/// Scenario: every specification of Sloth's examples.
/// Guarantees: windows, objective, period, and for each alert its pairs of windows with factor and budget are those of
/// the rules that Sloth makes; expressions of recordings are equal to the last character.
#[test]
fn windows_factors_and_thresholds_are_sloths() {
    let Some(folder) = folder() else { return };
    let expected = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: serde_json::Map<String, Json> = serde_json::from_str(&expected).unwrap();
    assert!(expected.len() >= 12);
    let mut n_slos = 0;
    for (file, expected) in &expected {
        let specs: Vec<_> = documents(&folder.join("specs").join(file)).iter().flat_map(specs).collect();
        let golden: Vec<_> = documents(&folder.join("golden").join(file)).iter().flat_map(rules_of).collect();
        for (id, expected) in expected["slos"].as_object().unwrap() {
            let spec = specs.iter().find(|spec| spec.id == *id).unwrap_or_else(|| panic!("{file}: {id}"));
            check(file, spec, expected, &golden);
            n_slos += 1;
        }
    }
    assert!(n_slos >= 15, "{n_slos}");
}

fn check(file: &str, spec: &Spec, expected: &Json, golden: &[Node]) {
    let place = format!("{file}: {}", spec.id);
    let own = rules(spec);
    let named =
        |name: &str| own.iter().find(|rule| text(rule, &["record"]).is_some_and(|record| record == name));
    let window_of = |rule: &Node| text(rule, &["labels", "sloth_window"]);
    let windows: Vec<_> = own.iter().filter_map(window_of).collect();
    let expected_windows: Vec<_> =
        expected["windows"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
    assert_eq!(windows, expected_windows, "{place}");
    let vector = |name: &str| {
        let expr = text(named(name).unwrap(), &["expr"]).unwrap();
        let number = expr.trim().trim_start_matches("vector(").trim_end_matches(')');
        number.parse::<f64>().unwrap()
    };
    assert!(close(vector("slo:objective:ratio"), expected["objective_ratio"].as_f64().unwrap()), "{place}");
    assert!(close(vector("slo:time_period:days"), expected["period_days"].as_f64().unwrap()), "{place}");
    let alerts: Vec<_> = own.iter().filter(|rule| get(rule, &["alert"]).is_some()).collect();
    let expected_alerts = expected["alerts"].as_array().unwrap();
    assert_eq!(alerts.len(), expected_alerts.len(), "{place}");
    for (alert, expected) in alerts.iter().zip(expected_alerts) {
        assert_eq!(
            text(alert, &["labels", "sloth_severity"]).as_deref(),
            expected["sloth_severity"].as_str()
        );
        let found = bounds(&text(alert, &["expr"]).unwrap());
        let pairs = expected["any_of"].as_array().unwrap().iter();
        let wanted: Vec<&Json> = pairs.flat_map(|pair| pair["all_of"].as_array().unwrap()).collect();
        assert_eq!(found.len(), wanted.len(), "{place}");
        for ((window, factor, budget), wanted) in found.iter().zip(wanted) {
            assert_eq!(window, wanted["window"].as_str().unwrap(), "{place}");
            assert!(close(*factor, wanted["burn_rate_factor"].as_f64().unwrap()), "{place}");
            assert!(close(*budget, wanted["budget_ratio"].as_f64().unwrap()), "{place}");
        }
    }
    // The early OpenSLO has good events, of which Sloth makes bad ones in its own way.
    if spec.queries.is_some() && !file.starts_with("openslo") {
        check_expressions(&place, spec, &own, golden);
    }
}

fn check_expressions(place: &str, spec: &Spec, own: &[Node], golden: &[Node]) {
    let of_spec = |rule: &&Node| text(rule, &["labels", "sloth_id"]).is_some_and(|id| id == spec.id);
    let mut n_equal = 0;
    for golden in golden.iter().filter(of_spec) {
        // The period is ours: a ratio of events, not a mean of ratios.
        let Some(window) = text(golden, &["labels", "sloth_window"]).filter(|window| window != "30d") else {
            continue;
        };
        let own = own.iter().find(|rule| text(rule, &["labels", "sloth_window"]).as_ref() == Some(&window));
        let exprs = [own.unwrap(), golden].map(|rule| text(rule, &["expr"]).unwrap());
        let [own, golden] = exprs.map(|expr| expr.split_whitespace().collect::<String>());
        assert_eq!(own, golden, "{place} {window}");
        n_equal += 1;
    }
    assert_eq!(n_equal, 7, "{place}");
}

/// Scenario: windows that people chose for Sloth, with shares of the budget for a week and for a month.
/// Guarantees: as conditions they give the factors that the shares come to.
#[test]
fn chosen_windows_are_conditions() {
    let Some(folder) = folder() else { return };
    for file in ["7d.yaml", "custom-30d.yaml"] {
        let document = documents(&folder.join("windows").join(file)).remove(0);
        let seconds = |path: &[&str]| {
            let text = text(&document, path).unwrap();
            crate::units::duration(&text).unwrap()
        };
        let period = seconds(&["spec", "sloPeriod"]);
        let mut conditions = Vec::new();
        for (severity, name) in [(Severity::Page, "page"), (Severity::Ticket, "ticket")] {
            for speed in ["quick", "slow"] {
                let percent: f64 =
                    text(&document, &["spec", name, speed, "errorBudgetPercent"]).unwrap().parse().unwrap();
                let long = seconds(&["spec", name, speed, "longWindow"]);
                let short = seconds(&["spec", name, speed, "shortWindow"]);
                let threshold = (percent * 10.0 * period.as_secs_f64() / long.as_secs_f64()).round() / 1e3;
                conditions.push(Condition {
                    severity,
                    comparison: Comparison::Above,
                    threshold,
                    long,
                    short,
                });
            }
        }
        let slo = slo(|spec| (spec.period, spec.conditions) = (period, conditions.clone()));
        let found: Vec<_> =
            slo.tiers().iter().map(|tier| (tier.threshold(), tier.long, tier.short)).collect();
        let wanted: Vec<_> = conditions.iter().map(|one| (one.threshold, one.long, one.short)).collect();
        assert_eq!(found, wanted, "{file}");
    }
}

/// What a pair of Sloth's decides on ratios.
fn sloth_fires(ratios: &[(u64, f64)], alert: &Json) -> bool {
    let above = |one: &Json| {
        let window = crate::units::duration(one["window"].as_str().unwrap()).unwrap().as_secs();
        let ratio = ratios.iter().find(|(known, _)| *known == window).unwrap().1;
        ratio > one["burn_rate_factor"].as_f64().unwrap() * one["budget_ratio"].as_f64().unwrap()
    };
    alert["any_of"]
        .as_array()
        .unwrap()
        .iter()
        .any(|pair| pair["all_of"].as_array().unwrap().iter().all(above))
}

proptest! {
    /// Scenario: series of a minute each over three days, with random faults, judged by the expressions of Sloth's rules
    /// and by the evaluation.
    /// Guarantees: both decide alike, wherever no ratio lies on its threshold.
    #[test]
    fn decisions_are_sloths(
        faults in prop::collection::vec((0_usize..4_320, 1_usize..900, 1_u64..400), 0..6),
        ends in prop::collection::vec(60_usize..4_320, 8),
    ) {
        let Some(folder) = folder() else { return Ok(()) };
        let expected = std::fs::read_to_string(folder.join("expected.json")).unwrap();
        let expected: Json = serde_json::from_str(&expected).unwrap();
        let mut bad = vec![0_u64; 4_320];
        for (from, length, n) in faults {
            bad.iter_mut().skip(from).take(length).for_each(|bad| *bad = (*bad).max(n));
        }
        let slos = expected["getting-started.yml"]["slos"].as_object().unwrap();
        let golden = &slos["myservice-requests-availability"];
        let own = slo(|spec| (spec.n_events_min, spec.n_bad_min) = (1, 1));
        for end in ends {
            let counts = |window: Duration| {
                let n = usize::try_from(window.as_secs() / 60).unwrap().min(end);
                let n_bad: u64 = bad[end - n..end].iter().sum();
                let n_total = 997 * n as u64;
                let coverage = Coverage { n_measured: 1, n_slices: 1 };
                WindowCounts { n_good: n_total - n_bad, n_total, coverage }
            };
            let judgement = judge(&own, 0, counts);
            let windows = own.tiers().iter().flat_map(|tier| [tier.long, tier.short]);
            let ratios: Vec<_> = windows
                .map(|window| {
                    let WindowCounts { n_good, n_total, .. } = counts(window);
                    (window.as_secs(), (n_total - n_good) as f64 / n_total as f64)
                })
                .collect();
            let mut bounds = own.tiers().iter().map(|tier| tier.threshold() * 0.001);
            let is_on_bound = bounds.any(|bound| ratios.iter().any(|one| (one.1 - bound).abs() < 1e-12));
            prop_assume!(!is_on_bound);
            for alert in golden["alerts"].as_array().unwrap() {
                let severity = Severity::parse(alert["sloth_severity"].as_str().unwrap()).unwrap();
                let fires = judgement.verdict(severity) == Verdict::Burning;
                prop_assert_eq!(fires, sloth_fires(&ratios, alert));
            }
        }
    }
}
