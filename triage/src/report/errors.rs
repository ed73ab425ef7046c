//! Groups of errors that began in the window, as the report tells them.

use super::words::{counted, shortened};
use super::{ErrorGroup, ErrorState};
use crate::origin::ErrorTrend;
use crate::rank::Findings;
use crate::tables::Tables;

/// Groups of one report.
const GROUPS_MAX: usize = 20;
/// Characters of what failed.
const IDENTITY_CHARS_MAX: usize = 200;

/// In the order in which they were found: strongest first.
pub(super) fn error_groups(tables: &Tables, findings: &Findings) -> Vec<ErrorGroup> {
    findings.errors.groups.iter().take(GROUPS_MAX).map(|group| one(tables, group)).collect()
}

fn one(tables: &Tables, group: &crate::origin::ErrorGroup) -> ErrorGroup {
    let service = tables.strings.text(group.service).to_owned();
    let operation = tables.strings.text(group.operation).to_owned();
    let state = match group.trend {
        ErrorTrend::New => ErrorState::New,
        ErrorTrend::Regressed => ErrorState::Regressed,
        ErrorTrend::Escalating => ErrorState::Escalating,
        ErrorTrend::Steady => ErrorState::Steady,
        ErrorTrend::NoBaseline => ErrorState::NoBaseline,
    };
    let n_before = (group.n_nearest + group.n_older) as u64;
    let n_now = group.n_window as u64;
    let identity = shortened(&group.identity, IDENTITY_CHARS_MAX);
    let what = if identity.is_empty() { "an error without a name" } else { identity.as_str() };
    let compared = match state {
        ErrorState::New => "it was not seen before",
        ErrorState::Regressed => "it is back after it was gone",
        ErrorState::Escalating => "more often than before",
        ErrorState::NoBaseline => "such requests were not seen before",
        ErrorState::Steady => "as before",
    };
    let sentence =
        format!("{what} in {operation} of {service} failed {}: {compared}.", counted(n_now, "trace"));
    let trace_id = group.spans.first().map(|span| {
        let trace = tables.traces.spans()[*span as usize].trace;
        tables.traces.traces()[trace as usize].trace_id
    });
    ErrorGroup { service, operation, identity, state, n_before, n_now, sentence, trace_id }
}
