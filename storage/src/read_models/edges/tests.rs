//! Edges against brute force: any order, batches, flushes and restarts; and what hostile spans can do.

mod oracle;
mod spans;

pub(crate) use oracle::{brute_force, folded};
pub(crate) use spans::{CallSpan, any_spans, span, spans};

use super::*;
use crate::read_models::Resolution;
use crate::schema;
use crate::test_rows::{SECOND, T0, batch, fixed_binary, texts, times};
use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampNanosecondType;
use proptest::prelude::*;
use std::sync::Arc;

/// More than any test needs.
const ROOM: u64 = 1 << 30;
/// The buckets of all times.
const ALL: std::ops::RangeInclusive<i64> = i64::MIN..=i64::MAX;

/// What the engine does with spans, without a disk.
struct Life {
    pairing: Pairing,
    active: EdgeCells,
    /// Of generations that were flushed: spans, rows of edges in each resolution, and what was settled.
    stored: Vec<RecordBatch>,
    rows: [Vec<RecordBatch>; Resolution::ALL.len()],
    settled_until: Option<i64>,
    /// Spans since.
    log: Vec<RecordBatch>,
}

impl Life {
    fn new() -> Self {
        let (pairing, active) = (Pairing::within(ROOM), EdgeCells::default());
        Self {
            pairing,
            active,
            stored: Vec::new(),
            rows: Default::default(),
            settled_until: None,
            log: Vec::new(),
        }
    }

    fn take(&mut self, batch: RecordBatch) {
        self.pairing.take(Halves::of(&batch), &mut self.active);
        self.log.push(batch);
    }

    fn flush(&mut self) {
        let settled_until = self.pairing.freeze(&mut self.active);
        self.settled_until = Some(settled_until).filter(|&at| at > i64::MIN);
        for (rows, resolution) in self.rows.iter_mut().zip(Resolution::ALL) {
            rows.extend(self.active.snapshot().to_batch(resolution, ALL));
        }
        self.stored.append(&mut self.log);
        self.active = EdgeCells::default();
    }

    fn crash(&mut self) {
        (self.pairing, self.active) = (Pairing::within(ROOM), EdgeCells::default());
        if let Some(settled_until) = self.settled_until {
            let since = Pairing::recovers_since(settled_until);
            for batch in self.stored.iter().rev() {
                self.pairing.recover(Halves::of(&received_since(batch, since)));
            }
            self.pairing.recovered(settled_until);
        }
        std::mem::take(&mut self.log).into_iter().for_each(|batch| self.take(batch));
    }

    /// What a query would see.
    fn visible(&self, resolution: Resolution) -> Vec<RecordBatch> {
        let idx = Resolution::ALL.iter().position(|other| *other == resolution).expect("one of all");
        let hot = [self.active.snapshot(), self.pairing.unanswered().snapshot()];
        let hot = hot.iter().filter_map(|snapshot| snapshot.to_batch(resolution, ALL));
        self.rows[idx].iter().cloned().chain(hot).collect()
    }
}

fn received_since(batch: &RecordBatch, since: i64) -> RecordBatch {
    let received_at = Arc::clone(batch.column_by_name("received_at").expect("a column"));
    let received_at = received_at.as_primitive::<TimestampNanosecondType>();
    let is_recent: BooleanArray = received_at.iter().map(|at| Some(at >= Some(since))).collect();
    filter_record_batch(batch, &is_recent).expect("a flag for each row")
}

