//! A message of plain text for a mail server.
//!
//! The whole message is made when the notification is enqueued: its id is that of the notification, so that a mailbox
//! which gets it twice shows it once, and all messages about one alert form a thread.

use super::super::{
    payload::Notice,
    request::MailRequest,
    retry::{Answer, Verdict},
    sign::Token,
    story::{Story, story},
    target::{MailServer, MailTls},
    text::cut,
};
use crate::outbox::event_id;
use lettre::{
    Message,
    address::Envelope,
    message::{
        Mailbox, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
};
use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// Longer subjects are cut by whoever shows them.
const SUBJECT_MAX: usize = 200;
const TEXT_MAX: usize = 4_000;
const FACT_MAX: usize = 500;
/// More people are a mailing list.
const RECIPIENTS_MAX: usize = 50;

/// A server, and who writes to whom.
#[derive(Debug, Clone)]
pub struct Mail {
    server: MailServer,
    from: Mailbox,
    to: Vec<Mailbox>,
    login: Option<Login>,
}

#[derive(Debug, Clone)]
pub(in crate::webhook) struct Login {
    pub(in crate::webhook) user: String,
    pub(in crate::webhook) password: Token,
}

/// Why mail was refused as it was configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    #[error("{text:?} is no address; write ada@example.com, or Ada <ada@example.com>")]
    From { text: String },

    #[error("{text:?} is no address; write ada@example.com, or Ada <ada@example.com>")]
    To { text: String },

    #[error("there are 1 to 50 addresses to write to, not {n}")]
    Recipients { n: usize },

    #[error("a password is not sent in the clear: use tls = \"starttls\" or \"implicit\"")]
    LoginInClear,
}

impl Mail {
    /// `login` is a user with a password.
    pub fn new(
        server: MailServer,
        from: &str,
        to: &[String],
        login: Option<(String, Token)>,
    ) -> Result<Self, MailError> {
        let from = mailbox(from).ok_or_else(|| MailError::From { text: from.to_owned() })?;
        if to.is_empty() || to.len() > RECIPIENTS_MAX {
            return Err(MailError::Recipients { n: to.len() });
        }
        let recipient = |text: &String| mailbox(text).ok_or_else(|| MailError::To { text: text.clone() });
        let to = to.iter().map(recipient).collect::<Result<Vec<_>, _>>()?;
        if login.is_some() && server.tls() == MailTls::Off {
            return Err(MailError::LoginInClear);
        }
        Ok(Self { server, from, to, login: login.map(|(user, password)| Login { user, password }) })
    }

    pub(in crate::webhook) fn server(&self) -> &MailServer {
        &self.server
    }

    pub(in crate::webhook) fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }

    /// What we greet a server with.
    pub(in crate::webhook) fn domain(&self) -> &str {
        self.from.email.domain()
    }

    pub(in crate::webhook) fn envelope(&self) -> Envelope {
        let to = self.to.iter().map(|mailbox| mailbox.email.clone()).collect();
        Envelope::new(Some(self.from.email.clone()), to).expect("there is somebody to write to")
    }

    pub(super) fn request<'a>(&'a self, message: &'a [u8]) -> MailRequest<'a> {
        MailRequest { mail: self, message }
    }
}

/// The parser takes the first of several addresses, and leaves what follows it.
fn mailbox(text: &str) -> Option<Mailbox> {
    let is_one = !text.contains(|c: char| c.is_control() || c == ',' || c == ';');
    text.parse().ok().filter(|_| is_one)
}

impl fmt::Display for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.server, f)
    }
}

pub(super) fn document(mail: &Mail, notice: &Notice<'_>, receiver: &str) -> Vec<u8> {
    let story = story(notice);
    let id = event_id(&notice.alert.id, notice.event, receiver);
    let domain = mail.domain();
    let submitted = HeaderName::new_from_ascii_str("Auto-Submitted");
    let mut message = Message::builder().from(mail.from.clone());
    for mailbox in &mail.to {
        message = message.to(mailbox.clone());
    }
    let part = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(text(&story));
    let message = message
        .subject(cut(&story.title, SUBJECT_MAX))
        .date(time(notice.now))
        .message_id(Some(format!("<{id}@{domain}>")))
        .references(format!("<{}@{domain}>", notice.alert.id))
        .raw_header(HeaderValue::new(submitted, "auto-generated".to_owned()))
        .singlepart(part);
    message.expect("somebody writes to somebody").formatted()
}

/// A clock before 1970 has no message of ours.
fn time(at: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(u64::try_from(at).unwrap_or(0))
}

fn text(story: &Story) -> String {
    let mut lines = vec![cut(&story.sentence, TEXT_MAX), String::new()];
    lines.extend(story.facts.iter().map(|(label, value)| format!("{label}: {}", cut(value, FACT_MAX))));
    lines.push(String::new());
    lines.extend(story.links.iter().map(|(label, url)| format!("{label}: {url}")));
    lines.extend(story.traces.iter().map(|(id, url)| format!("Trace {id}: {url}")));
    lines.push(String::new());
    lines.join("\n")
}

/// 4yz asks for patience, 5yz is a refusal.
pub(super) fn judge(answer: &Answer<'_>) -> Verdict {
    match answer.status {
        200..=299 => Verdict::Delivered,
        400..=499 => Verdict::NO_ANSWER,
        _ => Verdict::Final,
    }
}
