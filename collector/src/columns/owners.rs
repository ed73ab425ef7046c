//! The columns that every table ends with: whose item it is.
//!
//! Resources and scopes are turned into rows of their own once, and repeated for their items at the end: an
//! owner's items follow one another. The repetition is what can make a small request large, so it has a bound.

use super::attributes::Attributes;
use super::entities;
use super::limits::Limits;
use super::table::{self, Table};
use super::texts::Texts;
use super::value;
use crate::decode::Report;
use crate::decode::views::{KeyValues, Resource, Scope, Text};
use crate::telemetry::Reason;
use arrow::array::{ArrayRef, NullBufferBuilder, UInt32Array};
use arrow::error::ArrowError;
use std::borrow::Cow;
use std::sync::Arc;

/// Columns that repeat an attribute of the resource, and the keys that tell it: the first that has a value.
const PROMOTED: [(&str, &[&str]); 5] = [
    ("service", &["service.name"]),
    ("service_namespace", &["service.namespace"]),
    ("service_instance_id", &["service.instance.id"]),
    ("service_version", &["service.version"]),
    ("environment", &["deployment.environment.name", "deployment.environment"]),
];
/// The service of a resource that does not name one.
const UNKNOWN_SERVICE: &str = "unknown_service";
/// Bytes that the resources and scopes of one request may take after repetition. A request of the
/// largest size with 100,000 items stays below it when each item's resource and scope have 5 KiB.
const REPEATED_BYTES_MAX: usize = 512 << 20;

/// Values of the promoted columns, in their order.
type Promoted<'a> = [Option<Cow<'a, str>>; PROMOTED.len()];

/// Resources and scopes of one request, and how many rows in a row belong to each.
#[derive(Debug)]
pub(super) struct Owners<'a> {
    resources: Vec<(Resource<'a>, Text<'a>)>,
    resource_attributes: Attributes<'a>,
    promoted: Vec<Promoted<'a>>,
    entity_refs: Vec<Option<String>>,
    n_rows_of_resource: Vec<usize>,
    scopes: Vec<(Scope<'a>, Text<'a>)>,
    scope_attributes: Attributes<'a>,
    n_rows_of_scope: Vec<usize>,
    row_bytes: usize,
    resource_bytes: usize,
    repeated_bytes: usize,
    repeated_bytes_max: usize,
}

impl<'a> Owners<'a> {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            resources: Vec::new(),
            resource_attributes: Attributes::new(limits),
            promoted: Vec::new(),
            entity_refs: Vec::new(),
            n_rows_of_resource: Vec::new(),
            scopes: Vec::new(),
            scope_attributes: Attributes::new(limits),
            n_rows_of_scope: Vec::new(),
            row_bytes: 0,
            resource_bytes: 0,
            repeated_bytes: 0,
            repeated_bytes_max: REPEATED_BYTES_MAX,
        }
    }

    #[cfg(test)]
    pub(super) fn with_repeated_bytes_max(repeated_bytes_max: usize) -> Self {
        Self { repeated_bytes_max, ..Self::new(Limits::default()) }
    }

    /// The resource of the scopes that follow.
    pub(super) fn enter_resource(
        &mut self,
        resource: Option<Resource<'a>>,
        schema_url: Text<'a>,
        report: &mut Report,
    ) {
        // Rows do not tell an empty resource from none.
        let resource = resource.unwrap_or_default();
        let promoted = promoted(resource.attributes, report);
        let bytes_before = self.resource_attributes.n_bytes();
        self.resource_attributes.append(resource.attributes, report);
        self.resources.push((resource, schema_url));
        self.n_rows_of_resource.push(0);
        let entity_refs = entities::json(resource.entity_refs);
        let promoted_bytes: usize = promoted.iter().flatten().map(|value| value.len()).sum();
        let bytes = promoted_bytes + schema_url.len() + entity_refs.as_ref().map_or(0, String::len);
        self.promoted.push(promoted);
        self.entity_refs.push(entity_refs);
        self.resource_bytes = self.resource_attributes.n_bytes() - bytes_before + bytes;
    }

    /// The scope of the rows that follow.
    pub(super) fn enter_scope(
        &mut self,
        scope: Option<Scope<'a>>,
        schema_url: Text<'a>,
        report: &mut Report,
    ) {
        let scope = scope.unwrap_or_default();
        let bytes_before = self.scope_attributes.n_bytes();
        self.scope_attributes.append(scope.attributes, report);
        self.scopes.push((scope, schema_url));
        self.n_rows_of_scope.push(0);
        let scope_bytes = scope.name.len() + scope.version.len() + schema_url.len();
        let scope_bytes = scope_bytes + self.scope_attributes.n_bytes() - bytes_before;
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
        count_row(&mut self.n_rows_of_resource);
        count_row(&mut self.n_rows_of_scope);
        true
    }

    /// Adds the columns to the table.
    pub(super) fn finish(self, received_at: i64, table: &mut Table) -> Result<(), ArrowError> {
        let n_rows = self.n_rows_of_resource.iter().sum();
        let entity_refs = self.entity_refs.iter().map(Option::as_deref);
        table.push("resource_entity_refs", optional_text(entity_refs, &self.n_rows_of_resource)?);
        for (idx, (column, _)) in PROMOTED.into_iter().enumerate() {
            let values = self.promoted.iter().map(|promoted| promoted[idx].as_deref());
            table.push(column, optional_text(values, &self.n_rows_of_resource)?);
        }
        push_resources(&self.resources, self.resource_attributes, &self.n_rows_of_resource, table)?;
        push_scopes(&self.scopes, self.scope_attributes, &self.n_rows_of_scope, table)?;
        table.push("received_at", table::times(std::iter::repeat_n(received_at, n_rows)));
        Ok(())
    }
}

