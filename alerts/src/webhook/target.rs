//! Where a webhook may go: the checks against requests forged through a receiver's address.
//!
//! The URL's spelling is checked when it is configured, the address at every connect, after the name
//! was resolved: a name that was public at start may point to the loopback later. Only scheme, host
//! and port of a receiver are ever shown, since paths and queries carry tokens.

use reqwest::Url;
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// A receiver's address, checked as far as its spelling goes.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceiverUrl {
    url: Url,
    guard: AddressGuard,
}

/// Scheme, host and port.
impl fmt::Display for ReceiverUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.url.scheme(), self.url.host_str().unwrap_or_default())?;
        self.url.port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Debug for ReceiverUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReceiverUrl({self})")
    }
}

/// Why a receiver's address was refused; it never repeats more than the host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("the url does not parse ({reason}); write it as https://host/path")]
    Parse { reason: String },

    #[error("the url's scheme must be https or http, not {scheme}")]
    Scheme { scheme: String },

    #[error("plain http is only for internal receivers: use https, or set allow_private_targets = true")]
    PlainHttp,

    #[error("the url must not hold a user name or password; use a path, a query or a signing secret")]
    UserInfo,

    #[error("the url must not hold blanks or control characters")]
    Blank,

    #[error("the host {host:?} is an address in disguise; write it as {plain}")]
    Disguise { host: String, plain: String },

    #[error("{address} is {kind}; {}", hint(kind))]
    Forbidden { address: IpAddr, kind: &'static str },

    #[error("the name {host} has no address")]
    NoAddress { host: String },
}

fn hint(kind: &str) -> &'static str {
    if is_private_kind(kind) {
        "set allow_private_targets = true on this receiver if it is meant"
    } else {
        "no receiver can be there"
    }
}

impl ReceiverUrl {
    pub fn parse(text: &str, allow_private_targets: bool) -> Result<Self, TargetError> {
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(TargetError::Blank);
        }
        let url = Url::parse(text).map_err(|error| TargetError::Parse { reason: error.to_string() })?;
        match url.scheme() {
            "https" => {}
            "http" if allow_private_targets => {}
            "http" => return Err(TargetError::PlainHttp),
            scheme => return Err(TargetError::Scheme { scheme: scheme.to_owned() }),
        }
        if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
            return Err(TargetError::UserInfo);
        }
        check_spelling(text, &url)?;
        let target = Self { url, guard: AddressGuard { allow_private_targets } };
        target.check_literal()?;
        Ok(target)
    }

    /// Plain http to a guard that denies private networks: what a test can serve but nobody can configure.
    #[cfg(test)]
    pub(super) fn guarded(text: &str) -> Self {
        let guard = AddressGuard { allow_private_targets: false };
        Self { guard, ..Self::parse(text, true).unwrap() }
    }

    /// The whole URL, for the request itself.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    pub(crate) fn guard(&self) -> AddressGuard {
        self.guard
    }

    /// A host that is an address never meets the resolver, so it is checked here.
    pub(crate) fn check_literal(&self) -> Result<(), TargetError> {
        let host = self.url.host_str().unwrap_or_default();
        match host.trim_start_matches('[').trim_end_matches(']').parse() {
            Ok(address) => self.guard.check(address),
            Err(_) => Ok(()),
        }
    }
}

/// What stands between the scheme and the path, as it was written.
fn authority(text: &str) -> &str {
    let rest = text.split_once(':').map_or("", |(_, rest)| rest).trim_start_matches(['/', '\\']);
    rest.split(['/', '\\', '?', '#']).next().unwrap_or_default()
}

/// `2130706433`, `0x7f.1`, `0177.0.0.1` and percent-encoded digits all become 127.0.0.1 in a URL parser;
/// nobody writes them in good faith.
fn check_spelling(text: &str, url: &Url) -> Result<(), TargetError> {
    let host = url.host_str().unwrap_or_default();
    if host.parse::<Ipv4Addr>().is_err() {
        return Ok(());
    }
    let authority = authority(text);
    let written = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    if written == host {
        return Ok(());
    }
    Err(TargetError::Disguise { host: written.to_owned(), plain: host.to_owned() })
}