proptest! {
    /// Scenario: spans of three times of 200 s come in any order, up to a minute late, in any batches; between them
    /// generations are flushed, and the process dies and starts again.
    /// Guarantees: the rows of every resolution are those that comparing every span with every other gives.
    #[test]
    fn any_order_batches_and_restarts_give_the_same_edges(
        drawn in any_spans(),
        delays in prop::collection::vec(0..60_i64, 60),
        steps in prop::collection::vec((1..7_usize, 0..6_u8), 60),
    ) {
        let all = spans(&drawn);
        let mut late: Vec<(i64, CallSpan)> =
            drawn.into_iter().zip(delays).map(|(span, delay)| (span.received_s + delay, span)).collect();
        late.sort_by_key(|(at, _)| *at);
        let mut waiting = late.into_iter().map(|(_, span)| span).peekable();
        let mut life = Life::new();
        for (n_spans, event) in steps {
            let request: Vec<CallSpan> = waiting.by_ref().take(n_spans).collect();
            if !request.is_empty() {
                life.take(spans(&request));
            }
            match event {
                0 => life.flush(),
                1 => life.crash(),
                _ => {}
            }
        }
        prop_assert!(waiting.peek().is_none());
        for resolution in Resolution::ALL {
            let wanted = brute_force(std::slice::from_ref(&all), resolution);
            prop_assert_eq!(folded(&life.visible(resolution)), wanted, "{:?}", resolution);
        }
        // When all is over nothing is held any more, and the rows say the same.
        let end = CallSpan { received_s: 2_000, ..span(1, 1, None, "internal", 0) };
        life.take(spans(&[end]));
        let wanted = brute_force(std::slice::from_ref(&all), Resolution::Minute);
        prop_assert_eq!(folded(&life.visible(Resolution::Minute)), wanted);
        prop_assert!(life.pairing.unanswered().snapshot().to_batch(Resolution::Hour, ALL).is_none());
        prop_assert_eq!(life.pairing.stats().n_waiting, 0);
    }
}

/// Rows of ten seconds after a request.
fn n_rows(request: &[CallSpan]) -> usize {
    let mut life = Life::new();
    life.take(spans(request));
    folded(&life.visible(Resolution::TenSeconds)).len()
}

/// Scenario: a server in its own service, one below an internal span, one that calls itself its parent, spans without
/// ids, and a client that names nobody.
/// Guarantees: none of them makes an edge, and none is taken for another's other side.
#[test]
fn what_is_no_call_makes_no_edge() {
    assert_eq!(n_rows(&[span(1, 1, None, "client", 0), span(1, 2, Some(1), "server", 0)]), 0);
    assert_eq!(n_rows(&[span(1, 1, None, "internal", 0), span(1, 2, Some(1), "server", 1)]), 0);
    assert_eq!(n_rows(&[span(1, 2, Some(2), "server", 1), span(1, 2, None, "client", 0)]), 0);
    assert_eq!(n_rows(&[span(0, 1, None, "client", 0), span(0, 2, Some(1), "server", 1)]), 0);
    assert_eq!(n_rows(&[span(1, 0, None, "client", 0), span(1, 2, Some(0), "server", 1)]), 0);
    assert_eq!(n_rows(&[span(1, 1, None, "client", 0)]), 0);
    assert_eq!(n_rows(&[span(1, 1, None, "client", 0), span(1, 2, Some(1), "server", 1)]), 1);
}

/// Scenario: a call is tried twice, with a client span for each; another has one client span and two answers, of the
/// same service and of another.
/// Guarantees: each answer is one call of its edge, whichever side comes first.
#[test]
fn each_answer_is_a_call() {
    let twice = [
        CallSpan { failure: 1, ..span(1, 1, None, "client", 0) },
        span(1, 2, None, "client", 0),
        CallSpan { failure: 2, ..span(1, 3, Some(1), "server", 1) },
        span(1, 4, Some(2), "server", 1),
    ];
    let forked = [
        span(2, 1, None, "client", 0),
        span(2, 2, Some(1), "server", 1),
        span(2, 3, Some(1), "server", 1),
        span(2, 4, Some(1), "server", 2),
    ];
    let mut life = Life::new();
    for request in [&twice[..2], &forked[1..], &twice[2..], &forked[..1]] {
        life.take(spans(request));
    }
    assert_eq!(life.pairing.stats().n_paired, 5);
    let batches = life.visible(Resolution::TenSeconds);
    let calls: u64 = batches.iter().flat_map(|batch| sums(batch, "n_calls")).sum();
    let callee_errors: u64 = batches.iter().flat_map(|batch| sums(batch, "n_callee_errors")).sum();
    assert_eq!((calls, callee_errors), (5, 1));
}

