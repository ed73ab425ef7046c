//! Halves of calls that wait for their other side, and what becomes of them.
//!
//! An asker (client or producer) is held for [`PAIR_WAIT`], answered or not, so that every answer finds it in
//! whichever order spans come; an answer (server or consumer) waits until its asker comes, at most as long. A call
//! counts from the moment its client's span comes: first as one to the peer that it names (`unanswered`), and as one
//! to the service that answers from when that is known. So no call is missing while its answer may still come, and
//! rows on disk never need to be changed: what is unanswered moves to the cells of a generation when its time is over.
//!
//! Time is the newest `received_at` seen. What was received before `settled_until` is settled: paired, given up or
//! told as unanswered in the cells of some generation. The manifest keeps that moment of the newest generation that
//! is on disk, so that after a restart the same halves wait again that waited then, whatever a crash took.

use super::cells::{Call, EdgeCells, Ends};
use super::halves::{Half, Halves, PairKey, Role};
use super::party::{Named, Parties, Party};
use crate::read_models::Resolution;
use crate::stats::EdgeStats;
use datafusion::common::HashMap;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a half waits for its other side, from when it was received: exporters batch for seconds, and send again
/// for a minute.
pub(crate) const PAIR_WAIT: Duration = Duration::from_secs(120);
const PAIR_WAIT_NS: i64 = PAIR_WAIT.as_nanos() as i64;
/// Halves received within so much of each other are settled together, a quarter of a second.
const SLOT_NS: i64 = 250_000_000;
/// Halves that are held, however much memory there is: 64 MB.
const HELD_MAX: u64 = 500_000;
/// However little there is.
const HELD_MIN: u64 = 1_000;
/// What a half takes, its place in a map that is half full and in its slot included.
const HALF_BYTES: u64 = 128;
/// Answers that wait for one asker. Beyond, one who sends them with the same parent would have them all paired at
/// once.
const ANSWERS_MAX: usize = 1_000;

/// All halves that are held.
#[derive(Debug)]
pub(crate) struct Pairing {
    askers: HashMap<PairKey, Asker>,
    answers: HashMap<PairKey, Answers>,
    n_answers: usize,
    slots: BTreeMap<i64, Slot>,
    /// Places in slots, each of them a half that is held, or was.
    n_places: usize,
    n_places_max: usize,
    parties: Parties,
    calls: Calls,
    settled_until: i64,
    /// Slots before this hold only what still waits.
    thinned_until: i64,
    received_max: i64,
}

/// What pairs and askers come to.
#[derive(Debug, Default)]
struct Calls {
    /// Calls of the askers that wait.
    unanswered: EdgeCells,
    n_waiting: usize,
    figures: EdgeStats,
}

#[derive(Debug)]
struct Asker {
    party: Arc<Party>,
    end_time: i64,
    duration_ns: i64,
    received_at: i64,
    /// Below 0 where the span does not tell.
    n_bytes_request: i64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not counted yet.
    New,
    /// Its call is among the unanswered.
    Waiting,
    /// All is counted; held for further answers.
    Done,
}

#[derive(Debug)]
struct Answer {
    party: Arc<Party>,
    start_time: i64,
    end_time: i64,
    duration_ns: i64,
    received_at: i64,
}

/// Those that wait for the same asker: mostly one.
#[derive(Debug)]
enum Answers {
    One(Answer),
    Many(Vec<Answer>),
}

/// Keys of the halves that were received within [`SLOT_NS`].
#[derive(Debug, Default)]
struct Slot {
    askers: Vec<PairKey>,
    answers: Vec<PairKey>,
}

impl Pairing {
    /// One that holds nothing, within a part of this many bytes.
    pub(crate) fn within(hot_bytes_max: u64) -> Self {
        let n_held_max = (hot_bytes_max / 8 / HALF_BYTES).clamp(HELD_MIN, HELD_MAX);
        Self {
            askers: HashMap::default(),
            answers: HashMap::default(),
            n_answers: 0,
            slots: BTreeMap::new(),
            n_places: 0,
            n_places_max: n_held_max as usize,
            parties: Parties::default(),
            calls: Calls::default(),
            settled_until: i64::MIN,
            thinned_until: i64::MIN,
            received_max: i64::MIN,
        }
    }

    /// Takes what a batch of spans says; what is known of calls by now goes to the cells.
    pub(crate) fn take(&mut self, halves: Halves, cells: &mut EdgeCells) {
        self.admit(halves, cells);
        self.settle_in_time(cells);
        self.make_room(cells);
    }

