//! Plain functions behind the pictures: layout, scales, addresses, sentences.
//!
//! No browser, no signals, no clock; every file here is tested on the host.

pub mod address;
pub mod alert_view;
pub mod chart;
pub mod civil;
pub mod decimal;
pub mod figures;
pub mod folding;
pub mod grid;
pub mod health;
pub mod incident_view;
pub mod ingest;
pub mod log_detail;
pub mod log_histogram;
pub mod log_live;
pub mod log_query;
pub mod log_text;
pub mod metric_catalogue;
pub mod metric_chart;
pub mod metric_unit;
pub mod minimap;
pub mod name_text;
pub mod order;
pub mod red_chart;
pub mod report_axis;
pub mod report_blocks;
pub mod report_links;
pub mod report_verdict;
pub mod saturation;
pub mod service_color;
pub mod service_order;
pub mod sli_chart;
pub mod slo_form;
pub mod slo_preview;
pub mod slo_view;
pub mod snippets;
pub mod sparkline;
pub mod time_range;
pub mod trace_facets;
pub mod trace_model;
pub mod trace_query;
pub mod verdict;
pub mod virtual_rows;
pub mod waterfall;
