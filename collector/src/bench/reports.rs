//! Triage over an engine, without a socket: what `POST /api/v1/triage` does.

use crate::api::triage_report;
use crate::triage::{Asked, History, Lane, investigate};
use bytes::Bytes;
use storage::{Engine, TimeRange};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Asks one question at a time.
#[derive(Debug, Clone)]
pub struct Reports {
    engine: Engine,
    lane: Lane,
}

impl Reports {
    pub fn of(engine: Engine) -> Self {
        Self { engine, lane: Lane::new() }
    }

    /// The report about a window of which a service complains, and the document that would be sent.
    pub async fn ask(
        &self,
        window: TimeRange,
        baselines: Vec<TimeRange>,
        service: &str,
    ) -> Result<(wire::TriageReport, Bytes), Cause> {
        let asked = Asked {
            window,
            baselines,
            asked_at: window.to,
            service: Some(service.to_owned()),
            operation: None,
            symptom: None,
            threshold_ns: None,
        };
        let answer = investigate(&self.engine, &self.lane, asked, &History::default()).await?;
        let report = triage_report(answer);
        let document = serde_json::to_vec(&report)?;
        Ok((report, document.into()))
    }
}
