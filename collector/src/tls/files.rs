//! The certificate, its key and the authority of clients: PEM files, made into what a handshake needs.

use crate::reload::Unreadable;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, crypto};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Files {
    /// The certificate first, then those that lead from it to the authority.
    pub(crate) cert_file: PathBuf,
    pub(crate) key_file: PathBuf,
    pub(crate) clients: Option<ClientAuthority>,
}

/// Who certifies clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientAuthority {
    pub(crate) file: PathBuf,
    /// Without a certificate there is no connection.
    pub(crate) is_required: bool,
}

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Read(Unreadable),
    #[error("{path:?} is not PEM")]
    Pem {
        path: PathBuf,
        #[source]
        source: pem::Error,
    },
    #[error("{path:?} holds no certificate, which would begin with -----BEGIN CERTIFICATE-----")]
    NoCertificate { path: PathBuf },
    #[error("{path:?} holds no private key, which would begin with -----BEGIN PRIVATE KEY-----")]
    NoKey { path: PathBuf },
    #[error("the certificate and the key cannot be used together")]
    Pair {
        #[source]
        source: rustls::Error,
    },
    #[error("{path:?} holds a certificate that cannot be trusted")]
    Authority {
        path: PathBuf,
        #[source]
        source: rustls::Error,
    },
    #[error("clients cannot be checked")]
    Verifier {
        #[source]
        source: rustls::server::VerifierBuilderError,
    },
}

/// What the two kinds of ports shake hands by.
#[derive(Debug)]
pub(super) struct Configs {
    pub(super) otlp: Arc<ServerConfig>,
    pub(super) api: Arc<ServerConfig>,
}

impl Files {
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        let clients = self.clients.as_ref().map(|clients| &clients.file);
        [&self.cert_file, &self.key_file].into_iter().chain(clients).cloned().collect()
    }

    /// Can they be used as they are now?
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.load().map(drop)
    }

    pub(super) fn load(&self) -> Result<Configs, Error> {
        let provider = Arc::new(crypto::ring::default_provider());
        let (chain, key) = (certificates(&self.cert_file)?, key(&self.key_file)?);
        let clients = match &self.clients {
            Some(clients) => verifier(clients, &provider)?,
            None => WebPkiClientVerifier::no_client_auth(),
        };
        let anybody = WebPkiClientVerifier::no_client_auth();
        let made = |verifier, chain, key| {
            config(&provider, verifier, chain, key).map_err(|source| Error::Pair { source })
        };
        let otlp = made(clients, chain.clone(), key.clone_key())?;
        Ok(Configs { otlp, api: made(anybody, chain, key)? })
    }
}

fn config(
    provider: &Arc<CryptoProvider>,
    verifier: Arc<dyn ClientCertVerifier>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(Arc::clone(provider));
    let builder = builder.with_safe_default_protocol_versions()?.with_client_cert_verifier(verifier);
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn verifier(
    clients: &ClientAuthority,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&clients.file)? {
        let added = roots.add(certificate);
        added.map_err(|source| Error::Authority { path: clients.file.clone(), source })?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = if clients.is_required { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(|source| Error::Verifier { source })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let text = read(path)?;
    let certificates = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|source| Error::Pem { path: path.to_owned(), source })?;
    if certificates.is_empty() {
        return Err(Error::NoCertificate { path: path.to_owned() });
    }
    Ok(certificates)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let text = read(path)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|source| match source {
        pem::Error::NoItemsFound => Error::NoKey { path: path.to_owned() },
        source => Error::Pem { path: path.to_owned(), source },
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(Unreadable::at(path)).map_err(Error::Read)
}
