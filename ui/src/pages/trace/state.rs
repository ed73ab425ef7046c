//! What the parts of the trace page share: the prepared trace and what the address says about it.
//!
//! Selection (`spanId`), folding (`level`, `closed`), zoom, search (`find`), `only=errors` and
//! `path=off` live in the address. Everything here is derived from it.

use crate::api::Fetch;
use crate::erased::memo;
use crate::model::folding::Folding;
use crate::model::trace_model::{TraceModel, Zoom};
use crate::url_state;
use leptos::prelude::*;
use std::sync::Arc;
use wire::Trace;

#[derive(Clone, Copy)]
pub struct TraceState {
    pub model: Memo<Option<Arc<TraceModel>>>,
    /// Rows to show, as indices into the waterfall.
    pub visible: Memo<Arc<Vec<usize>>>,
    /// Row of the selected span.
    pub selected: Memo<Option<usize>>,
    pub zoom: Memo<Zoom>,
    /// Rows that the search hit.
    pub matches: Memo<Arc<Vec<usize>>>,
    pub shows_path: Memo<bool>,
    folding: Memo<Folding>,
    /// The rows' container, to scroll to a row.
    pub rows: NodeRef<leptos::html::Div>,
}

/// Height of a row; the style sheet says the same.
pub const ROW_PX: f64 = 24.0;
/// Pixels at the top of the window that the bar and the column heads cover.
const COVERED_PX: f64 = 44.0 + ROW_PX;

impl TraceState {
    pub fn new(trace: Fetch<Trace>) -> Self {
        let model = Memo::new_with_compare(
            move |_| trace.map(|trace| Arc::new(TraceModel::of(trace))),
            // Comparing thousands of spans would cost more than drawing the sixty on the screen.
            |old, new| match (old, new) {
                (Some(Some(old)), Some(Some(new))) => !Arc::ptr_eq(old, new),
                (Some(None), Some(None)) => false,
                _ => true,
            },
        );
        let span_id = memo(|| url_state::param("spanId").map(|id| id.to_ascii_lowercase()));
        let selected = memo(move || {
            let (model, span_id) = (model.get()?, span_id.get()?);
            model.waterfall.node_of(&model.trace.spans, &span_id)
        });
        let folding = memo(folding);
        let only_errors = memo(|| url_state::param("only").as_deref() == Some("errors"));
        let visible = memo(move || {
            let Some(model) = model.get() else { return Arc::default() };
            Arc::new(visible(&model, &folding.get(), selected.get(), only_errors.get()))
        });
        let zoom_text = memo(|| url_state::param("zoom"));
        let zoom = memo(move || model.get().map_or((0, 1), |model| model.zoom(zoom_text.get().as_deref())));
        let find = memo(|| url_state::param("find"));
        let matches = memo(move || match (model.get(), find.get()) {
            (Some(model), Some(text)) => Arc::new(model.matches(&text)),
            _ => Arc::default(),
        });
        let shows_path = memo(|| url_state::param("path").as_deref() != Some("off"));
        Self { model, visible, selected, zoom, matches, shows_path, folding, rows: NodeRef::new() }
    }

    /// Selects a row and brings it into view. Keys replace the history entry, clicks add one.
    pub fn select(&self, node: usize, adds_history: bool) {
        let Some(model) = self.model.get_untracked() else { return };
        let Some(span) = model.span(node) else { return };
        let change = [("spanId", Some(span.span_id.as_str()))];
        if adds_history {
            url_state::set_params(&change);
        } else {
            url_state::replace_params(&change);
        }
        self.reveal(node);
    }

    pub fn clear_selection(&self) {
        url_state::set_param("spanId", None);
    }

    /// Selects the row `by` rows further among those that are spans.
    pub fn step(&self, by: isize) {
        let (Some(model), visible) = (self.model.get_untracked(), self.visible.get_untracked()) else {
            return;
        };
        let spans: Vec<usize> = visible.iter().copied().filter(|node| model.span(*node).is_some()).collect();
        let at = self.selected.get_untracked().and_then(|node| spans.iter().position(|other| *other == node));
        let last = spans.len().saturating_sub(1);
        let target = at.map_or(0, |at| at.saturating_add_signed(by).min(last));
        if let Some(node) = spans.get(target) {
            self.select(*node, false);
        }
    }

