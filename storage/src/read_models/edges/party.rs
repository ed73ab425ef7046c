//! What one side of a call says of itself and of the other side, kept once for all calls that say the same.

use super::OTHERS;
use datafusion::common::{HashMap, HashSet};
use std::borrow::Cow;
use std::net::Ipv6Addr;
use std::sync::Arc;

/// Parties kept apart. Names come from clients: one that calls a new host each time must not fill memory.
const PARTIES_MAX: usize = 10_000;
/// The same for each service, so that one with very many peers leaves room for those of others.
const PARTIES_OF_SERVICE_MAX: usize = 1_000;
/// Up to here peers are given up but services kept apart; beyond, services are given up too.
const PARTIES_OVERFLOW_MAX: usize = 2 * PARTIES_MAX;
/// Longer names of peers and errors are cut: what is longer is a document.
const NAME_BYTES_MAX: usize = 256;
/// What a party takes besides itself and its texts: counts of its owners, its place in the set.
const PARTY_OVERHEAD_BYTES: usize = 48;

/// What a span names as the other side of its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Named {
    Nobody,
    Service,
    /// By its address alone.
    Host,
    Database,
    /// A consumer's queue is the one it was handed its message by.
    Queue,
}

/// What does not change from call to call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Party {
    pub(super) service: Box<str>,
    pub(super) named: Named,
    /// Of a service its name, of a database its system, of a queue its destination.
    pub(super) name: Box<str>,
    /// Of a database its namespace, of a queue its system.
    pub(super) detail: Box<str>,
    pub(super) host: Box<str>,
    pub(super) port: Box<str>,
    /// Empty where it went well.
    pub(super) error_type: Box<str>,
}

/// The same, borrowed from a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PartyRef<'a> {
    pub(super) service: &'a str,
    pub(super) named: Named,
    pub(super) name: &'a str,
    pub(super) detail: &'a str,
    pub(super) host: &'a str,
    pub(super) port: &'a str,
    pub(super) error: ErrorRef<'a>,
}

/// How a span failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ErrorRef<'a> {
    None,
    Type(&'a str),
    HttpStatus(i64),
    /// It does not say.
    Other,
}

/// All parties that something in memory names.
#[derive(Debug, Default)]
pub(super) struct Parties {
    known: HashSet<Arc<Party>>,
    n_of_service: HashMap<Box<str>, usize>,
    n_bytes: usize,
}

impl Party {
    pub(super) fn is_error(&self) -> bool {
        !self.error_type.is_empty()
    }

    pub(super) fn names_queue(&self) -> bool {
        self.named == Named::Queue
    }

    /// `server.address`, with the port where that is told apart.
    pub(super) fn address(&self) -> Cow<'_, str> {
        let Self { host, port, .. } = self;
        if port.is_empty() || host.is_empty() {
            return Cow::Borrowed(host);
        }
        match (host.contains(':'), host.parse::<Ipv6Addr>()) {
            (false, _) => Cow::Owned(format!("{host}:{port}")),
            (true, Ok(_)) => Cow::Owned(format!("[{host}]:{port}")),
            // It has a port already.
            (true, Err(_)) => Cow::Borrowed(host),
        }
    }

    /// The same without what there are too many of.
    fn without_peer(&self) -> Self {
        let has_name = !matches!(self.named, Named::Nobody | Named::Host);
        let given_up = |is_told: bool| Box::from(if is_told { OTHERS } else { "" });
        Self {
            service: self.service.clone(),
            named: self.named,
            name: given_up(has_name),
            detail: Box::default(),
            host: given_up(!self.host.is_empty()),
            port: Box::default(),
            error_type: given_up(self.is_error()),
        }
    }

    /// Memory that it takes.
    pub(super) fn n_bytes(&self) -> usize {
        let texts = [&self.service, &self.name, &self.detail, &self.host, &self.port, &self.error_type];
        size_of::<Self>() + PARTY_OVERHEAD_BYTES + texts.iter().map(|text| text.len()).sum::<usize>()
    }
}

impl PartyRef<'_> {
    pub(super) fn to_party(self) -> Party {
        let name = |text: &str| Box::from(cut(text, NAME_BYTES_MAX));
        Party {
            service: Box::from(self.service),
            named: self.named,
            name: name(self.name),
            detail: name(self.detail),
            host: name(self.host),
            port: name(self.port),
            error_type: match self.error {
                ErrorRef::None => Box::default(),
                ErrorRef::Type(text) => name(text),
                ErrorRef::HttpStatus(code) => code.to_string().into(),
                ErrorRef::Other => Box::from("_OTHER"),
            },
        }
    }
}

