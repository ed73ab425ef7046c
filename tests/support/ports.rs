//! Ports that are chosen before anybody listens there, for those who must come back to the same one.

use rand::Rng as _;
use std::net::TcpListener;
use std::ops::Range;

/// Below those that the system gives out by itself, so that nobody takes one while its owner is away.
const PORTS: Range<u16> = 10_000..30_000;
const TRIES: usize = 1_000;

/// Different ports of loopback where nobody listens now.
pub(crate) fn unused<const N: usize>() -> [u16; N] {
    let mut found = [0; N];
    for idx in 0..N {
        let mut candidates = (0..TRIES).map(|_| rand::rng().random_range(PORTS));
        let unused = candidates.find(|port| !found.contains(port) && is_unused(*port));
        found[idx] = unused.expect("an unused port");
    }
    found
}

fn is_unused(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}
