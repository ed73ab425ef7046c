//! Words and marks for alerts and their deliveries: what an `AlertRow` means to a reader.
//!
//! Takes `now` from the answer and reads no clock.

use super::address::Address;
use super::report_links;
use super::slo_view::Standing;
use wire::{AlertRow, AlertState, DeliveryRow, ReceiverRow, TestAnswer, UnixNanos};

/// A fault begins before its alert: so much of the time before it is asked about.
const NOTICED_LATE_MS: i64 = 300_000;

/// Standing and word of an alert.
pub fn standing(alert: &AlertRow) -> (Standing, &'static str) {
    match (alert.state, alert.severity.as_str()) {
        (AlertState::Firing, "page") => (Standing::Failing, "firing"),
        (AlertState::Firing, _) => (Standing::Warning, "firing"),
        (AlertState::Pending, _) => (Standing::Pending, "pending"),
        (AlertState::Resolved, _) => (Standing::Well, "resolved"),
        (AlertState::Inactive, _) => (Standing::Well, "inactive"),
    }
}

/// Pending and firing alerts are active; the others are history.
pub fn is_active(alert: &AlertRow) -> bool {
    matches!(alert.state, AlertState::Firing | AlertState::Pending)
}

/// What was found out about the cause, a sentence each; nothing where there is no report.
pub fn finding(alert: &AlertRow) -> impl Iterator<Item = &str> {
    let triage = alert.triage.iter();
    triage.flat_map(|triage| std::iter::once(&triage.headline).chain(&triage.sentences)).map(String::as_str)
}

/// The question what happened to its service: from some minutes before it was noticed to its end, or to now.
pub fn what_happened(alert: &AlertRow) -> String {
    let mut address = Address::parse(&report_links::what_happened(&alert.service));
    let from_ms = alert.pending_at.millis().saturating_sub(NOTICED_LATE_MS);
    address.set("from", &[from_ms.to_string()]);
    let to = alert.resolved_at.map_or_else(|| "now".to_owned(), |at| at.millis().to_string());
    address.set("to", &[to]);
    address.href()
}

/// Since when the alert is what it is: firing where it fired, else pending.
pub fn since(alert: &AlertRow) -> UnixNanos {
    alert.firing_at.unwrap_or(alert.pending_at)
}

/// How long it has lasted, or did last, in nanoseconds; never negative.
pub fn duration_ns(alert: &AlertRow, now: UnixNanos) -> i64 {
    let end = match is_active(alert) {
        true => now,
        false => alert.resolved_at.unwrap_or(now),
    };
    (end.0 - since(alert).0).max(0)
}

/// Standing and words of one delivery.
pub fn delivery(delivery: &DeliveryRow) -> (Standing, String) {
    let tries = delivery.attempts.len();
    match delivery.state.as_str() {
        "delivered" if tries <= 1 => (Standing::Well, "delivered".to_owned()),
        "delivered" => (Standing::Well, format!("delivered, attempt {tries}")),
        "waiting" if tries == 0 => (Standing::Pending, "waiting".to_owned()),
        "waiting" => (Standing::Warning, format!("retrying, {tries} failed")),
        "superseded" => (Standing::NoData, "superseded".to_owned()),
        "dead" => (Standing::Failing, format!("dead after {tries}")),
        other => (Standing::NoData, other.to_owned()),
    }
}

/// All deliveries of an alert in a few words, the worst of them as standing.
pub fn deliveries(alert: &AlertRow) -> (Standing, String) {
    let n = alert.deliveries.len();
    let of = |state: &str| alert.deliveries.iter().filter(|delivery| delivery.state == state).count();
    let (delivered, waiting, dead) = (of("delivered"), of("waiting"), of("dead"));
    let retrying = alert.deliveries.iter().any(|d| d.state == "waiting" && !d.attempts.is_empty());
    match (n, dead, waiting) {
        (0, _, _) => (Standing::NoData, "none".to_owned()),
        (_, 1.., _) => (Standing::Failing, format!("{dead} of {n} dead")),
        (_, _, 1..) if retrying => (Standing::Warning, format!("{delivered} of {n}, retrying")),
        (_, _, 1..) => (Standing::Pending, format!("{delivered} of {n}, {waiting} waiting")),
        (1, _, _) => (Standing::Well, "delivered".to_owned()),
        _ => (Standing::Well, format!("{} of {n}", n - of("superseded"))),
    }
}

