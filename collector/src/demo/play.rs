//! Lets the simulated time follow the real one: first the history as fast as it goes, then live.
//!
//! Past and present are the same loop. A step ends at the present or after `step_ns`, whichever is first, is
//! sent whole, and only then comes the next: a slow server slows the demo down and never fills its memory.

use super::report::Report;
use super::send::{Client, Tally};
use super::world::World;
use super::{Error, SECOND_NS, otlp};
use crate::clock::Clock;
use std::io::Write;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// Everything a run needs.
#[derive(Debug)]
pub(super) struct Show<W> {
    pub world: World,
    pub client: Client,
    pub report: Report<W>,
    /// When visitors stop coming, in unix nanoseconds.
    pub stop_at_ns: i64,
    pub step_ns: i64,
    pub clock: Clock,
}

/// How often ended spans are sent while live: data is on the dashboard well within a second.
const TICK: Duration = Duration::from_millis(200);
/// How often progress is printed.
const PROGRESS_NS: i64 = 10 * SECOND_NS;

impl<W: Write> Show<W> {
    pub(super) async fn play(mut self, stopping: watch::Receiver<bool>) -> Result<(), Error> {
        let mut tally = Tally::default();
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut reported_ns = self.clock.now();
        loop {
            let now_ns = self.clock.now();
            if *stopping.borrow() || self.world.advanced_to_ns() >= self.stop_at_ns {
                self.world.close();
            }
            if self.world.is_closed() && self.world.is_empty() {
                return self.finish(tally).await;
            }
            if self.world.advanced_to_ns() >= now_ns {
                ticks.tick().await;
                continue;
            }
            self = self.step(now_ns, &mut tally).await?;
            self.report.mark(self.world.advanced_to_ns()).await?;
            if now_ns - reported_ns >= PROGRESS_NS {
                reported_ns = now_ns;
                self.report.progress(&tally, self.world.n_arrived(), now_ns - self.world.advanced_to_ns())?;
            }
        }
    }

    /// The model runs away from the async thread: a step of the history takes tens of milliseconds.
    async fn step(self, now_ns: i64, tally: &mut Tally) -> Result<Show<W>, Error> {
        let Show { mut world, client, report, stop_at_ns, step_ns, clock } = self;
        let to_ns = step_end(world.advanced_to_ns(), now_ns, stop_at_ns, step_ns);
        let advance = move || {
            let requests = otlp::requests(&world.advance(to_ns));
            (world, requests)
        };
        let (world, requests) = tokio::task::spawn_blocking(advance).await.map_err(Error::Model)?;
        client.send_all(requests, tally).await?;
        Ok(Show { world, client, report, stop_at_ns, step_ns, clock })
    }

    async fn finish(mut self, mut tally: Tally) -> Result<(), Error> {
        let rest = self.world.collect_rest();
        self.client.send_all(otlp::requests(&rest), &mut tally).await?;
        self.report.close(&tally, self.world.n_arrived(), self.world.advanced_to_ns()).await
    }
}

/// The end of visits is a step of its own, so that nobody arrives after it.
fn step_end(from_ns: i64, now_ns: i64, stop_at_ns: i64, step_ns: i64) -> i64 {
    let to_ns = from_ns.saturating_add(step_ns).min(now_ns);
    if from_ns < stop_at_ns { to_ns.min(stop_at_ns) } else { to_ns }
}
