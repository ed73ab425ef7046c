//! The columns that every table ends with: whose item it is.
//!
//! Resources and scopes are turned into rows of their own once, and repeated for their items at the end
//! by index. The repetition is what can make a small request large, so it has a bound.

use super::attributes::Attributes;
use super::table::{self, Table};
use super::value;
use crate::decode::Report;
use crate::telemetry::Reason;
use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;
use arrow::error::ArrowError;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use std::sync::Arc;

/// The service of a resource that does not name one.
const UNKNOWN_SERVICE: &str = "unknown_service";
/// Bytes that the resources and scopes of one request may take after repetition. A request of the
/// largest size with 100,000 items stays below it when each item's resource and scope have 5 KiB.
const REPEATED_BYTES_MAX: usize = 512 << 20;

/// Resources and scopes of one request, and which row belongs to which.
#[derive(Debug)]
pub(super) struct Owners<'a> {
    resources: Vec<(Option<&'a Resource>, &'a str)>,
    resource_attributes: Attributes,
    resource_of_row: Vec<u32>,
    scopes: Vec<(Option<&'a InstrumentationScope>, &'a str)>,
    scope_attributes: Attributes,
    scope_of_row: Vec<u32>,
    row_bytes: usize,
    resource_bytes: usize,
    repeated_bytes: usize,
    repeated_bytes_max: usize,
}

impl<'a> Owners<'a> {
    pub(super) fn new() -> Self {
        Self {
            resources: Vec::new(),
            resource_attributes: Attributes::new(),
            resource_of_row: Vec::new(),
            scopes: Vec::new(),
            scope_attributes: Attributes::new(),
            scope_of_row: Vec::new(),
            row_bytes: 0,
            resource_bytes: 0,
            repeated_bytes: 0,
            repeated_bytes_max: REPEATED_BYTES_MAX,
        }
    }

    #[cfg(test)]
    pub(super) fn with_repeated_bytes_max(repeated_bytes_max: usize) -> Self {
        Self { repeated_bytes_max, ..Self::new() }
    }

    /// The resource of the scopes that follow.
    pub(super) fn enter_resource(
        &mut self,
        resource: Option<&'a Resource>,
        schema_url: &'a str,
        report: &mut Report,
    ) {
        let bytes_before = self.resource_attributes.bytes();
        self.resource_attributes.append(resource.map_or(&[], |resource| &resource.attributes), report);
        self.resources.push((resource, schema_url));
        self.resource_bytes = self.resource_attributes.bytes() - bytes_before + schema_url.len();
        let n_references = resource.map_or(0, |resource| resource.entity_refs.len());
        if n_references > 0 {
            report.add(Reason::EntityReferences, n_references as u64, || {
                format!("a resource with {n_references} entity references")
            });
        }
    }

    /// The scope of the rows that follow.
    pub(super) fn enter_scope(
        &mut self,
        scope: Option<&'a InstrumentationScope>,
        schema_url: &'a str,
        report: &mut Report,
    ) {
        let bytes_before = self.scope_attributes.bytes();
        self.scope_attributes.append(scope.map_or(&[], |scope| &scope.attributes), report);
        self.scopes.push((scope, schema_url));
        let scope_bytes = scope.map_or(0, |scope| scope.name.len() + scope.version.len());
        let scope_bytes = scope_bytes + self.scope_attributes.bytes() - bytes_before + schema_url.len();
        self.row_bytes = self.resource_bytes + scope_bytes;
    }

    /// Adds a row of the scope in hand, with `own_bytes` more that repeat in each of its siblings; false
    /// rejects it for what the repetition would take.
    pub(super) fn admit_row(&mut self, own_bytes: usize, report: &mut Report) -> bool {
        let row_bytes = self.row_bytes + own_bytes;
        let bytes_max = self.repeated_bytes_max;
        if self.repeated_bytes + row_bytes > bytes_max {
            report.add(Reason::IdentityTooLarge, 1, || {
                format!("resource, scope and metric of {row_bytes} bytes, repeated beyond {bytes_max} bytes in all")
            });
            return false;
        }
        self.repeated_bytes += row_bytes;
        self.resource_of_row.push(last_index(&self.resources));
        self.scope_of_row.push(last_index(&self.scopes));
        true
    }

