//! The command line.

use clap::Parser;
use conformance::Settings;
use std::path::PathBuf;

/// Checks an OTLP server against the specification, from outside, and prints a table.
///
/// Ends with 1 when a line fails that the specification calls a MUST, with 2 when there is nothing to check.
#[derive(Debug, Parser)]
#[command(name = "conformance")]
pub(crate) struct Args {
    /// Base of OTLP/HTTP, such as http://127.0.0.1:4318; `/v1/traces` is added to it.
    #[arg(long, value_name = "URL")]
    endpoint: String,
    /// Address of OTLP/gRPC; without it, port 4317 of the same host.
    #[arg(long, value_name = "URL")]
    grpc: Option<String>,
    /// File with the certificate of the authority that servers at https:// are certified by, as PEM.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// A header of every request, such as 'authorization: Bearer ...'; may be given more than once.
    #[arg(long = "header", value_name = "'NAME: VALUE'")]
    headers: Vec<String>,
    /// Address of a Firstfault API, such as http://127.0.0.1:4320: what was sent is read back there.
    #[arg(long, value_name = "URL")]
    query: Option<String>,
    /// Folder with the JSON examples of the opentelemetry-proto repository.
    #[arg(long, value_name = "DIR")]
    examples: Option<PathBuf>,
    /// Only these lines, such as 7,12.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    only: Vec<u8>,
    /// Prints JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
    /// Ends with 1 when any line fails, SHOULD and OURS too.
    #[arg(long)]
    pub(crate) strict: bool,
}

impl Args {
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            endpoint: self.endpoint.clone(),
            grpc: self.grpc.clone(),
            ca: self.ca.clone(),
            headers: self.headers.clone(),
            query: self.query.clone(),
            examples: self.examples.clone(),
            only: self.only.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// Scenario: the definition of the command line, and one with everything.
    /// Guarantees: it is sound, and lists and repeated headers are read.
    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
        let args = [
            "conformance",
            "--endpoint",
            "http://h:1",
            "--only",
            "7,12",
            "--header",
            "a: b",
            "--header",
            "c: d",
        ];
        let settings = Args::try_parse_from(args).expect("valid").settings();
        assert_eq!((settings.only, settings.headers.len()), (vec![7, 12], 2));
        assert!(Args::try_parse_from(["conformance"]).is_err());
    }
}
