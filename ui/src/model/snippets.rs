//! What to type so that telemetry arrives: one list of commands per language, with the endpoints in use.
//!
//! Pure text from `wire::Endpoints`; the page only shows and copies it. Each block must run as it
//! stands, so nothing here is abbreviated. Where senders are asked for credentials, a word in capitals stands for them.

use wire::{Credentials, Endpoints};

/// The tabs, in their order on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Environment,
    Python,
    Node,
    Java,
    Go,
    Rust,
    DotNet,
    Collector,
    Curl,
}

/// One box with a copy button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// What the box is for, as a short heading.
    pub title: &'static str,
    pub text: String,
    /// What to know beside it; may be empty.
    pub note: &'static str,
}

/// How a piece of a snippet is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    Plain,
    Comment,
    Name,
}

impl Tab {
    pub const ALL: [Self; 9] = [
        Self::Environment,
        Self::Python,
        Self::Node,
        Self::Java,
        Self::Go,
        Self::Rust,
        Self::DotNet,
        Self::Collector,
        Self::Curl,
    ];

    /// The value of `tab` in the URL.
    pub fn id(self) -> &'static str {
        match self {
            Self::Environment => "env",
            Self::Python => "python",
            Self::Node => "node",
            Self::Java => "java",
            Self::Go => "go",
            Self::Rust => "rust",
            Self::DotNet => "dotnet",
            Self::Collector => "collector",
            Self::Curl => "curl",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Environment => "Environment",
            Self::Python => "Python",
            Self::Node => "Node.js",
            Self::Java => "Java",
            Self::Go => "Go",
            Self::Rust => "Rust",
            Self::DotNet => ".NET",
            Self::Collector => "Collector",
            Self::Curl => "curl",
        }
    }

    /// The tab named in the URL; the first one when the name is unknown.
    pub fn from_id(id: &str) -> Self {
        Self::ALL.into_iter().find(|tab| tab.id() == id).unwrap_or(Self::Environment)
    }
}

/// The boxes of one tab.
pub fn snippets(tab: Tab, endpoints: &Endpoints) -> Vec<Snippet> {
    match tab {
        Tab::Environment => vec![environment(endpoints)],
        Tab::Python => python(endpoints),
        Tab::Node => node(endpoints),
        Tab::Java => java(endpoints),
        Tab::Go => go(endpoints),
        Tab::Rust => rust(endpoints),
        Tab::DotNet => dotnet(endpoints),
        Tab::Collector => collector(endpoints),
        Tab::Curl => curl(endpoints),
    }
}

/// The command that fills an empty server with a demo shop.
pub fn demo_command(endpoints: &Endpoints) -> String {
    let command = format!("firstfault demo --endpoint {}", endpoints.otlp_grpc);
    match endpoints.credentials {
        Credentials::None => command,
        Credentials::Token => format!("FIRSTFAULT_TOKEN=YOUR_TOKEN {command}"),
        Credentials::Password => format!("FIRSTFAULT_PASSWORD=PASSWORD {command} --user NAME"),
    }
}

/// Splits a snippet into pieces to draw; joined again they give the same text.
pub fn inks(text: &str) -> Vec<(Ink, String)> {
    let mut pieces = Vec::new();
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_start();
        if trimmed.starts_with("# ") || trimmed.starts_with("// ") {
            pieces.push((Ink::Comment, line.to_owned()));
        } else {
            ink_names(line, &mut pieces);
        }
    }
    pieces
}

fn environment(endpoints: &Endpoints) -> Snippet {
    Snippet {
        title: "Works for every OpenTelemetry SDK",
        text: exports(endpoints, &[]),
        note: match endpoints.credentials {
            Credentials::None => "Only these three. Traces, logs and metrics go to the same address.",
            _ => "Traces, logs and metrics go to the same address. Put your own secret where capitals are.",
        },
    }
}

/// The three variables of every SDK and what says who sends, then those of one language.
fn exports(endpoints: &Endpoints, more: &[&str]) -> String {
    let mut lines = vec![
        "export OTEL_SERVICE_NAME=my-service".to_owned(),
        format!("export OTEL_EXPORTER_OTLP_ENDPOINT={}", endpoints.otlp_http),
        "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf".to_owned(),
    ];
    let headers = endpoints.credentials.otlp_headers();
    lines.extend(headers.map(|headers| format!("export OTEL_EXPORTER_OTLP_HEADERS=\"{headers}\"")));
    lines.extend(more.iter().map(|line| format!("export {line}")));
    lines.join("\n")
}

