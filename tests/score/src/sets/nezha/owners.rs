//! Whose a metric is: the column that names pods also names calls between services, and services as a whole.

use crate::otlp::attribute;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use std::collections::HashMap;

/// Service of each pod that has spans or logs.
pub(super) type Services = HashMap<String, String>;

const CALL: &str = " -> ";
const WHOLE: &str = " (service)";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Owner<'a> {
    Pod {
        service: &'a str,
        pod: &'a str,
    },
    /// Seen by the caller.
    Call {
        client: &'a str,
        server: &'a str,
    },
    Service(&'a str),
}

impl<'a> Owner<'a> {
    pub(super) fn of(column: &'a str, services: &'a Services) -> Self {
        if let Some(service) = services.get(column) {
            return Self::Pod { service, pod: column };
        }
        if let Some((client, server)) = column.split_once(CALL) {
            return Self::Call { client, server };
        }
        match column.strip_suffix(WHOLE) {
            Some(service) => Self::Service(service),
            None => Self::Pod { service: deployment(column), pod: column },
        }
    }

    pub(super) fn resource(&self) -> Vec<KeyValue> {
        match self {
            Self::Pod { service, pod } => pod_resource(service, pod),
            Self::Call { client: service, .. } | Self::Service(service) => {
                vec![attribute("service.name", service)]
            }
        }
    }

    pub(super) fn attributes(&self) -> Vec<KeyValue> {
        match self {
            Self::Call { client, server } => vec![attribute("client", client), attribute("server", server)],
            Self::Pod { .. } | Self::Service(_) => Vec::new(),
        }
    }
}

pub(super) fn pod_resource(service: &str, pod: &str) -> Vec<KeyValue> {
    vec![
        attribute("service.name", service),
        attribute("service.instance.id", pod),
        attribute("k8s.pod.name", pod),
    ]
}

/// Kubernetes names a pod after its deployment, with two parts of its own behind; services that send nothing are
/// named after theirs, as collectors do.
fn deployment(pod: &str) -> &str {
    pod.rsplitn(3, '-').nth(2).unwrap_or(pod)
}

/// `CpuUsageRate(%)` is `CpuUsageRate` in `%`.
pub(super) fn name_and_unit(metric: &str) -> (&str, &str) {
    let parts = metric.strip_suffix(')').and_then(|rest| rest.rsplit_once('('));
    parts.filter(|(name, _)| !name.is_empty()).unwrap_or((metric, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a pod with spans, one without, a call, a service as a whole, a word.
    /// Guarantees: each has a service; calls keep both ends.
    #[test]
    fn every_metric_has_an_owner() {
        let services = Services::from([("cart-7f9-x2".to_owned(), "cartservice".to_owned())]);
        let owner = |column| Owner::of(column, &services);
        assert_eq!(owner("cart-7f9-x2"), Owner::Pod { service: "cartservice", pod: "cart-7f9-x2" });
        assert_eq!(
            owner("redis-cart-5d8-a1"),
            Owner::Pod { service: "redis-cart", pod: "redis-cart-5d8-a1" }
        );
        assert_eq!(owner("a -> b"), Owner::Call { client: "a", server: "b" });
        assert_eq!(owner("Frontend (service)"), Owner::Service("Frontend"));
        assert_eq!(owner("word"), Owner::Pod { service: "word", pod: "word" });
        assert_eq!(owner("a -> b").attributes(), [attribute("client", "a"), attribute("server", "b")]);
        assert_eq!(owner("a -> b").resource(), [attribute("service.name", "a")]);
    }

    /// Scenario: names with and without a unit.
    /// Guarantees: only what stands in parentheses at the end is one.
    #[test]
    fn units_stand_behind_names() {
        assert_eq!(name_and_unit("CpuUsageRate(%)"), ("CpuUsageRate", "%"));
        assert_eq!(name_and_unit("SyscallRead"), ("SyscallRead", ""));
        assert_eq!(name_and_unit("(s)"), ("(s)", ""));
    }
}