fn sums(batch: &RecordBatch, name: &str) -> Vec<u64> {
    let column = batch.column_by_name(name).expect("a column");
    column.as_primitive::<arrow::datatypes::UInt64Type>().values().to_vec()
}

/// Scenario: the callee's clock is a minute behind, and it says that it took longer than its caller waited; a consumer
/// starts before its message was sent.
/// Guarantees: the time between both sides is none, never negative, and counts where the caller's clock says.
#[test]
fn clocks_that_disagree_make_no_negative_gap() {
    let call = CallSpan { start_ms: 60_000, duration_ms: 10, ..span(1, 1, None, "client", 0) };
    let answer = CallSpan { start_ms: 0, duration_ms: 25, ..span(1, 2, Some(1), "server", 1) };
    let sent = CallSpan { start_ms: 60_000, peer: 5, ..span(1, 3, None, "producer", 0) };
    let handled = CallSpan { start_ms: 0, peer: 5, ..span(1, 4, Some(3), "consumer", 1) };
    let mut life = Life::new();
    life.take(spans(&[call, answer, sent, handled]));
    let batch = life.active.snapshot().to_batch(Resolution::TenSeconds, ALL).expect("rows");
    let gaps = batch.column_by_name("gap_sum_ns").expect("a column");
    assert_eq!(gaps.as_primitive::<arrow::datatypes::Int64Type>().values().iter().sum::<i64>(), 0);
    assert_eq!(sums(&batch, "n_callee_spans").iter().sum::<u64>(), 2);
    let callers = batch.column_by_name("caller").expect("a column").as_string::<i32>();
    let row = (0..batch.num_rows())
        .find(|&row| callers.value(row) == "service-0" && sums(&batch, "n_callee_spans")[row] == 1);
    let buckets = batch.column_by_name("bucket").expect("a column").as_primitive::<TimestampNanosecondType>();
    assert_eq!(row.map(|row| buckets.value(row)), Some(T0 + 60 * SECOND));
}

/// Scenario: a consumer has no producer above it, but a link to one in another trace, which comes later.
/// Guarantees: the time between sending and handling is told on the queue's edge.
#[test]
fn a_link_leads_to_the_producer() {
    let handled =
        CallSpan { link: Some((1, 1)), peer: 5, start_ms: 700, ..span(2, 2, Some(9), "consumer", 1) };
    let sent = CallSpan { peer: 5, start_ms: 0, duration_ms: 200, ..span(1, 1, None, "producer", 0) };
    let mut life = Life::new();
    life.take(spans(&[handled]));
    life.take(spans(&[sent]));
    let batch = life.active.snapshot().to_batch(Resolution::TenSeconds, ALL).expect("rows");
    let gaps = batch.column_by_name("gap_sum_ns").expect("a column");
    let gap: i64 = gaps.as_primitive::<arrow::datatypes::Int64Type>().values().iter().sum();
    assert_eq!((gap, sums(&batch, "n_calls").iter().sum::<u64>()), (SECOND / 2, 2));
}

/// Client spans of one service, each with an id and a host of its own.
fn crawl(n_spans: usize, received_at: i64) -> RecordBatch {
    let ids: Vec<u8> = (1..=n_spans as u64).flat_map(u64::to_be_bytes).collect();
    let traces: Vec<u8> = (1..=n_spans as u128).flat_map(u128::to_be_bytes).collect();
    let hosts: Vec<String> = (0..n_spans).map(|n| format!("host-{n}")).collect();
    batch(
        schema::spans(),
        n_spans,
        vec![
            ("trace_id", fixed_binary(&traces, 16)),
            ("span_id", fixed_binary(&ids, 8)),
            ("kind", texts(&vec!["client"; n_spans])),
            ("service", texts(&vec!["crawler"; n_spans])),
            ("server_address", texts(&hosts)),
            ("end_time", times(&vec![T0; n_spans])),
            ("received_at", times(&vec![received_at; n_spans])),
        ],
    )
}

