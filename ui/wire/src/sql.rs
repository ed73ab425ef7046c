//! `POST /api/v1/sql`: read-only SQL over every table.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlRequest {
    pub sql: String,
}

/// The JSON answer; CSV and Arrow streams come by the `Accept` header.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SqlAnswer {
    pub columns: Vec<SqlColumn>,
    /// One array a row, values in the order of `columns`. 64-bit integers are numbers, times are
    /// RFC 3339 text, binary values are lower-case hex.
    pub rows: Vec<Vec<serde_json::Value>>,
    /// True when the row limit cut the answer.
    pub truncated: bool,
    pub elapsed_ms: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlColumn {
    pub name: String,
    /// Arrow's name of the type.
    #[serde(rename = "type")]
    pub data_type: String,
}