/// Standing and words of a receiver.
pub fn receiver(receiver: &ReceiverRow) -> (Standing, &'static str) {
    match (receiver.state.as_str(), receiver.n_dead, receiver.n_waiting) {
        ("gone", ..) => (Standing::Failing, "gone, not called"),
        ("paused", ..) => (Standing::Failing, "paused after failures"),
        (_, 0, 0) => (Standing::Well, "nothing waits"),
        (_, 0, _) => (Standing::Pending, "waiting"),
        _ => (Standing::Failing, "dead letters"),
    }
}

/// What became of a test, from the server's answer.
pub fn tested(answer: &TestAnswer) -> String {
    let TestAnswer { is_delivered, attempt, .. } = answer;
    match (is_delivered, attempt.answer.as_str()) {
        (true, "") => "The test was delivered.".to_owned(),
        (true, answer) => format!("The test was delivered. Answer: {answer}"),
        (false, "") => format!("The test was not delivered: {}.", attempt.error),
        (false, answer) => format!("The test was not delivered: {}. Answer: {answer}", attempt.error),
    }
}

/// Over the page: what fires now.
pub fn sentence(alerts: &[AlertRow]) -> String {
    let firing = |severity: &str| {
        alerts.iter().filter(|a| a.state == AlertState::Firing && a.severity == severity).count()
    };
    let (pages, tickets) = (firing("page"), firing("ticket"));
    let pending = alerts.iter().filter(|alert| alert.state == AlertState::Pending).count();
    let mut parts = Vec::new();
    for (n, noun) in [(pages, "page"), (tickets, "ticket")] {
        if n > 0 {
            parts.push(counted(n, noun));
        }
    }
    match (parts.is_empty(), pending) {
        (true, 0) => "Nothing is firing.".to_owned(),
        (true, 1) => "Nothing is firing, one alert is pending.".to_owned(),
        (true, n) => format!("Nothing is firing, {} alerts are pending.", number(n)),
        (false, _) => {
            let verb = if pages + tickets == 1 { "is" } else { "are" };
            capital(&format!("{} {verb} firing.", parts.join(" and ")))
        }
    }
}

fn counted(n: usize, noun: &str) -> String {
    if n == 1 { format!("one {noun}") } else { format!("{} {noun}s", number(n)) }
}

/// Small numbers as words, as they are read aloud.
fn number(n: usize) -> String {
    const WORDS: [&str; 10] = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    WORDS.get(n).map_or_else(|| n.to_string(), |word| (*word).to_owned())
}

