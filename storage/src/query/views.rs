//! The views: statements of ours that stand beside the tables, planned when somebody names them.
//!
//! Each is written so that filters on its columns reach the table beneath: what is listed per span or per
//! data point is unnested last, and everything else is a plain column of that row. `docs/sql.md` says what
//! the columns mean.

use super::edges_view;

/// What a statement can name beside the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    SpanEvents,
    SpanLinks,
    MetricHistograms,
    Exemplars,
    Edges,
}

impl View {
    pub(super) const ALL: [Self; 5] =
        [Self::SpanEvents, Self::SpanLinks, Self::MetricHistograms, Self::Exemplars, Self::Edges];

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SpanEvents => "span_events",
            Self::SpanLinks => "span_links",
            Self::MetricHistograms => "metric_histograms",
            Self::Exemplars => "exemplars",
            Self::Edges => "edges",
        }
    }

    /// Tables that planning it meets.
    pub(super) fn n_tables(self) -> usize {
        match self {
            Self::Edges => edges_view::N_TABLES,
            _ => 1,
        }
    }

    pub(super) fn sql(self) -> String {
        match self {
            Self::SpanEvents => unnested("spans", "events", EVENT, &[SPAN, SOURCE].concat()),
            Self::SpanLinks => unnested("spans", "links", LINK, &[SPAN, SOURCE].concat()),
            Self::MetricHistograms => metric_histograms(),
            Self::Exemplars => unnested("metric_points", "exemplars", EXEMPLAR, &[POINT, SOURCE].concat()),
            Self::Edges => edges_view::definition(),
        }
    }
}

/// A column of a view: its name, and what it is called beneath.
type Renamed = (&'static str, &'static str);

const EVENT: &[Renamed] = &[
    ("time", "time"),
    ("name", "name"),
    ("attributes", "attributes"),
    ("attributes_types", "attributes_types"),
    ("dropped_attributes_count", "dropped_attributes_count"),
];

const LINK: &[Renamed] = &[
    ("linked_trace_id", "trace_id"),
    ("linked_span_id", "span_id"),
    ("linked_trace_state", "trace_state"),
    ("flags", "flags"),
    ("attributes", "attributes"),
    ("attributes_types", "attributes_types"),
    ("dropped_attributes_count", "dropped_attributes_count"),
];

const EXEMPLAR: &[Renamed] = &[
    ("time", "time"),
    ("value", "value"),
    ("value_int", "value_int"),
    ("trace_id", "trace_id"),
    ("span_id", "span_id"),
    ("attributes", "attributes"),
    ("attributes_types", "attributes_types"),
];

/// The span that an event or a link belongs to.
const SPAN: &[Renamed] = &[
    ("trace_id", "trace_id"),
    ("span_id", "span_id"),
    ("span_name", "name"),
    ("span_kind", "kind"),
    ("span_start_time", "start_time"),
    ("span_duration_ns", "duration_ns"),
    ("span_is_error", "is_error"),
];

/// The data point that an exemplar belongs to.
const POINT: &[Renamed] = &[
    ("metric_name", "name"),
    ("metric_type", "type"),
    ("unit", "unit"),
    ("series_id", "series_id"),
    ("point_time", "time"),
    ("point_attributes", "attributes"),
    ("point_attributes_types", "attributes_types"),
];

/// Who sent it.
const SOURCE: &[Renamed] = &[
    ("service", "service"),
    ("service_namespace", "service_namespace"),
    ("service_instance_id", "service_instance_id"),
    ("service_version", "service_version"),
    ("environment", "environment"),
    ("resource", "resource"),
    ("resource_types", "resource_types"),
    ("scope_name", "scope_name"),
    ("scope_version", "scope_version"),
    ("scope", "scope"),
    ("scope_types", "scope_types"),
    ("received_at", "received_at"),
];

/// One row per item of a list column, beside columns of the list's own row.
fn unnested(table: &str, list: &str, item: &[Renamed], owner: &[Renamed]) -> String {
    let fields = item.iter().map(|(name, field)| format!("item['{field}'] AS {name}"));
    let names = owner.iter().map(|(name, _)| (*name).to_owned());
    // Apart from the item's fields: both may have a column of the same name.
    let inner = owner.iter().map(|(name, column)| format!("{column} AS {name}"));
    format!(
        "SELECT {}\nFROM (SELECT unnest({list}) AS item, {} FROM {table})",
        fields.chain(names).collect::<Vec<_>>().join(", "),
        inner.collect::<Vec<_>>().join(", "),
    )
}

fn metric_histograms() -> String {
    "SELECT name, description, unit, type, temporality, series_id, start_time, time, flags, count, sum, min, max, \
     bucket_counts, explicit_bounds, scale, zero_count, zero_threshold, positive_offset, positive_counts, \
     negative_offset, negative_counts, service, service_namespace, service_instance_id, service_version, \
     environment, attributes, attributes_types, resource, resource_types, scope_name, scope_version, scope, \
     scope_types, received_at\n\
     FROM metric_points\nWHERE type IN ('histogram', 'exponential_histogram')"
        .to_owned()
}
