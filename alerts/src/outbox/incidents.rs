//! Incidents in the state file: what an alert's move does to its incident, in the same transaction, and what is done
//! by hand.
//!
//! Rows are read and written again inside one transaction, so that nobody's change is lost. The one thing that is
//! decided outside is the number of a new incident, because the notifications name it: who gives out numbers holds a
//! [`Numbering`] from the question for the next one to the commit.

use super::incident_rows::IncidentFilter;
use super::member_rows::{Attention, Membership};
use super::{
    AlertRecord, Change, Delivery, Heard, Store, alert_rows, delivery_rows, incident_rows, ledger_rows,
    member_rows, triage_rows,
};
use crate::incident::{severity_of, title};
use crate::{
    Candidate, Entry, EntryKind, Error, IllegalMove, Incident, IncidentMove, IncidentStatus, Member, Muted,
    Origin, Phase, Placement, Stage,
};
use rusqlite::{Connection, Transaction};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;

/// Nobody else gives out numbers of incidents while it lives.
#[derive(Debug)]
pub struct Numbering {
    _turn: OwnedMutexGuard<()>,
}

/// What alerts that begin to fire find.
#[derive(Debug, Clone, Default)]
pub struct Ground {
    pub candidates: Vec<Candidate>,
    /// The number of the next incident.
    pub next: u32,
}

/// An alert that fires, with its place.
#[derive(Debug, Clone)]
pub struct Placing {
    pub placement: Placement,
    /// The service that a report about it names.
    pub suspect: Option<String>,
    /// Why nobody is told of it.
    pub withheld: Option<Muted>,
}

/// What an evaluation decided about incidents.
#[derive(Debug, Clone, Default)]
pub struct Placed {
    pub placings: Vec<Placing>,
    /// Where incidents likely come from, by number.
    pub origins: BTreeMap<u32, String>,
    /// Alerts of which somebody is told only now.
    pub released: Vec<String>,
}

/// An incident with what is shown of it in a list.
#[derive(Debug, Clone)]
pub struct IncidentLine {
    pub incident: Incident,
    /// In the order in which they joined.
    pub members: Vec<Member>,
    /// The alert of the newest report about one of them, and the short form of that.
    pub triage: Option<(String, String)>,
}

/// An incident with everything that is kept of it.
#[derive(Debug, Clone)]
pub struct IncidentFile {
    pub line: IncidentLine,
    /// Of each member.
    pub deliveries: Vec<Vec<Delivery>>,
    /// Oldest first; the newest where there are more than asked for.
    pub entries: Vec<Entry>,
}

/// What became of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    Done,
    NotFound,
    /// It is not in a state for that.
    Illegal(IllegalMove),
}

/// What became of the wish to move an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovedAlert {
    /// To that incident.
    Moved(u32),
    NotFound,
    /// The alert is none of the incident's.
    NotAMember,
    /// There is no incident of that number to move it to.
    NoTarget,
    /// It is there already.
    Same,
}

/// Who does something by hand, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hand {
    pub by: Option<String>,
    pub at: i64,
}

impl Store {
    /// Waits for the turn to give out numbers.
    pub async fn numbering(&self) -> Numbering {
        Numbering { _turn: Arc::clone(&self.numbers).lock_owned().await }
    }

    pub async fn ground(&self, now: i64) -> Result<Ground, Error> {
        self.writer
            .call(move |connection| {
                let candidates = member_rows::candidates(connection, now)?;
                Ok(Ground { candidates, next: incident_rows::next(connection)? })
            })
            .await
    }

    /// As `commit`, with what was decided about incidents.
    pub async fn commit_placed(
        &self,
        changes: Vec<Change>,
        placed: Placed,
        heard: Vec<Heard>,
        now: i64,
    ) -> Result<(), Error> {
        let is_empty = changes.is_empty() && heard.is_empty();
        if is_empty && placed.placings.is_empty() && placed.released.is_empty() {
            return Ok(());
        }
        self.writer
            .call(move |connection| {
                let transaction = connection.transaction().map_err(Error::sqlite("begin a change"))?;
                let ended = super::put_changes(&transaction, &changes, &heard, now)?;
                place(&transaction, &placed, now)?;
                for alert in ended {
                    follow(&transaction, alert, now)?;
                }
                transaction.commit().map_err(Error::sqlite("commit a change"))
            })
            .await
    }

