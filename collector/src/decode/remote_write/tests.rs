//! Remote writes as rows: series of every kind, what Prometheus sends apart, histograms, and hostile bodies.

use super::super::tests::{findings, rows, shown};
use super::super::{Encoding, Error};
use super::STALE_BITS;
use super::messages::{BucketSpan, Exemplar, Histogram, Label, Metadata, Sample, TimeSeries, WriteRequest};
use crate::decode::Report;
use arrow::array::RecordBatch;
use expect_test::{Expect, expect};
use proptest::prelude::*;
use prost::Message as _;
use storage::Signal;

fn read(request: &WriteRequest) -> (RecordBatch, Report) {
    rows(Signal::Metrics, Encoding::RemoteWrite, &request.encode_to_vec()).unwrap()
}

fn check(timeseries: Vec<TimeSeries>, columns: &[&str], expected: Expect) {
    let (batch, report) = read(&WriteRequest { timeseries, metadata: Vec::new() });
    assert_eq!(report, Report::default());
    expected.assert_eq(&shown(&batch, columns));
}

fn labels(pairs: &[(&str, &str)]) -> Vec<Label> {
    pairs.iter().map(|(name, value)| Label { name: (*name).into(), value: (*value).into() }).collect()
}

fn sample(value: f64, timestamp_ms: i64) -> Sample {
    Sample { value_bits: value.to_bits(), timestamp_ms }
}

/// A series with these labels beside its name.
fn series(name: &str, pairs: &[(&str, &str)], samples: Vec<Sample>) -> TimeSeries {
    let labels = labels(&[&[("__name__", name)][..], pairs].concat());
    TimeSeries { labels, samples, ..TimeSeries::default() }
}

const TARGET: [(&str, &str); 2] = [("instance", "shop:80"), ("job", "prod/shop")];

