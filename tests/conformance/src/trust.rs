//! Whom a server that speaks TLS must be certified by. There is no way to do without: a check of the wrong server
//! says nothing.

use crate::target::TargetError;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Certificate, ClientTlsConfig};

/// Authorities that are trusted.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    config: Arc<ClientConfig>,
    pem: Arc<[u8]>,
}

impl Trust {
    /// Of a file with certificates as PEM.
    pub(crate) fn of_file(path: &Path) -> Result<Self, TargetError> {
        let wrong = |reason: String| TargetError::Authority { path: path.to_owned(), reason };
        let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let read = CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>();
        let certificates: Vec<CertificateDer<'static>> = read.map_err(|error| wrong(error.to_string()))?;
        let mut roots = RootCertStore::empty();
        // A system's bundle may hold some of a kind that is not known here.
        let (n_trusted, _) = roots.add_parsable_certificates(certificates);
        if n_trusted == 0 {
            return Err(wrong(
                "it holds no certificate, which would begin with -----BEGIN CERTIFICATE-----".to_owned(),
            ));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| wrong(error.to_string()))?;
        let config = Arc::new(builder.with_root_certificates(roots).with_no_client_auth());
        Ok(Self { config, pem: pem.into() })
    }

    /// The same for the official client of gRPC.
    pub(crate) fn official(&self, host: &str) -> ClientTlsConfig {
        let host = host.trim_matches(['[', ']']);
        ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&self.pem)).domain_name(host)
    }

    /// Shakes hands with a server of that name, to speak a protocol as TLS calls it.
    pub(crate) async fn shake(
        &self,
        name: &ServerName<'static>,
        protocol: &[u8],
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let mut config = (*self.config).clone();
        config.alpn_protocols = vec![protocol.to_vec()];
        TlsConnector::from(Arc::new(config)).connect(name.clone(), stream).await
    }
}
