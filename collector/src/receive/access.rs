//! Whose request this is, and whether its sender may send now: asked before the body is read.

use super::answer::Failure;
use crate::auth::{Denied, Payer};
use crate::ingest::Ingest;
use crate::serve::Peer;
use crate::telemetry::Reason;
use http::{Extensions, HeaderMap};

/// Who pays for a request with their rates.
pub(super) fn payer(ingest: &Ingest, headers: &HeaderMap, extensions: &Extensions) -> Result<Payer, Failure> {
    let now = ingest.clock().instant();
    let payer = ingest.gate().sender(headers, extensions.get::<Peer>(), now).map_err(denied)?;
    match payer.owes(now) {
        None => Ok(payer),
        Some((name, wait)) => {
            let message = format!("'{name}' has sent more than its rates allow, retry later");
            Err(Failure::retry(Reason::RateLimited, message, wait))
        }
    }
}

fn denied(denied: Denied) -> Failure {
    let message = denied.to_string();
    match denied {
        Denied::TooManyFailures { retry_after } => Failure::retry(Reason::RateLimited, message, retry_after),
        Denied::Missing | Denied::Malformed | Denied::Unknown => {
            Failure::new(Reason::Unauthenticated, message)
        }
    }
}
