//! Somebody who is told: by which way, of what, and with how much patience.

use super::{kinds::Kind, payload::Notice, retry::RetryPolicy};
use crate::Event;
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Receiver {
    pub name: String,
    pub kind: Kind,
    /// Whether it also hears that an alert ended.
    pub send_resolved: bool,
    /// Who is told of a page that did not get through to this one within minutes.
    pub fallback: Option<String>,
    /// One attempt, from connecting to the end of the answer; the policy's where there is none.
    pub timeout: Option<Duration>,
    /// Longer ago than this, a notification is given up; the policy's where there is none.
    pub give_up_after: Option<Duration>,
}

impl Receiver {
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        let name = name.into();
        Self { name, kind, send_resolved: true, fallback: None, timeout: None, give_up_after: None }
    }

    pub fn wants(&self, event: Event) -> bool {
        (event != Event::Resolved || self.send_resolved) && self.kind.tells(event)
    }

    /// The bytes that are kept for it, and sent with every attempt.
    pub fn document(&self, notice: &Notice<'_>) -> Vec<u8> {
        self.kind.document(notice, &self.name)
    }

    pub(super) fn policy(&self, policy: &RetryPolicy) -> RetryPolicy {
        RetryPolicy {
            timeout: self.timeout.unwrap_or(policy.timeout),
            give_up_after: self.give_up_after.unwrap_or(policy.give_up_after),
            ..policy.clone()
        }
    }
}
