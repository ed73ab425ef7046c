//! Whose a service is: who, where to reach them, and links to what to read.

use leptos::prelude::*;
use wire::Ownership;

/// Parts of a line of facts.
pub fn ownership(owned: &Ownership) -> Vec<AnyView> {
    let facts = [("owned by ", &owned.owner), ("", &owned.contact), ("tier ", &owned.tier)];
    let facts = facts.into_iter().filter_map(|(word, fact)| Some(format!("{word}{}", fact.as_ref()?)));
    let links = owned.repository.iter().map(|url| (url, "code"));
    let links = links.chain(owned.playbooks.iter().map(|url| (url, "playbook")));
    // The server lets no other links in; a page does not take its word for it.
    let links = links.filter(|(url, _)| url.starts_with("http://") || url.starts_with("https://"));
    let links = links.map(|(url, word)| {
        view! { <a class="link" href=url.clone() title=url.clone() rel="noreferrer">{word}</a> }.into_any()
    });
    facts.map(|fact| view! { <span>{fact}</span> }.into_any()).chain(links).collect()
}
