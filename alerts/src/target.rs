//! Shares as exact decimals.
//!
//! Binary fractions would make the budget of 99.9 % come out as 0.00099999999999989; parts per billion keep it at
//! 0.001 and let thresholds be compared exactly.

use crate::SloError;
use std::fmt;

/// Parts in one whole; targets are exact to seven decimals of a percent.
pub(crate) const PARTS: u32 = 1_000_000_000;
/// Decimal places of a percentage that `PARTS` can hold: 10^7 parts are one percent.
const PERCENT_DECIMALS: usize = 7;

/// The share of events that must be good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    parts: u32,
}

impl Target {
    /// From a percentage such as `99.9`. The shortest decimal spelling of the number counts.
    pub(crate) fn from_percent(percent: f64) -> Result<Self, SloError> {
        let parts = parts_of_percent(percent)?;
        if parts == 0 || parts >= PARTS {
            return Err(SloError::Target { percent: percent.to_string() });
        }
        Ok(Self { parts })
    }

    /// Parts per billion that may be bad: `budget = 1 - target`.
    pub(crate) fn budget_parts(self) -> u32 {
        PARTS - self.parts
    }

    pub fn share(self) -> f64 {
        f64::from(self.parts) / f64::from(PARTS)
    }

    pub fn budget(self) -> f64 {
        f64::from(self.budget_parts()) / f64::from(PARTS)
    }

    /// The share with all its digits and no others: `0.999`.
    pub fn share_decimal(self) -> String {
        decimal(self.parts)
    }

    /// The budget with all its digits and no others: `0.001`.
    pub fn budget_decimal(self) -> String {
        decimal(self.budget_parts())
    }

    /// The percentage with as many digits as it needs, for files: `99.9`.
    pub fn percent_decimal(self) -> String {
        percent_text(self.parts)
    }

    pub(crate) fn text_of(parts: u32) -> String {
        format!("{} %", percent_text(parts))
    }

    pub(crate) fn decimal_of(parts: u32) -> String {
        decimal(parts)
    }
}

/// The percentage with as many digits as it needs: `99.9 %`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Self::text_of(self.parts))
    }
}

/// Parts per billion of a percentage from 0 to 100.
pub(crate) fn parts_of_percent(percent: f64) -> Result<u32, SloError> {
    let refuse = || SloError::Target { percent: percent.to_string() };
    if !(0.0..=100.0).contains(&percent) {
        return Err(refuse());
    }
    let text = percent.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    if fraction.len() > PERCENT_DECIMALS {
        return Err(SloError::TargetDigits { percent: text });
    }
    let digits = format!("{whole}{fraction:0<PERCENT_DECIMALS$}");
    digits.parse::<u32>().map_err(|_| refuse())
}

fn percent_text(parts: u32) -> String {
    let (whole, rest) = (parts / (PARTS / 100), parts % (PARTS / 100));
    let rest = format!("{rest:07}");
    match rest.trim_end_matches('0') {
        "" => whole.to_string(),
        digits => format!("{whole}.{digits}"),
    }
}

fn decimal(parts: u32) -> String {
    let (whole, rest) = (parts / PARTS, parts % PARTS);
    let rest = format!("{rest:09}");
    match rest.trim_end_matches('0') {
        "" => whole.to_string(),
        digits => format!("{whole}.{digits}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: targets whose budgets have no exact binary fraction.
    /// Guarantees: share, budget and percentage are written with all their digits, and no others.
    #[test]
    fn decimals_are_exact() {
        for (percent, share, budget, text) in [
            (99.9, "0.999", "0.001", "99.9"),
            (99.99, "0.9999", "0.0001", "99.99"),
            (95.0, "0.95", "0.05", "95"),
            (99.9999999, "0.999999999", "0.000000001", "99.9999999"),
            (0.5, "0.005", "0.995", "0.5"),
        ] {
            let target = Target::from_percent(percent).unwrap();
            assert_eq!(target.share_decimal(), share);
            assert_eq!(target.budget_decimal(), budget);
            assert_eq!(target.percent_decimal(), text);
        }
    }
}
