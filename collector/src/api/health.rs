//! `/healthz`, `/readyz` and `/metrics`: for machines that watch this one.
//!
//! `/healthz` says that the process answers. `/readyz` says that it may be sent data: replay is done, the
//! log can be written, the disk has room, every worker lives, and nobody asked it to end.

use super::{Api, Failure};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use std::fmt::Write as _;

pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

pub(super) async fn readyz(State(api): State<Api>) -> Response {
    let faults = faults(&api);
    if faults.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, faults.join("\n") + "\n").into_response()
}

/// One line for each reason not to be ready.
fn faults(api: &Api) -> Vec<String> {
    let mut faults = Vec::new();
    if api.settings.stop.is_cancelled() {
        faults.push("shutting down".to_owned());
    }
    match api.engine() {
        Ok(engine) => faults.extend(storage_faults(&engine.stats())),
        Err(_) => faults.push("starting: replaying the write-ahead log".to_owned()),
    }
    faults
        .extend(api.settings.workers.failing().into_iter().map(|name| format!("worker {name} is not alive")));
    faults
}

fn storage_faults(stats: &storage::Stats) -> Vec<String> {
    let mut faults: Vec<String> = stats.last_error.iter().map(|error| format!("storage: {error}")).collect();
    if stats.is_disk_almost_full() {
        let (free, reserve) = (stats.disk_free_bytes, stats.disk_reserve_bytes);
        faults.push(format!(
            "disk is almost full: {free} bytes are free and {reserve} are kept in reserve, requests are refused"
        ));
    }
    faults
}

pub(super) async fn metrics(State(api): State<Api>) -> Result<Response, Failure> {
    let mut page = api.settings.telemetry.prometheus(&api.engine()?.stats());
    // A state file that cannot be read must not hide the other figures.
    match api.board()?.receivers().await {
        Ok(receivers) => write_receivers(&mut page, &receivers),
        Err(error) => tracing::warn!(%error, "cannot count notifications"),
    }
    write_family(&mut page, "firstfault_ready", "Whether /readyz answers 200.");
    let _ = writeln!(page, "firstfault_ready {}", u8::from(faults(&api).is_empty()));
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page).into_response())
}

fn write_receivers(page: &mut String, receivers: &[crate::evaluate::ReceiverStatus]) {
    let families = [
        ("firstfault_notifications_waiting", "Notifications that wait for their next attempt."),
        ("firstfault_notifications_dead", "Notifications given up and still kept."),
    ];
    for (i, (name, help)) in families.into_iter().enumerate() {
        write_family(page, name, help);
        for receiver in receivers {
            let n = if i == 0 { receiver.n_waiting } else { receiver.n_dead };
            // Names come from the configuration file and may hold anything printable.
            let label = receiver.name.replace('\\', "\\\\").replace('"', "\\\"");
            let _ = writeln!(page, "{name}{{receiver=\"{label}\"}} {n}");
        }
    }
}

/// Writing into a `String` cannot fail.
fn write_family(page: &mut String, name: &str, help: &str) {
    let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} gauge");
}