    /// Adds the columns to the table.
    pub(super) fn finish(self, received_at: i64, table: &mut Table) -> Result<(), ArrowError> {
        let n_rows = self.resource_of_row.len();
        let resource_of_row = UInt32Array::from(self.resource_of_row);
        for (name, column) in resource_columns(&self.resources, self.resource_attributes)? {
            table.push(name, take(&column, &resource_of_row, None)?);
        }
        let scope_of_row = UInt32Array::from(self.scope_of_row);
        for (name, column) in scope_columns(&self.scopes, self.scope_attributes)? {
            table.push(name, take(&column, &scope_of_row, None)?);
        }
        table.push("received_at", table::times(std::iter::repeat_n(received_at, n_rows)));
        Ok(())
    }
}

fn last_index<T>(items: &[T]) -> u32 {
    // A request has far fewer than 2^32 scopes; rows come after their owners.
    u32::try_from(items.len().saturating_sub(1)).unwrap_or(u32::MAX)
}

type Named = Vec<(&'static str, ArrayRef)>;

fn resource_columns(
    resources: &[(Option<&Resource>, &str)],
    attributes: Attributes,
) -> Result<Named, ArrowError> {
    let own = |key: &'static [&'static str]| {
        table::optional_text(resources.iter().map(move |(resource, _)| find(*resource, key)))
    };
    let service = resources.iter().map(|(resource, _)| find(*resource, &["service.name"]));
    let service = service.map(|name| Some(name.unwrap_or(UNKNOWN_SERVICE.into())));
    let n_dropped = dropped(
        resources.iter().map(|(resource, _)| resource.map_or(0, |r| r.dropped_attributes_count)),
        &attributes,
    );
    let columns = vec![
        ("service", table::optional_text(service)),
        ("service_namespace", own(&["service.namespace"])),
        ("service_instance_id", own(&["service.instance.id"])),
        ("service_version", own(&["service.version"])),
        ("environment", own(&["deployment.environment.name", "deployment.environment"])),
        ("resource_dropped_attributes_count", n_dropped),
        ("resource_schema_url", table::text(resources.iter().map(|(_, schema_url)| *schema_url))),
    ];
    with_map(columns, "resource", "resource_types", attributes)
}

fn scope_columns(
    scopes: &[(Option<&InstrumentationScope>, &str)],
    attributes: Attributes,
) -> Result<Named, ArrowError> {
    let n_dropped =
        dropped(scopes.iter().map(|(scope, _)| scope.map_or(0, |s| s.dropped_attributes_count)), &attributes);
    let columns = vec![
        ("scope_name", table::text(scopes.iter().map(|(scope, _)| scope.map_or("", |s| s.name.as_str())))),
        (
            "scope_version",
            table::text(scopes.iter().map(|(scope, _)| scope.map_or("", |s| s.version.as_str()))),
        ),
        ("scope_dropped_attributes_count", n_dropped),
        ("scope_schema_url", table::text(scopes.iter().map(|(_, schema_url)| *schema_url))),
    ];
    with_map(columns, "scope", "scope_types", attributes)
}

fn with_map(
    mut columns: Named,
    map_name: &'static str,
    types_name: &'static str,
    attributes: Attributes,
) -> Result<Named, ArrowError> {
    let (map, types) = attributes.finish()?;
    columns.extend([(map_name, map), (types_name, types)]);
    Ok(columns)
}

/// Attributes that the sender dropped, and those that were left out here.
pub(super) fn dropped(sent: impl Iterator<Item = u32>, attributes: &Attributes) -> ArrayRef {
    let left_out = attributes.n_dropped().iter();
    Arc::new(UInt32Array::from_iter_values(
        sent.zip(left_out).map(|(sent, left_out)| sent.saturating_add(*left_out)),
    ))
}

/// The first of the keys that has a value, as text.
fn find<'a>(resource: Option<&'a Resource>, keys: &[&str]) -> Option<std::borrow::Cow<'a, str>> {
    let attributes = &resource?.attributes;
    keys.iter().find_map(|key| value::text(first_value(attributes, key)?))
}

fn first_value<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a AnyValue> {
    attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()
}
