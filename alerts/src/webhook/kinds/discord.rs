//! A message with an embed for a webhook of Discord.
//!
//! Nobody is rung by it: the message allows no mentions at all, whatever its text says.

use super::super::{
    payload::Notice,
    retry::{Answer, Verdict},
    story::{Line, Mood, Story, story},
    text::{cut, discord, fit},
};
use super::chat_is_gone;
use serde_json::{Value, json};

/// Documented lengths; everything together stays below the 6,000 of an embed.
const TITLE_MAX: usize = 256;
const DESCRIPTION_MAX: usize = 1_500;
const FIELDS_MAX: usize = 10;
const FIELD_MAX: usize = 200;
const LINKS_MAX: usize = 1_024;
const URL_MAX: usize = 500;

pub(super) fn document(notice: &Notice<'_>) -> Vec<u8> {
    let story = story(notice);
    let mut fields: Vec<Value> = story.facts.iter().take(FIELDS_MAX).map(field).collect();
    let links = links(&story);
    if !links.is_empty() {
        fields.push(json!({ "name": "Links", "value": links, "inline": false }));
    }
    let document = json!({
        "allowed_mentions": { "parse": [] },
        "embeds": [{
            // Titles know no Markdown.
            "title": cut(&story.title, TITLE_MAX),
            "description": fit(&story.sentence, DESCRIPTION_MAX, discord),
            "url": notice.alert_url(),
            "color": colour(story.mood),
            "fields": fields,
        }],
    });
    serde_json::to_vec(&document).expect("JSON values always serialize")
}

fn field((label, value): &Line) -> Value {
    json!({ "name": label, "value": fit(value, FIELD_MAX, discord), "inline": true })
}

/// As many links as fit, each whole.
fn links(story: &Story) -> String {
    let own = story.links.iter().skip(1).map(|(label, url)| ((*label).to_owned(), url));
    let traces = story
        .traces
        .iter()
        .map(|(id, url)| (format!("Trace {}", id.chars().take(8).collect::<String>()), url));
    let mut text = String::new();
    for (label, url) in own.chain(traces).filter(|(_, url)| url.len() <= URL_MAX && !url.contains([')', ' ']))
    {
        let link = format!("[{}]({url})", fit(&label, 80, discord));
        if text.len() + link.len() < LINKS_MAX {
            let between = if text.is_empty() { "" } else { "\n" };
            text.push_str(between);
            text.push_str(&link);
        }
    }
    text
}

fn colour(mood: Mood) -> u32 {
    match mood {
        Mood::Page => 0xd0342c,
        Mood::Ticket => 0xd98e04,
        Mood::Acknowledged => 0x2f6fde,
        Mood::Resolved => 0x2e8540,
    }
}

/// A webhook that was deleted, or whose token was changed.
pub(super) fn judge(answer: &Answer<'_>) -> Verdict {
    chat_is_gone(answer, &[401, 403, 404, 410])
}
