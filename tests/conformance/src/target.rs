//! The server under test: where it is, and what its operator gave for it.
//!
//! In two phases: `Settings` are text as it was typed, a `Target` is checked.

use crate::checklist::CHECKLIST;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use std::fmt;
use std::path::{Path, PathBuf};

/// OTLP/gRPC's port, where only the address for HTTP is given.
const GRPC_PORT: u16 = 4317;

/// What to check, as typed.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Base of OTLP/HTTP, such as `http://127.0.0.1:4318`.
    pub endpoint: String,
    /// Address of OTLP/gRPC; none is port 4317 of the same host.
    pub grpc: Option<String>,
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
    #[error("{text:?} is not the address of a server: write it as http://HOST:PORT")]
    Address { text: String },
    #[error("{text:?} asks for TLS, which is not spoken here: give an address that takes plaintext")]
    Tls { text: String },
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
        let http = Address::parse(&settings.endpoint)?;
        let grpc = match &settings.grpc {
            Some(text) => Address::parse(text)?,
            None => Address { host: http.host.clone(), port: GRPC_PORT, base: String::new() },
        };
        Ok(Self {
            http,
            grpc,
            query: settings.query.as_deref().map(Address::parse).transpose()?,
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

/// Where something listens for plaintext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// As URLs have it: an IPv6 address in brackets.
    host: String,
    port: u16,
    /// Path before every path, without a slash at its end.
    base: String,
}

impl Address {
    fn parse(text: &str) -> Result<Self, TargetError> {
        let wrong = || TargetError::Address { text: text.to_owned() };
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(TargetError::Tls { text: text.to_owned() }),
            _ => return Err(wrong()),
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(wrong)?.to_owned();
        if uri.query().is_some() {
            return Err(wrong());
        }
        Ok(Self {
            host,
            port: uri.port_u16().unwrap_or(80),
            base: uri.path().trim_end_matches('/').to_owned(),
        })
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
        format!("http://{}{}{path}", self.authority(), self.base)
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
        assert!(error.contains("plaintext"), "{error}");
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
