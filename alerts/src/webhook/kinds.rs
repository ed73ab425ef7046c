//! The kinds of receivers, behind one set of pure functions: from a notice to the document that is kept in the outbox,
//! from there to the requests of an attempt, and from an answer to what it means.
//!
//! The document is made once and holds no secret. What changes with each attempt, such as a signature, and what must
//! not lie in a file, such as a key, comes in when it is sent. Nothing here reads a clock or opens a connection.

mod alertmanager;
mod discord;
mod email;
mod mattermost;
mod pagerduty;
mod slack;
mod standard;
mod teams;

pub(super) use alertmanager::joined;
pub(super) use email::Login;
pub use email::{Mail, MailError};
pub use pagerduty::{PagerDuty, RoutingKeyError};

use super::{
    payload::{self, Notice},
    request::{Header, HttpRequest, Letter, Outgoing},
    retry::{Answer, Verdict, by_status},
    sign::{Secret, Token},
    target::{AddressGuard, ReceiverUrl},
};
use crate::Event;
use std::{fmt, time::Duration};

/// Chats take about one message a second through one address.
const CHAT_PACE: Duration = Duration::from_secs(1);

/// How somebody is told.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Alertmanager's webhook, version 4.
    Webhook(Hook),
    /// JSON as Standard Webhooks recommends it.
    Standard(Hook),
    /// The members of an Alertmanager, which routes as its owners say.
    Alertmanager(Members),
    PagerDuty(PagerDuty),
    Slack(ReceiverUrl),
    Teams(ReceiverUrl),
    Discord(ReceiverUrl),
    Mattermost(ReceiverUrl),
    Email(Mail),
}

/// A program that takes HTTP.
#[derive(Debug, Clone)]
pub struct Hook {
    pub target: ReceiverUrl,
    pub secret: Option<Secret>,
    pub bearer: Option<Token>,
}

#[derive(Debug, Clone)]
pub struct Members {
    targets: Vec<ReceiverUrl>,
    bearer: Option<Token>,
}

impl Members {
    /// `bases` are addresses of members, as their own pages have them.
    pub fn new(bases: &[ReceiverUrl], bearer: Option<Token>) -> Self {
        Self { targets: bases.iter().map(|base| base.below("api/v2/alerts")).collect(), bearer }
    }
}

/// A document that cannot be sent as it lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the notification does not hold what a receiver of kind {kind} is sent")]
pub(super) struct Garbled {
    kind: &'static str,
}

/// Where it goes: scheme, host and port, which are no secrets.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Email(mail) = self {
            return fmt::Display::fmt(mail, f);
        }
        let shown: Vec<_> = self.targets().iter().map(ToString::to_string).collect();
        f.write_str(&shown.join(", "))
    }
}

