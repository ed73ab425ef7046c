//! Closures in one shape each. Leptos compiles its machinery for every closure of a view anew; behind a
//! box it does so once a shape. What that gave stands in ADR 005.

use leptos::prelude::*;

/// A part of a view that follows what it reads.
pub fn live<V: IntoAny + 'static>(mut read: impl FnMut() -> V + Send + 'static) -> AnyView {
    fn erased(read: Box<dyn FnMut() -> AnyView + Send>) -> AnyView {
        read.into_any()
    }
    erased(Box::new(move || read().into_any()))
}

/// The value of an attribute that follows what it reads.
pub type Text = Box<dyn FnMut() -> Option<String> + Send>;

pub fn text<V: IntoText>(mut read: impl FnMut() -> V + Send + 'static) -> Text {
    Box::new(move || read().into_text())
}

/// What an attribute can be; none leaves it out.
pub trait IntoText {
    fn into_text(self) -> Option<String>;
}

impl IntoText for String {
    fn into_text(self) -> Option<String> {
        Some(self)
    }
}

impl IntoText for Option<String> {
    fn into_text(self) -> Option<String> {
        self
    }
}

impl IntoText for &str {
    fn into_text(self) -> Option<String> {
        Some(self.to_owned())
    }
}

impl IntoText for Option<&str> {
    fn into_text(self) -> Option<String> {
        self.map(str::to_owned)
    }
}

/// The value of a property of an input that follows what it reads.
pub fn value(read: impl FnMut() -> String + Send + 'static) -> Box<dyn FnMut() -> String + Send> {
    Box::new(read)
}

/// A class or a property that is there or not.
pub fn flag(read: impl FnMut() -> bool + Send + 'static) -> Box<dyn FnMut() -> bool + Send> {
    Box::new(read)
}

/// What an event does.
pub fn act<E: 'static>(run: impl FnMut(E) + 'static) -> Box<dyn FnMut(E)> {
    Box::new(run)
}

/// A value that is computed again only when what it reads changes.
pub fn memo<T: PartialEq + Send + Sync + 'static>(read: impl Fn() -> T + Send + Sync + 'static) -> Memo<T> {
    #[inline(never)]
    fn erased<T: PartialEq + Send + Sync + 'static>(read: Box<dyn Fn() -> T + Send + Sync>) -> Memo<T> {
        Memo::new(move |_| read())
    }
    erased(Box::new(read))
}

/// A value that is computed each time it is read.
pub fn derived<T: Send + Sync + 'static>(read: impl Fn() -> T + Send + Sync + 'static) -> Signal<T> {
    #[inline(never)]
    fn erased<T: Send + Sync + 'static>(read: Box<dyn Fn() -> T + Send + Sync>) -> Signal<T> {
        Signal::derive(read)
    }
    erased(Box::new(read))
}
