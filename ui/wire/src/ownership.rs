//! `/api/v1/services/{service}/ownership`: whose a service is.

use crate::UnixNanos;
use serde::{Deserialize, Serialize};

/// The body of `PUT`: what takes the place of everything said over the API before. At least one fact.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnershipFacts {
    /// A team or a person.
    pub owner: Option<String>,
    /// Where to reach them.
    pub contact: Option<String>,
    /// A link to the code.
    pub repository: Option<String>,
    /// How much depends on the service.
    pub tier: Option<String>,
    /// The name of a configured receiver, told of the service's objectives that name none.
    pub receiver: Option<String>,
    /// Links.
    #[serde(default)]
    pub playbooks: Vec<String>,
}

/// The answer to `GET` and `PUT`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ownership {
    pub owner: Option<String>,
    pub contact: Option<String>,
    pub repository: Option<String>,
    pub tier: Option<String>,
    pub receiver: Option<String>,
    pub playbooks: Vec<String>,
    /// `configuration` or `api`.
    pub source: String,
    /// True where facts were set over the API, too, and those of the configuration count.
    pub overrides_api: bool,
    /// When they were set over the API.
    pub updated_at: Option<UnixNanos>,
}
