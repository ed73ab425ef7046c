//! `[zipkin]` and `[remote_write]`: protocols beside OTLP, which nobody gets without asking.

use super::super::raw::Raw;
use super::super::{Listen, Problems, Zipkin};
use super::{Keys, reach};
use std::net::SocketAddr;

/// Zipkin's customary address, for messages.
const ZIPKIN_ADDRESS: &str = "127.0.0.1:9411";

pub(super) fn zipkin(raw: &Raw, listen: &Listen, problems: &mut Problems) -> Option<Zipkin> {
    let section = raw.section("zipkin");
    let mut keys = Keys { section: &section, problems };
    let is_enabled = keys.bool("enabled", false);
    let is_given = keys.section.fields.contains_key("listen");
    if is_given && !is_enabled {
        keys.problem("listen", "has no effect while zipkin.enabled is false")
            .hint("set enabled = true, or remove this key")
            .report(keys.problems);
    }
    let address = is_given.then(|| keys.address("listen", ZIPKIN_ADDRESS));
    if let Some(address) = address.filter(|_| is_enabled) {
        reach::check(&mut keys, raw, "listen", address, listen.allow_public);
        check_port(&mut keys, address, listen);
    }
    is_enabled.then_some(Zipkin { listen: address })
}

pub(super) fn remote_write(raw: &Raw, problems: &mut Problems) -> bool {
    let section = raw.section("remote_write");
    Keys { section: &section, problems }.bool("enabled", false)
}

/// The other listeners have theirs.
fn check_port(keys: &mut Keys<'_>, address: SocketAddr, listen: &Listen) {
    let others = [("otlp_grpc", listen.otlp_grpc), ("otlp_http", listen.otlp_http), ("api", listen.api)];
    if let Some((other, other_address)) = others.iter().find(|(_, other)| reach::collide(address, *other)) {
        keys.problem("listen", format!("{address} and {other_address} for listen.{other} share a port"))
            .hint("choose another port, or remove this key to share that of OTLP/HTTP")
            .report(keys.problems);
    }
}
