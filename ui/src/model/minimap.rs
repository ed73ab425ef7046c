//! The whole trace in a few lines of pixels: one bar a span, by depth, merged where they would overlap.

use crate::model::decimal::fixed;
use crate::model::name_text::inline;
use crate::model::service_color::ServiceColors;
use crate::model::waterfall::{Waterfall, What};
use std::collections::BTreeMap;
use std::fmt::Write;
use wire::SpanRow;

/// Pixels for all levels together.
const HEIGHT: f64 = 102.0;
const LINE_MAX: f64 = 17.0;
const LINE_MIN: f64 = 2.0;
/// Lines that are lower have no room for words.
const LABEL_LINE_MIN: f64 = 14.0;

#[derive(Debug, Clone, PartialEq)]
pub struct Minimap {
    /// Height of one level.
    pub line: f64,
    /// Colour class and the rectangles of that colour.
    pub bars: Vec<(&'static str, String)>,
    /// Place and text of the bars that have room for one.
    pub labels: Vec<(f64, f64, String)>,
}

/// Pixels of a small capital; labels that need more than their bar are left out.
const CHAR: f64 = 6.3;

pub fn height(waterfall: &Waterfall) -> f64 {
    (line(waterfall) * f64::from(waterfall.depth_max)).min(HEIGHT)
}

fn line(waterfall: &Waterfall) -> f64 {
    (HEIGHT / f64::from(waterfall.depth_max.max(1))).clamp(LINE_MIN, LINE_MAX).floor()
}

/// `start_ns` and `duration_ns` are those of the trace; levels that find no room are left out.
pub fn minimap(
    waterfall: &Waterfall,
    spans: &[SpanRow],
    colors: &ServiceColors,
    (start_ns, duration_ns): (i64, i64),
    width: f64,
) -> Minimap {
    let line = line(waterfall);
    let n_lines = (HEIGHT / line).floor() as u32;
    let scale = width / duration_ns.max(1) as f64;
    let mut paths: BTreeMap<&'static str, String> = BTreeMap::new();
    let mut labels = Vec::new();
    // Right end of the last bar drawn in each level and colour: what lies within it adds nothing.
    let mut drawn: BTreeMap<(u32, &'static str), f64> = BTreeMap::new();
    // Where the last label of each level ends.
    let mut free_from: BTreeMap<u32, f64> = BTreeMap::new();
    for node in waterfall.nodes.iter().filter(|node| node.depth < n_lines) {
        let What::Span(idx, _) = node.what else { continue };
        let left = (node.started_at_ns - start_ns) as f64 * scale;
        let right = ((node.ended_at_ns - start_ns) as f64 * scale).max(left + 1.0);
        let paint = colors.paint(&spans[idx].service);
        let last = drawn.entry((node.depth, paint)).or_insert(f64::NEG_INFINITY);
        if right <= *last + 0.5 && left <= *last {
            continue;
        }
        *last = last.max(right);
        let y = f64::from(node.depth) * line;
        let (w, h) = ((right - left - 1.0).max(0.5), line - 1.0);
        let path = paths.entry(paint).or_default();
        let [x, y_px, w_px, h_px] = [left, y, w, h].map(|value| fixed(value, 1));
        let _ = write!(path, "M{x} {y_px}h{w_px}v{h_px}h-{w_px}z");
        if line < LABEL_LINE_MIN {
            continue;
        }
        let text = format!("{} {}", inline(&spans[idx].service), inline(&spans[idx].name));
        let room = text.chars().count() as f64 * CHAR + 8.0;
        // Siblings that run at the same time lie upon each other; the first one keeps its words.
        let free = free_from.entry(node.depth).or_insert(f64::NEG_INFINITY);
        if room < w && left >= *free {
            *free = left + room;
            labels.push((left + 5.0, y + 12.0, text));
        }
    }
    Minimap { line, bars: paths.into_iter().collect(), labels }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::waterfall::layout;
    use wire::UnixNanos;

    fn span(id: usize, parent: Option<usize>, start: i64, duration: i64) -> SpanRow {
        SpanRow {
            span_id: id.to_string(),
            parent_span_id: parent.map(|parent| parent.to_string()),
            service: "web".to_owned(),
            name: "GET /".to_owned(),
            kind: "server".to_owned(),
            started_at: UnixNanos(start),
            duration_ns: duration,
            is_error: false,
            n_events: 0,
            n_links: 0,
        }
    }

    fn picture(spans: &[SpanRow]) -> Minimap {
        let colors = ServiceColors::of(["web"]);
        minimap(&layout(spans), spans, &colors, (0, 100_000), 100.0)
    }

    /// Scenario: a root and a child that is too narrow for its name.
    /// Guarantees: one bar each on its own level, the label only where it fits.
    #[test]
    fn draws_bars_and_labels() {
        let map = picture(&[span(0, None, 0, 100_000), span(1, Some(0), 50_000, 10_000)]);
        assert_eq!(map.bars.len(), 1);
        assert_eq!(map.bars[0].1, "M0.0 0.0h99.0v16.0h-99.0zM50.0 17.0h9.0v16.0h-9.0z");
        assert_eq!(map.labels, [(5.0, 12.0, "web GET /".to_owned())]);
    }

    /// Scenario: two children that run at the same time, each long enough for its name.
    /// Guarantees: their names do not lie upon each other.
    #[test]
    fn labels_do_not_overlap() {
        let map = picture(&[
            span(0, None, 0, 100_000),
            span(1, Some(0), 0, 90_000),
            span(2, Some(0), 2_000, 95_000),
        ]);
        assert_eq!(map.labels.iter().map(|(_, y, _)| *y).collect::<Vec<_>>(), [12.0, 29.0]);
    }

    /// Scenario: ten thousand children within a few pixels.
    /// Guarantees: the picture is bounded by its pixels, not by the trace.
    #[test]
    fn merges_what_overlaps() {
        let mut spans = vec![span(0, None, 0, 100_000)];
        spans.extend((1..10_001).map(|i| span(i, Some(0), i as i64, 2)));
        let n_bars = picture(&spans).bars[0].1.matches('M').count();
        assert!(n_bars < 300, "{n_bars}");
    }
}
