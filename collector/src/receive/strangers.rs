//! Connections to the doors that speak something else than HTTP: counted like refused requests, and told what is
//! spoken here.

use super::answer::Failure;
use crate::ingest::Ingest;
use crate::serve::{Stranger, Strangers};
use crate::telemetry::{Origin, Reason, Transport};

/// For the listener of one transport.
pub(crate) fn strangers(ingest: &Ingest, transport: Transport) -> Strangers {
    let ingest = ingest.clone();
    Strangers::new(move |stranger, peer| {
        let (reason, message) = named(stranger);
        let origin = Origin::new(Some(peer), transport, "");
        let failure = ingest.refuse(&origin, None, Failure::new(reason, message.to_owned()));
        failure.text().into_owned()
    })
}

/// What they are counted as, and told.
pub(crate) fn named(stranger: &Stranger) -> (Reason, &str) {
    match stranger {
        Stranger::Tls => (Reason::TlsOnPlaintextPort, "the connection speaks TLS"),
        Stranger::Plaintext => (Reason::PlaintextOnTlsPort, "the connection does not speak TLS"),
        Stranger::NotHttp => (Reason::NotHttp, "the connection does not speak HTTP"),
        Stranger::Handshake(fault) => (Reason::TlsHandshakeFailed, fault),
    }
}
