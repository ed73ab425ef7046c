//! Rules against those of Sloth, and against Prometheus' own tool.

mod promtool;
mod sloth;

use super::*;
use alerts::{Indicator, Method, Part, Ratio, SloSpec, Source};
use expect_test::expect;

fn slo(change: impl FnOnce(&mut SloSpec)) -> Slo {
    let mut spec = SloSpec { id: "works".to_owned(), service: "shop".to_owned(), ..SloSpec::default() };
    change(&mut spec);
    Slo::new(spec).unwrap()
}

fn metric(name: &str, attributes: &[(&str, &str)]) -> Source {
    let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Source::Metric { name: name.to_owned(), service: None, attributes: attributes.collect() }
}

/// Of every kind that can be exported, with texts that want to be something else.
fn all_kinds() -> Vec<Slo> {
    let ratio = |part| {
        let source = metric("jobs.done", &[("ok", "no \"\\ {{ $x }}")]);
        Indicator::Ratio(Ratio { part, source, total: metric("jobs.done", &[]) })
    };
    vec![
        slo(|_| {}),
        slo(|spec| {
            spec.id = "fast".to_owned();
            spec.name = "fast {{ .Value }}".to_owned();
            spec.operation = Some("GET /{id}".to_owned());
            spec.attributes = vec![("http.route".to_owned(), "/\"x\"".to_owned())];
            spec.indicator = Indicator::Latency { threshold: Duration::from_millis(300) };
            spec.period = Duration::from_secs(7 * 86_400);
            spec.pending_for = Duration::from_secs(120);
            spec.labels.insert("team".to_owned(), "{{ $labels.x }}".to_owned());
            spec.runbook_url = Some("https://wiki.example.com/fast".to_owned());
        }),
        slo(|spec| {
            (spec.id, spec.service) = ("good".to_owned(), "a+b".to_owned());
            spec.indicator = ratio(Part::Good);
        }),
        slo(|spec| {
            spec.id = "minutes".to_owned();
            spec.indicator = ratio(Part::Bad);
            spec.method = Method::Timeslices { width: Duration::from_secs(60), target_percent: 95.0 };
        }),
    ]
}

/// Scenario: the first recording and the first alert of an availability and of a ratio in time slices.
/// Guarantees: the expressions are what people expect to read, with exact budgets.
#[test]
fn expressions_are_readable() {
    let kinds = all_kinds();
    let exprs = |slo: &Slo| {
        let groups = groups(&rule_set(slo, "http://127.0.0.1:4320").unwrap());
        (groups[0].rules[0].expr.clone(), groups[2].rules[0].expr.clone())
    };
    let (ratio, alert) = exprs(&kinds[0]);
    expect![[r#"
        (sum(rate(traces_span_metrics_calls_total{service_name="shop", span_kind=~"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER", status_code="STATUS_CODE_ERROR"}[5m])) or vector(0))
        /
        (sum(rate(traces_span_metrics_calls_total{service_name="shop", span_kind=~"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER"}[5m])))"#]]
    .assert_eq(&ratio);
    expect![[r#"
        (
            max(slo:sli_error:ratio_rate5m{sloth_id="shop-works", sloth_service="shop", sloth_slo="works"} > (14.4 * 0.001)) without (sloth_window)
            and
            max(slo:sli_error:ratio_rate1h{sloth_id="shop-works", sloth_service="shop", sloth_slo="works"} > (14.4 * 0.001)) without (sloth_window)
        )
        or
        (
            max(slo:sli_error:ratio_rate30m{sloth_id="shop-works", sloth_service="shop", sloth_slo="works"} > (6 * 0.001)) without (sloth_window)
            and
            max(slo:sli_error:ratio_rate6h{sloth_id="shop-works", sloth_service="shop", sloth_slo="works"} > (6 * 0.001)) without (sloth_window)
        )"#]]
    .assert_eq(&alert);
    expect![[r#"
        avg_over_time((
          (((sum(rate(jobs_done{job=~"(.*/)?shop", ok="no \"\\ {{ $x }}"}[1m])) or vector(0))
          /
          (sum(rate(jobs_done{job=~"(.*/)?shop"}[1m])))) > bool 0.05)
          and
          (sum(rate(jobs_done{job=~"(.*/)?shop"}[1m]))) > 0
        )[5m:1m])"#]]
    .assert_eq(&exprs(&kinds[3]).0);
    assert!(exprs(&kinds[1]).0.contains(r#"span_name="GET /{id}", http_route="/\"x\"", le=~"300(\\.0)?""#));
}

/// Scenario: an objective that counts with a statement.
/// Guarantees: it is refused, with the way that is left.
#[test]
fn statements_stay_here() {
    let sql = "SELECT date_bin($step, time) AS at, count(*) AS n FROM logs WHERE time >= $from AND time < $to GROUP BY at";
    let slo = slo(|spec| {
        let source = || Source::Sql(sql.to_owned());
        spec.indicator = Indicator::Ratio(Ratio { part: Part::Good, source: source(), total: source() });
    });
    let error = export([&slo], "http://127.0.0.1:4320").unwrap_err().to_string();
    assert_eq!(
        error,
        "works counts with an SQL statement, which Prometheus does not read: export it as OpenSLO"
    );
}

/// Scenario: windows from seconds to months.
/// Guarantees: they are written as Prometheus reads them.
#[test]
fn durations_are_those_of_prometheus() {
    let shown =
        [70, 300, 3_600, 5_040, 86_400, 30 * 86_400, 90_000].map(|s| duration(Duration::from_secs(s)));
    assert_eq!(shown, ["1m10s", "5m", "1h", "1h24m", "1d", "30d", "25h"]);
}