fn python(endpoints: &Endpoints) -> Vec<Snippet> {
    vec![
        install(
            "pip install opentelemetry-distro opentelemetry-exporter-otlp\nopentelemetry-bootstrap -a install",
        ),
        Snippet {
            title: "Run",
            text: format!(
                "{}\nopentelemetry-instrument python app.py",
                exports(endpoints, &["OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED=true"])
            ),
            note: "The fourth variable sends what the logging module writes. No change in the code.",
        },
    ]
}

fn node(endpoints: &Endpoints) -> Vec<Snippet> {
    vec![
        install("npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node"),
        Snippet {
            title: "Run",
            text: format!(
                "{}\nnode app.js",
                exports(
                    endpoints,
                    &[
                        "OTEL_TRACES_EXPORTER=otlp",
                        "OTEL_METRICS_EXPORTER=otlp",
                        "OTEL_LOGS_EXPORTER=otlp",
                        "NODE_OPTIONS=\"--require @opentelemetry/auto-instrumentations-node/register\"",
                    ]
                )
            ),
            note: "Logs come from pino, winston and bunyan. No change in the code.",
        },
    ]
}

fn java(endpoints: &Endpoints) -> Vec<Snippet> {
    vec![
        install(
            "curl -sSfLO https://github.com/open-telemetry/opentelemetry-java-instrumentation/releases/latest/download/opentelemetry-javaagent.jar",
        ),
        Snippet {
            title: "Run",
            text: format!(
                "{}\njava -javaagent:opentelemetry-javaagent.jar -jar app.jar",
                exports(endpoints, &[])
            ),
            note: "Traces, metrics and logs, without a change in the code.",
        },
    ]
}

fn go(endpoints: &Endpoints) -> Vec<Snippet> {
    vec![
        install(
            "go get go.opentelemetry.io/otel go.opentelemetry.io/otel/sdk\ngo get go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp",
        ),
        Snippet {
            title: "In main",
            text: GO_MAIN.to_owned(),
            note: "The exporter reads the variables below.",
        },
        Snippet {
            title: "Run",
            text: format!("{}\ngo run .", exports(endpoints, &[])),
            note: "Wrap handlers with otelhttp to get a span for each request.",
        },
    ]
}

const GO_MAIN: &str = "\
// import \"go.opentelemetry.io/otel\", \"go.opentelemetry.io/otel/propagation\",
// sdktrace \"go.opentelemetry.io/otel/sdk/trace\" and the otlptracehttp package
exporter, err := otlptracehttp.New(ctx)
if err != nil {
    log.Fatal(err)
}
provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
defer provider.Shutdown(ctx)
otel.SetTracerProvider(provider)
otel.SetTextMapPropagator(propagation.TraceContext{})";

fn rust(endpoints: &Endpoints) -> Vec<Snippet> {
    vec![
        install("cargo add opentelemetry opentelemetry_sdk opentelemetry-otlp"),
        Snippet {
            title: "In main",
            text: RUST_MAIN.to_owned(),
            note: "Call provider.shutdown() before the process ends, or the last spans stay behind.",
        },
        Snippet { title: "Run", text: format!("{}\ncargo run", exports(endpoints, &[])), note: "" },
    ]
}

const RUST_MAIN: &str = "\
let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build()?;
let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder()
    .with_batch_exporter(exporter)
    .build();
opentelemetry::global::set_tracer_provider(provider.clone());";

fn dotnet(endpoints: &Endpoints) -> Vec<Snippet> {
    vec![
        install(
            "curl -sSfLO https://github.com/open-telemetry/opentelemetry-dotnet-instrumentation/releases/latest/download/otel-dotnet-auto-install.sh\nsh ./otel-dotnet-auto-install.sh\nchmod +x $HOME/.otel-dotnet-auto/instrument.sh",
        ),
        Snippet {
            title: "Run",
            text: format!("{}\n. $HOME/.otel-dotnet-auto/instrument.sh\n./MyApp", exports(endpoints, &[])),
            note: "Linux and macOS; no change in the code.",
        },
    ]
}

fn collector(endpoints: &Endpoints) -> Vec<Snippet> {
    vec![
        Snippet {
            title: "Already running a Collector: over HTTP",
            text: format!(
                "exporters:\n  otlphttp/firstfault:\n    endpoint: {}\n{}{}",
                endpoints.otlp_http,
                headers(endpoints.credentials),
                pipelines("otlphttp/firstfault")
            ),
            note: "Add it beside the exporters you have. Collectors from v0.144 on also call it otlp_http.",
        },
        Snippet {
            title: "Or over gRPC",
            text: format!(
                "exporters:\n  otlp/firstfault:\n    endpoint: {}\n    tls:\n      insecure: {}\n{}{}",
                without_scheme(&endpoints.otlp_grpc),
                !endpoints.otlp_grpc.starts_with("https://"),
                headers(endpoints.credentials),
                pipelines("otlp/firstfault")
            ),
            note: "The gRPC exporter expects TLS unless insecure is true. From v0.144 on also otlp_grpc.",
        },
    ]
}

