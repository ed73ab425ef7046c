//! Messages of the traces signal.

use super::{Fields, KeyValues, List, Resource, Scope, Text, View};
use opentelemetry_proto::tonic::trace::v1 as message;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ResourceSpans<'a> {
    pub(crate) resource: Option<Resource<'a>>,
    pub(crate) scope_spans: List<'a, ScopeSpans<'a>>,
    pub(crate) schema_url: Text<'a>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ScopeSpans<'a> {
    pub(crate) scope: Option<Scope<'a>>,
    pub(crate) spans: List<'a, Span<'a>>,
    pub(crate) schema_url: Text<'a>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span<'a> {
    pub(crate) trace_id: &'a [u8],
    pub(crate) span_id: &'a [u8],
    pub(crate) trace_state: Text<'a>,
    pub(crate) parent_span_id: &'a [u8],
    pub(crate) flags: u32,
    pub(crate) name: Text<'a>,
    pub(crate) kind: i32,
    pub(crate) start_time_unix_nano: u64,
    pub(crate) end_time_unix_nano: u64,
    pub(crate) attributes: KeyValues<'a>,
    pub(crate) dropped_attributes_count: u32,
    pub(crate) events: List<'a, Event<'a>>,
    pub(crate) dropped_events_count: u32,
    pub(crate) links: List<'a, Link<'a>>,
    pub(crate) dropped_links_count: u32,
    /// Of the status; none says as much as an empty one.
    pub(crate) status_code: i32,
    pub(crate) status_message: Text<'a>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Event<'a> {
    pub(crate) time_unix_nano: u64,
    pub(crate) name: Text<'a>,
    pub(crate) attributes: KeyValues<'a>,
    pub(crate) dropped_attributes_count: u32,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Link<'a> {
    pub(crate) trace_id: &'a [u8],
    pub(crate) span_id: &'a [u8],
    pub(crate) trace_state: Text<'a>,
    pub(crate) attributes: KeyValues<'a>,
    pub(crate) dropped_attributes_count: u32,
    pub(crate) flags: u32,
}

impl<'a> View<'a> for ResourceSpans<'a> {
    type Message = message::ResourceSpans;

    fn of_message(message: &'a Self::Message) -> Self {
        Self {
            resource: message.resource.as_ref().map(Resource::of_message),
            scope_spans: List::Messages(&message.scope_spans),
            schema_url: Text::of(&message.schema_url),
        }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut spans = Self::default();
        for field in Fields::of(message) {
            match field.number {
                1 => spans.resource = Some(Resource::of_wire(field.bytes)),
                2 => spans.scope_spans.add(field),
                3 => spans.schema_url = Text::of_wire(field.bytes),
                _ => {}
            }
        }
        spans
    }
}

impl<'a> View<'a> for ScopeSpans<'a> {
    type Message = message::ScopeSpans;

    fn of_message(message: &'a Self::Message) -> Self {
        Self {
            scope: message.scope.as_ref().map(Scope::of_message),
            spans: List::Messages(&message.spans),
            schema_url: Text::of(&message.schema_url),
        }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut spans = Self::default();
        for field in Fields::of(message) {
            match field.number {
                1 => spans.scope = Some(Scope::of_wire(field.bytes)),
                2 => spans.spans.add(field),
                3 => spans.schema_url = Text::of_wire(field.bytes),
                _ => {}
            }
        }
        spans
    }
}

impl<'a> View<'a> for Span<'a> {
    type Message = message::Span;

    fn of_message(message: &'a Self::Message) -> Self {
        let status = message.status.as_ref();
        Self {
            trace_id: &message.trace_id,
            span_id: &message.span_id,
            trace_state: Text::of(&message.trace_state),
            parent_span_id: &message.parent_span_id,
            flags: message.flags,
            name: Text::of(&message.name),
            kind: message.kind,
            start_time_unix_nano: message.start_time_unix_nano,
            end_time_unix_nano: message.end_time_unix_nano,
            attributes: List::Messages(&message.attributes),
            dropped_attributes_count: message.dropped_attributes_count,
            events: List::Messages(&message.events),
            dropped_events_count: message.dropped_events_count,
            links: List::Messages(&message.links),
            dropped_links_count: message.dropped_links_count,
            status_code: status.map_or(0, |status| status.code),
            status_message: status.map_or(Text::default(), |status| Text::of(&status.message)),
        }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut span = Self::default();
        for field in Fields::of(message) {
            match field.number {
                1 => span.trace_id = field.bytes,
                2 => span.span_id = field.bytes,
                3 => span.trace_state = Text::of_wire(field.bytes),
                4 => span.parent_span_id = field.bytes,
                5 => span.name = Text::of_wire(field.bytes),
                6 => span.kind = field.i32(),
                7 => span.start_time_unix_nano = field.u64(),
                8 => span.end_time_unix_nano = field.u64(),
                9 => span.attributes.add(field),
                10 => span.dropped_attributes_count = field.u32(),
                11 => span.events.add(field),
                12 => span.dropped_events_count = field.u32(),
                13 => span.links.add(field),
                14 => span.dropped_links_count = field.u32(),
                15 => span.read_status(field.bytes),
                16 => span.flags = field.u32(),
                _ => {}
            }
        }
        span
    }
}

impl<'a> Span<'a> {
    fn read_status(&mut self, status: &'a [u8]) {
        for field in Fields::of(status) {
            match field.number {
                2 => self.status_message = Text::of_wire(field.bytes),
                3 => self.status_code = field.i32(),
                _ => {}
            }
        }
    }
}

impl<'a> View<'a> for Event<'a> {
    type Message = message::span::Event;

    fn of_message(message: &'a Self::Message) -> Self {
        Self {
            time_unix_nano: message.time_unix_nano,
            name: Text::of(&message.name),
            attributes: List::Messages(&message.attributes),
            dropped_attributes_count: message.dropped_attributes_count,
        }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut event = Self::default();
        for field in Fields::of(message) {
            match field.number {
                1 => event.time_unix_nano = field.u64(),
                2 => event.name = Text::of_wire(field.bytes),
                3 => event.attributes.add(field),
                4 => event.dropped_attributes_count = field.u32(),
                _ => {}
            }
        }
        event
    }
}

impl<'a> View<'a> for Link<'a> {
    type Message = message::span::Link;

    fn of_message(message: &'a Self::Message) -> Self {
        Self {
            trace_id: &message.trace_id,
            span_id: &message.span_id,
            trace_state: Text::of(&message.trace_state),
            attributes: List::Messages(&message.attributes),
            dropped_attributes_count: message.dropped_attributes_count,
            flags: message.flags,
        }
    }

    fn of_wire(message: &'a [u8]) -> Self {
        let mut link = Self::default();
        for field in Fields::of(message) {
            match field.number {
                1 => link.trace_id = field.bytes,
                2 => link.span_id = field.bytes,
                3 => link.trace_state = Text::of_wire(field.bytes),
                4 => link.attributes.add(field),
                5 => link.dropped_attributes_count = field.u32(),
                6 => link.flags = field.u32(),
                _ => {}
            }
        }
        link
    }
}
