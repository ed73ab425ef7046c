//! YAML as a tree that knows where everything stands.
//!
//! The parser gives events one by one; here they become nodes, within bounds of depth and size. An alias is a copy of
//! what it names, and copies count towards the bound like everything else, so that a few lines cannot become gigabytes.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span};
use std::collections::HashMap;

/// Bytes of one file: a thousand objectives written at length.
pub(super) const FILE_BYTES_MAX: usize = 1 << 20;
/// Documents of one file.
const DOCUMENTS_MAX: usize = 2_000;
/// OpenSLO is a dozen levels deep.
const DEPTH_MAX: usize = 64;
/// Bytes of texts and nodes together, copies by aliases included: several times what a file without any has.
const WEIGHT_MAX: usize = 16 << 20;
/// What a node takes beside its text.
const NODE_WEIGHT: usize = 64;

/// A place of a file, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(super) place: Place,
    pub(crate) value: Value,
    weight: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// A plain scalar may be a number, a boolean or nothing; one in quotation marks is text.
    Scalar {
        text: String,
        is_plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(super) place: Place,
}

/// Why a file is no YAML, or too much of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unreadable {
    pub(super) place: Place,
    /// Counted from 1.
    pub(super) document: usize,
    pub(super) message: String,
}

impl Place {
    fn of(marker: &Marker) -> Self {
        Self { line: marker.line(), column: marker.col() + 1 }
    }
}

