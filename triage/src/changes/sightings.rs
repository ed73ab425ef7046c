//! When each version and instance of a service was seen.

use crate::input::Stretch;
use crate::strings::Symbol;
use crate::traces::Traces;
use std::collections::BTreeMap;

/// A service with its versions and instances.
#[derive(Debug, Default)]
pub(super) struct Sightings {
    pub(super) all: Seen,
    pub(super) versions: BTreeMap<Symbol, Seen>,
    pub(super) instances: BTreeMap<Symbol, Seen>,
}

/// First and last start of a span, and how many there were.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) first_ns: i64,
    pub(super) last_ns: i64,
    n: u64,
    pub(super) n_window: u64,
}

/// ChangeKind is silent for as long as it usually takes to send so many spans is not there: chance gives such a silence once in
/// a thousand times.
const SILENT_SPANS: f64 = 7.0;

impl Default for Seen {
    fn default() -> Self {
        Self { first_ns: i64::MAX, last_ns: i64::MIN, n: 0, n_window: 0 }
    }
}

/// Spans outside all stretches count too: they say who was there.
pub(super) fn sightings(traces: &Traces) -> BTreeMap<Symbol, Sightings> {
    let mut services: BTreeMap<Symbol, Sightings> = BTreeMap::new();
    for span in traces.spans() {
        let of = services.entry(span.service).or_default();
        let is_window = traces.traces()[span.trace as usize].stretch == Stretch::Window;
        of.all.add(span.start_ns, is_window);
        if !span.version.is_empty() {
            of.versions.entry(span.version).or_default().add(span.start_ns, is_window);
        }
        if !span.instance.is_empty() {
            of.instances.entry(span.instance).or_default().add(span.start_ns, is_window);
        }
    }
    services
}

impl Seen {
    fn add(&mut self, at_ns: i64, is_window: bool) {
        self.first_ns = self.first_ns.min(at_ns);
        self.last_ns = self.last_ns.max(at_ns);
        self.n += 1;
        self.n_window += u64::from(is_window);
    }

    /// The last sight that is surely before a moment.
    pub(super) fn last_before(&self, at_ns: i64) -> i64 {
        self.last_ns.min(at_ns)
    }

    /// How many spans it would have sent in a time, by what it sends while it is there.
    fn expected(&self, silent_ns: i64) -> f64 {
        let there_ns = self.last_ns.saturating_sub(self.first_ns).max(1);
        self.n as f64 * silent_ns.max(0) as f64 / there_ns as f64
    }
}

impl Sightings {
    /// The service was there for long enough before it without it.
    pub(super) fn is_new(&self, seen: &Seen) -> bool {
        seen.expected(seen.first_ns.saturating_sub(self.all.first_ns)) >= SILENT_SPANS
    }

    /// The service goes on for long enough without it.
    pub(super) fn is_gone(&self, seen: &Seen) -> bool {
        seen.expected(self.all.last_ns.saturating_sub(seen.last_ns)) >= SILENT_SPANS
    }
}
