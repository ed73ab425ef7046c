//! Tests of handshakes at a real socket, with an authority made for the test.

use super::*;
use crate::causes::with_causes;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
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
    telemetry: Arc<Telemetry>,
    listener: TcpListener,
}

impl Server {
    async fn start(files: Files) -> Self {
        let tls = Arc::new(Tls::open(files).expect("good files"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self { tls, telemetry: Arc::new(Telemetry::new()), listener }
    }

    /// Accepts one connection, which `talk` opens at the same time.
    async fn meet<F: Future>(
        &self,
        port: Port,
        talk: impl FnOnce(TcpStream) -> F,
    ) -> (Option<TlsStream<TcpStream>>, F::Output) {
        let address = self.listener.local_addr().expect("bound");
        let stream = TcpStream::connect(address).await.expect("connects");
        let (accepted, _) = self.listener.accept().await.expect("accepts");
        let acceptor = Acceptor::new(Arc::clone(&self.tls), port, Arc::clone(&self.telemetry), Clock);
        let both = async { tokio::join!(acceptor.accept(accepted), talk(stream)) };
        tokio::time::timeout(PATIENCE, both).await.expect("in time")
    }

    /// Shakes hands; gives the certificate that the client saw, where the server was content.
    async fn shake(&self, port: Port, client: &TlsConnector) -> Option<CertificateDer<'static>> {
        let name = ServerName::try_from("localhost").expect("a name");
        let (server, client) = self.meet(port, |stream| client.connect(name, stream)).await;
        let (server, client) = (server?, client.ok()?);
        assert_eq!(server.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        client.get_ref().1.peer_certificates()?.first().cloned()
    }

    fn counted(&self) -> Vec<(Reason, u64)> {
        let rejections = self.telemetry.snapshot(0).rejections;
        rejections.into_iter().map(|rejection| (rejection.reason, rejection.n)).collect()
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
    assert_eq!(server.counted(), []);
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
            assert_eq!(met.is_some(), is_let_in, "{is_required:?}");
            assert!(server.shake(Port::Api, client).await.is_some());
        }
        let n_refused = let_in.iter().filter(|is_let_in| !**is_let_in).count() as u64;
        let n_counted = server.counted().iter().map(|(_, n)| n).sum::<u64>();
        assert_eq!(n_counted, n_refused, "{is_required:?}");
    }
}

/// Scenario: clients speak HTTP/1, HTTP/2 and noise to a port that speaks TLS, and one says nothing and leaves.
/// Guarantees: HTTP is told to use https, each is counted by its reason, and silence is no failure.
#[tokio::test]
async fn other_protocols_are_named() {
    let server = Server::start(Home::new().files(None)).await;
    for text in ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let talk = |mut stream: TcpStream| async move {
            stream.write_all(text.as_bytes()).await.expect("sent");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("answered");
            answer
        };
        let (met, answer) = server.meet(Port::Otlp, talk).await;
        let (header, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
        assert!(met.is_none() && header.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(header.contains(&format!("Content-Length: {}\r\n", body.len())), "{answer}");
        assert!(body.contains("https"), "{answer}");
    }
    let noise = |mut stream: TcpStream| async move { stream.write_all(&[0; 64]).await.expect("sent") };
    assert!(server.meet(Port::Otlp, noise).await.0.is_none());
    let silence = |stream: TcpStream| async move { drop(stream) };
    assert!(server.meet(Port::Otlp, silence).await.0.is_none());
    let mut counted = server.counted();
    counted.sort();
    assert_eq!(counted, [(Reason::TlsHandshakeFailed, 1), (Reason::PlaintextOnTlsPort, 2)]);
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
