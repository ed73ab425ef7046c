//! The judgement: what is burning, since when, and who has been told.
//!
//! `slo` and `burn_rate` are arithmetic over counts that the caller has measured, `indicator` says which
//! those are, and `backtest` lets them pass once more; `step` moves an alert through its `state`s;
//! `outbox` writes each move together with its notifications into SQLite; `webhook` carries them out, by
//! HTTP and by mail; `route` says to whom, by labels. `ownership` and `deployment` are what people say of
//! services. `incident` says which alerts belong together and what may become of that, `silence` when nobody is
//! told. Counts come from `collector`, which also owns the clock: nothing here reads one, knows a table
//! of spans, or decides when it is time to evaluate.

mod error;

mod backtest;
mod burn_rate;
mod calendar;
mod indicator;
mod slo;
mod target;

mod deployment;
mod ownership;

mod state;
mod step;

mod incident;
mod silence;

mod outbox;
mod route;
mod webhook;

pub use backtest::{Backtest, BurndownPoint, Episode, Replay, SliceCounts, backtest, burndown};
pub use burn_rate::{
    Comparison, Coverage, Judgement, Severity, Tier, TierJudgement, Verdict, WindowCounts, exhaustion_s,
    judge,
};
pub use calendar::{Calendar, CalendarError, CalendarUnit};
pub use deployment::{Deployment, DeploymentError};
pub use error::Error;
pub use incident::{
    Acknowledgement, Arrival, Calls, Candidate, Entry, EntryKind, Fold, IllegalMove, Incident, IncidentMove,
    IncidentStatus, Member, Origin, Placement, Reason, ReasonKind, Stage, fold,
};
pub use indicator::{Indicator, Method, Part, Ratio, Source, Timeslice};
pub use outbox::{
    AlertRecord, Attempt, Attention, Change, Creation, Delivery, DeliveryFilter, DeliveryState, Expired,
    Ground, Hand, Handled, Heard, IncidentFile, IncidentFilter, IncidentLine, IncidentTime, Membership,
    MovedAlert, NewDelivery, Numbering, OBJECTIVE_BYTES_MAX, ObjectiveForm, OwnNotice, Placed, Placing,
    ReceiverCounts, Replayed, ReplayedRange, Store, StoredObjective, StoredOwnership, StoredTriage, Stuck,
    TRIAGE_BYTES_MAX, copy_state, event_id, occurrence_id,
};
pub use ownership::{Ownership, OwnershipError, OwnershipSpec};
pub use route::{Escalation, Matcher, MatcherError, Route, matching};
pub use silence::{Expiry, Muted, RecurrenceSpec, Silence, SilenceError, SilenceSpec, StoredSilence, muted};
pub use slo::{Condition, Slo, SloError, SloSpec};
pub use state::{Event, Phase, Transition};
pub use step::{StepPolicy, step};
pub use target::Target;
pub use webhook::{
    Clock, Courier, Gone, Hook, Identity, Kind, Mail, MailError, MailServer, MailTls, Members, Network,
    Notice, PagerDuty, PrivateTargets, Receiver, ReceiverUrl, RetryPolicy, Round, RoutingKeyError, Secret,
    SecretError, ShownRequest, TargetError, Token, Tried, incident_url, slo_url,
};