    /// Takes what a segment says. Its calls are in segments too, but for those that still wait. Beyond the bound the
    /// oldest are let go, and their calls are not counted.
    pub(crate) fn recover(&mut self, halves: Halves) {
        let mut in_segments = EdgeCells::default();
        self.admit(halves, &mut in_segments);
        self.make_room(&mut in_segments);
    }

    /// After all segments that have something received since [`Pairing::recovers_since`]: the halves wait that did
    /// when all before this moment was settled.
    pub(crate) fn recovered(&mut self, settled_until: i64) {
        self.settle(settled_until, &mut EdgeCells::default());
        self.calls.figures = EdgeStats::default();
        shrink(&mut self.askers);
        shrink(&mut self.answers);
    }

    /// The halves that were not settled then, and all that they could have been paired with.
    pub(crate) fn recovers_since(settled_until: i64) -> i64 {
        settled_until.saturating_sub(PAIR_WAIT_NS)
    }

    /// A half is held for so long, from when it was received.
    pub(crate) const WAIT_NS: i64 = PAIR_WAIT_NS;
    /// In which order halves come that were received within so much of each other does not matter.
    pub(crate) const ANY_ORDER_NS: i64 = SLOT_NS;

    /// What is settled in time when this is the newest moment that anything was received.
    pub(crate) fn settled_when(received_max: i64) -> i64 {
        slot_of(received_max.saturating_sub(PAIR_WAIT_NS))
    }

    /// Settles what is due before a generation with these cells is frozen. Returns the moment before which all that
    /// was received is settled.
    pub(crate) fn freeze(&mut self, cells: &mut EdgeCells) -> i64 {
        let until = Self::settled_when(self.received_max).max(self.settled_until);
        self.settle(until, cells);
        self.parties.tidy();
        shrink(&mut self.askers);
        shrink(&mut self.answers);
        self.settled_until
    }

    /// What was received before the moment waits no longer, whatever time it is.
    pub(crate) fn give_up_before(&mut self, at: i64, cells: &mut EdgeCells) {
        self.settle(at, cells);
    }

    /// Calls that wait for their answer, as calls to the peers they name.
    pub(crate) fn unanswered(&self) -> &EdgeCells {
        &self.calls.unanswered
    }

    /// What became of halves since the start.
    pub(crate) fn stats(&self) -> EdgeStats {
        let n_waiting = (self.calls.n_waiting + self.n_answers) as u64;
        EdgeStats { n_waiting, waiting_bytes: self.n_bytes(), ..self.calls.figures }
    }

    pub(crate) fn n_bytes(&self) -> u64 {
        let maps = self.askers.capacity() * (size_of::<(PairKey, Asker)>() + 1)
            + self.answers.capacity() * (size_of::<(PairKey, Answers)>() + 1);
        let places = self.n_places * size_of::<PairKey>() * 3 / 2;
        (maps + places + self.parties.n_bytes()) as u64 + self.calls.unanswered.n_bytes()
    }

    fn admit(&mut self, halves: Halves, cells: &mut EdgeCells) {
        let parties: Vec<(Arc<Party>, bool)> =
            halves.parties.iter().map(|party| self.parties.admit(party)).collect();
        for (key, cell) in halves.whole {
            let (party, is_overflow) = &parties[key.party];
            let ends = match key.role {
                Role::Asker => Ends::asker(party),
                Role::Answer => Ends::answerer(party),
            };
            cells.add(ends, key.bucket, &cell);
            self.calls.count_overflow(*is_overflow, cell.n_calls);
        }
        for half in halves.waiting {
            let (party, is_overflow) = &parties[half.party];
            // Those that name a queue were counted above.
            self.calls.count_overflow(*is_overflow && !party.names_queue(), 1);
            match half.role {
                Role::Asker => self.ask(half.key, Asker::of(&half, Arc::clone(party)), cells),
                Role::Answer => self.answer(half.key, Answer::of(&half, Arc::clone(party)), cells),
            }
        }
        self.calls.figures.n_expired += halves.n_nameless;
        self.received_max = self.received_max.max(halves.received_max);
    }

    /// A span with the ids of another is that span, sent again.
    fn ask(&mut self, key: PairKey, mut asker: Asker, cells: &mut EdgeCells) {
        if self.askers.contains_key(&key) {
            return;
        }
        if let Some(answers) = self.answers.remove(&key) {
            self.n_answers -= answers.all().len();
            for answer in answers.all() {
                if are_near(&asker, answer) {
                    self.calls.pair(&mut asker, answer, cells);
                } else {
                    self.calls.figures.n_expired += 1;
                }
            }
        }
        if asker.state == State::New {
            self.calls.wait(&mut asker);
        }
        self.slot(asker.received_at).askers.push(key);
        self.askers.insert(key, asker);
    }

