//! Several measurements of one thing.

use std::time::{Duration, Instant};

#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    values: Vec<f64>,
}

impl Sample {
    pub(crate) fn push(&mut self, value: f64) {
        let at = self.values.partition_point(|&other| other < value);
        self.values.insert(at, value);
    }

    pub(crate) fn push_ms(&mut self, took: Duration) {
        self.push(took.as_secs_f64() * 1e3);
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    pub(crate) fn min(&self) -> f64 {
        self.quantile(0.0)
    }

    pub(crate) fn max(&self) -> f64 {
        self.quantile(1.0)
    }

    /// The value at that rank; not a number if there is none.
    pub(crate) fn quantile(&self, q: f64) -> f64 {
        let rank = (self.values.len() as f64 * q).ceil().max(1.0) as usize - 1;
        self.values.get(rank).copied().unwrap_or(f64::NAN)
    }
}

impl From<Vec<f64>> for Sample {
    fn from(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self { values }
    }
}

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
