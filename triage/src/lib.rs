//! The detective: pure root-cause algorithms.
//!
//! `collector` brings spans here and carries answers away. Nothing in this crate reads a clock, a disk or a
//! socket, and the same input always gives the same answer. `input` says what is looked at, `tables` reads it once;
//! everything else finds something out, and [`report`] puts it together.

mod columns;
mod input;
mod numbering;
mod strings;
mod tables;
mod templates;
#[cfg(test)]
mod test_rows;
mod traces;

mod contrast;
mod excess;
mod flow;
mod latency;
mod logs;
mod origin;
mod rank;
mod saturation;
mod series;

mod change_point;
mod changes;
mod cohort;
mod critical_path;
mod diff;
mod edges;
mod facts;
mod lift;
mod skew;
mod statistics;

pub mod report;

pub use change_point::{ChangePoint, ChangedSeries, change_point, changed_metrics, changed_series};
pub use changes::{Change, ChangeKind, ChangeReach, Marker, changes};
pub use cohort::{
    CohortLimits, CohortPath, CohortRequest, PathPart, PathPartExcess, TimeExcess, cohort_path,
};
pub use contrast::Counts;
pub use critical_path::{
    PathKind, PathSpan, Section, critical_path, critical_path_below, is_asynchronous, path_roots,
};
pub use diff::{DiffNode, NodeSums, Presence, TreeDiff, tree_diff};
pub use edges::{Callee, Edge, EdgeBlame, EdgeHint, EdgeSums, edge_blame};
pub use excess::{Excess, NodeExcess, excess};
pub use facts::{ServiceFacts, TraceFacts, TraceMarks, trace_facts};
pub use flow::{FlowEvidence, FlowFinding, Step, flow};
pub use input::{Call, InputError, Limits, Scope, Stretch, Symptom, TriageInput, Window};
pub use latency::{EdgeLatency, LatencyEvidence, Unit, UnitLatency, latency};
pub use lift::{
    Attribute, AttributeScope, Condition, ConditionTest, Lift, LiftAim, LiftFinding, LiftLimits, LiftMember,
    LiftSide, LiftStrength, NumberShift, RuledOut, RuledOutWhy, lift, lift_with,
};
pub use logs::{LogLine, Logs, Template};
pub use origin::{ErrorEvidence, ErrorGroup, ErrorTrend, errors};
pub use rank::{Evidence, EvidenceKind, Findings, Ranking, Suspect, SuspectKind, Verdict, findings, rank};
pub use saturation::{Saturation, saturation};
pub use series::{Metrics, Point, Series, Shape};
pub use skew::{ClockShifts, clock_shifts};
pub use strings::{Strings, Symbol};
pub use tables::Tables;
pub use templates::{Miner, template_id};
pub use traces::{Span, SpanKind, Trace, Traces};
