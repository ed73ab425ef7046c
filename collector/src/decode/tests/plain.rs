//! Protobuf that is read where it lies, held against prost: the same decision, the same rows, the same report.

use super::*;
use prost::encoding::encode_varint;

/// Panics unless both ways agree on the body; says whether it is read without prost.
fn agree(signal: Signal, body: &[u8]) -> bool {
    match (rows(signal, Encoding::Protobuf, body), rows_by_prost(signal, body)) {
        (Ok(ours), Ok(theirs)) => {
            assert_same(&ours.0, &theirs.0, signal.name());
            assert_eq!(ours.1, theirs.1);
        }
        (Err(ours), Err(theirs)) => assert_eq!(format!("{ours:?}"), format!("{theirs:?}")),
        (ours, theirs) => panic!("{ours:?}\n{theirs:?}"),
    }
    is_plain(signal, body)
}

/// A field of a message: its number and wire type, and what it holds.
fn field(number: u32, wire_type: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_varint(u64::from(number << 3 | wire_type), &mut bytes);
    if wire_type == 2 {
        encode_varint(content.len() as u64, &mut bytes);
    }
    bytes.extend(content);
    bytes
}

/// A message, text or bytes.
fn held(number: u32, content: impl AsRef<[u8]>) -> Vec<u8> {
    field(number, 2, content.as_ref())
}

/// A request of one item, two owners below its root.
fn request(item: &[u8]) -> Vec<u8> {
    held(1, held(2, held(2, item)))
}

/// A span with valid ids and more.
fn span(more: &[Vec<u8>]) -> Vec<u8> {
    request(&[held(1, [1u8; 16]), held(2, [2u8; 8]), more.concat()].concat())
}

/// A metric whose data are in that field, with one point.
fn metric(data: u32, point: &[Vec<u8>]) -> Vec<u8> {
    let temporality = field(2, 0, &[1]);
    request(&[held(1, "m"), held(data, [held(1, point.concat()), temporality].concat())].concat())
}

/// A key with the content of its value.
fn attribute(value: &[Vec<u8>]) -> Vec<u8> {
    held(9, [held(1, "k"), held(2, value.concat())].concat())
}

/// Scenario: fields in another order, apart from each other, repeated, unknown, with their default value, with
/// numbers longer than they need be or than their type holds.
/// Guarantees: read without prost, with the same result: the last of a repeated number or text counts.
#[test]
fn plain_requests_are_read_where_they_lie() {
    let text = |text: &str| held(1, text);
    let bodies = [
        span(&[]),
        span(&[attribute(&[text("a")]), held(5, "one"), attribute(&[text("b")]), held(5, "two")]),
        span(&[field(6, 0, &[0x82, 0x80, 0x00]), field(6, 0, &[3]), field(16, 5, &[1, 0, 0, 0x80])]),
        span(&[field(10, 0, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])]),
        span(&[field(7, 1, &[1; 8]), field(8, 1, &[0xff; 8]), field(99, 0, &[7]), held(100, [0xffu8, 0xfe])]),
        span(&[field(101, 1, &[0; 8]), field(102, 5, &[0; 4]), held(15, held(2, "m")), held(5, "")]),
        span(&[attribute(&[text("a"), field(3, 0, &[5])]), attribute(&[field(3, 0, &[5]), text("a")])]),
        span(&[attribute(&[]), held(9, held(1, "no value")), held(9, b""), attribute(&[field(2, 0, &[2])])]),
        span(&[attribute(&[held(5, [held(1, text("a")), held(1, b""), held(7, b"")].concat())])]),
        span(&[attribute(&[held(6, held(1, [held(1, "in"), held(2, text("b"))].concat()))])]),
        span(&[
            attribute(&[held(7, [0u8, 1, 2, 0xff])]),
            attribute(&[field(8, 0, &[1])]),
            held(9, field(3, 0, &[9])),
        ]),
        span(&[
            held(11, [field(1, 1, &[5; 8]), held(2, "event")].concat()),
            held(13, held(1, [3u8; 16])),
            held(11, b""),
        ]),
    ];
    for (place, body) in bodies.iter().enumerate() {
        assert!(agree(Signal::Traces, body), "{place}");
    }
    let log = [held(5, held(1, "body")), field(2, 0, &[17]), field(8, 5, &[1, 0, 0, 0])].concat();
    assert!(agree(Signal::Logs, &request(&log)));
    let packed = held(6, [1u64.to_le_bytes(), 2u64.to_le_bytes()].concat());
    let bounds = held(7, 0.5f64.to_le_bytes());
    let count = field(4, 1, &3u64.to_le_bytes());
    assert!(agree(Signal::Metrics, &metric(9, &[packed, bounds, count.clone()])));
    let buckets = held(8, [field(1, 0, &[3]), held(2, [0x80u8, 0x01, 0x00, 0x81, 0x00])].concat());
    let count = [count, field(4, 1, &129u64.to_le_bytes()), field(6, 0, &[1])].concat();
    assert!(agree(Signal::Metrics, &metric(10, &[buckets, count])));
    let summary = [held(6, [field(1, 1, &0.5f64.to_le_bytes()), field(2, 1, &[0; 8])].concat())];
    assert!(agree(Signal::Metrics, &metric(11, &summary)));
    for number in [field(4, 1, &2.5f64.to_le_bytes()), field(6, 1, &(-3i64).to_le_bytes())] {
        assert!(agree(Signal::Metrics, &metric(7, &[number])));
    }
}

