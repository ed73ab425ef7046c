//! What an opened log record shows, and how much room that takes.
//!
//! The list is virtual, so the height of an opened row must be known before it is drawn; what does not
//! fit scrolls inside the row.

use super::log_text;
use wire::{Attribute, AttributeType, LogRow};

/// Height of a closed row in pixels; the style sheet has the same number.
pub const ROW_PX: f64 = 24.0;

/// Heights inside an opened row in pixels, as in the style sheet.
const LINE_PX: f64 = 18.0;
const FIELD_PX: f64 = 24.0;
const HEAD_PX: f64 = 26.0;
const PADDING_PX: f64 = 26.0;
/// An opened row never fills the screen.
const DETAIL_MAX_PX: f64 = 420.0;
/// Characters of a line at the usual width; only used to guess wraps.
const LINE_CHARS: usize = 120;
/// The body scrolls above this many lines.
const BODY_LINES_MAX: usize = 14;

/// One field of the opened row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub key: String,
    pub value: String,
    /// `key=value` for the filter, where the API can filter by it.
    pub filter: Option<String>,
}

/// Fields of the record itself, without those that are empty.
pub fn record_fields(row: &LogRow) -> Vec<Field> {
    let field = |key: &str, value: Option<String>| {
        value.map(|value| Field { key: key.to_owned(), value: log_text::clean(&value), filter: None })
    };
    let severity = match &row.severity_text {
        Some(text) => format!("{text} ({})", row.severity_number),
        None => row.severity_number.to_string(),
    };
    [
        field("severity", Some(severity)),
        field("event name", row.event_name.clone()),
        field("span id", row.span_id.clone()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Attributes as fields that can be filtered by.
pub fn attribute_fields(attributes: &[Attribute]) -> Vec<Field> {
    attributes
        .iter()
        .map(|attribute| Field {
            key: log_text::line(&attribute.key),
            value: log_text::clean(&attribute.value),
            filter: is_filterable(attribute).then(|| format!("{}={}", attribute.key, attribute.value)),
        })
        .collect()
}

/// Pixels that an opened row adds to the list.
pub fn detail_px(row: &LogRow) -> f64 {
    let n_fields = record_fields(row).len() + row.attributes.len() + row.resource.len();
    let n_heads = usize::from(!row.attributes.is_empty()) + usize::from(!row.resource.is_empty());
    let height_px = PADDING_PX
        + body_lines(&row.body) as f64 * LINE_PX
        + n_fields as f64 * FIELD_PX
        + n_heads as f64 * HEAD_PX
        + HEAD_PX;
    height_px.min(DETAIL_MAX_PX)
}

fn body_lines(body: &str) -> usize {
    let lines =
        log_text::clean(body).lines().map(|line| 1 + line.chars().count() / LINE_CHARS).sum::<usize>();
    lines.clamp(1, BODY_LINES_MAX)
}

/// Equality is only offered for values whose text is the whole value.
fn is_filterable(attribute: &Attribute) -> bool {
    use AttributeType::{Bool, Double, Int, String};
    matches!(attribute.value_type, String | Int | Double | Bool) && !attribute.key.contains('=')
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{Severity, UnixNanos};

    fn attribute(key: &str, value: &str, value_type: AttributeType) -> Attribute {
        Attribute { key: key.to_owned(), value_type, value: value.to_owned() }
    }

    fn row(body: &str, n_attributes: usize) -> LogRow {
        LogRow {
            at: UnixNanos(1),
            service: "checkout".to_owned(),
            severity: Severity::Warn,
            severity_text: Some("WARNING".to_owned()),
            severity_number: 13,
            body: body.to_owned(),
            event_name: None,
            trace_id: None,
            span_id: Some("00f067aa0ba902b7".to_owned()),
            attributes: (0..n_attributes).map(|_| attribute("k", "v", AttributeType::String)).collect(),
            resource: Vec::new(),
        }
    }

    /// Scenario: a record with the client's own severity word and attributes of several types.
    /// Guarantees: the raw severity is kept, and only plain values offer a filter.
    #[test]
    fn fields_keep_what_the_client_sent() {
        let fields = record_fields(&row("x", 0));
        assert_eq!(fields[0].value, "WARNING (13)");
        assert_eq!(fields[1].key, "span id");
        let fields = attribute_fields(&[
            attribute("http.route", "/a", AttributeType::String),
            attribute("list", "[1]", AttributeType::Array),
            attribute("odd=key", "1", AttributeType::Int),
        ]);
        assert_eq!(fields[0].filter.as_deref(), Some("http.route=/a"));
        assert_eq!((fields[1].filter.clone(), fields[2].filter.clone()), (None, None));
    }

    /// Scenario: a short record, one with more attributes, and a stack trace of a thousand lines.
    /// Guarantees: the height grows with what is shown and stops at the limit.
    #[test]
    fn height_is_bounded() {
        assert!(detail_px(&row("x", 0)) < detail_px(&row("x", 5)));
        assert_eq!(detail_px(&row(&"at frame\n".repeat(1_000), 40)), DETAIL_MAX_PX);
    }
}
