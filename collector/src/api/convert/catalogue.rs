//! What is known of services but for their figures: whose they are, their instances, and what went out when.

use super::red::figures;
use crate::evaluate::Owned;
use alerts::{Deployment, OwnershipSpec};
use std::collections::{BTreeMap, BTreeSet};
use storage::{RedAnswer, RedGroup, SeenInstance, SeenVersion, TimeRange};
use wire::UnixNanos;

/// What a service is, but for its figures.
pub(in super::super) struct Catalogued {
    /// Of all times until the range's end.
    pub(in super::super) known: Vec<SeenVersion>,
    /// Of the range, the one seen last first.
    pub(in super::super) instances: Vec<SeenInstance>,
    /// By version, environment and instance.
    pub(in super::super) requests: RedAnswer,
    pub(in super::super) markers: Vec<Deployment>,
    pub(in super::super) ownership: Option<Owned>,
}

impl Catalogued {
    /// When anything was heard of it last.
    pub(in super::super) fn heard_at(&self) -> Option<i64> {
        self.known.iter().map(|seen| seen.last_at).max()
    }
}

/// Releases of one answer: the newest.
const RELEASES_MAX: usize = 1_000;
/// Instances of a page: what somebody may read through.
const INSTANCES_MAX: usize = 200;

pub(in super::super) fn ownership(owned: Owned) -> wire::Ownership {
    let Owned { ownership, updated_at, overrides_api } = owned;
    let OwnershipSpec { owner, contact, repository, tier, receiver, playbooks } = ownership.spec().clone();
    let source = if updated_at.is_some() { "api" } else { "configuration" };
    wire::Ownership {
        owner,
        contact,
        repository,
        tier,
        receiver,
        playbooks,
        source: source.to_owned(),
        overrides_api,
        updated_at: updated_at.map(UnixNanos),
    }
}

pub(in super::super) fn ownership_spec(facts: wire::OwnershipFacts) -> OwnershipSpec {
    let wire::OwnershipFacts { owner, contact, repository, tier, receiver, playbooks } = facts;
    OwnershipSpec { owner, contact, repository, tier, receiver, playbooks }
}

/// Versions that were seen for the first time, and markers, in order of time.
pub(in super::super) fn release_list(
    service: String,
    range: TimeRange,
    versions: &[SeenVersion],
    markers: Vec<Deployment>,
) -> wire::ReleaseList {
    let mut releases = release_rows(range, versions, markers);
    let n_more = releases.len().saturating_sub(RELEASES_MAX);
    releases.drain(..n_more);
    wire::ReleaseList {
        service,
        from: UnixNanos(range.from),
        to: UnixNanos(range.to),
        releases,
        truncated: n_more > 0,
    }
}

pub(super) fn release_rows(
    range: TimeRange,
    versions: &[SeenVersion],
    markers: Vec<Deployment>,
) -> Vec<wire::ReleaseRow> {
    let mut by_first: Vec<&SeenVersion> = versions.iter().filter(|seen| !seen.version.is_empty()).collect();
    by_first.sort_by_key(|seen| seen.first_at);
    let mut last_of: BTreeMap<&str, &str> = BTreeMap::new();
    let mut rows: Vec<wire::ReleaseRow> = Vec::new();
    for seen in by_first {
        let previous = last_of.insert(&seen.environment, &seen.version);
        if (range.from..range.to).contains(&seen.first_at) {
            rows.push(wire::ReleaseRow {
                at: UnixNanos(seen.first_at),
                kind: wire::ReleaseKind::Version,
                version: seen.version.clone(),
                environment: seen.environment.clone(),
                previous: previous.map(str::to_owned),
                title: None,
                url: None,
            });
        }
    }
    rows.extend(markers.into_iter().map(marker));
    // Keeps a version before the marker of the same moment.
    rows.sort_by_key(|row| row.at);
    rows
}

pub(in super::super) fn marker(deployment: Deployment) -> wire::ReleaseRow {
    wire::ReleaseRow {
        at: UnixNanos(deployment.at),
        kind: wire::ReleaseKind::Marker,
        version: deployment.version,
        environment: deployment.environment,
        previous: None,
        title: deployment.title,
        url: deployment.url,
    }
}

pub(in super::super) fn deployment(request: wire::ReleaseRequest, at: i64, posted_at: i64) -> Deployment {
    let wire::ReleaseRequest { service, version, environment, title, url, .. } = request;
    Deployment { service, version, environment: environment.unwrap_or_default(), at, title, url, posted_at }
}

/// Requests are told by version, environment and instance: rows that differ in nothing else have them in common.
pub(super) fn instance_rows(instances: Vec<SeenInstance>, requests: &RedAnswer) -> Vec<wire::InstanceRow> {
    let mut totals = BTreeMap::new();
    for RedGroup { version, environment, instance, total, .. } in &requests.groups {
        totals.insert([version.as_str(), environment.as_str(), instance.as_str()], total);
    }
    let of_instance = |seen: &SeenInstance| {
        let key = [seen.version.as_str(), seen.environment.as_str(), seen.instance.as_str()];
        totals.get(&key).map(|total| figures(total, requests.counted))
    };
    let row = |seen: SeenInstance| wire::InstanceRow {
        red: of_instance(&seen),
        instance: seen.instance,
        namespace: seen.namespace,
        environment: seen.environment,
        version: seen.version,
        language: seen.language,
        sdk_name: seen.sdk_name,
        sdk_version: seen.sdk_version,
        n_spans: seen.n_spans,
        n_logs: seen.n_logs,
        n_points: seen.n_points,
        first_seen_at: UnixNanos(seen.first_at),
        last_seen_at: UnixNanos(seen.last_at),
    };
    instances.into_iter().take(INSTANCES_MAX).map(row).collect()
}

/// Each text once, in order; the empty one is not told.
pub(super) fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let texts: BTreeSet<&str> = texts.filter(|text| !text.is_empty()).collect();
    texts.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(version: &str, environment: &str, first_at: i64) -> SeenVersion {
        let (version, environment) = (version.to_owned(), environment.to_owned());
        SeenVersion { service: "cart".to_owned(), environment, version, n_items: 1, first_at, last_at: 99 }
    }

    /// Scenario: two versions in production and one in staging, rows without a version, and a marker in between; a
    /// range that begins after the first.
    /// Guarantees: versions of the range and the marker in order of time, each version with the one before it in its
    /// environment, which may have come before the range.
    #[test]
    fn versions_and_markers_are_releases() {
        let versions = [
            seen("2.0", "production", 30),
            seen("", "production", 1),
            seen("2.0", "staging", 20),
            seen("1.0", "production", 5),
        ];
        let marker = Deployment {
            service: "cart".to_owned(),
            version: "2.0".to_owned(),
            environment: String::new(),
            at: 25,
            title: Some("blue".to_owned()),
            url: None,
            posted_at: 26,
        };
        let range = TimeRange { from: 10, to: 31 };
        let list = release_list("cart".to_owned(), range, &versions, vec![marker]);
        let rows: Vec<_> = list
            .releases
            .iter()
            .map(|row| (row.at.0, row.kind, row.environment.as_str(), row.previous.as_deref()))
            .collect();
        let (version, marker) = (wire::ReleaseKind::Version, wire::ReleaseKind::Marker);
        assert_eq!(
            rows,
            [
                (20, version, "staging", None),
                (25, marker, "", None),
                (30, version, "production", Some("1.0"))
            ]
        );
        assert!(!list.truncated);
    }
}
