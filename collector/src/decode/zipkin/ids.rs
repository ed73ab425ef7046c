//! Ids of Zipkin's spans as those of OTLP.
//!
//! Where a call is made with B3 headers, the server may take up the client's span under the client's id, and marks
//! its half as shared. In OTLP both are spans of their own. The server's gets an id made of the shared one, always
//! the same, and the client's as its parent. Spans below the server's name the shared id, which now is the
//! client's; those that come in the same request from the same service are hung below the server's.

use crate::decode::json::zipkin::Span;
use crate::decode::text::{from_hex, no_id};
use crate::decode::validity::is_span_id;
use siphasher::sip::SipHasher13;
use std::collections::HashSet;
use std::hash::Hasher;

const TRACE_ID_BYTES: usize = 16;
const SPAN_ID_BYTES: usize = 8;

/// Not yet judged: an id may be of a wrong length, or zero.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) trace_id: Vec<u8>,
    pub(super) span_id: Vec<u8>,
    /// Empty for a root.
    pub(super) parent_span_id: Vec<u8>,
}

/// Trace, shared id and service of each server's half in a request.
#[derive(Debug)]
pub(super) struct SharedIds(HashSet<(Vec<u8>, Vec<u8>, String)>);

impl SharedIds {
    pub(super) fn of(spans: &[Span]) -> Self {
        let shared = spans.iter().filter(|span| span.is_shared);
        let keys = shared.map(|span| (trace_id(span), span_id(&span.id), service(span).to_owned()));
        Self(keys.filter(|(_, span_id, _)| is_span_id(span_id)).collect())
    }

    pub(super) fn ids_of(&self, span: &Span) -> Ids {
        let (trace_id, own) = (trace_id(span), span_id(&span.id));
        if span.is_shared && is_span_id(&own) {
            return Ids { span_id: server_id(&trace_id, &own), parent_span_id: own, trace_id };
        }
        let parent = span_id(&span.parent_id);
        let parent_span_id = match parent {
            // No span is below itself.
            parent if parent == own => Vec::new(),
            parent if self.has(&trace_id, &parent, service(span)) => server_id(&trace_id, &parent),
            parent => parent,
        };
        Ids { trace_id, span_id: own, parent_span_id }
    }

    fn has(&self, trace_id: &[u8], span_id: &[u8], service: &str) -> bool {
        // Most requests have none, and are not made to pay for the key.
        !self.0.is_empty() && self.0.contains(&(trace_id.to_vec(), span_id.to_vec(), service.to_owned()))
    }
}

fn service(span: &Span) -> &str {
    span.local.as_ref().map_or("", |local| &local.service_name)
}

fn trace_id(span: &Span) -> Vec<u8> {
    id(&span.trace_id, TRACE_ID_BYTES)
}

fn span_id(text: &str) -> Vec<u8> {
    id(text, SPAN_ID_BYTES)
}

/// Short ids, such as trace ids of 64 bits, are filled up with zeros on the left; none stays none.
fn id(text: &str, n_bytes: usize) -> Vec<u8> {
    let n_digits = 2 * n_bytes;
    match text.len() {
        0 => Vec::new(),
        n if n > n_digits => no_id(text),
        _ => from_hex(&format!("{text:0>n_digits$}")).unwrap_or_else(|| no_id(text)),
    }
}

/// The id of the server's half. It is stored: the hash must stay what it is.
fn server_id(trace_id: &[u8], span_id: &[u8]) -> Vec<u8> {
    let mut hasher = SipHasher13::new();
    hasher.write(trace_id);
    hasher.write(span_id);
    // Zero is no id.
    hasher.finish().max(1).to_be_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::text::hex;

    fn shown(bytes: &[u8]) -> String {
        hex(bytes)
    }

    /// Scenario: ids of full and of short length, in either case, and texts that are none.
    /// Guarantees: short ones are filled up on the left; what is no id has a length that no id has.
    #[test]
    fn short_ids_are_filled_up() {
        assert_eq!(shown(&id("5B8EFFF798038103D269B633813FC60C", 16)), "5b8efff798038103d269b633813fc60c");
        assert_eq!(shown(&id("d269b633813fc60c", 16)), "0000000000000000d269b633813fc60c");
        assert_eq!(shown(&id("abc", 8)), "0000000000000abc");
        assert_eq!(id("", 8), Vec::<u8>::new());
        for text in ["xyz", "5b8efff7980381030", "\u{e9}\u{e9}", "+1"] {
            assert!(id(text, 8).len() > 8, "{text}");
        }
        for text in ["g", "5b8efff798038103d269b633813fc60c0"] {
            assert!(!matches!(id(text, 16).len(), 0 | 16), "{text}");
        }
    }

    /// Scenario: the id of a server's half of a known span.
    /// Guarantees: it is the same on every machine and in every version.
    #[test]
    fn the_id_of_a_servers_half_is_stable() {
        let trace_id = from_hex("5b8efff798038103d269b633813fc60c").unwrap();
        let span_id = from_hex("eee19b7ec3c1b174").unwrap();
        assert_eq!(shown(&server_id(&trace_id, &span_id)), "a96865763b04f90d");
    }
}