/// Scenario: a service calls a new host each time, many thousand times within seconds, in little memory.
/// Guarantees: halves and hosts that are kept apart are bounded, what is given up is counted, and no call is lost.
#[test]
fn new_hosts_each_time_are_bounded() {
    let n_spans = 50_000;
    let (mut pairing, mut cells) = (Pairing::within(8 << 20), EdgeCells::default());
    for n in 0..4 {
        pairing.take(
            Halves::of(&crawl(n_spans, T0 + n * SECOND).slice(n as usize * 12_500, 12_500)),
            &mut cells,
        );
    }
    let stats = pairing.stats();
    assert!(stats.waiting_bytes < 4 << 20, "{stats:?}");
    assert!(stats.n_waiting <= 8 << 10 && stats.n_expired_early >= 41_000, "{stats:?}");
    assert_eq!((stats.n_overflow, stats.n_expired), (49_000, 0));
    let snapshots = [cells.snapshot(), pairing.unanswered().snapshot()];
    let batches: Vec<_> =
        snapshots.iter().filter_map(|cells| cells.to_batch(Resolution::Hour, ALL)).collect();
    let calls: u64 = batches.iter().flat_map(|batch| sums(batch, "n_calls")).sum();
    assert_eq!(calls, n_spans as u64);
    assert_eq!(folded(&batches).len(), 1_001);
    let others = folded(&batches).into_iter().filter(|((_, names), _)| names[1] == OTHERS).count();
    assert_eq!(others, 1);
}

/// Scenario: more calls were answered than can be held, while others wait for their answers.
/// Guarantees: room is made by those that are answered; those that wait get their answers.
#[test]
fn answered_calls_make_room_first() {
    let (mut pairing, mut cells) = (Pairing::within(0), EdgeCells::default());
    let numbered = |id: u8, parent: Option<u8>, trace: u8, kind, received_s| CallSpan {
        received_s,
        ..span(trace, id, parent, kind, u8::from(parent.is_some()))
    };
    let waiting: Vec<CallSpan> = (1..200).map(|id| numbered(id, None, 1, "client", 0)).collect();
    pairing.take(Halves::of(&spans(&waiting)), &mut cells);
    for trace in 2..40 {
        let calls = (1..60).map(|id| numbered(id, None, trace, "client", i64::from(trace)));
        let answers = (1..60).map(|id| numbered(id + 100, Some(id), trace, "server", i64::from(trace)));
        pairing.take(Halves::of(&spans(&calls.chain(answers).collect::<Vec<_>>())), &mut cells);
    }
    assert_eq!(pairing.stats().n_paired, 38 * 59);
    // A span that is its own parent answers nobody: these have other ids.
    let late: Vec<CallSpan> = (1..200).map(|id| numbered(id ^ 1, Some(id), 1, "server", 50)).collect();
    pairing.take(Halves::of(&spans(&late)), &mut cells);
    let stats = pairing.stats();
    assert_eq!((stats.n_paired, stats.n_expired_early, stats.n_waiting), (38 * 59 + 199, 0, 0));
}

