//! Where a notification may go: the checks against requests forged through a receiver's address.
//!
//! The URL's spelling is checked when it is configured, the address at every connect, after the name
//! was resolved: a name that was public at start may point to the loopback later. Only scheme, host
//! and port of a receiver are ever shown, since paths and queries carry tokens. Mail servers pass the same guard.

use reqwest::Url;
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
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

    #[error(
        "mail in the clear is only for internal servers: use tls = \"starttls\" or \"implicit\", \
         or set allow_private_targets = true"
    )]
    PlainMail,

    #[error("{host:?} is no host; write a name such as mail.example.com, or an address")]
    Host { host: String },

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
    pub fn parse(text: &str, private: impl Into<PrivateTargets>) -> Result<Self, TargetError> {
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(TargetError::Blank);
        }
        let guard = AddressGuard { private: private.into() };
        let url = Url::parse(text).map_err(|error| TargetError::Parse { reason: error.to_string() })?;
        match url.scheme() {
            "https" => {}
            "http" if guard.is_for_internal() => {}
            "http" => return Err(TargetError::PlainHttp),
            scheme => return Err(TargetError::Scheme { scheme: scheme.to_owned() }),
        }
        if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
            return Err(TargetError::UserInfo);
        }
        check_spelling(text, &url)?;
        let target = Self { url, guard };
        target.check_literal()?;
        Ok(target)
    }

    /// The same place, with a path below its own.
    pub(crate) fn below(&self, path: &str) -> Self {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/{path}", self.url.path().trim_end_matches('/')));
        Self { url, guard: self.guard.clone() }
    }

    /// Plain http to a guard that denies private networks: what a test can serve but nobody can configure.
    #[cfg(test)]
    pub(super) fn guarded(text: &str) -> Self {
        let guard = AddressGuard { private: PrivateTargets::Denied };
        Self { guard, ..Self::parse(text, true).unwrap() }
    }

    /// The whole URL, for the request itself.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    pub(crate) fn guard(&self) -> &AddressGuard {
        &self.guard
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

/// A server that takes mail, checked as far as its spelling goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    host: String,
    port: u16,
    tls: MailTls,
    guard: AddressGuard,
}

/// How the way to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// The server is asked to encrypt; one that cannot gets nothing.
    StartTls,
    /// From the first byte.
    Implicit,
    /// Not at all: for servers on internal networks.
    Off,
}

impl fmt::Display for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls == MailTls::Implicit { "smtps" } else { "smtp" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

/// A name in the domain name system has at most this many bytes.
const HOST_BYTES_MAX: usize = 253;

impl MailServer {
    pub fn parse(
        host: &str,
        port: u16,
        tls: MailTls,
        private: impl Into<PrivateTargets>,
    ) -> Result<Self, TargetError> {
        let guard = AddressGuard { private: private.into() };
        if tls == MailTls::Off && !guard.is_for_internal() {
            return Err(TargetError::PlainMail);
        }
        if let Ok(address) = host.parse() {
            guard.check(address)?;
        } else {
            check_host(host)?;
        }
        Ok(Self { host: host.to_owned(), port, tls, guard })
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn tls(&self) -> MailTls {
        self.tls
    }

    pub(crate) fn guard(&self) -> &AddressGuard {
        &self.guard
    }
}

/// A name, and no address in disguise: resolvers read `127.1` as URL parsers do.
fn check_host(host: &str) -> Result<(), TargetError> {
    let is_name = |c: u8| c.is_ascii_alphanumeric() || b".-_".contains(&c);
    if host.is_empty() || host.len() > HOST_BYTES_MAX || !host.bytes().all(is_name) {
        return Err(TargetError::Host { host: host.to_owned() });
    }
    let text = format!("https://{host}/");
    let url = Url::parse(&text).map_err(|_| TargetError::Host { host: host.to_owned() })?;
    check_spelling(&text, &url)
}

/// Which networks that are not public a receiver may be in. Metadata services are never among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PrivateTargets {
    #[default]
    Denied,
    /// Loopback, private, shared and link-local networks.
    Allowed,
    /// As far as they are in one of these.
    Networks(Arc<[Network]>),
}

impl From<bool> for PrivateTargets {
    fn from(is_allowed: bool) -> Self {
        if is_allowed { Self::Allowed } else { Self::Denied }
    }
}

/// Addresses that begin with the same bits: `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    n_bits: u8,
}

impl Network {
    /// Reads an address, with `/` and a number of bits where it is more than one.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, n)| (address, Some(n)));
        let address: IpAddr = address.parse().ok()?;
        let n_bits_max = if address.is_ipv4() { 32 } else { 128 };
        let n_bits = match bits {
            Some(bits) => bits.parse().ok().filter(|n_bits| *n_bits <= n_bits_max)?,
            None => n_bits_max,
        };
        Some(Self { address, n_bits })
    }

    fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differing = u32::from(own) ^ u32::from(other);
                differing.leading_zeros() >= u32::from(self.n_bits)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differing = u128::from(own) ^ u128::from(other);
                differing.leading_zeros() >= u32::from(self.n_bits)
            }
            _ => false,
        }
    }
}

/// Decides about addresses, at configuration and at every connect.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct AddressGuard {
    pub(crate) private: PrivateTargets,
}

impl AddressGuard {
    pub(crate) fn check(&self, address: IpAddr) -> Result<(), TargetError> {
        match kind(address) {
            None => Ok(()),
            Some(kind) if is_private_kind(kind) && self.lets_in(address) => Ok(()),
            Some(kind) => Err(TargetError::Forbidden { address, kind }),
        }
    }

    /// An operator who opens private networks has said that the receiver is an internal one.
    fn is_for_internal(&self) -> bool {
        self.private != PrivateTargets::Denied
    }

    fn lets_in(&self, address: IpAddr) -> bool {
        let embedded = match address {
            IpAddr::V6(address) => embedded_v4(address).map(IpAddr::V4),
            IpAddr::V4(_) => None,
        };
        match &self.private {
            PrivateTargets::Denied => false,
            PrivateTargets::Allowed => true,
            PrivateTargets::Networks(networks) => {
                networks.iter().any(|network| network.contains(embedded.unwrap_or(address)))
            }
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