impl Node {
    /// `null`, `~`, or nothing at all.
    pub(super) fn is_null(&self) -> bool {
        match &self.value {
            Value::Scalar { text, is_plain } => {
                *is_plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            Value::List(_) | Value::Map(_) => false,
        }
    }

    /// The spelling of a number; none of anything else.
    pub(super) fn number(&self) -> Option<&str> {
        let Value::Scalar { text, is_plain: true } = &self.value else { return None };
        let looks_like_one = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
        (looks_like_one && text.parse::<f64>().is_ok_and(f64::is_finite)).then_some(text.as_str())
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        match &self.value {
            Value::Scalar { text, is_plain: true } => match text.as_str() {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// What is text by its looks, and what is in quotation marks.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. }
                if !self.is_null() && self.number().is_none() && self.boolean().is_none() =>
            {
                Some(text)
            }
            _ => None,
        }
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
            Value::Scalar { .. } if self.is_null() => "nothing",
            Value::Scalar { .. } if self.number().is_some() => "a number",
            Value::Scalar { .. } if self.boolean().is_some() => "a boolean",
            Value::Scalar { .. } => "text",
        }
    }
}

/// The documents of a file, with their numbers from 1; empty ones are left out.
pub(crate) fn documents(text: &str) -> Result<Vec<(usize, Node)>, Unreadable> {
    if text.len() > FILE_BYTES_MAX {
        let message = format!("the file is larger than {FILE_BYTES_MAX} bytes");
        return Err(Unreadable { place: Place { line: 1, column: 1 }, document: 1, message });
    }
    let mut parser = Parser::new_from_str(text);
    let mut building = Building::default();
    while let Some(event) = parser.next_event() {
        match event {
            Ok((event, span)) => building.event(event, span)?,
            Err(error) => return Err(building.unreadable(&error)),
        }
    }
    Ok(building.documents)
}

/// Nodes that are not complete yet.
#[derive(Debug, Default)]
struct Building {
    documents: Vec<(usize, Node)>,
    n_documents: usize,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    weight: usize,
}

#[derive(Debug)]
struct Open {
    place: Place,
    anchor: usize,
    content: Content,
}

#[derive(Debug)]
enum Content {
    List(Vec<Node>),
    /// With the key whose value comes next.
    Map(Vec<(Key, Node)>, Option<Key>),
}

impl Building {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Unreadable> {
        let place = Place::of(&span.start);
        match event {
            Event::DocumentStart(_) => self.start_document(place),
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain && tag.is_none_or(|tag| tag.suffix != "str");
                let weight = NODE_WEIGHT + text.len();
                let value = Value::Scalar { text: text.into_owned(), is_plain };
                self.complete(Node { place, value, weight }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.enter(place, anchor, Content::List(Vec::new())),
            Event::MappingStart(anchor, _) => self.enter(place, anchor, Content::Map(Vec::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => self.leave(),
            Event::Alias(anchor) => self.alias(anchor, place),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn start_document(&mut self, place: Place) -> Result<(), Unreadable> {
        self.n_documents += 1;
        self.anchors.clear();
        if self.n_documents > DOCUMENTS_MAX {
            return Err(self.refuse(place, format!("a file has at most {DOCUMENTS_MAX} documents")));
        }
        Ok(())
    }

    fn enter(&mut self, place: Place, anchor: usize, content: Content) -> Result<(), Unreadable> {
        if self.open.len() == DEPTH_MAX {
            return Err(self.refuse(place, format!("more than {DEPTH_MAX} levels lie in each other")));
        }
        self.open.push(Open { place, anchor, content });
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Unreadable> {
        let Some(Open { place, anchor, content }) = self.open.pop() else { return Ok(()) };
        let (value, inner) = match content {
            Content::List(items) => {
                let inner = items.iter().map(|node| node.weight).sum::<usize>();
                (Value::List(items), inner)
            }
            Content::Map(entries, _) => {
                let inner = entries.iter().map(|(key, node)| key.text.len() + node.weight).sum::<usize>();
                (Value::Map(entries), inner)
            }
        };
        self.complete(Node { place, value, weight: NODE_WEIGHT + inner }, anchor)
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), Unreadable> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(self.refuse(place, "an alias names what it is part of, or nothing".to_owned()));
        };
        // Before the copy is made.
        if self.weight + node.weight > WEIGHT_MAX {
            return Err(self.too_heavy(place));
        }
        let copy = node.clone();
        self.weight += copy.weight;
        self.complete(Node { place, ..copy }, 0)
    }

    /// A node is there as a whole, and goes where it belongs.
    fn complete(&mut self, node: Node, anchor: usize) -> Result<(), Unreadable> {
        let place = node.place;
        if let Value::Scalar { text, .. } = &node.value {
            self.weight += NODE_WEIGHT + text.len();
        }
        if anchor > 0 {
            self.weight += node.weight;
        }
        if self.weight > WEIGHT_MAX {
            return Err(self.too_heavy(place));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            if !node.is_null() {
                self.documents.push((self.n_documents, node));
            }
            return Ok(());
        };
        let refused = match &mut open.content {
            Content::List(items) => {
                items.push(node);
                return Ok(());
            }
            Content::Map(entries, pending) => match pending.take() {
                Some(key) => {
                    entries.push((key, node));
                    return Ok(());
                }
                None => match node.value {
                    Value::Scalar { text, .. } if entries.iter().any(|(key, _)| key.text == text) => {
                        format!("key {text:?} is there twice")
                    }
                    Value::Scalar { text, .. } => {
                        *pending = Some(Key { text, place });
                        return Ok(());
                    }
                    Value::List(_) | Value::Map(_) => "a key is text".to_owned(),
                },
            },
        };
        Err(self.refuse(place, refused))
    }

    fn too_heavy(&self, place: Place) -> Unreadable {
        self.refuse(place, "the file becomes too large: an alias is a copy of what it names".to_owned())
    }

    fn refuse(&self, place: Place, message: String) -> Unreadable {
        Unreadable { place, document: self.n_documents.max(1), message }
    }

    fn unreadable(&self, error: &ScanError) -> Unreadable {
        self.refuse(Place::of(error.marker()), format!("this is no YAML: {}", error.info()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(text: &str) -> (usize, usize, String) {
        let Unreadable { place, document, message } = documents(text).unwrap_err();
        (document, place.line, message)
    }

    /// Scenario: two documents with values of every kind, an anchor and its alias.
    /// Guarantees: each node has its place, and is what it looks like; quotation marks make text.
    #[test]
    fn nodes_know_where_they_stand() {
        let found = documents("a: &x [1, '1', true, ~]\nb: *x\n---\n# nothing\n---\nc: 1d\n").unwrap();
        let numbers: Vec<_> = found.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 3]);
        let Value::Map(entries) = &found[0].1.value else { panic!("{found:?}") };
        assert_eq!((entries[1].0.text.as_str(), entries[1].0.place), ("b", Place { line: 2, column: 1 }));
        for (_, list) in entries {
            let Value::List(items) = &list.value else { panic!("{list:?}") };
            let kinds: Vec<_> = items.iter().map(Node::kind).collect();
            assert_eq!(kinds, ["a number", "text", "a boolean", "nothing"]);
        }
        let Value::Map(entries) = &found[1].1.value else { panic!("{found:?}") };
        assert_eq!((entries[0].1.text(), entries[0].1.place), (Some("1d"), Place { line: 6, column: 4 }));
    }

    /// Scenario: an alias bomb, far too many levels, keys that repeat, keys that are lists, and no YAML at all.
    /// Guarantees: each is refused with its document and line, and in little memory.
    #[test]
    fn too_much_is_refused() {
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..12 {
            let items = vec![format!("*a{}", level - 1); 10].join(",");
            bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        assert!(refused(&bomb).2.contains("too large"));
        assert!(refused(&"[".repeat(100)).2.contains("64 levels"));
        assert_eq!(refused("ok: 1\n---\na: 1\na: 2\n"), (2, 4, "key \"a\" is there twice".to_owned()));
        assert_eq!(refused("? [a]\n: b\n").2, "a key is text");
        assert!(refused("a: [1").2.starts_with("this is no YAML"));
        assert!(refused("a: &x {b: *x}\n").2.contains("part of"));
        assert!(refused(&"#".repeat(FILE_BYTES_MAX + 1)).2.contains("larger"));
    }

    proptest! {
        /// Scenario: any text, and texts that look like YAML.
        /// Guarantees: it is read or refused.
        #[test]
        fn nothing_panics(text in "\\PC{0,200}|[-:&*\\[\\]{}#|>'\"a~0 \\n]{0,120}") {
            let _ = documents(&text);
        }
    }
}
