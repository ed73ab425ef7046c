//! Connections to the doors that speak something else than HTTP: counted like refused requests, and told what is
//! spoken here.

use super::answer::Failure;
use super::sniff::Spoken;
use crate::ingest::Ingest;
use crate::serve::Strangers;
use crate::telemetry::{Origin, Reason, Transport};

/// For the listener of one transport.
pub(crate) fn strangers(ingest: &Ingest, transport: Transport) -> Strangers {
    let ingest = ingest.clone();
    Strangers::new(move |spoken, peer| {
        let (reason, message) = match spoken {
            Spoken::Tls => (Reason::TlsOnPlaintextPort, "the connection speaks TLS"),
            Spoken::Http | Spoken::Other => (Reason::NotHttp, "the connection does not speak HTTP"),
        };
        let origin = Origin::new(Some(peer), transport, "");
        let failure = ingest.refuse(&origin, None, Failure::new(reason, message.to_owned()));
        failure.text().into_owned()
    })
}
