//! Intervals of being heard: what bridges a silence and what does not.

use super::*;

const SECOND: i64 = 1_000_000_000;

fn hear(hearing: &mut Hearing, second: i64) -> (i64, i64) {
    let heard = hearing.hear(BTreeSet::from(["a".to_owned()]), second * SECOND);
    (heard[0].from_at / SECOND, heard[0].to_at / SECOND)
}

/// Scenario: signs of life a minute apart, then after 150 s, then after 151 s.
/// Guarantees: up to the bridge it is one interval, beyond it is a gap.
#[test]
fn short_silence_is_bridged() {
    let mut hearing = Hearing::new(Duration::from_secs(10));
    assert_eq!(hear(&mut hearing, 1000), (1000, 1000));
    assert_eq!(hear(&mut hearing, 1060), (1000, 1060));
    assert_eq!(hear(&mut hearing, 1210), (1000, 1210));
    assert_eq!(hear(&mut hearing, 1361), (1361, 1361));
    assert_eq!(hearing.of("a").len(), 2);
    assert_eq!(hearing.first_at("a"), Some(1000 * SECOND));
    assert_eq!(hearing.first_at("b"), None);
}

/// Scenario: a restart ten seconds after the last sign of life.
/// Guarantees: the time in between stays a gap, and the time before is remembered.
#[test]
fn a_restart_is_a_gap() {
    let mut hearing = Hearing::new(Duration::from_secs(10));
    let before = Heard { service: "a".to_owned(), from_at: 1000 * SECOND, to_at: 1100 * SECOND };
    hearing.restore("a", vec![before.clone()]);
    assert_eq!(hear(&mut hearing, 1110), (1110, 1110));
    assert_eq!(hear(&mut hearing, 1120), (1110, 1120));
    assert_eq!(hearing.of("a")[0], before);
    assert_eq!(hearing.first_at("a"), Some(1000 * SECOND));
}

/// Scenario: evaluations ten minutes apart.
/// Guarantees: their own distance is no silence.
#[test]
fn rare_evaluations_hear_too() {
    let mut hearing = Hearing::new(Duration::from_secs(600));
    assert_eq!(hear(&mut hearing, 1000), (1000, 1000));
    assert_eq!(hear(&mut hearing, 1601), (1000, 1601));
}
