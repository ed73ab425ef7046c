//! The width of an element, kept current.

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;

/// Width of `node` in CSS pixels; zero until it is laid out. Follows every change of size.
pub fn width_of(node: NodeRef<Div>) -> ReadSignal<f64> {
    let (width, set_width) = signal(0.0);
    let observer = StoredValue::new_local(None::<Observer>);
    Effect::new(move |_| {
        if let Some(element) = node.get() {
            observer.set_value(Observer::start(&element, set_width));
        }
    });
    on_cleanup(move || observer.set_value(None));
    width
}

/// Stops observing when dropped.
struct Observer {
    observer: web_sys::ResizeObserver,
    /// The browser calls it; it must live as long as the observer.
    _callback: Closure<dyn FnMut()>,
}

impl Observer {
    fn start(element: &web_sys::Element, set_width: WriteSignal<f64>) -> Option<Self> {
        let measured = element.clone();
        let callback = Closure::<dyn FnMut()>::new(move || {
            set_width.set(f64::from(measured.client_width()));
        });
        let observer = web_sys::ResizeObserver::new(callback.as_ref().unchecked_ref()).ok()?;
        observer.observe(element);
        Some(Self { observer, _callback: callback })
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}
