//! What is muted, and when.

use super::*;
use proptest::prelude::*;
use std::time::Duration;

fn nanos(text: &str) -> i64 {
    let at: jiff::Timestamp = text.parse().unwrap();
    i64::try_from(at.as_nanosecond()).unwrap()
}

fn spec(matchers: &[&str]) -> SilenceSpec {
    SilenceSpec {
        matchers: matchers.iter().map(|&text| text.to_owned()).collect(),
        starts_at: nanos("2026-03-02T00:00:00Z"),
        ends_at: Some(nanos("2026-03-03T00:00:00Z")),
        recurrence: None,
        author: "ada".to_owned(),
        comment: "moving the database".to_owned(),
    }
}

fn window(days: &[&str], at: &str, hours: u64) -> RecurrenceSpec {
    RecurrenceSpec {
        days: days.iter().map(|&day| day.to_owned()).collect(),
        at: at.to_owned(),
        duration: Duration::from_secs(hours * 3_600),
        zone: "Europe/Berlin".to_owned(),
    }
}

fn recurring(days: &[&str], at: &str, hours: u64) -> Silence {
    let recurrence = Some(window(days, at, hours));
    Silence::new(SilenceSpec { ends_at: None, recurrence, ..spec(&["severity=page"]) }).unwrap()
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn alert(severity: Severity, phase: Phase) -> AlertRecord {
    AlertRecord {
        id: severity.name().to_owned(),
        slo_id: "slo".to_owned(),
        slo_name: "An SLO".to_owned(),
        service: "checkout".to_owned(),
        severity,
        phase,
        pending_at: 1,
        summary: String::new(),
    }
}

/// Scenario: a silence before, at its beginning, within, and at its end.
/// Guarantees: the beginning belongs to it, the end does not; it says until when and from when.
#[test]
fn times_of_a_silence() {
    let silence = Silence::new(spec(&["service=checkout"])).unwrap();
    let (starts_at, ends_at) = (silence.spec().starts_at, silence.spec().ends_at.unwrap());
    assert_eq!(
        (silence.active_until(starts_at - 1), silence.next_at(starts_at - 1)),
        (None, Some(starts_at))
    );
    assert_eq!(silence.active_until(starts_at), Some(ends_at));
    assert_eq!(silence.active_until(ends_at - 1), Some(ends_at));
    assert_eq!((silence.active_until(ends_at), silence.next_at(ends_at)), (None, None));
}

/// Scenario: windows over midnight, over both changes of the clock, and on days of the zone that are others in UTC.
/// Guarantees: they begin by the zone's clock on the zone's days, and last as long as they say.
#[test]
fn windows_recur_by_the_clock_of_their_zone() {
    let nights = recurring(&["sat", "sun"], "23:30", 4);
    for (at, until) in [
        // A Saturday in winter, and the small hours that follow.
        ("2026-03-07T22:29:59Z", None),
        ("2026-03-07T22:30:00Z", Some("2026-03-08T02:30:00Z")),
        ("2026-03-08T02:29:59Z", Some("2026-03-08T02:30:00Z")),
        ("2026-03-08T02:30:00Z", None),
        // The clock goes on by an hour in this night.
        ("2026-03-28T23:00:00Z", Some("2026-03-29T02:30:00Z")),
        ("2026-03-29T21:30:00Z", Some("2026-03-30T01:30:00Z")),
        // A Monday night.
        ("2026-03-09T23:00:00Z", None),
    ] {
        assert_eq!(nights.active_until(nanos(at)), until.map(nanos), "{at}");
    }
    assert_eq!(nights.next_at(nanos("2026-03-09T12:00:00Z")), Some(nanos("2026-03-14T22:30:00Z")));
    // 02:30 is not there on the last Sunday of March.
    let skipped = recurring(&["sun"], "02:30", 1);
    assert_eq!(skipped.next_at(nanos("2026-03-28T12:00:00Z")), Some(nanos("2026-03-29T01:30:00Z")));
    let always = recurring(&[], "12:00", 24);
    assert!(always.active_until(nanos("2026-07-01T09:59:59Z")).is_some());
    // Nothing is silent before it begins.
    assert_eq!(always.active_until(always.spec().starts_at - 1), None);
    assert_eq!(always.next_at(0), Some(always.spec().starts_at));
}

/// Scenario: silences that are wrong in one way each.
/// Guarantees: each is refused for its own reason.
#[test]
fn refusals() {
    let refused = |spec: SilenceSpec| Silence::new(spec).unwrap_err();
    assert_eq!(refused(spec(&[])), SilenceError::Matchers);
    assert_eq!(refused(spec(&["severity"])).to_string(), "matcher \"severity\"");
    assert_eq!(refused(spec(&["team!=search", "a=~.*"])), SilenceError::Everything);
    assert_eq!(refused(SilenceSpec { ends_at: Some(0), ..spec(&["a=b"]) }), SilenceError::Ends);
    assert_eq!(refused(SilenceSpec { ends_at: None, ..spec(&["a=b"]) }), SilenceError::Endless);
    let far = Some(nanos("2028-01-01T00:00:00Z"));
    assert_eq!(refused(SilenceSpec { ends_at: far, ..spec(&["a=b"]) }), SilenceError::Long);
    let nameless = SilenceSpec { author: " ".to_owned(), ..spec(&["a=b"]) };
    assert_eq!(refused(nameless), SilenceError::Missing { what: "author" });
    let of = |recurrence| refused(SilenceSpec { recurrence: Some(recurrence), ..spec(&["a=b"]) });
    assert_eq!(of(window(&["monday"], "22:00", 1)), SilenceError::Day { text: "monday".to_owned() });
    for time in ["24:00", "9:00", "22", "22:60", ""] {
        assert_eq!(of(window(&[], time, 1)), SilenceError::Time { text: time.to_owned() });
    }
    assert_eq!(of(window(&[], "22:00", 25)), SilenceError::Duration);
    let zone = RecurrenceSpec { zone: "Mars/Olympus".to_owned(), ..window(&[], "22:00", 1) };
    assert_eq!(of(zone), SilenceError::Zone { text: "Mars/Olympus".to_owned() });
}

/// Scenario: a ticket beside a page of its objective that fires, that is over, and of another objective; then silences.
/// Guarantees: only the first mutes it; a silence comes before it, and the oldest of several counts; what is expired
/// mutes nothing.
#[test]
fn what_mutes_an_alert() {
    let firing = Phase::Firing { pending_at: 1, firing_at: 1, quiet_since: None };
    let over = Phase::Resolved { pending_at: 1, firing_at: 1, resolved_at: 2 };
    let (page, ticket) = (alert(Severity::Page, firing), alert(Severity::Ticket, firing));
    let at = nanos("2026-03-02T12:00:00Z");
    let labels = labels(&[("severity", "ticket"), ("service", "checkout")]);
    let mutes =
        |silences: &[StoredSilence], others: &[AlertRecord]| muted(&ticket, &labels, silences, others, at);
    let by = "page".to_owned();
    assert_eq!(mutes(&[], std::slice::from_ref(&page)), Some(Muted::Inhibited { by }));
    let elsewhere = AlertRecord { slo_id: "other".to_owned(), ..page.clone() };
    assert_eq!(mutes(&[], &[alert(Severity::Page, over), elsewhere, ticket.clone()]), None);
    assert_eq!(muted(&page, &labels, &[], [&ticket, &page], at), None, "a page is never muted by its ticket");
    let stored = |id, matcher: &str, expired| StoredSilence {
        id,
        silence: Silence::new(spec(&[matcher])).unwrap(),
        created_at: 0,
        expired,
    };
    let silences = [stored(9, "service=checkout", None), stored(4, "service=~check.*", None)];
    assert_eq!(mutes(&silences, std::slice::from_ref(&page)), Some(Muted::Silence(4)));
    assert_eq!(mutes(&[stored(4, "service=other", None)], &[]), None);
    let ended = Some(Expiry { at: at - 1, by: None });
    assert_eq!(mutes(&[stored(4, "service=checkout", ended)], &[]), None);
}

proptest! {
    /// Scenario: any moment of a year, with windows of any day, hour and length.
    /// Guarantees: a window that is said to be active ends within a day; the next one begins no earlier than asked,
    /// is active then, and nothing is active in between.
    #[test]
    fn the_next_window_is_the_next(
        minute in 0_i64..525_600,
        day in 0_usize..7,
        hour in 0_u8..24,
        hours in 1_u64..=24,
        between in 0.0_f64..1.0,
    ) {
        let day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][day];
        let silence = recurring(&[day], &format!("{hour:02}:30"), hours);
        let at = nanos("2026-03-02T00:00:00Z") + minute * 60_000_000_000;
        if let Some(until) = silence.active_until(at) {
            prop_assert!(at < until && until - at <= 86_400_000_000_000);
            prop_assert_eq!(silence.next_at(at), Some(at));
        } else {
            let next = silence.next_at(at).expect("it recurs");
            prop_assert!(next > at && next - at <= 8 * 86_400_000_000_000);
            prop_assert!(silence.active_until(next).is_some());
            let middle = at + ((next - at - 1) as f64 * between) as i64;
            prop_assert_eq!(silence.active_until(middle), None);
        }
    }
}
