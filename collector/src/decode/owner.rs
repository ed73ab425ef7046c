//! Whose items they are, in protocols that say it anew with every item: items of one owner are gathered under one
//! resource and one scope, as OTLP has them.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use std::collections::HashMap;

/// A resource and a scope, by what they say.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub(super) struct Owner {
    /// Keys and texts of the resource's attributes.
    pub(super) resource: Vec<(String, String)>,
    pub(super) scope_name: String,
    pub(super) scope_version: String,
}

impl Owner {
    /// `None` where nothing is known of the resource or the scope.
    pub(super) fn into_messages(self) -> (Option<Resource>, Option<InstrumentationScope>) {
        let Self { resource, scope_name, scope_version } = self;
        let attributes: Vec<KeyValue> = resource.into_iter().map(|(key, text)| text_of(key, text)).collect();
        let has_resource = !attributes.is_empty();
        let has_scope = !scope_name.is_empty() || !scope_version.is_empty();
        let resource = Resource { attributes, ..Resource::default() };
        let scope = InstrumentationScope {
            name: scope_name,
            version: scope_version,
            ..InstrumentationScope::default()
        };
        (has_resource.then_some(resource), has_scope.then_some(scope))
    }
}

/// What belongs to each owner, in the order in which owners first came.
#[derive(Debug, Default)]
pub(super) struct Owned<T> {
    places: HashMap<Owner, usize>,
    groups: Vec<(Owner, T)>,
}

impl<T: Default> Owned<T> {
    /// What belongs to this owner so far.
    pub(super) fn of(&mut self, owner: Owner) -> &mut T {
        let place = match self.places.get(&owner) {
            Some(place) => *place,
            None => {
                self.places.insert(owner.clone(), self.groups.len());
                self.groups.push((owner, T::default()));
                self.groups.len() - 1
            }
        };
        &mut self.groups[place].1
    }

    pub(super) fn into_groups(self) -> Vec<(Owner, T)> {
        self.groups
    }
}

/// An attribute of any value.
pub(super) fn attribute(key: impl Into<String>, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// An attribute whose value is text.
pub(super) fn text_of(key: impl Into<String>, text: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(service: &str, scope_name: &str) -> Owner {
        let resource = vec![("service.name".to_owned(), service.to_owned())];
        Owner { resource, scope_name: scope_name.to_owned(), ..Owner::default() }
    }

    /// Scenario: items of two owners in turn, and one of nobody.
    /// Guarantees: each owner has its items in their order; nobody has neither resource nor scope.
    #[test]
    fn items_are_gathered_by_owner() {
        let mut owned: Owned<Vec<i32>> = Owned::default();
        for (number, owner) in (1..).zip([owner("a", "x"), owner("b", ""), owner("a", "x"), Owner::default()])
        {
            owned.of(owner).push(number);
        }
        let groups = owned.into_groups();
        let items: Vec<&Vec<i32>> = groups.iter().map(|(_, items)| items).collect();
        assert_eq!(items, [&vec![1, 3], &vec![2], &vec![4]]);
        let mut messages = groups.into_iter().map(|(owner, _)| owner.into_messages());
        let (resource, scope) = messages.next().unwrap();
        assert_eq!(resource.unwrap().attributes, [text_of("service.name", "a")]);
        assert_eq!(scope.unwrap().name, "x");
        assert_eq!(messages.next().unwrap().1, None);
        assert_eq!(messages.next().unwrap(), (None, None));
    }
}
