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

    fn is_same_list(&self, other: &Self) -> bool {
        match (&self.list, &other.list) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
    }
}

/// An answer is compared by identity; its rows may be many.
impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        self.is_same_list(other) && self.path == other.path && self.releases == other.releases
    }
}

pub fn shown(latest: Fetch<LogList>, path: Signal<String>, hold: Hold) -> Memo<Shown> {
    let state = latest.state();
    Memo::new(move |before: Option<&Shown>| {
        // Everything is read before anything is decided, so that all of it is tracked.
        let (path, releases, is_held) = (path.get(), hold.releases.get(), hold.is_held());
        let newest = Shown { list: latest.get(), path, releases };
        let is_pending = state.with(|state| state.is_stale);
        match before {
            Some(before) => choose(before, newest, is_pending, is_held),
            None => newest,
        }
    })
}

/// Another question keeps the old answer until its own arrives; the same one while the list is held.
fn choose(before: &Shown, newest: Shown, is_pending: bool, is_held: bool) -> Shown {
    let has_arrived = !is_pending && !before.is_same_list(&newest);
    let is_other_question = before.path != newest.path;
    let is_asked_for = before.list.is_none() || before.releases != newest.releases;
    match is_other_question {
        true if has_arrived => newest,
        true => before.clone(),
        false if is_held && !is_asked_for => before.clone(),
        false => newest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::UnixNanos;

    fn answer() -> Option<Arc<LogList>> {
        let at = UnixNanos(0);
        let list = LogList {
            from: at,
            to: at,
            rows: Vec::new(),
            truncated: false,
            n_matched: 0,
            step_s: 10,
            histogram: Vec::new(),
            sql: String::new(),
        };
        Some(Arc::new(list))
    }

    fn state(list: Option<Arc<LogList>>, path: &str, releases: u32) -> Shown {
        Shown { list, path: path.to_owned(), releases }
    }

    /// Scenario: new answers to the same question arrive while the list rests, while it is held, and
    /// when the button is pressed.
    /// Guarantees: a held list does not move; the button and an empty screen take the newest.
    #[test]
    fn held_lists_do_not_move() {
        let (old, new) = (answer(), answer());
        let before = state(old.clone(), "/logs", 0);
        let newest = state(new.clone(), "/logs", 0);
        assert!(choose(&before, newest.clone(), false, false) == newest);
        assert!(choose(&before, newest.clone(), false, true) == before);
        let pressed = state(new, "/logs", 1);
        assert!(choose(&before, pressed.clone(), false, true) == pressed);
        assert!(choose(&state(None, "/logs", 0), newest.clone(), false, true) == newest);
    }

    /// Scenario: a filter changes; the old answer is still there, then the new one arrives.
    /// Guarantees: the old answer is never shown as the answer to the new question, held or not.
    #[test]
    fn answers_belong_to_their_question() {
        let (old, new) = (answer(), answer());
        let before = state(old.clone(), "/logs", 0);
        for is_held in [false, true] {
            let unanswered = state(old.clone(), "/logs?q=x", 0);
            assert!(choose(&before, unanswered.clone(), true, is_held) == before);
            assert!(choose(&before, unanswered, false, is_held) == before);
            let answered = state(new.clone(), "/logs?q=x", 0);
            assert!(choose(&before, answered.clone(), false, is_held) == answered);
        }
    }
}
