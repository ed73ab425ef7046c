//! From stored rows to a comparison: how many requests of each side are read, and of which the whole traces are.

use super::rates::one_in;
use super::{Error, Lane, TIMEOUT};
use ::triage::report::{Compared, ComparedSide, Comparison, compare, traces_to_read};
use ::triage::{InputError, Limits};
use std::collections::HashSet;
use std::time::Duration;
use storage::{Engine, RequestCounts, RequestRows, RequestsQuery, TimeRange};

/// Requests of the first side and of the second that are read with their attributes, some 3 kB each.
const REQUESTS_MAX: [u64; 2] = [20_000, 40_000];
/// Traces of each side of which all spans are read. The engine skips files and pages for about as many ids.
const TRACES_MAX: usize = 500;
/// Spans of these traces of each side, some 250 bytes each.
const SPANS_MAX: usize = 250_000;

/// What one side is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Side {
    Requests(Box<RequestsQuery>),
    Trace([u8; 16]),
}

/// What somebody wants to see beside each other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sides {
    /// What is looked at, and what it is held against.
    pub(crate) both: [Side; 2],
    /// Keys of attributes that they were chosen by.
    pub(crate) known_keys: Vec<String>,
    /// The first failed and the second are others.
    pub(crate) is_of_failures: bool,
}

/// A comparison with the question that it answers.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) sides: Sides,
    pub(crate) asked_at: i64,
    pub(crate) comparison: Comparison,
    pub(crate) elapsed: Duration,
}

/// What was read of one side.
#[derive(Debug)]
enum Read {
    Requests { counts: RequestCounts, one_in: u32, rows: RequestRows },
    Trace([u8; 16]),
}

/// Reads and compares, in the lane of reports and as long as they may take.
pub(crate) async fn difference(
    engine: &Engine,
    lane: &Lane,
    sides: Sides,
    asked_at: i64,
) -> Result<Difference, Error> {
    let started_at = crate::clock::Clock.instant();
    let turn = lane.enter().await?;
    let work = async {
        let both = [read(engine, &sides, 0).await?, read(engine, &sides, 1).await?];
        let (both, ids) = blocking(move || {
            let ids = traces_to_read([both[0].compared(), both[1].compared()], TRACES_MAX)?;
            Ok((both, ids))
        })
        .await?;
        let traces = traces(engine, &sides, ids).await?;
        let asked = sides.clone();
        // The turn goes with the work: a comparison that nobody waits for any more still takes a thread.
        blocking(move || {
            let compared = judge(&asked, &both, &traces);
            drop(turn);
            compared
        })
        .await
    };
    let comparison = tokio::time::timeout(TIMEOUT, work).await.map_err(|_| Error::Timeout)??;
    let elapsed = crate::clock::Clock.instant().duration_since(started_at);
    Ok(Difference { sides, asked_at, comparison, elapsed })
}

/// Work that takes longer than a thread of sockets has time.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, InputError> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|source| Error::Fault { source })?;
    done.map_err(|source| Error::Input { source })
}

async fn read(engine: &Engine, sides: &Sides, place: usize) -> Result<Read, Error> {
    let query = match &sides.both[place] {
        Side::Trace(id) => return Ok(Read::Trace(*id)),
        Side::Requests(query) => query,
    };
    let failed = |source| Error::Storage { source };
    let counts = engine.count_requests(query).await.map_err(failed)?;
    let n_max = REQUESTS_MAX[place];
    let one_in = one_in(counts.n, n_max);
    // Rows that came since they were counted, and chance, make a few more.
    let rows_max = usize::try_from(2 * n_max).unwrap_or(usize::MAX);
    let rows = engine.requests(query, one_in, rows_max).await.map_err(failed)?;
    Ok(Read::Requests { counts, one_in, rows })
}

/// All spans of the chosen traces, of one that both sides have once.
async fn traces(engine: &Engine, sides: &Sides, ids: [Vec<[u8; 16]>; 2]) -> Result<RequestRows, Error> {
    let mut all = RequestRows::default();
    let mut known: HashSet<[u8; 16]> = HashSet::new();
    for (side, mut ids) in sides.both.iter().zip(ids) {
        ids.retain(|id| known.insert(*id));
        let rows = engine.spans_of_traces(&ids, side.range(), SPANS_MAX).await;
        let rows = rows.map_err(|source| Error::Storage { source })?;
        all.is_cut |= rows.is_cut;
        all.spans.extend(rows.spans);
    }
    Ok(all)
}

fn judge(sides: &Sides, both: &[Read; 2], traces: &RequestRows) -> Result<Comparison, InputError> {
    let is_cut = |read: &Read| matches!(read, Read::Requests { rows, .. } if rows.is_cut);
    let compared = Compared {
        sides: [both[0].compared(), both[1].compared()],
        traces: &traces.spans,
        known_keys: &sides.known_keys,
        is_of_failures: sides.is_of_failures,
        is_cut: traces.is_cut || both.iter().any(is_cut),
    };
    compare(&compared, &Limits::default())
}

impl Side {
    /// The time of its requests.
    pub(crate) fn range(&self) -> Option<TimeRange> {
        match self {
            Self::Requests(query) => Some(query.range),
            Self::Trace(_) => None,
        }
    }
}

impl Read {
    fn compared(&self) -> ComparedSide<'_> {
        match self {
            Self::Trace(id) => ComparedSide::Trace(*id),
            Self::Requests { counts, one_in, rows } => ComparedSide::Requests {
                rows: &rows.spans,
                n: counts.n,
                n_errors: counts.n_errors,
                one_in: *one_in,
            },
        }
    }
}
