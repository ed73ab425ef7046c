//! The Arrow schema of each table: one wide row per span, log record and metric data point, and the rows of the
//! read models.
//!
//! `collector` builds batches of these schemas; hot tables, segments and queries all speak them, so
//! this is the one place that names the columns. Promoted columns hold what every view needs, under
//! the current semantic conventions whichever generation the client spoke. Everything else stays in
//! maps of text, beside a string that keeps each value's type (see [`ATTRIBUTE_TYPES_DOC`]).

mod common;
mod edge_red;
mod logs;
mod metric_points;
mod red;
mod service_instances;
mod service_red;
mod spans;

pub(crate) use common::span_id;
pub use common::{ATTRIBUTE_TYPES_DOC, SPAN_ID_BYTES, TIME_ZONE, TRACE_ID_BYTES, attribute_map, timestamp};
pub use edge_red::edge_red;
pub use logs::logs;
pub use metric_points::{exemplar_fields, metric_points, quantile_fields};
pub use red::red;
pub use service_instances::service_instances;
pub use service_red::service_red;
pub use spans::{event_fields, link_fields, spans};

use crate::ids::Signal;
use arrow::datatypes::SchemaRef;

/// The schema of a signal's table.
pub fn of(signal: Signal) -> SchemaRef {
    match signal {
        Signal::Traces => spans(),
        Signal::Logs => logs(),
        Signal::Metrics => metric_points(),
    }
}
