//! Reading a mapping, key by key: what is wrong with a value is told with its place, and reading goes on.

use super::issue::{Issues, Spot};
use super::yaml::{Key, Node, Value};
use crate::nearest::nearest;
use std::collections::BTreeMap;
use std::time::Duration;

/// Descriptions in OpenSLO have at most these.
pub(super) const DESCRIPTION_CHARS_MAX: usize = 1_050;
pub(super) const DISPLAY_NAME_CHARS_MAX: usize = 63;
/// Names of objects are labels of RFC 1123.
const NAME_CHARS_MAX: usize = 63;
/// Of texts that OpenSLO sets no bound for.
pub(super) const TEXT_CHARS_MAX: usize = 64 << 10;

/// A mapping whose keys are known.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    pub(super) spot: Spot,
    entries: &'a [(Key, Node)],
    issues: &'a Issues,
}

impl<'a> Fields<'a> {
    /// None where it is no mapping. Keys that are not among those known are told.
    pub(super) fn of(node: &'a Node, spot: Spot, known: &[&str], issues: &'a Issues) -> Option<Self> {
        let fields = Self::free(node, spot, issues)?;
        for (key, _) in fields.entries {
            if known.contains(&key.text.as_str()) {
                continue;
            }
            let spot = fields.spot.at(&key.text, key.place);
            let message = format!("there is no field {:?} here", key.text);
            match nearest(&key.text, known.iter().copied()) {
                Some(near) => issues.hinted(&spot, message, format!("did you mean {near:?}?")),
                None => issues.hinted(&spot, message, format!("fields here are {}", known.join(", "))),
            }
        }
        Some(fields)
    }

    /// A mapping of any keys.
    pub(super) fn free(node: &'a Node, spot: Spot, issues: &'a Issues) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            issues.error(&spot, format!("is {}, not a mapping", node.kind()));
            return None;
        };
        Some(Self { spot, entries, issues })
    }

    pub(super) fn issues(&self) -> &'a Issues {
        self.issues
    }

    pub(super) fn entries(&self) -> &'a [(Key, Node)] {
        self.entries
    }

    /// A value that is there and not nothing.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries
            .iter()
            .find(|(other, _)| other.text == key)
            .map(|(_, node)| node)
            .filter(|node| !node.is_null())
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(super) fn required(&self, key: &str) -> Option<&'a Node> {
        let found = self.get(key);
        if found.is_none() {
            self.missing(key);
        }
        found
    }

    pub(super) fn missing(&self, key: &str) {
        self.issues.error(&self.spot.at(key, self.spot.place), "is required");
    }

    /// Where a value of that key stands, or would.
    pub(super) fn spot_of(&self, key: &str) -> Spot {
        let place = self.entries.iter().find(|(other, _)| other.text == key).map(|(_, node)| node.place);
        self.spot.at(key, place.unwrap_or(self.spot.place))
    }

    pub(super) fn error(&self, key: &str, message: impl Into<String>) {
        self.issues.error(&self.spot_of(key), message);
    }

    /// Text of a bounded length; none where it is absent or something else.
    pub(super) fn text(&self, key: &str, chars_max: usize) -> Option<&'a str> {
        let node = self.get(key)?;
        let Some(text) = node.text() else {
            let message = format!("is {}, not text", node.kind());
            self.issues.hinted(&self.spot_of(key), message, "write it in quotation marks");
            return None;
        };
        let n_chars = text.chars().count();
        if n_chars > chars_max {
            self.error(key, format!("has {n_chars} characters: at most {chars_max} are allowed"));
            return None;
        }
        Some(text)
    }

    pub(super) fn required_text(&self, key: &str, chars_max: usize) -> Option<&'a str> {
        self.required(key)?;
        self.text(key, chars_max)
    }

    /// The name of another object, or of this one.
    pub(super) fn name(&self, key: &str) -> Option<&'a str> {
        let text = self.text(key, usize::MAX)?;
        if is_name(text) {
            return Some(text);
        }
        let message = format!("{:?} is no name", shortened(text));
        let hint = "write 1 to 63 lower-case letters, digits and '-', with a letter or digit at both ends";
        self.issues.hinted(&self.spot_of(key), message, hint);
        None
    }

    pub(super) fn required_name(&self, key: &str) -> Option<&'a str> {
        self.required(key)?;
        self.name(key)
    }

    /// A number, as it is written.
    pub(super) fn number(&self, key: &str) -> Option<&'a str> {
        let node = self.get(key)?;
        if node.number().is_none() {
            self.error(key, format!("is {}, not a number", node.kind()));
        }
        node.number()
    }

    pub(super) fn boolean(&self, key: &str) -> Option<bool> {
        let node = self.get(key)?;
        if node.boolean().is_none() {
            self.error(key, format!("is {}, not true or false", node.kind()));
        }
        node.boolean()
    }

    pub(super) fn list(&self, key: &str) -> Option<&'a [Node]> {
        let node = self.get(key)?;
        match &node.value {
            Value::List(items) => Some(items),
            Value::Scalar { .. } | Value::Map(_) => {
                self.error(key, format!("is {}, not a list", node.kind()));
                None
            }
        }
    }

    pub(super) fn child(&self, key: &str, known: &[&str]) -> Option<Self> {
        let node = self.get(key)?;
        Self::of(node, self.spot.at(key, node.place), known, self.issues)
    }

    pub(super) fn required_child(&self, key: &str, known: &[&str]) -> Option<Self> {
        self.required(key)?;
        self.child(key, known)
    }

    /// One of a few words.
    pub(super) fn word(&self, key: &str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.text(key, TEXT_CHARS_MAX)?;
        let found = words.iter().copied().find(|word| *word == text);
        if found.is_none() {
            let message = format!("{:?} is not known here", shortened(text));
            match nearest(text, words.iter().copied()) {
                Some(near) => {
                    self.issues.hinted(&self.spot_of(key), message, format!("did you mean {near:?}?"));
                }
                None => {
                    let hint = format!("write one of {}", words.join(", "));
                    self.issues.hinted(&self.spot_of(key), message, hint);
                }
            }
        }
        found
    }

    /// A duration such as `28d`: how many of which unit.
    pub(super) fn shorthand(&self, key: &str) -> Option<(u32, char)> {
        let node = self.get(key)?;
        let parsed = node.text().and_then(parse_shorthand);
        if parsed.is_none() {
            let hint = "write a whole number and one of m h d w M Q Y, without a space: 5m are minutes, 1M is a month";
            let message = match node.text() {
                Some(text) => format!("{:?} is no duration", shortened(text)),
                None => format!("is {}, not a duration", node.kind()),
            };
            self.issues.hinted(&self.spot_of(key), message, hint);
        }
        parsed
    }

    /// Pairs of texts, in order.
    pub(super) fn pairs(&self, key: &str) -> Vec<(String, String)> {
        let Some(node) = self.get(key) else { return Vec::new() };
        let Some(fields) = Self::free(node, self.spot.at(key, node.place), self.issues) else {
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for (name, _) in fields.entries {
            if let Some(value) = fields.text(&name.text, TEXT_CHARS_MAX) {
                pairs.push((name.text.clone(), value.to_owned()));
            }
        }
        pairs
    }
}

