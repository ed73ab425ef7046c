//! Attributes with their OTLP types.

use serde::{Deserialize, Serialize};

/// One attribute, in the order in which the exporter sent it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Attribute {
    pub key: String,
    #[serde(rename = "type")]
    pub value_type: AttributeType,
    /// The value as text: strings as they are, numbers in decimal, arrays, maps and bytes as OTLP/JSON.
    pub value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributeType {
    String,
    Int,
    Double,
    Bool,
    Bytes,
    Array,
    Map,
    /// An attribute without a value.
    #[default]
    Empty,
}
