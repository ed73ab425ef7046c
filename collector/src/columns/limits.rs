//! How much of an item is kept.
//!
//! What is beyond is left out or cut when rows are built, at the door as well as when a record of the log is
//! replayed, and counted both in the report and in the item's own counts of what was dropped. No limit changes
//! how many rows a request makes.

/// Bounds of what one item may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Attributes of a span, an event, a link, a log record, a data point, an exemplar, a scope or a resource.
    /// SDKs stop at 128 by default.
    pub(crate) attributes_max: usize,
    /// Of one attribute's value, or of text inside one.
    pub(crate) attribute_bytes_max: usize,
    /// Of a span. SDKs stop at 128 of either by default.
    pub(crate) events_max: usize,
    pub(crate) links_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { attributes_max: 1024, attribute_bytes_max: 64 << 10, events_max: 1024, links_max: 1024 }
    }
}
