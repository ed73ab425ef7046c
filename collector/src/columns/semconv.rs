//! Both generations of semantic conventions, read into one set of facts about a span.
//!
//! The new name wins where both are sent (`OTEL_SEMCONV_STABILITY_OPT_IN=http/dup`). Values are brought
//! into the new generation's form; the sender's own keys and values stay in the attribute map.

use super::value;
use crate::decode::views::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use std::borrow::Cow;

/// The promoted columns of a span that come from its attributes.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Facts<'a> {
    pub(super) http_request_method: Option<Cow<'a, str>>,
    pub(super) http_route: Option<Cow<'a, str>>,
    pub(super) http_response_status_code: Option<i64>,
    pub(super) url_path: Option<Cow<'a, str>>,
    pub(super) db_system_name: Option<Cow<'a, str>>,
    pub(super) db_namespace: Option<Cow<'a, str>>,
    pub(super) db_operation_name: Option<Cow<'a, str>>,
    pub(super) rpc_system_name: Option<Cow<'a, str>>,
    pub(super) rpc_method: Option<Cow<'a, str>>,
    pub(super) rpc_response_status_code: Option<Cow<'a, str>>,
    pub(super) messaging_system: Option<Cow<'a, str>>,
    pub(super) messaging_destination_name: Option<Cow<'a, str>>,
    pub(super) server_address: Option<Cow<'a, str>>,
    pub(super) peer_service: Option<Cow<'a, str>>,
    pub(super) error_type: Option<Cow<'a, str>>,
}

/// What the attributes of a span of that kind say.
pub(super) fn facts<'a>(found: &Found<'a>, kind: i32) -> Facts<'a> {
    let text = |slot: Slot| found.text(slot);
    Facts {
        http_request_method: text(Slot::HttpRequestMethod).or_else(|| text(Slot::HttpMethod).map(method)),
        http_route: text(Slot::HttpRoute),
        http_response_status_code: found
            .integer(Slot::HttpResponseStatusCode)
            .or_else(|| found.integer(Slot::HttpStatusCode)),
        url_path: url_path(found),
        db_system_name: text(Slot::DbSystemName).or_else(|| text(Slot::DbSystem).map(db_system)),
        db_namespace: text(Slot::DbNamespace).or_else(|| text(Slot::DbName)),
        db_operation_name: text(Slot::DbOperationName).or_else(|| text(Slot::DbOperation)),
        rpc_system_name: text(Slot::RpcSystemName).or_else(|| text(Slot::RpcSystem)),
        rpc_method: rpc_method(text(Slot::RpcService), text(Slot::RpcMethod)),
        rpc_response_status_code: text(Slot::RpcResponseStatusCode)
            .or_else(|| found.integer(Slot::RpcGrpcStatusCode).map(grpc_status)),
        messaging_system: text(Slot::MessagingSystem),
        messaging_destination_name: text(Slot::MessagingDestinationName)
            .or_else(|| text(Slot::MessagingDestination)),
        server_address: text(Slot::ServerAddress).or_else(|| old_server_address(found, kind)),
        peer_service: text(Slot::PeerService).or_else(|| text(Slot::ServicePeerName)),
        error_type: text(Slot::ErrorType),
    }
}

/// Whether a span failed. What its author set as its status is final, as the trace API asks; without it
/// HTTP's and then gRPC's own codes decide, where a fault of the client is no error of the operation.
pub(super) fn is_error(status_code: i32, facts: &Facts<'_>) -> bool {
    match status_code {
        code if code == StatusCode::Error as i32 => true,
        code if code == StatusCode::Ok as i32 => false,
        _ if facts.http_response_status_code.is_some_and(|code| code >= 500) => true,
        _ => facts.rpc_response_status_code.as_deref().is_some_and(is_server_fault),
    }
}

macro_rules! slots {
    ($( $len:literal { $( $slot:ident $key:literal; )* } )*) => {
        /// An attribute that a promoted column is made from.
        #[derive(Clone, Copy)]
        enum Slot { $($( $slot, )*)* }

        impl Slot {
            const N: usize = [$($( Self::$slot, )*)*].len();

            /// By length first: most keys are told apart by it.
            fn of_key(key: &[u8]) -> Option<Self> {
                match key.len() {
                    $( $len => match key { $( $key => Some(Self::$slot), )* _ => None }, )*
                    _ => None,
                }
            }
        }

        #[cfg(test)]
        const KEYS: [&[u8]; Slot::N] = [$($( $key, )*)*];
    };
}

