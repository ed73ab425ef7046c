//! Charts that share a time axis: one crosshair through all of them, one brush that sets the range.

use crate::model::time_range::TimeRange;
use crate::url_state;
use leptos::prelude::*;

/// What the pointer does on any chart of the group.
#[derive(Clone, Copy)]
pub struct ChartGroup {
    /// Point in time under the pointer or chosen with the arrow keys.
    pub hover_ms: RwSignal<Option<i64>>,
    /// Start and current end of a drag.
    pub drag_ms: RwSignal<Option<(i64, i64)>>,
}

impl ChartGroup {
    fn new() -> Self {
        Self { hover_ms: RwSignal::new(None), drag_ms: RwSignal::new(None) }
    }

    /// Lets every chart below share one crosshair. Call it in the component that holds them.
    pub fn provide() {
        provide_context(Self::new());
    }

    /// The group around this chart, or one of its own.
    pub fn current() -> Self {
        use_context().unwrap_or_else(Self::new)
    }

    /// Ends a drag; one that is long enough to be meant becomes the range (Back undoes it).
    pub fn finish_drag(&self, ms_min: i64) {
        if let Some((a, b)) = self.drag_ms.get_untracked()
            && (a - b).abs() >= ms_min
        {
            set_range(&TimeRange::absolute(a, b));
        }
        self.drag_ms.set(None);
    }
}

/// Makes `range` the range of the page.
pub fn set_range(range: &TimeRange) {
    url_state::set_params(&[("from", Some(&range.from)), ("to", Some(&range.to)), ("live", None)]);
}
