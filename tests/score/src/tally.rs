//! Hit rates: of all incidents of a set, of its halves, and of each kind.
//!
//! Parameters of the ranking are chosen on the odd half and reported on the even one: places count from 1 in the file of
//! labels.

use crate::judge::Judged;
use std::collections::BTreeSet;

/// A hit is a cause among so many.
pub(crate) const AT: [usize; 3] = [1, 3, 5];
pub(crate) const ALL: &str = "all";
const ODD: &str = "odd: chosen on";
const EVEN: &str = "even: reported on";
const APART: &str = "without traces";

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rate {
    pub(crate) group: String,
    pub(crate) n: usize,
    /// Percent of them, at each of `AT`.
    pub(crate) hits: [f64; 3],
}

/// Groups that have incidents: all, the halves, kinds by name, and those that do not count.
pub(crate) fn rates(judged: &[Judged]) -> Vec<Rate> {
    let counted: Vec<&Judged> = judged.iter().filter(|one| one.is_counted).collect();
    let mut rates = vec![
        rate(ALL, counted.iter().copied()),
        rate(ODD, counted.iter().copied().filter(|one| !one.place.is_multiple_of(2))),
        rate(EVEN, counted.iter().copied().filter(|one| one.place.is_multiple_of(2))),
    ];
    let groups: BTreeSet<&String> = counted.iter().flat_map(|one| &one.groups).collect();
    for group in groups {
        rates.push(rate(group, counted.iter().copied().filter(|one| one.groups.contains(group))));
    }
    rates.push(rate(APART, judged.iter().filter(|one| !one.is_counted)));
    rates.retain(|rate| rate.n > 0);
    rates
}

fn rate<'a>(group: &str, judged: impl Iterator<Item = &'a Judged>) -> Rate {
    let ranks: Vec<Option<usize>> = judged.map(|one| one.rank).collect();
    let n = ranks.len();
    let percent = |at: usize| {
        let n_hits = ranks.iter().filter(|rank| rank.is_some_and(|rank| rank <= at)).count();
        100.0 * n_hits as f64 / n.max(1) as f64
    };
    Rate { group: group.to_owned(), n, hits: AT.map(percent) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An incident whose cause has this rank.
    pub(crate) fn ranked(place: usize, rank: Option<usize>, group: &str, is_counted: bool) -> Judged {
        Judged {
            id: format!("i-{place}"),
            place,
            groups: vec![group.to_owned()],
            is_counted,
            cause: "cart".to_owned(),
            rank,
            first: vec!["shop".to_owned(), "cart".to_owned()],
            is_instance_named: None,
            verdict: Some("origin".to_owned()),
            distractors: None,
            attributes: None,
            evidence: Vec::new(),
            trouble: None,
            elapsed_ms: 5,
        }
    }

    /// Scenario: four incidents that count, with ranks 1, 2, 4 and none, and one that does not.
    /// Guarantees: each group has its own share; the fifth is in none but its own; groups without incidents are not there.
    #[test]
    fn hits_are_counted_by_group() {
        let judged = [
            ranked(1, Some(1), "type:a", true),
            ranked(2, Some(2), "type:a", true),
            ranked(3, Some(4), "type:b", true),
            ranked(4, None, "type:b", true),
            ranked(5, Some(1), "type:b", false),
        ];
        let seen: Vec<(String, usize, [f64; 3])> =
            rates(&judged).into_iter().map(|rate| (rate.group, rate.n, rate.hits)).collect();
        let expected = [
            (ALL, 4, [25.0, 50.0, 75.0]),
            (ODD, 2, [50.0, 50.0, 100.0]),
            (EVEN, 2, [0.0, 50.0, 50.0]),
            ("type:a", 2, [50.0, 100.0, 100.0]),
            ("type:b", 2, [0.0, 0.0, 50.0]),
            (APART, 1, [100.0, 100.0, 100.0]),
        ];
        assert_eq!(seen, expected.map(|(group, n, hits)| (group.to_owned(), n, hits)));
        assert_eq!(rates(&judged[..1]).len(), 3);
    }
}
