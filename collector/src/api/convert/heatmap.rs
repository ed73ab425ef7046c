//! How many spans by time and duration.

use super::step_s;
use crate::decode::text::hex;
use storage::{Heatmap, HeatmapQuery};
use wire::UnixNanos;

pub(in super::super) fn heatmap(heatmap: Heatmap, query: &HeatmapQuery) -> wire::Heatmap {
    let cell = |cell: storage::HeatmapCell| wire::HeatmapCell {
        column: cell.column,
        row: cell.row,
        n: cell.n,
        trace_id: cell.trace_id.map(|id| hex(&id)),
    };
    let row = |row: storage::HeatmapRow| wire::HeatmapRow { from_ns: row.from_ns, to_ns: row.to_ns };
    wire::Heatmap {
        from: UnixNanos(query.range.from),
        to: UnixNanos(query.range.to),
        step_s: step_s(heatmap.step),
        columns: heatmap.columns.into_iter().map(UnixNanos).collect(),
        rows: heatmap.rows.into_iter().map(row).collect(),
        n_spans: heatmap.cells.iter().map(|cell| cell.n).fold(0, u64::saturating_add),
        n_cell_max: heatmap.cells.iter().map(|cell| cell.n).max().unwrap_or(0),
        cells: heatmap.cells.into_iter().map(cell).collect(),
        source: if heatmap.is_from_read_model {
            wire::HeatmapSource::ReadModel
        } else {
            wire::HeatmapSource::Spans
        },
        is_coarser: heatmap.is_coarser,
        exemplars_partial: heatmap.exemplars_partial,
        sql: heatmap.sql,
    }
}