slots! {
    7 {
        DbName b"db.name";
    }
    8 {
        UrlPath b"url.path";
        UrlFull b"url.full";
        HttpUrl b"http.url";
    }
    9 {
        DbSystem b"db.system";
    }
    10 {
        HttpRoute b"http.route";
        RpcSystem b"rpc.system";
        RpcMethod b"rpc.method";
        ErrorType b"error.type";
    }
    11 {
        HttpMethod b"http.method";
        HttpTarget b"http.target";
        RpcService b"rpc.service";
    }
    12 {
        DbNamespace b"db.namespace";
        DbOperation b"db.operation";
        PeerService b"peer.service";
    }
    13 {
        NetPeerName b"net.peer.name";
        NetHostName b"net.host.name";
    }
    14 {
        DbSystemName b"db.system.name";
        ServerAddress b"server.address";
    }
    15 {
        RpcSystemName b"rpc.system.name";
    }
    16 {
        HttpStatusCode b"http.status_code";
        MessagingSystem b"messaging.system";
    }
    17 {
        DbOperationName b"db.operation.name";
        ServicePeerName b"service.peer.name";
    }
    19 {
        HttpRequestMethod b"http.request.method";
    }
    20 {
        RpcGrpcStatusCode b"rpc.grpc.status_code";
    }
    21 {
        MessagingDestination b"messaging.destination";
    }
    24 {
        RpcResponseStatusCode b"rpc.response.status_code";
    }
    25 {
        HttpResponseStatusCode b"http.response.status_code";
    }
    26 {
        MessagingDestinationName b"messaging.destination.name";
    }
}

/// The attributes of interest of one span, the first of each key, also where it has no value: so does the map.
#[derive(Debug)]
pub(super) struct Found<'a> {
    values: [Option<AnyValue<'a>>; Slot::N],
    /// A bit for each slot whose value is of this span; others are of spans before.
    marks: u32,
}

/// There is a bit for each slot.
const _: () = assert!(Slot::N <= u32::BITS as usize);

impl<'a> Found<'a> {
    pub(super) fn new() -> Self {
        Self { values: [None; Slot::N], marks: 0 }
    }

    /// Forgets everything, for the next span.
    pub(super) fn clear(&mut self) {
        self.marks = 0;
    }

    /// To be shown every attribute of the span.
    #[inline]
    pub(super) fn note(&mut self, attribute: &KeyValue<'a>) {
        let Some(slot) = Slot::of_key(attribute.key.as_bytes()) else { return };
        if self.marks & slot.mark() == 0 {
            self.marks |= slot.mark();
            self.values[slot as usize] = attribute.value;
        }
    }

    fn value(&self, slot: Slot) -> Option<AnyValue<'a>> {
        if self.marks & slot.mark() == 0 { None } else { self.values[slot as usize] }
    }

    fn text(&self, slot: Slot) -> Option<Cow<'a, str>> {
        value::text(self.value(slot)?)
    }

    fn integer(&self, slot: Slot) -> Option<i64> {
        value::integer(self.value(slot)?)
    }
}

impl Slot {
    fn mark(self) -> u32 {
        1 << self as u32
    }
}

/// The new conventions know nine methods and call every other `_OTHER`.
fn method(old: Cow<'_, str>) -> Cow<'_, str> {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    let known = KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(&old));
    Cow::Borrowed(known.unwrap_or("_OTHER"))
}

fn url_path<'a>(found: &Found<'a>) -> Option<Cow<'a, str>> {
    found
        .text(Slot::UrlPath)
        .or_else(|| found.text(Slot::HttpTarget).map(|target| cut(target, path_of_target)))
        .or_else(|| found.text(Slot::UrlFull).map(|url| cut(url, path_of_url)))
        .or_else(|| found.text(Slot::HttpUrl).map(|url| cut(url, path_of_url)))
        .filter(|path| !path.is_empty())
}

fn cut<'a>(text: Cow<'a, str>, part: fn(&str) -> &str) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(part(text)),
        Cow::Owned(text) => Cow::Owned(part(&text).to_owned()),
    }
}

fn path_of_target(target: &str) -> &str {
    target.split(['?', '#']).next().unwrap_or("")
}

