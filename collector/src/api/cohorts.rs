//! `POST /api/v1/compare`: what tells two sides apart, such as a box of a heatmap and the rest, two releases, an hour
//! and the same hour of last week, or two traces.

use super::changes::{Expected, check_content_type, read_json};
use super::params::{Params, parse_id};
use super::triage::{check, moment};
use super::{Api, Failure, convert};
use crate::triage::{Side, Sides, WINDOW_MAX, difference};
use crate::units::nanos;
use axum::Json;
use axum::extract::{Request, State};
use storage::{RequestsQuery, SpanFilter, TimeRange};
use wire::{CompareRequest, CompareSide, TriageMoment, TriageStretch};

const EXPECTED: Expected = Expected {
    bytes_max: 32 << 10,
    example: "{\"first\": {\"from\": \"now-15m\", \"service\": \"checkout\", \"status\": \"error\"}}",
};
/// Filters on attributes of one side; each costs a pass over the attributes.
const ATTRIBUTES_MAX: usize = 16;
/// What the rest is the rest of.
const REST_HINT: &str = "say what is special about first (status, min_ns, max_ns, version, attributes and so on), give \
                         the time of the others as among, or a second side";

/// It changes nothing, and is a `POST` for its body.
pub(super) async fn post(
    State(api): State<Api>,
    request: Request,
) -> Result<Json<wire::CompareReport>, Failure> {
    let now = api.now();
    Params::read(request.uri(), now, &[])?;
    check_content_type(request.headers(), EXPECTED)?;
    let engine = api.engine()?;
    let sides = sides(read_json(request.into_body(), EXPECTED).await?, now)?;
    let answer = difference(engine, &api.triage, sides, now).await;
    answer.map(convert::compare_report).map(Json).map_err(convert::triage_failure)
}

fn sides(request: CompareRequest, now: i64) -> Result<Sides, Failure> {
    let CompareRequest { first, second, among } = request;
    if among.is_some() && second.is_some() {
        return Err(Failure::bad_request("among comes with a second side")
            .hint("among is the time of all other requests: leave it or second out"));
    }
    let has_trace = |side: &CompareSide| side.trace_id.is_some();
    if has_trace(&first) || second.as_ref().is_some_and(has_trace) {
        return traces(&first, second.as_ref(), among.as_ref());
    }
    let first = query("first", first, now)?;
    let second = match second {
        Some(second) => query("second", second, now)?,
        None => rest(&first, among, now)?,
    };
    if first == second {
        return Err(Failure::bad_request("both sides are the same requests").hint(REST_HINT));
    }
    let mut known_keys = known_keys(&first.filter);
    known_keys.extend(self::known_keys(&second.filter));
    let is_of_failures = first.filter.is_error == Some(true) && second.filter.is_error != Some(true);
    let both = [first, second].map(|query| Side::Requests(Box::new(query)));
    Ok(Sides { both, known_keys, is_of_failures })
}

fn traces(
    first: &CompareSide,
    second: Option<&CompareSide>,
    among: Option<&TriageStretch>,
) -> Result<Sides, Failure> {
    let id = |name: &str, side: &CompareSide| {
        let only = CompareSide { trace_id: side.trace_id.clone(), ..CompareSide::default() };
        match &side.trace_id {
            Some(text) if *side == only => parse_id::<16>(name, text),
            _ => Err(Failure::bad_request("a trace is compared with a trace, and a trace_id stands alone")
                .hint("write {\"first\": {\"trace_id\": \"...\"}, \"second\": {\"trace_id\": \"...\"}}")),
        }
    };
    let Some(second) = second.filter(|_| among.is_none()) else {
        return Err(Failure::bad_request("there is no second trace").hint("write its trace_id as second"));
    };
    let ids = [id("first.trace_id", first)?, id("second.trace_id", second)?];
    if ids[0] == ids[1] {
        return Err(Failure::bad_request("both traces are the same"));
    }
    Ok(Sides { both: ids.map(Side::Trace), known_keys: Vec::new(), is_of_failures: false })
}

