//! One line of the client matrix: which SDK, over what, compressed or not; and how its program is started.

use crate::support::server::Server;
use crate::support::tool;
use std::path::{Path, PathBuf};
use tokio::process::Command;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Python,
    Node,
    /// In the process of the test itself.
    Rust,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Grpc,
    HttpProtobuf,
    HttpJson,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) language: Language,
    pub(crate) protocol: Protocol,
    pub(crate) is_gzip: bool,
}

const CLIENTS: [(Language, Protocol); 6] = [
    (Language::Python, Protocol::HttpProtobuf),
    (Language::Python, Protocol::Grpc),
    (Language::Node, Protocol::HttpProtobuf),
    (Language::Node, Protocol::HttpJson),
    (Language::Rust, Protocol::HttpProtobuf),
    (Language::Rust, Protocol::Grpc),
];

/// What was installed for the programs.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    /// The interpreter with the Python packages.
    pub(crate) python: PathBuf,
    pub(crate) node_modules: PathBuf,
}

impl Tools {
    /// Nothing, after saying so, where the test has to be skipped.
    pub(crate) fn find(test: &str) -> Option<Self> {
        let python = tool(test, "FIRSTFAULT_TEST_PYTHON")?;
        let node_modules = tool(test, "FIRSTFAULT_TEST_NODE_MODULES")?;
        Some(Self { python, node_modules })
    }
}

impl Case {
    /// Every way in which a language sends, without gzip and with it.
    pub(crate) fn all_of(language: Language) -> Vec<Self> {
        let clients = CLIENTS.into_iter().filter(|(of, _)| *of == language);
        let both = clients.flat_map(|(language, protocol)| {
            [false, true].map(|is_gzip| Self { language, protocol, is_gzip })
        });
        both.collect()
    }

    /// Each client once, most of them with gzip.
    pub(crate) fn one_of_each() -> Vec<Self> {
        let clients = CLIENTS.into_iter().enumerate();
        let cases = clients.map(|(idx, (language, protocol))| {
            let is_gzip = idx % 3 != 0;
            Self { language, protocol, is_gzip }
        });
        cases.collect()
    }

    /// Also the name of its service.
    pub(crate) fn name(&self) -> String {
        let language = self.sdk_language();
        let protocol = match self.protocol {
            Protocol::Grpc => "grpc",
            Protocol::HttpProtobuf => "protobuf",
            Protocol::HttpJson => "json",
        };
        let compression = if self.is_gzip { "gzip" } else { "none" };
        format!("{language}-{protocol}-{compression}")
    }

    /// What the SDK calls its language.
    pub(crate) fn sdk_language(&self) -> &'static str {
        match self.language {
            Language::Python => "python",
            Language::Node => "nodejs",
            Language::Rust => "rust",
        }
    }

    /// Of sums and histograms: both come over every client, without a dimension more.
    pub(crate) fn temporality(&self) -> &'static str {
        if self.is_gzip { "delta" } else { "cumulative" }
    }

    pub(crate) fn endpoint(&self, server: &Server) -> String {
        match self.protocol {
            Protocol::Grpc => server.otlp_grpc(),
            Protocol::HttpProtobuf | Protocol::HttpJson => server.otlp_http(),
        }
    }

    /// Is a request that was cut off given up instead of sent again? tonic calls it UNKNOWN, which no exporter may
    /// retry; all the others call it a connection that failed.
    pub(crate) fn gives_up_when_cut(&self) -> bool {
        (self.language, self.protocol) == (Language::Rust, Protocol::Grpc)
    }

    /// A program in the language of the case, with the variables that any SDK understands.
    pub(crate) fn command(&self, program: &str, endpoint: &str, tools: &Tools) -> Command {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
        let mut command = match self.language {
            Language::Python => {
                let mut command = Command::new(&tools.python);
                // Compiled modules stay out of the checkout.
                command.env("PYTHONDONTWRITEBYTECODE", "1").arg(dir.join(format!("python/{program}.py")));
                command
            }
            Language::Node => {
                let mut command = Command::new("node");
                command.env("NODE_PATH", &tools.node_modules).arg(dir.join(format!("node/{program}.js")));
                command
            }
            Language::Rust => panic!("{} has no program of its own", self.name()),
        };
        self.set_up(&mut command, endpoint);
        command.kill_on_drop(true);
        command
    }

    fn set_up(&self, command: &mut Command, endpoint: &str) {
        let protocol = match self.protocol {
            Protocol::Grpc => "grpc",
            Protocol::HttpProtobuf => "http/protobuf",
            Protocol::HttpJson => "http/json",
        };
        command.env("OTEL_SERVICE_NAME", self.name());
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        command.env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
        command.env("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", self.temporality());
        command.env("OTEL_RESOURCE_ATTRIBUTES", RESOURCE_ATTRIBUTES);
        // Points are exported when the program says so, and never between.
        command.env("OTEL_METRIC_EXPORT_INTERVAL", "3600000");
        command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        // Python's gRPC exporter refuses the value "none".
        if self.is_gzip {
            command.env("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
        }
        // Python counts seconds where others count milliseconds.
        let patience_ms = PATIENCE_S * if self.language == Language::Python { 1 } else { 1000 };
        command.env("OTEL_EXPORTER_OTLP_TIMEOUT", patience_ms.to_string());
    }
}

/// How long an exporter tries, where it does not stop after a number of tries.
pub(crate) const PATIENCE_S: u64 = 60;

/// The attribute that is percent-encoded holds a letter beyond ASCII and the separator itself.
const RESOURCE_ATTRIBUTES: &str =
    "service.version=9.8.7,deployment.environment.name=test,shop.city=M%C3%BCnchen%2C%20Ost";
