//! A webhook receiver that keeps what it got, and can be told to refuse.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) document: Value,
}

#[derive(Default)]
struct Shared {
    delivered: Mutex<Vec<Delivery>>,
    n_refused: AtomicU32,
    /// Requests still to be answered with 503.
    n_to_refuse: AtomicU32,
}

pub(crate) struct Receiver {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

impl Receiver {
    /// Listens on a free port of loopback; the first `n_to_refuse` requests get 503.
    pub(crate) async fn start(n_to_refuse: u32) -> Self {
        let shared = Arc::new(Shared { n_to_refuse: n_to_refuse.into(), ..Shared::default() });
        let app = Router::new().route("/hook", post(take)).with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("address"));
        tokio::spawn(async move { axum::serve(listener, app).await.expect("receiver serves") });
        Self { url, shared }
    }

    pub(crate) fn delivered(&self) -> Vec<Delivery> {
        self.shared.delivered.lock().expect("lock").clone()
    }

    pub(crate) fn n_refused(&self) -> u32 {
        self.shared.n_refused.load(Ordering::SeqCst)
    }
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let refuse = shared.n_to_refuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
    if refuse.is_ok() {
        shared.n_refused.fetch_add(1, Ordering::SeqCst);
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    let document = serde_json::from_slice(&body).expect("the webhook's body is JSON");
    shared.delivered.lock().expect("lock").push(Delivery { id, document });
    StatusCode::OK
}
