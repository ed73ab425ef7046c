//! Serves the UI from the binary's own memory.
//!
//! The table of files is made at build time; no path of a request ever reaches the file system. Paths
//! that are no file get `index.html`, because the UI's pages are paths of its own; paths of the API
//! never do, so that a mistyped API call is not answered with a page.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

include!(concat!(env!("OUT_DIR"), "/ui_assets.rs"));

/// One file of the UI with its compressed twins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asset {
    /// Relative, with forward slashes: `assets/app-1f3a.wasm`.
    pub(crate) path: &'static str,
    pub(crate) plain: &'static [u8],
    pub(crate) brotli: Option<&'static [u8]>,
    pub(crate) gzip: Option<&'static [u8]>,
}

/// Names below this prefix carry a hash of their content, so they may be cached for ever.
const HASHED_PREFIX: &str = "assets/";

/// Shown by a binary that was built without the UI.
const NO_UI_PAGE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
<title>Firstfault without its UI</title>\
<h1>This binary was built without the UI</h1>\
<p>The collector is running: it takes OTLP and answers <a href=\"/api/v1/status\">/api/v1/status</a>.</p>\
<p>To build it with the UI, run <code>cargo xtask run</code> in the source tree.</p></html>";

/// Is there a UI in this binary?
pub(crate) fn has_ui() -> bool {
    !EMBEDDED.is_empty()
}

/// Answers a request for a path outside the API from `assets`; `path` is the URL's, with its slash.
pub(crate) fn serve(assets: &'static [Asset], method: &Method, path: &str, headers: &HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        let allow = [(ALLOW, HeaderValue::from_static("GET, HEAD"))];
        return (StatusCode::METHOD_NOT_ALLOWED, allow, "only GET and HEAD are answered here\n")
            .into_response();
    }
    match find(assets, path) {
        Found::File(asset) => answer(asset, headers),
        Found::Nothing => (StatusCode::NOT_FOUND, "there is no such file\n").into_response(),
        Found::NoUi => {
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            (StatusCode::OK, [(CONTENT_TYPE, html), no_cache()], NO_UI_PAGE).into_response()
        }
    }
}

enum Found {
    File(&'static Asset),
    Nothing,
    NoUi,
}

fn find(assets: &'static [Asset], path: &str) -> Found {
    let path = path.trim_start_matches('/');
    let named = |name: &str| assets.iter().find(|asset| asset.path == name);
    match named(path) {
        Some(asset) => Found::File(asset),
        None if is_file_name(path) => Found::Nothing,
        None => named("index.html").map_or(Found::NoUi, Found::File),
    }
}

/// Hashed files, and single names with an extension such as `favicon.ico`. Deeper paths are pages, even
/// with a dot in them: `services/api.example.com`.
fn is_file_name(path: &str) -> bool {
    path.starts_with(HASHED_PREFIX) || (!path.contains('/') && path.contains('.'))
}

fn answer(asset: &'static Asset, headers: &HeaderMap) -> Response {
    let (coding, bytes) = negotiate(asset, headers);
    let mut response = Response::new(Body::from(Bytes::from_static(bytes)));
    let answered = response.headers_mut();
    answered.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(asset.path)));
    answered.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(coding) = coding {
        answered.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    let cache = if asset.path.starts_with(HASHED_PREFIX) {
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"))
    } else {
        no_cache()
    };
    answered.insert(cache.0, cache.1);
    response
}

/// Kept, but asked about each time: a new binary's `index.html` names new files.
fn no_cache() -> (http::HeaderName, HeaderValue) {
    (CACHE_CONTROL, HeaderValue::from_static("no-cache"))
}

/// The smallest twin that the client takes.
fn negotiate(asset: &'static Asset, headers: &HeaderMap) -> (Option<&'static str>, &'static [u8]) {
    for (coding, twin) in [("br", asset.brotli), ("gzip", asset.gzip)] {
        if let Some(bytes) = twin
            && accepts(headers, coding)
        {
            return (Some(coding), bytes);
        }
    }
    (None, asset.plain)
}

/// Whether `Accept-Encoding` names the coding, or `*`, with a quality above zero.
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let items: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let quality = |name: &str| items.iter().find_map(|item| item_quality(item, name));
    quality(coding).or_else(|| quality("*")).is_some_and(|quality| quality > 0.0)
}

fn item_quality(item: &str, name: &str) -> Option<f32> {
    let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
    if !coding.trim().eq_ignore_ascii_case(name) {
        return None;
    }
    let quality = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("q="));
    Some(quality.map_or(1.0, |text| text.trim().parse().unwrap_or(0.0)))
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