/// One more row of the last owner.
pub(super) fn count_row(n_rows: &mut [usize]) {
    // Rows come after their owners.
    if let Some(n) = n_rows.last_mut() {
        *n += 1;
    }
}

fn push_resources(
    resources: &[(Resource<'_>, Text<'_>)],
    attributes: Attributes<'_>,
    n_rows: &[usize],
    table: &mut Table,
) -> Result<(), ArrowError> {
    let sent = resources.iter().map(|(resource, _)| resource.dropped_attributes_count);
    table.push("resource_dropped_attributes_count", repeated_dropped(sent, &attributes, n_rows));
    table.push("resource_schema_url", text(resources.iter().map(|(_, schema_url)| *schema_url), n_rows)?);
    let (map, types) = attributes.finish_repeated(n_rows)?;
    table.push("resource", map);
    table.push("resource_types", types);
    Ok(())
}

fn push_scopes(
    scopes: &[(Scope<'_>, Text<'_>)],
    attributes: Attributes<'_>,
    n_rows: &[usize],
    table: &mut Table,
) -> Result<(), ArrowError> {
    table.push("scope_name", text(scopes.iter().map(|(scope, _)| scope.name), n_rows)?);
    table.push("scope_version", text(scopes.iter().map(|(scope, _)| scope.version), n_rows)?);
    let sent = scopes.iter().map(|(scope, _)| scope.dropped_attributes_count);
    table.push("scope_dropped_attributes_count", repeated_dropped(sent, &attributes, n_rows));
    table.push("scope_schema_url", text(scopes.iter().map(|(_, schema_url)| *schema_url), n_rows)?);
    let (map, types) = attributes.finish_repeated(n_rows)?;
    table.push("scope", map);
    table.push("scope_types", types);
    Ok(())
}

/// A text for each owner, as often as it has rows.
pub(super) fn text<'a>(
    values: impl Iterator<Item = Text<'a>>,
    n_rows: &[usize],
) -> Result<ArrayRef, ArrowError> {
    let mut texts = Texts::new();
    values.for_each(|text| texts.push(text));
    Ok(Arc::new(texts.repeated(n_rows).finish()?))
}

fn optional_text<'a>(
    values: impl Iterator<Item = Option<&'a str>>,
    n_rows: &[usize],
) -> Result<ArrayRef, ArrowError> {
    let (mut texts, mut nulls) = (Texts::new(), NullBufferBuilder::new(n_rows.iter().sum()));
    for (value, n) in values.zip(n_rows) {
        texts.push(Text::of(value.unwrap_or("")));
        match value {
            Some(_) => nulls.append_n_non_nulls(*n),
            None => nulls.append_n_nulls(*n),
        }
    }
    Ok(Arc::new(texts.repeated(n_rows).finish_with(nulls.finish())?))
}

fn repeated_dropped(
    sent: impl Iterator<Item = u32>,
    attributes: &Attributes<'_>,
    n_rows: &[usize],
) -> ArrayRef {
    let dropped = sum_dropped(sent, attributes).zip(n_rows);
    let repeated = dropped.flat_map(|(n_dropped, n)| std::iter::repeat_n(n_dropped, *n));
    Arc::new(UInt32Array::from_iter_values(repeated))
}

/// Attributes that the sender dropped, and those that were left out here.
pub(super) fn dropped(sent: impl Iterator<Item = u32>, attributes: &Attributes<'_>) -> ArrayRef {
    Arc::new(UInt32Array::from_iter_values(sum_dropped(sent, attributes)))
}

fn sum_dropped(sent: impl Iterator<Item = u32>, attributes: &Attributes<'_>) -> impl Iterator<Item = u32> {
    let left_out = attributes.n_dropped().iter();
    sent.zip(left_out).map(|(sent, left_out)| sent.saturating_add(*left_out))
}

fn promoted<'a>(attributes: KeyValues<'a>, report: &mut Report) -> Promoted<'a> {
    let mut values = PROMOTED.map(|(_, keys)| find(attributes, keys, report));
    values[0].get_or_insert(UNKNOWN_SERVICE.into());
    values
}

/// The first of the keys that has a value, as text.
fn find<'a>(attributes: KeyValues<'a>, keys: &[&str], report: &mut Report) -> Option<Cow<'a, str>> {
    keys.iter().find_map(|key| {
        let mut attributes = attributes.into_iter();
        let value = attributes.find(|attribute| attribute.key.as_bytes() == key.as_bytes())?.value?;
        value::note_long_name(key, value, report);
        value::text(value)
    })
}
