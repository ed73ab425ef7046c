//! The decision table, the schedule, and the header that asks for patience.

use super::*;

const SECOND: i64 = 1_000_000_000;
const HOURS: i64 = 3600 * SECOND;

fn answered(status: u16, retry_after_s: Option<u64>) -> Verdict {
    by_status(&Answer { status, retry_after: retry_after_s.map(Duration::from_secs), body: "" })
}

/// The decision about a first attempt at time 0, without jitter.
fn first(verdict: Verdict) -> Decision {
    decide(&RetryPolicy::default(), verdict, 1, 0, 0, 1.0)
}

/// Scenario: every status that has a rule of its own, and no answer at all.
/// Guarantees: the table of the retry rules.
#[test]
fn decisions() {
    let retry = Decision::RetryAt(5 * SECOND);
    for status in [200, 201, 202, 204, 299] {
        assert_eq!(first(answered(status, None)), Decision::Delivered, "{status}");
    }
    for status in [408, 425, 429, 500, 502, 503, 504, 599] {
        assert_eq!(first(answered(status, None)), retry, "{status}");
    }
    for status in [300, 301, 302, 307, 308, 400, 401, 403, 404, 405, 413, 422, 499, 600] {
        assert_eq!(first(answered(status, None)), Decision::Dead, "{status}");
    }
    assert_eq!(first(answered(410, None)), Decision::Disable);
    assert_eq!(first(Verdict::NO_ANSWER), retry);
}

/// Scenario: all attempts of three days fail, without jitter.
/// Guarantees: 5 s, 30 s, 2 min, 10 min, 30 min, 2 h, 5 h, 10 h, then daily; the last one is within 72 h.
#[test]
fn schedule() {
    let policy = RetryPolicy::default();
    let (mut now, mut waits_s) = (0, Vec::new());
    for n_attempts in 1.. {
        match decide(&policy, Verdict::NO_ANSWER, n_attempts, 0, now, 1.0) {
            Decision::RetryAt(at) => {
                waits_s.push((at - now) / SECOND);
                now = at;
            }
            Decision::Dead => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(waits_s, [5, 30, 120, 600, 1800, 7200, 18_000, 36_000, 86_400, 86_400]);
    assert!(now <= 72 * HOURS);
}

/// Scenario: random numbers at both ends.
/// Guarantees: the wait is spread from nothing to its bound.
#[test]
fn jitter_spreads() {
    let policy = RetryPolicy::default();
    assert_eq!(policy.wait(2, 0.0), Duration::ZERO);
    assert_eq!(policy.wait(2, 0.5), Duration::from_secs(15));
    assert_eq!(policy.wait(1000, 1.0), Duration::from_secs(86_400));
}

/// Scenario: a receiver that asks for patience: less than the back-off, more, a day, and when it will not do.
/// Guarantees: it is honoured up to an hour, is never shorter than the back-off, and does not revive a refusal.
#[test]
fn patience_is_honoured() {
    assert_eq!(first(answered(429, Some(1))), Decision::RetryAt(5 * SECOND));
    assert_eq!(first(answered(429, Some(60))), Decision::RetryAt(60 * SECOND));
    assert_eq!(first(answered(503, Some(86_400))), Decision::RetryAt(HOURS));
    assert_eq!(first(answered(404, Some(60))), Decision::Dead);
}

/// Scenario: the header as seconds, as a date, as a date that has passed, and as nonsense.
/// Guarantees: both forms are read, and nonsense is no wait.
#[test]
fn retry_after_header() {
    let now = 784_111_717 * SECOND;
    let seconds = |header| retry_after(header, now).map(|wait| wait.as_secs());
    assert_eq!(seconds("120"), Some(120));
    assert_eq!(seconds(" 0 "), Some(0));
    assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(60));
    assert_eq!(seconds("Sun, 06 Nov 1994 08:47:37 GMT"), Some(0));
    assert_eq!(seconds("soon"), None);
    assert_eq!(seconds("-5"), None);
    assert_eq!(seconds(""), None);
}