impl Kind {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Standard(_) => "standard-webhooks",
            Self::Alertmanager(_) => "alertmanager",
            Self::PagerDuty(_) => "pagerduty",
            Self::Slack(_) => "slack",
            Self::Teams(_) => "teams",
            Self::Discord(_) => "discord",
            Self::Mattermost(_) => "mattermost",
            Self::Email(_) => "email",
        }
    }

    /// Can it say that somebody looks after an alert? Alertmanager's formats know only firing and resolved.
    pub(super) fn tells(&self, event: Event) -> bool {
        event != Event::Acknowledged || !matches!(self, Self::Webhook(_) | Self::Alertmanager(_))
    }

    /// The bytes to keep. They are final.
    pub(super) fn document(&self, notice: &Notice<'_>, receiver: &str) -> Vec<u8> {
        match self {
            Self::Webhook(_) => payload::document(notice, receiver),
            Self::Standard(_) => standard::document(notice, receiver),
            Self::Alertmanager(_) => alertmanager::document(notice),
            Self::PagerDuty(_) => pagerduty::document(notice),
            Self::Slack(_) => slack::document(notice),
            Self::Teams(_) => teams::document(notice),
            Self::Discord(_) => discord::document(notice),
            Self::Mattermost(_) => mattermost::document(notice),
            Self::Email(mail) => email::document(mail, notice, receiver),
        }
    }

    /// What an attempt sends.
    pub(super) fn outgoing<'a>(&'a self, letter: Letter<'a>) -> Result<Outgoing<'a>, Garbled> {
        let one = |target, headers, body| Ok(Outgoing::Http(vec![HttpRequest { target, headers, body }]));
        match self {
            Self::Webhook(hook) | Self::Standard(hook) => {
                one(&hook.target, hook.headers(letter), letter.body.to_vec())
            }
            Self::Alertmanager(members) => {
                let body = alertmanager::body(letter).ok_or(Garbled { kind: self.name() })?;
                Ok(Outgoing::Http(members.requests(&body)))
            }
            Self::PagerDuty(account) => {
                let body = account.body(letter.body).ok_or(Garbled { kind: self.name() })?;
                one(account.target(), vec![Header::json()], body)
            }
            Self::Slack(target) | Self::Teams(target) | Self::Discord(target) | Self::Mattermost(target) => {
                one(target, vec![Header::json()], letter.body.to_vec())
            }
            Self::Email(mail) => Ok(Outgoing::Mail(mail.request(letter.body))),
        }
    }

    /// The bytes that an attempt sends, without secrets.
    pub(super) fn shown_body(&self, body: &[u8]) -> Vec<u8> {
        match self {
            Self::PagerDuty(_) => pagerduty::shown_body(body).unwrap_or_else(|| body.to_vec()),
            _ => body.to_vec(),
        }
    }

    pub(super) fn judge(&self, answer: &Answer<'_>) -> Verdict {
        match self {
            Self::Webhook(_) | Self::Standard(_) | Self::Alertmanager(_) => by_status(answer),
            Self::PagerDuty(_) => pagerduty::judge(answer),
            Self::Slack(_) => slack::judge(answer),
            Self::Teams(_) => teams::judge(answer),
            Self::Discord(_) => discord::judge(answer),
            Self::Mattermost(_) => mattermost::judge(answer),
            Self::Email(_) => email::judge(answer),
        }
    }

    /// The shortest time between two messages.
    pub(super) fn pace(&self) -> Duration {
        match self {
            Self::Slack(_) | Self::Teams(_) | Self::Discord(_) | Self::Mattermost(_) => CHAT_PACE,
            _ => Duration::ZERO,
        }
    }

    /// Of HTTP; none for mail.
    pub(super) fn targets(&self) -> &[ReceiverUrl] {
        match self {
            Self::Webhook(hook) | Self::Standard(hook) => std::slice::from_ref(&hook.target),
            Self::Alertmanager(members) => &members.targets,
            Self::PagerDuty(account) => std::slice::from_ref(account.target()),
            Self::Slack(target) | Self::Teams(target) | Self::Discord(target) | Self::Mattermost(target) => {
                std::slice::from_ref(target)
            }
            Self::Email(_) => &[],
        }
    }

    /// Its targets were all checked by one.
    pub(super) fn guard(&self) -> Option<&AddressGuard> {
        match self {
            Self::Email(mail) => Some(mail.server().guard()),
            _ => self.targets().first().map(ReceiverUrl::guard),
        }
    }
}

impl Hook {
    /// Those of Standard Webhooks, signed where there is a secret; the id is also the idempotency key.
    fn headers(&self, letter: Letter<'_>) -> Vec<Header> {
        let timestamp_s = letter.at / 1_000_000_000;
        let mut headers = vec![
            Header::json(),
            Header::new("webhook-id", letter.id),
            Header::new("webhook-timestamp", timestamp_s.to_string()),
            Header::new("idempotency-key", letter.id),
        ];
        if let Some(secret) = &self.secret {
            let signature = secret.signature(letter.id, timestamp_s, letter.body);
            headers.push(Header::new("webhook-signature", signature));
        }
        headers.extend(authorization(self.bearer.as_ref()));
        headers
    }
}

impl Members {
    fn requests(&self, body: &[u8]) -> Vec<HttpRequest<'_>> {
        let request = |target| {
            let mut headers = vec![Header::json()];
            headers.extend(authorization(self.bearer.as_ref()));
            HttpRequest { target, headers, body: body.to_vec() }
        };
        self.targets.iter().map(request).collect()
    }
}

fn authorization(bearer: Option<&Token>) -> Option<Header> {
    bearer.map(|token| Header::secret("authorization", format!("Bearer {}", token.reveal())))
}

/// For a chat whose address is gone when it answers one of these: as `by_status`, and nobody calls there again.
fn chat_is_gone(answer: &Answer<'_>, gone: &[u16]) -> Verdict {
    if gone.contains(&answer.status) { Verdict::Disable } else { by_status(answer) }
}

#[cfg(test)]
mod tests;
