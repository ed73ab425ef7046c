//! The same for machines; names of members never change their meaning.

use crate::floors::Floor;
use crate::judge::Judged;
use crate::tally::{self, Rate};
use crate::{Scores, SetScore};
use serde_json::{Value, json};

/// `sets`, each with its hit rates, yardsticks and incidents.
pub fn as_json(scores: &Scores) -> Value {
    json!({ "sets": scores.sets.iter().map(set).collect::<Vec<_>>() })
}

fn set(set: &SetScore) -> Value {
    let yardsticks = &set.yardsticks;
    let rate = |rate: Rate| {
        let trivial = yardsticks.best(&rate.group).map(hits);
        json!({ "group": rate.group, "n": rate.n, "hits": hits(rate.hits), "best_trivial": trivial })
    };
    let ranks = yardsticks.ranks.iter().map(|(ranker, rank)| json!({ "ranker": ranker, "rank": rank }));
    json!({
        "name": set.name,
        "app": set.app,
        "sent": set.sent,
        "is_cached": set.is_cached,
        "rates": tally::rates(&set.judged).into_iter().map(rate).collect::<Vec<_>>(),
        "floors": yardsticks.floors.iter().map(floor).collect::<Vec<_>>(),
        "floor_ranks": ranks.collect::<Vec<_>>(),
        "published": yardsticks.published.map(hits),
        "goal": yardsticks.goal.map(|[at_1, at_5]| json!({ "at_1": at_1, "at_5": at_5 })),
        "incidents": set.judged.iter().map(incident).collect::<Vec<_>>(),
    })
}

fn hits([at_1, at_3, at_5]: [f64; 3]) -> Value {
    json!({ "at_1": at_1, "at_3": at_3, "at_5": at_5 })
}

fn floor(floor: &Floor) -> Value {
    json!({ "group": floor.group, "ranker": floor.ranker, "n": floor.n, "hits": hits(floor.hits) })
}

fn incident(judged: &Judged) -> Value {
    let evidence = judged
        .evidence
        .iter()
        .map(|(what, text, is_there)| json!({ "what": what, "text": text, "is_there": is_there }));
    json!({
        "id": judged.id,
        "place": judged.place,
        "groups": judged.groups,
        "is_counted": judged.is_counted,
        "cause": judged.cause,
        "rank": judged.rank,
        "first": judged.first,
        "is_instance_named": judged.is_instance_named,
        "verdict": judged.verdict,
        "distractors_before": judged.distractors,
        "attributes": judged.attributes.map(crate::Together::name),
        "evidence": evidence.collect::<Vec<_>>(),
        "trouble": judged.trouble,
        "elapsed_ms": judged.elapsed_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sent;
    use crate::floors::Yardsticks;
    use crate::tally::tests::ranked;

    /// Scenario: a set with one incident whose cause comes second.
    /// Guarantees: rates, yardsticks and the incident are there, and what is not known is null.
    #[test]
    fn machines_are_told_the_same() {
        let set = SetScore {
            name: "day".to_owned(),
            app: "shop".to_owned(),
            sent: Sent { n_spans: 10, ..Sent::default() },
            is_cached: true,
            judged: vec![ranked(1, Some(2), "type:a", true)],
            yardsticks: Yardsticks { goal: Some([90.0, 97.0]), ..Yardsticks::default() },
        };
        let json = as_json(&Scores { sets: vec![set] });
        let set = &json["sets"][0];
        assert_eq!(set["sent"]["n_spans"], 10);
        assert_eq!(
            set["rates"][0],
            json!({
                "group": "all", "n": 1, "hits": { "at_1": 0.0, "at_3": 100.0, "at_5": 100.0 }, "best_trivial": null,
            })
        );
        assert_eq!((&set["goal"]["at_5"], &set["published"]), (&json!(97.0), &Value::Null));
        assert_eq!(
            (&set["incidents"][0]["rank"], &set["incidents"][0]["attributes"]),
            (&json!(2), &Value::Null)
        );
    }
}
