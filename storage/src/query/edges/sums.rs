//! Rows of the read model, added up by the names they have.

use super::super::rows::column;
use super::super::tally::RedTotals;
use super::{Edge, EdgeDirection, Peer, PeerKind};
use crate::error::Error;
use crate::read_models::{DurationHistogram, ONE_Q16, OTHERS, SparseHistogram};
use arrow::array::{BinaryArray, Int64Array, RecordBatch, StringArray, UInt64Array};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// Lines kept apart, those of all addresses included. Beyond, a caller's further peers of a kind count as one.
const LINES_MAX: usize = 10_000;
/// Types of errors kept apart for each line.
const ERRORS_MAX: usize = 50;
/// Slots from which on a histogram is dense, 27 KB: sparse it would not be much smaller.
const SPARSE_SLOTS_MAX: usize = 512;

/// What rows are told apart by, but for their bucket and type of error.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Line {
    pub(super) direction: EdgeDirection,
    pub(super) caller: String,
    pub(super) callee: String,
    pub(super) callee_kind: PeerKind,
    pub(super) callee_detail: String,
    pub(super) address: String,
}

/// All rows so far.
pub(super) struct Lines {
    /// The only service that histograms are wanted of.
    service: Option<String>,
    lines: Vec<(Line, Sums)>,
    places: HashMap<Line, usize>,
    /// The place of the last row, which the next is mostly like.
    current: usize,
}

/// What rows count.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums {
    n_calls: u64,
    n_callee_spans: u64,
    n_errors: u64,
    n_callee_errors: u64,
    n_bytes_request: u64,
    n_sized: u64,
    durations: Durations,
    callee_durations: Durations,
    gaps: Durations,
    errors: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, Default)]
struct Durations {
    sum_ns: i64,
    sparse: SparseHistogram,
    dense: Option<Box<DurationHistogram>>,
}

