//! Lives of an engine, at random: requests, lost requests, flushes, merges, expiry, on a disk that is slow,
//! full or broken; kills, power cuts, restarts, rebuilds.
//!
//! `world` is one life, `trouble` what goes wrong in it, `disk` what is left after a power cut. A failure
//! prints the command that repeats it: the same events in the same order, but for threads that run side
//! by side.

mod disk;
mod trouble;
mod world;

use crate::faults::Step;
use disk::Death;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use trouble::Harm;
use world::World;

/// Lives simulated unless `FIRSTFAULT_SIM_ROUNDS` says otherwise: some ten seconds.
const N_LIVES: u64 = 200;
/// Things that happen in one life.
const N_EVENTS: u32 = 30;
/// Lives in which every step suffers everything. What threads do side by side decides whether fewer do.
const N_LIVES_LONG: u64 = 1_000;
/// Lives lived at the same time: two cores, and some that wait.
const N_THREADS: u64 = 4;

/// What went wrong in a life.
#[derive(Debug, Default)]
struct Lived {
    struck: BTreeSet<(Step, Harm)>,
    /// Log files that were read behind damage.
    n_salvaged: usize,
    /// How often read models were made again.
    n_rebuilt: usize,
}

/// Scenario: seeded random lives; each step of the engine that changes the disk fails, stops half-way, or
/// is followed by a kill or by a power cut that takes any unsynced bytes and names, also from the middle. Between two
/// processes read models are made again now and then, which fails and ends in the same ways.
/// Guarantees: after each restart, and while running, every acknowledged row is visible exactly once,
/// no other one twice, and the read model equals the spans. Where rows expire, none does so before its
/// time. After a failed sync of the log nothing is acknowledged. Every step was put to the test.
#[test]
fn no_life_loses_or_doubles_a_row() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    let (seed_first, n_rounds) = (number("FIRSTFAULT_SIM_SEED"), number("FIRSTFAULT_SIM_ROUNDS"));
    let n_lives = n_rounds.unwrap_or(if seed_first.is_some() { 1 } else { N_LIVES });
    let seed_first = seed_first.unwrap_or(0);
    let Lived { struck, n_salvaged, n_rebuilt } = live(seed_first..seed_first + n_lives);
    if n_lives >= N_LIVES {
        let is_struck = |step: &Step| struck.iter().any(|(of_life, _)| of_life == step);
        assert_eq!(Step::ALL.iter().find(|step| !is_struck(step)), None, "never happened");
        assert!(n_salvaged > 0, "no log was damaged in its middle");
        assert!(n_rebuilt > 0, "no read model was made again");
    }
    if n_lives >= N_LIVES_LONG {
        let deaths = [Death::Killed, Death::PowerCut].map(Harm::Death);
        let harms = [Harm::NoSpace, Harm::Broken].into_iter().chain(deaths);
        let mut pairs = harms.flat_map(|harm| Step::ALL.map(|step| (step, harm)));
        assert_eq!(pairs.find(|pair| !struck.contains(pair)), None, "never happened");
    }
}

impl Lived {
    fn add(&mut self, other: Self) {
        self.struck.extend(other.struck);
        self.n_salvaged += other.n_salvaged;
        self.n_rebuilt += other.n_rebuilt;
    }
}

/// Lives a life per seed; all that went wrong in them.
fn live(seeds: std::ops::Range<u64>) -> Lived {
    let seed_next = AtomicU64::new(seeds.start);
    let (lived, failed) = (Mutex::new(Lived::default()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..N_THREADS {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.expect("runtime");
                loop {
                    let seed = seed_next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let life = || runtime.block_on(life(seed));
                    match catch_unwind(AssertUnwindSafe(life)) {
                        Ok(of_life) => lived.lock().add(of_life),
                        Err(_) => failed.lock().push(seed),
                    }
                }
            });
        }
    });
    let failed: Vec<u64> = failed.into_inner();
    let commands = failed.iter().map(|seed| {
        format!("\nFIRSTFAULT_SIM_SEED={seed} cargo test --workspace --lib -- no_life_loses_or_doubles_a_row")
    });
    assert!(failed.is_empty(), "failed, to be repeated with{}", commands.collect::<String>());
    lived.into_inner()
}

async fn life(seed: u64) -> Lived {
    let mut world = World::new(seed);
    for event in 0..N_EVENTS {
        world.step(format!("FIRSTFAULT_SIM_SEED={seed} event {event}")).await;
    }
    world.end().await
}