/// Scenario: requests that protobuf allows and no exporter sends: what is there once comes twice, lists of
/// numbers come in pieces, unknown fields are groups, values are nested deeper than any that is kept.
/// Guarantees: prost reads them, merged as the format asks.
#[test]
fn odd_requests_go_through_prost() {
    let resource = |name: &str| {
        let value = held(2, held(1, name));
        held(1, held(1, [held(1, "service.name"), value].concat()))
    };
    let scope = held(2, [held(1, held(1, "a")), held(1, held(2, "1")), held(2, b"")].concat());
    let spans = held(2, held(2, [held(1, [1u8; 16]), held(2, [2u8; 8])].concat()));
    let group = [field(50, 3, &[]), field(1, 0, &[1]), field(50, 4, &[])].concat();
    let traces = [
        held(1, [resource("a"), spans, resource("b")].concat()),
        held(1, scope),
        span(&[held(15, held(2, "message")), held(15, field(3, 0, &[2]))]),
        span(&[held(9, [held(1, "k"), held(2, held(1, "a")), held(2, field(3, 0, &[1]))].concat())]),
        span(&[attribute(&[held(5, held(1, held(1, "a"))), held(5, held(1, held(1, "b")))])]),
        span(&[group]),
        nested_protobuf(45),
    ];
    for (place, body) in traces.iter().enumerate() {
        assert!(!agree(Signal::Traces, body), "{place}");
        assert!(rows(Signal::Traces, Encoding::Protobuf, body).is_ok(), "{place}");
    }
    let (one, two) = (1u64.to_le_bytes(), 2u64.to_le_bytes());
    let (bounds, count) = (held(7, 0.5f64.to_le_bytes()), field(4, 1, &3u64.to_le_bytes()));
    for counts in [[field(6, 1, &one), field(6, 1, &two)], [held(6, one), held(6, two)]] {
        let body = metric(9, &[counts.concat(), bounds.clone(), count.clone()]);
        assert!(!agree(Signal::Metrics, &body));
        assert_eq!(rows(Signal::Metrics, Encoding::Protobuf, &body).unwrap().0.num_rows(), 1);
    }
}

