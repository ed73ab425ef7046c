//! The browser's clock and time zone; the only place that reads them.
//!
//! Everything else gets `now` from an answer of the server or passed in. Host builds (tests) have
//! neither: they see 1970 and UTC.

use wire::UnixNanos;

/// The browser's time. Use it for ages and for the picker, never to order telemetry.
#[cfg(target_arch = "wasm32")]
pub fn now() -> UnixNanos {
    // f64 holds whole milliseconds exactly until the year 287396.
    UnixNanos::from_millis(js_sys::Date::now() as i64)
}

#[cfg(not(target_arch = "wasm32"))]
pub fn now() -> UnixNanos {
    UnixNanos(0)
}

/// Minutes that local time is ahead of UTC at `at_ms`, daylight saving included.
#[cfg(target_arch = "wasm32")]
pub fn local_offset_min(at_ms: i64) -> i32 {
    let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at_ms as f64));
    -(date.get_timezone_offset() as i32)
}

#[cfg(not(target_arch = "wasm32"))]
pub fn local_offset_min(_at_ms: i64) -> i32 {
    0
}
