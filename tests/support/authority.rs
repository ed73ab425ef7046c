//! An authority for certificates, made for one test.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::path::Path;
use std::time::Duration;

pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key.
pub(crate) struct Identity {
    /// PEM.
    pub(crate) certificate: String,
    /// PEM.
    pub(crate) key: String,
    /// The certificate as it is shown in a handshake.
    pub(crate) der: Vec<u8>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("a certificate") }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A new certificate for this machine.
    pub(crate) fn certify(&self) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).expect("names");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().to_vec() }
    }

    /// A client over HTTP that trusts this authority and no other.
    pub(crate) fn client(&self) -> reqwest::ClientBuilder {
        rustls::crypto::ring::default_provider().install_default().ok();
        let certificate = reqwest::Certificate::from_pem(self.pem().as_bytes()).expect("PEM");
        let builder = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30));
        builder.tls_certs_only([certificate])
    }
}

impl Identity {
    /// Writes both files where `tls_section` expects them.
    pub(crate) fn write(&self, dir: &Path) {
        std::fs::write(dir.join("cert.pem"), &self.certificate).expect("written");
        std::fs::write(dir.join("key.pem"), &self.key).expect("written");
    }

    pub(crate) fn of_client(&self) -> reqwest::Identity {
        reqwest::Identity::from_pem(format!("{}{}", self.certificate, self.key).as_bytes()).expect("PEM")
    }
}

/// Configuration of a server whose files are in a folder, with more lines of the section.
pub(crate) fn tls_section(dir: &Path, more: &str) -> String {
    let (certificate, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    format!("[tls]\ncert_file = {certificate:?}\nkey_file = {key:?}\n{more}\n")
}
