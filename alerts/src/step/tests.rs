//! The state machine, by example and by property.

use super::*;
use proptest::prelude::*;

const SECOND: i64 = 1_000_000_000;

fn policy(pending_s: u64, keep_s: u64) -> StepPolicy {
    StepPolicy { pending_for: Duration::from_secs(pending_s), keep_firing: Duration::from_secs(keep_s) }
}

/// Runs verdicts ten seconds apart and writes down each transition with its second.
fn run(policy: StepPolicy, verdicts: &[Verdict]) -> Vec<(i64, Transition)> {
    let mut phase = Phase::Inactive;
    let mut transitions = Vec::new();
    for (second, verdict) in (0_i64..).step_by(10).zip(verdicts) {
        let (next, transition) = step(phase, *verdict, policy, second * SECOND);
        phase = next;
        transitions.extend(transition.map(|transition| (second, transition)));
    }
    transitions
}

use Verdict::{Burning, FrozenNoData, HeldLowTraffic, Ok};

/// Scenario: it burns, stops, and keep_firing is 20 s.
/// Guarantees: pending and firing begin together, and it resolves 20 s after the first quiet evaluation.
#[test]
fn fires_and_resolves() {
    assert_eq!(
        run(policy(0, 20), &[Ok, Burning, Burning, Ok, Ok, Ok, Ok]),
        [(10, Transition::Firing), (50, Transition::Resolved)]
    );
    let (phase, _) = step(Phase::Inactive, Burning, policy(0, 20), 7);
    assert_eq!(phase, Phase::Firing { pending_at: 7, firing_at: 7, quiet_since: None });
}

/// Scenario: an alert that has to burn for 20 s first, once for long enough and once not.
/// Guarantees: it is pending meanwhile; what stops early is cancelled and nobody is told.
#[test]
fn waits_while_pending() {
    assert_eq!(
        run(policy(20, 0), &[Burning, Burning, Burning, Ok]),
        [(0, Transition::Pending), (20, Transition::Firing), (30, Transition::Resolved)]
    );
    assert_eq!(
        run(policy(20, 0), &[Burning, Burning, Ok, Burning]),
        [(0, Transition::Pending), (20, Transition::Cancelled), (30, Transition::Pending)]
    );
}

/// Scenario: quiet for less than keep_firing, again and again.
/// Guarantees: one firing, one resolve.
#[test]
fn flapping_is_one_alert() {
    assert_eq!(
        run(policy(0, 30), &[Burning, Ok, Ok, Burning, Ok, Ok, HeldLowTraffic, Ok, Ok, Ok, Ok]),
        [(0, Transition::Firing), (100, Transition::Resolved)]
    );
}

/// Scenario: no data, and too little data, in every phase.
/// Guarantees: no data moves nothing; too little starts nothing and ends nothing.
#[test]
fn missing_evidence_moves_nothing() {
    let phases = [
        Phase::Inactive,
        Phase::Pending { pending_at: 1 },
        Phase::Firing { pending_at: 1, firing_at: 2, quiet_since: Some(3) },
        Phase::Resolved { pending_at: 1, firing_at: 2, resolved_at: 3 },
    ];
    for phase in phases {
        assert_eq!(step(phase, FrozenNoData, policy(0, 0), 100 * SECOND), (phase, None));
        assert_eq!(step(phase, HeldLowTraffic, policy(0, 0), 100 * SECOND).1, None);
    }
}

/// Scenario: the clock is set back by an hour while pending and while quiet.
/// Guarantees: nothing fires or resolves earlier than it should.
#[test]
fn a_clock_set_back_has_not_advanced() {
    let pending = Phase::Pending { pending_at: 3600 * SECOND };
    assert_eq!(step(pending, Burning, policy(60, 60), 0), (pending, None));
    let quiet = Phase::Firing { pending_at: 0, firing_at: 0, quiet_since: Some(3600 * SECOND) };
    assert_eq!(step(quiet, Ok, policy(60, 60), 0), (quiet, None));
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![Just(Ok), Just(Burning), Just(HeldLowTraffic), Just(FrozenNoData)]
}

proptest! {
    /// Scenario: random verdicts at random distances in time under random policies.
    /// Guarantees: only legal moves; an alert fires only on burning and after `pending_for`; it
    /// resolves only after `keep_firing` without burning; times never run backwards.
    #[test]
    fn moves_are_legal(
        steps in prop::collection::vec((verdict(), 0_i64..120), 1..200),
        pending_s in prop_oneof![Just(0_u64), 1_u64..100],
        keep_s in prop_oneof![Just(0_u64), 1_u64..100],
    ) {
        let policy = policy(pending_s, keep_s);
        let (mut phase, mut now, mut last_burning) = (Phase::Inactive, 0, None);
        for (verdict, seconds) in steps {
            now += seconds * SECOND;
            if matches!(verdict, Burning | HeldLowTraffic) {
                last_burning = Some(now);
            }
            let before = phase;
            let (after, transition) = step(before, verdict, policy, now);
            let legal = matches!(
                (before.name(), after.name(), transition),
                ("inactive" | "resolved", "pending", Some(Transition::Pending))
                    | ("inactive" | "resolved" | "pending", "firing", Some(Transition::Firing))
                    | ("pending", "inactive", Some(Transition::Cancelled))
                    | ("firing", "resolved", Some(Transition::Resolved))
            ) || (before.name() == after.name() && transition.is_none());
            prop_assert!(legal, "{:?} -> {:?} with {:?}", before, after, transition);
            match (transition, after) {
                (Some(Transition::Firing), Phase::Firing { pending_at, firing_at, .. }) => {
                    prop_assert_eq!((verdict, firing_at), (Burning, now));
                    prop_assert!(now - pending_at >= pending_s as i64 * SECOND);
                }
                (Some(Transition::Resolved), Phase::Resolved { pending_at, firing_at, resolved_at }) => {
                    prop_assert_eq!((verdict, resolved_at), (Ok, now));
                    prop_assert!(now - last_burning.unwrap() >= keep_s as i64 * SECOND);
                    prop_assert!(pending_at <= firing_at && firing_at <= resolved_at);
                }
                _ => {}
            }
            phase = after;
        }
    }
}
