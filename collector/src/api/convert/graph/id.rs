//! What a node of the graph is called.

use storage::{Peer, PeerKind};

/// The kind and the other parts as far as there are any, with slashes between them. No two peers have the same.
pub(super) fn id(peer: &Peer) -> String {
    let kind = match peer.kind {
        PeerKind::Service => "service",
        PeerKind::Database => "database",
        PeerKind::Messaging => "messaging",
        PeerKind::External => "external",
    };
    let mut id = kind.to_owned();
    for part in [&peer.name, &peer.detail, &peer.address] {
        id.push('/');
        id.push_str(&part.replace('~', "~0").replace('/', "~1"));
    }
    id.truncate(id.trim_end_matches('/').len());
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn peer(kind: PeerKind, name: &str, detail: &str, address: &str) -> Peer {
        Peer { kind, name: name.to_owned(), detail: detail.to_owned(), address: address.to_owned() }
    }

    /// Scenario: peers of each kind, with and without details, and names that look like several.
    /// Guarantees: ids say what the peer is, and stay apart.
    #[test]
    fn ids_say_who_it_is() {
        for (one, wanted) in [
            (peer(PeerKind::Service, "cart", "", ""), "service/cart"),
            (peer(PeerKind::Database, "redis", "", "cache:6379"), "database/redis//cache:6379"),
            (peer(PeerKind::Messaging, "orders", "kafka", ""), "messaging/orders/kafka"),
            (peer(PeerKind::External, "api.bank:443", "", ""), "external/api.bank:443"),
            (peer(PeerKind::Service, "a/b~", "", ""), "service/a~1b~0"),
            (peer(PeerKind::Service, "", "", ""), "service"),
        ] {
            assert_eq!(id(&one), wanted);
        }
    }

    fn any_peer() -> impl Strategy<Value = Peer> {
        let kinds = [PeerKind::Service, PeerKind::Database, PeerKind::Messaging, PeerKind::External];
        (prop::sample::select(kinds.to_vec()), "[a/~]{0,3}", "[a/~]{0,3}", "[a/~]{0,3}")
            .prop_map(|(kind, name, detail, address)| peer(kind, &name, &detail, &address))
    }

    proptest! {
        /// Scenario: any two peers with names full of what separates the parts of ids.
        /// Guarantees: they have the same id if and only if they are the same.
        #[test]
        fn no_two_peers_have_one_id(a in any_peer(), b in any_peer()) {
            prop_assert_eq!(id(&a) == id(&b), a == b);
        }
    }
}