/// The columns of a batch.
pub(super) struct Counted<'a> {
    names: [&'a StringArray; 7],
    counts: [&'a UInt64Array; 6],
    sums: [&'a Int64Array; 3],
    histograms: [&'a BinaryArray; 3],
}

impl<'a> Counted<'a> {
    pub(super) const NAMES: &'static str = "caller, callee, callee_kind, callee_detail, address, \
         direction, error_type, n_calls, n_callee_spans, n_errors, n_callee_errors, n_bytes_request, n_sized, \
         sum_ns, callee_sum_ns, gap_sum_ns, duration_hdr, callee_duration_hdr, gap_hdr";

    fn of(batch: &'a RecordBatch) -> Result<Self, Error> {
        Ok(Self {
            names: [
                column(batch, "caller")?,
                column(batch, "callee")?,
                column(batch, "callee_kind")?,
                column(batch, "callee_detail")?,
                column(batch, "address")?,
                column(batch, "direction")?,
                column(batch, "error_type")?,
            ],
            counts: [
                column(batch, "n_calls")?,
                column(batch, "n_callee_spans")?,
                column(batch, "n_errors")?,
                column(batch, "n_callee_errors")?,
                column(batch, "n_bytes_request")?,
                column(batch, "n_sized")?,
            ],
            sums: [column(batch, "sum_ns")?, column(batch, "callee_sum_ns")?, column(batch, "gap_sum_ns")?],
            histograms: [
                column(batch, "duration_hdr")?,
                column(batch, "callee_duration_hdr")?,
                column(batch, "gap_hdr")?,
            ],
        })
    }

    fn line(&self, row: usize) -> Result<Line, Error> {
        let [caller, callee, kind, detail, address, direction, _] =
            self.names.map(|column| column.value(row));
        Ok(Line {
            direction: EdgeDirection::from_word(direction)?,
            caller: caller.to_owned(),
            callee: callee.to_owned(),
            callee_kind: PeerKind::from_word(kind)?,
            callee_detail: detail.to_owned(),
            address: address.to_owned(),
        })
    }

    fn error_type(&self, row: usize) -> &'a str {
        self.names[6].value(row)
    }

    fn is_of(&self, row: usize, line: &Line) -> bool {
        let [caller, callee, kind, detail, address, direction, _] =
            self.names.map(|column| column.value(row));
        line.caller == caller
            && line.callee == callee
            && line.address == address
            && line.callee_detail == detail
            && PeerKind::from_word(kind).is_ok_and(|kind| kind == line.callee_kind)
            && EdgeDirection::from_word(direction).is_ok_and(|direction| direction == line.direction)
    }
}

impl Lines {
    pub(super) fn of(service: Option<String>) -> Self {
        Self { service, lines: Vec::new(), places: HashMap::new(), current: 0 }
    }

    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let counted = Counted::of(batch)?;
        for row in 0..batch.num_rows() {
            let is_same = self.lines.get(self.current).is_some_and(|(line, _)| counted.is_of(row, line));
            if !is_same {
                self.current = self.place(counted.line(row)?);
            }
            let (line, sums) = &mut self.lines[self.current];
            // Who owns an address is learnt from all rows; what others counted does not matter for one service.
            let is_wanted = |service: &String| match line.callee_kind {
                _ if line.caller == *service || line.callee == *service => true,
                PeerKind::External => true,
                PeerKind::Service => !sums.has_both_sides(),
                PeerKind::Database | PeerKind::Messaging => false,
            };
            let has_histograms = self.service.as_ref().is_none_or(is_wanted);
            sums.row(&counted, row, has_histograms)?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Vec<(Line, Sums)> {
        self.lines
    }

    fn place(&mut self, mut line: Line) -> usize {
        if self.lines.len() >= LINES_MAX && !self.places.contains_key(&line) {
            (line.callee, line.callee_detail, line.address) =
                (OTHERS.to_owned(), String::new(), String::new());
        }
        if let Some(place) = self.places.get(&line) {
            return *place;
        }
        self.places.insert(line.clone(), self.lines.len());
        self.lines.push((line, Sums::default()));
        self.lines.len() - 1
    }
}

impl Sums {
    pub(super) fn n_calls(&self) -> u64 {
        self.n_calls
    }

    pub(super) fn has_both_sides(&self) -> bool {
        self.n_callee_spans > 0
    }

    /// As the caller saw the calls.
    pub(super) fn totals(&self) -> RedTotals {
        self.durations.totals(self.n_calls, self.n_errors)
    }

    fn row(&mut self, counted: &Counted<'_>, row: usize, has_histograms: bool) -> Result<(), Error> {
        let counts = counted.counts.map(|column| column.value(row));
        self.count(counts);
        let [_, _, n_errors, ..] = counts;
        self.count_error(counted.error_type(row), n_errors);
        if !has_histograms {
            return Ok(());
        }
        let durations = [&mut self.durations, &mut self.callee_durations, &mut self.gaps];
        for (idx, durations) in durations.into_iter().enumerate() {
            durations.sum_ns = durations.sum_ns.saturating_add(counted.sums[idx].value(row));
            durations.add(counted.histograms[idx].value(row))?;
        }
        Ok(())
    }

    /// Adds all of another.
    pub(super) fn pour(&mut self, other: Self) {
        self.count([
            other.n_calls,
            other.n_callee_spans,
            other.n_errors,
            other.n_callee_errors,
            other.n_bytes_request,
            other.n_sized,
        ]);
        self.durations.pour(other.durations);
        self.callee_durations.pour(other.callee_durations);
        self.gaps.pour(other.gaps);
        other.errors.iter().for_each(|(error_type, n)| self.count_error(error_type, *n));
    }

    pub(super) fn edge(self, caller: Peer, callee: Peer, direction: EdgeDirection) -> Edge {
        // Of a delivery the only side that lasts is that of the service.
        let has_callee = self.n_callee_spans > 0 && direction == EdgeDirection::Call;
        let totals = self.totals();
        let mut errors: Vec<(String, u64)> = self.errors.into_iter().collect();
        errors.sort_by_key(|(_, n)| Reverse(*n));
        Edge {
            caller,
            callee,
            direction,
            totals,
            callee_totals: has_callee
                .then(|| self.callee_durations.totals(self.n_callee_spans, self.n_callee_errors)),
            gap_totals: (self.n_callee_spans > 0).then(|| self.gaps.totals(self.n_callee_spans, 0)),
            errors,
            n_bytes_request: self.n_bytes_request,
            n_sized: self.n_sized,
        }
    }

    fn count(&mut self, counts: [u64; 6]) {
        let own = [
            &mut self.n_calls,
            &mut self.n_callee_spans,
            &mut self.n_errors,
            &mut self.n_callee_errors,
            &mut self.n_bytes_request,
            &mut self.n_sized,
        ];
        own.into_iter().zip(counts).for_each(|(own, n)| *own = own.saturating_add(n));
    }

    fn count_error(&mut self, error_type: &str, n: u64) {
        if n == 0 {
            return;
        }
        let is_known = self.errors.len() < ERRORS_MAX || self.errors.contains_key(error_type);
        let error_type = if is_known { error_type } else { OTHERS };
        match self.errors.get_mut(error_type) {
            Some(own) => *own = own.saturating_add(n),
            None => {
                self.errors.insert(error_type.to_owned(), n);
            }
        }
    }
}

impl Durations {
    fn add(&mut self, encoded: &[u8]) -> Result<(), Error> {
        if let Some(dense) = &mut self.dense {
            return dense.add_encoded(encoded);
        }
        self.sparse.add_encoded(encoded)?;
        self.densify();
        Ok(())
    }

    fn pour(&mut self, other: Self) {
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
        match (self.dense.take(), other.dense) {
            (Some(mut own), Some(others)) => {
                own.add(&others);
                self.dense = Some(own);
            }
            (Some(mut dense), None) => {
                dense.add(&DurationHistogram::from(&other.sparse));
                self.dense = Some(dense);
            }
            (None, Some(mut dense)) => {
                dense.add(&DurationHistogram::from(&self.sparse));
                (self.sparse, self.dense) = (SparseHistogram::default(), Some(dense));
            }
            (None, None) => {
                self.sparse.add(&other.sparse);
                self.densify();
            }
        }
    }

    fn densify(&mut self) {
        if self.sparse.n_slots() > SPARSE_SLOTS_MAX {
            self.dense = Some(Box::new(DurationHistogram::from(&self.sparse)));
            self.sparse = SparseHistogram::default();
        }
    }

    fn totals(&self, n: u64, n_errors: u64) -> RedTotals {
        let quantiles = [0.5, 0.9, 0.95, 0.99, 0.999];
        let found = match &self.dense {
            Some(dense) => dense.quantiles_ns(quantiles),
            None => DurationHistogram::from(&self.sparse).quantiles_ns(quantiles),
        };
        let [p50_ns, p90_ns, p95_ns, p99_ns, p999_ns] = found;
        RedTotals {
            n,
            n_errors,
            // Clients sample whole traces: how many calls these stand for is said by rates of services.
            n_adjusted_q16: n.saturating_mul(ONE_Q16),
            n_errors_adjusted_q16: n_errors.saturating_mul(ONE_Q16),
            p50_ns,
            p90_ns,
            p95_ns,
            p99_ns,
            p999_ns,
            sum_ns: self.sum_ns,
        }
    }
}
