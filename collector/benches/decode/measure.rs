//! Both ways over the same requests, in turns.

use crate::Failure;
use crate::bodies::Bodies;
use crate::counting::allocations;
use crate::sample::{Sample, now};
use bytes::Bytes;
use collector::bench::{Outcome, is_plain, rows_by_prost, rows_by_views};
use std::hint::black_box;
use storage::Signal;

/// Spans decoded in one half of a run: a quarter of a second, about.
const N_SPANS_A_RUN: usize = 240_000;

type Way = fn(Signal, &Bytes) -> Result<Outcome, String>;

const WAYS: [(&str, Way); 2] = [("prost", rows_by_prost), ("views", rows_by_views)];

/// What one workload came to.
#[derive(Debug)]
pub(crate) struct Line {
    what: String,
    bytes_per_span: f64,
    /// In the order of `WAYS`.
    figures: [Figures; 2],
    /// Views to prost, run by run.
    ratio: Sample,
}

#[derive(Debug, Default)]
struct Figures {
    spans_per_s: Sample,
    n_allocations: f64,
    n_bytes_allocated: f64,
}

/// Fails if the two ways do not come to the same.
pub(crate) fn measure(what: String, bodies: &Bodies, n_runs: usize) -> Result<Line, Failure> {
    for body in &bodies.requests {
        if rows_by_prost(Signal::Traces, body)? != rows_by_views(Signal::Traces, body)? {
            return Err(format!("{what}: rows by prost and rows by views differ").into());
        }
        if !is_plain(Signal::Traces, body) {
            return Err(format!("{what}: a request would go through prost").into());
        }
    }
    let bytes_per_span = bodies.n_bytes() as f64 / bodies.n_spans as f64;
    let mut line = Line { what, bytes_per_span, figures: Default::default(), ratio: Sample::default() };
    for n_run in 0..n_runs {
        let mut rates = [0.0; 2];
        // Neither is always the first.
        for place in [n_run % 2, (n_run + 1) % 2] {
            rates[place] = line.figures[place].take(WAYS[place].1, bodies)?;
        }
        line.ratio.push(rates[1] / rates[0]);
    }
    Ok(line)
}

impl Figures {
    /// Half a run; the spans per second.
    fn take(&mut self, way: Way, bodies: &Bodies) -> Result<f64, Failure> {
        let n_rounds = N_SPANS_A_RUN.div_ceil(bodies.n_spans);
        let n_spans = (n_rounds * bodies.n_spans) as f64;
        let (allocated_before, started_at) = (allocations(), now());
        for body in (0..n_rounds).flat_map(|_| &bodies.requests) {
            drop(black_box(way(Signal::Traces, body)?));
        }
        let took = started_at.elapsed().as_secs_f64();
        let [n_allocations, n_bytes] = allocations();
        self.n_allocations = (n_allocations - allocated_before[0]) as f64 / n_spans;
        self.n_bytes_allocated = (n_bytes - allocated_before[1]) as f64 / n_spans;
        let rate = n_spans / took;
        self.spans_per_s.push(rate);
        Ok(rate)
    }
}

impl Line {
    pub(crate) fn print(&self) {
        let Self { what, bytes_per_span, .. } = self;
        for ((way, _), figures) in WAYS.iter().zip(&self.figures) {
            let Figures { spans_per_s, n_allocations, n_bytes_allocated } = figures;
            println!(
                "| {what} | {bytes_per_span:.0} | {way} | {:.0} | {:.0} to {:.0} | {:.0} | {n_allocations:.2} | {n_bytes_allocated:.0} |",
                spans_per_s.median(),
                spans_per_s.min(),
                spans_per_s.max(),
                spans_per_s.median() * bytes_per_span / 1e6,
            );
        }
        println!(
            "| {what} | | views to prost | {:.2} x | {:.2} to {:.2} | | | |",
            self.ratio.median(),
            self.ratio.min(),
            self.ratio.max()
        );
    }
}
