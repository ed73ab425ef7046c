//! Values that are found again wherever a server keeps them: each is unlike all others, and known by its field.

use crate::clock::now;
use crate::messages::{attribute, hex, text};
use opentelemetry_proto::tonic::common::v1::KeyValue;

const NS_PER_S: u64 = 1_000_000_000;
/// Numbers begin here, so that each has six digits and nothing else is likely to have the same.
const NUMBER_FIRST: u32 = 710_000;

/// What was sent in which field, as the text that has to be found.
#[derive(Debug)]
pub(super) struct Marks {
    run: u32,
    /// The start of a second that all marked times lie in.
    second: u64,
    sent: Vec<(&'static str, String)>,
}

impl Marks {
    pub(super) fn new() -> Self {
        let second = (now() / NS_PER_S).saturating_sub(60) * NS_PER_S;
        Self { run: rand::random(), second, sent: Vec::new() }
    }

    pub(super) fn text(&mut self, field: &'static str) -> String {
        let mark = format!("mark-{:08x}-{:03}", self.run, self.sent.len());
        self.sent.push((field, mark.clone()));
        mark
    }

    /// Even, so that flags of a data point never say that it has no value; larger than those before it.
    pub(super) fn number(&mut self, field: &'static str) -> u32 {
        let number = self.next_number();
        self.sent.push((field, number.to_string()));
        number
    }

    pub(super) fn count(&mut self, field: &'static str) -> u64 {
        u64::from(self.number(field))
    }

    /// Larger than those before it.
    pub(super) fn double(&mut self, field: &'static str) -> f64 {
        let double = f64::from(self.next_number()) + 0.5;
        self.sent.push((field, double.to_string()));
        double
    }

    /// Nanoseconds since 1970, later than those before it; its nine last digits are found in any form of a time.
    pub(super) fn time(&mut self, field: &'static str) -> u64 {
        let nanos = NS_PER_S / 10 + u64::from(self.next_number()) * 100 + 7;
        self.sent.push((field, nanos.to_string()));
        self.second + nanos
    }

    pub(super) fn id<const N: usize>(&mut self, field: &'static str) -> Vec<u8> {
        let id: [u8; N] = rand::random();
        self.sent.push((field, hex(&id)));
        id.to_vec()
    }

    /// A key and a value, both marked.
    pub(super) fn attribute(&mut self, field: &'static str) -> KeyValue {
        let key = self.text(field);
        attribute(&key, text(&self.text(field)))
    }

    /// What is sent as a number and shown by name.
    pub(super) fn named(&mut self, field: &'static str, name: &str) {
        self.sent.push((field, format!("\"{name}\"")));
    }

    pub(super) fn n_sent(&self) -> usize {
        self.sent.len()
    }

    /// Fields whose mark is not in what is stored.
    pub(super) fn missing(&self, stored: &str) -> Vec<&'static str> {
        let missing = self.sent.iter().filter(|(_, mark)| !stored.contains(mark.as_str()));
        missing.map(|(field, _)| *field).collect()
    }

    fn next_number(&self) -> u32 {
        let place = u32::try_from(self.sent.len()).unwrap_or(u32::MAX);
        NUMBER_FIRST.saturating_add(place.saturating_mul(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: marks of each kind, and a text that holds all but one of them.
    /// Guarantees: that one is missed, by the name of its field, and times are times of one second.
    #[test]
    fn what_is_missing_is_named() {
        let mut marks = Marks::new();
        let (text, number, double) = (marks.text("text"), marks.number("number"), marks.double("double"));
        let (first, second) = (marks.time("first"), marks.time("second"));
        assert!(first < second && first / NS_PER_S == second / NS_PER_S);
        assert!(number.is_multiple_of(2) && double > f64::from(number));
        let stored = format!("{text} {double} {first} {second}");
        assert_eq!(marks.missing(&stored), ["number"]);
        assert_eq!((marks.missing(&format!("{stored} {number}")).len(), marks.n_sent()), (0, 5));
    }
}
