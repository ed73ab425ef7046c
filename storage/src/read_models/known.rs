//! Services that keep a place of their own in every generation, whatever other names come in before them.
//!
//! A generation has room for some ten thousand names, and takes them as they come: without this, whoever sends random
//! names would hide a service that was there all day. So those that were seen in an earlier generation of the last
//! hour, and those that somebody watches, are let in first. Newcomers are remembered only where there is room: a flood
//! of names displaces nobody who keeps sending.

use super::OTHERS;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Services of earlier generations that are remembered. Each may take a few series beyond all bounds.
const SEEN_MAX: usize = 5_000;
/// What was not seen for this long is a newcomer again.
const SEEN_NS_MAX: i64 = 3_600 * 1_000_000_000;

/// Cheap to share with a generation: it changes when generations do.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownServices {
    kept: HashMap<Box<str>, Kept>,
    /// When the newest row was received of the last generation that has it.
    seen_at: HashMap<Box<str>, i64>,
}

#[derive(Debug, Clone)]
struct Kept {
    operations: BTreeSet<String>,
    /// Nothing of it was folded that was received from then on.
    since: i64,
}

/// Services that are never folded into others, each with operations that are not either.
pub type KeptServices = BTreeMap<String, BTreeSet<String>>;

impl KnownServices {
    /// Takes the place of what was kept before. `since` is for those that were not, or about which more is asked now.
    pub(crate) fn keep(&mut self, wanted: &KeptServices, since: i64) {
        let mut before = std::mem::take(&mut self.kept);
        for (service, operations) in wanted {
            let known =
                before.remove(service.as_str()).filter(|known| operations.is_subset(&known.operations));
            let since = known.map_or(since, |known| known.since.min(since));
            self.kept.insert(service.as_str().into(), Kept { operations: operations.clone(), since });
        }
    }

    /// From when on nothing of a service, or of an operation of it, is folded; none where that may happen.
    pub(crate) fn kept_since(&self, service: &str, operation: Option<&str>) -> Option<i64> {
        let kept = self.kept.get(service)?;
        let has_all = operation.is_none_or(|operation| kept.operations.contains(operation));
        has_all.then_some(kept.since)
    }

    pub(super) fn has(&self, service: &str) -> bool {
        self.seen_at.contains_key(service) || self.kept.contains_key(service)
    }

    pub(super) fn keeps_operation(&self, service: &str, operation: &str) -> bool {
        self.kept.get(service).is_some_and(|kept| kept.operations.contains(operation))
    }

    /// Remembers the services of a generation whose newest row was received then. Each comes with how much it has: where
    /// there is not room for all newcomers, those with most are taken.
    pub(crate) fn note(&mut self, services: impl IntoIterator<Item = (impl Into<Box<str>>, u64)>, at: i64) {
        self.seen_at.retain(|_, seen_at| at.saturating_sub(*seen_at) <= SEEN_NS_MAX);
        let mut newcomers: Vec<(Box<str>, u64)> = Vec::new();
        for (service, n) in services {
            let service: Box<str> = service.into();
            match self.seen_at.get_mut(&service) {
                Some(seen_at) => *seen_at = at.max(*seen_at),
                None if &*service == OTHERS => {}
                None => newcomers.push((service, n)),
            }
        }
        newcomers.sort_unstable_by(|(a, n_a), (b, n_b)| n_b.cmp(n_a).then_with(|| a.cmp(b)));
        newcomers.truncate(SEEN_MAX.saturating_sub(self.seen_at.len()));
        self.seen_at.extend(newcomers.into_iter().map(|(service, _)| (service, at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000_000;

    fn named(prefix: &str, n: usize) -> Vec<(String, u64)> {
        (0..n).map(|n| (format!("{prefix}{n}"), 1)).collect()
    }

    /// Scenario: a service sends every minute while ever new names come, twice as many as are remembered; one of them
    /// has more than the others. Then only the service goes on, for more than an hour.
    /// Guarantees: the service is known throughout; of newcomers those with most are; who fell silent is forgotten.
    #[test]
    fn a_flood_displaces_nobody_who_goes_on() {
        let mut known = KnownServices::default();
        known.note([("cart", 1)], 0);
        for minute in 1..4 {
            known.note([("cart", 1)], minute * MINUTE);
            let busy = (format!("busy-{minute}"), 9);
            known.note(named(&format!("{minute}-"), 2 * SEEN_MAX).into_iter().chain([busy]), minute * MINUTE);
        }
        assert!(known.has("cart") && known.has("busy-1") && !known.has("busy-2"));
        assert_eq!(known.seen_at.len(), SEEN_MAX);
        for minute in 4..70 {
            known.note([("cart", 1), (OTHERS, 5)], minute * MINUTE);
        }
        assert!(known.has("cart") && !known.has("busy-1") && !known.has(OTHERS));
        known.note(named("late-", 1), 70 * MINUTE);
        assert!(known.has("late-0"));
    }

    /// Scenario: objectives of a service and an operation come and go.
    /// Guarantees: what is kept is known without being seen; the time from which on it is kept stays while nothing more
    /// is asked of it, and begins again otherwise.
    #[test]
    fn what_is_kept_has_a_beginning() {
        let wanted = |operations: &[&str]| -> KeptServices {
            let operations = operations.iter().map(|name| (*name).to_owned()).collect();
            [("cart".to_owned(), operations)].into()
        };
        let mut known = KnownServices::default();
        known.keep(&wanted(&["GET /"]), 5);
        known.keep(&wanted(&["GET /"]), 7);
        assert!(known.has("cart") && known.keeps_operation("cart", "GET /"));
        assert_eq!(known.kept_since("cart", None), Some(5));
        assert_eq!(known.kept_since("cart", Some("GET /")), Some(5));
        assert_eq!(known.kept_since("cart", Some("POST /")), None);
        assert_eq!(known.kept_since("shop", None), None);
        known.keep(&wanted(&["GET /", "POST /"]), 9);
        assert_eq!(known.kept_since("cart", Some("POST /")), Some(9));
        known.keep(&KeptServices::new(), 11);
        assert!(!known.has("cart"));
    }
}
