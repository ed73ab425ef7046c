//! Which rows of a waterfall are closed, in few enough characters for an address.
//!
//! `level` closes everything from a depth on; `closed` lists span ids that differ from that. So
//! "collapse all" is one digit, whatever the size of the trace.

use crate::model::waterfall::{Waterfall, What};
use std::collections::BTreeSet;
use wire::SpanRow;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Folding {
    /// Rows at this depth and below are closed; none are when it is absent.
    pub level: Option<u32>,
    toggled: BTreeSet<String>,
}

impl Folding {
    /// Reads the two parameters.
    pub fn of(level: Option<&str>, closed: Option<&str>) -> Self {
        let toggled = closed.unwrap_or_default().split(',').filter(|id| !id.is_empty());
        let mut folding = Self { level: level.and_then(|level| level.parse().ok()), ..Self::default() };
        // One by one: collecting would sort first, which is much code for a few ids.
        folding.toggled.extend(toggled.map(str::to_owned));
        folding
    }

    /// Values for `level` and `closed`.
    pub fn params(&self) -> (Option<String>, Option<String>) {
        let ids: Vec<&str> = self.toggled.iter().map(String::as_str).collect();
        (self.level.map(|level| level.to_string()), (!ids.is_empty()).then(|| ids.join(",")))
    }

    pub fn is_closed(&self, waterfall: &Waterfall, spans: &[SpanRow], node: usize) -> bool {
        let by_level = self.level.is_some_and(|level| waterfall.nodes[node].depth >= level);
        by_level != self.toggled.contains(key(waterfall, spans, node))
    }

    pub fn toggle(&mut self, waterfall: &Waterfall, spans: &[SpanRow], node: usize) {
        let key = key(waterfall, spans, node);
        if !self.toggled.remove(key) {
            self.toggled.insert(key.to_owned());
        }
    }

    /// Everything closed below the roots, or everything open.
    pub fn all(is_closed: bool) -> Self {
        Self { level: is_closed.then_some(0), toggled: BTreeSet::new() }
    }

    /// One level more open (`by` 1) or closed (`by` -1) than what is visible now.
    pub fn step(&self, waterfall: &Waterfall, by: i32) -> Self {
        let deepest = waterfall.depth_max.saturating_sub(1);
        let level = self.level.unwrap_or(deepest).min(deepest).saturating_add_signed(by);
        Self { level: (level < deepest).then_some(level), toggled: BTreeSet::new() }
    }
}

/// A span's id, or for a ghost that of the parent it stands for.
fn key<'a>(waterfall: &Waterfall, spans: &'a [SpanRow], node: usize) -> &'a str {
    match waterfall.nodes[node].what {
        What::Span(idx, _) => &spans[idx].span_id,
        What::Ghost(idx) => spans[idx].parent_span_id.as_deref().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::waterfall::layout;
    use wire::UnixNanos;

    fn chain(n: usize) -> Vec<SpanRow> {
        let span = |i: usize| SpanRow {
            span_id: i.to_string(),
            parent_span_id: i.checked_sub(1).map(|parent| parent.to_string()),
            service: String::new(),
            name: String::new(),
            kind: String::new(),
            started_at: UnixNanos(i as i64),
            duration_ns: 1,
            is_error: false,
            n_events: 0,
            n_links: 0,
        };
        (0..n).map(span).collect()
    }

    /// Scenario: rows are closed one by one, all at once and by level, and the address is reloaded.
    /// Guarantees: the address gives the same rows again.
    #[test]
    fn survives_the_address() {
        let spans = chain(4);
        let waterfall = layout(&spans);
        let visible = |folding: &Folding| {
            waterfall.visible(|node| folding.is_closed(&waterfall, &spans, node), false).len()
        };
        let mut folding = Folding::all(true);
        assert_eq!(visible(&folding), 1);
        folding.toggle(&waterfall, &spans, 0);
        assert_eq!(visible(&folding), 2);
        let (level, closed) = folding.params();
        assert_eq!((level.as_deref(), closed.as_deref()), (Some("0"), Some("0")));
        assert_eq!(Folding::of(level.as_deref(), closed.as_deref()), folding);
        assert_eq!(visible(&Folding::default()), 4);
    }

    /// Scenario: levels are closed from the bottom and opened again.
    /// Guarantees: each step hides or shows exactly one level.
    #[test]
    fn steps_by_level() {
        let spans = chain(4);
        let waterfall = layout(&spans);
        let once = Folding::default().step(&waterfall, -1);
        assert_eq!(once.level, Some(2));
        assert_eq!(once.step(&waterfall, -1).level, Some(1));
        assert_eq!(once.step(&waterfall, 1), Folding::default());
    }
}
