//! The detective: pure root-cause algorithms.
//!
//! `collector` brings spans here and carries answers away. Nothing in this crate reads a clock, a disk or a
//! socket, and the same input always gives the same answer.

mod change_point;
mod changes;
mod cohort;
mod columns;
mod critical_path;
mod diff;
mod edges;
mod facts;
mod input;
mod lift;
mod skew;
mod statistics;
mod strings;
mod tables;
#[cfg(test)]
mod test_rows;
mod traces;

pub use change_point::{ChangePoint, ChangedSeries, change_point, changed_series, rates_of_counter};
pub use changes::{Change, Marker, Reach, What, changes};
pub use cohort::{CohortLimits, CohortPath, Excess, Part, PartExcess, Request, cohort_path};
pub use critical_path::{
    PathKind, PathSpan, Section, critical_path, critical_path_below, is_asynchronous, path_roots,
};
pub use diff::{DiffNode, NodeSums, Presence, TreeDiff, tree_diff};
pub use edges::{Callee, Edge, EdgeBlame, EdgeHint, EdgeSums, edge_blame};
pub use facts::{ServiceFacts, TraceFacts, TraceMarks, trace_facts};
pub use input::{Call, InputError, Limits, Scope, Stretch, TriageInput, Window};
pub use lift::{
    Attribute, AttributeScope, Condition, Finding, Lift, LiftLimits, Member, RuledOut, Shift, Side, Strength,
    Test, Why, lift,
};
pub use skew::{ClockShifts, clock_shifts};
pub use strings::{Strings, Symbol};
pub use tables::Tables;
pub use traces::{Span, SpanKind, Trace, Traces};
