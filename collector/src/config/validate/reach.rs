//! Whom a listener is open to: others reach it only where somebody asks for credentials, or the operator says
//! otherwise; and no two share a port.

use super::super::raw::Raw;
use super::{Keys, auth};
use std::net::SocketAddr;

/// Reports an address that others reach while nobody asks them who they are.
pub(super) fn check(keys: &mut Keys<'_>, raw: &Raw, key: &str, address: SocketAddr, allow_public: bool) {
    if address.ip().is_loopback() || allow_public || auth::is_asked_at(raw, key) {
        return;
    }
    let message = format!("{address} is reachable from other machines, and nothing asks for credentials");
    keys.problem(key, message).hint(auth::way_out(key)).report(keys.problems);
}

/// Two listeners cannot share a port, unless they sit on different interfaces or the system chooses.
pub(super) fn collide(a: SocketAddr, b: SocketAddr) -> bool {
    let overlap = a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() != 0 && a.port() == b.port() && overlap
}
