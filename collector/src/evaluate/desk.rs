//! What people do with incidents and silences, by way of the API.

use super::board::{Board, SloStatus};
use super::notice;
use alerts::{
    AlertRecord, Change, Error, Expired, Hand, Handled, Identity, IncidentFile, IncidentFilter, IncidentLine,
    Membership, MovedAlert, Muted, Receiver, Severity, Silence, StoredSilence, muted,
};
use std::{collections::BTreeMap, sync::Arc};

/// Lines of a timeline that are shown.
const ENTRIES_SHOWN: u32 = 1_000;

/// Silences at one moment, and what has to be known to see whom they mute.
#[derive(Debug, Clone)]
pub(crate) struct Muting {
    pub(crate) silences: Vec<StoredSilence>,
    slos: Arc<[SloStatus]>,
    now: i64,
}

impl Muting {
    /// The silence that mutes an alert.
    pub(crate) fn silence_of(&self, alert: &AlertRecord) -> Option<u32> {
        let labels = self.identity(alert);
        match muted(alert, labels.labels(), &self.silences, None::<&AlertRecord>, self.now)? {
            Muted::Silence(id) => Some(id),
            Muted::Inhibited { .. } => None,
        }
    }

    /// The labels of an alert.
    pub(crate) fn identity(&self, alert: &AlertRecord) -> Identity {
        match self.slos.iter().find(|status| status.slo.id() == alert.slo_id) {
            Some(status) => Identity::new(&status.slo, alert.severity),
            None => Identity::of_orphan(alert),
        }
    }

    /// Objectives of which a silence matches alerts, with the severities of these.
    pub(crate) fn matched(&self, silence: &Silence) -> Vec<(SloStatus, Vec<Severity>)> {
        let of_slo = |status: &SloStatus| {
            let matches =
                |severity: &Severity| silence.matches(Identity::new(&status.slo, *severity).labels());
            let severities: Vec<Severity> = Severity::ALL.into_iter().filter(matches).collect();
            (!severities.is_empty()).then(|| (status.clone(), severities))
        };
        self.slos.iter().filter_map(of_slo).collect()
    }
}

impl Board {
    /// Newest first.
    pub(crate) async fn incident_lines(&self, filter: IncidentFilter) -> Result<Vec<IncidentLine>, Error> {
        self.store.incident_lines(filter).await
    }

    /// How many are open, and how many are acknowledged.
    pub(crate) async fn incident_counts(&self) -> Result<(u32, u32), Error> {
        self.store.incident_counts().await
    }

    /// With the newest lines of its timeline.
    pub(crate) async fn incident(&self, number: u32) -> Result<Option<IncidentFile>, Error> {
        self.store.incident(number, ENTRIES_SHOWN).await
    }

    /// The incidents of these alerts.
    pub(crate) async fn memberships(
        &self,
        alert_ids: Vec<String>,
    ) -> Result<BTreeMap<String, Membership>, Error> {
        self.store.memberships(alert_ids).await
    }

    /// Somebody looks after an incident, of which those are told who heard of its alerts; and how many notifications
    /// that is.
    pub(crate) async fn acknowledge(&self, number: u32, hand: Hand) -> Result<(Handled, usize), Error> {
        let Some(file) = self.store.incident(number, 0).await? else { return Ok((Handled::NotFound, 0)) };
        let known = self.couriers.iter().map(|(name, courier)| (name.clone(), courier.receiver().clone()));
        let receivers: BTreeMap<String, Receiver> = known.collect();
        let mut told = Vec::new();
        for member in file.line.members.iter().filter(|member| member.is_firing()) {
            told.extend(self.acknowledgement(&member.alert, number, &receivers, &hand).await?);
        }
        let n_told: usize = told.iter().map(|change: &Change| change.deliveries.len()).sum();
        let handled = self.store.acknowledge(number, told, hand).await?;
        self.wake();
        Ok((handled, if handled == Handled::Done { n_told } else { 0 }))
    }

    /// What those are told who heard of an alert; nothing where its objective is no longer configured.
    async fn acknowledgement(
        &self,
        alert: &AlertRecord,
        incident: u32,
        receivers: &BTreeMap<String, Receiver>,
        hand: &Hand,
    ) -> Result<Option<Change>, Error> {
        let Some(status) = self.slo(&alert.slo_id) else { return Ok(None) };
        let told = self.store.told(&alert.id).await?;
        let owned = self.owners().of(&alert.service).await?;
        let stored = self.store.triage(&alert.id).await?;
        let triage = stored.and_then(|stored| serde_json::from_str(&stored.summary).ok());
        let context = notice::Context {
            slo: &status.slo,
            judgement: status.judged.as_ref().map(|(_, judgement)| judgement),
            ownership: owned.as_ref().map(|owned| &owned.ownership),
            receivers,
            external_url: &self.external_url,
            exemplars: &[],
            triage: triage.as_ref(),
            incident: Some(incident),
            now: hand.at,
        };
        Ok(Some(notice::acknowledged(&context, alert, &told, hand.by.as_deref())))
    }

    /// Somebody says that an incident is over.
    pub(crate) async fn resolve_incident(&self, number: u32, hand: Hand) -> Result<Handled, Error> {
        self.store.resolve_incident(number, hand).await
    }

    /// Gives an incident another owner, or none.
    pub(crate) async fn assign(
        &self,
        number: u32,
        owner: Option<String>,
        hand: Hand,
    ) -> Result<Handled, Error> {
        self.store.assign(number, owner, hand).await
    }

    /// Keeps what somebody writes about an incident.
    pub(crate) async fn note(&self, number: u32, text: String, hand: Hand) -> Result<Handled, Error> {
        self.store.note(number, text, hand).await
    }

    /// Somebody says that an alert belongs to another incident, or to a new one.
    pub(crate) async fn move_alert(
        &self,
        from_to: (u32, Option<u32>),
        alert_id: &str,
        hand: Hand,
    ) -> Result<MovedAlert, Error> {
        self.store.move_alert(from_to, alert_id, hand).await
    }

    /// What silences mute now.
    pub(crate) async fn muting(&self, now: i64) -> Result<Muting, Error> {
        Ok(Muting { silences: self.store.silences_left(now).await?, slos: self.slos(), now })
    }

    /// Newest first, those that are not over before the others.
    pub(crate) async fn silences(&self, now: i64, limit: u32) -> Result<Vec<StoredSilence>, Error> {
        self.store.silences(now, limit).await
    }

    /// Keeps a silence; none where too many are not over.
    pub(crate) async fn put_silence(
        &self,
        silence: Silence,
        now: i64,
    ) -> Result<Option<StoredSilence>, Error> {
        self.store.put_silence(silence, now).await
    }

    /// Ends a silence at once. Who is muted by it is told by the next evaluation.
    pub(crate) async fn expire_silence(&self, id: u32, hand: Hand) -> Result<Expired, Error> {
        self.store.expire_silence(id, hand).await
    }
}