/// Decides about addresses, at configuration and at every connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AddressGuard {
    /// Lets loopback, private, shared and link-local networks pass. Metadata services stay denied.
    pub(crate) allow_private_targets: bool,
}

impl AddressGuard {
    pub(crate) fn check(self, address: IpAddr) -> Result<(), TargetError> {
        match kind(address) {
            None => Ok(()),
            Some(kind) if self.allow_private_targets && is_private_kind(kind) => Ok(()),
            Some(kind) => Err(TargetError::Forbidden { address, kind }),
        }
    }
}

const LOOPBACK: &str = "a loopback address";
const PRIVATE: &str = "a private address";
const LINK_LOCAL: &str = "a link-local address";
const SHARED: &str = "a shared address (100.64.0.0/10)";
const METADATA: &str = "a cloud metadata service";

fn is_private_kind(kind: &str) -> bool {
    [LOOPBACK, PRIVATE, LINK_LOCAL, SHARED].contains(&kind)
}

/// What is special about an address; none for one that is publicly routed.
fn kind(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

fn kind_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, d] = address.octets();
    match (a, b, c, d) {
        // The instance's credentials live behind these: three of AWS and its kin, one of Azure, one of Alibaba.
        (169, 254, 169, 254) | (169, 254, 170, 2 | 23) | (168, 63, 129, 16) | (100, 100, 100, 200) => {
            Some(METADATA)
        }
        (0, ..) => Some("an unspecified address"),
        (127, ..) => Some(LOOPBACK),
        (10, ..) | (172, 16..=31, ..) | (192, 168, ..) => Some(PRIVATE),
        (169, 254, ..) => Some(LINK_LOCAL),
        (100, 64..=127, ..) => Some(SHARED),
        (192, 0, 0, _) => Some("a protocol address (192.0.0.0/24)"),
        (192, 0, 2, _) | (198, 51, 100, _) | (203, 0, 113, _) => Some("a documentation address"),
        (198, 18..=19, ..) => Some("a benchmarking address (198.18.0.0/15)"),
        (192, 88, 99, _) => Some("a 6to4 relay address"),
        (224..=239, ..) => Some("a multicast address"),
        (255, 255, 255, 255) => Some("the broadcast address"),
        (240..=255, ..) => Some("a reserved address (240.0.0.0/4)"),
        _ => None,
    }
}

fn kind_v6(address: Ipv6Addr) -> Option<&'static str> {
    if let Some(embedded) = embedded_v4(address) {
        return kind_v4(embedded);
    }
    let segments = address.segments();
    match segments {
        // AWS and Google over IPv6.
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23 | 0x254] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => Some(METADATA),
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("an unspecified address"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some(LOOPBACK),
        [0xfc00..=0xfdff, ..] => Some(PRIVATE),
        [0xfe80..=0xfebf, ..] => Some(LINK_LOCAL),
        [0xfec0..=0xfeff, ..] => Some("a site-local address"),
        [0xff00..=0xffff, ..] => Some("a multicast address"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] => Some("a documentation address"),
        [0x64, 0xff9b, 1, ..] => Some("a local translation address (64:ff9b:1::/48)"),
        [0x100, 0, 0, 0, ..] => Some("a discard address (100::/64)"),
        // 2000::/3 is all that is routed; Teredo and other protocol blocks within it are not wanted.
        [0x2001, 0..=0x01ff, ..] => Some("a protocol address (2001::/23)"),
        [0x2000..=0x3fff, ..] => None,
        _ => Some("a reserved address"),
    }
}

/// The IPv4 address inside a mapped, compatible, translated (NAT64) or 6to4 address.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => Some(join(high, low)),
        [0, 0, 0, 0, 0, 0, 0, 0..=1] => None,
        [0, 0, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
