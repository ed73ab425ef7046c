//! The server under test: where it is, and what its operator gave for it.
//!
//! In two phases: `Settings` are text as it was typed, a `Target` is checked.

use crate::checklist::CHECKLIST;
use crate::trust::Trust;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use rustls::pki_types::ServerName;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tonic::transport::ClientTlsConfig;

/// OTLP/gRPC's port, where only the address for HTTP is given.
const GRPC_PORT: u16 = 4317;

/// What to check, as typed.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Base of OTLP/HTTP, such as `http://127.0.0.1:4318`.
    pub endpoint: String,
    /// Address of OTLP/gRPC; none is port 4317 of the same host.
    pub grpc: Option<String>,
    /// File with the certificate of the authority that the servers at `https://` are certified by, as PEM.
    pub ca: Option<PathBuf>,
    /// Headers of every request, as `name: value`.
    pub headers: Vec<String>,
    /// Address of a Firstfault API, to read back what was sent.
    pub query: Option<String>,
    /// Folder with the JSON examples of the opentelemetry-proto repository.
    pub examples: Option<PathBuf>,
    /// Numbers of the lines to check; none is all.
    pub only: Vec<u8>,
}

/// Why settings name no target.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    #[error("{text:?} is not the address of a server: write it as http://HOST:PORT or https://HOST:PORT")]
    Address { text: String },
    #[error("{text:?} asks for TLS: name the file with the certificate of its authority, as --ca FILE")]
    NoAuthority { text: String },
    #[error("{path:?} cannot be used as the authority: {reason}")]
    Authority { path: PathBuf, reason: String },
    #[error("a header is written as 'name: value', with printable characters; {name:?} is not")]
    Header { name: String },
    #[error("there is no line {number}: they are numbered from 1 to {last}")]
    Line { number: u8, last: usize },
}

/// A server under test.
#[derive(Debug, Clone)]
pub struct Target {
    http: Address,
    grpc: Address,
    query: Option<Address>,
    headers: HeaderMap,
    examples: Option<PathBuf>,
    only: Vec<u8>,
    /// Different in every run, so that a server with data can be checked.
    run: String,
}

impl Target {
    pub fn new(settings: &Settings) -> Result<Self, TargetError> {
        let trust = settings.ca.as_deref().map(Trust::of_file).transpose()?;
        let parse = |text: &str| Address::parse(text, trust.as_ref());
        let http = parse(&settings.endpoint)?;
        let grpc = match &settings.grpc {
            Some(text) => parse(text)?,
            None => Address { port: GRPC_PORT, base: String::new(), ..http.clone() },
        };
        Ok(Self {
            http,
            grpc,
            query: settings.query.as_deref().map(parse).transpose()?,
            headers: headers(&settings.headers)?,
            examples: settings.examples.clone(),
            only: lines(&settings.only)?,
            run: format!("{:08x}", rand::random::<u32>()),
        })
    }

    pub(crate) fn http(&self) -> &Address {
        &self.http
    }

    pub(crate) fn grpc(&self) -> &Address {
        &self.grpc
    }

    pub(crate) fn query(&self) -> Option<&Address> {
        self.query.as_ref()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(crate) fn examples(&self) -> Option<&Path> {
        self.examples.as_deref()
    }

    pub(crate) fn wants(&self, number: u8) -> bool {
        self.only.is_empty() || self.only.contains(&number)
    }

    /// A service that only this line of this run sends for.
    pub(crate) fn service(&self, line: u8) -> String {
        format!("conformance-{}-{line}", self.run)
    }
}

/// Where something listens.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    /// As URLs have it: an IPv6 address in brackets.
    host: String,
    port: u16,
    /// Path before every path, without a slash at its end.
    base: String,
    /// None where it listens for plaintext.
    tls: Option<Tls>,
}

/// Who has to be at an address.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    trust: Trust,
    name: ServerName<'static>,
}

impl Tls {
    /// Shakes hands, to speak a protocol as TLS calls it.
    pub(crate) async fn shake(&self, protocol: &[u8], stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.trust.shake(&self.name, protocol, stream).await
    }

    /// What the official client of gRPC has to be told.
    pub(crate) fn official(&self) -> ClientTlsConfig {
        self.trust.official(&self.name.to_str())
    }
}

impl Address {
    fn parse(text: &str, trust: Option<&Trust>) -> Result<Self, TargetError> {
        let wrong = || TargetError::Address { text: text.to_owned() };
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(wrong)?.to_owned();
        if uri.query().is_some() {
            return Err(wrong());
        }
        let tls = match (is_tls, trust) {
            (false, _) => None,
            (true, None) => return Err(TargetError::NoAuthority { text: text.to_owned() }),
            (true, Some(trust)) => {
                let name =
                    ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|_| wrong())?;
                Some(Tls { trust: trust.clone(), name })
            }
        };
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Ok(Self { host, port, base: uri.path().trim_end_matches('/').to_owned(), tls })
    }

    /// What to shake hands by first; none where plaintext is spoken.
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// A path below the base.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{}{path}", self.authority(), self.base)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url(""))
    }
}

