//! A trace prepared for drawing: rows, colours, critical path, places on the time axis.

use crate::browser::lower;
use crate::model::order;
use crate::model::service_color::ServiceColors;
use crate::model::waterfall::{self, Waterfall, What};
use std::collections::HashMap;
use wire::{SpanRow, Trace};

#[derive(Debug, Clone, PartialEq)]
pub struct TraceModel {
    pub trace: Trace,
    pub waterfall: Waterfall,
    pub colors: ServiceColors,
    /// Stretches on the critical path by index of the span, as offsets from the trace's start.
    sections: Vec<Vec<(i64, i64)>>,
}

/// A part of the time axis, as offsets from the trace's start in nanoseconds.
pub type Zoom = (i64, i64);

impl TraceModel {
    pub fn of(trace: &Trace) -> Self {
        let waterfall = waterfall::layout(&trace.spans);
        let colors = ServiceColors::of(trace.spans.iter().map(|span| span.service.as_str()));
        let mut first = HashMap::with_capacity(trace.spans.len());
        for (idx, span) in trace.spans.iter().enumerate() {
            first.entry(span.span_id.as_str()).or_insert(idx);
        }
        let mut sections = vec![Vec::new(); trace.spans.len()];
        for section in &trace.critical_path {
            if let Some(idx) = first.get(section.span_id.as_str()) {
                sections[*idx].push((section.from_ns, section.to_ns));
            }
        }
        Self { trace: trace.clone(), waterfall, colors, sections }
    }

    pub fn span(&self, node: usize) -> Option<&SpanRow> {
        match self.waterfall.nodes.get(node)?.what {
            What::Span(idx, _) => self.trace.spans.get(idx),
            What::Ghost(_) => None,
        }
    }

    /// Stretches of a row on the critical path.
    pub fn sections(&self, node: usize) -> &[(i64, i64)] {
        let sections = match self.waterfall.nodes[node].what {
            What::Span(idx, _) => self.sections.get(idx),
            What::Ghost(_) => None,
        };
        sections.map_or(&[], Vec::as_slice)
    }

    /// Start and end of a row, as offsets.
    pub fn extent(&self, node: usize) -> (i64, i64) {
        let node = &self.waterfall.nodes[node];
        let start = self.trace.started_at.0;
        (node.started_at_ns - start, node.ended_at_ns - start)
    }

    /// Width that the longest duration of a row needs, in pixels: `2 h 38 min` is longer than `38 ms`.
    pub fn duration_px(&self) -> f64 {
        const CHAR_PX: f64 = 7.0;
        const PADDING_PX: f64 = 22.0;
        const PX_MIN: f64 = 76.0;
        let n_chars = |node| {
            let (from, to) = self.extent(node);
            crate::format::duration(to - from).chars().count()
        };
        let n_chars_max = (0..self.waterfall.nodes.len()).map(n_chars).max().unwrap_or(0);
        (n_chars_max as f64 * CHAR_PX + PADDING_PX).max(PX_MIN)
    }

    pub fn n_services(&self) -> usize {
        let mut services: Vec<&str> = self.trace.spans.iter().map(|span| span.service.as_str()).collect();
        order::sort_distinct(&mut services);
        services.len()
    }

    pub fn n_errors(&self) -> usize {
        self.trace.spans.iter().filter(|span| span.is_error).count()
    }

    /// Rows whose service, name, kind or id contains `text`, in any case.
    pub fn matches(&self, text: &str) -> Vec<usize> {
        let text = lower(text);
        let is_match = |node: &usize| {
            self.span(*node).is_some_and(|span| {
                [&span.name, &span.service, &span.kind, &span.span_id]
                    .iter()
                    .any(|field| lower(field).contains(&text))
            })
        };
        (0..self.waterfall.nodes.len()).filter(|_| !text.is_empty()).filter(is_match).collect()
    }

    /// The zoom of an address, `from,to` in nanoseconds; the whole trace when it makes no sense.
    pub fn zoom(&self, text: Option<&str>) -> Zoom {
        let whole = (0, self.trace.duration_ns.max(1));
        let parts = text.and_then(|text| text.split_once(','));
        let zoom = parts.and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
        zoom.filter(|(from, to)| from < to && *to > 0 && *from < whole.1).unwrap_or(whole)
    }

    pub fn is_whole(&self, zoom: Zoom) -> bool {
        zoom == (0, self.trace.duration_ns.max(1))
    }
}

/// Pixels of a character in the small print of the lane, and around a label.
const LABEL_CHAR_PX: f64 = 6.0;
const LABEL_GAP_PX: f64 = 8.0;
/// Bars that are wider, in percent of the lane, need no label beside them.
const LABELLED_WIDTH_MAX: f64 = 24.0;

/// Where the label of a bar stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelSide {
    Before,
    After,
}

/// The side of a bar, in percent of a lane of `lane_px`, that has room for `n_chars`: right if it can.
pub fn label_side((left, width): (f64, f64), n_chars: usize, lane_px: f64) -> Option<LabelSide> {
    let label = (n_chars as f64 * LABEL_CHAR_PX + LABEL_GAP_PX) / lane_px.max(1.0) * 100.0;
    match () {
        () if width >= LABELLED_WIDTH_MAX => None,
        () if left + width + label <= 100.0 => Some(LabelSide::After),
        () if label <= left => Some(LabelSide::Before),
        () => None,
    }
}

