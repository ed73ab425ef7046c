//! What to change at the sender, for each mistake that is recognised.
//!
//! A hint names the next step with the addresses of this server. Where nothing is known beyond the reason itself, the
//! reason's own hint is what there is.

use super::{remote_write, zipkin};
use crate::telemetry::{Origin, Reason, Transport};
use wire::Endpoints;

/// What is known of a refused request beside its reason.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) endpoints: &'a Endpoints,
}

/// Paths of other protocols that senders of traces, logs and metrics are often left with.
const FOREIGN_PATHS: [(&str, &str, &str); 7] = [
    ("/api/traces", "Jaeger", TRACES),
    ("/v0.3/traces", "Datadog", TRACES),
    ("/v0.4/traces", "Datadog", TRACES),
    ("/v0.5/traces", "Datadog", TRACES),
    ("/api/v2/series", "Datadog", METRICS),
    ("/intake/v2/events", "Elastic APM", TRACES),
    ("/loki/api/v1/push", "Loki", LOGS),
];
/// Paths of the protocols that are taken where they are switched on, and where that is.
const SWITCHED_PATHS: [(&str, &str, &str); 5] = [
    (zipkin::PATH, ZIPKIN, TRACES),
    ("/api/v1/spans", ZIPKIN, TRACES),
    (remote_write::PATH, REMOTE_WRITE, METRICS),
    ("/api/v1/push", REMOTE_WRITE, METRICS),
    ("/api/prom/push", REMOTE_WRITE, METRICS),
];
const ZIPKIN: &str = "Zipkin, whose v2 spans are taken at /api/v2/spans with [zipkin] enabled = true, on this port or \
                      that of zipkin.listen";
const REMOTE_WRITE: &str =
    "Prometheus remote write, which is taken at /api/v1/write with [remote_write] enabled = true";
const TRACES: &str = "/v1/traces";
const LOGS: &str = "/v1/logs";
const METRICS: &str = "/v1/metrics";
/// Words of paths that tell what was meant.
const WORDS: [(&str, &str); 4] = [("trace", TRACES), ("span", TRACES), ("log", LOGS), ("metric", METRICS)];
const GRPC_PACKAGE: &str = "/opentelemetry.proto.collector.";

/// The next step for whoever has to repair the sender.
pub(crate) fn hint(reason: Reason, context: Context<'_>) -> Option<String> {
    told(reason, context).or_else(|| reason.hint().map(str::to_owned))
}

/// The hint that goes with the answer, too: the mistake was recognised, and the message alone does not say it.
pub(crate) fn told(reason: Reason, context: Context<'_>) -> Option<String> {
    let Context { origin, endpoints } = context;
    let is_grpc = origin.transport == Transport::Grpc;
    Some(match reason {
        Reason::PathUnknown if origin.transport == Transport::Zipkin => {
            format!(
                "this port takes Zipkin's v2 spans at {}; send OTLP to {}",
                zipkin::PATH,
                endpoints.otlp_http
            )
        }
        Reason::PathUnknown => for_path(&origin.path, endpoints),
        Reason::ServiceUnknown => for_method(&origin.path, endpoints),
        Reason::HttpOnGrpcPort => {
            format!("send OTLP/HTTP to {}, or set OTEL_EXPORTER_OTLP_PROTOCOL=grpc", endpoints.otlp_http)
        }
        Reason::GrpcOnHttpPort => format!(
            "send OTLP/gRPC to {}, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
            endpoints.otlp_grpc
        ),
        Reason::OtlpOnApiPort => format!("send OTLP/HTTP to {}", endpoints.otlp_http),
        Reason::TlsOnPlaintextPort => for_tls(context),
        Reason::NotHttp => for_stranger(context),
        Reason::CompressedTwice => {
            "switch compression off in one place, the exporter or what is between it and here".to_owned()
        }
        Reason::CompressionUndeclared if is_grpc => {
            "have the gRPC library compress the message, not the application before it".to_owned()
        }
        Reason::CompressionUndeclared => {
            "name the compression in Content-Encoding, or switch it off at the sender".to_owned()
        }
        Reason::JsonAsProtobuf if is_grpc => {
            format!("messages of gRPC are protobuf; JSON is taken over HTTP, at {}", endpoints.otlp_http)
        }
        Reason::JsonAsProtobuf => "set Content-Type to application/json".to_owned(),
        Reason::ProtobufAsJson => "set Content-Type to application/x-protobuf".to_owned(),
        _ => return None,
    })
}

