//! Which spans a heatmap shows, said to the read model and said to the spans.

use crate::ids::Table;
use crate::query::literals::text;
use crate::query::search;
use crate::read_models::Resolution;

/// What a span must be. What is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpanFilter {
    pub service: Option<String>,
    /// The span's name.
    pub operation: Option<String>,
    pub kind: Option<String>,
    /// `1xx` to `5xx` of HTTP, else the status of RPC.
    pub status_class: Option<String>,
    pub version: Option<String>,
    pub environment: Option<String>,
    /// `service.instance.id`.
    pub instance: Option<String>,
    /// Only entry spans: what the service was asked for or took up by itself.
    pub entry_only: bool,
    pub is_error: Option<bool>,
    pub duration_ns_min: Option<i64>,
    pub duration_ns_max: Option<i64>,
    /// Each pair is found among the attributes of the span, its resource, its scope, or one of its events or links.
    pub attributes: Vec<(String, String)>,
}

impl SpanFilter {
    /// Does the read model know everything that is asked for?
    pub(super) fn is_of_read_model(&self) -> bool {
        self.is_error.is_none()
            && self.duration_ns_min.is_none()
            && self.duration_ns_max.is_none()
            && self.attributes.is_empty()
    }

    /// The tables that have what is asked for: the smallest that do.
    pub(super) fn model(&self) -> fn(Resolution) -> Table {
        match self.is_of_services() {
            true => Table::ServiceRed,
            false => Table::Red,
        }
    }

    /// Conditions on rows of these tables.
    pub(super) fn in_read_model(&self) -> Vec<String> {
        let mut conditions = self.named("operation", "instance");
        conditions.extend(equal("status_class", self.status_class.as_deref()));
        // The tables of whole services have no other rows.
        conditions.extend((self.entry_only && !self.is_of_services()).then(is_entry));
        conditions
    }

    /// Do the tables of whole services tell everything that is asked for?
    fn is_of_services(&self) -> bool {
        let others = [&self.operation, &self.kind, &self.status_class, &self.instance];
        self.entry_only && others.iter().all(|other| other.is_none())
    }

    /// Conditions on rows of `spans`.
    pub(in crate::query) fn in_spans(&self) -> Vec<String> {
        let mut conditions = self.named("name", "service_instance_id");
        conditions.extend(self.entry_only.then(is_entry));
        conditions.extend(self.status_class.as_deref().map(of_status_class));
        conditions.extend(self.is_error.map(|is_error| format!("is_error = {is_error}")));
        conditions.extend(self.duration_ns_min.map(|min| format!("duration_ns >= {min}")));
        conditions.extend(self.duration_ns_max.map(|max| format!("duration_ns <= {max}")));
        conditions.extend(self.attributes.iter().map(|(key, value)| search::attribute(key, value)));
        conditions
    }

    /// What both tables have, two of them under other names.
    fn named(&self, operation: &str, instance: &str) -> Vec<String> {
        let equals = [
            equal("service", self.service.as_deref()),
            equal(operation, self.operation.as_deref()),
            equal("kind", self.kind.as_deref()),
            equal("service_version", self.version.as_deref()),
            equal("environment", self.environment.as_deref()),
            equal(instance, self.instance.as_deref()),
        ];
        equals.into_iter().flatten().collect()
    }
}

fn is_entry() -> String {
    "is_entry".to_owned()
}

fn equal(column: &str, value: Option<&str>) -> Option<String> {
    value.map(|value| format!("{column} = {}", text(value)))
}

/// As the read model makes the class: of HTTP where there is such a status, else of RPC.
fn of_status_class(class: &str) -> String {
    let of_rpc = format!(
        "coalesce(http_response_status_code, 0) NOT BETWEEN 100 AND 599 AND rpc_response_status_code = {}",
        text(class)
    );
    match class.strip_suffix("xx") {
        Some(hundred @ ("1" | "2" | "3" | "4" | "5")) => {
            format!("(http_response_status_code BETWEEN {hundred}00 AND {hundred}99 OR {of_rpc})")
        }
        _ => format!("({of_rpc})"),
    }
}
