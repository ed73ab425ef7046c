//! An Adaptive Card for a workflow of Microsoft Teams that starts when a webhook request is received.
//!
//! The older connectors with their message cards are going away; workflows take cards of this kind only.

use super::super::{
    payload::Notice,
    retry::{Answer, Verdict, by_status},
    story::{Line, Mood, Story, story},
    text::{cut, fit, teams},
};
use super::chat_is_gone;
use serde_json::{Value, json};

/// A message has at most 28 KB: with these it stays well below.
const TITLE_MAX: usize = 300;
const TEXT_MAX: usize = 4_000;
const FACTS_MAX: usize = 12;
const FACT_MAX: usize = 500;
/// More actions are folded away.
const ACTIONS_MAX: usize = 6;
const URL_MAX: usize = 2_000;

pub(super) fn document(notice: &Notice<'_>) -> Vec<u8> {
    let document = json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card(&story(notice)),
        }],
    });
    serde_json::to_vec(&document).expect("JSON values always serialize")
}

fn card(story: &Story) -> Value {
    json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {
                "type": "TextBlock",
                "text": fit(&story.title, TITLE_MAX, teams),
                "weight": "Bolder",
                "size": "Medium",
                "color": colour(story.mood),
                "wrap": true,
            },
            { "type": "TextBlock", "text": fit(&story.sentence, TEXT_MAX, teams), "wrap": true },
            { "type": "FactSet", "facts": facts(story) },
        ],
        "actions": actions(story),
    })
}

fn colour(mood: Mood) -> &'static str {
    match mood {
        Mood::Page => "Attention",
        Mood::Ticket => "Warning",
        Mood::Acknowledged => "Accent",
        Mood::Resolved => "Good",
    }
}

fn facts(story: &Story) -> Vec<Value> {
    let fact = |(label, value): &Line| json!({ "title": label, "value": fit(value, FACT_MAX, teams) });
    story.facts.iter().take(FACTS_MAX).map(fact).collect()
}

fn actions(story: &Story) -> Vec<Value> {
    let traces = story.traces.iter().take(1).map(|(_, url)| ("Example trace", url));
    let links = story.links.iter().map(|(label, url)| (*label, url)).chain(traces);
    let open = |(label, url): (&str, &String)| json!({ "type": "Action.OpenUrl", "title": cut(label, 80), "url": url });
    links.filter(|(_, url)| url.len() <= URL_MAX).take(ACTIONS_MAX).map(open).collect()
}

/// Connectors answered 200 and told the truth in the text.
pub(super) fn judge(answer: &Answer<'_>) -> Verdict {
    let has_failed = answer.body.contains("delivery failed") || answer.body.contains("returned HTTP error");
    match answer.status {
        200..=299 if has_failed && answer.body.contains("429") => Verdict::Retry(answer.retry_after),
        200..=299 if has_failed => Verdict::Final,
        200..=299 => by_status(answer),
        _ => chat_is_gone(answer, &[404, 410]),
    }
}