    /// Goes to the next or previous hit of the search.
    pub fn step_match(&self, by: isize) {
        let matches = self.matches.get_untracked();
        let Some(last) = matches.len().checked_sub(1) else { return };
        let at = self.selected.get_untracked();
        let target = match at
            .map(|at| (matches.partition_point(|hit| *hit < at), matches.binary_search(&at).is_ok()))
        {
            None => 0,
            Some((0, _)) if by < 0 => last,
            Some((idx, _)) if by < 0 => idx - 1,
            Some((idx, true)) => idx + 1,
            Some((idx, false)) => idx,
        };
        self.select(matches[if target > last { 0 } else { target }], false);
    }

    /// Opens or closes a row. A selected span that would vanish gives the selection to the row.
    pub fn toggle(&self, node: usize) {
        let Some(model) = self.model.get_untracked() else { return };
        let mut folding = untrack(folding);
        let below = node + 1..=node + model.waterfall.nodes[node].n_below;
        let swallowed = self.selected.get_untracked().is_some_and(|selected| below.contains(&selected));
        if swallowed && !folding.is_closed(&model.waterfall, &model.trace.spans, node) {
            let span_id = model.span(node).map(|span| span.span_id.as_str());
            url_state::replace_params(&[("spanId", span_id)]);
        }
        folding.toggle(&model.waterfall, &model.trace.spans, node);
        write(&folding);
    }

    pub fn is_closed(&self, node: usize) -> bool {
        // Rows of an earlier answer may ask once more before they go.
        let Some(model) = self.model.get().filter(|model| node < model.waterfall.nodes.len()) else {
            return false;
        };
        self.folding.with(|folding| folding.is_closed(&model.waterfall, &model.trace.spans, node))
    }

    pub fn fold_all(&self, is_closed: bool) {
        if is_closed {
            url_state::replace_params(&[("spanId", None)]);
        }
        write(&Folding::all(is_closed));
    }

    /// Opens (1) or closes (-1) one level.
    pub fn fold_level(&self, by: i32) {
        if let Some(model) = self.model.get_untracked() {
            write(&untrack(folding).step(&model.waterfall, by));
        }
    }

    /// Scrolls the window so that the row is fully visible.
    pub fn reveal(&self, node: usize) {
        let (visible, rows) = (self.visible.get_untracked(), self.rows.get_untracked());
        let (Some(at), Some(rows)) = (visible.iter().position(|other| *other == node), rows) else { return };
        let top = rows.get_bounding_client_rect().top() + at as f64 * ROW_PX;
        let height = window().inner_height().ok().and_then(|height| height.as_f64()).unwrap_or(0.0);
        let by = match top {
            top if top < COVERED_PX => top - COVERED_PX - 2.0 * ROW_PX,
            top if top + ROW_PX > height => top + 3.0 * ROW_PX - height,
            _ => return,
        };
        window().scroll_by_with_x_and_y(0.0, by);
    }
}

fn folding() -> Folding {
    Folding::of(url_state::param("level").as_deref(), url_state::param("closed").as_deref())
}

fn write(folding: &Folding) {
    let (level, closed) = folding.params();
    url_state::replace_params(&[("level", level.as_deref()), ("closed", closed.as_deref())]);
}

/// The selected span is always visible: whatever it hangs below counts as open.
fn visible(model: &TraceModel, folding: &Folding, selected: Option<usize>, only_errors: bool) -> Vec<usize> {
    let kept_open = selected.map(|node| model.waterfall.ancestors(node)).unwrap_or_default();
    let is_closed = |node: usize| {
        folding.is_closed(&model.waterfall, &model.trace.spans, node) && !kept_open.contains(&node)
    };
    model.waterfall.visible(is_closed, only_errors)
}
