//! From a host's name to addresses that may be connected to.
//!
//! Every attempt resolves again, and connects to what was checked: no second look-up can change it. Both the HTTP
//! client and the mail client come through here.

use super::target::{AddressGuard, TargetError};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{future::Future, net::SocketAddr, pin::Pin, sync::Arc};

/// Looks a host name up. A type of its own so that a test can let a name change its mind.
pub(super) trait Lookup: Send + Sync + 'static {
    fn lookup(&self, host: String) -> LookupAnswer;
}

pub(super) type LookupAnswer = Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;

/// The operating system's resolver.
pub(super) struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: String) -> LookupAnswer {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) })
    }
}

/// What the HTTP client asks.
pub(super) struct GuardedResolver {
    pub(super) guard: AddressGuard,
    pub(super) lookup: Arc<dyn Lookup>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, host) = (self.guard.clone(), name.as_str().to_owned());
        let answer = self.lookup.lookup(host.clone());
        Box::pin(async move { Ok(Box::new(permitted(&guard, &host, answer.await?)?.into_iter()) as Addrs) })
    }
}

/// Any forbidden address among the answers refuses the name: a mixed answer is how a rebinding starts.
pub(super) fn permitted(
    guard: &AddressGuard,
    host: &str,
    addresses: Vec<SocketAddr>,
) -> Result<Vec<SocketAddr>, TargetError> {
    if addresses.is_empty() {
        return Err(TargetError::NoAddress { host: host.to_owned() });
    }
    addresses.iter().try_for_each(|address| guard.check(address.ip()))?;
    Ok(addresses)
}