/// Scenario: thousands of servers name the same parent, which then comes.
/// Guarantees: few of them wait for it, the others are counted as given up.
#[test]
fn answers_to_one_call_are_bounded() {
    let (mut pairing, mut cells) = (Pairing::within(ROOM), EdgeCells::default());
    let answers: Vec<CallSpan> =
        (0..3_000).map(|n| span(1, 2 + (n % 250) as u8, Some(1), "server", 1)).collect();
    pairing.take(Halves::of(&spans(&answers)), &mut cells);
    assert_eq!((pairing.stats().n_waiting, pairing.stats().n_expired_early), (1_000, 2_000));
    pairing.take(Halves::of(&spans(&[span(1, 1, None, "client", 0)])), &mut cells);
    assert_eq!((pairing.stats().n_waiting, pairing.stats().n_paired), (0, 1_000));
}

/// Scenario: nobody answers a call within the time, and nobody asked what a server answered; then the answer comes.
/// Guarantees: the call counts as one to its peer, the server as expired, and the late answer changes neither.
#[test]
fn what_nobody_answers_is_settled() {
    let mut life = Life::new();
    let call = CallSpan { peer: 1, ..span(1, 1, None, "client", 0) };
    life.take(spans(&[call, span(1, 9, Some(8), "server", 1), span(1, 2, None, "client", 0)]));
    assert_eq!(life.pairing.stats().n_waiting, 3);
    let before = folded(&life.visible(Resolution::TenSeconds));
    life.take(spans(&[CallSpan { received_s: 121, ..span(3, 1, None, "internal", 0) }]));
    assert_eq!((life.pairing.stats().n_waiting, life.pairing.stats().n_expired), (0, 2));
    assert_eq!(folded(&life.visible(Resolution::TenSeconds)), before);
    life.take(spans(&[CallSpan { received_s: 122, ..span(1, 3, Some(1), "server", 1) }]));
    assert_eq!(folded(&life.visible(Resolution::TenSeconds)), before);
    assert_eq!(life.pairing.stats().n_paired, 0);
}

/// Scenario: on a quiet server the other side of a call comes five minutes later, in either order.
/// Guarantees: they are no pair, so that a start, which reads less far back, counts the same.
#[test]
fn halves_that_come_too_far_apart_are_no_pair() {
    let call = CallSpan { peer: 1, ..span(1, 1, None, "client", 0) };
    let answer = span(1, 2, Some(1), "server", 1);
    for (early, late) in [(call.clone(), answer.clone()), (answer, call)] {
        let mut life = Life::new();
        life.take(spans(&[early]));
        life.take(spans(&[CallSpan { received_s: 300, ..late }]));
        assert_eq!(life.pairing.stats().n_paired, 0);
        life.take(spans(&[CallSpan { received_s: 900, ..span(3, 1, None, "internal", 0) }]));
        assert_eq!(life.pairing.stats().n_waiting, 0);
        let batches = life.visible(Resolution::Hour);
        assert_eq!(batches.iter().flat_map(|batch| sums(batch, "n_calls")).sum::<u64>(), 1);
        assert_eq!(batches.iter().flat_map(|batch| sums(batch, "n_callee_spans")).sum::<u64>(), 0);
    }
}

/// Scenario: segments have far more halves of the last minutes than may be held.
/// Guarantees: a start holds no more of them than a server that runs.
#[test]
fn a_start_holds_no_more_than_there_is_room_for() {
    let mut pairing = Pairing::within(8 << 20);
    let all = crawl(50_000, T0);
    for n in 0..50 {
        pairing.recover(Halves::of(&crawl_at(&all, n)));
    }
    pairing.recovered(T0);
    let stats = pairing.stats();
    assert!(stats.waiting_bytes < 4 << 20 && stats.n_waiting <= 8 << 10, "{stats:?}");
}

/// A thousand of the spans, received a second after the thousand before.
fn crawl_at(all: &RecordBatch, n: usize) -> RecordBatch {
    let some = all.slice(n * 1_000, 1_000);
    let place = some.schema().index_of("received_at").expect("a column");
    let mut columns = some.columns().to_vec();
    columns[place] = times(&vec![T0 + n as i64 * SECOND; 1_000]);
    RecordBatch::try_new(some.schema(), columns).expect("the schema is the table's")
}
