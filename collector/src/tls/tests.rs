//! Tests of handshakes at a real socket, with an authority made for the test.

use super::*;
use crate::causes::with_causes;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsConnector;

const PATIENCE: Duration = Duration::from_secs(60);

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate")
}

/// A certificate with its key, both as PEM.
fn certified(authority: &Authority) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, authority).expect("a certificate");
    (certificate.pem(), key.serialize_pem())
}

/// Files of a server, and the authority that certifies it and its clients.
struct Home {
    dir: TempDir,
    authority: Authority,
}

impl Home {
    fn new() -> Self {
        let home = Self { dir: tempfile::tempdir().expect("a folder"), authority: authority("home") };
        home.certify();
        home.write("ca.pem", &home.authority.pem());
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    /// Puts a new certificate and its key into the files.
    fn certify(&self) {
        let (certificate, key) = certified(&self.authority);
        self.write("cert.pem", &certificate);
        self.write("key.pem", &key);
    }

    fn files(&self, client_is_required: Option<bool>) -> Files {
        let clients =
            client_is_required.map(|is_required| ClientAuthority { file: self.path("ca.pem"), is_required });
        Files { cert_file: self.path("cert.pem"), key_file: self.path("key.pem"), clients }
    }

    fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.path("cert.pem")).expect("a certificate")
    }
}

/// A client that trusts the authority and has a certificate of its own, if it is given one.
fn client(authority: &Authority, identity: Option<(String, String)>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let builder = builder.with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM")];
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM");
            builder.with_client_auth_cert(chain, key).expect("a pair")
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}

struct Server {
    tls: Arc<Tls>,
    listener: TcpListener,
}

