//! `GET /api/v1/ingest/rejections`, and what is told of senders that came to this port instead of OTLP's.

use super::params::Params;
use super::{Api, Failure, convert};
use crate::receive::{hints, strangers};
use crate::serve::{Stranger, Strangers};
use crate::telemetry::{Origin, Reason, Refusal, Transport};
use axum::Json;
use axum::extract::{Request, State};
use http::{Method, Uri};
use wire::UnixNanos;

pub(super) async fn rejections(
    State(api): State<Api>,
    uri: Uri,
) -> Result<Json<wire::RejectionLog>, Failure> {
    let now = api.now();
    Params::read(&uri, now, &[])?;
    let (by_reason, recent) = api.settings.telemetry.rejected();
    Ok(Json(wire::RejectionLog {
        now: UnixNanos(now),
        by_reason: by_reason.into_iter().map(convert::rejection).collect(),
        recent: recent.into_iter().map(convert::rejected_request).collect(),
    }))
}

impl Api {
    /// Tells connections to this port that speak something else. Those are counted that speak TLS where the port does
    /// not, or the other way round: nobody else could tell why the page does not come.
    pub(crate) fn strangers(&self) -> Strangers {
        let api = self.clone();
        Strangers::new(move |stranger, peer| {
            let (reason, message) = strangers::named(stranger);
            let hint = match stranger {
                Stranger::Plaintext | Stranger::Handshake(_) => reason.hint().map(str::to_owned),
                Stranger::Tls => {
                    Some(format!("this port speaks plain text: open {}", api.settings.endpoints.dashboard))
                }
                Stranger::NotHttp => {
                    return format!("{message}; this port serves the dashboard and its API over HTTP");
                }
            };
            let hint = hint.as_deref();
            let origin = &Origin::new(Some(peer), Transport::Http, "");
            let refusal = Refusal { origin, signal: None, reason, message, hint };
            api.settings.telemetry.refused(&refusal, api.now());
            [Some(message), hint].into_iter().flatten().collect::<Vec<_>>().join("; ")
        })
    }
}

/// Answers for a path of OTLP. A sender's request is counted as refused, a look from a browser is not.
pub(super) fn otlp_path(api: &Api, request: &Request) -> Failure {
    let origin = &Origin::of(request, Transport::Http);
    let message = format!("there is no {} on this port", origin.path);
    if request.method() == Method::POST {
        let (reason, endpoints) = (Reason::OtlpOnApiPort, &api.settings.endpoints);
        let hint = hints::hint(reason, hints::Context { origin, endpoints });
        let (message, hint) = (message.as_str(), hint.as_deref());
        api.settings.telemetry.refused(&Refusal { origin, signal: None, reason, message, hint }, api.now());
    }
    let otlp = &api.settings.endpoints.otlp_http;
    Failure::not_found(message).hint(format!("OTLP/HTTP is received at {otlp}, the API is below /api/v1"))
}
