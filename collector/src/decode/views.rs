//! What columns are built from: the fields of a request's messages, borrowed.
//!
//! A view is made of one message at a time, when it is come to: of prost's struct, or of the bytes of the
//! message on the wire, which `protobuf` has looked through before. Nothing is copied and nothing allocated,
//! and whoever reads a view does not know what it was made of. A repeated field is a [`List`], whose items
//! become views one after the other.

mod common;
mod list;
mod logs;
mod metrics;
mod points;
mod traces;

pub(crate) use common::{AnyValue, EntityRef, KeyValue, KeyValues, Resource, Scope, Value};
pub(crate) use list::{Bounds, Counts, List};
pub(crate) use logs::{LogRecord, ResourceLogs};
pub(crate) use metrics::{Data, Metric, ResourceMetrics};
pub(crate) use points::{
    Buckets, Exemplar, Explicit, ExplicitPoint, Exponential, ExponentialPoint, Number, NumberPoint,
    PointHead, Quantile, Statistics, SummaryPoint,
};
pub(crate) use traces::{Event, Link, ResourceSpans, Span};

use super::wire::Fields;
use std::fmt;

/// A message as its fields, whatever it is read from.
pub(crate) trait View<'a>: Sized {
    /// prost's struct for it.
    type Message: 'a;

    fn of_message(message: &'a Self::Message) -> Self;

    /// From bytes that prost would accept.
    fn of_wire(message: &'a [u8]) -> Self;
}

/// Text of a request. On the wire it was checked to be UTF-8 where it lies, and is kept as bytes, since a
/// `str` of it would have to be checked again each time it is looked at.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self(text.as_bytes())
    }

    pub(crate) fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn as_str(self) -> &'a str {
        std::str::from_utf8(self.0).unwrap_or_default()
    }

    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The longest beginning of at most `bytes_max` bytes that ends with a whole character.
    pub(crate) fn cut(self, bytes_max: usize) -> Self {
        if self.len() <= bytes_max {
            return self;
        }
        let text = self.as_str();
        Self::of(&text[..text.floor_char_boundary(bytes_max)])
    }
}

impl<'a> View<'a> for Text<'a> {
    type Message = String;

    fn of_message(message: &'a String) -> Self {
        Self::of(message)
    }

    fn of_wire(message: &'a [u8]) -> Self {
        Self(message)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