fn capital(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::AttemptRow;

    fn alert(severity: &str, state: AlertState) -> AlertRow {
        AlertRow {
            id: "a1".to_owned(),
            slo_id: "checkout-success".to_owned(),
            slo_name: "checkout success".to_owned(),
            service: "checkout".to_owned(),
            severity: severity.to_owned(),
            state,
            pending_at: UnixNanos(10),
            firing_at: Some(UnixNanos(20)),
            ..AlertRow::default()
        }
    }

    fn sent(state: &str, n_attempts: usize) -> DeliveryRow {
        let attempt = AttemptRow {
            at: UnixNanos(1),
            duration_ms: 3,
            status: Some(503),
            error: "503".to_owned(),
            ..AttemptRow::default()
        };
        DeliveryRow {
            id: "d1".to_owned(),
            receiver: "on-call".to_owned(),
            event: "firing".to_owned(),
            state: state.to_owned(),
            created_at: UnixNanos(1),
            next_attempt_at: None,
            delivered_at: None,
            attempts: vec![attempt; n_attempts],
            ..DeliveryRow::default()
        }
    }

    /// Scenario: a firing alert, a pending one that never fired, and a resolved one.
    /// Guarantees: durations count from firing, else from pending, to the end or to now.
    #[test]
    fn durations_end_with_the_alert() {
        let firing = alert("page", AlertState::Firing);
        assert_eq!(duration_ns(&firing, UnixNanos(50)), 30);
        let pending = AlertRow { firing_at: None, ..alert("page", AlertState::Pending) };
        assert_eq!(duration_ns(&pending, UnixNanos(50)), 40);
        let over = AlertRow { resolved_at: Some(UnixNanos(45)), ..alert("page", AlertState::Resolved) };
        assert_eq!(duration_ns(&over, UnixNanos(99)), 25);
        assert_eq!(duration_ns(&firing, UnixNanos(5)), 0);
    }

    /// Scenario: an alert that fires, and one that is over.
    /// Guarantees: the question names the service and begins before the alert; it ends now, or where the alert ended.
    #[test]
    fn alerts_lead_to_a_question() {
        let firing = AlertRow { pending_at: UnixNanos(600_000_000_000), ..alert("page", AlertState::Firing) };
        assert_eq!(what_happened(&firing), "/triage?service=checkout&from=300000&to=now");
        let over = AlertRow { resolved_at: Some(UnixNanos(900_000_000_000)), ..firing };
        assert_eq!(what_happened(&over), "/triage?service=checkout&from=300000&to=900000");
    }

    /// Scenario: pages, tickets, pending alerts, or nothing at all.
    /// Guarantees: the sentence counts in words and agrees with its verb.
    #[test]
    fn sentence_names_what_fires() {
        let page = || alert("page", AlertState::Firing);
        let ticket = || alert("ticket", AlertState::Firing);
        let pending = || alert("page", AlertState::Pending);
        assert_eq!(sentence(&[]), "Nothing is firing.");
        assert_eq!(sentence(&[page(), ticket()]), "One page and one ticket are firing.");
        assert_eq!(sentence(&[page()]), "One page is firing.");
        assert_eq!(sentence(&[ticket(), ticket()]), "Two tickets are firing.");
        assert_eq!(sentence(&[pending(), pending()]), "Nothing is firing, two alerts are pending.");
    }

    /// Scenario: tests that were delivered or not, with and without an answer; receivers that are not called.
    /// Guarantees: what went wrong is said, with the answer; a receiver that is not called is never well.
    #[test]
    fn tests_and_receivers_have_words() {
        let attempt = |error: &str, answer: &str| AttemptRow {
            error: error.to_owned(),
            answer: answer.to_owned(),
            ..AttemptRow::default()
        };
        let answer =
            |is_delivered, attempt| tested(&TestAnswer { is_delivered, attempt, ..TestAnswer::default() });
        assert_eq!(answer(true, attempt("", "")), "The test was delivered.");
        assert_eq!(
            answer(false, attempt("the receiver answered 404", "no_service")),
            "The test was not delivered: the receiver answered 404. Answer: no_service"
        );
        let in_state =
            |state: &str| receiver(&ReceiverRow { state: state.to_owned(), ..Default::default() }).0;
        assert_eq!(
            ["well", "paused", "gone"].map(in_state),
            [Standing::Well, Standing::Failing, Standing::Failing]
        );
    }

    /// Scenario: deliveries that worked, wait, retry, were superseded or died.
    /// Guarantees: a dead one is never hidden behind delivered ones, and tries are counted.
    #[test]
    fn deliveries_show_the_worst() {
        let with =
            |list: Vec<DeliveryRow>| AlertRow { deliveries: list, ..alert("page", AlertState::Firing) };
        assert_eq!(deliveries(&with(vec![])), (Standing::NoData, "none".to_owned()));
        assert_eq!(deliveries(&with(vec![sent("delivered", 1)])).1, "delivered");
        let dead = deliveries(&with(vec![sent("delivered", 1), sent("dead", 9)]));
        assert_eq!(dead, (Standing::Failing, "1 of 2 dead".to_owned()));
        let retrying = deliveries(&with(vec![sent("delivered", 1), sent("waiting", 2)]));
        assert_eq!(retrying, (Standing::Warning, "1 of 2, retrying".to_owned()));
        assert_eq!(delivery(&sent("waiting", 2)).1, "retrying, 2 failed");
        assert_eq!(delivery(&sent("delivered", 3)).1, "delivered, attempt 3");
        assert_eq!(delivery(&sent("dead", 9)), (Standing::Failing, "dead after 9".to_owned()));
    }
}
