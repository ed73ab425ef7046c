//! The judgement: what is burning, since when, and who has been told.
//!
//! `slo` and `burn_rate` are arithmetic over counts that the caller has measured; `step` moves an
//! alert through its `state`s; `outbox` writes each move together with its notifications into
//! SQLite; `webhook` carries them out. `ownership` and `deployment` are what people say of services.
//! Counts come from `collector`, which also owns the clock: nothing here reads one, knows a table of
//! spans, or decides when it is time to evaluate.

mod error;

mod burn_rate;
mod slo;

mod deployment;
mod ownership;

mod state;
mod step;

mod outbox;
mod webhook;

pub use burn_rate::{
    Coverage, Judgement, Severity, Tier, TierJudgement, Verdict, WindowCounts, exhaustion_s, judge,
};
pub use deployment::{Deployment, DeploymentError};
pub use error::Error;
pub use outbox::{
    AlertRecord, Attempt, Change, Delivery, DeliveryState, Heard, IncidentTime, NewDelivery, ReceiverCounts,
    Store, StoredOwnership, StoredTriage, TRIAGE_BYTES_MAX, copy_state, event_id, occurrence_id,
};
pub use ownership::{Ownership, OwnershipError, OwnershipSpec};
pub use slo::{Indicator, Slo, SloError, SloSpec, Target};
pub use state::{Event, Phase, Transition};
pub use step::{StepPolicy, step};
pub use webhook::{
    Clock, Courier, Identity, Notice, Receiver, ReceiverUrl, RetryPolicy, Round, Secret, SecretError,
    TargetError, document, slo_url,
};
