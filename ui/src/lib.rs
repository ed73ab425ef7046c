//! The view: everything a browser shows of Firstfault, rendered on the client.
//!
//! Place in the flow: asks the server's `/api/v1` for `wire` types and draws them. Pages fetch,
//! components render, `model` computes and is tested on the host. The address bar holds the state.
//! Never: a dependency on storage or alerts, markup made from telemetry text, a clock outside `clock`.

#![allow(
    missing_debug_implementations,
    unreachable_pub,
    reason = "the component macro emits public functions and props without Debug"
)]

pub mod api;
pub mod app;
pub mod browser;
pub mod clock;
pub mod components;
pub mod erased;
pub mod format;
pub mod json;
pub mod model;
pub mod pages;
pub mod theme;
pub mod url_state;

/// Called by the loader once the module is compiled.
#[wasm_bindgen::prelude::wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
    leptos::mount::mount_to_body(app::App);
}
