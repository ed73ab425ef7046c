//! A webhook receiver that refuses every notification once, then keeps it.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) document: Value,
}

#[derive(Default)]
struct Shared {
    delivered: Mutex<Vec<Delivery>>,
    /// Notifications that were answered with 503, by their id.
    refused: Mutex<BTreeSet<String>>,
}

pub(crate) struct Receiver {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

impl Receiver {
    /// Listens on a free port of loopback.
    pub(crate) async fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let app = Router::new().route("/hook", post(take)).with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("address"));
        tokio::spawn(async move { axum::serve(listener, app).await.expect("receiver serves") });
        Self { url, shared }
    }

    pub(crate) fn delivered(&self) -> Vec<Delivery> {
        self.shared.delivered.lock().expect("lock").clone()
    }

    pub(crate) fn n_refused(&self) -> usize {
        self.shared.refused.lock().expect("lock").len()
    }
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    if shared.refused.lock().expect("lock").insert(id.clone()) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let document = serde_json::from_slice(&body).expect("the webhook's body is JSON");
    shared.delivered.lock().expect("lock").push(Delivery { id, document });
    StatusCode::OK
}
