//! Markers of deployments: somebody says that a version of a service went out.
//!
//! A version that telemetry names for the first time is found without them; a marker says it to the second, and for
//! services that name no version.

use crate::ownership::{is_link, is_text};

/// Bytes of a service's name: what of one is kept of telemetry.
const SERVICE_BYTES_MAX: usize = 1_024;

/// One deployment. Service, version, environment and time tell it from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    pub service: String,
    pub version: String,
    /// Empty where none is named.
    pub environment: String,
    /// When it went out, in unix nanoseconds.
    pub at: i64,
    /// What to show beside the version.
    pub title: Option<String>,
    /// Where to read more.
    pub url: Option<String>,
    /// When it was told.
    pub posted_at: i64,
}

/// Why a marker was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeploymentError {
    #[error("service has 1 to 1024 bytes")]
    Service,

    #[error("{field} has 1 to 200 characters, none of them control characters")]
    Text { field: &'static str },

    #[error("url begins with http:// or https:// and names a host, without blanks and without a password")]
    Url,
}

impl Deployment {
    /// What the texts must be, before anything is kept.
    pub fn check(&self) -> Result<(), DeploymentError> {
        if !(1..=SERVICE_BYTES_MAX).contains(&self.service.len()) {
            return Err(DeploymentError::Service);
        }
        let environment = Some(&self.environment).filter(|text| !text.is_empty());
        let texts =
            [("version", Some(&self.version)), ("environment", environment), ("title", self.title.as_ref())];
        for (field, text) in texts {
            if text.is_some_and(|text| !is_text(text)) {
                return Err(DeploymentError::Text { field });
            }
        }
        match &self.url {
            Some(url) if !is_link(url) => Err(DeploymentError::Url),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a marker with one fault each.
    /// Guarantees: each is refused by name; without a fault, and without an environment, it passes.
    #[test]
    fn refusals_name_the_field() {
        let good = Deployment {
            service: "cart".to_owned(),
            version: "2.0".to_owned(),
            environment: String::new(),
            at: 1,
            title: None,
            url: Some("https://ci.example.com/17".to_owned()),
            posted_at: 2,
        };
        assert_eq!(good.check(), Ok(()));
        let service = Deployment { service: "x".repeat(1_025), ..good.clone() };
        assert_eq!(service.check(), Err(DeploymentError::Service));
        let version = Deployment { version: String::new(), ..good.clone() };
        assert_eq!(version.check(), Err(DeploymentError::Text { field: "version" }));
        let title = Deployment { title: Some("a\tb".to_owned()), ..good.clone() };
        assert_eq!(title.check(), Err(DeploymentError::Text { field: "title" }));
        let url = Deployment { url: Some("javascript:alert(1)".to_owned()), ..good };
        assert_eq!(url.check(), Err(DeploymentError::Url));
    }
}