impl Server {
    async fn start(files: Files) -> Self {
        let tls = Arc::new(Tls::open(files).expect("good files"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self { tls, listener }
    }

    /// Accepts one connection, which `talk` opens at the same time.
    async fn meet<F: Future>(
        &self,
        port: Port,
        talk: impl FnOnce(TcpStream) -> F,
    ) -> (Result<TlsStream<TcpStream>, Fault>, F::Output) {
        let address = self.listener.local_addr().expect("bound");
        let stream = TcpStream::connect(address).await.expect("connects");
        let (accepted, _) = self.listener.accept().await.expect("accepts");
        let acceptor = Acceptor::new(Arc::clone(&self.tls), port);
        let deadline = Instant::now() + PATIENCE;
        let both = async { tokio::join!(acceptor.accept(accepted, deadline), talk(stream)) };
        tokio::time::timeout(PATIENCE, both).await.expect("in time")
    }

    /// Shakes hands; gives the certificate that the client saw, where the server was content.
    async fn shake(&self, port: Port, client: &TlsConnector) -> Option<CertificateDer<'static>> {
        let name = ServerName::try_from("localhost").expect("a name");
        let (server, client) = self.meet(port, |stream| client.connect(name, stream)).await;
        let (server, client) = (server.ok()?, client.ok()?);
        assert_eq!(server.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        client.get_ref().1.peer_certificates()?.first().cloned()
    }
}

/// Scenario: a client that trusts the authority connects, the files change, and it connects again; then the key is
/// one of another certificate.
/// Guarantees: each connection sees the certificate of its time, and the last good one stays when a pair is bad.
#[tokio::test]
async fn a_new_certificate_is_seen() {
    let home = Home::new();
    let server = Server::start(home.files(None)).await;
    let client = client(&home.authority, None);
    let first = home.certificate();
    assert_eq!(server.shake(Port::Otlp, &client).await.as_ref(), Some(&first));
    home.certify();
    assert_eq!(server.shake(Port::Otlp, &client).await, Some(first), "not read yet");
    server.tls.read_again().expect("a good pair");
    let second = home.certificate();
    for port in [Port::Otlp, Port::Api] {
        assert_eq!(server.shake(port, &client).await.as_ref(), Some(&second));
    }
    home.write("key.pem", &certified(&home.authority).1);
    server.tls.read_again().expect_err("a bad pair");
    assert_eq!(server.shake(Port::Api, &client).await, Some(second));
}

/// Scenario: clients with a certificate of the authority, of another one, and without any, where certificates are
/// required, asked for, and not asked for.
/// Guarantees: required lets in only the first, asked for all but the second; the port of the API never asks.
#[tokio::test]
async fn clients_are_checked_where_telemetry_comes_in() {
    let home = Home::new();
    let (ours, others) = (certified(&home.authority), certified(&authority("elsewhere")));
    let clients = [None, Some(ours), Some(others)].map(|identity| client(&home.authority, identity));
    for (is_required, let_in) in
        [(Some(true), [false, true, false]), (Some(false), [true, true, false]), (None, [true; 3])]
    {
        let server = Server::start(home.files(is_required)).await;
        for (client, is_let_in) in clients.iter().zip(let_in) {
            let name = ServerName::try_from("localhost").expect("a name");
            let (met, _) = server.meet(Port::Otlp, |stream| client.connect(name, stream)).await;
            assert_eq!(met.is_ok(), is_let_in, "{is_required:?}");
            assert!(server.shake(Port::Api, client).await.is_some());
        }
    }
}

/// Scenario: a client greets and then says something else.
/// Guarantees: the handshake ends, and says that it failed.
#[tokio::test]
async fn a_failed_handshake_is_told() {
    let server = Server::start(Home::new().files(None)).await;
    let noise = |mut stream: TcpStream| async move { stream.write_all(&[0x16; 64]).await.expect("sent") };
    let (met, ()) = server.meet(Port::Otlp, noise).await;
    let fault = met.expect_err("no TLS").to_string();
    assert!(fault.starts_with("the TLS handshake failed: "), "{fault}");
}

/// Scenario: a client connects and says nothing, up to the deadline.
/// Guarantees: the handshake ends then, and says that it took too long.
#[tokio::test]
async fn a_handshake_has_a_deadline() {
    let server = Server::start(Home::new().files(None)).await;
    let _silent = TcpStream::connect(server.listener.local_addr().expect("bound")).await.expect("connects");
    let (accepted, _) = server.listener.accept().await.expect("accepts");
    let acceptor = Acceptor::new(Arc::clone(&server.tls), Port::Otlp);
    let met = tokio::time::timeout(PATIENCE, acceptor.accept(accepted, Instant::now())).await;
    assert!(matches!(met.expect("in time"), Err(Fault::Slow)));
}

/// Scenario: files that are missing, empty, no PEM, of the wrong kind, and a key of another certificate.
/// Guarantees: each is refused, by name where one file is at fault.
#[test]
fn bad_files_are_named() {
    let home = Home::new();
    let refused = |cert_file: &str, key_file: &str, ca_file: &str| {
        let clients = Some(ClientAuthority { file: home.path(ca_file), is_required: true });
        let files = Files { cert_file: home.path(cert_file), key_file: home.path(key_file), clients };
        let text = with_causes(&files.check().expect_err("refused"));
        text.replace(&home.dir.path().display().to_string(), "DIR")
    };
    home.write("empty.pem", "");
    home.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n");
    home.write("other-key.pem", &certified(&home.authority).1);
    expect_test::expect![[r#"
        "DIR/missing.pem" cannot be read: No such file or directory (os error 2)
        "DIR/empty.pem" holds no certificate, which would begin with -----BEGIN CERTIFICATE-----
        "DIR/key.pem" holds no certificate, which would begin with -----BEGIN CERTIFICATE-----
        "DIR/cert.pem" holds no private key, which would begin with -----BEGIN PRIVATE KEY-----
        "DIR/missing.pem" cannot be read: No such file or directory (os error 2)"#]]
    .assert_eq(
        &[
            refused("missing.pem", "key.pem", "ca.pem"),
            refused("empty.pem", "key.pem", "ca.pem"),
            refused("key.pem", "key.pem", "ca.pem"),
            refused("cert.pem", "cert.pem", "ca.pem"),
            refused("cert.pem", "key.pem", "missing.pem"),
        ]
        .join("\n"),
    );
    assert!(refused("broken.pem", "key.pem", "ca.pem").starts_with("\"DIR/broken.pem\" is not PEM: "));
    let pair = refused("cert.pem", "other-key.pem", "ca.pem");
    assert!(pair.starts_with("the certificate and the key cannot be used together: "), "{pair}");
    assert!(home.files(Some(true)).check().is_ok());
}
