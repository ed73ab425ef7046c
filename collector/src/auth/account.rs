//! One token or user while the server runs: what it is known by, and what it owes.

use super::Credential;
use super::bucket::Bucket;
use super::secrets::{Digest, Secrets};
use crate::reload::Failed;
use parking_lot::{Mutex, RwLock};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use subtle::Choice;

/// What a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Sends telemetry.
    Token,
    /// Sends telemetry, and looks at it.
    User,
}

/// How much may be sent on the average; `None` for as much as the server takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rates {
    /// Spans, log records and data points.
    pub(crate) items_per_second: Option<u64>,
    /// As they come over the network, compressed or not.
    pub(crate) bytes_per_second: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Account {
    kind: Kind,
    name: String,
    /// Replaced when the file changes; read for each request, and never for long.
    secrets: RwLock<Secrets>,
    buckets: Mutex<Buckets>,
}

#[derive(Debug)]
struct Buckets {
    items: Option<Bucket>,
    bytes: Option<Bucket>,
}

impl Account {
    pub(super) fn new(credential: Credential) -> Self {
        let Credential { kind, name, secrets, rates } = credential;
        let Rates { items_per_second, bytes_per_second } = rates;
        let buckets =
            Buckets { items: items_per_second.map(Bucket::new), bytes: bytes_per_second.map(Bucket::new) };
        Self { kind, name, secrets: RwLock::new(secrets), buckets: Mutex::new(buckets) }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Takes as long for a wrong digest as for the right one.
    pub(super) fn knows(&self, digest: &Digest) -> bool {
        let secrets = self.secrets.read();
        let equal = secrets.digests().iter().map(|known| known.equals(digest));
        bool::from(equal.fold(Choice::from(0), |any, equal| any | equal))
    }

    pub(super) fn file(&self) -> Option<PathBuf> {
        self.secrets.read().file().cloned()
    }

    pub(super) fn read_again(&self) -> Result<(), Failed> {
        let Some(path) = self.file() else { return Ok(()) };
        let secrets = Secrets::read(self.kind, &self.name, path)?;
        *self.secrets.write() = secrets;
        Ok(())
    }
}

/// Who pays for a request with their rates; nobody where nobody was asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Payer(Option<Arc<Account>>);

impl Payer {
    pub(super) fn of(account: Arc<Account>) -> Self {
        Self(Some(account))
    }

    /// How long until another request may be sent, where what was sent is not paid for yet; with the name of who owes.
    pub(crate) fn owes(&self, now: Instant) -> Option<(&str, Duration)> {
        let account = self.0.as_ref()?;
        let buckets = account.buckets.lock();
        let waits = [&buckets.items, &buckets.bytes].map(|bucket| bucket.as_ref()?.wait(now));
        let wait = waits.into_iter().flatten().max()?;
        Some((account.name.as_str(), wait))
    }

    pub(crate) fn pay_items(&self, n_items: u64, now: Instant) {
        if let Some(account) = &self.0
            && let Some(bucket) = &mut account.buckets.lock().items
        {
            bucket.take(n_items, now);
        }
    }

    pub(crate) fn pay_bytes(&self, n_bytes: u64, now: Instant) {
        if let Some(account) = &self.0
            && let Some(bucket) = &mut account.buckets.lock().bytes
        {
            bucket.take(n_bytes, now);
        }
    }
}
