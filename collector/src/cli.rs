//! The command line: what was asked for, and the exit code.
//!
//! Exit codes: 0 done, 1 failed while working, 2 wrong arguments or configuration. Results go to
//! standard output, everything else to standard error.

use crate::causes::with_causes;
use crate::config::{self, Config, Flag};
use crate::run::Started;
use crate::{demo, logging, query_command, run, slo_command, storage_command};
use clap::{Parser, Subcommand};
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// OTLP collector and incident dashboard: where did it break first?
#[derive(Debug, Parser)]
#[command(name = "firstfault", version, args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(flatten)]
    serve: ServeArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Receive telemetry and serve the dashboard (the default).
    Serve(ServeArgs),
    /// Check a configuration file and say everything that is wrong with it.
    CheckConfig {
        /// The TOML file.
        file: PathBuf,
    },
    /// Run a read-only SQL statement on a running server.
    Query(query_command::Args),
    /// Send live telemetry of a simulated shop to a running server.
    Demo(demo::Args),
    /// Objectives in files: check and export them, and try them on what a running server has stored.
    Slo(slo_command::Args),
    /// Look after a data directory: verify, measure, compact, export, import, back up, restore.
    Storage(storage_command::Args),
    /// Print the version.
    Version,
}

#[derive(Debug, clap::Args)]
struct ServeArgs {
    /// Configuration file (TOML).
    #[arg(long, value_name = "FILE", env = "FIRSTFAULT_CONFIG")]
    config: Option<PathBuf>,
    /// Where data is kept.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Address for OTLP over gRPC; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS")]
    listen_otlp_grpc: Option<String>,
    /// Address for OTLP over HTTP.
    #[arg(long, value_name = "ADDRESS")]
    listen_otlp_http: Option<String>,
    /// Address for the dashboard and the API.
    #[arg(long, value_name = "ADDRESS")]
    listen_api: Option<String>,
    /// Allow addresses that other machines can reach, also where nothing asks for credentials.
    #[arg(long)]
    allow_public: bool,
}

impl ServeArgs {
    /// The flags that were given, as settings.
    fn flags(&self) -> Vec<Flag> {
        let texts = [
            ("--data-dir", "storage.data_dir", &self.data_dir),
            ("--listen-otlp-grpc", "listen.otlp_grpc", &self.listen_otlp_grpc),
            ("--listen-otlp-http", "listen.otlp_http", &self.listen_otlp_http),
            ("--listen-api", "listen.api", &self.listen_api),
        ];
        let flag = |(flag, key, text): (_, _, &Option<String>)| Some(Flag { flag, key, text: text.clone()? });
        let mut flags: Vec<Flag> = texts.into_iter().filter_map(flag).collect();
        if self.allow_public {
            flags.push(Flag { flag: "--allow-public", key: "listen.allow_public", text: "true".to_owned() });
        }
        flags
    }
}

/// Why the process ends with a code other than 0.
#[derive(Debug)]
pub struct Failure {
    message: String,
    exit_code: u8,
}

impl Failure {
    pub(crate) fn work(error: &dyn Error) -> Self {
        Self { message: with_causes(error), exit_code: 1 }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), exit_code: 2 }
    }
}

/// Reads the process's arguments; ends the process for `--help` and for mistakes.
pub fn parse() -> Args {
    Args::parse()
}

/// Does what was asked for.
pub fn execute(args: Args) -> Result<(), Failure> {
    match args.command.unwrap_or(Command::Serve(args.serve)) {
        Command::Serve(args) => serve(&args),
        Command::CheckConfig { file } => check_config(file),
        Command::Query(args) => wait(query_command::run(args))?.map_err(|error| Failure::work(&error)),
        Command::Demo(args) => {
            start_log()?;
            wait(demo::run(args))?.map_err(|error| Failure::work(&error))
        }
        Command::Slo(args) => slo_command::run(args),
        Command::Storage(args) => storage_command::run(args),
        Command::Version => print(format!("firstfault {}\n", env!("CARGO_PKG_VERSION"))),
    }
}

/// Tells why, on standard error, and gives the exit code.
pub fn report(failure: &Failure) -> ExitCode {
    // There is nobody to tell that standard error cannot be written to.
    let _ = writeln!(io::stderr(), "firstfault: {}", failure.message);
    ExitCode::from(failure.exit_code)
}

fn serve(args: &ServeArgs) -> Result<(), Failure> {
    start_log()?;
    let config = load(args.config.clone(), args.flags())?;
    let ready = |started: &Started<'_>| {
        if let Err(failure) = print(banner(started)) {
            tracing::warn!(failure.message, "cannot print where the server is");
        }
    };
    wait(run::run(config, ready))?.map_err(|error| Failure::work(&error))
}

fn check_config(file: PathBuf) -> Result<(), Failure> {
    let name = file.display().to_string();
    let config = load(Some(file), Vec::new())?;
    let mut text = format!(
        "{name} is valid: {}, {}, data in {}\n",
        counted(config.slos.len(), "SLO"),
        counted(config.receivers.len(), "receiver"),
        config.storage.data_dir.display()
    );
    for slo in &config.slos {
        text.extend(slo.notes().iter().map(|note| format!("  note: SLO {}: {note}\n", slo.id())));
    }
    print(text)
}

