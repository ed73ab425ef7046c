//! The one sentence on top of a page, and the judgement behind it.

use crate::format;
use crate::model::health::Health;
use crate::model::{figures, name_text, order};
use wire::{AlertState, EdgeRow, Figures, ServiceDetail, ServiceList, ServiceRow};

/// Share of failed requests from which a service is named in the sentence.
const ERRORS_WARNING: f64 = 0.01;
/// Share of failed requests from which it is drawn as failing.
const ERRORS_FAILING: f64 = 0.05;
/// Names that a sentence carries before it counts the rest.
const NAMES_MAX: usize = 3;

/// A firing alert wins over the error ratio; without requests nothing is known.
pub fn health(red: &Figures, alert: Option<AlertState>) -> Health {
    match (alert, red.error_ratio) {
        (Some(AlertState::Firing), _) => Health::Failing,
        (_, None) => Health::NoData,
        (_, Some(ratio)) if ratio > ERRORS_FAILING => Health::Failing,
        (Some(AlertState::Pending), _) => Health::Warning,
        (_, Some(ratio)) if ratio > ERRORS_WARNING => Health::Warning,
        _ => Health::Well,
    }
}

pub fn edge_health(edge: &EdgeRow) -> Health {
    health(&edge.red, None)
}

/// Are there more services than the list has?
pub fn is_cut(list: &ServiceList) -> bool {
    list.services.len() < list.n_services as usize
}

/// `2 of 12 services have errors above 1 %: payment-api, checkout. 1 sent nothing.`
pub fn services(list: &ServiceList) -> String {
    if is_cut(list) {
        return format!(
            "The worst {} of {} services. {}",
            list.services.len(),
            list.n_services,
            of_listed(list)
        );
    }
    of_listed(list)
}

fn of_listed(list: &ServiceList) -> String {
    let n = list.services.len();
    let mut failing: Vec<&ServiceRow> = list.services.iter().filter(|row| is_above(&row.red)).collect();
    order::sort(&mut failing, |a, b| ratio(&b.red).total_cmp(&ratio(&a.red)));
    let names: Vec<&str> = failing.iter().map(|row| row.service.as_str()).collect();
    let n_silent = list.services.iter().filter(|row| row.red.n_requests == 0).count();
    let n_firing = list.services.iter().filter(|row| row.alert_state == Some(AlertState::Firing)).count();
    let errors = match (failing.len(), n) {
        (_, 0) => return "No service has sent anything yet.".to_owned(),
        (0, 1) => "The one service has errors below 1 %.".to_owned(),
        (0, _) if n_silent == n => return format!("None of {n} services sent a span in this range."),
        (0, _) => format!("All {} services have errors below 1 %.", n - n_silent),
        (1, _) => format!("1 of {n} services has errors above 1 %: {}.", list_names(&names)),
        (m, _) => format!("{m} of {n} services have errors above 1 %: {}.", list_names(&names)),
    };
    let firing =
        (n_firing > 0).then(|| format!(" {} firing.", plural(n_firing, "has an alert", "have alerts")));
    let silent = (n_silent > 0).then(|| format!(" {} nothing.", plural(n_silent, "sent", "sent")));
    errors + &firing.unwrap_or_default() + &silent.unwrap_or_default()
}

