//! `[[routes]]`: who is told of alerts with some labels, and who when they go on.

use super::super::Problems;
use super::super::problem::Problem;
use super::super::raw::Raw;
use super::slos::{known_receivers, receiver_names};
use super::{DAY, Keys, SECOND, strings};
use alerts::{Escalation, Matcher, Route};

pub(super) fn read(raw: &Raw, problems: &mut Problems) -> Vec<Route> {
    let receivers = receiver_names(raw);
    raw.routes.iter().map(|section| route(&mut Keys { section, problems }, &receivers)).collect()
}

fn route(keys: &mut Keys<'_>, known: &[&str]) -> Route {
    let has = |keys: &Keys<'_>, key: &str| keys.section.fields.contains_key(key);
    if !has(keys, "receivers") && !has(keys, "escalate_to") {
        keys.problem("receivers", "is missing")
            .hint("add receivers = [\"...\"], escalate_to = [\"...\"], or both")
            .report(keys.problems);
    }
    if has(keys, "escalate_after") && !has(keys, "escalate_to") {
        keys.problem("escalate_after", "has no effect without escalate_to")
            .hint("add escalate_to = [\"...\"], or remove this key")
            .report(keys.problems);
    }
    let to = known_receivers(keys, "escalate_to", known);
    let after = keys.duration("escalate_after", 15 * 60 * SECOND, SECOND..=7 * DAY);
    Route {
        matchers: matchers(keys),
        receivers: known_receivers(keys, "receivers", known),
        goes_on: keys.bool("continue", false),
        escalation: (!to.is_empty()).then_some(Escalation { after, to }),
    }
}

fn matchers(keys: &mut Keys<'_>) -> Vec<Matcher> {
    let mut matchers = Vec::new();
    for (text, origin) in strings(keys, "match") {
        match Matcher::parse(&text) {
            Ok(matcher) => matchers.push(matcher),
            Err(error) => {
                let message = format!("{}.match: {error}", keys.section.name);
                keys.problems.push(Problem::new(origin, message));
            }
        }
    }
    matchers
}
