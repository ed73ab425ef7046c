//! What a score is held against: trivial rankers on the same data, published figures, and our own goals.

use crate::json;
use crate::sets::{Kind, Set};
use anyhow::Result;
use serde_json::{Map, Value};

const FILE: &str = "floors.json";
/// Folders above a set in which the file may be.
const ABOVE: usize = 4;
const RATES: [&str; 3] = ["AS@1", "AS@3", "AS@5"];

/// Published hit rates at 1, 3 and 5: all faults of two days, as the README of the Nezha repository prints them (FSE 2023).
const PUBLISHED: [(&str, [f64; 3]); 2] =
    [("online-boutique", [92.9, 96.4, 96.4]), ("train-ticket", [86.7, 97.8, 97.8])];
/// What we hold ourselves to at 1 and 5.
const GOALS: [(&str, [f64; 2]); 3] =
    [("online-boutique", [90.0, 97.0]), ("train-ticket", [80.0, 95.0]), ("low_traffic", [80.0, 100.0])];

/// Hit rates of a trivial ranker in one group of incidents.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Floor {
    pub(crate) group: String,
    pub(crate) ranker: String,
    pub(crate) n: u64,
    pub(crate) hits: [f64; 3],
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Yardsticks {
    pub(crate) floors: Vec<Floor>,
    /// Ranks of single causes, by trivial rankers: name and rank.
    pub(crate) ranks: Vec<(String, f64)>,
    pub(crate) published: Option<[f64; 3]>,
    /// At 1 and 5.
    pub(crate) goal: Option<[f64; 2]>,
}

impl Yardsticks {
    /// The best of all trivial rankers in a group, for each of 1, 3 and 5.
    pub(crate) fn best(&self, group: &str) -> Option<[f64; 3]> {
        let of_group = self.floors.iter().filter(|floor| floor.group == group).map(|floor| floor.hits);
        of_group.reduce(|best, hits| [0, 1, 2].map(|at| best[at].max(hits[at])))
    }
}

/// Without a file of floors there are none.
pub(crate) fn read(set: &Set, app: &str) -> Result<Yardsticks> {
    let published = PUBLISHED.iter().find(|(name, _)| *name == app).map(|(_, hits)| *hits);
    let goal = GOALS.iter().find(|(name, _)| *name == app).map(|(_, goal)| *goal);
    let mut yardsticks = Yardsticks { published, goal, ..Yardsticks::default() };
    let Some(path) = set.dir.ancestors().take(ABOVE).map(|dir| dir.join(FILE)).find(|path| path.is_file())
    else {
        return Ok(yardsticks);
    };
    let file: Value = json::read(&path)?;
    let of_set = &file[set.kind.name()][if set.kind == Kind::PetShop { app } else { set.folder() }];
    yardsticks.floors = floors(of_set);
    yardsticks.ranks = ranks(of_set);
    let reference = &file["published_upper_reference"][set.kind.name()][app];
    yardsticks.published = hits(reference).or(yardsticks.published);
    Ok(yardsticks)
}

/// Groups are those members whose members are rankers with hit rates.
fn floors(of_set: &Value) -> Vec<Floor> {
    let mut floors = Vec::new();
    for (group, rankers) in members(of_set) {
        for (ranker, figures) in members(rankers) {
            if let (Some(hits), Some(n)) = (hits(figures), figures["n"].as_u64()) {
                floors.push(Floor { group: group.clone(), ranker: ranker.clone(), n, hits });
            }
        }
    }
    floors
}

fn ranks(of_set: &Value) -> Vec<(String, f64)> {
    let of_cause = members(&of_set["rank of the cause service"]);
    of_cause.filter_map(|(ranker, rank)| Some((ranker.clone(), rank.as_f64()?))).collect()
}

fn hits(figures: &Value) -> Option<[f64; 3]> {
    let [one, three, five] = RATES.map(|at| figures[at].as_f64());
    Some([one?, three?, five?])
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a file of floors two folders above a set, and a set of an application that nobody published about.
    /// Guarantees: floors of the set's own folder are read by group; figures of the file win over those known here.
    #[test]
    fn floors_are_found_above_a_set() {
        let data = tempfile::tempdir().expect("a folder");
        let dir = data.path().join("nezha/day");
        std::fs::create_dir_all(&dir).expect("a folder");
        let figures =
            |one: f64, five: f64| serde_json::json!({ "n": 4, "AS@1": one, "AS@3": 50.0, "AS@5": five });
        let file = serde_json::json!({
            "published_upper_reference": { "nezha": { "train-ticket": figures(80.0, 90.0) } },
            "nezha": { "day": {
                "faults": 4,
                "random_order_expected": { "AS@1": 1.0, "AS@3": 2.0, "AS@5": 3.0 },
                "all": { "p95": figures(10.0, 90.0), "self": figures(20.0, 70.0) },
                "type:x": { "p95": figures(5.0, 6.0) },
            }},
        });
        std::fs::write(data.path().join(FILE), file.to_string()).expect("written");
        let set = Set { name: "nezha/day".to_owned(), kind: Kind::Nezha, dir };
        let yardsticks = read(&set, "train-ticket").expect("reads");
        assert_eq!(yardsticks.floors.len(), 3);
        assert_eq!(yardsticks.best("all"), Some([20.0, 50.0, 90.0]));
        assert_eq!(yardsticks.best("type:y"), None);
        assert_eq!((yardsticks.published, yardsticks.goal), (Some([80.0, 50.0, 90.0]), Some([80.0, 95.0])));
        let other = read(&set, "other").expect("reads");
        assert_eq!((other.published, other.goal), (None, None));
    }

    /// Scenario: a scenario's floors, which are ranks, without any hit rates.
    /// Guarantees: they are read as ranks.
    #[test]
    fn ranks_of_single_causes_are_read() {
        let of_set = serde_json::json!({ "services": 25, "rank of the cause service": { "by rise": 4, "random": 13.0 } });
        assert_eq!(ranks(&of_set), [("by rise".to_owned(), 4.0), ("random".to_owned(), 13.0)]);
        assert!(floors(&of_set).is_empty());
    }
}
