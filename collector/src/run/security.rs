//! What stands at the ports: the certificate, who asks for credentials, and reading both again.

use crate::auth::{Gate, Kind};
use crate::config::Config;
use crate::reload::{self, Source};
use crate::tls::{self, Acceptor, Port, Tls};
use crate::workers::Workers;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

#[derive(Debug)]
pub(super) struct Security {
    tls: Option<Arc<Tls>>,
    pub(super) gate: Arc<Gate>,
}

impl Security {
    pub(super) fn open(config: &Config) -> Result<Self, tls::Error> {
        let tls = config.tls.as_ref().map(|tls| Tls::open(tls.files.clone())).transpose()?;
        let clients = config.tls.as_ref().and_then(|tls| tls.files.clients.as_ref());
        // Where a certificate is required, a token is asked for besides.
        let certificate_suffices = clients.is_some_and(|clients| !clients.is_required);
        let gate = Gate::new(config.credentials.clone(), certificate_suffices);
        warn_of_clear_text(config);
        Ok(Self { tls: tls.map(Arc::new), gate: Arc::new(gate) })
    }

    /// For a port; `None` where it speaks in the clear.
    pub(super) fn acceptor(&self, port: Port) -> Option<Acceptor> {
        Some(Acceptor::new(Arc::clone(self.tls.as_ref()?), port))
    }

    /// Looks after the files, if there are any.
    pub(super) fn watch(&self, workers: &Workers, stop: &CancellationToken) {
        let mut sources: Vec<Arc<dyn Source>> = Vec::new();
        if let Some(tls) = &self.tls {
            let tls = Arc::clone(tls);
            sources.push(tls);
        }
        let gate = Arc::clone(&self.gate);
        sources.push(gate);
        sources.retain(|source| !source.paths().is_empty());
        if !sources.is_empty() {
            let stop = stop.clone();
            workers.spawn("reload", Some(reload::SILENCE_MAX), |heart| reload::watch(sources, heart, stop));
        }
    }
}

/// What senders have to show. Who has a token may as well have a password; the former is made for it.
pub(super) fn asked_of_senders(config: &Config) -> wire::Credentials {
    let has = |kind: Kind| config.credentials.iter().any(|credential| credential.kind == kind);
    match (has(Kind::Token), has(Kind::User)) {
        (true, _) => wire::Credentials::Token,
        (false, true) => wire::Credentials::Password,
        (false, false) => wire::Credentials::None,
    }
}

/// A proxy before us may do it, or the network may be trusted; nothing here can know.
fn warn_of_clear_text(config: &Config) {
    if config.tls.is_some() || config.credentials.is_empty() {
        return;
    }
    let listen = &config.listen;
    let zipkin = config.zipkin.as_ref().and_then(|zipkin| zipkin.listen);
    for address in [listen.otlp_grpc, listen.otlp_http, listen.api].into_iter().chain(zipkin) {
        if !address.ip().is_loopback() {
            tracing::warn!(
                %address,
                "credentials cross the network unencrypted: configure [tls], or let a proxy encrypt"
            );
        }
    }
}
