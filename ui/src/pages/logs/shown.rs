//! Which answer is on the screen: the newest one, or the one somebody is reading.
//!
//! Derived from the newest answer and from what holds the list; nothing is copied by an effect.

use crate::api::Fetch;
use leptos::prelude::*;
use std::sync::Arc;
use wire::LogList;

/// What keeps the list still, and the button that lets it go.
#[derive(Clone, Copy)]
pub struct Hold {
    /// The pointer rests on the list.
    pub is_hovered: RwSignal<bool>,
    /// The focus is inside the list.
    pub is_focused: RwSignal<bool>,
    /// The list is scrolled away from its top.
    pub is_scrolled: RwSignal<bool>,
    /// Counts presses on "N new".
    pub releases: RwSignal<u32>,
}

impl Hold {
    pub fn new() -> Self {
        Self {
            is_hovered: RwSignal::new(false),
            is_focused: RwSignal::new(false),
            is_scrolled: RwSignal::new(false),
            releases: RwSignal::new(0),
        }
    }

    fn is_held(&self) -> bool {
        // All three are read, so that each of them is tracked.
        let (hovered, focused, scrolled) =
            (self.is_hovered.get(), self.is_focused.get(), self.is_scrolled.get());
        hovered || focused || scrolled
    }
}

impl Default for Hold {
    fn default() -> Self {
        Self::new()
    }
}

/// The answer on the screen with the question it belongs to.
#[derive(Clone, Default)]
pub struct Shown {
    list: Option<Arc<LogList>>,
    path: String,
    releases: u32,
}

impl Shown {
    pub fn list(&self) -> Option<&LogList> {
        self.list.as_deref()
    }
}

/// An answer is compared by identity; its rows may be many.
impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        let is_same = match (&self.list, &other.list) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        is_same && self.path == other.path && self.releases == other.releases
    }
}

pub fn shown(latest: Fetch<LogList>, path: Signal<String>, hold: Hold) -> Memo<Shown> {
    let state = latest.state();
    Memo::new(move |before: Option<&Shown>| {
        let (path, releases, is_held) = (path.get(), hold.releases.get(), hold.is_held());
        let newest = Shown { list: latest.get(), path, releases };
        let is_answer = !state.with(|state| state.is_stale);
        match before {
            Some(before) if before.path != newest.path && !(is_answer && before.list_differs(&newest)) => {
                before.clone()
            }
            Some(before) if is_held && before.is_same_question(&newest) => before.clone(),
            _ => newest,
        }
    })
}

impl Shown {
    fn is_same_question(&self, other: &Self) -> bool {
        self.list.is_some() && self.path == other.path && self.releases == other.releases
    }

    fn list_differs(&self, other: &Self) -> bool {
        match (&self.list, &other.list) {
            (Some(a), Some(b)) => !Arc::ptr_eq(a, b),
            (a, b) => a.is_some() != b.is_some(),
        }
    }
}
