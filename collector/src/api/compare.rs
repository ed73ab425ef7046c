//! `GET /api/v1/services/{service}/compare`: one version beside another, canary against stable.
//!
//! Load changes with the hour, so that versions are compared while both were there; where they never were, over the
//! whole range, and the answer says so.

use super::convert::{self, Beside};
use super::params::Params;
use super::{Api, Failure, NameInPath};
use crate::nearest::nearest;
use axum::Json;
use axum::extract::State;
use http::Uri;
use std::time::Duration;
use storage::{RedBy, RedQuery, SeenVersion, TimeRange};

/// Only the whole counts: hours, so that the coarsest tables can be read.
const STEP: Duration = Duration::from_secs(3_600);
const VERSIONS_HINT: &str =
    "write versions=1.0,2.0: the stable one, a comma, and the one that is held against it";

pub(super) async fn compare(
    State(api): State<Api>,
    NameInPath(service): NameInPath,
    uri: Uri,
) -> Result<Json<wire::VersionComparison>, Failure> {
    let params = Params::read(&uri, api.now(), &["versions", "environment", "from", "to"])?;
    let (asked, versions) = (params.range()?, versions(&params)?);
    let environment = params.owned("environment");
    let engine = api.engine()?;
    let mut known = engine.service_versions(asked, Some(&service)).await.map_err(convert::failure)?;
    known.retain(|seen| environment.as_ref().is_none_or(|environment| seen.environment == *environment));
    let seen = versions.each_ref().map(|version| presence(&known, version));
    let together = together(seen, asked);
    let query = red_query(&service, environment.as_deref(), together.unwrap_or(asked));
    let answer = engine.red(&query).await.map_err(convert::failure)?;
    for (version, seen) in versions.iter().zip(seen) {
        let has_requests = answer.groups.iter().any(|group| group.version == *version);
        if seen.is_none() && !has_requests {
            return Err(not_there(&service, version, &known));
        }
    }
    let environment = environment.unwrap_or_default();
    let beside = Beside { service, environment, asked, versions, seen, together: together.is_some(), answer };
    Ok(Json(convert::comparison(beside)))
}

/// Exactly two, and not the same twice.
fn versions(params: &Params) -> Result<[String; 2], Failure> {
    let text = params.text("versions").unwrap_or_default();
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    match parts.as_slice() {
        [stable, canary] if stable != canary && !stable.is_empty() && !canary.is_empty() => {
            Ok([(*stable).to_owned(), (*canary).to_owned()])
        }
        _ => Err(Failure::bad_request("parameter versions: two different versions are compared")
            .hint(VERSIONS_HINT)),
    }
}

/// When a version was there, in any environment that counts.
fn presence(known: &[SeenVersion], version: &str) -> Option<TimeRange> {
    let of_version = || known.iter().filter(|seen| seen.version == version);
    let from = of_version().map(|seen| seen.first_at).min()?;
    let to = of_version().map(|seen| seen.last_at).max()?.saturating_add(1);
    Some(TimeRange { from, to })
}

/// The part of the range in which both were there.
fn together(seen: [Option<TimeRange>; 2], asked: TimeRange) -> Option<TimeRange> {
    let [stable, canary] = [seen[0]?, seen[1]?];
    let from = stable.from.max(canary.from).max(asked.from);
    let to = stable.to.min(canary.to).min(asked.to);
    (from < to).then_some(TimeRange { from, to })
}

fn red_query(service: &str, environment: Option<&str>, range: TimeRange) -> RedQuery {
    let mut only = vec![(RedBy::Service, service.to_owned())];
    only.extend(environment.map(|environment| (RedBy::Environment, environment.to_owned())));
    RedQuery { range, only, entry_only: true, by: vec![RedBy::Version], step: STEP }
}

fn not_there(service: &str, version: &str, known: &[SeenVersion]) -> Failure {
    let failure = Failure::not_found(format!("no version {version:?} of {service:?} was seen in the range"));
    let mut versions: Vec<&str> = known.iter().map(|seen| seen.version.as_str()).collect();
    versions.retain(|version| !version.is_empty());
    versions.dedup();
    versions.truncate(10);
    match nearest(version, versions.iter().copied()) {
        Some(near) => failure.hint(format!("did you mean {near:?}?")),
        None if versions.is_empty() => failure.hint("nothing that it sent in the range names a version"),
        None => failure.hint(format!("versions of the range are {}", versions.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(version: &str, environment: &str, first_at: i64, last_at: i64) -> SeenVersion {
        let (version, environment) = (version.to_owned(), environment.to_owned());
        SeenVersion { service: "cart".to_owned(), environment, version, n_items: 1, first_at, last_at }
    }

    /// Scenario: a canary that comes while the stable version is there, in two environments, and one that comes after.
    /// Guarantees: the time together is where both were there within the range; without any there is none.
    #[test]
    fn versions_are_compared_while_both_are_there() {
        let known = [
            seen("1.0", "a", 0, 50),
            seen("1.0", "b", 10, 70),
            seen("2.0", "a", 40, 90),
            seen("3.0", "a", 80, 90),
        ];
        let of = |stable: &str, canary: &str, asked: TimeRange| {
            together([stable, canary].map(|version| presence(&known, version)), asked)
        };
        let all = TimeRange { from: -5, to: 100 };
        assert_eq!(of("1.0", "2.0", all), Some(TimeRange { from: 40, to: 71 }));
        assert_eq!(of("1.0", "2.0", TimeRange { from: 45, to: 60 }), Some(TimeRange { from: 45, to: 60 }));
        assert_eq!(of("1.0", "3.0", all), None);
        assert_eq!(of("1.0", "4.0", all), None);
    }
}
