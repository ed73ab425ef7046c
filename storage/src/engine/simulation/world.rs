//! One life: what clients and operators do, and what must be true whatever goes wrong.

use super::super::rebuild::rebuild_with;
use super::super::tests::{Lab, assert_visible, record, visible};
use super::Lived;
use super::disk::Death;
use super::trouble::{Harm, Place, Trouble};
use crate::columns::{Columns, WalRecord};
use crate::engine::{Engine, Recovery};
use crate::error::Error;
use crate::faults::{Faults, Step};
use crate::fs::DirectoryLock;
use crate::ids::{Signal, Table};
use crate::options::{Retention, WalSync};
use crate::read_models::tests::{brute_force, merged, red_tables};
use crate::test_rows::{Cause, SECOND, T0, TestRecord, row_names};
use bytes::Bytes;
use futures::future::join_all;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Requests that come at the same time.
const N_CROWD: usize = 5;
/// How often read models are made again between two processes: it takes as long as a life's other events together.
const REBUILDS: f64 = 0.08;

pub(super) struct World {
    rng: StdRng,
    /// For what is done while no engine is there, so that the rest of a life does not depend on it.
    rng_between: StdRng,
    lab: Lab,
    trouble: Trouble,
    /// What goes wrong more often than anything else.
    theme: (Step, Harm),
    /// How long rows are kept, in seconds, where that is shorter than the life.
    keep_s: Option<i64>,
    engine: Option<Engine>,
    is_closed: bool,
    /// Records that the engines of this life were told of by the log, by their numbers.
    decoded: Arc<Mutex<BTreeSet<u32>>>,
    /// Acknowledged: must be there, once.
    acknowledged: Vec<TestRecord>,
    /// Logged without an answer, or with a refusal: may be there after a restart, once.
    unanswered: Vec<TestRecord>,
    id_next: u32,
    now: i64,
    n_salvaged: usize,
    n_rebuilt: usize,
    context: String,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut lab = Lab::in_memory();
        let options = &mut lab.options;
        options.wal.file_bytes_max = [1, 300, 64 << 20][rng.random_range(0..3)];
        // Syncs by a timer promise nothing for a power cut; such lives know only kills.
        let is_timed = rng.random_bool(0.1);
        if is_timed {
            options.wal.sync = WalSync::Interval(Duration::from_millis(1));
        }
        options.compaction.is_automatic = rng.random_bool(0.3);
        if rng.random_bool(0.2) {
            options.hot.bytes_soft = 60_000;
        }
        let keep_s = [None, None, Some(200)][rng.random_range(0..3)];
        if let Some(keep_s) = keep_s {
            let keep = Duration::from_secs(keep_s as u64);
            let kept_longer = Retention::default().read_models;
            options.retention = Retention {
                traces: keep,
                logs: keep,
                metrics: keep,
                read_models: kept_longer,
                ..Retention::default()
            };
        }
        let trouble = Trouble::new(&options.data_dir, seed);
        let deaths = [Death::Killed, if is_timed { Death::Killed } else { Death::PowerCut }];
        let harms = [Harm::NoSpace, Harm::Broken, Harm::Death(deaths[0]), Harm::Death(deaths[1])];
        // Every pair comes up in turn.
        let (step_idx, harm_idx) = (seed as usize % Step::ALL.len(), seed as usize / Step::ALL.len());
        let theme = (Step::ALL[step_idx], harms[harm_idx % harms.len()]);
        Self {
            rng,
            rng_between: StdRng::seed_from_u64(seed.rotate_left(32)),
            lab,
            trouble,
            theme,
            keep_s,
            engine: None,
            is_closed: false,
            decoded: Arc::default(),
            acknowledged: Vec::new(),
            unanswered: Vec::new(),
            id_next: 0,
            now: T0,
            n_salvaged: 0,
            n_rebuilt: 0,
            context: String::new(),
        }
    }

    /// The next thing happens.
    pub(super) async fn step(&mut self, context: String) {
        self.context = context;
        let is_over = self.is_closed || self.trouble.is_dead();
        if self.engine.is_none() || is_over || (self.trouble.is_log_over() && self.rng.random_bool(0.3)) {
            let may_fail = self.rng.random_bool(0.5);
            self.restart(may_fail).await;
            self.assert_truth().await;
        }
        let engine = self.engine.clone().expect("restarted");
        // A failing step tells its caller; whether that was a crash, the next event finds out.
        match self.rng.random_range(0..30) {
            0..=8 => self.request(&engine).await,
            9 => self.lost_request(&engine).await,
            10..=11 => drop(engine.flush().await),
            12..=14 => {
                self.now += self.rng.random_range(0..90) * SECOND;
                drop(engine.tick(self.now).await);
            }
            15..=17 => drop(engine.compact(self.now).await),
            18..=22 => self.plan_trouble(),
            23 => {
                let is_full = self.rng.random_bool(0.6);
                self.trouble.set_full(is_full);
            }
            24..=25 => self.crowd(&engine).await,
            26 => self.assert_truth().await,
            27 => {
                drop(engine.shutdown().await);
                self.is_closed = true;
            }
            _ => {
                let death = self.any_death();
                self.trouble.die(death);
            }
        }
    }

    /// All went well in the end. Returns what had gone wrong.
    pub(super) async fn end(mut self) -> Lived {
        self.restart(false).await;
        self.assert_truth().await;
        drop(self.engine.take());
        self.wait_for_end().await;
        let Self { n_salvaged, n_rebuilt, .. } = self;
        Lived { struck: self.trouble.struck(), n_salvaged, n_rebuilt }
    }

    fn any_death(&mut self) -> Death {
        death(&mut self.rng, &self.lab)
    }

    /// Half of the time what this life is about.
    fn plan_trouble(&mut self) {
        let step = Step::ALL[self.rng.random_range(0..Step::ALL.len())];
        let harm = match self.rng.random_range(0..5) {
            0 => Harm::Broken,
            1 => Harm::NoSpace,
            _ => Harm::Death(self.any_death()),
        };
        let (step, harm) = if self.rng.random_bool(0.5) { self.theme } else { (step, harm) };
        // A write is undone only after one that failed, and torn bytes are cut off where some were left.
        match step {
            Step::WalUndo => self.trouble.plan(Place::At(Step::WalWrite), Harm::NoSpace),
            Step::ReplayCut => self.trouble.plan(Place::At(Step::WalWrite), Harm::Death(Death::Killed)),
            Step::OrphanDelete => {
                self.trouble.plan(Place::At(Step::ManifestWrite), Harm::Death(Death::Killed))
            }
            _ => {}
        }
        let is_soon = self.rng.random_bool(0.2);
        let place = if is_soon { Place::Later(self.rng.random_range(0..8)) } else { Place::At(step) };
        self.trouble.plan(place, harm);
    }

    fn next_record(&mut self) -> TestRecord {
        self.id_next += 1;
        record(Signal::ALL[self.rng.random_range(0..3)], self.id_next, self.rng.random_range(0..40))
    }

    async fn request(&mut self, engine: &Engine) {
        let (record, was_over) = (self.next_record(), self.trouble.is_log_over());
        let is_acknowledged = ingest(engine, record).await.is_ok();
        self.note_answer(record, is_acknowledged, was_over);
    }

    /// The record is durable, its rows were never inserted.
    async fn lost_request(&mut self, engine: &Engine) {
        let (record, was_over) = (self.next_record(), self.trouble.is_log_over());
        let is_acknowledged = engine.log(record.to_wal()).await.map(drop).is_ok();
        self.note_answer(record, is_acknowledged, was_over);
    }

    /// Requests while rows are flushed, merged and expire, on a slow disk.
    async fn crowd(&mut self, engine: &Engine) {
        let records: Vec<TestRecord> = (0..N_CROWD).map(|_| self.next_record()).collect();
        let was_over = self.trouble.is_log_over();
        self.trouble.set_slow(true);
        // What a group has written and not synced is where a power cut makes holes.
        if self.rng.random_bool(0.3) {
            let death = self.any_death();
            self.trouble.plan(Place::At(Step::WalSync), Harm::Death(death));
        }
        let requests = join_all(records.iter().map(|&record| ingest(engine, record)));
        let work = async { tokio::join!(engine.flush(), engine.compact(self.now), engine.tick(self.now)) };
        let (answers, _) = tokio::join!(requests, work);
        self.trouble.set_slow(false);
        for (record, answer) in records.into_iter().zip(answers) {
            self.note_answer(record, answer.is_ok(), was_over);
        }
    }

    fn note_answer(&mut self, record: TestRecord, is_acknowledged: bool, was_over: bool) {
        assert!(!(is_acknowledged && was_over), "{}: acknowledged after a failed sync", self.context);
        match is_acknowledged {
            true => self.acknowledged.push(record),
            false => self.unanswered.push(record),
        }
    }

    /// The process ends, if it has not yet, and another starts; perhaps only at the second attempt.
    async fn restart(&mut self, mut may_fail: bool) {
        loop {
            let death = self.any_death();
            self.end_process(death).await;
            if self.rng_between.random_bool(REBUILDS) {
                self.rebuild(may_fail).await;
            }
            if may_fail {
                self.plan_trouble();
                self.trouble.plan(Place::At(self.theme.0), self.theme.1);
            }
            let faults = Arc::new(self.trouble.clone()) as Arc<dyn Faults>;
            let n_struck = self.trouble.n_struck();
            let decoded = Arc::clone(&self.decoded);
            decoded.lock().clear();
            let decode = move |record| decode(&record, &decoded);
            match Engine::open_with(self.lab.options.clone(), decode, faults).await {
                Ok((engine, recovery)) => {
                    assert_eq!(recovery.n_records_undecodable, 0, "{}", self.context);
                    let is_whole = recovery.n_records_missing == 0 && recovery.damaged_logs.is_empty();
                    assert!(is_whole || self.trouble.has_holes(), "{}: {recovery:?}", self.context);
                    self.n_salvaged += recovery.damaged_logs.len();
                    self.assert_told(&recovery);
                    self.engine = Some(engine);
                    if !self.trouble.is_dead() {
                        break;
                    }
                }
                Err(error) => {
                    let context = format!("{}: {}", self.context, error.chain());
                    assert!(self.trouble.n_struck() > n_struck, "{context}");
                }
            }
            may_fail = false;
        }
        self.is_closed = false;
        self.settle_unanswered();
    }

    async fn end_process(&mut self, death: Death) {
        self.trouble.die(death);
        drop(self.engine.take());
        self.wait_for_end().await;
        self.trouble.restart();
    }

    /// Somebody makes the read models again. Perhaps that goes wrong too; what it leaves is for the next process.
    async fn rebuild(&mut self, may_fail: bool) {
        let rng = &mut self.rng_between;
        if may_fail {
            let harm = match rng.random_range(0..3) {
                0 => Harm::Broken,
                1 => Harm::NoSpace,
                _ => Harm::Death(death(rng, &self.lab)),
            };
            self.trouble.plan(Place::Later(rng.random_range(0..60)), harm);
        }
        let death = death(rng, &self.lab);
        let (options, faults) = (self.lab.options.clone(), Arc::new(self.trouble.clone()) as Arc<dyn Faults>);
        let n_struck = self.trouble.n_struck();
        match rebuild_with(options, self.now, |_| {}, || false, faults).await {
            Ok(_) => self.n_rebuilt += 1,
            // Nothing was ever stored.
            Err(Error::NoData { .. }) => {}
            Err(error) => assert!(self.trouble.n_struck() > n_struck, "{}: {error}", self.context),
        }
        self.end_process(death).await;
    }

    /// Each record that was acknowledged is told of again, by the log or by a receipt.
    fn assert_told(&self, recovery: &Recovery) {
        let mut told = self.decoded.lock().clone();
        for receipt in &recovery.receipts {
            let id = u32::from_le_bytes(receipt[..].try_into().expect("a number"));
            assert!(told.insert(id), "{}: record {id} is told of twice", self.context);
        }
        let untold = self.acknowledged.iter().find(|record| !told.contains(&record.id));
        assert!(untold.is_none(), "{}: {untold:?} is forgotten", self.context);
    }

    /// Threads that worked for the last engine are done.
    async fn wait_for_end(&self) {
        while self.lab.options.data_dir.exists()
            && DirectoryLock::acquire(&self.lab.options.data_dir).is_err()
        {
            tokio::task::yield_now().await;
        }
    }

    /// Records without an answer are there wholly or not at all; from now on that is the truth.
    fn settle_unanswered(&mut self) {
        let engine = self.engine.as_ref().expect("restarted");
        for record in std::mem::take(&mut self.unanswered) {
            let table = Table::from(record.signal);
            let names = row_names(table, &visible(engine, table));
            let n_found = record.row_names().iter().filter(|name| names.contains(name)).count();
            match n_found {
                0 => {}
                n if n == record.n_rows as usize => self.acknowledged.push(record),
                n => panic!("{}: {n} of {} rows of a record", self.context, record.n_rows),
            }
        }
    }

    /// Lost requests show up with the next tick, if nothing goes wrong in it.
    async fn assert_truth(&mut self) {
        let engine = self.engine.clone().expect("restarted");
        let n_struck = self.trouble.n_struck();
        if let Err(error) = engine.tick(self.now).await {
            assert!(
                self.trouble.n_struck() > n_struck || self.trouble.is_hopeless(),
                "{}: {error}",
                self.context
            );
            return;
        }
        match self.keep_s {
            None => assert_visible(&engine, &self.acknowledged, &self.context),
            Some(keep_s) => self.assert_kept(&engine, keep_s),
        }
    }

    /// What is young enough is visible, nothing twice, and nothing that was not acknowledged; the read
    /// model remembers all.
    fn assert_kept(&self, engine: &Engine, keep_s: i64) {
        for signal in Signal::ALL {
            let table = Table::from(signal);
            let found = row_names(table, &visible(engine, table));
            let of_signal = || self.acknowledged.iter().filter(|record| record.signal == signal);
            let all: BTreeSet<String> = of_signal().flat_map(|record| record.row_names()).collect();
            let young = of_signal().filter(|record| record.received_at >= self.now - keep_s * SECOND);
            let young: BTreeSet<String> = young.flat_map(|record| record.row_names()).collect();
            let once: BTreeSet<String> = found.iter().cloned().collect();
            assert_eq!(once.len(), found.len(), "{}: rows of {signal} twice", self.context);
            assert!(once.is_subset(&all), "{}: {signal}", self.context);
            assert!(young.is_subset(&once), "{}: {signal}", self.context);
        }
        let spans = self.acknowledged.iter().filter(|record| record.signal == Signal::Traces);
        let spans: Vec<_> = spans.map(|record| record.columns().into_batch()).collect();
        for table in red_tables() {
            let found = merged(table, &visible(engine, table));
            assert_eq!(found, brute_force(table, &spans), "{}: {table:?}", self.context);
        }
    }
}

/// How a process ends. Where the log is synced by a timer no life promises anything for a power cut.
fn death(rng: &mut StdRng, lab: &Lab) -> Death {
    let is_timed = lab.options.wal.sync != WalSync::Always;
    if is_timed || rng.random_bool(0.4) { Death::Killed } else { Death::PowerCut }
}

/// Logs and inserts, as the collector does, and leaves the number of the record as a receipt.
async fn ingest(engine: &Engine, record: TestRecord) -> Result<(), Error> {
    let logged = engine.log(record.to_wal()).await?;
    engine.insert(logged, with_receipt(record));
    Ok(())
}

fn decode(record: &WalRecord, decoded: &Mutex<BTreeSet<u32>>) -> Result<Columns, Cause> {
    let record = TestRecord::from_wal(record)?;
    decoded.lock().insert(record.id);
    Ok(with_receipt(record))
}

fn with_receipt(record: TestRecord) -> Columns {
    record.columns().with_receipt(Bytes::copy_from_slice(&record.id.to_le_bytes()))
}
