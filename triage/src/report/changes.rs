//! Releases, restarts, traffic and markers near the onset.

use super::sentences::beside_onset;
use super::words::{percent, shortened};
use super::{Change, ChangeKind, Onset, Question};
use crate::changes::{self, ChangeKind as What, ChangeReach, Marker};
use crate::tables::Tables;

/// Changes of one report.
const CHANGES_MAX: usize = 20;
/// A change this long before the onset may have caused it.
const NEAR_NS: i64 = 10 * 60 * 1_000_000_000;
const NAME_CHARS_MAX: usize = 80;

/// The nearest to the onset first, those before it before those after it; around the window's beginning where there is no
/// onset.
pub(super) fn changes(question: &Question<'_>, tables: &Tables, onset: Option<Onset>) -> Vec<Change> {
    let onset_ns = onset.map_or(question.window().from_ns, |onset| onset.at_ns);
    let markers: Vec<Marker> = question
        .releases
        .iter()
        .map(|release| Marker {
            at_ns: release.at_ns,
            service: release.service.clone(),
            text: match &release.title {
                Some(title) => format!("{} ({title})", release.version),
                None => release.version.clone(),
            },
        })
        .collect();
    let reach = ChangeReach { n_max: CHANGES_MAX, ..ChangeReach::default() };
    let found =
        changes::changes(&question.input, &tables.traces, &tables.strings, onset_ns, &markers, &reach);
    let mut told: Vec<Change> = found.iter().map(|change| one(question, change, onset)).collect();
    // A release is known from spans and from the catalogue: the one with more to say stands.
    let releases: Vec<(String, String)> = found.iter().filter_map(release_of).collect();
    let mut at = 0;
    told.retain(|_| {
        let change = &found[at];
        at += 1;
        match &change.what {
            What::Marked { text } => {
                let is_marker = is_posted(question, change.at_ns, &change.service);
                is_marker
                    || !releases
                        .iter()
                        .any(|(service, version)| *service == change.service && version == text)
            }
            _ => true,
        }
    });
    told
}

fn release_of(change: &changes::Change) -> Option<(String, String)> {
    match &change.what {
        What::Release { to, .. } => Some((change.service.clone(), to.clone())),
        _ => None,
    }
}

/// Somebody said so, it was not only seen.
fn is_posted(question: &Question<'_>, at_ns: i64, service: &str) -> bool {
    let of_it = |release: &&super::Release| release.at_ns == at_ns && release.service == service;
    question.releases.iter().find(of_it).is_some_and(|release| release.is_marker)
}

fn one(question: &Question<'_>, change: &changes::Change, onset: Option<Onset>) -> Change {
    let short = |text: &str| shortened(text, NAME_CHARS_MAX);
    let service = short(&change.service);
    let when = beside_onset(change.at_ns, onset);
    let (kind, sentence) = match &change.what {
        What::Release { from, to, share } => (
            ChangeKind::Release,
            format!(
                "{service} was released from {} to {}, {} of its spans in the window{when}.",
                short(from),
                short(to),
                percent(*share)
            ),
        ),
        What::Started { instance, instead_of: Some(other) } => (
            ChangeKind::Restart,
            format!("{} of {service} took the place of {}{when}.", short(instance), short(other)),
        ),
        What::Started { instance, instead_of: None } => {
            (ChangeKind::Restart, format!("{} of {service} started{when}.", short(instance)))
        }
        What::Stopped { instance } => {
            (ChangeKind::Restart, format!("{} of {service} sent no more spans{when}.", short(instance)))
        }
        What::Traffic { operation, per_second, before } => (
            ChangeKind::Traffic,
            format!(
                "{} of {service} was asked for {per_second:.2} times a second, before {before:.2} times.",
                short(operation)
            ),
        ),
        What::Marked { text } if is_posted(question, change.at_ns, &change.service) => {
            (ChangeKind::Deployment, format!("{service} {} was deployed{when}.", short(text)))
        }
        What::Marked { text } => {
            (ChangeKind::Release, format!("{service} {} was seen for the first time{when}.", short(text)))
        }
    };
    // Traffic is counted from the onset on: it is no cause that came before.
    let is_near = kind != ChangeKind::Traffic && (0..=NEAR_NS).contains(&change.lead_ns);
    Change {
        kind,
        service: change.service.clone(),
        at_ns: change.at_ns,
        sentence,
        is_near: is_near && onset.is_some(),
    }
}