fn query(name: &str, side: CompareSide, now: i64) -> Result<RequestsQuery, Failure> {
    let range = range(name, side.from.as_ref(), side.to.as_ref(), now)?;
    let is_error = side.status.as_deref().map(|status| is_error(name, status)).transpose()?;
    if side.attributes.len() > ATTRIBUTES_MAX {
        let message = format!("{name} has more than {ATTRIBUTES_MAX} attributes");
        return Err(Failure::bad_request(message));
    }
    let (min, max) = (side.min_ns.unwrap_or(0), side.max_ns.unwrap_or(i64::MAX));
    if min < 0 || max <= min {
        return Err(Failure::bad_request(format!("{name}: max_ns is not above min_ns, or one is negative"))
            .hint("requests take at least min_ns and less than max_ns"));
    }
    let filter = SpanFilter {
        service: side.service,
        operation: side.operation,
        kind: None,
        status_class: side.status_class,
        version: side.version,
        environment: side.environment,
        instance: side.instance,
        entry_only: true,
        is_error,
        duration_ns_min: side.min_ns,
        duration_ns_max: side.max_ns.map(|max| max.saturating_sub(1)),
        attributes: side.attributes.into_iter().collect(),
    };
    Ok(RequestsQuery { range, filter, without: None })
}

/// All other requests of the same service, operation and environment.
fn rest(first: &RequestsQuery, among: Option<TriageStretch>, now: i64) -> Result<RequestsQuery, Failure> {
    let range = match &among {
        Some(among) => range("among", Some(&among.from), Some(&among.to), now)?,
        None => first.range,
    };
    let filter = SpanFilter {
        service: first.filter.service.clone(),
        operation: first.filter.operation.clone(),
        environment: first.filter.environment.clone(),
        entry_only: true,
        ..SpanFilter::default()
    };
    if range == first.range && filter == first.filter {
        return Err(Failure::bad_request("there are no other requests beside first").hint(REST_HINT));
    }
    Ok(RequestsQuery { range, filter, without: Some((first.range, first.filter.clone())) })
}

fn range(
    name: &str,
    from: Option<&TriageMoment>,
    to: Option<&TriageMoment>,
    now: i64,
) -> Result<TimeRange, Failure> {
    let Some(from) = from else {
        return Err(Failure::bad_request(format!("{name} has no from"))
            .hint("write from and to as epoch milliseconds, RFC 3339 or now-15m; or a trace_id"));
    };
    let from = moment(&format!("{name}.from"), from, now)?;
    let to = to.map_or(Ok(now), |to| moment(&format!("{name}.to"), to, now))?;
    let range = TimeRange { from, to };
    check(name, range)?;
    if to.saturating_sub(from) > nanos(WINDOW_MAX) {
        return Err(Failure::bad_request(format!("{name} is longer than a day"))
            .hint("compare minutes or hours; what differs over days can be asked in SQL"));
    }
    Ok(range)
}

fn is_error(name: &str, status: &str) -> Result<bool, Failure> {
    match status {
        "error" => Ok(true),
        "ok" => Ok(false),
        _ => {
            let shown: String = status.chars().take(80).collect();
            Err(Failure::bad_request(format!("{name}.status: {shown:?} is not known"))
                .hint("write error or ok"))
        }
    }
}