/// `scheme://authority/path?query#fragment`; a URL without a path has the path `/`.
fn path_of_url(url: &str) -> &str {
    let Some((_, rest)) = url.split_once("://") else { return path_of_target(url) };
    let rest = path_of_target(rest);
    rest.find('/').map_or("/", |place| &rest[place..])
}

/// Names that the new database conventions changed.
fn db_system(old: Cow<'_, str>) -> Cow<'_, str> {
    let new = match old.as_ref() {
        "adabas" => "softwareag.adabas",
        "cosmosdb" => "azure.cosmosdb",
        "db2" => "ibm.db2",
        "dynamodb" => "aws.dynamodb",
        "firebird" => "firebirdsql",
        "h2" => "h2database",
        "hanadb" => "sap.hana",
        "informix" => "ibm.informix",
        "ingres" => "actian.ingres",
        "maxdb" => "sap.maxdb",
        "mssql" => "microsoft.sql_server",
        "netezza" => "ibm.netezza",
        "oracle" => "oracle.db",
        "redshift" => "aws.redshift",
        "spanner" => "gcp.spanner",
        _ => return old,
    };
    Cow::Borrowed(new)
}

/// `pkg.Service/Method`, which the old conventions kept in two attributes.
fn rpc_method<'a>(service: Option<Cow<'a, str>>, method: Option<Cow<'a, str>>) -> Option<Cow<'a, str>> {
    match (service, method) {
        (Some(service), Some(method)) if !method.contains('/') => Some(format!("{service}/{method}").into()),
        (service, method) => method.or(service),
    }
}

fn old_server_address<'a>(found: &Found<'a>, kind: i32) -> Option<Cow<'a, str>> {
    let is_server = kind == SpanKind::Server as i32 || kind == SpanKind::Consumer as i32;
    found.text(if is_server { Slot::NetHostName } else { Slot::NetPeerName })
}

const GRPC_STATUS: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

fn grpc_status(code: i64) -> Cow<'static, str> {
    let name = usize::try_from(code).ok().and_then(|code| GRPC_STATUS.get(code));
    name.map_or_else(|| Cow::Owned(code.to_string()), |name| Cow::Borrowed(*name))
}

