//! What the model says happened: spans with their place in the shop, before any OTLP.
//!
//! `unfold` makes them; `otlp`, `logs` and `metrics` read them. No attribute names and no clocks here.

use super::faults::RELEASE;
use super::topology::{Consumer, External, Operation, Query, Service, Topic};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(super) struct DemoSpan {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub parent: Option<Parent>,
    pub instance: Instance,
    pub activity: Activity,
    pub start_ns: i64,
    pub end_ns: i64,
    pub failure: Option<Failure>,
    pub visitor: Arc<Visitor>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parent {
    pub span_id: [u8; 8],
    /// True when the parent ran in another process.
    pub is_remote: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Activity {
    Serve(&'static Operation),
    Inside(&'static str),
    Call(Call),
    Query(&'static Query),
    Publish(Message),
    Consume(Message, &'static Consumer),
    Request(&'static External),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub to: &'static Operation,
    /// 0 for the first attempt.
    pub resend: u32,
    /// Set where another attempt follows after so long.
    pub retry_in_ms: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub topic: &'static Topic,
    pub partition: u64,
    pub offset: u64,
}

/// Why a span did not succeed, as seen from that span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// The HTTP status, or what would be it.
    pub status: u16,
    pub error_type: &'static str,
    pub message: &'static str,
    /// The name of the exception, at the span where the failure began and nowhere else.
    pub exception: Option<&'static str>,
}

/// One running copy of a service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instance {
    pub service: &'static Service,
    pub number: u32,
    /// How often this copy was rolled out anew; odd while it runs the bad release.
    pub generation: u32,
}

/// Who makes the request: carried along by every service as baggage.
#[derive(Debug)]
pub(super) struct Visitor {
    pub tier: &'static str,
    pub region: &'static str,
    pub user: u64,
    pub product: u64,
    pub order: u64,
    pub n_items: u64,
    pub total_cents: u64,
    pub currency: &'static str,
    pub address: String,
    pub agent: &'static str,
}

impl DemoSpan {
    pub(super) fn duration_ns(&self) -> i64 {
        self.end_ns - self.start_ns
    }

    pub(super) fn duration_s(&self) -> f64 {
        self.duration_ns() as f64 / 1e9
    }

    /// A server answers a bad request with 4xx in good health; a client did not get what it asked for.
    pub(super) fn is_error(&self) -> bool {
        match (self.failure, self.activity) {
            (Some(failure), Activity::Serve(_)) => failure.is_fault(),
            (failure, _) => failure.is_some(),
        }
    }
}

impl Failure {
    pub(super) fn is_fault(&self) -> bool {
        self.status >= 500
    }

    /// What the service answers upstream when something it needs failed this way.
    pub(super) fn passed_on(self) -> Failure {
        if !self.is_fault() {
            return Failure { exception: None, ..self };
        }
        Failure { status: 502, error_type: "502", message: "a dependency failed", exception: None }
    }
}

impl Instance {
    /// Distinguishes and orders instances.
    pub(super) fn key(&self) -> (&'static str, u32, u32) {
        (self.service.name, self.number, self.generation)
    }

    pub(super) fn is_released(&self) -> bool {
        self.generation % 2 == 1
    }

    pub(super) fn version(&self) -> &'static str {
        if self.is_released() { RELEASE } else { self.service.version }
    }
}
