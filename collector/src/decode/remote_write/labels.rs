//! What the labels of a series say: its name, whose it is, and its attributes.

use super::messages::Label;
use crate::decode::owner::{Owner, text_of};
use opentelemetry_proto::tonic::common::v1::KeyValue;

#[derive(Debug, PartialEq)]
pub(super) struct Identity {
    /// Empty where the series has none.
    pub(super) name: String,
    pub(super) owner: Owner,
    pub(super) attributes: Vec<KeyValue>,
}

/// An empty value is no label, as it is for Prometheus.
pub(super) fn identity(labels: Vec<Label>) -> Identity {
    let (mut name, mut job, mut instance) = (String::new(), String::new(), String::new());
    let (mut owner, mut attributes) = (Owner::default(), Vec::new());
    for Label { name: key, value } in labels.into_iter().filter(|label| !label.value.is_empty()) {
        match key.as_str() {
            "__name__" => name = value,
            "job" => job = value,
            "instance" => instance = value,
            "otel_scope_name" => owner.scope_name = value,
            "otel_scope_version" => owner.scope_version = value,
            _ => attributes.push(text_of(key, value)),
        }
    }
    owner.resource = resource(job, instance);
    Identity { name, owner, attributes }
}

/// `namespace/name` is how a job tells both parts of a service.
fn resource(job: String, instance: String) -> Vec<(String, String)> {
    let named = |key: &str, text: String| (key.to_owned(), text);
    let mut resource = Vec::new();
    match job.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
            resource.push(named("service.namespace", namespace.to_owned()));
            resource.push(named("service.name", name.to_owned()));
        }
        _ if !job.is_empty() => resource.push(named("service.name", job)),
        _ => {}
    }
    if !instance.is_empty() {
        resource.push(named("service.instance.id", instance));
    }
    resource
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Vec<Label> {
        pairs.iter().map(|(name, value)| Label { name: (*name).into(), value: (*value).into() }).collect()
    }

    /// Scenario: jobs with and without a namespace, and odd ones.
    /// Guarantees: only a whole pair is taken apart; without job and instance there is no resource.
    #[test]
    fn a_job_is_a_service() {
        let resource = |job: &str| {
            let resource = identity(labels(&[("job", job)])).owner.resource;
            resource.iter().map(|(key, text)| format!("{key}={text}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(resource("shop"), "service.name=shop");
        assert_eq!(resource("prod/shop"), "service.namespace=prod service.name=shop");
        assert_eq!(resource("a/b/c"), "service.namespace=a service.name=b/c");
        assert_eq!(resource("/shop"), "service.name=/shop");
        assert_eq!(resource("prod/"), "service.name=prod/");
        assert_eq!(resource(""), "");
    }

    /// Scenario: a series with every label that has a meaning, an own one, and an empty one.
    /// Guarantees: only the own one is an attribute.
    #[test]
    fn labels_go_where_they_belong() {
        let found = identity(labels(&[
            ("__name__", "up"),
            ("instance", "shop:80"),
            ("otel_scope_name", "meter"),
            ("otel_scope_version", "1"),
            ("le", "+Inf"),
            ("none", ""),
        ]));
        let resource = vec![("service.instance.id".to_owned(), "shop:80".to_owned())];
        let owner = Owner { resource, scope_name: "meter".to_owned(), scope_version: "1".to_owned() };
        let attributes = vec![text_of("le", "+Inf")];
        assert_eq!(found, Identity { name: "up".to_owned(), owner, attributes });
    }
}