pub(crate) fn load(file: Option<PathBuf>, flags: Vec<Flag>) -> Result<Config, Failure> {
    let sources = config::sources(file.as_deref(), flags).map_err(|error| {
        let path = file.unwrap_or_default();
        Failure::usage(format!("cannot read the configuration file {}: {error}", path.display()))
    })?;
    config::load(&sources).map_err(|problems| {
        let problems_counted = counted(problems.len(), "problem");
        Failure::usage(format!("{problems_counted} in the configuration\n\n{problems}"))
    })
}

/// `1 SLO`, `2 SLOs`.
fn counted(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

pub(crate) fn start_log() -> Result<(), Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    let (filter, format) = (variable("FIRSTFAULT_LOG"), variable("FIRSTFAULT_LOG_FORMAT"));
    logging::init(filter.as_deref(), format.as_deref()).map_err(|error| Failure::usage(error.to_string()))
}

/// Runs a task on a runtime of its own.
pub(crate) fn wait<T>(task: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    Ok(runtime.map_err(|error| Failure::work(&error))?.block_on(task))
}

pub(crate) fn print(text: impl AsRef<str>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_ref().as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Failure::work(&error))
}

/// Where to look and where to send, ready to be copied into a shell.
fn banner(started: &Started<'_>) -> String {
    let wire::Endpoints { otlp_grpc, otlp_http, dashboard, credentials } = started.endpoints;
    let data_dir = started.data_dir.display();
    let headers = credentials.otlp_headers();
    let headers = headers
        .map_or(String::new(), |headers| format!("  export OTEL_EXPORTER_OTLP_HEADERS=\"{headers}\"\n"));
    format!(
        "\nFirstfault {} is ready.\n\n  \
         Dashboard   {dashboard}\n  \
         OTLP/gRPC   {otlp_grpc}\n  \
         OTLP/HTTP   {otlp_http}\n  \
         Data        {data_dir}\n\n\
         Point an OpenTelemetry SDK at it:\n\n  \
         export OTEL_EXPORTER_OTLP_ENDPOINT={otlp_http}\n  \
         export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n  \
         export OTEL_SERVICE_NAME=my-service\n{headers}\n",
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// Scenario: the definition of the command line, the default command, and flags beside a command.
    /// Guarantees: it is sound; no command means serve; flags of serve do not leak to other commands.
    #[test]
    fn serve_is_the_default() {
        Args::command().debug_assert();
        let args = Args::try_parse_from(["firstfault", "--listen-api", "127.0.0.1:0", "--allow-public"])
            .expect("valid");
        assert!(args.command.is_none());
        let keys: Vec<_> = args.serve.flags().into_iter().map(|flag| (flag.key, flag.text)).collect();
        let text = |text: &str| text.to_owned();
        assert_eq!(keys, [("listen.api", text("127.0.0.1:0")), ("listen.allow_public", text("true"))]);
        assert!(Args::try_parse_from(["firstfault", "--data-dir", "x", "version"]).is_err());
        assert!(Args::try_parse_from(["firstfault", "serve", "--data-dir", "x"]).is_ok());
    }

    /// Scenario: none, one and two things are counted.
    /// Guarantees: only one is singular.
    #[test]
    fn counts_are_worded() {
        assert_eq!([0, 1, 2].map(|n| counted(n, "SLO")), ["0 SLOs", "1 SLO", "2 SLOs"]);
    }

    /// Scenario: a running server with ports of its own.
    /// Guarantees: the banner names every address and the three variables that an SDK needs; where senders are asked for
    /// credentials, a fourth one, with a place for the secret.
    #[test]
    fn banner_can_be_copied() {
        let mut endpoints = wire::Endpoints {
            otlp_grpc: "http://127.0.0.1:1".to_owned(),
            otlp_http: "http://127.0.0.1:2".to_owned(),
            dashboard: "http://127.0.0.1:3".to_owned(),
            ..wire::Endpoints::default()
        };
        let started = Started { endpoints: &endpoints, data_dir: "/data".as_ref() };
        let text = banner(&started).replace(env!("CARGO_PKG_VERSION"), "VERSION");
        expect_test::expect![[r#"

            Firstfault VERSION is ready.

              Dashboard   http://127.0.0.1:3
              OTLP/gRPC   http://127.0.0.1:1
              OTLP/HTTP   http://127.0.0.1:2
              Data        /data

            Point an OpenTelemetry SDK at it:

              export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:2
              export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
              export OTEL_SERVICE_NAME=my-service

        "#]]
        .assert_eq(&text);
        for (credentials, end) in [
            (wire::Credentials::Token, "authorization=Bearer%20YOUR_TOKEN\"\n\n"),
            (
                wire::Credentials::Password,
                "authorization=Basic%20$(printf %s 'NAME:PASSWORD' | base64)\"\n\n",
            ),
        ] {
            endpoints.credentials = credentials;
            let text = banner(&Started { endpoints: &endpoints, data_dir: "/data".as_ref() });
            assert!(text.ends_with(&format!("  export OTEL_EXPORTER_OTLP_HEADERS=\"{end}")), "{text}");
        }
    }
}
