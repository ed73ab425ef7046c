//! The detective: pure root-cause algorithms.
//!
//! `collector` brings spans here and carries answers away. Nothing in this crate reads a clock, a disk or a
//! socket, and the same input always gives the same answer.

mod columns;
mod critical_path;
mod input;
mod lift;
mod statistics;
mod strings;
mod tables;
#[cfg(test)]
mod test_rows;
mod traces;

pub use critical_path::{
    PathKind, PathSpan, Section, critical_path, critical_path_below, is_asynchronous, path_roots,
};
pub use input::{Call, InputError, Limits, Scope, Stretch, TriageInput, Window};
pub use lift::{
    Attribute, AttributeScope, Condition, Finding, Lift, LiftLimits, Member, RuledOut, Shift, Side, Strength,
    Test, Why, lift,
};
pub use strings::{Strings, Symbol};
pub use tables::Tables;
pub use traces::{Span, SpanKind, Trace, Traces};