    fn answer(&mut self, key: PairKey, answer: Answer, cells: &mut EdgeCells) {
        if let Some(asker) = self.askers.get_mut(&key).filter(|asker| are_near(asker, &answer)) {
            self.calls.pair(asker, &answer, cells);
            return;
        }
        let received_at = answer.received_at;
        match self.answers.get_mut(&key) {
            Some(answers) if answers.all().len() >= ANSWERS_MAX => {
                self.calls.figures.n_expired_early += 1;
                return;
            }
            Some(answers) => answers.push(answer),
            None => drop(self.answers.insert(key, Answers::One(answer))),
        }
        self.n_answers += 1;
        self.slot(received_at).answers.push(key);
    }

    /// The slot of a moment, which is about to get one place more.
    fn slot(&mut self, received_at: i64) -> &mut Slot {
        self.n_places += 1;
        self.slots.entry(slot_of(received_at)).or_default()
    }

    fn settle_in_time(&mut self, cells: &mut EdgeCells) {
        let until = Self::settled_when(self.received_max);
        if until > self.settled_until {
            self.settle(until, cells);
        }
    }

    /// What was received before the moment, which starts a slot, waits no longer.
    fn settle(&mut self, until: i64, cells: &mut EdgeCells) {
        self.settled_until = self.settled_until.max(until);
        while let Some(slot) = self.slots.first_entry() {
            if *slot.key() >= self.settled_until {
                break;
            }
            let slot = slot.remove();
            self.give_up(slot, cells);
        }
    }

    /// Returns how many of the slot's halves had waited until now.
    fn give_up(&mut self, slot: Slot, cells: &mut EdgeCells) -> u64 {
        self.n_places -= slot.askers.len() + slot.answers.len();
        let mut n_waiting = 0;
        for key in slot.askers {
            if let Some(mut asker) = self.askers.remove(&key) {
                n_waiting += u64::from(asker.state == State::Waiting);
                self.calls.give_up(&mut asker, cells);
            }
        }
        for key in slot.answers {
            let Some(answers) = self.answers.get_mut(&key) else { continue };
            let n_before = answers.all().len();
            let n_left = answers.retain_since(self.settled_until);
            if n_left == 0 {
                self.answers.remove(&key);
            }
            self.n_answers -= n_before - n_left;
            n_waiting += (n_before - n_left) as u64;
            self.calls.figures.n_expired += (n_before - n_left) as u64;
        }
        n_waiting
    }

    /// Keeps the bound: first halves go that wait for nobody, then the oldest.
    fn make_room(&mut self, cells: &mut EdgeCells) {
        while self.n_places > self.n_places_max {
            if self.thin() {
                continue;
            }
            let Some((at, slot)) = self.slots.pop_first() else { return };
            self.settled_until = self.settled_until.max(at.saturating_add(SLOT_NS));
            let n_waiting = self.give_up(slot, cells);
            self.calls.figures.n_expired_early += n_waiting;
        }
    }

    /// Leaves of the oldest slot that is whole only what waits. False when none is.
    fn thin(&mut self) -> bool {
        let Some((&at, slot)) = self.slots.range_mut(self.thinned_until..).next() else { return false };
        let n_before = slot.askers.len() + slot.answers.len();
        let (askers, answers) = (&mut self.askers, &self.answers);
        slot.askers.retain(|key| {
            let is_waiting = askers.get(key).is_some_and(|asker| asker.state == State::Waiting);
            if !is_waiting {
                askers.remove(key);
            }
            is_waiting
        });
        slot.answers.retain(|key| answers.contains_key(key));
        self.n_places -= n_before - slot.askers.len() - slot.answers.len();
        self.thinned_until = at.saturating_add(SLOT_NS);
        true
    }
}

impl Calls {
    fn count_overflow(&mut self, is_overflow: bool, n: u64) {
        if is_overflow {
            self.figures.n_overflow += n;
        }
    }