    /// The incidents of these alerts; those without one are absent.
    pub async fn memberships(&self, alert_ids: Vec<String>) -> Result<BTreeMap<String, Membership>, Error> {
        self.writer
            .call(move |connection| {
                let mut found = BTreeMap::new();
                for id in alert_ids {
                    if let Some(membership) = member_rows::of_alert(connection, &id)? {
                        found.insert(id, membership);
                    }
                }
                Ok(found)
            })
            .await
    }

    /// Of every alert that fires and has an incident: whether somebody has still to be told.
    pub async fn attention(&self) -> Result<BTreeMap<String, Attention>, Error> {
        self.writer.call(|connection| member_rows::attention(connection)).await
    }

    /// Newest first.
    pub async fn incident_lines(&self, filter: IncidentFilter) -> Result<Vec<IncidentLine>, Error> {
        self.writer
            .call(move |connection| {
                let incidents = incident_rows::list(connection, &filter)?;
                incidents.into_iter().map(|incident| line(connection, incident)).collect()
            })
            .await
    }

    /// How many are open, and how many are acknowledged.
    pub async fn incident_counts(&self) -> Result<(u32, u32), Error> {
        self.writer.call(|connection| incident_rows::counts(connection)).await
    }

    /// With so many lines of its timeline.
    pub async fn incident(&self, number: u32, n_entries: u32) -> Result<Option<IncidentFile>, Error> {
        self.writer
            .call(move |connection| {
                let Some(incident) = incident_rows::one(connection, number)? else { return Ok(None) };
                let line = line(connection, incident)?;
                let of_member = |member: &Member| ledger_rows::of_alert(connection, &member.alert.id);
                let deliveries = line.members.iter().map(of_member).collect::<Result<_, _>>()?;
                let entries = incident_rows::entries(connection, number, n_entries)?;
                Ok(Some(IncidentFile { line, deliveries, entries }))
            })
            .await
    }

    /// Somebody looks after it, of which the receivers of its alerts are told; of alerts that are over by now nobody
    /// is. They become its owner where it has none.
    pub async fn acknowledge(&self, number: u32, told: Vec<Change>, hand: Hand) -> Result<Handled, Error> {
        self.handle(number, move |transaction, incident| {
            let by = hand.by.clone();
            if let Err(illegal) = step(incident, IncidentMove::Acknowledge { by: by.clone() }, hand.at) {
                return Ok(Handled::Illegal(illegal));
            }
            if incident.owner.is_none() {
                incident.owner = by;
            }
            add(transaction, number, &hand, EntryKind::Acknowledged, "somebody looks after it")?;
            for Change { alert, deliveries } in &told {
                let is_firing =
                    alert_rows::one(transaction, &alert.id)?.is_some_and(|alert| is_firing(&alert));
                for delivery in deliveries.iter().filter(|_| is_firing) {
                    delivery_rows::enqueue(transaction, alert, delivery, hand.at)?;
                }
            }
            Ok(Handled::Done)
        })
        .await
    }

    /// Somebody says that it is over, whatever its alerts do. None of them escalates any more.
    pub async fn resolve_incident(&self, number: u32, hand: Hand) -> Result<Handled, Error> {
        self.handle(number, move |transaction, incident| {
            if let Err(illegal) = step(incident, IncidentMove::Resolve, hand.at) {
                return Ok(Handled::Illegal(illegal));
            }
            add(transaction, number, &hand, EntryKind::Resolved, "somebody says that it is over")?;
            Ok(Handled::Done)
        })
        .await
    }

    /// Gives it another owner, or none.
    pub async fn assign(&self, number: u32, owner: Option<String>, hand: Hand) -> Result<Handled, Error> {
        self.handle(number, move |transaction, incident| {
            let text = match &owner {
                Some(owner) => format!("{owner} looks after it"),
                None => "nobody looks after it".to_owned(),
            };
            incident.owner = owner;
            add(transaction, number, &hand, EntryKind::Assigned, &text)?;
            Ok(Handled::Done)
        })
        .await
    }

    /// Keeps what somebody writes.
    pub async fn note(&self, number: u32, text: String, hand: Hand) -> Result<Handled, Error> {
        self.handle(number, move |transaction, _| {
            add(transaction, number, &hand, EntryKind::Note, &text)?;
            Ok(Handled::Done)
        })
        .await
    }