/// `metadata.labels`: a text or a list of texts for each key; lists become one text.
pub(super) fn labels(metadata: &Fields<'_>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let Some(node) = metadata.get("labels") else { return labels };
    let spot = metadata.spot.at("labels", node.place);
    let Some(fields) = Fields::free(node, spot, metadata.issues()) else { return labels };
    for (key, node) in fields.entries() {
        if key.text.chars().count() > NAME_CHARS_MAX {
            fields.error(&key.text, format!("a label has at most {NAME_CHARS_MAX} characters"));
        }
        let value = match &node.value {
            Value::List(items) if items.iter().all(|item| item.text().is_some()) => {
                items.iter().filter_map(Node::text).collect::<Vec<_>>().join(",")
            }
            Value::List(_) | Value::Map(_) => {
                fields.error(&key.text, "a label is text, or a list of texts");
                continue;
            }
            Value::Scalar { .. } => match fields.text(&key.text, TEXT_CHARS_MAX) {
                Some(text) => text.to_owned(),
                None if node.is_null() => {
                    fields.error(&key.text, "a label is text, or a list of texts");
                    continue;
                }
                None => continue,
            },
        };
        labels.insert(key.text.clone(), value);
    }
    labels
}

pub(super) fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=NAME_CHARS_MAX).contains(&text.len())
        && text.chars().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn parse_shorthand(text: &str) -> Option<(u32, char)> {
    let unit = text.chars().last().filter(|unit| "mhdwMQY".contains(*unit))?;
    let number = &text[..text.len() - 1];
    let is_whole =
        !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0');
    let n = number.parse().ok().filter(|_| is_whole)?;
    Some((n, unit))
}

/// How long a shorthand is where no calendar says: 30, 90 and 365 days for the longer units.
pub(super) fn length_of((n, unit): (u32, char)) -> Duration {
    let seconds = match unit {
        'm' => 60,
        _ => alerts::CalendarUnit::parse(unit).map_or(0, |unit| unit.nominal().as_secs()),
    };
    Duration::from_secs(seconds.saturating_mul(u64::from(n)))
}

/// A share such as `0.999` as a percentage, without the noise of a multiplication.
pub(super) fn percent_of_share(text: &str) -> Option<f64> {
    let share: f64 = text.parse().ok()?;
    format!("{share}e2").parse().ok()
}

/// What a message repeats of somebody's text.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: durations, names and shares as people write them.
    /// Guarantees: case matters, spaces and zeros are refused; shares are exact.
    #[test]
    fn spellings() {
        assert_eq!(
            ["1M", "28d", "5m"].map(parse_shorthand),
            [Some((1, 'M')), Some((28, 'd')), Some((5, 'm'))]
        );
        for text in ["", "d", "0d", "01d", "1D", "1 d", "-1d", "1.5d", "1d1h", "99999999999d"] {
            assert_eq!(parse_shorthand(text), None, "{text}");
        }
        assert_eq!(length_of((1, 'Q')), Duration::from_secs(90 * 86_400));
        assert!(
            is_name("a-1") && !is_name("A") && !is_name("-a") && !is_name("") && !is_name(&"a".repeat(64))
        );
        assert_eq!(
            ["0.999", "0.07", "0.9995", "0"].map(percent_of_share),
            [Some(99.9), Some(7.0), Some(99.95), Some(0.0)]
        );
    }
}
