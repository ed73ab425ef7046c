//! Tests of what becomes of streams: sums, shares, bounds, marks, and how much of it is kept.

use super::*;
use storage::MetricStream;

const SECOND_NS: i64 = 1_000_000_000;

fn stream(instance: &str, attributes: &[(&str, &str)], values: &[f64]) -> MetricStream {
    let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let points = (0_i64..).map(|n| 60 * n * SECOND_NS).zip(values.iter().copied());
    MetricStream {
        instance: instance.to_owned(),
        attributes: attributes.collect(),
        points: points.collect(),
        counts: Vec::new(),
    }
}

fn metric(name: &str, unit: &str, streams: Vec<MetricStream>) -> MetricStreams {
    MetricStreams { name: name.to_owned(), unit: unit.to_owned(), streams, truncated: false }
}

/// What is found in a range of so many minutes.
fn check(minutes: i64, metrics: &[MetricStreams]) -> Vec<Found> {
    let range = TimeRange { from: 0, to: 60 * minutes * SECOND_NS };
    let (found, truncated) = found(&query("shop".to_owned(), range, STEP_MIN), metrics);
    assert!(!truncated);
    found
}

fn values(series: &Series) -> Vec<f64> {
    series.points.iter().map(|(_, value)| *value).collect()
}

/// Scenario: a pool of two instances by state, one of them almost full; its bound comes in another metric.
/// Guarantees: only what is in use counts, each instance has its own bound, the fullest stands first and is marked.
#[test]
fn pools_are_held_against_their_bound() {
    let pool = "db.client.connection.pool.name";
    let state = "db.client.connection.state";
    let used = |instance: &str, values: &[f64]| stream(instance, &[(pool, "main"), (state, "used")], values);
    let idle = |instance: &str, values: &[f64]| stream(instance, &[(pool, "main"), (state, "idle")], values);
    let found = check(
        2,
        &[
            metric(
                "db.client.connection.count",
                "{connection}",
                vec![
                    used("a", &[1.0, 2.0]),
                    idle("a", &[9.0, 8.0]),
                    used("b", &[9.0, 19.0]),
                    idle("b", &[9.0, 1.0]),
                ],
            ),
            metric(
                "db.client.connection.max",
                "{connection}",
                vec![
                    stream("a", &[(pool, "main")], &[10.0, 10.0]),
                    stream("b", &[(pool, "main")], &[10.0, 20.0]),
                ],
            ),
        ],
    );
    let [found] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((found.known.kind, found.limit_name), (Kind::Pool, Some("db.client.connection.max")));
    let [b, a] = found.series.as_slice() else { panic!("{found:?}") };
    assert_eq!((b.instance.as_str(), values(b)), ("b", vec![9.0, 19.0]));
    assert_eq!((b.newest, b.limit, b.ratio, b.is_marked), (19.0, Some(20.0), Some(0.95), true));
    assert_eq!((a.newest, a.limit, a.ratio, a.is_marked), (2.0, Some(10.0), Some(0.2), false));
    assert_eq!(a.labels, [(pool, "main".to_owned())]);
}

/// Scenario: idle time of two cores, idle shares under an old key, used memory that names no bound or one of -1.
/// Guarantees: busy is what is not idle on average; what is no bound gives no ratio.
#[test]
fn idle_cores_and_absent_bounds() {
    let busy = |name: &str, key: &str| {
        let cores = [("0", 0.5), ("1", 0.7)];
        let idle = cores.map(|(core, share)| stream("a", &[("core", core), (key, "idle")], &[share]));
        let mut streams = idle.to_vec();
        streams.push(stream("a", &[("core", "0"), (key, "user")], &[0.5]));
        let found = check(1, &[metric(name, "", streams)]);
        assert_eq!((found[0].known.name, found[0].series[0].limit), (name, Some(1.0)));
        found[0].series[0].newest
    };
    assert!((busy("system.cpu.time", "cpu.mode") - 0.4).abs() < 1e-9);
    assert!((busy("system.cpu.utilization", "state") - 0.4).abs() < 1e-9);
    let used = || metric("jvm.memory.used", "By", vec![stream("a", &[("id", "Metaspace")], &[7.0])]);
    let unbounded = metric("jvm.memory.max", "By", vec![stream("a", &[("id", "Metaspace")], &[-1.0])]);
    for metrics in [vec![used()], vec![used(), unbounded]] {
        let found = check(1, &metrics);
        assert_eq!((found[0].limit_name, found[0].series[0].ratio), (None, None));
    }
}

