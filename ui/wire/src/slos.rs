//! `GET /api/v1/slos` and `/api/v1/slos/{id}`: objectives, budgets, burn rates.

use crate::{AlertRow, AlertState, UnixNanos};
use serde::{Deserialize, Serialize};

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
    /// `availability` or `latency`.
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
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SloDetail {
    pub slo: SloRow,
    pub from: UnixNanos,
    pub to: UnixNanos,
    pub step_s: u32,
    pub points: Vec<SliPoint>,
    /// Newest first.
    pub alerts: Vec<AlertRow>,
    pub sql: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SliPoint {
    pub at: UnixNanos,
    pub n_good: u64,
    pub n_total: u64,
}
