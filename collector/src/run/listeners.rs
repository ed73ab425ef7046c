//! The ports, bound before anything else starts, so that a port in use stops nothing half-way.

use crate::config::{Listen, Tls, Zipkin};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::TcpListener;

#[derive(Debug)]
pub(super) struct Listeners {
    pub(super) otlp_grpc: TcpListener,
    pub(super) otlp_http: TcpListener,
    pub(super) api: TcpListener,
}

impl Listeners {
    /// All three, or what is wrong with each that cannot be bound.
    pub(super) async fn bind(listen: &Listen) -> Result<Self, Vec<String>> {
        let grpc = bind("otlp_grpc", listen.otlp_grpc).await;
        let http = bind("otlp_http", listen.otlp_http).await;
        let api = bind("api", listen.api).await;
        match (grpc, http, api) {
            (Ok(otlp_grpc), Ok(otlp_http), Ok(api)) => Ok(Self { otlp_grpc, otlp_http, api }),
            (grpc, http, api) => Err([grpc.err(), http.err(), api.err()].into_iter().flatten().collect()),
        }
    }

    /// Where others find the ports that were bound.
    pub(super) fn endpoints(&self, tls: Option<&Tls>, credentials: wire::Credentials) -> wire::Endpoints {
        let url = |listener: &TcpListener| match listener.local_addr() {
            Ok(address) => shown(address, tls),
            // The system knows the address of a socket that it has just bound.
            Err(error) => format!("http://unknown ({error})"),
        };
        wire::Endpoints {
            otlp_grpc: url(&self.otlp_grpc),
            otlp_http: url(&self.otlp_http),
            dashboard: url(&self.api),
            credentials,
        }
    }
}

/// The port of Zipkin, where it has one of its own.
pub(super) async fn bind_zipkin(zipkin: Option<&Zipkin>) -> Result<Option<TcpListener>, String> {
    let Some(address) = zipkin.and_then(|zipkin| zipkin.listen) else { return Ok(None) };
    let listener = TcpListener::bind(address).await.map_err(|error| {
        format!(
            "zipkin.listen: {address} {}\n  hint: choose another address, or remove the key to share the port of \
             OTLP/HTTP",
            why_not(&error)
        )
    })?;
    Ok(Some(listener))
}

fn why_not(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "is in use: another process, perhaps another Firstfault, listens there".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => "is not an address of this machine".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be used: ports below 1024 need privileges".to_owned(),
        _ => format!("cannot be used: {error}"),
    }
}

async fn bind(key: &str, address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| {
        let (flag, variable) = (key.replace('_', "-"), key.to_ascii_uppercase());
        let what = why_not(&error);
        format!(
            "listen.{key}: {address} {what}\n  hint: choose another with --listen-{flag}, listen.{key} in the file \
             or FIRSTFAULT_LISTEN_{variable}; port 0 takes any free one"
        )
    })
}

/// By the name in the certificate, where there is one and the port is not of this machine alone.
fn shown(bound: SocketAddr, tls: Option<&Tls>) -> String {
    let scheme = if tls.is_some() { "https" } else { "http" };
    match tls.and_then(|tls| tls.server_name.as_ref()) {
        Some(name) if !bound.ip().is_loopback() => format!("{scheme}://{name}:{}", bound.port()),
        _ => format!("{scheme}://{}", reachable(bound)),
    }
}

/// An address that can be connected to from this machine.
fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, bound.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(api: &str) -> Listen {
        let any = "127.0.0.1:0".parse().expect("an address");
        let api = api.parse().expect("an address");
        Listen { otlp_grpc: any, otlp_http: any, api, allow_public: false }
    }

    /// Scenario: port 0 everywhere, then a second instance on a port that the first one holds.
    /// Guarantees: real ports are told; the error names key, address and ways out, and nothing stays bound.
    #[tokio::test]
    async fn says_which_port_is_taken() {
        let first = Listeners::bind(&listen("127.0.0.1:0")).await.expect("free ports");
        let taken = first.api.local_addr().expect("bound");
        assert_eq!(first.endpoints(None, wire::Credentials::None).dashboard, format!("http://{taken}"));
        assert_ne!(taken.port(), 0);
        let problems = Listeners::bind(&listen(&taken.to_string())).await.expect_err("taken");
        expect_test::expect![[r#"
            listen.api: TAKEN is in use: another process, perhaps another Firstfault, listens there
              hint: choose another with --listen-api, listen.api in the file or FIRSTFAULT_LISTEN_API; port 0 takes any free one"#]]
        .assert_eq(&problems.join("\n").replace(&taken.to_string(), "TAKEN"));
    }

    /// Scenario: Zipkin has no port, one of its own, and one that is taken.
    /// Guarantees: none is bound, it is bound, and the error names key, address and ways out.
    #[tokio::test]
    async fn zipkin_has_a_port_where_it_is_given_one() {
        let zipkin = |listen: Option<SocketAddr>| Zipkin { listen };
        assert!(bind_zipkin(None).await.expect("nothing to bind").is_none());
        assert!(bind_zipkin(Some(&zipkin(None))).await.expect("nothing to bind").is_none());
        let any = zipkin(Some("127.0.0.1:0".parse().expect("an address")));
        let first = bind_zipkin(Some(&any)).await.expect("a free port").expect("bound");
        let taken = first.local_addr().expect("bound");
        let problem = bind_zipkin(Some(&zipkin(Some(taken)))).await.expect_err("taken");
        expect_test::expect![[r#"
            zipkin.listen: TAKEN is in use: another process, perhaps another Firstfault, listens there
              hint: choose another address, or remove the key to share the port of OTLP/HTTP"#]]
        .assert_eq(&problem.replace(&taken.to_string(), "TAKEN"));
    }

    /// Scenario: addresses that mean every interface, with and without TLS, and with the name of a certificate.
    /// Guarantees: what is shown can be connected to, and by the certificate's name where others can.
    #[test]
    fn shows_addresses_that_work() {
        let shown = |text: &str, tls: Option<&Tls>| shown(text.parse().expect("an address"), tls);
        assert_eq!(shown("0.0.0.0:4320", None), "http://127.0.0.1:4320");
        assert_eq!(shown("[::]:4320", None), "http://[::1]:4320");
        assert_eq!(shown("10.1.2.3:1", None), "http://10.1.2.3:1");
        let files = crate::tls::Files { cert_file: "c".into(), key_file: "k".into(), clients: None };
        let mut tls = Tls { files, server_name: None };
        assert_eq!(shown("0.0.0.0:4320", Some(&tls)), "https://127.0.0.1:4320");
        tls.server_name = Some("ff.example.com".to_owned());
        assert_eq!(shown("0.0.0.0:4320", Some(&tls)), "https://ff.example.com:4320");
        assert_eq!(shown("127.0.0.1:4320", Some(&tls)), "https://127.0.0.1:4320");
    }
}
