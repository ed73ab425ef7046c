//! Whole rows of one table, for export.

use super::literals::{binary, within};
use super::range::TimeRange;
use crate::ids::Table;
use crate::segment::time_column;

/// Which rows of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Selection {
    /// By the start of spans, the time of logs and points, the bucket of the read model.
    pub range: Option<TimeRange>,
    /// Of one trace; for spans and logs.
    pub trace_id: Option<[u8; 16]>,
}

impl Selection {
    /// The statement for [`Engine::sql`](crate::Engine::sql), or for a server.
    pub fn sql(&self, table: Table) -> String {
        let mut conditions = Vec::from_iter(self.range.map(|range| within(time_column(table), range)));
        if let Some(trace_id) = self.trace_id {
            conditions.push(format!("trace_id = {}", binary(&trace_id)));
        }
        let name = table.name();
        match conditions.is_empty() {
            true => format!("SELECT * FROM {name}"),
            false => format!("SELECT * FROM {name} WHERE {}", conditions.join(" AND ")),
        }
    }
}