/// Scenario: bytes that are no message: wrong wire types, lengths beyond the end, numbers without an end, text
/// that is no UTF-8, fields number 0, ends of groups, and a flood of empty messages.
/// Guarantees: refused, with the error that prost has for it.
#[test]
fn malformed_requests_are_refused_as_by_prost() {
    let long = held(1, held(2, [0x12u8, 0x00].repeat(1 << 20)));
    let bodies = [
        span(&[field(5, 0, &[1])]),
        span(&[field(7, 0, &[1])]),
        span(&[held(6, [1u8])]),
        span(&[held(5, [0xffu8])]),
        span(&[held(3, [0xc3u8])]),
        span(&[attribute(&[held(1, [0xedu8, 0xa0, 0x80])])]),
        span(&[vec![0x2a, 0x7f, b'x']]),
        span(&[vec![0x50, 0x80]]),
        span(&[vec![0x50, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]]),
        span(&[vec![0x00, 0x01]]),
        span(&[vec![0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00]]),
        span(&[field(50, 4, &[])]),
        span(&[vec![0x57, 0x00]]),
        vec![0x0a],
        nested_protobuf(60),
        long,
    ];
    for (place, body) in bodies.iter().enumerate() {
        assert!(rows(Signal::Traces, Encoding::Protobuf, body).is_err(), "{place}");
        agree(Signal::Traces, body);
    }
    for counts in [held(6, [1u8, 2, 3]), field(6, 0, &[1])] {
        let body = metric(9, &[counts]);
        assert!(rows(Signal::Metrics, Encoding::Protobuf, &body).is_err());
        agree(Signal::Metrics, &body);
    }
}

/// Scenario: every recorded body of a real exporter in protobuf.
/// Guarantees: read without prost.
#[test]
fn exporters_send_plain_requests() {
    let Some(folder) = otlp_fixtures("exporters_send_plain_requests") else { return };
    for capture in captures(&folder) {
        if capture["content_type"] != "application/json" {
            let file = capture["file"].as_str().unwrap();
            let body = std::fs::read(folder.join(file)).unwrap();
            assert!(agree(signal_of(&capture), &body), "{file}");
        }
    }
}

proptest! {
    /// Scenario: generated requests of every signal, with valid and invalid items.
    /// Guarantees: read without prost, and as by prost.
    #[test]
    fn generated_requests_are_plain((signal, body) in generated::bodies()) {
        prop_assert!(agree(signal, &body));
    }

    /// Scenario: two requests one behind the other, and two resources and two scopes merged into one.
    /// Guarantees: as prost merges them.
    #[test]
    fn merged_requests_agree(one in generated::traces(), two in generated::traces()) {
        let bytes = |request: &ExportTraceServiceRequest| prost::Message::encode_to_vec(request);
        let (first, second) = (bytes(&one), bytes(&two));
        prop_assert!(agree(Signal::Traces, &[first, second].concat()));
        for (one, two) in one.resource_spans.iter().zip(&two.resource_spans) {
            let merged = [prost::Message::encode_to_vec(one), prost::Message::encode_to_vec(two)].concat();
            agree(Signal::Traces, &held(1, merged));
            for (one, two) in one.scope_spans.iter().zip(&two.scope_spans) {
                let merged = [prost::Message::encode_to_vec(one), prost::Message::encode_to_vec(two)].concat();
                agree(Signal::Traces, &held(1, held(2, merged)));
            }
        }
    }

    /// Scenario: any bytes.
    /// Guarantees: accepted or refused as by prost.
    #[test]
    fn arbitrary_bytes_agree(signal in any_signal(), body: Vec<u8>) {
        agree(signal, &body);
        agree(signal, &request(&body));
        agree(signal, &held(1, held(1, body)));
    }

    /// Scenario: a generated request with bytes changed, put in and taken out, and its end cut off.
    /// Guarantees: as by prost.
    #[test]
    fn damaged_requests_agree(
        (signal, mut body) in generated::bodies(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), 0..4u8, any::<u8>()), 0..4),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        for (place, what, byte) in damage {
            let place = place.index(body.len() + 1);
            match what {
                0 => body.insert(place, byte),
                1 if place < body.len() => {
                    body.remove(place);
                }
                // Wire types are in the three lowest bits.
                2 if place < body.len() => body[place] ^= byte & 7,
                _ if place < body.len() => body[place] = byte,
                _ => {}
            }
        }
        if let Some(cut) = cut {
            body.truncate(cut.index(body.len() + 1));
        }
        agree(signal, &body);
    }
}
