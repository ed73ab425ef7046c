//! Whose a service is: facts that somebody wrote down, checked before anything shows them or sends them on.
//!
//! They come from the configuration or over the API; both are held to the rules here. Links are followed by people, so
//! they may only lead where a browser shows a page.

use reqwest::Url;

/// Characters of a fact: it stands in a line of a page and in a chat message.
const TEXT_CHARS_MAX: usize = 200;
/// Bytes of a link: more does not survive every chat.
const LINK_BYTES_MAX: usize = 2_000;
/// Links to playbooks: more than anybody opens at night.
const PLAYBOOKS_MAX: usize = 10;

/// Facts as somebody wrote them; [`Ownership::new`] checks them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnershipSpec {
    /// A team or a person.
    pub owner: Option<String>,
    /// Where to reach them: a channel, a number, an address.
    pub contact: Option<String>,
    /// A link to the code.
    pub repository: Option<String>,
    /// How much depends on it, in the operator's own words: `1`, `critical`.
    pub tier: Option<String>,
    /// Who is told of alerts of objectives that name no receiver themselves.
    pub receiver: Option<String>,
    /// Links to what to do, the first one first.
    pub playbooks: Vec<String>,
}

/// Checked facts; at least one is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ownership {
    spec: OwnershipSpec,
}

/// Why facts were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OwnershipError {
    #[error("{field} has 1 to 200 characters, none of them control characters")]
    Text { field: &'static str },

    #[error(
        "{field} is a link: it begins with http:// or https://, names a host, holds no blanks and no password, \
         and has at most 2000 bytes"
    )]
    Link { field: &'static str },

    #[error("there are {n} playbooks; at most 10 are kept")]
    Playbooks { n: usize },

    #[error(
        "no fact is given; there are owner, contact, repository, tier, receiver and playbooks to choose from"
    )]
    Nothing,
}

impl OwnershipError {
    /// The fact that is at fault, if it is a single one.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Text { field } | Self::Link { field } => Some(field),
            Self::Playbooks { .. } => Some("playbooks"),
            Self::Nothing => None,
        }
    }
}

impl Ownership {
    pub fn new(spec: OwnershipSpec) -> Result<Self, OwnershipError> {
        if spec == OwnershipSpec::default() {
            return Err(OwnershipError::Nothing);
        }
        let texts = [
            ("owner", &spec.owner),
            ("contact", &spec.contact),
            ("tier", &spec.tier),
            ("receiver", &spec.receiver),
        ];
        for (field, text) in texts {
            if text.as_deref().is_some_and(|text| !is_text(text)) {
                return Err(OwnershipError::Text { field });
            }
        }
        if spec.playbooks.len() > PLAYBOOKS_MAX {
            return Err(OwnershipError::Playbooks { n: spec.playbooks.len() });
        }
        let links = spec.repository.iter().map(|link| ("repository", link));
        for (field, link) in links.chain(spec.playbooks.iter().map(|link| ("playbooks", link))) {
            if !is_link(link) {
                return Err(OwnershipError::Link { field });
            }
        }
        Ok(Self { spec })
    }

    pub fn spec(&self) -> &OwnershipSpec {
        &self.spec
    }
}

/// Does it fit into a line?
pub(crate) fn is_text(text: &str) -> bool {
    (1..=TEXT_CHARS_MAX).contains(&text.trim().chars().count())
        && text.chars().count() <= TEXT_CHARS_MAX
        && !text.contains(|c: char| c.is_control())
}

/// May a page link to it? A browser reads more spellings as a URL than this takes.
pub(crate) fn is_link(text: &str) -> bool {
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    if !is_web || text.len() > LINK_BYTES_MAX || text.contains(|c: char| c.is_whitespace() || c.is_control())
    {
        return false;
    }
    let is_open = |url: &Url| url.username().is_empty() && url.password().is_none() && url.has_host();
    Url::parse(text).is_ok_and(|url| is_open(&url))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Scenario: links as people write them, and what a page must not link to.
    /// Guarantees: only http and https with a host pass, without a password, a blank or an endless tail.
    #[test]
    fn links_lead_to_pages() {
        for link in
            ["https://wiki.example.com/a?b=c#d", "http://10.0.0.1:8080", "https://xn--bcher-kva.example/"]
        {
            assert!(is_link(link), "{link}");
        }
        let long = format!("https://example.com/{}", "a".repeat(LINK_BYTES_MAX));
        for link in [
            "",
            "javascript:alert(1)",
            "JavaScript://example.com/%0aalert(1)",
            "data:text/html,x",
            "ftp://example.com/",
            "//example.com/",
            "https:example.com",
            "https://",
            "https://ada:secret@example.com/",
            "https://ada@example.com/",
            "https://example.com/a b",
            " https://example.com/",
            "https://example.com/\n",
            long.as_str(),
        ] {
            assert!(!is_link(link), "{link:?}");
        }
    }

    /// Scenario: facts with one fault each.
    /// Guarantees: the refusal names the fact; good facts come back as they were.
    #[test]
    fn refusals_name_the_fact() {
        let text = |text: &str| Some(text.to_owned());
        let check = |spec: OwnershipSpec| Ownership::new(spec).map_err(|error| error.field());
        let default = OwnershipSpec::default;
        assert_eq!(check(default()), Err(None));
        assert_eq!(check(OwnershipSpec { owner: text("  "), ..default() }), Err(Some("owner")));
        assert_eq!(check(OwnershipSpec { tier: text("a\nb"), ..default() }), Err(Some("tier")));
        let long = "x".repeat(TEXT_CHARS_MAX + 1);
        assert_eq!(check(OwnershipSpec { contact: text(&long), ..default() }), Err(Some("contact")));
        let repository = text("git@example.com:shop/cart.git");
        assert_eq!(check(OwnershipSpec { repository, ..default() }), Err(Some("repository")));
        let playbooks = vec!["https://example.com/a".to_owned(); PLAYBOOKS_MAX + 1];
        assert_eq!(check(OwnershipSpec { playbooks, ..default() }), Err(Some("playbooks")));
        let spec = OwnershipSpec {
            owner: text("payments"),
            contact: text("#payments"),
            repository: text("https://git.example.com/cart"),
            playbooks: vec!["https://wiki.example.com/cart".to_owned()],
            ..default()
        };
        assert_eq!(Ownership::new(spec.clone()).unwrap().spec(), &spec);
    }

    proptest! {
        /// Scenario: any text is offered as a link.
        /// Guarantees: no panic, and what passes is read by a URL parser as http or https.
        #[test]
        fn any_text_is_judged(text in "(https?://)?.{0,60}") {
            if is_link(&text) {
                let url = Url::parse(&text).unwrap();
                prop_assert!(matches!(url.scheme(), "http" | "https"));
            }
        }
    }
}
