//! How a command reaches a server that speaks TLS or asks for credentials.
//!
//! Secrets come from variables alone: every user of the machine can see the arguments of a process.

use crate::decode::text::write_base64;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

/// To connect; what follows takes as long as the server lets it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const PASSWORD: &str = "FIRSTFAULT_PASSWORD";
const TOKEN: &str = "FIRSTFAULT_TOKEN";

#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Reach {
    /// Trust servers that these authorities certify (PEM), instead of the system's.
    #[arg(long, value_name = "FILE", env = "FIRSTFAULT_CA_FILE")]
    ca_file: Option<PathBuf>,
    /// Who asks, where the server wants to know; the password is in FIRSTFAULT_PASSWORD. Without it FIRSTFAULT_TOKEN
    /// is shown, if it is set.
    #[arg(long, value_name = "NAME", env = "FIRSTFAULT_USER")]
    user: Option<String>,
}

/// Why there is no way to the server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot read the certificates of authorities in {path}", path = path.display())]
    Authority {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot use the certificates of authorities in {path}", path = path.display())]
    Certificates {
        path: PathBuf,
        #[source]
        source: reqwest::Error,
    },
    #[error("there is a user and no password: set {}", PASSWORD)]
    NoPassword,
    #[error("the credentials hold characters that no header can carry")]
    Credentials,
    #[error("cannot prepare the connection")]
    Http {
        #[source]
        source: reqwest::Error,
    },
    #[error("cannot prepare the connection")]
    Grpc {
        #[source]
        source: tonic::transport::Error,
    },
}

impl Reach {
    /// A client that trusts whom it should, and says who asks.
    pub(crate) fn http(&self) -> Result<reqwest::Client, Error> {
        // An error means that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let headers = self.authorization()?.map(|value| (AUTHORIZATION, value));
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .default_headers(HeaderMap::from_iter(headers));
        if let Some((path, pem)) = self.authorities()? {
            let certificates = reqwest::Certificate::from_pem_bundle(&pem);
            let certificates = certificates.map_err(|source| Error::Certificates { path, source })?;
            builder = builder.tls_certs_only(certificates);
        }
        builder.build().map_err(|source| Error::Http { source })
    }

    /// The endpoint with TLS, where its address is https.
    pub(crate) fn secured(&self, endpoint: Endpoint) -> Result<Endpoint, Error> {
        if endpoint.uri().scheme_str() != Some("https") {
            return Ok(endpoint);
        }
        let tls = ClientTlsConfig::new();
        let tls = match self.authorities()? {
            Some((_, pem)) => tls.ca_certificate(Certificate::from_pem(pem)),
            None => tls.with_native_roots(),
        };
        endpoint.tls_config(tls).map_err(|source| Error::Grpc { source })
    }

    /// What a call says about who makes it.
    pub(crate) fn metadata(&self) -> Result<Option<AsciiMetadataValue>, Error> {
        let Some(header) = self.authorization()? else { return Ok(None) };
        let value = AsciiMetadataValue::try_from(header.as_bytes());
        let mut value = value.map_err(|_| Error::Credentials)?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    fn authorization(&self) -> Result<Option<HeaderValue>, Error> {
        authorization(self.user.as_deref(), |name| std::env::var(name).ok())
    }

    fn authorities(&self) -> Result<Option<(PathBuf, Vec<u8>)>, Error> {
        let Some(path) = self.ca_file.clone() else { return Ok(None) };
        match std::fs::read(&path) {
            Ok(pem) => Ok(Some((path, pem))),
            Err(source) => Err(Error::Authority { path, source }),
        }
    }
}

/// The header that says who asks: the user, or else the token.
fn authorization(
    user: Option<&str>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<HeaderValue>, Error> {
    let text = match (user, variable(TOKEN)) {
        (Some(user), _) => {
            let password = variable(PASSWORD).ok_or(Error::NoPassword)?;
            let mut text = "Basic ".to_owned();
            let written = write_base64(format!("{user}:{password}").as_bytes(), &mut text);
            written.map_err(|_| Error::Credentials)?;
            text
        }
        (None, Some(token)) => format!("Bearer {}", token.trim()),
        (None, None) => return Ok(None),
    };
    let mut value = HeaderValue::try_from(text).map_err(|_| Error::Credentials)?;
    // Whoever prints a request does not print this.
    value.set_sensitive(true);
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a user with and without a password, a token, both, neither, and a token that no header carries.
    /// Guarantees: the user goes before the token; what is missing is named; the header is not printed.
    #[test]
    fn says_who_asks() {
        let said = |user: Option<&str>, variables: &[(&str, &str)]| {
            let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
            let header = authorization(user, |name| find(name).map(|(_, text)| (*text).to_owned()));
            header.map(|value| value.map(|value| value.to_str().expect("text").to_owned()))
        };
        let text = |text: &str| Some(text.to_owned());
        let both = [(PASSWORD, "pass"), (TOKEN, "token\n")];
        assert_eq!(said(Some("ada"), &both).expect("good"), text("Basic YWRhOnBhc3M="));
        assert_eq!(said(None, &both).expect("good"), text("Bearer token"));
        assert_eq!(said(None, &[]).expect("good"), None);
        let missing = said(Some("ada"), &[(TOKEN, "token")]).expect_err("no password").to_string();
        assert_eq!(missing, "there is a user and no password: set FIRSTFAULT_PASSWORD");
        assert!(matches!(said(None, &[(TOKEN, "to\nken")]), Err(Error::Credentials)));
        let header = authorization(None, |_| text("secret-token")).expect("good").expect("a header");
        assert_eq!(format!("{header:?}"), "Sensitive");
    }

    /// Scenario: a file of authorities that is missing, and one that holds none.
    /// Guarantees: the file is named.
    #[test]
    fn authorities_must_be_readable() {
        let dir = tempfile::tempdir().expect("a folder");
        let reach = |name: &str| Reach { ca_file: Some(dir.path().join(name)), user: None };
        let missing = reach("missing.pem").http().expect_err("missing").to_string();
        assert!(missing.contains("missing.pem"), "{missing}");
        let endpoint = || Endpoint::from_static("https://127.0.0.1:1");
        reach("missing.pem").secured(endpoint()).expect_err("missing");
        assert!(reach("missing.pem").secured(Endpoint::from_static("http://127.0.0.1:1")).is_ok());
    }
}