/// Scenario: memory in mebibytes and CPU time in milliseconds, of two thousand units each; bounds of either that name no
/// unit, or bytes.
/// Guarantees: a bound without a unit is in that of the values, and in cores where these are times; one with a unit is in
/// its own.
#[test]
fn bounds_without_a_unit_are_in_that_of_their_values() {
    let one = |name: &str, unit: &str, value: f64| metric(name, unit, vec![stream("a", &[], &[value])]);
    let ratio = |metrics: &[MetricStreams]| check(1, metrics)[0].series[0].ratio;
    let memory = || one("container.memory.usage", "MiBy", 2_000.0);
    assert_eq!(ratio(&[memory(), one("k8s.container.memory.limit", "", 4_000.0)]), Some(0.5));
    let bytes = 4_000.0 * 1_048_576.0;
    assert_eq!(ratio(&[memory(), one("k8s.container.memory.limit", "By", bytes)]), Some(0.5));
    let cpu = one("container.cpu.time", "ms", 2_000.0);
    assert_eq!(ratio(&[cpu, one("k8s.container.cpu.limit", "", 4.0)]), Some(0.5));
}

/// Scenario: full pools of a JVM: the old generation, Eden, and one of an instance that fell silent half an hour ago.
/// Guarantees: only what is full now, and should not be, is marked.
#[test]
fn marks_are_for_trouble_now() {
    let streams = |pool: &str, minutes: usize, value: f64| {
        stream(pool, &[("jvm.memory.pool.name", pool)], &vec![value; minutes])
    };
    let all = |value: f64| {
        vec![
            streams("G1 Old Gen", 40, value),
            streams("PS Eden Space", 40, value),
            streams("G1 Old Gen of old", 10, value),
        ]
    };
    let metrics = [metric("jvm.memory.used", "By", all(99.0)), metric("jvm.memory.limit", "By", all(100.0))];
    let found = check(40, &metrics);
    let marked = found[0].series.iter().filter(|one| one.is_marked).map(|one| one.instance.as_str());
    assert_eq!(marked.collect::<Vec<_>>(), ["G1 Old Gen"]);
    assert_eq!(found[0].series[0].instance, "G1 Old Gen");
}

/// Scenario: both generations of one name; units of Micrometer; a histogram of waits with its counts.
/// Guarantees: the newer name wins, values are in the table's unit, a mean is weighted.
#[test]
fn generations_units_and_means() {
    let found = check(
        1,
        &[
            metric("process.runtime.jvm.threads.count", "1", vec![stream("a", &[], &[5.0])]),
            metric(
                "jvm.thread.count",
                "{thread}",
                vec![stream("a", &[("s", "x")], &[5.0]), stream("a", &[], &[6.0])],
            ),
            metric("jvm.gc.pause", "milliseconds", vec![stream("a", &[], &[200.0])]),
            metric(
                "hikaricp.connections.acquire",
                "milliseconds",
                vec![
                    MetricStream { counts: vec![(0, 2.0)], ..stream("a", &[("pool", "p")], &[30.0]) },
                    MetricStream {
                        counts: vec![(0, 1.0)],
                        ..stream("a", &[("pool", "p"), ("x", "y")], &[60.0])
                    },
                ],
            ),
        ],
    );
    let shown: Vec<_> = found.iter().map(|one| (one.known.name, one.series[0].newest)).collect();
    assert_eq!(
        shown,
        [("jvm.gc.pause", 0.2), ("jvm.thread.count", 11.0), ("hikaricp.connections.acquire", 0.03)]
    );
}

/// Scenario: a metric of 30 instances with three series each.
/// Guarantees: 20 instances and 40 series at most, those with the highest peaks, and it is said.
#[test]
fn lines_are_bounded() {
    let streams = (0..90_u32).map(|n| {
        let (instance, topic) = (format!("i{:02}", n / 3), format!("t{}", n % 3));
        stream(&instance, &[("topic", topic.as_str())], &[f64::from(n), 0.0])
    });
    let found = check(2, &[metric("kafka.consumer.records_lag", "{record}", streams.collect())]);
    assert!(found[0].truncated);
    assert_eq!(found[0].series.len(), 40);
    assert_eq!(values(&found[0].series[0]), [89.0, 0.0]);
    let instances: BTreeSet<&str> = found[0].series.iter().map(|one| one.instance.as_str()).collect();
    assert!(instances.len() <= 20 && !instances.contains("i00"));
}
