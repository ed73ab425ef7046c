//! One objective under watch: its events, its judgement and its alerts.

use super::{
    board::SloStatus,
    hearing::Hearing,
    investigations::Firing,
    reading::Deadlines,
    schedule::{Depth, Schedule},
    slices::Slices,
    telemetry::Telemetry,
    track::{Step, Track},
};
use crate::causes::with_causes;
use crate::units::nanos;
use alerts::{AlertRecord, Heard, Judgement, Phase, Severity, Slo, Transition, Verdict, judge};
use std::{sync::Arc, time::Duration};
use storage::TimeRange;

/// The ring reaches this far beyond the end of the windows: the lag, which is at most some minutes.
const AHEAD: Duration = Duration::from_secs(3600);
/// An alert is worth sending without its examples. All alerts of an evaluation look for theirs at the same time,
/// so this is also the longest that one evaluation waits.
const EXEMPLARS_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Watcher {
    slo: Arc<Slo>,
    slices: Slices,
    schedule: Schedule,
    track: Track,
    /// Events came in since the last evaluation.
    is_fresh: bool,
    is_restored: bool,
    judged: Option<(i64, Judgement)>,
    /// The newest events could not be read.
    is_blind: bool,
    /// The configuration has it, so nobody changes it while this process runs.
    is_configured: bool,
}

impl Watcher {
    pub(super) fn new(slo: Slo, latest: &[AlertRecord]) -> Self {
        for note in slo.notes() {
            tracing::warn!(slo = slo.id(), note, "a tier of this objective is off");
        }
        Self {
            slices: Slices::new(slo.slice(), slo.period_max(), AHEAD),
            schedule: Schedule::default(),
            track: Track::restore(&slo, latest),
            is_fresh: false,
            is_restored: false,
            judged: None,
            is_blind: false,
            is_configured: true,
            slo: Arc::new(slo),
        }
    }

    /// As `new`, of an objective that came over the API.
    pub(super) fn kept(slo: Slo, latest: &[AlertRecord]) -> Self {
        Self { is_configured: false, ..Self::new(slo, latest) }
    }

    pub(super) fn is_configured(&self) -> bool {
        self.is_configured
    }

    pub(super) fn slo(&self) -> &Slo {
        &self.slo
    }

    pub(super) fn judgement(&self) -> Option<&Judgement> {
        self.judged.as_ref().map(|(_, judgement)| judgement)
    }

    /// Its alerts that fire, as they were last committed.
    pub(super) fn firing(&self) -> impl Iterator<Item = &AlertRecord> {
        self.track.firing()
    }

    pub(super) fn is_blind(&self) -> bool {
        self.is_blind
    }

    pub(super) fn status(&self) -> SloStatus {
        SloStatus {
            slo: Arc::clone(&self.slo),
            is_configured: self.is_configured,
            judged: self.judged.clone().map(|(end, judgement)| (end, self.as_of_now(judgement))),
            page: self.track.phase(Severity::Page),
            ticket: self.track.phase(Severity::Ticket),
        }
    }

    /// While events cannot be read no tier says anything, whatever it said last.
    fn as_of_now(&self, mut judgement: Judgement) -> Judgement {
        if self.is_blind {
            judgement.tiers.iter_mut().for_each(|tier| tier.verdict = Verdict::FrozenNoData);
        }
        judgement
    }

    /// Brings the slices up to `now`. After a failure, such as a missed deadline, the next call reads what this
    /// one did not.
    pub(super) async fn read(
        &mut self,
        telemetry: &dyn Telemetry,
        hearing: &Hearing,
        now: i64,
        deadlines: Deadlines,
    ) {
        self.slices.advance(now);
        if !std::mem::replace(&mut self.is_restored, true) {
            hearing.of(self.slo.service()).iter().for_each(|heard| self.hear(heard));
        }
        let mut depth = self.schedule.next(self.slo.period(), now);
        let mut read = self.read_by(deadlines, telemetry, depth, now).await;
        if read.is_err() && depth == Depth::Whole {
            self.schedule.failed(depth, now);
            depth = self.schedule.next(self.slo.period(), now);
            read = self.read_by(deadlines, telemetry, depth, now).await;
        }
        match read {
            Ok(has_more) => {
                // The first read finds what earlier processes received; only later ones find news.
                self.is_fresh |= has_more && self.schedule.has_read();
                self.schedule.done(depth, now);
                self.is_blind = false;
            }
            Err(error) => {
                tracing::warn!(slo = self.slo.id(), error = %with_causes(&error), "cannot read the objective's events");
                self.is_blind = true;
            }
        }
    }

