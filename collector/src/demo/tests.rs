//! Tests of the demo: the model against its own declarations, and what it looks like on the wire.

mod delivery;
mod fault_windows;
mod graph;
mod model;
mod saturation;
mod sql_page;
mod triage;
mod wire;

use super::faults::{FaultChoice, Script};
use super::span::{Activity, DemoSpan};
use super::world::{Batch, World};
use super::{Args, SECOND_NS};
use clap::Parser;

/// A fixed moment, on a whole ten seconds.
const START_NS: i64 = 1_790_000_000 * SECOND_NS;

/// Two minutes of health, then three of trouble.
fn script(choice: FaultChoice) -> Script {
    Script { choice, start_ns: START_NS, after_ns: 120 * SECOND_NS, for_ns: 180 * SECOND_NS }
}

/// All that happens in so many seconds of the shop, advanced in steps of `step_ns`.
fn live(seed: u64, choice: FaultChoice, rate_per_s: f64, seconds: i64, step_ns: i64) -> Batch {
    let mut world = World::new(seed, rate_per_s, script(choice));
    let end_ns = START_NS + seconds * SECOND_NS;
    let mut all = Batch::default();
    while world.advanced_to_ns() < end_ns {
        let batch = world.advance((world.advanced_to_ns() + step_ns).min(end_ns));
        all.spans.extend(batch.spans);
        all.logs.extend(batch.logs);
        all.metrics.extend(batch.metrics);
    }
    all
}

/// Whom a span reaches from where, as on a service map.
fn edge(span: &DemoSpan) -> Option<(&'static str, &'static str)> {
    let service = span.instance.service.name;
    match span.activity {
        Activity::Call(call) => Some((service, call.to.service.name)),
        Activity::Query(query) => Some((service, query.store.name)),
        Activity::Request(external) => Some((service, external.host)),
        Activity::Publish(message) => Some((service, message.topic.name)),
        Activity::Consume(message, _) => Some((message.topic.name, service)),
        Activity::Serve(_) | Activity::Inside(_) => None,
    }
}

#[derive(Debug, Parser)]
struct Command {
    #[command(flatten)]
    args: Args,
}

/// The arguments of a command line, split at blanks.
fn args(line: &str) -> Result<Args, clap::Error> {
    Command::try_parse_from(format!("demo {line}").split_whitespace()).map(|command| command.args)
}
