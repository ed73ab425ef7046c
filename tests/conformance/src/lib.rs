//! A checklist of OTLP, run against any server as a black box.
//!
//! Nothing here is of Firstfault: requests are made by hand or by the official client, sent over sockets, and
//! judged by what comes back. Every check has a deadline, and what it holds is bounded. A server may say anything:
//! what it says is decoded with care, and shown printable. `docs/conformance.md` is the page for users.

mod checklist;
mod checks;
mod clock;
mod messages;
mod outcome;
mod query;
mod report;
mod target;
mod trust;
mod wire;

pub use outcome::{Level, Outcome, Verdict};
pub use report::{as_json, is_failed, table};
pub use target::{Settings, Target, TargetError};

use checklist::{CHECKLIST, Line, Pace};
use futures::{FutureExt as _, StreamExt as _, stream};
use outcome::{Stop, with_causes};
use std::io;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::timeout;

/// Lines that are checked at once; together they hold a few megabytes in a server.
const AT_ONCE: usize = 8;
/// For the first connection of all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Does anything listen where the target's OTLP/HTTP should be, with a certificate that is trusted if it speaks TLS?
pub async fn reach(target: &Target) -> io::Result<()> {
    let reached = timeout(CONNECT_TIMEOUT, wire::reach(target.http())).await?;
    reached.map_err(|trouble| io::Error::other(with_causes(&trouble)))
}

/// Judges the lines that the target's settings ask for; `tell` hears of each as soon as it is judged. In the order
/// of their numbers at the end.
pub async fn run(target: &Target, tell: &mut dyn FnMut(&Outcome)) -> Vec<Outcome> {
    let wanted = CHECKLIST.iter().filter(|line| target.wants(line.number));
    let (mut alone, mut together): (Vec<&'static Line>, Vec<&'static Line>) =
        wanted.partition(|line| line.pace >= Pace::Alone);
    // The slow ones wait most of their time: they start first.
    together.sort_by_key(|line| line.pace);
    alone.sort_by_key(|line| line.pace);
    let mut outcomes = Vec::new();
    let mut judged = stream::iter(together).map(|line| judge(line, target)).buffer_unordered(AT_ONCE);
    while let Some(outcome) = judged.next().await {
        tell(&outcome);
        outcomes.push(outcome);
    }
    for line in alone {
        let outcome = judge(line, target).await;
        tell(&outcome);
        outcomes.push(outcome);
    }
    outcomes.sort_by_key(|outcome| outcome.number);
    outcomes
}

/// A check that hangs or panics costs its own line only.
async fn judge(line: &'static Line, target: &Target) -> Outcome {
    let limit = line.pace.limit();
    let checking = AssertUnwindSafe((line.check)(target)).catch_unwind();
    let checked = match timeout(limit, checking).await {
        Ok(Ok(checked)) => checked,
        Ok(Err(_)) => Err(Stop::Fail("the check itself broke on what the server said".to_owned())),
        Err(_) => Err(Stop::Fail(format!("no verdict within {} s: an answer is missing", limit.as_secs()))),
    };
    Outcome::new(line, checked)
}
