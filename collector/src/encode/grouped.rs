//! Items below what they have in common, in the order in which it was first met.

use serde_json::{Map, Value};
use std::collections::HashMap;

pub(super) type Object = Map<String, Value>;

#[derive(Debug)]
pub(super) struct Grouped<T> {
    groups: Vec<(Object, T)>,
    /// A group's head as text, to its place.
    places: HashMap<String, usize>,
}

impl<T> Default for Grouped<T> {
    fn default() -> Self {
        Self { groups: Vec::new(), places: HashMap::new() }
    }
}

impl<T: Default> Grouped<T> {
    /// The group with this head.
    pub(super) fn entry(&mut self, head: Object) -> &mut T {
        let text = Value::Object(head.clone()).to_string();
        let place = *self.places.entry(text).or_insert_with(|| {
            self.groups.push((head, T::default()));
            self.groups.len() - 1
        });
        &mut self.groups[place].1
    }

    /// Heads with what `finish` makes of their items under `name`.
    pub(super) fn finish(self, name: &str, finish: impl Fn(T) -> Value) -> Value {
        let group = |(mut head, items): (Object, T)| {
            head.insert(name.to_owned(), finish(items));
            Value::Object(head)
        };
        self.groups.into_iter().map(group).collect()
    }
}

/// Sets a member unless it is what its absence means.
pub(super) fn put(object: &mut Object, name: &str, value: Value) {
    let is_default = match &value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_u64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    };
    if !is_default {
        object.insert(name.to_owned(), value);
    }
}