    /// Somebody says that an alert belongs to another incident, or to a new one.
    pub async fn move_alert(
        &self,
        (from, to): (u32, Option<u32>),
        alert_id: &str,
        hand: Hand,
    ) -> Result<MovedAlert, Error> {
        let _numbering = self.numbering().await;
        let alert_id = alert_id.to_owned();
        self.writer
            .call(move |connection| {
                let transaction = connection.transaction().map_err(Error::sqlite("begin a change"))?;
                let moved = move_alert(&transaction, (from, to), &alert_id, &hand)?;
                transaction.commit().map_err(Error::sqlite("commit a change"))?;
                Ok(moved)
            })
            .await
    }

    /// A report about an alert was made: what it says in a sentence, and the service that it names.
    pub async fn reported(
        &self,
        alert_id: &str,
        headline: String,
        suspect: Option<String>,
        at: i64,
    ) -> Result<(), Error> {
        let alert_id = alert_id.to_owned();
        self.writer
            .call(move |connection| {
                let transaction = connection.transaction().map_err(Error::sqlite("begin a change"))?;
                reported(&transaction, &alert_id, &headline, suspect, at)?;
                transaction.commit().map_err(Error::sqlite("commit a change"))
            })
            .await
    }

    /// Reads an incident, and writes it back as it then is, unless it was refused.
    async fn handle(
        &self,
        number: u32,
        change: impl FnOnce(&Transaction<'_>, &mut Incident) -> Result<Handled, Error> + Send + 'static,
    ) -> Result<Handled, Error> {
        self.writer
            .call(move |connection| {
                let transaction = connection.transaction().map_err(Error::sqlite("begin a change"))?;
                let Some(mut incident) = incident_rows::one(&transaction, number)? else {
                    return Ok(Handled::NotFound);
                };
                let handled = change(&transaction, &mut incident)?;
                if handled == Handled::Done {
                    incident_rows::put(&transaction, &incident)?;
                    transaction.commit().map_err(Error::sqlite("commit a change"))?;
                }
                Ok(handled)
            })
            .await
    }
}

/// An alert ended.
fn follow(transaction: &Transaction<'_>, alert: &AlertRecord, now: i64) -> Result<(), Error> {
    let Some(Membership { incident: number, .. }) = member_rows::of_alert(transaction, &alert.id)? else {
        return Ok(());
    };
    add_of(transaction, number, alert, EntryKind::AlertResolved, &alert.summary, now)?;
    settle(transaction, number, "all of its alerts ended", now)
}

/// An incident is over when all of its alerts are.
fn settle(transaction: &Transaction<'_>, number: u32, why: &str, now: i64) -> Result<(), Error> {
    let Some(mut incident) = incident_rows::one(transaction, number)? else { return Ok(()) };
    let members = member_rows::of_incident(transaction, number)?;
    if members.iter().any(Member::is_firing) || step(&mut incident, IncidentMove::Resolve, now).is_err() {
        return Ok(());
    }
    incident_rows::put(transaction, &incident)?;
    add(transaction, number, &nobody(now), EntryKind::Resolved, why)
}

fn place(transaction: &Transaction<'_>, placed: &Placed, now: i64) -> Result<(), Error> {
    let mut touched = BTreeSet::new();
    for placing in &placed.placings {
        let number = placing.placement.incident;
        if place_one(transaction, placing, placed.origins.get(&number), now)? {
            touched.insert(number);
        }
    }
    for number in touched {
        let origin = placed
            .origins
            .get(&number)
            .map(|service| Origin { service: service.clone(), is_reported: false });
        show(transaction, number, origin, now)?;
    }
    for alert_id in &placed.released {
        let Some(membership) = member_rows::of_alert(transaction, alert_id)? else { continue };
        member_rows::release(transaction, alert_id, now)?;
        let Some(alert) = alert_rows::one(transaction, alert_id)? else { continue };
        let text = "nothing mutes the alert any more";
        add_of(transaction, membership.incident, &alert, EntryKind::Unmuted, text, now)?;
    }
    Ok(())
}

/// False where the alert has a place already, or is none.
fn place_one(
    transaction: &Transaction<'_>,
    placing: &Placing,
    origin: Option<&String>,
    now: i64,
) -> Result<bool, Error> {
    let Placing { placement: Placement { alert_id, incident: number, reason }, suspect, withheld } = placing;
    let number = *number;
    let Some(alert) = alert_rows::one(transaction, alert_id)? else { return Ok(false) };
    if member_rows::of_alert(transaction, alert_id)?.is_some() {
        return Ok(false);
    }
    let mut incident = match incident_rows::one(transaction, number)? {
        Some(incident) => incident,
        None => open(transaction, number, &alert, origin.cloned(), &nobody(now))?,
    };
    if let Some(service) = suspect.clone().filter(|_| !incident.origin.is_reported) {
        incident.origin = Origin { service, is_reported: true };
    }
    let status = incident.stage.status();
    let is_worse = alert.severity < incident.severity;
    incident.severity = incident.severity.min(alert.severity);
    member_rows::insert(transaction, alert_id, number, (reason, withheld.as_ref()), now)?;
    add_of(transaction, number, &alert, EntryKind::AlertFired, &alert.summary, now)?;
    if let Some(muted) = withheld {
        add_of(transaction, number, &alert, EntryKind::Muted, &muted_text(muted), now)?;
    }
    match status {
        IncidentStatus::Resolved => reopen(transaction, &mut incident, "it fires again", now)?,
        IncidentStatus::Acknowledged if is_worse => {
            reopen(transaction, &mut incident, "a page joined what was acknowledged as a ticket", now)?;
        }
        _ => {}
    }
    incident_rows::put(transaction, &incident)?;
    Ok(true)
}

/// Writes a new incident, which its first alert has still to join.
fn open(
    transaction: &Transaction<'_>,
    number: u32,
    alert: &AlertRecord,
    origin: Option<String>,
    hand: &Hand,
) -> Result<Incident, Error> {
    let service = origin.unwrap_or_else(|| alert.service.clone());
    let incident = Incident {
        number,
        title: service.clone(),
        severity: alert.severity,
        origin: Origin { service, is_reported: false },
        stage: Stage::Open,
        owner: None,
        opened_at: alert.phase.firing_at().unwrap_or(hand.at),
        reopened_at: None,
        n_reopened: 0,
    };
    incident_rows::put(transaction, &incident)?;
    let entry = Entry {
        at: incident.opened_at,
        kind: EntryKind::Opened,
        text: format!("incident {number} opened"),
        by: hand.by.clone(),
        alert_id: Some(alert.id.clone()),
    };
    incident_rows::add_entry(transaction, number, &entry)?;
    Ok(incident)
}

fn reopen(transaction: &Transaction<'_>, incident: &mut Incident, why: &str, now: i64) -> Result<(), Error> {
    let was_over = incident.stage.status() == IncidentStatus::Resolved;
    if step(incident, IncidentMove::Reopen, now).is_err() {
        return Ok(());
    }
    incident.reopened_at = Some(now);
    incident.n_reopened += u32::from(was_over);
    member_rows::tell_anew(transaction, incident.number, now)?;
    add(transaction, incident.number, &nobody(now), EntryKind::Reopened, why)
}

/// Its title, its severity, and where it comes from, as its alerts have it now. What a report named stands.
fn show(transaction: &Transaction<'_>, number: u32, origin: Option<Origin>, now: i64) -> Result<(), Error> {
    let Some(mut incident) = incident_rows::one(transaction, number)? else { return Ok(()) };
    let members = member_rows::of_incident(transaction, number)?;
    let named = origin.filter(|origin| origin.is_reported || !incident.origin.is_reported);
    if let Some(origin) = named.filter(|origin| *origin != incident.origin) {
        if origin.service != incident.origin.service {
            let text =
                format!("it likely comes from {}, not from {}", origin.service, incident.origin.service);
            add(transaction, number, &nobody(now), EntryKind::Origin, &text)?;
        }
        incident.origin = origin;
    }
    incident.severity = severity_of(&members).unwrap_or(incident.severity);
    incident.title = title(&incident.origin.service, &members);
    incident_rows::put(transaction, &incident)
}

fn reported(
    transaction: &Transaction<'_>,
    alert_id: &str,
    headline: &str,
    suspect: Option<String>,
    at: i64,
) -> Result<(), Error> {
    let Some(Membership { incident: number, .. }) = member_rows::of_alert(transaction, alert_id)? else {
        return Ok(());
    };
    let Some(alert) = alert_rows::one(transaction, alert_id)? else { return Ok(()) };
    if incident_rows::last_report(transaction, number, alert_id)?.is_none_or(|last| last != headline) {
        add_of(transaction, number, &alert, EntryKind::Report, headline, at)?;
    }
    let Some(incident) = incident_rows::one(transaction, number)? else { return Ok(()) };
    // Reports about several alerts may differ: that of the first one has the last word.
    let members = member_rows::of_incident(transaction, number)?;
    let is_first = members.first().is_some_and(|first| first.alert.id == alert_id);
    let origin = suspect.filter(|_| is_first || !incident.origin.is_reported);
    show(transaction, number, origin.map(|service| Origin { service, is_reported: true }), at)
}

fn move_alert(
    transaction: &Transaction<'_>,
    (from, to): (u32, Option<u32>),
    alert_id: &str,
    hand: &Hand,
) -> Result<MovedAlert, Error> {
    if incident_rows::one(transaction, from)?.is_none() {
        return Ok(MovedAlert::NotFound);
    }
    let is_member = member_rows::of_alert(transaction, alert_id)?.is_some_and(|found| found.incident == from);
    let Some(alert) = alert_rows::one(transaction, alert_id)?.filter(|_| is_member) else {
        return Ok(MovedAlert::NotAMember);
    };
    let target = match to {
        Some(to) if to == from => return Ok(MovedAlert::Same),
        Some(to) => match incident_rows::one(transaction, to)? {
            Some(target) => target,
            None => return Ok(MovedAlert::NoTarget),
        },
        None => open(transaction, incident_rows::next(transaction)?, &alert, None, hand)?,
    };
    rehome(transaction, from, target, &alert, hand)
}

fn rehome(
    transaction: &Transaction<'_>,
    from: u32,
    mut target: Incident,
    alert: &AlertRecord,
    hand: &Hand,
) -> Result<MovedAlert, Error> {
    let (to, now) = (target.number, hand.at);
    member_rows::rehome(transaction, &alert.id, to, now)?;
    for (number, text) in [
        (from, format!("{} was moved to incident {to}", alert.slo_name)),
        (to, format!("{} was moved here from incident {from}", alert.slo_name)),
    ] {
        let entry = Entry {
            at: now,
            kind: EntryKind::AlertMoved,
            text,
            by: hand.by.clone(),
            alert_id: Some(alert.id.clone()),
        };
        incident_rows::add_entry(transaction, number, &entry)?;
    }
    if is_firing(alert) && target.stage.status() == IncidentStatus::Resolved {
        reopen(transaction, &mut target, "an alert that fires was moved here", now)?;
        incident_rows::put(transaction, &target)?;
    }
    for number in [from, to] {
        let origin = origin_left(transaction, number)?;
        show(transaction, number, origin, now)?;
        settle(transaction, number, "none of its alerts is left that fires", now)?;
    }
    Ok(MovedAlert::Moved(to))
}

/// Where an incident comes from if none of its alerts is of the service that calls were thought to lead to.
fn origin_left(transaction: &Transaction<'_>, number: u32) -> Result<Option<Origin>, Error> {
    let Some(incident) = incident_rows::one(transaction, number)? else { return Ok(None) };
    let members = member_rows::of_incident(transaction, number)?;
    let is_there = members.iter().any(|member| member.alert.service == incident.origin.service);
    let first = members.first().filter(|_| !is_there);
    Ok(first.map(|first| Origin { service: first.alert.service.clone(), is_reported: false }))
}

fn line(connection: &Connection, incident: Incident) -> Result<IncidentLine, Error> {
    let members = member_rows::of_incident(connection, incident.number)?;
    let triage = triage_rows::newest_of_incident(connection, incident.number)?;
    Ok(IncidentLine { incident, members, triage })
}

fn step(incident: &mut Incident, step: IncidentMove, now: i64) -> Result<(), IllegalMove> {
    incident.stage = incident.stage.after(step, now)?;
    Ok(())
}

fn is_firing(alert: &AlertRecord) -> bool {
    matches!(alert.phase, Phase::Firing { .. })
}

fn nobody(now: i64) -> Hand {
    Hand { by: None, at: now }
}

fn add(
    transaction: &Transaction<'_>,
    number: u32,
    hand: &Hand,
    kind: EntryKind,
    text: &str,
) -> Result<(), Error> {
    let entry = Entry { at: hand.at, kind, text: text.to_owned(), by: hand.by.clone(), alert_id: None };
    incident_rows::add_entry(transaction, number, &entry)
}

/// A line that is about an alert.
fn add_of(
    transaction: &Transaction<'_>,
    number: u32,
    alert: &AlertRecord,
    kind: EntryKind,
    text: &str,
    now: i64,
) -> Result<(), Error> {
    let entry = Entry { at: now, kind, text: text.to_owned(), by: None, alert_id: Some(alert.id.clone()) };
    incident_rows::add_entry(transaction, number, &entry)
}

fn muted_text(muted: &Muted) -> String {
    match muted {
        Muted::Silence(id) => format!("silence {id} mutes the alert"),
        Muted::Inhibited { .. } => "a page of the same objective fires, which mutes its ticket".to_owned(),
    }
}

#[cfg(test)]
mod tests;