/// The codes with which the RPC conventions blame the server.
fn is_server_fault(status: &str) -> bool {
    matches!(
        status,
        "UNKNOWN" | "DEADLINE_EXCEEDED" | "UNIMPLEMENTED" | "INTERNAL" | "UNAVAILABLE" | "DATA_LOSS"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::views::{Text, Value};
    use expect_test::{Expect, expect};

    fn found<'a>(attributes: &[(&'a str, Value<'a>)]) -> Found<'a> {
        let mut found = Found::new();
        for &(key, value) in attributes {
            let value = Some(AnyValue { value: Some(value) });
            found.note(&KeyValue { key: Text::of(key), value, key_strindex: 0 });
        }
        found
    }

    fn text(value: &str) -> Value<'_> {
        Value::Text(Text::of(value))
    }

    /// Scenario: the keys that columns are made from, and others of the same lengths.
    /// Guarantees: each is looked for among those of its length, and is found as itself only.
    #[test]
    fn keys_stand_under_their_length() {
        for (slot, key) in KEYS.into_iter().enumerate() {
            assert_eq!(Slot::of_key(key).map(|slot| slot as usize), Some(slot), "{key:?}");
            let mut other = key.to_vec();
            other[0] = b'x';
            assert!(Slot::of_key(&other).is_none());
        }
    }

    /// Scenario: a span without attributes after one with.
    /// Guarantees: nothing of the first is left.
    #[test]
    fn each_span_is_looked_at_alone() {
        let mut found = found(&[("http.route", text("/a"))]);
        found.clear();
        assert_eq!(facts(&found, 0), Facts::default());
    }

    /// Only the facts that were found, one a line.
    fn check<'a>(kind: SpanKind, attributes: &[(&'a str, Value<'a>)], expected: Expect) {
        let shown = format!("{:#?}", facts(&found(attributes), kind as i32));
        let found = shown.lines().filter(|line| !line.ends_with("None,")).collect::<Vec<_>>().join(" ");
        let found = found.split_whitespace().collect::<Vec<_>>().join(" ");
        expected.assert_eq(&found);
    }

    /// Scenario: an HTTP server span of each generation.
    /// Guarantees: both give the same columns.
    #[test]
    fn http_server_generations_agree() {
        let expected = || {
            expect![[
                r#"Facts { http_request_method: Some( "GET", ), http_route: Some( "/items/{id}", ), http_response_status_code: Some( 503, ), url_path: Some( "/items/7", ), server_address: Some( "shop.local", ), }"#
            ]]
        };
        let old = [
            ("http.method", text("get")),
            ("http.route", text("/items/{id}")),
            ("http.status_code", Value::Int(503)),
            ("http.target", text("/items/7?full=1")),
            ("net.host.name", text("shop.local")),
            ("net.peer.name", text("client")),
        ];
        let new = [
            ("http.request.method", text("GET")),
            ("http.route", text("/items/{id}")),
            ("http.response.status_code", Value::Int(503)),
            ("url.path", text("/items/7")),
            ("server.address", text("shop.local")),
        ];
        check(SpanKind::Server, &old, expected());
        check(SpanKind::Server, &new, expected());
    }

    /// Scenario: client spans of the old generation: HTTP, database, gRPC.
    /// Guarantees: names, values and units are those of the new generation.
    #[test]
    fn old_client_spans_are_normalised() {
        let http = [
            ("http.method", text("PURGE")),
            ("http.url", text("https://u:p@cdn.local:8443?x=/y")),
            ("http.status_code", text("204")),
            ("net.peer.name", text("cdn.local")),
        ];
        check(
            SpanKind::Client,
            &http,
            expect![[
                r#"Facts { http_request_method: Some( "_OTHER", ), http_response_status_code: Some( 204, ), url_path: Some( "/", ), server_address: Some( "cdn.local", ), }"#
            ]],
        );
        let database =
            [("db.system", text("mssql")), ("db.name", text("orders")), ("db.operation", text("SELECT"))];
        check(
            SpanKind::Client,
            &database,
            expect![[
                r#"Facts { db_system_name: Some( "microsoft.sql_server", ), db_namespace: Some( "orders", ), db_operation_name: Some( "SELECT", ), }"#
            ]],
        );
        let rpc = [
            ("rpc.system", text("grpc")),
            ("rpc.service", text("shop.Cart")),
            ("rpc.method", text("Add")),
            ("rpc.grpc.status_code", Value::Int(14)),
        ];
        check(
            SpanKind::Client,
            &rpc,
            expect![[
                r#"Facts { rpc_system_name: Some( "grpc", ), rpc_method: Some( "shop.Cart/Add", ), rpc_response_status_code: Some( "UNAVAILABLE", ), }"#
            ]],
        );
    }

    /// Scenario: both generations at once, and a repeated key.
    /// Guarantees: the new name wins, and the first of a repeated key.
    #[test]
    fn the_new_generation_wins() {
        let both = [
            ("http.method", text("GET")),
            ("http.request.method", text("QUERY")),
            ("http.request.method", text("POST")),
            ("messaging.destination", text("old")),
            ("messaging.destination.name", text("new")),
        ];
        check(
            SpanKind::Producer,
            &both,
            expect![[
                r#"Facts { http_request_method: Some( "QUERY", ), messaging_destination_name: Some( "new", ), }"#
            ]],
        );
    }

    /// Scenario: statuses and codes in every combination that decides.
    /// Guarantees: a set status is final; then HTTP 5xx of any kind of span; then gRPC's server faults.
    #[test]
    fn errors_follow_the_documented_order() {
        let cases = [
            (StatusCode::Error, None, None, true),
            (StatusCode::Ok, Some(500), Some(13), false),
            (StatusCode::Unset, Some(500), None, true),
            (StatusCode::Unset, Some(499), None, false),
            (StatusCode::Unset, Some(200), Some(14), true),
            (StatusCode::Unset, None, Some(5), false),
            (StatusCode::Unset, None, Some(0), false),
            (StatusCode::Unset, None, Some(2), true),
            (StatusCode::Unset, None, None, false),
        ];
        for (status, http, grpc, expected) in cases {
            let mut attributes = Vec::new();
            attributes.extend(http.map(|code| ("http.status_code", Value::Int(code))));
            attributes.extend(grpc.map(|code| ("rpc.grpc.status_code", Value::Int(code))));
            for kind in [SpanKind::Server, SpanKind::Client] {
                let facts = facts(&found(&attributes), kind as i32);
                assert_eq!(
                    is_error(status as i32, &facts),
                    expected,
                    "{status:?} {http:?} {grpc:?} {kind:?}"
                );
            }
        }
    }
}