    async fn read_by(
        &mut self,
        deadlines: Deadlines,
        telemetry: &dyn Telemetry,
        depth: Depth,
        now: i64,
    ) -> Result<bool, storage::Error> {
        let deadline = if depth == Depth::Whole { deadlines.whole } else { deadlines.any };
        let read = tokio::time::timeout_at(deadline, self.read_depth(telemetry, depth, now)).await;
        read.unwrap_or(Err(storage::Error::QueryTimeout))
    }

    async fn read_depth(
        &mut self,
        telemetry: &dyn Telemetry,
        depth: Depth,
        now: i64,
    ) -> Result<bool, storage::Error> {
        let from = match depth {
            Depth::Whole => now.saturating_sub(nanos(self.slo.period_max() + AHEAD)),
            Depth::Since(from) => from,
        };
        let width = nanos(self.slo.slice());
        let range = TimeRange { from: self.slices.floor(from), to: self.slices.floor(now) + width };
        let events = telemetry.events(&self.slo, range).await?;
        let has_more = self.slices.replace(range.from, range.to, &events.buckets);
        self.slices.doubt(&events.folded);
        Ok(has_more)
    }

    /// True once after events came in.
    pub(super) fn take_fresh(&mut self) -> bool {
        std::mem::take(&mut self.is_fresh)
    }

    pub(super) fn hear(&mut self, heard: &Heard) {
        self.slices.hear(heard.from_at, heard.to_at);
    }

    /// Judges the windows that end at `end`; none while the newest events could not be read, because
    /// an old judgement must not move an alert.
    pub(super) fn judge(&mut self, end: i64, heard_first_at: Option<i64>) -> Option<Judgement> {
        if self.is_blind {
            return None;
        }
        let first_at = [heard_first_at, self.slices.first_event_at()].into_iter().flatten().min();
        let judgement = judge(&self.slo, end, |window| self.slices.count(end, window, first_at));
        self.judged = Some((self.slices.floor(end), judgement.clone()));
        Some(judgement)
    }

    pub(super) fn steps(&self, judgement: &Judgement, now: i64) -> Vec<Step> {
        self.track.steps(&self.slo, judgement, now)
    }

    /// Its alerts that fire, if any do.
    pub(super) fn burning(&self) -> Option<Firing> {
        let alerts = self.fired();
        (!alerts.is_empty()).then(|| Firing { slo: Arc::clone(&self.slo), alerts })
    }

    /// What fires with these steps, if one of them begins to.
    pub(super) fn begins(&self, steps: &[Step]) -> Option<Firing> {
        let begins = steps.iter().filter(|step| step.transition == Some(Transition::Firing));
        let mut alerts: Vec<_> = begins.map(|step| (step.record.id.clone(), step.record.phase)).collect();
        if alerts.is_empty() {
            return None;
        }
        alerts.extend(self.fired());
        Some(Firing { slo: Arc::clone(&self.slo), alerts })
    }

    fn fired(&self) -> Vec<(String, Phase)> {
        self.firing().map(|record| (record.id.clone(), record.phase)).collect()
    }

    /// A step was committed.
    pub(super) fn moved(&mut self, record: AlertRecord) {
        self.track.moved(record);
    }

    /// Some bad traces of the window that burns; none if they cannot be found quickly.
    pub(super) async fn exemplars(&self, telemetry: &dyn Telemetry, severity: Severity) -> Vec<String> {
        let Some((end, judgement)) = &self.judged else { return Vec::new() };
        let Some(worst) = judgement.worst(severity).filter(|worst| worst.verdict == Verdict::Burning) else {
            return Vec::new();
        };
        let range = TimeRange { from: end.saturating_sub(nanos(worst.tier.short)), to: *end };
        let found = tokio::time::timeout(EXEMPLARS_TIMEOUT, telemetry.exemplars(&self.slo, range)).await;
        match found {
            Ok(Ok(traces)) => traces,
            Ok(Err(error)) => {
                tracing::warn!(slo = self.slo.id(), error = %with_causes(&error), "cannot find example traces");
                Vec::new()
            }
            Err(_) => {
                tracing::warn!(slo = self.slo.id(), "example traces were not found in time");
                Vec::new()
            }
        }
    }
}
