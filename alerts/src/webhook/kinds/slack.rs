//! A message of blocks for an incoming webhook of Slack.
//!
//! Such an address takes messages and gives nothing back: neither an update nor a thread is possible, so the end of an
//! alert is a second message. Buttons are links and nothing else.

use super::super::{
    payload::Notice,
    retry::{Answer, Verdict, by_status},
    story::{Line, Story, story},
    text::{cut, fit, slack},
};
use serde_json::{Value, json};

/// Widely reported lengths of the parts of a message.
const HEADER_MAX: usize = 150;
const SECTION_MAX: usize = 3_000;
const FIELDS_MAX: usize = 10;
const FIELD_MAX: usize = 2_000;
const BUTTONS_MAX: usize = 5;
const BUTTON_TEXT_MAX: usize = 75;
const URL_MAX: usize = 3_000;
const CONTEXT_MAX: usize = 10;
const FALLBACK_MAX: usize = 3_000;

pub(super) fn document(notice: &Notice<'_>) -> Vec<u8> {
    let story = story(notice);
    let fallback = fit(&format!("{}. {}", story.title, story.sentence), FALLBACK_MAX, slack);
    let document = json!({ "text": fallback, "blocks": blocks(&story) });
    serde_json::to_vec(&document).expect("JSON values always serialize")
}

fn blocks(story: &Story) -> Vec<Value> {
    let mut blocks = vec![
        // Plain text knows no mentions, and is not escaped.
        json!({ "type": "header", "text": { "type": "plain_text", "text": cut(&story.title, HEADER_MAX), "emoji": false } }),
        json!({ "type": "section", "text": marked(fit(&story.sentence, SECTION_MAX, slack)) }),
    ];
    let fields: Vec<Value> = story.facts.iter().take(FIELDS_MAX).map(field).collect();
    if !fields.is_empty() {
        blocks.push(json!({ "type": "section", "fields": fields }));
    }
    let traces: Vec<Value> = story.traces.iter().take(CONTEXT_MAX).map(trace).collect();
    if !traces.is_empty() {
        blocks.push(json!({ "type": "context", "elements": traces }));
    }
    let buttons: Vec<Value> = story.links.iter().filter(is_link).take(BUTTONS_MAX).map(button).collect();
    if !buttons.is_empty() {
        blocks.push(json!({ "type": "actions", "elements": buttons }));
    }
    blocks
}

/// Nothing in it becomes a link or a mention by itself.
fn marked(text: String) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

fn field((label, value): &Line) -> Value {
    let room = FIELD_MAX - label.len() - "**\n".len();
    marked(format!("*{label}*\n{}", fit(value, room, slack)))
}

/// Ids of traces are hexadecimal, and their addresses are ours; the escapes are for what should not be.
fn trace((id, url): &(String, String)) -> Value {
    marked(format!("<{}|trace {}>", fit(url, URL_MAX, slack), fit(id, 64, slack)))
}

fn is_link((_, url): &&Line) -> bool {
    url.len() <= URL_MAX
}

fn button((label, url): &Line) -> Value {
    json!({ "type": "button", "text": { "type": "plain_text", "text": cut(label, BUTTON_TEXT_MAX), "emoji": false }, "url": url })
}

/// Slack says `ok` when it took a message; a success with other words came from somebody in between.
pub(super) fn judge(answer: &Answer<'_>) -> Verdict {
    match answer.status {
        200 if answer.body.trim() == "ok" => Verdict::Delivered,
        200..=299 => Verdict::NO_ANSWER,
        // No such service, no such channel, archived, or no longer allowed.
        403 | 404 | 410 => Verdict::Disable,
        _ => by_status(answer),
    }
}