/// Attributes that requests of a filter have or lack because of it.
fn known_keys(filter: &SpanFilter) -> Vec<String> {
    let of_fields: [(bool, &[&str]); 6] = [
        (filter.service.is_some(), &["service", "service.name"]),
        (filter.operation.is_some(), &["operation"]),
        (filter.version.is_some(), &["service.version"]),
        (filter.environment.is_some(), &["deployment.environment.name", "deployment.environment"]),
        (filter.instance.is_some(), &["service.instance.id"]),
        (
            filter.status_class.is_some(),
            &[
                "http.response.status_code",
                "http.status_code",
                "rpc.response.status_code",
                "rpc.grpc.status_code",
            ],
        ),
    ];
    let named = of_fields.into_iter().filter(|(is_named, _)| *is_named).flat_map(|(_, keys)| keys.iter());
    let mut keys: Vec<String> = named.map(|key| (*key).to_owned()).collect();
    keys.extend(filter.attributes.iter().map(|(key, _)| key.clone()));
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const MINUTE: i64 = 60_000_000_000;
    const NOW: i64 = 1_769_860_800_000_000_000;
    const A: &str = "0000000000000000000000000000000a";
    const B: &str = "0000000000000000000000000000000b";

    fn read(question: Value) -> Result<Sides, Failure> {
        sides(serde_json::from_value(question).expect("a question"), NOW)
    }

    fn requests(sides: &Sides) -> [&RequestsQuery; 2] {
        let of = |side: usize| match &sides.both[side] {
            Side::Requests(query) => query.as_ref(),
            Side::Trace(id) => panic!("a trace: {id:?}"),
        };
        [of(0), of(1)]
    }

    /// Scenario: a box of a heatmap alone, with the time of the others, two releases, failed requests, and two traces.
    /// Guarantees: the rest is of the same service and leaves the box out; durations are half open; what the sides were
    /// chosen by is known; only failed requests beside others have symptoms.
    #[test]
    fn questions_are_completed() {
        let first =
            json!({"from": "now-10m", "to": "now-5m", "service": "cart", "min_ns": 100, "max_ns": 200});
        let boxed = read(json!({"first": first})).expect("asked");
        let [inside, rest] = requests(&boxed);
        assert_eq!(inside.range, TimeRange { from: NOW - 10 * MINUTE, to: NOW - 5 * MINUTE });
        assert_eq!((inside.filter.duration_ns_min, inside.filter.duration_ns_max), (Some(100), Some(199)));
        assert_eq!((rest.range, rest.filter.service.as_deref()), (inside.range, Some("cart")));
        assert_eq!(rest.without, Some((inside.range, inside.filter.clone())));
        let among = json!({"from": "now-1h", "to": "now"});
        let wider = read(json!({"first": {"from": "now-10m", "service": "cart"}, "among": among}));
        let wider = wider.expect("asked");
        assert_eq!(requests(&wider)[1].range, TimeRange { from: NOW - 60 * MINUTE, to: NOW });
        let version =
            |version: &str| json!({"from": "now-10m", "version": version, "attributes": {"a": "b"}});
        let releases = read(json!({"first": version("2"), "second": version("1")})).expect("asked");
        assert_eq!(releases.known_keys, ["service.version", "a", "service.version", "a"]);
        assert!(!releases.is_of_failures && requests(&releases)[1].without.is_none());
        let failed = read(json!({"first": {"from": "now-10m", "status": "error"}})).expect("asked");
        assert!(failed.is_of_failures);
        let traces = read(json!({"first": {"trace_id": A}, "second": {"trace_id": B}})).expect("asked");
        assert!(matches!(traces.both, [Side::Trace(_), Side::Trace(_)]));
    }

    /// Scenario: sides without a time, of an endless one, without a rest, twice the same, with words and ids that are
    /// none, and traces beside requests.
    /// Guarantees: each is refused, and the message says what is wrong.
    #[test]
    fn bad_questions_are_refused() {
        let first = |more: Value| {
            let mut first = json!({"from": "now-10m", "service": "cart"});
            for (key, value) in more.as_object().expect("an object") {
                first[key.as_str()] = value.clone();
            }
            json!({"first": first})
        };
        let stretch = json!({"from": "now-1h", "to": "now"});
        for (question, words) in [
            (json!({"first": {"service": "cart"}}), "first has no from"),
            (first(json!({"from": "now-2d"})), "longer than a day"),
            (first(json!({"to": "now-20m"})), "first ends before"),
            (first(json!({})), "no other requests"),
            (first(json!({"status": "bad"})), "first.status"),
            (first(json!({"min_ns": 5, "max_ns": 5})), "max_ns"),
            (json!({"first": {"from": "now-5m"}, "second": {"from": "now-5m"}}), "the same"),
            (json!({"first": {"from": "now-5m"}, "second": {"from": "now-9m"}, "among": stretch}), "among"),
            (json!({"first": {"trace_id": A}}), "no second trace"),
            (json!({"first": {"trace_id": A}, "second": {"trace_id": A}}), "both traces"),
            (json!({"first": {"trace_id": A}, "second": {"from": "now-5m"}}), "stands alone"),
            (json!({"first": {"trace_id": "xyz"}, "second": {"trace_id": B}}), "first.trace_id"),
        ] {
            let failure = read(question.clone()).expect_err("refused");
            assert!(failure.message.contains(words), "{question}: {}", failure.message);
        }
    }
}
