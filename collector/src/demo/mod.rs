//! `firstfault demo`: a simulated shop that sends real OTLP over gRPC to a running server.
//!
//! `topology` and `faults` say what the shop is, `unfold` and `world` let it live, `otlp` writes it down as
//! an SDK would, `send` delivers it, and `report` prints what went wrong when: the ground truth to judge a
//! diagnosis by. The model never reads a clock or a socket, so a seed always tells the same story.

mod faults;
mod rng;
mod topology;

mod span;
mod unfold;
mod world;

mod histogram;
mod metrics;

mod attributes;
mod logs;
mod otlp;

pub(crate) mod offline;
mod play;
mod report;
mod send;

#[cfg(test)]
mod tests;

use crate::clock::Clock;
use crate::reach::Reach;
use crate::shutdown::Signals;
use crate::units::{self, nanos};
pub use faults::FaultChoice;
use faults::Script;
use report::Report;
use send::Client;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;
use world::World;

/// Send live OTLP from a simulated shop of twelve services, with faults whose truth is printed.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Where the server takes OTLP over gRPC.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4317")]
    pub endpoint: String,
    #[command(flatten)]
    reach: Reach,
    /// Visits per second; each is one trace.
    #[arg(long, value_name = "PER_SECOND", default_value = "20", value_parser = rate)]
    pub rate: f64,
    /// Stop after so much live traffic; 0s sends only the history. Default: until ctrl-c.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub duration: Option<Duration>,
    /// First send the past so long, as fast as the server takes it.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub history: Duration,
    /// The same seed gives the same visits, ids and latencies.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// What goes wrong.
    #[arg(long, value_enum, default_value_t = FaultChoice::Script)]
    pub fault: FaultChoice,
    /// Healthy time before a fault, counted from the start of the data, history included.
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration)]
    pub fault_after: Duration,
    /// How long a fault lasts.
    #[arg(long, value_name = "TIME", default_value = "3m", value_parser = some_duration)]
    pub fault_for: Duration,
    /// Also write the ground truth to this file, as JSON; rewritten whenever a fault begins or ends.
    #[arg(long, value_name = "FILE")]
    pub truth_file: Option<PathBuf>,
}

/// Why the demo ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{endpoint:?} is not an address to send to: write it as http://HOST:PORT")]
    Endpoint {
        endpoint: String,
        #[source]
        source: tonic::transport::Error,
    },
    #[error("no server answers at {endpoint}: start one with `firstfault`, or name another with --endpoint")]
    NoServer {
        endpoint: String,
        #[source]
        source: tonic::transport::Error,
    },
    #[error("cannot connect to {endpoint}")]
    Reach {
        endpoint: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error(
        "{endpoint} asks for credentials ({reason}): set FIRSTFAULT_TOKEN, or name a user with --user and set \
         FIRSTFAULT_PASSWORD"
    )]
    Credentials { endpoint: String, reason: String },
    #[error(
        "{endpoint} does not take OTLP over gRPC ({reason}): name that port of the server with --endpoint, \
         4317 by default"
    )]
    NotOtlp { endpoint: String, reason: String },
    #[error("{endpoint} took nothing for {}", units::show_duration(*.waited))]
    ServerGone {
        endpoint: String,
        waited: Duration,
        #[source]
        source: Box<tonic::Status>,
    },
    #[error("cannot write the truth file {}", path.display())]
    TruthFile {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot print progress")]
    Print(#[source] io::Error),
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
    #[error("the simulation stopped")]
    Model(#[source] tokio::task::JoinError),
    #[error("interrupted before everything was sent")]
    Interrupted,
}

/// Sends until the time is over or a signal comes; then lets the visitors finish and sends the rest.
/// A second signal ends it at once.
pub async fn run(args: Args) -> Result<(), Error> {
    let mut signals = Signals::listen().map_err(Error::Signals)?;
    let client = Client::connect(&args.endpoint, &args.reach).await?;
    let (stop, stopping) = watch::channel(false);
    let show = prepare(&args, Clock.now(), client)?;
    let mut playing = pin!(show.play(stopping));
    tokio::select! {
        result = &mut playing => return result,
        signal = signals.next() => {
            tracing::info!(signal, "finishing the visits under way, a second signal ends at once");
            stop.send_replace(true);
        }
    };
    tokio::select! {
        result = &mut playing => result,
        _ = signals.next() => Err(Error::Interrupted),
    }
}

/// Nanoseconds in a second.
const SECOND_NS: i64 = 1_000_000_000;

fn prepare(args: &Args, now_ns: i64, client: Client) -> Result<play::Show<io::Stdout>, Error> {
    // Whole milliseconds, so that the truth can say exactly when a fault began.
    let start_ns = (now_ns - nanos(args.history)) / 1_000_000 * 1_000_000;
    let script = Script {
        choice: args.fault,
        start_ns,
        after_ns: nanos(args.fault_after),
        for_ns: nanos(args.fault_for),
    };
    let world = World::new(args.seed, args.rate, script.clone());
    let mut report = Report::new(io::stdout(), script, args);
    report.open(args)?;
    let stop_at_ns = args.duration.map_or(i64::MAX, |duration| now_ns.saturating_add(nanos(duration)));
    Ok(play::Show { world, client, report, stop_at_ns, step_ns: step_ns(args.rate), clock: Clock })
}

/// While catching up, one step makes at most so many traces, which bounds the memory.
const STEP_TRACES_MAX: f64 = 1_000.0;

fn step_ns(rate_per_s: f64) -> i64 {
    let seconds = (STEP_TRACES_MAX / rate_per_s).clamp(0.05, 10.0);
    (seconds * 1e9) as i64
}

/// A century: longer times would not fit beside the present in 64 bits of nanoseconds.
const DURATION_MAX: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

fn duration(text: &str) -> Result<Duration, String> {
    let duration = units::duration(text).ok_or_else(|| units::DURATION_HINT.to_owned())?;
    if duration > DURATION_MAX { Err("longer than a century".to_owned()) } else { Ok(duration) }
}

fn some_duration(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration < Duration::from_millis(1) { Err("must be at least 1ms".to_owned()) } else { Ok(duration) }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "write a number, such as 20".to_owned())?;
    if (0.01..=20_000.0).contains(&rate) { Ok(rate) } else { Err("must be from 0.01 to 20000".to_owned()) }
}
