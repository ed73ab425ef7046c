//! The detective: pure root-cause algorithms.
//!
//! `collector` brings spans here and carries answers away. Nothing in this crate reads a clock, a disk or a
//! socket, and the same input always gives the same answer.

mod columns;
mod contrast;
mod critical_path;
mod excess;
mod flow;
mod input;
mod latency;
mod logs;
mod numbering;
mod origin;
mod rank;
mod saturation;
mod series;
mod strings;
mod tables;
mod templates;
#[cfg(test)]
mod test_rows;
mod traces;

pub use contrast::Counts;
pub use critical_path::{PathKind, PathSpan, Section, critical_path, path_roots};
pub use excess::{Excess, NodeExcess, excess};
pub use flow::{FlowEvidence, FlowFinding, Step, flow};
pub use input::{Call, InputError, Limits, Scope, Stretch, Symptom, TriageInput, Window};
pub use latency::{EdgeLatency, LatencyEvidence, Unit, UnitLatency, latency};
pub use logs::{LogLine, Logs, Template};
pub use origin::{ErrorEvidence, ErrorGroup, ErrorTrend, errors};
pub use rank::{Evidence, EvidenceKind, Findings, Ranking, Suspect, SuspectKind, Verdict, findings, rank};
pub use saturation::{Saturation, saturation};
pub use series::{Metrics, Point, Series, Shape};
pub use strings::{Strings, Symbol};
pub use tables::Tables;
pub use templates::{Miner, template_id};
pub use traces::{Span, SpanKind, Trace, Traces};
