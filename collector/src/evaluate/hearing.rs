//! Since when, and with which gaps, a service has been heard from by any signal.
//!
//! This is what tells "no traffic" from "no data". Metrics are exported once a minute by default, so a
//! silence of up to `BRIDGE` between two signs of life is no gap; one across a restart of this process
//! is, because what was sent then may be lost.

use crate::units::nanos;
use alerts::Heard;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Two and a half times the usual export interval of metrics: one export may fail.
const BRIDGE: Duration = Duration::from_secs(150);

#[derive(Debug)]
pub(super) struct Hearing {
    bridge: Duration,
    services: BTreeMap<String, Vec<Heard>>,
    /// Services whose last interval began in this process, and may be extended.
    open: BTreeSet<String>,
}

impl Hearing {
    /// Who listens only every `interval` must not take that for silence.
    pub(super) fn new(interval: Duration) -> Self {
        Self { bridge: BRIDGE.max(interval * 2), services: BTreeMap::new(), open: BTreeSet::new() }
    }

    /// Takes over what an earlier process heard, oldest first.
    pub(super) fn restore(&mut self, service: &str, heard: Vec<Heard>) {
        self.services.insert(service.to_owned(), heard);
    }

    /// All intervals of a service, oldest first.
    pub(super) fn of(&self, service: &str) -> &[Heard] {
        self.services.get(service).map_or(&[], Vec::as_slice)
    }

    /// When a service was first heard.
    pub(super) fn first_at(&self, service: &str) -> Option<i64> {
        self.of(service).first().map(|heard| heard.from_at)
    }

    /// These services were heard now: the intervals that begin or grow.
    pub(super) fn hear(&mut self, services: BTreeSet<String>, now: i64) -> Vec<Heard> {
        services.into_iter().map(|service| self.hear_one(service, now)).collect()
    }

    fn hear_one(&mut self, service: String, now: i64) -> Heard {
        let is_new = self.open.insert(service.clone());
        let intervals = self.services.entry(service.clone()).or_default();
        match intervals.last_mut() {
            Some(last) if !is_new && now.saturating_sub(last.to_at) <= nanos(self.bridge) => {
                last.to_at = last.to_at.max(now);
                last.clone()
            }
            _ => {
                let heard = Heard { service, from_at: now, to_at: now };
                intervals.push(heard.clone());
                heard
            }
        }
    }
}

#[cfg(test)]
mod tests;
