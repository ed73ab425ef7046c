//! Tests of file lookup, caching and content negotiation.

use super::*;
use axum::body::to_bytes;

static ASSETS: &[Asset] = &[
    Asset { path: "index.html", plain: b"page", brotli: Some(b"page.br"), gzip: Some(b"page.gz") },
    Asset { path: "assets/app-1f.wasm", plain: b"wasm", brotli: None, gzip: Some(b"wasm.gz") },
    Asset { path: "favicon.svg", plain: b"icon", brotli: None, gzip: None },
];

fn request(path: &str, accept_encoding: Option<&'static str>) -> Response {
    let mut headers = HeaderMap::new();
    if let Some(value) = accept_encoding {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(value));
    }
    serve(ASSETS, &Method::GET, path, &headers)
}

async fn body(response: Response) -> String {
    let bytes = to_bytes(response.into_body(), 1 << 20).await.expect("in memory");
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Scenario: clients name codings in several ways, or none.
/// Guarantees: the smallest accepted twin is sent with its coding, and caches are told what it depends on.
#[tokio::test]
async fn negotiates_content_coding() {
    for (accept, coding, text) in [
        (Some("gzip, deflate, br"), Some("br"), "page.br"),
        (Some("gzip"), Some("gzip"), "page.gz"),
        (Some("br;q=0, gzip;q=0.5"), Some("gzip"), "page.gz"),
        (Some("*"), Some("br"), "page.br"),
        (Some("br;q=0, *;q=0"), None, "page"),
        (Some("identity"), None, "page"),
        (None, None, "page"),
    ] {
        let response = request("/", accept);
        let sent =
            response.headers().get(CONTENT_ENCODING).map(|value| value.to_str().expect("text").to_owned());
        assert_eq!(sent.as_deref(), coding, "{accept:?}");
        assert_eq!(response.headers()[VARY], "accept-encoding");
        assert_eq!(body(response).await, text, "{accept:?}");
    }
}

/// Scenario: a hashed file, a plain file and pages of the UI are asked for.
/// Guarantees: hashed files are cached for ever, all else is asked about; wasm has its own type.
#[tokio::test]
async fn caches_only_hashed_files() {
    let wasm = request("/assets/app-1f.wasm", None);
    assert_eq!(wasm.headers()[CONTENT_TYPE], "application/wasm");
    assert_eq!(wasm.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
    for path in ["/", "/index.html", "/favicon.svg", "/traces", "/services/api.example.com"] {
        assert_eq!(request(path, None).headers()[CACHE_CONTROL], "no-cache", "{path}");
    }
    assert_eq!(body(request("/services/api.example.com", None)).await, "page");
}

/// Scenario: files that do not exist, and attempts to climb out of the folder.
/// Guarantees: missing files are 404, never a page; climbing finds nothing but the page.
#[tokio::test]
async fn misses_are_not_pages() {
    for path in ["/assets/gone.js", "/assets/../Cargo.toml", "/favicon.ico"] {
        assert_eq!(request(path, None).status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(body(request("/../../etc/passwd", None)).await, "page");
}

/// Scenario: a method that changes things; a binary without UI.
/// Guarantees: 405 names the allowed methods; the page says what is missing and how to get it.
#[tokio::test]
async fn says_what_it_cannot_do() {
    let posted = serve(ASSETS, &Method::POST, "/", &HeaderMap::new());
    assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(posted.headers()[ALLOW], "GET, HEAD");
    let bare = serve(&[], &Method::GET, "/traces", &HeaderMap::new());
    assert_eq!(bare.status(), StatusCode::OK);
    assert!(body(bare).await.contains("cargo xtask run"));
}