/// Of an exporter of the Collector.
fn headers(credentials: Credentials) -> &'static str {
    match credentials {
        Credentials::None => "",
        Credentials::Token => "    headers:\n      authorization: Bearer YOUR_TOKEN\n",
        Credentials::Password => "    headers:\n      authorization: Basic BASE64_OF_NAME_COLON_PASSWORD\n",
    }
}

fn pipelines(exporter: &str) -> String {
    format!(
        "service:\n  pipelines:\n    traces:\n      exporters: [{exporter}]\n    logs:\n      exporters: [{exporter}]\n    metrics:\n      exporters: [{exporter}]"
    )
}

fn curl(endpoints: &Endpoints) -> Vec<Snippet> {
    let who = match endpoints.credentials {
        Credentials::None => "",
        Credentials::Token => "-H 'authorization: Bearer YOUR_TOKEN' ",
        Credentials::Password => "-u 'NAME:PASSWORD' ",
    };
    vec![Snippet {
        title: "Check without an SDK",
        text: format!(
            "NOW=$(($(date +%s) - 1))\nTRACE=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \\n')\nSPAN=$(od -An -N8 -tx1 /dev/urandom | tr -d ' \\n')\ncurl -sS {}/v1/traces {who}-H 'content-type: application/json' -d @- <<EOF\n{CURL_BODY}\nEOF",
            endpoints.otlp_http
        ),
        note: "Answers with an empty object once the span is on disk. Anything refused comes back with its reason.",
    }]
}

