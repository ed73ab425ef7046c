//! Both generations of semantic conventions, read into one set of facts about a span.
//!
//! The new name wins where both are sent (`OTEL_SEMCONV_STABILITY_OPT_IN=http/dup`). Values are brought
//! into the new generation's form; the sender's own keys and values stay in the attribute map.

use super::value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
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

/// Reads a span's attributes.
pub(super) fn facts(span: &Span) -> Facts<'_> {
    let found = Found::new(&span.attributes);
    let text = |slot: Slot| found.text(slot);
    Facts {
        http_request_method: text(Slot::HttpRequestMethod).or_else(|| text(Slot::HttpMethod).map(method)),
        http_route: text(Slot::HttpRoute),
        http_response_status_code: found
            .integer(Slot::HttpResponseStatusCode)
            .or_else(|| found.integer(Slot::HttpStatusCode)),
        url_path: url_path(&found),
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
        server_address: text(Slot::ServerAddress).or_else(|| old_server_address(&found, span.kind)),
        peer_service: text(Slot::PeerService).or_else(|| text(Slot::ServicePeerName)),
        error_type: text(Slot::ErrorType),
    }
}

/// Whether a span failed. What its author set as its status is final, as the trace API asks; without it
/// HTTP's and then gRPC's own codes decide, where a fault of the client is no error of the operation.
pub(super) fn is_error(span: &Span, facts: &Facts<'_>) -> bool {
    match span.status.as_ref().map_or(0, |status| status.code) {
        code if code == StatusCode::Error as i32 => true,
        code if code == StatusCode::Ok as i32 => false,
        _ if facts.http_response_status_code.is_some_and(|code| code >= 500) => true,
        _ => facts.rpc_response_status_code.as_deref().is_some_and(is_server_fault),
    }
}

macro_rules! slots {
    ($( $slot:ident $key:literal; )*) => {
        /// An attribute that a promoted column is made from.
        #[derive(Clone, Copy)]
        enum Slot { $( $slot, )* }

        impl Slot {
            const N: usize = [$( Self::$slot, )*].len();

            fn of_key(key: &str) -> Option<Self> {
                match key { $( $key => Some(Self::$slot), )* _ => None }
            }
        }
    };
}

slots! {
    HttpRequestMethod "http.request.method";
    HttpMethod "http.method";
    HttpRoute "http.route";
    HttpResponseStatusCode "http.response.status_code";
    HttpStatusCode "http.status_code";
    UrlPath "url.path";
    UrlFull "url.full";
    HttpTarget "http.target";
    HttpUrl "http.url";
    DbSystemName "db.system.name";
    DbSystem "db.system";
    DbNamespace "db.namespace";
    DbName "db.name";
    DbOperationName "db.operation.name";
    DbOperation "db.operation";
    RpcSystemName "rpc.system.name";
    RpcSystem "rpc.system";
    RpcService "rpc.service";
    RpcMethod "rpc.method";
    RpcResponseStatusCode "rpc.response.status_code";
    RpcGrpcStatusCode "rpc.grpc.status_code";
    MessagingSystem "messaging.system";
    MessagingDestinationName "messaging.destination.name";
    MessagingDestination "messaging.destination";
    ServerAddress "server.address";
    NetPeerName "net.peer.name";
    NetHostName "net.host.name";
    PeerService "peer.service";
    ServicePeerName "service.peer.name";
    ErrorType "error.type";
}

/// The attributes of interest, the first of each key, also where it has no value: so does the map.
struct Found<'a>([Option<Option<&'a AnyValue>>; Slot::N]);

impl<'a> Found<'a> {
    fn new(attributes: &'a [KeyValue]) -> Self {
        let mut found = [None; Slot::N];
        for attribute in attributes {
            if let Some(slot) = Slot::of_key(&attribute.key) {
                found[slot as usize].get_or_insert(attribute.value.as_ref());
            }
        }
        Self(found)
    }

    fn text(&self, slot: Slot) -> Option<Cow<'a, str>> {
        value::text(self.0[slot as usize]??)
    }

    fn integer(&self, slot: Slot) -> Option<i64> {
        value::integer(self.0[slot as usize]??)
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
    use expect_test::{Expect, expect};
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    use opentelemetry_proto::tonic::trace::v1::Status;

    fn span(kind: SpanKind, attributes: &[(&str, Value)]) -> Span {
        let attributes = attributes.iter().map(|(key, value)| KeyValue {
            key: (*key).to_owned(),
            value: Some(AnyValue { value: Some(value.clone()) }),
            ..KeyValue::default()
        });
        Span { kind: kind as i32, attributes: attributes.collect(), ..Span::default() }
    }

    fn text(value: &str) -> Value {
        Value::StringValue(value.to_owned())
    }

    /// Only the facts that were found, one a line.
    fn check(kind: SpanKind, attributes: &[(&str, Value)], expected: Expect) {
        let span = span(kind, attributes);
        let shown = format!("{:#?}", facts(&span));
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
            ("http.status_code", Value::IntValue(503)),
            ("http.target", text("/items/7?full=1")),
            ("net.host.name", text("shop.local")),
            ("net.peer.name", text("client")),
        ];
        let new = [
            ("http.request.method", text("GET")),
            ("http.route", text("/items/{id}")),
            ("http.response.status_code", Value::IntValue(503)),
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
            ("rpc.grpc.status_code", Value::IntValue(14)),
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
            attributes.extend(http.map(|code| ("http.status_code", Value::IntValue(code))));
            attributes.extend(grpc.map(|code| ("rpc.grpc.status_code", Value::IntValue(code))));
            for kind in [SpanKind::Server, SpanKind::Client] {
                let mut span = span(kind, &attributes);
                span.status = Some(Status { code: status as i32, ..Status::default() });
                assert_eq!(is_error(&span, &facts(&span)), expected, "{status:?} {http:?} {grpc:?} {kind:?}");
            }
        }
    }
}