fn plural(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

fn list_names(names: &[&str]) -> String {
    match names.len() {
        ..=NAMES_MAX => name_text::inline_list(names.iter().copied()),
        n => {
            let first = name_text::inline_list(names[..NAMES_MAX].iter().copied());
            format!("{first} and {} more", n - NAMES_MAX)
        }
    }
}

fn is_above(red: &Figures) -> bool {
    ratio(red) > ERRORS_WARNING
}

fn ratio(red: &Figures) -> f64 {
    red.error_ratio.unwrap_or(0.0)
}

/// What follows the name of a service: `fails 18 % of its requests, most of all POST /orders`.
pub fn service(detail: &ServiceDetail) -> String {
    let Some(ratio) = detail.red.error_ratio else {
        return "sent no requests in this range".to_owned();
    };
    let latency = detail.red.p95_ns.map(|p95| format!(", p95 {}", format::duration(p95)));
    let latency = latency.unwrap_or_default();
    if ratio <= ERRORS_WARNING {
        let errors = if detail.red.n_errors == 0 {
            "without errors".to_owned()
        } else {
            format!("with {} errors", format::percent(ratio))
        };
        return format!("answers {} {errors}{latency}", figures::rate(&detail.red));
    }
    let worst = detail.operations.iter().max_by_key(|operation| operation.red.n_errors);
    let worst = worst.filter(|operation| detail.operations.len() > 1 && operation.red.n_errors > 0);
    let where_at =
        worst.map(|operation| format!(", most of all {}", name_text::inline(&operation.operation)));
    format!("fails {} of its requests{}{latency}", format::percent(ratio), where_at.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, n_requests: u64, n_errors: u64, alert_state: Option<AlertState>) -> ServiceRow {
        let error_ratio = (n_requests > 0).then(|| n_errors as f64 / n_requests as f64);
        let red = Figures { n_requests, n_errors, error_ratio, ..Figures::default() };
        ServiceRow { service: name.to_owned(), red, alert_state, ..ServiceRow::default() }
    }

    fn check(services: Vec<ServiceRow>, sentence: &str) {
        assert_eq!(super::services(&ServiceList { services, ..ServiceList::default() }), sentence);
    }

    /// Scenario: the server left services out.
    /// Guarantees: the sentence says so before it speaks of those that are listed.
    #[test]
    fn tells_what_was_left_out() {
        let services = vec![row("a", 100, 2, None), row("b", 100, 0, None)];
        let list = ServiceList { services, n_services: 9, ..ServiceList::default() };
        assert_eq!(
            super::services(&list),
            "The worst 2 of 9 services. 1 of 2 services has errors above 1 %: a."
        );
    }

    /// Scenario: lists with none, one, several and many bad services, silent ones and alerts.
    /// Guarantees: one sentence that could be read aloud, worst first, silence never counted as well.
    #[test]
    fn sums_up_services() {
        check(vec![], "No service has sent anything yet.");
        check(vec![row("a", 100, 1, None)], "The one service has errors below 1 %.");
        check(
            vec![row("a", 100, 2, None), row("b", 100, 9, None), row("c", 0, 0, None)],
            "2 of 3 services have errors above 1 %: b, a. 1 sent nothing.",
        );
        check(
            vec![row("a", 100, 0, Some(AlertState::Firing)), row("b", 9, 0, None)],
            "All 2 services have errors below 1 %. 1 has an alert firing.",
        );
        check(
            vec![row("a", 0, 0, None), row("b", 0, 0, None)],
            "None of 2 services sent a span in this range.",
        );
        let many = ["a", "b", "c", "d", "e"].map(|name| row(name, 10, 5, None)).to_vec();
        check(many, "5 of 5 services have errors above 1 %: a, b, c and 2 more.");
    }

    /// Scenario: requests with few, some and many errors, alerts, and none at all.
    /// Guarantees: no data is never well, and a firing alert is failing whatever the ratio.
    #[test]
    fn judges_health() {
        let health = |n, errors, alert| super::health(&row("a", n, errors, alert).red, alert);
        assert_eq!(health(0, 0, None), Health::NoData);
        assert_eq!(health(1_000, 10, None), Health::Well);
        assert_eq!(health(1_000, 11, None), Health::Warning);
        assert_eq!(health(1_000, 51, None), Health::Failing);
        assert_eq!(health(1_000, 0, Some(AlertState::Firing)), Health::Failing);
        assert_eq!(health(1_000, 0, Some(AlertState::Pending)), Health::Warning);
    }
}