fn for_tls(context: Context<'_>) -> String {
    let Context { origin, endpoints } = context;
    match origin.transport {
        Transport::Grpc => format!(
            "this port speaks plain text: write {} as the endpoint, or set OTEL_EXPORTER_OTLP_INSECURE=true",
            endpoints.otlp_grpc
        ),
        Transport::Http => {
            format!("this port speaks plain text: write {} as the endpoint", endpoints.otlp_http)
        }
        // Its address is not among the endpoints.
        Transport::Zipkin => "this port speaks plain text: write an http address as the endpoint".to_owned(),
    }
}

fn for_stranger(context: Context<'_>) -> String {
    let Context { origin, endpoints } = context;
    let (name, url) = match origin.transport {
        Transport::Grpc => ("gRPC", &endpoints.otlp_grpc),
        Transport::Http => ("HTTP", &endpoints.otlp_http),
        Transport::Zipkin => return "this port takes Zipkin's v2 spans in JSON over HTTP".to_owned(),
    };
    format!("this port takes OTLP over {name} ({url}): switch the sender's exporter to OTLP")
}

/// What was probably meant by a path of HTTP that there is not.
fn for_path(path: &str, endpoints: &Endpoints) -> String {
    let url = &endpoints.otlp_http;
    let meant = path.trim_end_matches('/').to_ascii_lowercase();
    if let Some((_, whose, signal)) = FOREIGN_PATHS.iter().find(|(foreign, _, _)| *foreign == meant) {
        return format!("this is a path of {whose}, which is not taken here: send OTLP to {url}{signal}");
    }
    if let Some((_, whose, signal)) = SWITCHED_PATHS.iter().find(|(switched, _, _)| *switched == meant) {
        return format!("this is a path of {whose}; or send OTLP to {url}{signal}");
    }
    if meant.starts_with(GRPC_PACKAGE) {
        let signal = signal_word(&meant).unwrap_or(TRACES);
        let grpc = &endpoints.otlp_grpc;
        return format!("this is a method of OTLP/gRPC: call it at {grpc}, or POST to {url}{signal}");
    }
    if matches!(meant.as_str(), "" | "/v1") {
        return format!(
            "the path is missing: SDKs add it to OTEL_EXPORTER_OTLP_ENDPOINT={url}, and take \
             OTEL_EXPORTER_OTLP_TRACES_ENDPOINT={url}{TRACES} as it is"
        );
    }
    if let Some(signal) = [TRACES, LOGS, METRICS].into_iter().find(|signal| meant.ends_with(*signal)) {
        return for_surplus(&meant[..meant.len() - signal.len()], signal, url);
    }
    match signal_word(&meant) {
        Some(signal) => format!("did you mean {signal}?"),
        None => format!("the paths are {TRACES}, {LOGS} and {METRICS}"),
    }
}

/// The path is right but for what is around it.
fn for_surplus(before: &str, signal: &str, url: &str) -> String {
    if before.is_empty() {
        return format!("write it exactly as {signal}");
    }
    if [TRACES, LOGS, METRICS].iter().any(|other| before.contains(*other)) {
        return format!(
            "the path is there twice: give OTEL_EXPORTER_OTLP_ENDPOINT the address alone, {url}; only the variable \
             of one signal, such as OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, takes a whole URL"
        );
    }
    format!("the path is {signal}, with nothing before it: set OTEL_EXPORTER_OTLP_ENDPOINT={url}")
}

fn signal_word(path: &str) -> Option<&'static str> {
    WORDS.iter().find(|(word, _)| path.contains(*word)).map(|(_, signal)| *signal)
}