/// Scenario: series of a target, one of them with two samples and one that has ended.
/// Guarantees: job and instance are the resource, other labels attributes, every sample a point; the mark of the end
/// is no value but a flag.
#[test]
fn series_become_points() {
    let orders = [&[("channel", "web")][..], &TARGET].concat();
    let all = vec![
        series("orders_total", &orders, vec![sample(17.0, 1_000), sample(18.5, 2_500)]),
        series("up", &TARGET, vec![sample(1.0, 1_000)]),
        series(
            "up",
            &[("job", "other")],
            vec![sample(f64::NAN, 1_000), Sample { value_bits: STALE_BITS, timestamp_ms: 2_000 }],
        ),
    ];
    check(
        all.clone(),
        &["name", "type", "temporality", "is_monotonic", "time", "flags", "value", "attributes"],
        expect![[r#"
            {"name":"orders_total","type":"sum","temporality":"cumulative","is_monotonic":true,"time":"1970-01-01T00:00:01Z","flags":0,"value":17.0,"attributes":{"channel":"web"}}
            {"name":"orders_total","type":"sum","temporality":"cumulative","is_monotonic":true,"time":"1970-01-01T00:00:02.500Z","flags":0,"value":18.5,"attributes":{"channel":"web"}}
            {"name":"up","type":"gauge","time":"1970-01-01T00:00:01Z","flags":0,"value":1.0,"attributes":{}}
            {"name":"up","type":"gauge","time":"1970-01-01T00:00:01Z","flags":0,"value":null,"attributes":{}}
            {"name":"up","type":"gauge","time":"1970-01-01T00:00:02Z","flags":1,"attributes":{}}
        "#]],
    );
    check(
        all,
        &["service", "service_namespace", "service_instance_id", "resource"],
        expect![[r#"
            {"service":"shop","service_namespace":"prod","service_instance_id":"shop:80","resource":{"service.namespace":"prod","service.name":"shop","service.instance.id":"shop:80"}}
            {"service":"shop","service_namespace":"prod","service_instance_id":"shop:80","resource":{"service.namespace":"prod","service.name":"shop","service.instance.id":"shop:80"}}
            {"service":"shop","service_namespace":"prod","service_instance_id":"shop:80","resource":{"service.namespace":"prod","service.name":"shop","service.instance.id":"shop:80"}}
            {"service":"other","resource":{"service.name":"other"}}
            {"service":"other","resource":{"service.name":"other"}}
        "#]],
    );
}

/// Scenario: a counter with metadata beside it, and metadata that comes alone.
/// Guarantees: type, unit and description are those of the metadata; alone it makes no row and is noted.
#[test]
fn metadata_tells_type_unit_and_description() {
    let metadata = vec![Metadata {
        metric_type: 1,
        family: "traffic_bytes".to_owned(),
        help: "Bytes sent.".to_owned(),
        unit: "bytes".to_owned(),
    }];
    let timeseries = vec![series("traffic_bytes", &[], vec![sample(3.0, 1)])];
    let (batch, report) = read(&WriteRequest { timeseries, metadata: metadata.clone() });
    assert_eq!(report, Report::default());
    expect![[r#"
        {"name":"traffic_bytes","type":"sum","is_monotonic":true,"unit":"By","description":"Bytes sent.","metadata":{"prometheus.type":"counter"}}
    "#]]
    .assert_eq(&shown(&batch, &["name", "type", "is_monotonic", "unit", "description", "metadata"]));
    let (batch, report) = read(&WriteRequest { timeseries: Vec::new(), metadata });
    assert_eq!(batch.num_rows(), 0);
    expect!["note 1 x metadata_without_series: metadata of 1 metrics came without any of their series"]
        .assert_eq(&findings(&report));
}

/// An exemplar as Prometheus sends it: a series of its own.
fn exemplar(of: &TimeSeries, value: f64, timestamp_ms: i64) -> TimeSeries {
    let trace =
        [("trace_id", "5b8efff798038103d269b633813fc60c"), ("span_id", "EEE19B7EC3C1B174"), ("shelf", "a")];
    let exemplars = vec![Exemplar { labels: labels(&trace), value, timestamp_ms }];
    TimeSeries { labels: of.labels.clone(), exemplars, ..TimeSeries::default() }
}

/// Scenario: a series comes twice, with exemplars that came apart, one of them later than all samples; another
/// exemplar is of a series that is not in the request.
/// Guarantees: each is with the first point that is not older, with its span; the last one is left out and counted.
#[test]
fn exemplars_find_their_points() {
    let first = series("orders_total", &[], vec![sample(1.0, 1_000), sample(2.0, 2_000)]);
    let second = series("orders_total", &[], vec![sample(3.0, 3_000)]);
    let other = series("visits_total", &[], vec![sample(4.0, 1_000)]);
    let stranger = series("stranger_total", &[], Vec::new());
    let timeseries = vec![
        exemplar(&first, 0.5, 1_500),
        first.clone(),
        second,
        other,
        exemplar(&first, 0.25, 3_000),
        exemplar(&first, 0.125, 9_000),
        exemplar(&stranger, 7.0, 1_000),
    ];
    let (batch, report) = read(&WriteRequest { timeseries, metadata: Vec::new() });
    expect!["warning 1 x exemplar_without_sample: an exemplar came in a request that has no sample of its series, and was left out"]
        .assert_eq(&findings(&report));
    expect![[r#"
        {"name":"orders_total","value":1.0,"exemplars":[]}
        {"name":"orders_total","value":2.0,"exemplars":[{"time":"1970-01-01T00:00:01.500Z","value":0.5,"trace_id":"5b8efff798038103d269b633813fc60c","span_id":"eee19b7ec3c1b174","attributes":{"shelf":"a"},"attributes_types":"s"}]}
        {"name":"orders_total","value":3.0,"exemplars":[{"time":"1970-01-01T00:00:03Z","value":0.25,"trace_id":"5b8efff798038103d269b633813fc60c","span_id":"eee19b7ec3c1b174","attributes":{"shelf":"a"},"attributes_types":"s"},{"time":"1970-01-01T00:00:09Z","value":0.125,"trace_id":"5b8efff798038103d269b633813fc60c","span_id":"eee19b7ec3c1b174","attributes":{"shelf":"a"},"attributes_types":"s"}]}
        {"name":"visits_total","value":4.0,"exemplars":[]}
    "#]]
    .assert_eq(&shown(&batch, &["name", "value", "exemplars"]));
}

/// Of integers: 2 zeros, buckets 1 and 2 with 1 and 3, a gap of two, bucket 5 with 2; below zero bucket 0 with 4.
fn native() -> Histogram {
    Histogram {
        count_int: Some(12),
        sum_bits: 18.5_f64.to_bits(),
        schema: 1,
        zero_threshold: 0.001,
        zero_count_int: Some(2),
        positive_spans: vec![BucketSpan { offset: 1, length: 2 }, BucketSpan { offset: 2, length: 1 }],
        positive_deltas: vec![1, 2, -1],
        negative_spans: vec![BucketSpan { offset: 0, length: 1 }],
        negative_deltas: vec![4],
        timestamp_ms: 1_000,
        ..Histogram::default()
    }
}

/// The same of floats.
fn native_of_floats() -> Histogram {
    Histogram {
        count_int: None,
        count_float: Some(12.0),
        zero_count_int: None,
        zero_count_float: Some(2.0),
        positive_deltas: Vec::new(),
        positive_counts: vec![1.0, 3.0, 2.0],
        negative_deltas: Vec::new(),
        negative_counts: vec![4.0],
        ..native()
    }
}

fn natives(histograms: Vec<Histogram>) -> TimeSeries {
    TimeSeries { histograms, ..series("latency", &[], Vec::new()) }
}

/// Scenario: a native histogram of integers, the same of floats, and its end.
/// Guarantees: both are one exponential histogram with the gap filled; bucket numbers are one less, as OTLP names
/// buckets by where they begin.
#[test]
fn native_histograms_become_exponential_ones() {
    let stale = Histogram { sum_bits: STALE_BITS, timestamp_ms: 2_000, ..Histogram::default() };
    check(
        vec![natives(vec![native(), native_of_floats(), stale])],
        &[
            "type",
            "temporality",
            "time",
            "flags",
            "count",
            "sum",
            "scale",
            "zero_count",
            "zero_threshold",
            "positive_offset",
            "positive_counts",
            "negative_offset",
            "negative_counts",
        ],
        expect![[r#"
            {"type":"exponential_histogram","temporality":"cumulative","time":"1970-01-01T00:00:01Z","flags":0,"count":12,"sum":18.5,"scale":1,"zero_count":2,"zero_threshold":0.001,"positive_offset":0,"positive_counts":[1,3,0,0,2],"negative_offset":-1,"negative_counts":[4]}
            {"type":"exponential_histogram","temporality":"cumulative","time":"1970-01-01T00:00:01Z","flags":0,"count":12,"sum":18.5,"scale":1,"zero_count":2,"zero_threshold":0.001,"positive_offset":0,"positive_counts":[1,3,0,0,2],"negative_offset":-1,"negative_counts":[4]}
            {"type":"exponential_histogram","temporality":"cumulative","time":"1970-01-01T00:00:02Z","flags":1}
        "#]],
    );
}

/// What is said of a histogram that cannot be stored.
fn refusal(histogram: Histogram) -> String {
    let (batch, report) =
        read(&WriteRequest { timeseries: vec![natives(vec![histogram])], metadata: Vec::new() });
    assert_eq!((batch.num_rows(), report.n_rejected()), (0, 1));
    findings(&report)
}

/// Scenario: native histograms that OTLP has no form for, and broken ones.
/// Guarantees: each is rejected with what is wrong with it.
#[test]
fn histograms_that_cannot_be_stored_say_why() {
    let span = |offset, length| BucketSpan { offset, length };
    let refusals = [
        Histogram { schema: -53, ..native() },
        Histogram { schema: 9, ..native() },
        Histogram { reset_hint: 3, ..native() },
        Histogram { count_int: None, count_float: Some(0.5), ..native() },
        Histogram { positive_counts: vec![1.0, f64::NAN, 2.0], ..native_of_floats() },
        Histogram { positive_deltas: vec![1, -2, 1], ..native() },
        Histogram { positive_deltas: vec![i64::MAX, 1, 1], ..native() },
        Histogram { positive_deltas: vec![1, 2], ..native() },
        Histogram { positive_deltas: vec![1, 2, 3, 4], ..native() },
        Histogram { positive_spans: vec![span(1, 2), span(-1, 1)], ..native() },
        Histogram { positive_spans: vec![span(1, 2), span(i32::MAX, 1)], ..native() },
        Histogram { positive_spans: vec![span(i32::MIN, 3)], ..native() },
        Histogram { count_int: Some(13), ..native() },
        Histogram { timestamp_ms: -1, ..native() },
    ]
    .map(refusal);
    expect![[r#"
        item 1 x native_histogram_unusable: native histogram 'latency' has schema -53, and schemas -4..=8 are stored
        item 1 x native_histogram_unusable: native histogram 'latency' has schema 9, and schemas -4..=8 are stored
        item 1 x native_histogram_unusable: native histogram 'latency' is a gauge, and only cumulative ones are stored
        item 1 x native_histogram_unusable: native histogram 'latency' counts 0.5, which is no whole number
        item 1 x native_histogram_unusable: native histogram 'latency' counts NaN, which is no whole number
        item 1 x native_histogram_unusable: native histogram 'latency' has a bucket that counts less than nothing
        item 1 x native_histogram_unusable: native histogram 'latency' has a bucket that counts less than nothing
        item 1 x native_histogram_unusable: native histogram 'latency' has fewer counts than buckets
        item 1 x native_histogram_unusable: native histogram 'latency' has more counts than buckets
        item 1 x native_histogram_unusable: native histogram 'latency' has rows of buckets over each other
        item 1 x native_histogram_unusable: native histogram 'latency' spans 2147483650 buckets, and at most 16384 are stored
        item 1 x native_histogram_unusable: native histogram 'latency' has a bucket below all numbers
        item 1 x histogram_count_mismatch: metric 'latency' has count 13, but its buckets hold 12
        item 1 x timestamp_invalid: metric 'latency' has a point at -1 ms, before 1970"#]]
    .assert_eq(&refusals.join("\n"));
}

/// Scenario: a series without a name, with one that is empty, with labels alone, with a time before 1970, and a good
/// one; no series at all.
/// Guarantees: what cannot be stored is counted point by point; the good one is stored.
#[test]
fn wrong_series_cost_themselves_only() {
    let unnamed = |labels| TimeSeries {
        labels,
        samples: vec![sample(1.0, 1), sample(2.0, 2)],
        ..TimeSeries::default()
    };
    let timeseries = vec![
        unnamed(labels(&[("job", "shop"), ("le", "1")])),
        unnamed(labels(&[("__name__", "")])),
        series("labels_alone", &TARGET, Vec::new()),
        series("early", &[], vec![sample(1.0, -1), sample(1.0, 0)]),
    ];
    let (batch, report) = read(&WriteRequest { timeseries, metadata: Vec::new() });
    assert_eq!(batch.num_rows(), 1);
    expect![[r#"
        item 4 x metric_name_missing: a series without __name__, with shop, le
        item 1 x timestamp_invalid: metric 'early' has a point at -1 ms, before 1970"#]]
    .assert_eq(&findings(&report));
    assert_eq!(read(&WriteRequest::default()).0.num_rows(), 0);
}

/// Scenario: classic histograms and summaries, and the labels of an OpenTelemetry scope.
/// Guarantees: their series stay series, of the kinds that their names tell; the scope is a scope.
#[test]
fn classic_histograms_stay_series() {
    let scope = [("otel_scope_name", "meter"), ("otel_scope_version", "1.0")];
    let one = || vec![sample(1.0, 1)];
    check(
        vec![
            series("latency_bucket", &[("le", "0.5")], one()),
            series("latency_bucket", &[("le", "+Inf")], one()),
            series("latency_count", &[], one()),
            series("gc", &[("quantile", "0.5")], one()),
            series("target_info", &scope, one()),
        ],
        &["name", "type", "scope_name", "scope_version", "attributes"],
        expect![[r#"
            {"name":"latency_bucket","type":"sum","scope_name":"","scope_version":"","attributes":{"le":"0.5"}}
            {"name":"latency_bucket","type":"sum","scope_name":"","scope_version":"","attributes":{"le":"+Inf"}}
            {"name":"latency_count","type":"sum","scope_name":"","scope_version":"","attributes":{}}
            {"name":"gc","type":"gauge","scope_name":"","scope_version":"","attributes":{"quantile":"0.5"}}
            {"name":"target_info","type":"gauge","scope_name":"meter","scope_version":"1.0","attributes":{}}
        "#]],
    );
}

/// Scenario: bodies that are no message, text that is no UTF-8, millions of empty messages, labels that a
/// million points would repeat, and histograms of two buckets with 16,000 empty ones between them.
/// Guarantees: refused; where memory is the reason, before it is taken.
#[test]
fn hostile_bodies_are_refused() {
    let refused = |body: &[u8]| rows(Signal::Metrics, Encoding::RemoteWrite, body).unwrap_err();
    assert!(matches!(refused(b"\xff\xff"), Error::RemoteWrite { .. }));
    assert!(matches!(refused(b"\x0a\x04\x0a\x02\x0a\xff"), Error::RemoteWrite { .. }));
    let not_text = [0x0a, 0x05, 0x0a, 0x03, 0x0a, 0x01, 0xff];
    assert!(matches!(refused(&not_text), Error::RemoteWrite { .. }));
    assert!(matches!(refused(&[0x0a_u8, 0].repeat(4 << 20)), Error::TooLarge { .. }));
    let long = "x".repeat(10_000);
    let repeating = series("m", &[("long", long.as_str())], vec![sample(1.0, 1); 100_000]);
    let repeating = WriteRequest { timeseries: vec![repeating], metadata: Vec::new() };
    assert!(matches!(refused(&repeating.encode_to_vec()), Error::TooLarge { .. }));
    let sparse = Histogram {
        count_int: Some(5),
        positive_spans: vec![BucketSpan { offset: 0, length: 1 }, BucketSpan { offset: 16_000, length: 1 }],
        positive_deltas: vec![1, 1],
        negative_spans: Vec::new(),
        negative_deltas: Vec::new(),
        ..native()
    };
    let gaps = WriteRequest { timeseries: vec![natives(vec![sparse; 5_000])], metadata: Vec::new() };
    assert!(matches!(refused(&gaps.encode_to_vec()), Error::TooLarge { .. }));
}

/// Scenario: a large honest request: 20,000 series of eight labels, and one with 20,000 samples.
/// Guarantees: the limits on memory do not meet it.
#[test]
fn large_honest_requests_are_accepted() {
    let names: Vec<String> = (0..20_000).map(|number| format!("requests_{number}_total")).collect();
    let pairs = [
        ("instance", "10.0.0.1:9100"),
        ("job", "node"),
        ("cluster", "production"),
        ("namespace", "shop"),
        ("pod", "checkout-7d9f8b6c5d-x2x4v"),
        ("method", "POST"),
        ("status", "200"),
    ];
    let mut timeseries: Vec<TimeSeries> =
        names.iter().map(|name| series(name, &pairs, vec![sample(1.0, 1)])).collect();
    timeseries.push(series("long_total", &pairs, (0..20_000).map(|ms| sample(1.0, ms)).collect()));
    let (batch, report) = read(&WriteRequest { timeseries, metadata: Vec::new() });
    assert_eq!((batch.num_rows(), report), (40_000, Report::default()));
}

fn any_series() -> impl Strategy<Value = TimeSeries> {
    let name = prop_oneof![
        3 => prop::sample::select(vec!["__name__", "job", "instance", "le", "otel_scope_name"]).prop_map(str::to_owned),
        1 => ".{0,4}",
    ];
    let labels =
        prop::collection::vec((name, ".{0,6}").prop_map(|(name, value)| Label { name, value }), 0..5);
    let sample = (any::<u64>(), any::<i64>())
        .prop_map(|(value_bits, timestamp_ms)| Sample { value_bits, timestamp_ms });
    let samples = prop::collection::vec(sample, 0..4);
    let histograms = prop::collection::vec(any_histogram(), 0..3);
    let exemplar = (any::<f64>(), any::<i64>()).prop_map(|(value, timestamp_ms)| Exemplar {
        labels: Vec::new(),
        value,
        timestamp_ms,
    });
    let exemplars = prop::collection::vec(exemplar, 0..2);
    (labels, samples, histograms, exemplars).prop_map(|(labels, samples, histograms, exemplars)| TimeSeries {
        labels,
        samples,
        exemplars,
        histograms,
    })
}

fn any_histogram() -> impl Strategy<Value = Histogram> {
    let span = (-3..40_i32, 0..4_u32).prop_map(|(offset, length)| BucketSpan { offset, length });
    let spans = prop::collection::vec(span, 0..3);
    let numbers = (prop::option::of(0..9_u64), any::<i32>(), -6..10_i32, 0..4_i32, -9..i64::MAX);
    let deltas = prop::collection::vec(-2..5_i64, 0..6);
    let floats = prop::collection::vec(prop_oneof![Just(1.0), Just(0.5), any::<f64>()], 0..3);
    (numbers, spans, deltas, floats).prop_map(
        |(numbers, positive_spans, positive_deltas, positive_counts)| Histogram {
            count_int: numbers.0,
            sum_bits: u64::from(numbers.1.unsigned_abs()),
            schema: numbers.2,
            reset_hint: numbers.3,
            timestamp_ms: numbers.4,
            positive_spans,
            positive_deltas,
            positive_counts,
            ..Histogram::default()
        },
    )
}

proptest! {
    /// Scenario: series with any labels, samples, histograms and exemplars.
    /// Guarantees: each point is stored or counted as rejected, without a panic.
    #[test]
    fn points_are_stored_or_counted(timeseries in prop::collection::vec(any_series(), 0..5)) {
        let n_points: usize =
            timeseries.iter().map(|series| series.samples.len() + series.histograms.len()).sum();
        let (batch, report) = read(&WriteRequest { timeseries, metadata: Vec::new() });
        prop_assert_eq!(batch.num_rows() as u64 + report.n_rejected(), n_points as u64);
    }

    /// Scenario: a real message with bytes changed and its end cut off.
    /// Guarantees: rows or an error, never a panic.
    #[test]
    fn damaged_bodies_never_panic(
        timeseries in prop::collection::vec(any_series(), 0..4),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut: prop::sample::Index,
    ) {
        let mut body = WriteRequest { timeseries, metadata: Vec::new() }.encode_to_vec();
        for (place, byte) in &damage {
            if !body.is_empty() {
                let place = place.index(body.len());
                body[place] = *byte;
            }
        }
        body.truncate(cut.index(body.len() + 1));
        let _ = rows(Signal::Metrics, Encoding::RemoteWrite, &body);
    }
}