    /// Both sides of a call are here.
    fn pair(&mut self, asker: &mut Asker, answer: &Answer, cells: &mut EdgeCells) {
        self.figures.n_paired += 1;
        let lay_ns = answer.start_time.saturating_sub(asker.end_time).max(0);
        let delivered = Resolution::TenSeconds.bucket_of(answer.end_time);
        if answer.party.names_queue() {
            // The delivery was counted when it came.
            cells.change(Ends::answerer(&answer.party), delivered, |cell| cell.wait(lay_ns));
            return;
        }
        if asker.party.names_queue() {
            cells.change(Ends::both(&asker.party, &answer.party), delivered, |cell| {
                cell.call(answer.call());
                cell.wait(lay_ns);
            });
            return;
        }
        self.stop_waiting(asker);
        if asker.party.service != answer.party.service {
            let gap_ns = asker.duration_ns.saturating_sub(answer.duration_ns).max(0);
            cells.change(Ends::both(&asker.party, &answer.party), asker.bucket(), |cell| {
                cell.call(asker.call());
                cell.answer(answer.call(), gap_ns);
            });
        }
    }

    fn wait(&mut self, asker: &mut Asker) {
        asker.state = State::Waiting;
        self.n_waiting += 1;
        if asker.party.named != Named::Nobody {
            self.unanswered.change(Ends::asker(&asker.party), asker.bucket(), |cell| cell.call(asker.call()));
        }
    }

    fn stop_waiting(&mut self, asker: &mut Asker) {
        if asker.state == State::Waiting {
            self.n_waiting -= 1;
            if asker.party.named != Named::Nobody {
                self.unanswered.forget(Ends::asker(&asker.party), asker.bucket(), asker.call());
            }
        }
        asker.state = State::Done;
    }

    /// Nobody else will answer.
    fn give_up(&mut self, asker: &mut Asker, cells: &mut EdgeCells) {
        if asker.state != State::Waiting {
            return;
        }
        self.stop_waiting(asker);
        match asker.party.named {
            Named::Nobody => self.figures.n_expired += 1,
            _ => cells.change(Ends::asker(&asker.party), asker.bucket(), |cell| cell.call(asker.call())),
        }
    }
}

/// Were both received within the time that a half waits? So it does not matter which came first, nor whether one of them
/// was given up by then: a start that reads the spans of that time finds every pair again.
fn are_near(asker: &Asker, answer: &Answer) -> bool {
    asker.received_at.abs_diff(answer.received_at) <= PAIR_WAIT_NS.unsigned_abs()
}

impl Asker {
    fn of(half: &Half, party: Arc<Party>) -> Self {
        // A call to a queue was counted as it came.
        let state = if party.names_queue() { State::Done } else { State::New };
        let n_bytes_request =
            half.n_bytes_request.and_then(|n_bytes| i64::try_from(n_bytes).ok()).unwrap_or(-1);
        let Half { end_time, duration_ns, received_at, .. } = *half;
        Self { party, end_time, duration_ns, received_at, n_bytes_request, state }
    }

    fn call(&self) -> Call {
        let n_bytes_request = u64::try_from(self.n_bytes_request).ok();
        Call { duration_ns: self.duration_ns, is_error: self.party.is_error(), n_bytes_request }
    }

    fn bucket(&self) -> i64 {
        Resolution::TenSeconds.bucket_of(self.end_time)
    }
}

impl Answer {
    fn of(half: &Half, party: Arc<Party>) -> Self {
        let Half { start_time, end_time, duration_ns, received_at, .. } = *half;
        Self { party, start_time, end_time, duration_ns, received_at }
    }

    fn call(&self) -> Call {
        Call { duration_ns: self.duration_ns, is_error: self.party.is_error(), n_bytes_request: None }
    }
}

impl Answers {
    fn all(&self) -> &[Answer] {
        match self {
            Self::One(answer) => std::slice::from_ref(answer),
            Self::Many(answers) => answers,
        }
    }

    fn push(&mut self, answer: Answer) {
        if let Self::Many(answers) = self {
            answers.push(answer);
            return;
        }
        if let Self::One(first) = std::mem::replace(self, Self::Many(Vec::with_capacity(2)))
            && let Self::Many(answers) = self
        {
            answers.extend([first, answer]);
        }
    }

    /// Drops those received before. Returns how many are left.
    fn retain_since(&mut self, received_at: i64) -> usize {
        match self {
            Self::One(answer) => usize::from(answer.received_at >= received_at),
            Self::Many(answers) => {
                answers.retain(|answer| answer.received_at >= received_at);
                answers.len()
            }
        }
    }
}

/// The start of the slot that a moment lies in.
fn slot_of(received_at: i64) -> i64 {
    received_at.div_euclid(SLOT_NS).saturating_mul(SLOT_NS)
}

/// Gives back memory once a map is far larger than what it holds.
fn shrink<V>(map: &mut HashMap<PairKey, V>) {
    if map.capacity() / 8 > map.len() {
        map.shrink_to(2 * map.len());
    }
}
