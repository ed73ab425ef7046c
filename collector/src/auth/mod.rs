//! Who may send and who may look, and how much each may send.
//!
//! A token is for sending; a user may send, and looks at the dashboard and the API. Where neither is configured,
//! nobody is asked. Secrets are kept as digests only and compared in constant time; nothing here puts them, or what
//! a stranger tried, into a message. What is answered to whom is refused is the doors' business.

mod account;
mod bucket;
mod secrets;
mod strikes;
#[cfg(test)]
mod tests;

pub(crate) use account::{Kind, Payer, Rates};
pub(crate) use secrets::Secrets;

use crate::decode::text::from_base64;
use crate::reload::{Failed, Source};
use crate::serve::Peer;
use account::Account;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use parking_lot::Mutex;
use secrets::Digest;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use strikes::Strikes;

/// A token or a user as the configuration has it.
#[derive(Debug, Clone)]
pub(crate) struct Credential {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) secrets: Secrets,
    pub(crate) rates: Rates,
}

/// Everybody who is known.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    accounts: Vec<Arc<Account>>,
    /// A client certificate that was checked stands in for a token.
    certificate_suffices: bool,
    strikes: Mutex<Strikes>,
}

/// Why somebody is not let in. What was tried is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    #[error("no credentials came with the request")]
    Missing,
    #[error("the authorization header must be 'Bearer TOKEN', or 'Basic' and base64 of 'NAME:PASSWORD'")]
    Malformed,
    #[error("the credentials are not known")]
    Unknown,
    #[error("too many wrong passwords came from this address, retry later")]
    TooManyFailures { retry_after: Duration },
}

impl Gate {
    pub(crate) fn new(credentials: Vec<Credential>, certificate_suffices: bool) -> Self {
        let accounts = credentials.into_iter().map(|credential| Arc::new(Account::new(credential))).collect();
        Self { accounts, certificate_suffices, strikes: Mutex::default() }
    }

    /// Whose telemetry this is; nobody's where nobody is asked.
    pub(crate) fn sender(
        &self,
        headers: &HeaderMap,
        peer: Option<&Peer>,
        now: Instant,
    ) -> Result<Payer, Denied> {
        if self.accounts.is_empty() {
            return Ok(Payer::default());
        }
        let has_certificate = peer.is_some_and(|peer| peer.has_certificate);
        match presented(headers)? {
            Some(presented) => self.find(&presented, peer, now).map(Payer::of),
            None if has_certificate && self.certificate_suffices => Ok(Payer::default()),
            None => Err(Denied::Missing),
        }
    }

    /// May the dashboard and the API be looked at? Users may, and everybody where there are none.
    pub(crate) fn viewer(
        &self,
        headers: &HeaderMap,
        peer: Option<&Peer>,
        now: Instant,
    ) -> Result<(), Denied> {
        if !self.accounts.iter().any(|account| account.kind() == Kind::User) {
            return Ok(());
        }
        match presented(headers)? {
            Some(presented) if presented.kind == Kind::User => self.find(&presented, peer, now).map(drop),
            _ => Err(Denied::Missing),
        }
    }

    /// The name of the user whose request was let in; none where there are no users.
    pub(crate) fn user(&self, headers: &HeaderMap) -> Option<String> {
        if !self.accounts.iter().any(|account| account.kind() == Kind::User) {
            return None;
        }
        let text = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (_, credentials) = text.split_once(' ')?;
        let decoded = String::from_utf8(from_base64(credentials.trim())?).ok()?;
        decoded.split_once(':').map(|(name, _)| name.to_owned())
    }

    /// All are compared, whichever is the right one, so that the time this takes tells nothing.
    fn find(&self, presented: &Presented, peer: Option<&Peer>, now: Instant) -> Result<Arc<Account>, Denied> {
        let mut found = None;
        for account in self.accounts.iter().filter(|account| account.kind() == presented.kind) {
            if account.knows(&presented.digest) {
                found = Some(account);
            }
        }
        found.cloned().ok_or_else(|| self.failed(presented.kind, peer, now))
    }

    /// What somebody is told who is not known. Only failures count, and only further failures feel it: many may share
    /// one address, and one of them must not lock the others out.
    fn failed(&self, kind: Kind, peer: Option<&Peer>, now: Instant) -> Denied {
        // Tokens are too long to be guessed.
        let Some(peer) = peer.filter(|_| kind == Kind::User) else { return Denied::Unknown };
        let (mut strikes, address) = (self.strikes.lock(), peer.address.ip());
        if let Some(retry_after) = strikes.wait(address, now) {
            return Denied::TooManyFailures { retry_after };
        }
        strikes.add(address, now);
        Denied::Unknown
    }
}

/// Secrets in files: an operator adds the new one as a second line, moves the senders, and removes the first.
impl Source for Gate {
    fn what(&self) -> &'static str {
        "secrets of [auth]"
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.accounts.iter().filter_map(|account| account.file()).collect()
    }

    /// Who cannot be read keeps what was known of them; the others change all the same.
    fn read_again(&self) -> Result<(), Failed> {
        let mut outcome = Ok(());
        for account in &self.accounts {
            outcome = outcome.and(account.read_again());
        }
        outcome
    }
}

/// What a request says about its sender.
struct Presented {
    kind: Kind,
    digest: Digest,
}

fn presented(headers: &HeaderMap) -> Result<Option<Presented>, Denied> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Denied::Malformed);
    }
    let text = value.to_str().map_err(|_| Denied::Malformed)?;
    let (scheme, credentials) = text.split_once(' ').ok_or(Denied::Malformed)?;
    let credentials = credentials.trim();
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Ok(Some(Presented { kind: Kind::Token, digest: Digest::of(credentials.as_bytes()) })),
        "basic" => {
            let decoded = from_base64(credentials).ok_or(Denied::Malformed)?;
            Ok(Some(Presented { kind: Kind::User, digest: Digest::of(&decoded) }))
        }
        _ => Err(Denied::Malformed),
    }
}