/// A whole OTLP/JSON request: one server span of a quarter of a second.
const CURL_BODY: &str = r#"{"resourceSpans":[{
  "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"hello"}}]},
  "scopeSpans":[{"scope":{"name":"curl"},"spans":[{
    "traceId":"$TRACE","spanId":"$SPAN","name":"GET /hello","kind":2,
    "startTimeUnixNano":"${NOW}000000000","endTimeUnixNano":"${NOW}250000000",
    "attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}}]}]}]}]}"#;

fn install(text: &str) -> Snippet {
    Snippet { title: "Install", text: text.to_owned(), note: "" }
}

/// gRPC clients of the Collector take `host:port`.
fn without_scheme(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/')
}

/// Marks the names of environment variables, `OTEL_...`, in one line.
fn ink_names(line: &str, pieces: &mut Vec<(Ink, String)>) {
    let mut rest = line;
    while let Some(start) = rest.find("OTEL_") {
        let n =
            rest[start..].find(|c: char| !(c.is_ascii_uppercase() || c == '_')).unwrap_or(rest.len() - start);
        if start > 0 {
            pieces.push((Ink::Plain, rest[..start].to_owned()));
        }
        pieces.push((Ink::Name, rest[start..start + n].to_owned()));
        rest = &rest[start + n..];
    }
    if !rest.is_empty() {
        pieces.push((Ink::Plain, rest.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints() -> Endpoints {
        Endpoints {
            otlp_grpc: "http://127.0.0.1:14317".to_owned(),
            otlp_http: "http://127.0.0.1:14318".to_owned(),
            dashboard: "http://127.0.0.1:4320".to_owned(),
            ..Endpoints::default()
        }
    }

    fn text_of(tab: Tab) -> String {
        snippets(tab, &endpoints()).into_iter().map(|snippet| snippet.text).collect::<Vec<_>>().join("\n")
    }

    /// Scenario: the server listens on ports of its own choice.
    /// Guarantees: every tab names the address in use, and no tab names a default port.
    #[test]
    fn every_tab_uses_the_endpoints_in_use() {
        for tab in Tab::ALL {
            let text = text_of(tab);
            assert!(text.contains("127.0.0.1:1431"), "{} lacks the endpoint: {text}", tab.id());
            assert!(!text.contains(":4317") && !text.contains(":4318"), "{} has a fixed port", tab.id());
        }
        assert_eq!(demo_command(&endpoints()), "firstfault demo --endpoint http://127.0.0.1:14317");
    }

    /// Scenario: somebody follows a language tab to the letter.
    /// Guarantees: the three variables of every SDK are set there, with the protocol of the HTTP port.
    #[test]
    fn every_language_sets_the_three_variables() {
        for tab in [Tab::Environment, Tab::Python, Tab::Node, Tab::Java, Tab::Go, Tab::Rust, Tab::DotNet] {
            let text = text_of(tab);
            for line in [
                "export OTEL_SERVICE_NAME=my-service",
                "export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:14318",
                "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
            ] {
                assert!(text.contains(line), "{} lacks {line}", tab.id());
            }
        }
    }

    /// Scenario: the server asks senders for a token, for a user's password, and for nothing.
    /// Guarantees: every tab and the demo say where it goes, by a word that holds its place; else none speaks of it.
    #[test]
    fn every_tab_has_a_place_for_credentials() {
        for (credentials, word) in [(Credentials::Token, "YOUR_TOKEN"), (Credentials::Password, "PASSWORD")] {
            let asking = Endpoints { credentials, ..endpoints() };
            for tab in Tab::ALL {
                let texts = snippets(tab, &asking).into_iter().map(|snippet| snippet.text);
                let text = texts.collect::<Vec<_>>().join("\n");
                assert!(text.to_lowercase().contains("authorization") || text.contains(" -u '"), "{text}");
                assert!(text.contains(word), "{} lacks {word}: {text}", tab.id());
                assert!(!text_of(tab).to_lowercase().contains("authorization"), "{}", tab.id());
            }
            assert!(demo_command(&asking).contains(word), "{}", demo_command(&asking));
        }
        let asking = Endpoints { credentials: Credentials::Token, ..endpoints() };
        let line = "export OTEL_EXPORTER_OTLP_HEADERS=\"authorization=Bearer%20YOUR_TOKEN\"";
        assert!(snippets(Tab::Python, &asking)[1].text.contains(line));
    }

    /// Scenario: the commands that make zero-code instrumentation work.
    /// Guarantees: each is spelled as its project documents it.
    #[test]
    fn zero_code_commands_are_exact() {
        let python = text_of(Tab::Python);
        assert!(python.contains("pip install opentelemetry-distro opentelemetry-exporter-otlp"));
        assert!(python.contains("opentelemetry-bootstrap -a install"));
        assert!(python.contains("OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED=true"));
        assert!(python.contains("opentelemetry-instrument python app.py"));
        assert!(
            text_of(Tab::Node)
                .contains("NODE_OPTIONS=\"--require @opentelemetry/auto-instrumentations-node/register\"")
        );
        assert!(text_of(Tab::Java).contains("-javaagent:opentelemetry-javaagent.jar"));
    }

    /// Scenario: a Collector sends over gRPC to a plain-text port.
    /// Guarantees: the endpoint has no scheme and TLS is off; with an https endpoint TLS stays on.
    #[test]
    fn collector_over_grpc_is_plain_text_unless_the_endpoint_is_not() {
        let text = text_of(Tab::Collector);
        assert!(text.contains("endpoint: 127.0.0.1:14317\n    tls:\n      insecure: true"), "{text}");
        let secure = Endpoints { otlp_grpc: "https://collect.example:443/".to_owned(), ..endpoints() };
        let text = &snippets(Tab::Collector, &secure)[1].text;
        assert!(text.contains("endpoint: collect.example:443\n    tls:\n      insecure: false"), "{text}");
    }

    /// Scenario: the shell fills in time and ids of the curl line.
    /// Guarantees: the body is JSON, with ids of 16 and 8 bytes and a span that ends after it starts.
    #[test]
    fn curl_body_is_a_valid_otlp_json_request() {
        let body = CURL_BODY
            .replace("$TRACE", "5b8efff798038103d269b633813fc60c")
            .replace("$SPAN", "eee19b7ec3c1b174")
            .replace("${NOW}", "1795348800");
        let json: serde_json::Value = serde_json::from_str(&body).expect("json");
        let span = &json["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        let nanos = |key: &str| span[key].as_str().and_then(|text| text.parse::<i64>().ok()).expect("nanos");
        assert_eq!(nanos("endTimeUnixNano") - nanos("startTimeUnixNano"), 250_000_000);
        assert_eq!(span["kind"], 2);
    }

    /// Scenario: a snippet is cut into coloured pieces.
    /// Guarantees: the pieces are the text again, comments and names of variables are found.
    #[test]
    fn inks_lose_nothing() {
        for tab in Tab::ALL {
            for snippet in snippets(tab, &endpoints()) {
                let joined: String = inks(&snippet.text).into_iter().map(|(_, piece)| piece).collect();
                assert_eq!(joined, snippet.text);
            }
        }
        let pieces = inks("# hello\nexport OTEL_SERVICE_NAME=x");
        assert_eq!(pieces[0], (Ink::Comment, "# hello\n".to_owned()));
        assert_eq!(pieces[2], (Ink::Name, "OTEL_SERVICE_NAME".to_owned()));
    }

    /// Scenario: the tab in the URL is unknown, or any of the known ones.
    /// Guarantees: ids come back as themselves; an unknown one falls back to the first tab.
    #[test]
    fn tab_ids_round_trip() {
        for tab in Tab::ALL {
            assert_eq!(Tab::from_id(tab.id()), tab);
        }
        assert_eq!(Tab::from_id("cobol"), Tab::Environment);
    }
}
