//! `/api/v1/slos` and `/api/v1/slos/{id}`: objectives, budgets, burn rates, and what defines them; and what would be one:
//! back-tests and proposals.

use crate::{AlertRow, AlertState, UnixNanos};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SloList {
    pub now: UnixNanos,
    pub slos: Vec<SloRow>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SloRow {
    pub id: String,
    pub name: String,
    pub service: String,
    pub operation: Option<String>,
    /// `availability`, `latency` or `ratio`.
    pub indicator: String,
    /// Latency only: the bound in nanoseconds.
    pub threshold_ns: Option<i64>,
    /// The objective as one English sentence.
    pub sentence: String,
    /// Share of good events asked for, between 0 and 1.
    pub target: f64,
    pub period_s: u64,
    pub n_good: u64,
    pub n_total: u64,
    /// `n_good / n_total` over the period; absent without events.
    pub compliance: Option<f64>,
    /// Share of the period's error budget that is left; negative when overspent.
    pub budget_remaining: Option<f64>,
    /// Share of the period that was measured, between 0 and 1.
    pub coverage: f64,
    /// Seconds until the budget is gone at the rate of the first tier's long window.
    pub exhaustion_s: Option<f64>,
    pub state: AlertState,
    /// Of the configuration or its files: it cannot be changed over the API.
    pub is_configured: bool,
    pub tiers: Vec<BurnTier>,
}

/// One pair of windows; it fires when both burn above the threshold.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BurnTier {
    /// 1 to 4.
    pub tier: u32,
    /// `page` or `ticket`.
    pub severity: String,
    pub long_s: u64,
    pub short_s: u64,
    /// Multiple of the budget's even spending rate.
    pub threshold: f64,
    pub burn_long: Option<f64>,
    pub burn_short: Option<f64>,
    pub coverage_long: f64,
    /// `ok`, `burning`, `held_low_traffic` or `frozen_no_data`.
    pub verdict: String,
    /// Why it is held or frozen: "7 of the 10 events that it takes".
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SloDetail {
    pub slo: SloRow,
    pub from: UnixNanos,
    pub to: UnixNanos,
    pub step_s: u32,
    pub points: Vec<SliPoint>,
    /// The period that is judged now, and its end, which is to come where the calendar says so.
    pub period_from: UnixNanos,
    pub period_to: UnixNanos,
    /// What was left of the period's budget, over the period.
    pub burndown: Vec<BurndownPoint>,
    /// Newest first.
    pub alerts: Vec<AlertRow>,
    pub sql: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BurndownPoint {
    pub at: UnixNanos,
    /// Share of the budget; negative when overspent, absent without events.
    pub remaining: Option<f64>,
}

/// `POST /api/v1/slos/backtest`: an objective that is there, by its id, or one that need not be saved, as keys of the
/// configuration or as OpenSLO. `POST /api/v1/slos` and `PUT /api/v1/slos/{id}` take the same and keep it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BacktestRequest {
    #[serde(default)]
    pub slo: Option<String>,
    /// The keys of `[[slos]]`.
    #[serde(default)]
    pub objective: Option<Map<String, Value>>,
    #[serde(default)]
    pub openslo: Option<String>,
    /// Moments as in queries; the last seven days where they are absent.
    #[serde(default)]
    pub from: Option<String>,
    #[serde(default)]
    pub to: Option<String>,
}

/// `GET /api/v1/slos/{id}/definition`: what keeps the objective as it is when it is sent with `PUT`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SloDefinition {
    pub is_configured: bool,
    /// Either this, the keys of `[[slos]]`, or OpenSLO.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openslo: Option<String>,
    /// Absent where the configuration has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<UnixNanos>,
}

/// The answer to `POST /api/v1/slos` and `PUT /api/v1/slos/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SavedSlo {
    pub id: String,
    pub name: String,
    pub sentence: String,
    /// Tiers that this target cannot reach, with their arithmetic.
    pub notes: Vec<String>,
    /// What was read, and may not mean what was meant.
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BacktestList {
    pub backtests: Vec<BacktestRow>,
    /// What was read, and may not mean what was meant.
    pub warnings: Vec<String>,
}

/// What the alerts of one objective would have done.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BacktestRow {
    pub id: String,
    pub name: String,
    pub sentence: String,
    pub from: UnixNanos,
    pub to: UnixNanos,
    /// Seconds between evaluations.
    pub step_s: u32,
    pub n_good: u64,
    pub n_total: u64,
    pub compliance: Option<f64>,
    /// Share of the time that was measured, between 0 and 1.
    pub coverage: f64,
    /// Share of a period's budget that was spent.
    pub budget_spent: Option<f64>,
    pub pages_per_week: f64,
    pub tickets_per_week: f64,
    /// Alerts that calmed down before they fired.
    pub n_cancelled: u32,
    /// In order of firing.
    pub episodes: Vec<EpisodeRow>,
    pub burndown: Vec<BurndownPoint>,
    /// Tiers that this target cannot reach, with their arithmetic.
    pub notes: Vec<String>,
    pub sql: String,
}

/// An alert from its firing to its end.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EpisodeRow {
    /// `page` or `ticket`.
    pub severity: String,
    pub tier: u32,
    pub onset_at: UnixNanos,
    pub firing_at: UnixNanos,
    /// Absent where it was firing still.
    pub resolved_at: Option<UnixNanos>,
    /// Seconds from onset to firing.
    pub detection_s: f64,
    pub burn_long: Option<f64>,
    /// Share of the period's budget that was gone between onset and firing.
    pub budget_spent: Option<f64>,
}

/// `GET /api/v1/slos/proposals`: objectives that the history of services supports.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ProposalList {
    pub from: UnixNanos,
    pub to: UnixNanos,
    pub proposals: Vec<ProposalRow>,
    /// Services of which too little is known, and what is lacking.
    pub skipped: Vec<SkippedService>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ProposalRow {
    pub id: String,
    pub service: String,
    pub indicator: String,
    /// Of a latency: "300ms".
    pub threshold: Option<String>,
    /// A percentage, with as many digits as it needs.
    pub target: String,
    pub period: String,
    pub sentence: String,
    /// What the history was, and how much of the budget it would have spent.
    pub reason: String,
    /// There is an objective of this service and kind already.
    pub is_configured: bool,
    /// To be pasted into the configuration file.
    pub toml: String,
    /// To be sent to `POST /api/v1/slos`, or saved as a file that `slo_files` names.
    pub openslo: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SkippedService {
    pub service: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SliPoint {
    pub at: UnixNanos,
    pub n_good: u64,
    pub n_total: u64,
}