/// Left edge and width in percent of the lane, cut to what is visible.
pub fn place((from, to): (i64, i64), zoom: Zoom) -> Option<(f64, f64)> {
    let span = (zoom.1 - zoom.0).max(1) as f64;
    let left = (from - zoom.0) as f64 / span * 100.0;
    let right = (to - zoom.0) as f64 / span * 100.0;
    let is_visible = right >= 0.0 && left <= 100.0;
    is_visible.then(|| (left.max(0.0), right.min(100.0) - left.max(0.0)))
}

/// Round offsets for the axis with their labels, at most `n_max`.
pub fn ticks(zoom: Zoom, n_max: usize) -> Vec<(f64, String)> {
    let span = (zoom.1 - zoom.0).max(1) as f64;
    let rough = span / n_max.max(1) as f64;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(span).max(1.0);
    let first = (zoom.0 as f64 / step).ceil() as i64;
    let at = |i: i64| (first + i) as f64 * step;
    let text = |ns: f64| if ns == 0.0 { "0".to_owned() } else { crate::format::duration(ns as i64) };
    (0..=n_max as i64)
        .map(at)
        // A label at the very end would run into the next column; the fewer fit, the more room one takes.
        .filter(|ns| *ns < zoom.1 as f64 - span * 0.55 / n_max.max(1) as f64)
        .map(|ns| ((ns - zoom.0 as f64) / span * 100.0, text(ns)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{PathSection, UnixNanos};

    fn model() -> TraceModel {
        let span = |id: &str, start: i64, duration: i64| SpanRow {
            span_id: id.to_owned(),
            parent_span_id: (id != "a").then(|| "a".to_owned()),
            service: format!("service-{id}"),
            name: format!("GET /{id}"),
            kind: "server".to_owned(),
            started_at: UnixNanos(1_000 + start),
            duration_ns: duration,
            is_error: id == "b",
            n_events: 0,
            n_links: 0,
        };
        TraceModel::of(&Trace {
            trace_id: "t".to_owned(),
            started_at: UnixNanos(1_000),
            duration_ns: 100,
            root_service: String::new(),
            root_operation: String::new(),
            spans: vec![span("a", 0, 100), span("b", 20, 50)],
            critical_path: vec![
                PathSection { span_id: "a".to_owned(), from_ns: 0, to_ns: 20 },
                PathSection { span_id: "b".to_owned(), from_ns: 20, to_ns: 70 },
                PathSection { span_id: "a".to_owned(), from_ns: 70, to_ns: 100 },
            ],
            path_by_service: vec![],
            n_orphans: 0,
            truncated: false,
            sql: String::new(),
        })
    }

    /// Scenario: a trace of two spans with three stretches on the critical path.
    /// Guarantees: stretches belong to their rows, offsets count from the trace's start.
    #[test]
    fn places_rows_and_path() {
        let model = model();
        assert_eq!(model.sections(0), [(0, 20), (70, 100)]);
        assert_eq!(model.extent(1), (20, 70));
        assert_eq!(model.n_services(), 2);
        assert_eq!(model.n_errors(), 1);
        assert_eq!(model.matches("SERVICE-B"), [1]);
        assert_eq!(model.matches(""), Vec::<usize>::new());
    }

    /// Scenario: zooms that are good, reversed, outside and no numbers.
    /// Guarantees: only good ones count; bars are cut to the lane or left out.
    #[test]
    fn zooms() {
        let model = model();
        assert_eq!(model.zoom(Some("10,60")), (10, 60));
        for wrong in ["60,10", "200,300", "a,b", "5"] {
            assert!(model.is_whole(model.zoom(Some(wrong))), "{wrong}");
        }
        assert_eq!(place((20, 70), (10, 60)), Some((20.0, 80.0)));
        assert_eq!(place((70, 80), (10, 60)), None);
    }

    /// Scenario: short bars at the left, in the middle and at the right of wide and narrow lanes; a wide bar.
    /// Guarantees: a label stands where it fits and nowhere else.
    #[test]
    fn labels_stay_in_the_lane() {
        let side = |left, lane_px| label_side((left, 1.0), 10, lane_px);
        assert_eq!(side(0.0, 800.0), Some(LabelSide::After));
        assert_eq!(side(90.0, 800.0), Some(LabelSide::After));
        assert_eq!(side(95.0, 800.0), Some(LabelSide::Before));
        assert_eq!(side(40.0, 100.0), None);
        assert_eq!(label_side((0.0, 30.0), 10, 800.0), None);
    }

    /// Scenario: a trace of nanoseconds and one of days.
    /// Guarantees: the column of durations is as wide as the longest of them.
    #[test]
    fn durations_have_room() {
        let mut model = model();
        assert_eq!(model.duration_px(), 76.0);
        model.waterfall.nodes[0].ended_at_ns = i64::MAX;
        assert_eq!(model.duration_px(), 113.0);
    }

    /// Scenario: axes of a second and of a zoomed part.
    /// Guarantees: round labels, none at the right edge.
    #[test]
    fn ticks_are_round() {
        let labels = |zoom, n| ticks(zoom, n).into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(
            labels((0, 1_960_000_000), 8),
            ["0", "250 ms", "500 ms", "750 ms", "1 s", "1.25 s", "1.5 s", "1.75 s"]
        );
        assert_eq!(labels((610, 1_110), 5), ["700 ns", "800 ns", "900 ns", "1 \u{b5}s"]);
    }
}
