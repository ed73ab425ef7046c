//! A message in Markdown for an incoming webhook of Mattermost.

use super::super::{
    payload::Notice,
    retry::{Answer, Verdict},
    story::{Line, Story, story},
    text::{fit, mattermost},
};
use super::chat_is_gone;
use serde_json::json;

/// Old servers keep 4,000 characters of a message; the parts below stay within that together.
const TITLE_MAX: usize = 300;
const SENTENCE_MAX: usize = 1_000;
const FACTS_MAX: usize = 10;
const FACT_MAX: usize = 120;
const LINKS_MAX: usize = 900;

pub(super) fn document(notice: &Notice<'_>) -> Vec<u8> {
    let story = story(notice);
    let title = fit(&story.title, TITLE_MAX, mattermost);
    let sentence = fit(&story.sentence, SENTENCE_MAX, mattermost);
    let facts: Vec<String> = story.facts.iter().take(FACTS_MAX).map(fact).collect();
    let text = format!("#### {title}\n{sentence}\n\n{}\n\n{}", facts.join("\n"), links(&story));
    let document = json!({ "text": text.trim_end() });
    serde_json::to_vec(&document).expect("JSON values always serialize")
}

fn fact((label, value): &Line) -> String {
    format!("- **{label}:** {}", fit(value, FACT_MAX, mattermost))
}

/// As many links as fit, each whole.
fn links(story: &Story) -> String {
    let own = story.links.iter().map(|(label, url)| ((*label).to_owned(), url));
    let traces = story
        .traces
        .iter()
        .map(|(id, url)| (format!("Trace {}", id.chars().take(8).collect::<String>()), url));
    let mut text = String::new();
    for (label, url) in own.chain(traces).filter(|(_, url)| !url.contains([')', ' '])) {
        let link = format!("[{}]({url})", fit(&label, 80, mattermost));
        if text.len() + link.len() < LINKS_MAX {
            let between = if text.is_empty() { "" } else { " | " };
            text.push_str(between);
            text.push_str(&link);
        }
    }
    text
}

/// Webhooks that are switched off or deleted.
pub(super) fn judge(answer: &Answer<'_>) -> Verdict {
    chat_is_gone(answer, &[401, 403, 404, 410])
}
