//! The order of the services table: worst first, or by a column.

use crate::model::{order, verdict};
use std::cmp::Ordering;
use wire::ServiceRow;

/// What `?sort=` means when it is absent: failing services first, then by failed requests, then busy.
pub const WORST: &str = "worst";

/// Sorts rows in place; missing values come last whichever way the column runs.
pub fn sort(rows: &mut Vec<&ServiceRow>, column: &str, is_descending: bool) {
    order::sort(rows, |a, b| {
        let by_name = a.service.cmp(&b.service);
        let order = match column {
            "service" => directed(by_name, is_descending),
            "rate" => number(Some(a.red.rate_per_s), Some(b.red.rate_per_s), is_descending),
            "errors" => number(a.red.error_ratio, b.red.error_ratio, is_descending),
            "p50" => number(a.red.p50_ns.map(float), b.red.p50_ns.map(float), is_descending),
            "p95" => number(a.red.p95_ns.map(float), b.red.p95_ns.map(float), is_descending),
            "p99" => number(a.red.p99_ns.map(float), b.red.p99_ns.map(float), is_descending),
            "seen" => directed(a.last_seen_at.cmp(&b.last_seen_at), is_descending),
            _ => worst(a, b),
        };
        order.then(by_name)
    });
}

fn worst(a: &ServiceRow, b: &ServiceRow) -> Ordering {
    let health = |row: &ServiceRow| verdict::health(&row.red, row.alert_state);
    let by_health = health(b).cmp(&health(a));
    by_health.then(b.red.n_errors.cmp(&a.red.n_errors)).then(b.red.n_requests.cmp(&a.red.n_requests))
}

fn directed(order: Ordering, is_descending: bool) -> Ordering {
    if is_descending { order.reverse() } else { order }
}

fn number(a: Option<f64>, b: Option<f64>, is_descending: bool) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => directed(a.total_cmp(&b), is_descending),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

fn float(ns: i64) -> f64 {
    ns as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Figures;

    fn row(name: &str, n_requests: u64, n_errors: u64, p95_ns: Option<i64>) -> ServiceRow {
        let error_ratio = (n_requests > 0).then(|| n_errors as f64 / n_requests as f64);
        let red = Figures { n_requests, n_errors, error_ratio, p95_ns, ..Figures::default() };
        ServiceRow { service: name.to_owned(), red, ..ServiceRow::default() }
    }

    fn check(column: &str, is_descending: bool, expected: &str) {
        let rows = [
            row("well", 900, 1, Some(30)),
            row("none", 0, 0, None),
            row("bad", 100, 50, Some(10)),
            row("shaky", 100, 2, Some(20)),
        ];
        let mut sorted: Vec<&ServiceRow> = rows.iter().collect();
        sort(&mut sorted, column, is_descending);
        let names: Vec<&str> = sorted.iter().map(|row| row.service.as_str()).collect();
        assert_eq!(names.join(" "), expected, "{column}");
    }

    /// Scenario: the table is sorted by several columns and both ways.
    /// Guarantees: worst first by default, silent services last, names break ties.
    #[test]
    fn sorts() {
        check(WORST, false, "bad shaky well none");
        check("p95", true, "well shaky bad none");
        check("p95", false, "bad shaky well none");
        check("service", false, "bad none shaky well");
    }
}
