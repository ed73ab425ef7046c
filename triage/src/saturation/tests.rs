//! Resources that were full or changed, told apart from those that were always so.

use super::{Saturation, saturation};
use crate::test_rows::{MS, MetricRow, input, metrics};
use crate::{Limits, Tables, TriageInput};

/// Ten points of history at 10 to 12, then what is told, every 10 ms.
fn series(name: &'static str, scale: f64, after: &[f64]) -> Vec<MetricRow> {
    let usual = [10.0, 12.0, 11.0, 10.0, 11.0, 12.0, 10.0, 11.0, 12.0, 11.0];
    let values = usual.iter().chain(after).enumerate();
    let row = |(at, value): (usize, &f64)| {
        MetricRow::gauge("cart", name, 10 * at as i64 * MS, value * scale).of("cart-1")
    };
    values.map(row).collect()
}

fn found(rows: &[MetricRow]) -> Vec<Saturation> {
    let metrics = [metrics(rows)];
    let input = TriageInput { metrics: &metrics, ..input(&[]) };
    saturation(&input, &Tables::read(&input, &Limits::default()).expect("readable rows"))
}

/// Scenario: a processor goes from 11 to 81 and 91 percent, told in percent or as a share of one.
/// Guarantees: the second largest value counts; the history, the onset and the share taken are told.
#[test]
fn a_share_that_left_its_history_is_found() {
    let percent = found(&series("CpuUsageRate(%)", 1.0, &[13.0, 91.0, 81.0]));
    let [one] = percent.as_slice() else { panic!("one finding: {percent:?}") };
    assert_eq!((one.before, one.top, one.onset_ns), (11.0, 81.0, 110 * MS));
    assert!((one.taken - 0.7).abs() < 1e-9);
    assert!((one.deviations - 70.0 / (1.4826 + 1.0)).abs() < 1e-9);
    let share: Vec<_> = series("container.cpu.utilization", 0.01, &[13.0, 91.0, 81.0])
        .into_iter()
        .map(|row| row.in_unit("1"))
        .collect();
    assert!((found(&share)[0].taken - 0.7).abs() < 1e-9);
    assert!((found(&series("jvm_memory_usage_ratio", 0.01, &[91.0, 81.0]))[0].taken - 0.7).abs() < 1e-9);
}

/// Scenario: the same rise in what is no share, no resource, a whole host, idle time; a rise of one point only, a
/// short history, and points after the question.
/// Guarantees: none of them is evidence.
#[test]
fn other_metrics_are_no_evidence() {
    let rise = [91.0, 81.0];
    assert_eq!(found(&series("CpuUsage(m)", 1.0, &rise)), []);
    assert_eq!(found(&series("hit_ratio", 0.01, &rise)), []);
    assert_eq!(found(&series("NodeCpuUsageRate(%)", 1.0, &rise)), []);
    let idle: Vec<_> =
        series("cpu.utilization", 0.01, &rise).into_iter().map(|row| row.with("state", "idle")).collect();
    assert_eq!(found(&idle), []);
    assert_eq!(found(&series("CpuUsageRate(%)", 1.0, &[91.0, 11.0])), []);
    assert_eq!(found(&series("CpuUsageRate(%)", 1.0, &rise)[6..]), []);
    let mut late = series("CpuUsageRate(%)", 1.0, &[11.0; 10]);
    late.extend(
        [20, 21].map(|at| MetricRow::gauge("cart", "CpuUsageRate(%)", 10 * at * MS, 91.0).of("cart-1")),
    );
    assert_eq!(found(&late), []);
}
