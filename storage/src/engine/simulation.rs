//! Lives of an engine, at random: requests, lost requests, flushes, merges, expiry, on a disk that is slow,
//! full or broken; kills, power cuts, restarts.
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
/// Lives lived at the same time: two cores, and some that wait.
const N_THREADS: u64 = 4;

/// Scenario: seeded random lives; each step of the engine that changes the disk fails, stops half-way, or
/// is followed by a kill or by a power cut that takes any unsynced bytes and names.
/// Guarantees: after each restart, and while running, every acknowledged row is visible exactly once,
/// no other one twice, and the read model equals the spans. Where rows expire, none does so before its
/// time. After a failed sync of the log nothing is acknowledged. Every step was put to the test.
#[test]
fn no_life_loses_or_doubles_a_row() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    let (seed_first, n_rounds) = (number("FIRSTFAULT_SIM_SEED"), number("FIRSTFAULT_SIM_ROUNDS"));
    let n_lives = n_rounds.unwrap_or(if seed_first.is_some() { 1 } else { N_LIVES });
    let seed_first = seed_first.unwrap_or(0);
    let struck = live(seed_first..seed_first + n_lives);
    if n_lives >= N_LIVES {
        let deaths = [Death::Killed, Death::PowerCut].map(Harm::Death);
        let harms = [Harm::NoSpace, Harm::Broken].into_iter().chain(deaths);
        let mut pairs = harms.flat_map(|harm| Step::ALL.map(|step| (step, harm)));
        assert_eq!(pairs.find(|pair| !struck.contains(pair)), None, "never happened");
    }
}

/// Lives a life per seed; all that went wrong in them.
fn live(seeds: std::ops::Range<u64>) -> BTreeSet<(Step, Harm)> {
    let seed_next = AtomicU64::new(seeds.start);
    let (struck, failed) = (Mutex::new(BTreeSet::new()), Mutex::new(Vec::new()));
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
                        Ok(of_life) => struck.lock().extend(of_life),
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
    struck.into_inner()
}

async fn life(seed: u64) -> BTreeSet<(Step, Harm)> {
    let mut world = World::new(seed);
    for event in 0..N_EVENTS {
        world.step(format!("FIRSTFAULT_SIM_SEED={seed} event {event}")).await;
    }
    world.end().await
}
