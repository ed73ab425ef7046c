//! What tells one series from its neighbours.

use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Who a series belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Identity {
    pub(super) service: String,
    pub(super) instance: String,
    pub(super) attributes: BTreeMap<String, String>,
}

/// For each series the attributes in which they differ, the service where there are several, and the
/// instance where these alone would give two series the same name.
pub(super) fn labels(series: &[Identity]) -> Vec<Vec<(String, String)>> {
    let mut named: Vec<Vec<(String, String)>> = vec![Vec::new(); series.len()];
    add_differing(&mut named, "service", series.iter().map(|one| Some(&one.service)));
    let keys: BTreeSet<&String> = series.iter().flat_map(|one| one.attributes.keys()).collect();
    for key in keys {
        add_differing(&mut named, key, series.iter().map(|one| one.attributes.get(key)));
    }
    if named.iter().collect::<HashSet<_>>().len() < named.len() {
        add_differing(&mut named, "service.instance.id", series.iter().map(|one| Some(&one.instance)));
    }
    named
}

/// Adds a label to all series that have it, unless it is the same for all of them.
fn add_differing<'a>(
    named: &mut [Vec<(String, String)>],
    key: &str,
    values: impl Iterator<Item = Option<&'a String>> + Clone,
) {
    if values.clone().collect::<HashSet<_>>().len() < 2 {
        return;
    }
    for (labels, value) in named.iter_mut().zip(values) {
        labels.extend(value.map(|value| (key.to_owned(), value.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::{Identity, labels};

    fn series(service: &str, instance: &str, attributes: &[(&str, &str)]) -> Identity {
        let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Identity { service: service.into(), instance: instance.into(), attributes: attributes.collect() }
    }

    fn check(all: &[Identity], expected: &[&str]) {
        let named = labels(all).into_iter().map(|labels| {
            labels.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
        });
        assert_eq!(named.collect::<Vec<_>>(), expected);
    }

    /// Scenario: one series; several that differ in an attribute, a service, or only the instance.
    /// Guarantees: labels hold what differs and nothing else.
    #[test]
    fn names_what_differs() {
        check(&[series("a", "1", &[("k", "v")])], &[""]);
        check(
            &[series("a", "1", &[("k", "v"), ("same", "x")]), series("a", "1", &[("k", "w"), ("same", "x")])],
            &["k=v", "k=w"],
        );
        check(&[series("a", "1", &[("k", "v")]), series("b", "2", &[])], &["service=a k=v", "service=b"]);
        check(
            &[series("a", "1", &[]), series("a", "2", &[])],
            &["service.instance.id=1", "service.instance.id=2"],
        );
    }
}