fn headers(lines: &[String]) -> Result<HeaderMap, TargetError> {
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').unwrap_or((line.as_str(), ""));
        // What follows the colon is probably a secret: no message repeats it.
        let wrong = || TargetError::Header { name: name.to_owned() };
        let parsed = HeaderName::try_from(name.trim()).map_err(|_| wrong())?;
        let mut value = HeaderValue::try_from(value.trim()).map_err(|_| wrong())?;
        if value.is_empty() {
            return Err(wrong());
        }
        value.set_sensitive(true);
        headers.append(parsed, value);
    }
    Ok(headers)
}

fn lines(numbers: &[u8]) -> Result<Vec<u8>, TargetError> {
    let is_unknown = |number: &&u8| !CHECKLIST.iter().any(|line| line.number == **number);
    match numbers.iter().find(is_unknown) {
        Some(number) => Err(TargetError::Line { number: *number, last: CHECKLIST.len() }),
        None => Ok(numbers.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(endpoint: &str) -> Result<Target, TargetError> {
        Target::new(&Settings { endpoint: endpoint.to_owned(), ..Settings::default() })
    }

    /// Scenario: addresses with and without a port, with a base path, of IPv6, and others that are none.
    /// Guarantees: paths go below the base, gRPC is looked for on its own port, and a refusal says what to write.
    #[test]
    fn addresses_are_read_as_urls() {
        let read = target("http://[::1]:4318/otlp/").expect("an address");
        assert_eq!(read.http().url("/v1/logs"), "http://[::1]:4318/otlp/v1/logs");
        assert_eq!(read.grpc().to_string(), "http://[::1]:4317");
        assert_eq!(target("http://collector").expect("an address").http().authority(), "collector:80");
        for text in ["", "127.0.0.1:4318", "ftp://host", "http://", "http://host/?a=b"] {
            let error = target(text).expect_err(text).to_string();
            assert!(error.contains("http://HOST:PORT"), "{error}");
        }
        let error = target("https://host").expect_err("TLS").to_string();
        assert!(error.contains("--ca"), "{error}");
    }

    /// Scenario: servers that speak TLS, with a file of their authority, with one that is missing, and with one that
    /// holds none.
    /// Guarantees: all ports are spoken to in TLS, but those that say otherwise; a bad file is named.
    #[test]
    fn an_authority_is_read_from_a_file() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| Some(dir.path().join(name));
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        std::fs::write(dir.path().join("ca.pem"), certified.cert.pem()).expect("written");
        std::fs::write(dir.path().join("empty.pem"), "no certificate").expect("written");
        let settings = Settings {
            endpoint: "https://[::1]:4318/otlp".to_owned(),
            query: Some("http://localhost:4320".to_owned()),
            ca: path("ca.pem"),
            ..Settings::default()
        };
        let target = Target::new(&settings).expect("a target");
        assert_eq!(target.http().url("/v1/logs"), "https://[::1]:4318/otlp/v1/logs");
        assert_eq!(target.grpc().to_string(), "https://[::1]:4317");
        assert!(target.grpc().tls().is_some() && target.query().is_some_and(|api| api.tls().is_none()));
        for name in ["missing.pem", "empty.pem"] {
            let error =
                Target::new(&Settings { ca: path(name), ..settings.clone() }).expect_err(name).to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    /// Scenario: headers as typed, some without a value, and lines that do not exist.
    /// Guarantees: the good ones are kept, neither error nor debug text shows a secret.
    #[test]
    fn headers_are_kept_and_not_shown() {
        let with = |header: &str| {
            let (endpoint, headers) = ("http://host".to_owned(), vec![header.to_owned()]);
            Target::new(&Settings { endpoint, headers, ..Settings::default() })
        };
        let target = with("Authorization: Bearer s3cret").expect("a header");
        assert_eq!(target.headers()["authorization"], "Bearer s3cret");
        assert!(!format!("{target:?}").contains("s3cret"));
        let error = with("auth orization: s3cret").expect_err("a blank in a name").to_string();
        assert!(!error.contains("s3cret"), "{error}");
        assert!(with("authorization").is_err());
        let settings =
            Settings { endpoint: "http://host".to_owned(), only: vec![7, 99], ..Settings::default() };
        assert!(matches!(Target::new(&settings), Err(TargetError::Line { number: 99, .. })));
    }
}