impl Parties {
    /// The one instance of a party, or the one it shares when there are too many; true for the latter.
    pub(super) fn admit(&mut self, wanted: &Arc<Party>) -> (Arc<Party>, bool) {
        if let Some(known) = self.known.get(wanted) {
            return (Arc::clone(known), false);
        }
        let n_of_service = self.n_of_service.get(&wanted.service).copied().unwrap_or(0);
        if self.known.len() < PARTIES_MAX && n_of_service < PARTIES_OF_SERVICE_MAX {
            return (self.insert(Arc::clone(wanted)), false);
        }
        let peer_given_up = wanted.without_peer();
        let all_given_up = Party { service: Box::from(OTHERS), ..peer_given_up.clone() };
        for (offer, n_parties_max) in [(peer_given_up, PARTIES_OVERFLOW_MAX), (all_given_up, usize::MAX)] {
            if let Some(known) = self.known.get(&offer) {
                return (Arc::clone(known), true);
            }
            if self.known.len() < n_parties_max {
                return (self.insert(Arc::new(offer)), true);
            }
        }
        unreachable!("the last offer has no bound")
    }

    /// Forgets those that nothing names any more, once there are many.
    pub(super) fn tidy(&mut self) {
        if self.known.len() < PARTIES_MAX / 2
            && self.n_of_service.values().all(|&n| n < PARTIES_OF_SERVICE_MAX)
        {
            return;
        }
        let known = std::mem::take(&mut self.known);
        *self = Self::default();
        for party in known.into_iter().filter(|party| Arc::strong_count(party) > 1) {
            self.insert(party);
        }
    }

    pub(super) fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    fn insert(&mut self, party: Arc<Party>) -> Arc<Party> {
        self.n_bytes += party.n_bytes();
        *self.n_of_service.entry(party.service.clone()).or_default() += 1;
        self.known.insert(Arc::clone(&party));
        party
    }
}

/// The start of a text, in whole characters.
fn cut(text: &str, n_bytes_max: usize) -> &str {
    let mut end = text.len().min(n_bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(service: &str, host: &str) -> Arc<Party> {
        let (named, error) = (Named::Host, ErrorRef::None);
        Arc::new(PartyRef { service, named, name: "", detail: "", host, port: "", error }.to_party())
    }

    /// Scenario: one service calls a new host each time, beside one that calls few; then a million services come.
    /// Guarantees: the parties stay bounded, what is given up says so, the other service keeps its hosts, and when
    /// nobody names them any more there is room again.
    #[test]
    fn parties_are_bounded_fairly_and_forgotten() {
        let mut parties = Parties::default();
        let n_given_up =
            (0..5_000).filter(|n| parties.admit(&party("crawler", &format!("host-{n}"))).1).count();
        assert_eq!(n_given_up, 4_000);
        let (kept, is_given_up) = parties.admit(&party("shop", "bank"));
        assert_eq!((&*kept.host, is_given_up), ("bank", false));
        assert_eq!(&*parties.admit(&party("crawler", "one-more")).0.host, OTHERS);
        let mut last = None;
        for n in 0..30_000 {
            last = Some(parties.admit(&party(&format!("service-{n}"), "x")).0);
        }
        assert_eq!(last.map(|party| party.service.to_string()).as_deref(), Some(OTHERS));
        assert!(parties.known.len() <= PARTIES_OVERFLOW_MAX + 1, "{}", parties.known.len());
        parties.tidy();
        assert_eq!(parties.known.len(), 1, "only what is named is left");
        assert_eq!(parties.n_bytes(), kept.n_bytes());
        assert!(!parties.admit(&party("crawler", "one-more")).1);
    }

    /// Scenario: hosts with and without ports, in every notation.
    /// Guarantees: the port is told once, and addresses of IPv6 keep their brackets.
    #[test]
    fn addresses_tell_their_port_once() {
        let address = |host: &str, port: &str| {
            let party = Party { port: Box::from(port), ..(*party("shop", host)).clone() };
            party.address().into_owned()
        };
        assert_eq!(address("bank", "443"), "bank:443");
        assert_eq!(address("bank", ""), "bank");
        assert_eq!(address("db:5432", "5432"), "db:5432");
        assert_eq!(address("::1", "80"), "[::1]:80");
        assert_eq!(address("[::1]:80", "80"), "[::1]:80");
        assert_eq!(address("", "80"), "");
    }
}
