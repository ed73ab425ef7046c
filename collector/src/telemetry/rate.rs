//! Items per second over the last ten seconds, in eleven numbers.

const NANOS_PER_S: i64 = 1_000_000_000;
/// Whole seconds that the rate looks back on.
const WINDOW_S: i64 = 10;
/// The window and the second under way.
const SLOTS: usize = WINDOW_S as usize + 1;

/// A ring of one-second counts. `now` is passed in; a clock that jumps only misplaces a few counts.
#[derive(Debug, Default, Clone)]
pub(super) struct Rate {
    slots: [Slot; SLOTS],
}

#[derive(Debug, Default, Clone, Copy)]
struct Slot {
    second: i64,
    n: u64,
}

impl Rate {
    pub(super) fn add(&mut self, now: i64, n: u64) {
        let second = now.div_euclid(NANOS_PER_S);
        let slot = &mut self.slots[second.rem_euclid(SLOTS as i64) as usize];
        if slot.second != second {
            *slot = Slot { second, n: 0 };
        }
        slot.n += n;
    }

    /// Mean of the last ten whole seconds: the second under way would pull it down.
    pub(super) fn per_s(&self, now: i64) -> f64 {
        let second = now.div_euclid(NANOS_PER_S);
        let window = second - WINDOW_S..second;
        let n: u64 = self.slots.iter().filter(|slot| window.contains(&slot.second)).map(|slot| slot.n).sum();
        n as f64 / WINDOW_S as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: 100 items a second for 30 seconds, then nothing.
    /// Guarantees: the rate is exact while it lasts, falls as time passes and ends at zero.
    #[test]
    fn rate_follows_the_last_ten_seconds() {
        let mut rate = Rate::default();
        let start = 1_700_000_000 * NANOS_PER_S;
        for tenth in 0..300 {
            rate.add(start + tenth * NANOS_PER_S / 10, 10);
        }
        let at = |second: i64| rate.per_s(start + second * NANOS_PER_S);
        assert_eq!([at(30), at(35), at(40), at(400)], [100.0, 50.0, 0.0, 0.0]);
    }
}