/// What was probably meant by a method of gRPC that there is not.
fn for_method(path: &str, endpoints: &Endpoints) -> String {
    let url = &endpoints.otlp_grpc;
    let foreign = [("/jaeger.", "Jaeger"), ("/opencensus.", "OpenCensus"), ("/zipkin.", "Zipkin")];
    if let Some((_, whose)) = foreign.iter().find(|(package, _)| path.starts_with(*package)) {
        return format!("this is a method of {whose}, which is not taken here: send OTLP/gRPC to {url}");
    }
    if path.starts_with("/grpc.health.") {
        return format!("health is asked for over HTTP: GET {}/readyz", endpoints.dashboard);
    }
    if path.contains("/v1/") || path.rfind(GRPC_PACKAGE).is_some_and(|at| at > 0) {
        return format!("an endpoint of OTLP/gRPC has no path: set it to {url}");
    }
    "served is Export of TraceService, LogsService and MetricsService in opentelemetry.proto.collector"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn endpoints() -> Endpoints {
        Endpoints {
            otlp_grpc: "http://127.0.0.1:14317".to_owned(),
            otlp_http: "http://127.0.0.1:14318".to_owned(),
            dashboard: "http://127.0.0.1:14320".to_owned(),
            ..Endpoints::default()
        }
    }

    /// One line for each path: the hint that its sender gets.
    fn check(reason: Reason, transport: Transport, paths: &[&str], expected: Expect) {
        let endpoints = endpoints();
        let lines: Vec<String> = paths
            .iter()
            .map(|path| {
                let origin = Origin::new(None, transport, path);
                let hint = hint(reason, Context { origin: &origin, endpoints: &endpoints });
                format!("{path} -> {}", hint.unwrap_or_default())
            })
            .collect();
        expected.assert_eq(&lines.join("\n"));
    }

    /// Scenario: paths that clients of OTLP and of other protocols ask for on the HTTP port.
    /// Guarantees: each is told which path was meant.
    #[test]
    fn wrong_paths_get_the_right_one() {
        check(
            Reason::PathUnknown,
            Transport::Http,
            &[
                "/v1/trace",
                "/v1/spans",
                "/v1/log",
                "/v2/metrics",
                "/traces",
                "/v1/traces/",
                "/V1/Logs",
                "/",
                "/v1",
                "/v1/traces/v1/traces",
                "/v1/traces/v1/metrics",
                "/otlp/v1/logs",
                "/api/v2/spans",
                "/api/traces",
                "/api/prom/push",
                "/loki/api/v1/push",
                "/v0.4/traces",
                "/favicon.ico",
                "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            ],
            expect![[r#"
                /v1/trace -> did you mean /v1/traces?
                /v1/spans -> did you mean /v1/traces?
                /v1/log -> did you mean /v1/logs?
                /v2/metrics -> did you mean /v1/metrics?
                /traces -> did you mean /v1/traces?
                /v1/traces/ -> write it exactly as /v1/traces
                /V1/Logs -> write it exactly as /v1/logs
                / -> the path is missing: SDKs add it to OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:14318, and take OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:14318/v1/traces as it is
                /v1 -> the path is missing: SDKs add it to OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:14318, and take OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:14318/v1/traces as it is
                /v1/traces/v1/traces -> the path is there twice: give OTEL_EXPORTER_OTLP_ENDPOINT the address alone, http://127.0.0.1:14318; only the variable of one signal, such as OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, takes a whole URL
                /v1/traces/v1/metrics -> the path is there twice: give OTEL_EXPORTER_OTLP_ENDPOINT the address alone, http://127.0.0.1:14318; only the variable of one signal, such as OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, takes a whole URL
                /otlp/v1/logs -> the path is /v1/logs, with nothing before it: set OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:14318
                /api/v2/spans -> this is a path of Zipkin, whose v2 spans are taken at /api/v2/spans with [zipkin] enabled = true, on this port or that of zipkin.listen; or send OTLP to http://127.0.0.1:14318/v1/traces
                /api/traces -> this is a path of Jaeger, which is not taken here: send OTLP to http://127.0.0.1:14318/v1/traces
                /api/prom/push -> this is a path of Prometheus remote write, which is taken at /api/v1/write with [remote_write] enabled = true; or send OTLP to http://127.0.0.1:14318/v1/metrics
                /loki/api/v1/push -> this is a path of Loki, which is not taken here: send OTLP to http://127.0.0.1:14318/v1/logs
                /v0.4/traces -> this is a path of Datadog, which is not taken here: send OTLP to http://127.0.0.1:14318/v1/traces
                /favicon.ico -> the paths are /v1/traces, /v1/logs and /v1/metrics
                /opentelemetry.proto.collector.logs.v1.LogsService/Export -> this is a method of OTLP/gRPC: call it at http://127.0.0.1:14317, or POST to http://127.0.0.1:14318/v1/logs"#]],
        );
    }

    /// Scenario: methods that clients of OTLP and of other protocols call on the gRPC port.
    /// Guarantees: each is told what there is instead.
    #[test]
    fn wrong_methods_get_the_right_one() {
        check(
            Reason::ServiceUnknown,
            Transport::Grpc,
            &[
                "/opentelemetry.proto.collector.trace.v1.TraceService/Import",
                "/v1/traces/opentelemetry.proto.collector.trace.v1.TraceService/Export",
                "/otlp/opentelemetry.proto.collector.trace.v1.TraceService/Export",
                "/jaeger.api_v2.CollectorService/PostSpans",
                "/grpc.health.v1.Health/Check",
                "/",
            ],
            expect![[r#"
                /opentelemetry.proto.collector.trace.v1.TraceService/Import -> served is Export of TraceService, LogsService and MetricsService in opentelemetry.proto.collector
                /v1/traces/opentelemetry.proto.collector.trace.v1.TraceService/Export -> an endpoint of OTLP/gRPC has no path: set it to http://127.0.0.1:14317
                /otlp/opentelemetry.proto.collector.trace.v1.TraceService/Export -> an endpoint of OTLP/gRPC has no path: set it to http://127.0.0.1:14317
                /jaeger.api_v2.CollectorService/PostSpans -> this is a method of Jaeger, which is not taken here: send OTLP/gRPC to http://127.0.0.1:14317
                /grpc.health.v1.Health/Check -> health is asked for over HTTP: GET http://127.0.0.1:14320/readyz
                / -> served is Export of TraceService, LogsService and MetricsService in opentelemetry.proto.collector"#]],
        );
    }

    /// Scenario: every reason that refuses a request, on the ports of OTLP and on that of Zipkin.
    /// Guarantees: mistakes that are recognised get a hint of their own with the addresses in use.
    #[test]
    fn every_recognised_mistake_has_a_hint() {
        let (endpoints, mut lines) = (endpoints(), Vec::new());
        let silent = [Reason::Overloaded, Reason::StorageUnavailable];
        for reason in Reason::ALL.iter().filter(|reason| reason.class() == crate::telemetry::Class::Request) {
            for transport in [Transport::Grpc, Transport::Http, Transport::Zipkin] {
                let origin = Origin::new(None, transport, "/x");
                let context = Context { origin: &origin, endpoints: &endpoints };
                assert_eq!(hint(*reason, context).is_none(), silent.contains(reason), "{reason:?}");
                let told = told(*reason, context);
                lines.extend(told.map(|told| format!("{} {}: {told}", reason.name(), transport.name())));
            }
        }
        expect![[r#"
            json_as_protobuf grpc: messages of gRPC are protobuf; JSON is taken over HTTP, at http://127.0.0.1:14318
            json_as_protobuf http: set Content-Type to application/json
            json_as_protobuf zipkin: set Content-Type to application/json
            protobuf_as_json grpc: set Content-Type to application/x-protobuf
            protobuf_as_json http: set Content-Type to application/x-protobuf
            protobuf_as_json zipkin: set Content-Type to application/x-protobuf
            compressed_twice grpc: switch compression off in one place, the exporter or what is between it and here
            compressed_twice http: switch compression off in one place, the exporter or what is between it and here
            compressed_twice zipkin: switch compression off in one place, the exporter or what is between it and here
            compression_undeclared grpc: have the gRPC library compress the message, not the application before it
            compression_undeclared http: name the compression in Content-Encoding, or switch it off at the sender
            compression_undeclared zipkin: name the compression in Content-Encoding, or switch it off at the sender
            path_unknown grpc: the paths are /v1/traces, /v1/logs and /v1/metrics
            path_unknown http: the paths are /v1/traces, /v1/logs and /v1/metrics
            path_unknown zipkin: this port takes Zipkin's v2 spans at /api/v2/spans; send OTLP to http://127.0.0.1:14318
            service_unknown grpc: served is Export of TraceService, LogsService and MetricsService in opentelemetry.proto.collector
            service_unknown http: served is Export of TraceService, LogsService and MetricsService in opentelemetry.proto.collector
            service_unknown zipkin: served is Export of TraceService, LogsService and MetricsService in opentelemetry.proto.collector
            http_on_grpc_port grpc: send OTLP/HTTP to http://127.0.0.1:14318, or set OTEL_EXPORTER_OTLP_PROTOCOL=grpc
            http_on_grpc_port http: send OTLP/HTTP to http://127.0.0.1:14318, or set OTEL_EXPORTER_OTLP_PROTOCOL=grpc
            http_on_grpc_port zipkin: send OTLP/HTTP to http://127.0.0.1:14318, or set OTEL_EXPORTER_OTLP_PROTOCOL=grpc
            grpc_on_http_port grpc: send OTLP/gRPC to http://127.0.0.1:14317, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
            grpc_on_http_port http: send OTLP/gRPC to http://127.0.0.1:14317, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
            grpc_on_http_port zipkin: send OTLP/gRPC to http://127.0.0.1:14317, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
            otlp_on_api_port grpc: send OTLP/HTTP to http://127.0.0.1:14318
            otlp_on_api_port http: send OTLP/HTTP to http://127.0.0.1:14318
            otlp_on_api_port zipkin: send OTLP/HTTP to http://127.0.0.1:14318
            tls_on_plaintext_port grpc: this port speaks plain text: write http://127.0.0.1:14317 as the endpoint, or set OTEL_EXPORTER_OTLP_INSECURE=true
            tls_on_plaintext_port http: this port speaks plain text: write http://127.0.0.1:14318 as the endpoint
            tls_on_plaintext_port zipkin: this port speaks plain text: write an http address as the endpoint
            not_http grpc: this port takes OTLP over gRPC (http://127.0.0.1:14317): switch the sender's exporter to OTLP
            not_http http: this port takes OTLP over HTTP (http://127.0.0.1:14318): switch the sender's exporter to OTLP
            not_http zipkin: this port takes Zipkin's v2 spans in JSON over HTTP"#]]
        .assert_eq(&lines.join("\n"));
    }
}
