//! Whose items these are: resources, and scopes below them.

use super::Error;
use super::attributes::attributes;
use super::cells::Cells;
use super::grouped::{Grouped, Object, put};
use serde_json::{Value, json};

/// Items of one kind by resource and scope.
pub(super) type Owned<T> = Grouped<Grouped<T>>;

/// The group that a row belongs to.
pub(super) fn owner<'a, T: Default>(
    owned: &'a mut Owned<T>,
    cells: Cells<'_>,
    row: usize,
) -> Result<&'a mut T, Error> {
    Ok(owned.entry(resource(cells, row)?).entry(scope(cells, row)?))
}

fn resource(cells: Cells<'_>, row: usize) -> Result<Object, Error> {
    let mut resource = Object::new();
    put(&mut resource, "attributes", attributes(cells, "resource", row)?);
    let n_dropped = cells.uint32("resource_dropped_attributes_count", row)?;
    put(&mut resource, "droppedAttributesCount", json!(n_dropped));
    let references = cells.newer_text("resource_entity_refs", row)?;
    put(&mut resource, "entityRefs", serde_json::from_str(references).unwrap_or_default());
    let mut head = Object::new();
    put(&mut head, "resource", Value::Object(resource));
    put(&mut head, "schemaUrl", json!(cells.text("resource_schema_url", row)?));
    Ok(head)
}

fn scope(cells: Cells<'_>, row: usize) -> Result<Object, Error> {
    let mut scope = Object::new();
    put(&mut scope, "name", json!(cells.text("scope_name", row)?));
    put(&mut scope, "version", json!(cells.text("scope_version", row)?));
    put(&mut scope, "attributes", attributes(cells, "scope", row)?);
    put(&mut scope, "droppedAttributesCount", json!(cells.uint32("scope_dropped_attributes_count", row)?));
    let mut head = Object::new();
    put(&mut head, "scope", Value::Object(scope));
    put(&mut head, "schemaUrl", json!(cells.text("scope_schema_url", row)?));
    Ok(head)
}
