//! Which names are one and the same peer.
//!
//! A call that nobody answered names its peer as the caller does: by an address, or by a name that a person gave. If
//! other calls to the same address were answered, all by the same service, it was that service's. Databases are known
//! by system, namespace and server; calls that leave one of them out belong to the only one that it can be.

use super::sums::Line;
use super::{EdgeDirection, Peer, PeerKind};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

/// What lines say of peers.
#[derive(Debug, Default)]
pub(super) struct Peers<'a> {
    /// Services whose own spans are stored.
    services: HashSet<&'a str>,
    /// By address, and where that means another one to everybody, by caller.
    owners: HashMap<(&'a str, &'a str), Only<'a>>,
    /// Of databases, by system and server.
    namespaces: HashMap<(&'a str, &'a str), Only<'a>>,
    /// Of databases, by system and namespace.
    servers: HashMap<(&'a str, &'a str), Only<'a>>,
}

/// A name, if it is always the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Only<'a> {
    One(&'a str),
    Several,
}

impl<'a> Peers<'a> {
    /// What these lines say, each with whether any of its calls has both sides.
    pub(super) fn of(lines: impl Iterator<Item = (&'a Line, bool)>) -> Self {
        let mut peers = Self::default();
        for (line, has_both_sides) in lines {
            match line.direction {
                EdgeDirection::Call => peers.services.insert(line.caller.as_str()),
                EdgeDirection::Deliver => peers.services.insert(line.callee.as_str()),
            };
            match line.callee_kind {
                PeerKind::Service if has_both_sides => peers.learn_service(line),
                PeerKind::Database => peers.learn_database(line),
                PeerKind::Service | PeerKind::Messaging | PeerKind::External => {}
            }
        }
        peers
    }

    pub(super) fn ends(&self, line: &Line) -> (Peer, Peer) {
        if line.direction == EdgeDirection::Deliver {
            return (queue(&line.caller, &line.callee_detail), Peer::service(&line.callee));
        }
        let callee = match line.callee_kind {
            PeerKind::Service => self.service(line),
            PeerKind::Database => self.database(line),
            PeerKind::Messaging => queue(&line.callee, &line.callee_detail),
            PeerKind::External => match self.owner(line) {
                Some(service) => Peer::service(service),
                None => Peer::named(PeerKind::External, &line.callee),
            },
        };
        (Peer::service(&line.caller), callee)
    }

    fn learn_service(&mut self, line: &'a Line) {
        self.services.insert(&line.callee);
        if !line.address.is_empty() {
            learn(&mut self.owners, scope(line), &line.callee);
        }
    }

    fn learn_database(&mut self, line: &'a Line) {
        if !line.address.is_empty() && !line.callee_detail.is_empty() {
            let Line { callee: system, callee_detail: namespace, address, .. } = line;
            learn(&mut self.namespaces, (system.as_str(), address.as_str()), namespace);
            learn(&mut self.servers, (system.as_str(), namespace.as_str()), address);
        }
    }

    /// The only service that answers at a line's address.
    fn owner<'b>(&'b self, line: &'b Line) -> Option<&'b str> {
        only(self.owners.get(&scope(line)))
    }

    /// A name that no service has may be a person's word for one.
    fn service(&self, line: &Line) -> Peer {
        let own = Some(line.callee.as_str()).filter(|name| self.services.contains(name));
        Peer::service(own.or_else(|| self.owner(line)).unwrap_or(&line.callee))
    }

    fn database(&self, line: &Line) -> Peer {
        let system = line.callee.as_str();
        let namespace = match line.callee_detail.as_str() {
            "" => only(self.namespaces.get(&(system, line.address.as_str()))).unwrap_or_default(),
            namespace => namespace,
        };
        let address = match line.address.as_str() {
            "" => only(self.servers.get(&(system, namespace))).unwrap_or_default(),
            address => address,
        };
        Peer {
            kind: PeerKind::Database,
            name: system.to_owned(),
            detail: namespace.to_owned(),
            address: address.to_owned(),
        }
    }
}

fn queue(destination: &str, system: &str) -> Peer {
    Peer { detail: system.to_owned(), ..Peer::named(PeerKind::Messaging, destination) }
}

/// An address, and the caller if it is one that everybody has.
fn scope(line: &Line) -> (&str, &str) {
    let address = line.address.as_str();
    let is_own = ["localhost", "127.", "::1", "[::1]"].iter().any(|start| address.starts_with(start));
    (address, if is_own { line.caller.as_str() } else { "" })
}

fn learn<'a>(names: &mut HashMap<(&'a str, &'a str), Only<'a>>, key: (&'a str, &'a str), name: &'a str) {
    match names.entry(key) {
        Entry::Vacant(entry) => {
            entry.insert(Only::One(name));
        }
        Entry::Occupied(mut entry) => {
            if *entry.get() != Only::One(name) {
                entry.insert(Only::Several);
            }
        }
    }
}

fn only<'a>(found: Option<&Only<'a>>) -> Option<&'a str> {
    match found {
        Some(Only::One(name)) => Some(name),
        Some(Only::Several) | None => None,
    }
}
