//! A life of an engine, at random: requests, lost requests, flushes, merges, expiry, crashes, power cuts,
//! restarts.
//!
//! A failure prints the seed; `SIM_SEED=<seed>` repeats exactly that life.

use super::tests::{Lab, Plan, assert_visible, ingest, record};
use super::*;
use crate::Signal;
use crate::options::{Retention, WalSync};
use crate::test_rows::{SECOND, T0, TestRecord, row_names};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeSet;

/// Lives simulated when no seed is given.
const N_LIVES: u64 = 16;
/// Things that happen in one life.
const N_EVENTS: u32 = 60;

struct World {
    rng: StdRng,
    lab: Lab,
    /// How long rows are kept, in seconds, where that is shorter than the life.
    keep_s: Option<i64>,
    engine: Option<(Engine, Arc<Plan>)>,
    is_closed: bool,
    /// Acknowledged: must be there, once.
    acknowledged: Vec<TestRecord>,
    /// Logged without an answer before a crash: may be there, once.
    unanswered: Vec<TestRecord>,
    id_next: u32,
    now: i64,
    context: String,
}

/// Scenario: seeded random lives, with a crash at any step and the loss of unsynced bytes.
/// Guarantees: after each restart, and while running, every acknowledged row is visible exactly once,
/// no unacknowledged one twice, and the read model equals the spans. Where rows expire, none does so
/// before its time.
#[tokio::test]
async fn no_life_loses_or_doubles_a_row() {
    let seeds = match std::env::var("SIM_SEED") {
        Ok(seed) => vec![seed.parse().expect("SIM_SEED is a number")],
        Err(_) => (0..N_LIVES).collect::<Vec<u64>>(),
    };
    for seed in seeds {
        println!("SIM_SEED={seed}");
        let mut world = World::new(seed);
        for event in 0..N_EVENTS {
            world.context = format!("SIM_SEED={seed} event {event}");
            world.step().await;
        }
        world.restart().await;
        world.assert_truth().await;
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut lab = Lab::new();
        lab.options.wal.file_bytes_max = [1, 300, 64 << 20][rng.random_range(0..3)];
        let keep_s = [None, None, Some(200)][rng.random_range(0..3)];
        if let Some(keep_s) = keep_s {
            let keep = Duration::from_secs(keep_s as u64);
            lab.options.retention = Retention {
                traces: keep,
                logs: keep,
                metrics: keep,
                read_models: keep,
                ..Retention::default()
            };
        }
        assert_eq!(lab.options.wal.sync, WalSync::Always, "a timer may lose what a power cut takes");
        Self {
            rng,
            lab,
            keep_s,
            engine: None,
            is_closed: false,
            acknowledged: Vec::new(),
            unanswered: Vec::new(),
            id_next: 0,
            now: T0,
            context: String::new(),
        }
    }

    async fn step(&mut self) {
        if self.is_closed || self.engine.as_ref().is_none_or(|(_, plan)| plan.is_dead()) {
            self.restart().await;
            self.assert_truth().await;
        }
        let (engine, plan) = self.engine.clone().expect("restarted");
        // A failing step tells its caller; whether that was a crash, the next event finds out.
        match self.rng.random_range(0..23) {
            0..=10 => self.request(&engine).await,
            11 => self.lost_request(&engine).await,
            12..=13 => drop(engine.flush().await),
            14..=16 => {
                self.now += self.rng.random_range(0..90) * SECOND;
                drop(engine.tick(self.now).await);
            }
            17 => plan.crash_after(self.rng.random_range(0..8)),
            18..=20 => drop(engine.compact(self.now).await),
            21 => {
                drop(engine.shutdown().await);
                self.is_closed = true;
            }
            _ => self.is_closed = true,
        }
    }

    fn next_record(&mut self) -> TestRecord {
        self.id_next += 1;
        record(Signal::ALL[self.rng.random_range(0..3)], self.id_next, self.rng.random_range(0..40))
    }

    async fn request(&mut self, engine: &Engine) {
        let record = self.next_record();
        match ingest(engine, record).await {
            Ok(()) => self.acknowledged.push(record),
            Err(_) => self.unanswered.push(record),
        }
    }

    /// The record is durable, its rows were never inserted.
    async fn lost_request(&mut self, engine: &Engine) {
        let record = self.next_record();
        match engine.log(record.to_wal()).await {
            Ok(logged) => {
                drop(logged);
                self.acknowledged.push(record);
            }
            Err(_) => self.unanswered.push(record),
        }
    }

    /// The process ends without a word, and with it perhaps the power.
    async fn restart(&mut self) {
        if let Some((engine, plan)) = self.engine.take() {
            drop(engine);
            self.cut_power(&plan);
        }
        let (engine, recovery, plan) = self.lab.open().await;
        assert_eq!(recovery.n_records_undecodable, 0, "{}", self.context);
        assert_eq!(recovery.n_records_missing, 0, "{}", self.context);
        self.engine = Some((engine, plan));
        self.is_closed = false;
        self.settle_unanswered();
    }

    /// Takes any part of the bytes that no sync had reached.
    fn cut_power(&mut self, plan: &Plan) {
        if !plan.is_dead() {
            return;
        }
        for (path, n_synced, n_bytes) in plan.unsynced_log_files(&self.lab.options.data_dir) {
            let n_left = self.rng.random_range(n_synced..=n_bytes);
            let file = std::fs::OpenOptions::new().write(true).open(path).expect("open log file");
            file.set_len(n_left).expect("cut");
        }
    }

    /// Records without an answer are there wholly or not at all; from now on that is the truth.
    fn settle_unanswered(&mut self) {
        let (engine, _) = self.engine.as_ref().expect("restarted");
        for record in std::mem::take(&mut self.unanswered) {
            let table = Table::from(record.signal);
            let names = row_names(table, &super::tests::visible(engine, table));
            let n_found = record.row_names().iter().filter(|name| names.contains(name)).count();
            match n_found {
                0 => {}
                n if n == record.n_rows as usize => self.acknowledged.push(record),
                n => panic!("{}: {n} of {} rows of a record", self.context, record.n_rows),
            }
        }
    }

    /// Lost requests show up with the next tick.
    async fn assert_truth(&mut self) {
        let (engine, _) = self.engine.clone().expect("restarted");
        engine.tick(self.now).await.expect("tick");
        match self.keep_s {
            None => assert_visible(&engine, &self.acknowledged, &self.context),
            Some(keep_s) => self.assert_kept(&engine, keep_s),
        }
    }

    /// What is young enough is visible, nothing twice, and nothing that was not acknowledged.
    fn assert_kept(&self, engine: &Engine, keep_s: i64) {
        for signal in Signal::ALL {
            let table = Table::from(signal);
            let found = row_names(table, &super::tests::visible(engine, table));
            let of_signal = || self.acknowledged.iter().filter(|record| record.signal == signal);
            let all: BTreeSet<String> = of_signal().flat_map(|record| record.row_names()).collect();
            let young = of_signal().filter(|record| record.received_at >= self.now - keep_s * SECOND);
            let young: BTreeSet<String> = young.flat_map(|record| record.row_names()).collect();
            let once: BTreeSet<String> = found.iter().cloned().collect();
            assert_eq!(once.len(), found.len(), "{}: rows of {signal} twice", self.context);
            assert!(once.is_subset(&all), "{}: {signal}", self.context);
            assert!(young.is_subset(&once), "{}: {signal}", self.context);
        }
    }
}
