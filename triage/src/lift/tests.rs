//! Tests of attribute lift: planted causes among symptoms, ids, clocks and noise.

use super::*;
use crate::statistics::Random;
use crate::test_rows::{SpanRow, spans, tables};
use crate::traces::SpanKind;
use proptest::prelude::*;

/// Requests of one operation with attributes that a planted rule makes bad, in any order.
struct Requests {
    rows: Vec<SpanRow>,
    random: Random,
}

impl Requests {
    fn new(seed: u64) -> Self {
        Self { rows: Vec::new(), random: Random::seeded(seed) }
    }

    fn chance(&mut self, percent: f64) -> bool {
        (self.random.below(100_000) as f64) < percent * 1_000.0
    }

    fn add(&mut self, is_bad: bool, attributes: &[(&'static str, &str)]) {
        let at = self.rows.len() as u64 + 1;
        let start = at as i64 * 1_000;
        let mut row = SpanRow::new(at.into(), at, "api", "GET /").at(start, start + 500).kind("server");
        if is_bad {
            row = row.failed("no");
        }
        for (key, value) in attributes {
            row = row.with(key, value);
        }
        self.rows.push(row);
    }

    fn lift(&self) -> Lift {
        let tables = tables(&[spans(&self.rows)]);
        let side = |is_error| if is_error { LiftSide::Bad } else { LiftSide::Rest };
        let spans =
            tables.traces.spans().iter().enumerate().filter(|(_, span)| span.kind == SpanKind::Server);
        let members: Vec<_> =
            spans.map(|(at, span)| LiftMember { span: at, side: side(span.is_error) }).collect();
        lift(&tables.traces, &tables.strings, &members, &LiftLimits::default())
    }
}

fn shown(conditions: &[Condition]) -> String {
    let one = |condition: &Condition| match &condition.test {
        ConditionTest::Is(value) => format!("{}={value}", condition.attribute.key),
        ConditionTest::Missing => format!("no {}", condition.attribute.key),
        ConditionTest::Between(from, to) => format!("{} {from}..{to}", condition.attribute.key),
    };
    conditions.iter().map(one).collect::<Vec<_>>().join(" and ")
}

fn findings(lift: &Lift) -> Vec<String> {
    lift.findings.iter().map(|finding| shown(&finding.conditions)).collect()
}

fn why(lift: &Lift, key: &str) -> Option<RuledOutWhy> {
    let of_key = |one: &&RuledOut| one.conditions[0].attribute.key == key;
    lift.ruled_out.iter().find(of_key).map(|one| one.why)
}

/// One request in eight of enterprise customers that miss the cache is bad, one in 200 of all others.
fn segmented(seed: u64) -> Requests {
    let mut requests = Requests::new(seed);
    for at in 0..6_000 {
        let tier = ["free", "free", "pro", "enterprise"][requests.random.below(4)];
        let hit = if requests.chance(60.0) { "true" } else { "false" };
        let is_hit_by_it = tier == "enterprise" && hit == "false";
        let is_bad = requests.chance(if is_hit_by_it { 12.0 } else { 0.5 });
        let host = ["a", "b", "c", "d", "e"][requests.random.below(5)];
        let (code, error) = if is_bad { ("500", "Fallback") } else { ("200", "") };
        let (id, sent) = (format!("r{at}"), (at * 1_000 + 7).to_string());
        let mut attributes = vec![("tier", tier), ("hit", hit), ("host", host), ("http.status_code", code)];
        attributes.extend([("tier.plan", &tier[..2]), ("request.id", &id), ("sent_at", &sent)]);
        if is_bad {
            attributes.extend([("error.type", error), ("outcome", "failed")]);
        }
        requests.add(is_bad, &attributes);
    }
    requests
}

/// Scenario: two values together make requests bad, neither much alone; symptoms, ids, a clock and a copy of one of
/// the values come with them.
/// Guarantees: the pair alone is found, once, with its true shares; the rest is ruled out with the reason.
#[test]
fn a_pair_is_found_among_symptoms_and_ids() {
    for seed in 1..=5 {
        let lift = segmented(seed).lift();
        assert_eq!(findings(&lift), ["tier=enterprise and hit=false"], "seed {seed}");
        let strength = lift.findings[0].strength;
        assert!((0.09..0.15).contains(&strength.precision), "{strength:?}");
        assert!(strength.share_of_bad > 0.5 && strength.share_of_rest < 0.12, "{strength:?}");
        assert!(strength.gain > 30.0 && strength.false_discovery_rate < 1e-6, "{strength:?}");
        for (key, expected) in [
            ("http.status_code", RuledOutWhy::Symptom),
            ("error.type", RuledOutWhy::Symptom),
            ("outcome", RuledOutWhy::Symptom),
            ("request.id", RuledOutWhy::Id),
            ("sent_at", RuledOutWhy::Clock),
        ] {
            assert_eq!(why(&lift, key), Some(expected), "{key}, seed {seed}");
        }
        let same: Vec<_> = lift.findings[0].same_requests.iter().map(|one| shown(one)).collect();
        assert_eq!(
            (same, lift.shifts.len()),
            (vec!["tier.plan=en and hit=false".to_owned()], 0),
            "seed {seed}"
        );
    }
}

/// Scenario: bad requests fall on no attribute more than on another, in twenty draws with forty values each.
/// Guarantees: nothing is found.
#[test]
fn chance_alone_finds_nothing() {
    for seed in 1..=20 {
        let mut requests = Requests::new(seed);
        for _ in 0..1_500 {
            let is_bad = requests.chance(20.0);
            let values: Vec<String> = (0..10).map(|_| requests.random.below(4).to_string()).collect();
            let keys = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
            let size = requests.random.below(1_000).to_string();
            let mut attributes: Vec<_> = keys.into_iter().zip(values.iter().map(String::as_str)).collect();
            attributes.push(("size", &size));
            requests.add(is_bad, &attributes);
        }
        let lift = requests.lift();
        assert!(lift.n_tested > 40 && lift.n_pairs_tested > 500, "{lift:?}");
        assert_eq!((findings(&lift), lift.shifts.len()), (Vec::<String>::new(), 0), "seed {seed}");
    }
}

/// Scenario: one region is bad, its two data centres and its currency only lie in it.
/// Guarantees: the region is found; what goes with it is folded into it or explained by it.
#[test]
fn what_goes_with_the_cause_is_explained_by_it() {
    let mut requests = Requests::new(3);
    for _ in 0..6_000 {
        let region = ["eu", "us", "ap"][requests.random.below(3)];
        let centre = format!("{region}-{}", requests.random.below(2));
        let is_usual = requests.chance(80.0);
        let currency = if (region == "eu") == is_usual { "EUR" } else { "USD" };
        let is_bad = requests.chance(if region == "eu" { 20.0 } else { 1.0 });
        requests.add(
            is_bad,
            &[("centre", &centre), ("region", region), ("zone", region), ("currency", currency)],
        );
    }
    let lift = requests.lift();
    assert_eq!(findings(&lift), ["region=eu"]);
    assert_eq!(lift.findings[0].same_requests.iter().map(|one| shown(one)).collect::<Vec<_>>(), ["zone=eu"]);
    for key in ["centre", "currency"] {
        assert_eq!(why(&lift, key), Some(RuledOutWhy::ExplainedBy(0)), "{key}");
    }
}

/// Scenario: requests with more than 800 items are bad, and one customer of thousands makes a third of the bad ones.
/// Guarantees: the range is found with its ends, the number's shift is told, and the customer is no mere id.
#[test]
fn ranges_and_dominant_ids_are_found() {
    let mut requests = Requests::new(5);
    for at in 0..8_000 {
        let items = requests.random.below(1_000);
        let is_big_customer = requests.chance(2.0);
        let customer = if is_big_customer { "c7".to_owned() } else { format!("c{}", 100 + at % 3_000) };
        let percent = if is_big_customer {
            40.0
        } else if items > 800 {
            8.0
        } else {
            0.4
        };
        let is_bad = requests.chance(percent);
        requests.add(is_bad, &[("customer", &customer), ("items", &items.to_string())]);
    }
    let lift = requests.lift();
    let ConditionTest::Between(from, to) = lift.findings[1].conditions[0].test else {
        panic!("{:?}", findings(&lift))
    };
    assert_eq!(findings(&lift)[0], "customer=c7");
    assert!((780.0..=830.0).contains(&from) && to > 980.0, "{from} to {to}");
    assert_eq!(lift.shifts[0].attribute.key, "items");
    assert!(lift.shifts[0].chance_larger > 0.65 && lift.shifts[0].median_bad > lift.shifts[0].median_rest);
}

/// Scenario: an attribute is missing from most bad requests, which is what they have in common.
/// Guarantees: that it is missing is found like a value.
#[test]
fn a_missing_value_is_a_value() {
    let mut requests = Requests::new(6);
    for _ in 0..3_000 {
        let has_session = requests.chance(90.0);
        let is_bad = requests.chance(if has_session { 1.0 } else { 30.0 });
        let attributes = [("method", "GET"), ("session", "yes")];
        requests.add(is_bad, &attributes[..if has_session { 2 } else { 1 }]);
    }
    assert_eq!(findings(&requests.lift()), ["no session"]);
}

/// Scenario: nearly all requests of one customer are bad, which also was a customer before it began.
/// Guarantees: with the good requests of that time it is a cause, without them it may be a symptom.
#[test]
fn what_was_there_before_is_no_symptom() {
    let mut requests = Requests::new(7);
    for _ in 0..3_000 {
        let customer = ["a", "b", "c"][requests.random.below(3)];
        let is_bad = requests.chance(if customer == "a" { 97.0 } else { 1.0 });
        requests.add(is_bad, &[("customer", customer)]);
    }
    assert_eq!(why(&requests.lift(), "customer"), Some(RuledOutWhy::Symptom));
    for _ in 0..300 {
        requests.add(false, &[("customer", "a")]);
    }
    let tables = tables(&[spans(&requests.rows)]);
    let members: Vec<_> = (0..requests.rows.len())
        .map(|span| match (span < 3_000, tables.traces.spans()[span].is_error) {
            (true, true) => LiftMember { span, side: LiftSide::Bad },
            (true, false) => LiftMember { span, side: LiftSide::Rest },
            _ => LiftMember { span, side: LiftSide::Before },
        })
        .collect();
    let lift = lift(&tables.traces, &tables.strings, &members, &LiftLimits::default());
    assert_eq!(findings(&lift), ["customer=a"]);
}

/// Scenario: two sides that are no good and bad ones, told apart by a version that they were chosen by, and by a flag
/// that only one of them has.
/// Guarantees: the flag is found although nearly all that have it are on one side, the version is ruled out as known.
#[test]
fn differences_have_no_symptoms() {
    let mut requests = Requests::new(10);
    for at in 0..1_000 {
        let is_new = at % 2 == 0;
        let (version, flag) = if is_new { ("2.0", "on") } else { ("1.0", "off") };
        requests.add(is_new, &[("version", version), ("flag", flag), ("path", "usual")]);
    }
    assert_eq!(why(&requests.lift(), "flag"), Some(RuledOutWhy::Symptom));
    let tables = tables(&[spans(&requests.rows)]);
    let side = |is_new| if is_new { LiftSide::Bad } else { LiftSide::Rest };
    let of_spans = tables.traces.spans().iter().enumerate();
    let members: Vec<_> =
        of_spans.map(|(at, span)| LiftMember { span: at, side: side(span.is_error) }).collect();
    let known_keys = ["version".to_owned()];
    let aim = LiftAim { known_keys: &known_keys, is_difference: true };
    let lift = lift_with(&tables.traces, &tables.strings, &members, &LiftLimits::default(), aim);
    assert_eq!(findings(&lift), ["flag=on"]);
    assert_eq!(why(&lift, "version"), Some(RuledOutWhy::Known));
}

/// Scenario: 19 bad requests, all of one kind.
/// Guarantees: nothing is said.
#[test]
fn few_bad_requests_say_nothing() {
    let mut requests = Requests::new(8);
    for at in 0..2_000 {
        requests.add(at < 19, &[("kind", if at < 19 { "new" } else { "old" })]);
    }
    let lift = requests.lift();
    assert_eq!((lift.is_enough(), lift.n_bad, lift.findings.len()), (false, 19, 0));
}

/// Scenario: one bad trace has thirty spans with an unusual value, others one span each with an ordinary value.
/// Guarantees: the thirty spans count once.
#[test]
fn requests_count_not_spans() {
    let mut requests = Requests::new(9);
    for at in 0..2_000 {
        requests.add(at % 40 == 0, &[("kind", if at % 2 == 0 { "a" } else { "b" }), ("path", "usual")]);
    }
    for at in 0..30 {
        let row = SpanRow::new(1, 5_000 + at, "api", "GET /").at(1_000, 1_500).kind("server");
        requests.rows.push(row.failed("no").with("path", "unusual"));
    }
    let lift = requests.lift();
    assert_eq!((lift.n_bad, lift.n_rest), (50, 1_950));
    assert_eq!(findings(&lift), ["kind=a"]);
}

/// Scenario: more requests than the limits allow.
/// Guarantees: shares are those of all requests, not of the sample that has more bad ones.
#[test]
fn samples_tell_the_shares_of_all() {
    let requests = segmented(4);
    let tables = tables(&[spans(&requests.rows)]);
    let side =
        |span: usize| if tables.traces.spans()[span].is_error { LiftSide::Bad } else { LiftSide::Rest };
    let members: Vec<_> =
        (0..requests.rows.len()).map(|span| LiftMember { span, side: side(span) }).collect();
    let limits = LiftLimits { n_rest_max: 1_500, ..LiftLimits::default() };
    let lift = lift(&tables.traces, &tables.strings, &members, &limits);
    assert_eq!(
        (lift.n_rest_sampled, findings(&lift)),
        (1_500, vec!["tier=enterprise and hit=false".to_owned()])
    );
    assert!((0.08..0.16).contains(&lift.findings[0].strength.precision), "{:?}", lift.findings[0].strength);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Scenario: the same requests arrive in another order, with spans of other traces that are no members.
    /// Guarantees: the same answer, to the last digit.
    #[test]
    fn order_and_strangers_change_nothing(seed in 0..1_000u64, shift in 1..5_000usize) {
        let mut requests = segmented(seed);
        let expected = requests.lift();
        requests.rows.rotate_left(shift);
        for at in 0..50 {
            let stranger = SpanRow::new(1 << 100 | at, 1, "other", "job").at(5, 6).kind("internal");
            requests.rows.push(stranger.with("tier", "enterprise").failed("no"));
        }
        prop_assert_eq!(requests.lift(), expected);
    }
}
