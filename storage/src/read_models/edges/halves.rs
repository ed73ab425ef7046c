//! What a batch of spans says of calls, found before any lock is taken: calls that are whole by themselves, and
//! halves that wait for another span.

use super::cells::{Call, EdgeCell};
use super::columns::{Facts, SpanColumns};
use super::party::{Named, Party, PartyRef};
use crate::read_models::Resolution;
use arrow::array::RecordBatch;
use datafusion::common::HashMap;
use std::sync::Arc;

/// Trace id, then the span id that the asker has and its answers name as theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PairKey([u64; 3]);

/// Who waits for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// A client or producer, for those whose parent it is, or who link to it.
    Asker,
    /// A server or consumer, for its client or producer.
    Answer,
}

#[derive(Debug, Clone)]
pub(super) struct Half {
    pub(super) key: PairKey,
    pub(super) role: Role,
    /// A place among the parties.
    pub(super) party: usize,
    pub(super) start_time: i64,
    pub(super) end_time: i64,
    pub(super) duration_ns: i64,
    pub(super) received_at: i64,
    pub(super) n_bytes_request: Option<u64>,
}

/// Calls that wait for nobody, by the only side that tells of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct WholeKey {
    pub(super) role: Role,
    pub(super) party: usize,
    pub(super) bucket: i64,
}

/// A batch of spans, in halves.
#[derive(Debug, Default)]
pub(crate) struct Halves {
    pub(super) parties: Vec<Arc<Party>>,
    pub(super) whole: HashMap<WholeKey, EdgeCell>,
    pub(super) waiting: Vec<Half>,
    /// Calls to nobody that anybody can find: they name no peer, and no span can be their answer.
    pub(super) n_nameless: u64,
    pub(super) received_max: i64,
}

impl Halves {
    /// Of a batch of the spans table, or of the columns `SPAN_COLUMNS` of one.
    pub(crate) fn of(spans: &RecordBatch) -> Self {
        let columns = SpanColumns::of(spans);
        let mut gathering = Gathering {
            halves: Self { received_max: i64::MIN, ..Self::default() },
            places: HashMap::default(),
        };
        for row in 0..spans.num_rows() {
            match columns.kind(row) {
                "client" | "producer" => gathering.asker(&columns, row),
                "server" => gathering.server(&columns, row),
                "consumer" => gathering.consumer(&columns, row),
                _ => {}
            }
            let received_max = &mut gathering.halves.received_max;
            *received_max = columns.received_at(row).max(*received_max);
        }
        gathering.halves
    }

    /// When the newest of the spans was received.
    pub(crate) fn received_max(&self) -> i64 {
        self.received_max
    }
}

impl PairKey {
    /// None for ids that are no ids.
    pub(super) fn of(trace_id: &[u8], span_id: &[u8]) -> Option<Self> {
        let (high, low) = trace_id.split_first_chunk::<8>()?;
        let words = [*high, low.try_into().ok()?, span_id.try_into().ok()?].map(u64::from_be_bytes);
        let is_zero = words[..2] == [0, 0] || words[2] == 0;
        (!is_zero).then_some(Self(words))
    }
}

/// Halves in the making.
struct Gathering<'a> {
    halves: Halves,
    places: HashMap<PartyRef<'a>, usize>,
}

impl<'a> Gathering<'a> {
    fn asker(&mut self, columns: &SpanColumns<'a>, row: usize) {
        let facts = columns.facts(row);
        let party = columns.asker(row, &facts);
        // Whoever fetches a message asks nobody to do anything.
        if party.named == Named::Queue && facts.is_fetch {
            return;
        }
        let key = columns.own_key(row);
        match (party.named, key) {
            (Named::Nobody, None) => self.halves.n_nameless += 1,
            (Named::Database, _) | (_, None) => self.whole(columns, row, (Role::Asker, party), &facts),
            (Named::Queue, Some(key)) => {
                self.whole(columns, row, (Role::Asker, party), &facts);
                self.wait(columns, row, (key, Role::Asker, party), &facts);
            }
            (Named::Nobody | Named::Service | Named::Host, Some(key)) => {
                self.wait(columns, row, (key, Role::Asker, party), &facts);
            }
        }
    }

    fn server(&mut self, columns: &SpanColumns<'a>, row: usize) {
        if let Some(key) = columns.parent_key(row) {
            self.wait(columns, row, (key, Role::Answer, columns.server(row)), &Facts::default());
        }
    }

    /// The message's own origin is what it links to; its parent may be the span that fetched it.
    fn consumer(&mut self, columns: &SpanColumns<'a>, row: usize) {
        let facts = columns.facts(row);
        let party = columns.consumer(row);
        let key = columns.first_link_key(row).or_else(|| columns.parent_key(row));
        let is_named = party.named == Named::Queue;
        // Fetches without an origin are the frame of others that handle the messages.
        if is_named && !(facts.is_fetch && key.is_none()) {
            self.whole(columns, row, (Role::Answer, party), &facts);
        }
        if let Some(key) = key {
            self.wait(columns, row, (key, Role::Answer, party), &facts);
        }
    }

    fn whole(
        &mut self,
        columns: &SpanColumns<'a>,
        row: usize,
        (role, party): (Role, PartyRef<'a>),
        facts: &Facts<'a>,
    ) {
        let place = self.place(party);
        let bucket = Resolution::TenSeconds.bucket_of(columns.end_time(row));
        let call = Call {
            duration_ns: columns.duration_ns(row),
            is_error: self.halves.parties[place].is_error(),
            n_bytes_request: facts.n_bytes_request.filter(|_| role == Role::Asker),
        };
        self.halves.whole.entry(WholeKey { role, party: place, bucket }).or_default().call(call);
    }

    fn wait(
        &mut self,
        columns: &SpanColumns<'a>,
        row: usize,
        (key, role, party): (PairKey, Role, PartyRef<'a>),
        facts: &Facts<'a>,
    ) {
        let party = self.place(party);
        self.halves.waiting.push(Half {
            key,
            role,
            party,
            start_time: columns.start_time(row),
            end_time: columns.end_time(row),
            duration_ns: columns.duration_ns(row),
            received_at: columns.received_at(row),
            n_bytes_request: facts.n_bytes_request,
        });
    }

    fn place(&mut self, party: PartyRef<'a>) -> usize {
        let parties = &mut self.halves.parties;
        *self.places.entry(party).or_insert_with(|| {
            parties.push(Arc::new(party.to_party()));
            parties.len() - 1
        })
    }
}
