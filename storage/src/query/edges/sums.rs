//! Rows of the read model, added up by the names they have.

use super::super::packed::Packed;
use super::super::rows::column;
use super::super::tally::RedTotals;
use super::{Edge, EdgeDirection, Peer, PeerKind};
use crate::error::Error;
use crate::read_models::{DurationHistogram, ONE_Q16, OTHERS};
use arrow::array::{BinaryArray, Int64Array, RecordBatch, StringArray, UInt64Array};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// Lines kept apart, those of all addresses included: 30 MB where each has the histograms of some thousand calls.
/// Beyond, a caller's further peers of a kind count as one.
const LINES_MAX: usize = 10_000;
/// Types of errors kept apart for each line.
const ERRORS_MAX: usize = 50;

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
    /// What that line does not have yet of its calls, its answers, and the gaps between.
    open: [DurationHistogram; 3],
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
    packed: Packed,
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
        Self { service, lines: Vec::new(), places: HashMap::new(), current: 0, open: Default::default() }
    }

    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let counted = Counted::of(batch)?;
        for row in 0..batch.num_rows() {
            let is_same = self.lines.get(self.current).is_some_and(|(line, _)| counted.is_of(row, line));
            if !is_same {
                self.close()?;
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
            sums.count_row(&counted, row);
            if has_histograms {
                sums.add_durations(&counted, row, &mut self.open)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Vec<(Line, Sums)>, Error> {
        self.close()?;
        Ok(self.lines)
    }

    /// Gives the current line what is open.
    fn close(&mut self) -> Result<(), Error> {
        let Some((_, sums)) = self.lines.get_mut(self.current) else { return Ok(()) };
        let mut own = sums.durations_mut().into_iter().zip(&mut self.open);
        own.try_for_each(|(durations, open)| durations.packed.close(open))
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
    pub(super) fn totals(&self) -> Result<RedTotals, Error> {
        self.durations.totals(self.n_calls, self.n_errors)
    }

    fn count_row(&mut self, counted: &Counted<'_>, row: usize) {
        let counts = counted.counts.map(|column| column.value(row));
        self.count(counts);
        let [_, _, n_errors, ..] = counts;
        self.count_error(counted.error_type(row), n_errors);
    }

    fn add_durations(
        &mut self,
        counted: &Counted<'_>,
        row: usize,
        open: &mut [DurationHistogram; 3],
    ) -> Result<(), Error> {
        for (idx, (durations, open)) in self.durations_mut().into_iter().zip(open).enumerate() {
            durations.sum_ns = durations.sum_ns.saturating_add(counted.sums[idx].value(row));
            durations.packed.add(counted.histograms[idx].value(row), open)?;
        }
        Ok(())
    }

    /// In the order of their columns.
    fn durations_mut(&mut self) -> [&mut Durations; 3] {
        [&mut self.durations, &mut self.callee_durations, &mut self.gaps]
    }

    /// Adds all of another.
    pub(super) fn pour(&mut self, other: Self) -> Result<(), Error> {
        self.count([
            other.n_calls,
            other.n_callee_spans,
            other.n_errors,
            other.n_callee_errors,
            other.n_bytes_request,
            other.n_sized,
        ]);
        other.errors.iter().for_each(|(error_type, n)| self.count_error(error_type, *n));
        self.durations.pour(other.durations)?;
        self.callee_durations.pour(other.callee_durations)?;
        self.gaps.pour(other.gaps)
    }

    pub(super) fn edge(self, caller: Peer, callee: Peer, direction: EdgeDirection) -> Result<Edge, Error> {
        // Of a delivery the only side that lasts is that of the service.
        let has_callee = self.n_callee_spans > 0 && direction == EdgeDirection::Call;
        let callee_totals =
            has_callee.then(|| self.callee_durations.totals(self.n_callee_spans, self.n_callee_errors));
        let gap_totals = (self.n_callee_spans > 0).then(|| self.gaps.totals(self.n_callee_spans, 0));
        let totals = self.totals()?;
        let mut errors: Vec<(String, u64)> = self.errors.into_iter().collect();
        errors.sort_by_key(|(_, n)| Reverse(*n));
        Ok(Edge {
            caller,
            callee,
            direction,
            totals,
            callee_totals: callee_totals.transpose()?,
            gap_totals: gap_totals.transpose()?,
            errors,
            n_bytes_request: self.n_bytes_request,
            n_sized: self.n_sized,
        })
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
    fn pour(&mut self, other: Self) -> Result<(), Error> {
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
        self.packed.pour(other.packed)
    }

    fn totals(&self, n: u64, n_errors: u64) -> Result<RedTotals, Error> {
        let [p50_ns, p90_ns, p95_ns, p99_ns, p999_ns] = self.packed.quantiles_ns(RedTotals::QUANTILES)?;
        Ok(RedTotals {
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
        })
    }
}
