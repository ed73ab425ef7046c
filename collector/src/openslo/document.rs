//! The documents of OpenSLO v1, as they are written and checked by themselves.
//!
//! Names of other documents are not looked up here: a file may say part of something. What a document must have,
//! and what it must not, is that of the specification and of its reference validator.

use super::fields::{
    DESCRIPTION_CHARS_MAX, DISPLAY_NAME_CHARS_MAX, Fields, TEXT_CHARS_MAX, labels, length_of,
    percent_of_share,
};
use super::issue::{Issues, Spot};
use super::policy::{self, AlertCondition, AlertPolicy, PolicyUse, Target};
use super::sli::{self, Sli};
use super::yaml::Node;
use alerts::Comparison;
use std::collections::BTreeMap;
use std::time::Duration;

const API_VERSION: &str = "openslo/v1";
const KINDS: [&str; 7] =
    ["SLO", "SLI", "Service", "AlertPolicy", "AlertCondition", "AlertNotificationTarget", "DataSource"];
const METADATA: [&str; 4] = ["name", "displayName", "labels", "annotations"];

#[derive(Debug)]
pub(super) struct Document<'a> {
    pub(super) name: &'a str,
    pub(super) spot: Spot,
    pub(super) content: Content<'a>,
}

#[derive(Debug)]
pub(super) enum Content<'a> {
    Slo(Box<SloDocument<'a>>),
    Sli(Box<Sli<'a>>),
    Service,
    AlertPolicy(AlertPolicy<'a>),
    AlertCondition(AlertCondition),
    NotificationTarget(Target),
    /// With its type.
    DataSource(String),
}

#[derive(Debug)]
pub(super) struct SloDocument<'a> {
    pub(super) metadata: Metadata<'a>,
    pub(super) description: Option<&'a str>,
    pub(super) service: &'a str,
    pub(super) indicator: IndicatorUse<'a>,
    pub(super) window: Window<'a>,
    pub(super) method: MethodName,
    pub(super) objectives: Vec<Objective>,
    pub(super) policies: Vec<PolicyUse<'a>>,
}

#[derive(Debug, Clone)]
pub(super) struct Metadata<'a> {
    pub(super) name: &'a str,
    pub(super) display_name: Option<&'a str>,
    pub(super) labels: BTreeMap<String, String>,
    /// `metadata.annotations`, and each of its texts with its place.
    pub(super) annotations: Vec<(&'a str, &'a str, Spot)>,
}

#[derive(Debug)]
pub(super) enum IndicatorUse<'a> {
    Inline(Box<Sli<'a>>),
    Named(&'a str, Spot),
    /// Each objective has one of its own.
    Composite(Spot),
}

#[derive(Debug)]
pub(super) struct Window<'a> {
    pub(super) spot: Spot,
    pub(super) duration: (u32, char),
    /// Start and time zone, where it does not roll.
    pub(super) calendar: Option<(&'a str, &'a str)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MethodName {
    Occurrences,
    Timeslices,
    RatioTimeslices,
}

#[derive(Debug)]
pub(super) struct Objective {
    pub(super) spot: Spot,
    pub(super) display_name: Option<String>,
    pub(super) target_percent: f64,
    pub(super) op: Option<Comparison>,
    /// As it is written.
    pub(super) value: Option<String>,
    pub(super) slice_target_percent: Option<f64>,
    pub(super) slice_width: Option<Duration>,
}

/// Reads one document; none where too little of it is as it should be.
pub(super) fn read<'a>(node: &'a Node, spot: Spot, issues: &'a Issues) -> Option<Document<'a>> {
    let n_before = issues.n_errors();
    let fields = Fields::of(node, spot, &["apiVersion", "kind", "metadata", "spec"], issues)?;
    if let Some(version) = fields.required_text("apiVersion", TEXT_CHARS_MAX)
        && version != API_VERSION
    {
        let spot = fields.spot_of("apiVersion");
        issues.hinted(&spot, format!("{version:?} is not read"), format!("write {API_VERSION:?}"));
    }
    fields.required("kind")?;
    let kind = fields.word("kind", &KINDS)?;
    let metadata = fields.required_child("metadata", &METADATA).and_then(|metadata| read_metadata(&metadata));
    let content = content(kind, &fields, metadata.clone());
    let (metadata, content) = metadata.zip(content)?;
    (issues.n_errors() == n_before).then_some(Document { name: metadata.name, spot: fields.spot, content })
}

fn content<'a>(kind: &str, fields: &Fields<'a>, metadata: Option<Metadata<'a>>) -> Option<Content<'a>> {
    fields.required("spec")?;
    match kind {
        "SLO" => {
            let slo = read_slo(fields, metadata);
            slo.map(|slo| Content::Slo(Box::new(slo)))
        }
        "SLI" => sli::read(fields).map(|sli| Content::Sli(Box::new(sli))),
        "AlertPolicy" => policy::read_policy(fields).map(Content::AlertPolicy),
        "AlertCondition" => policy::read_condition(fields).map(Content::AlertCondition),
        "AlertNotificationTarget" => policy::read_target(fields).map(Content::NotificationTarget),
        "DataSource" => {
            let spec = fields.child("spec", &["description", "type", "connectionDetails"])?;
            spec.text("description", DESCRIPTION_CHARS_MAX);
            let found = spec.required_text("type", TEXT_CHARS_MAX);
            // What is in it is for whoever connects, and is not ours to read.
            spec.required("connectionDetails")?;
            found.map(|found| Content::DataSource(found.to_owned()))
        }
        _ => {
            let spec = fields.child("spec", &["description"])?;
            spec.text("description", DESCRIPTION_CHARS_MAX);
            Some(Content::Service)
        }
    }
}

/// `metadata`, which every document has, and everything that is written inside another.
pub(super) fn read_metadata<'a>(metadata: &Fields<'a>) -> Option<Metadata<'a>> {
    let name = metadata.required_name("name");
    let display_name = metadata.text("displayName", DISPLAY_NAME_CHARS_MAX);
    let labels = labels(metadata);
    let mut annotations = Vec::new();
    if let Some(node) = metadata.get("annotations")
        && let Some(fields) = Fields::free(node, metadata.spot_of("annotations"), metadata.issues())
    {
        for (key, _) in fields.entries() {
            if let Some(value) = fields.text(&key.text, TEXT_CHARS_MAX) {
                annotations.push((key.text.as_str(), value, fields.spot_of(&key.text)));
            }
        }
    }
    Some(Metadata { name: name?, display_name, labels, annotations })
}

/// As `read_metadata`, for what is inside another document.
pub(super) fn inline_metadata<'a>(fields: &Fields<'a>) -> Option<Metadata<'a>> {
    fields.required_child("metadata", &METADATA).and_then(|metadata| read_metadata(&metadata))
}

const SLO_SPEC: [&str; 8] = [
    "description",
    "service",
    "indicator",
    "indicatorRef",
    "timeWindow",
    "budgetingMethod",
    "objectives",
    "alertPolicies",
];

fn read_slo<'a>(fields: &Fields<'a>, metadata: Option<Metadata<'a>>) -> Option<SloDocument<'a>> {
    let spec = fields.child("spec", &SLO_SPEC)?;
    let description = spec.text("description", DESCRIPTION_CHARS_MAX);
    let service = spec.required_text("service", 120);
    let method = read_method(&spec);
    let objectives = read_objectives(&spec, method);
    let indicator = read_indicator(&spec, objectives.iter().any(|(_, is_composite)| *is_composite));
    let window = read_window(&spec);
    let policies = policy::read_uses(&spec);
    Some(SloDocument {
        metadata: metadata?,
        description,
        service: service?,
        indicator: indicator?,
        window: window?,
        method: method?,
        objectives: objectives.into_iter().filter_map(|(objective, _)| objective).collect(),
        policies,
    })
}

fn read_method(spec: &Fields<'_>) -> Option<MethodName> {
    spec.required("budgetingMethod")?;
    match spec.word("budgetingMethod", &["Occurrences", "Timeslices", "RatioTimeslices"])? {
        "Occurrences" => Some(MethodName::Occurrences),
        "Timeslices" => Some(MethodName::Timeslices),
        _ => Some(MethodName::RatioTimeslices),
    }
}

fn read_indicator<'a>(spec: &Fields<'a>, is_composite: bool) -> Option<IndicatorUse<'a>> {
    match (spec.has("indicator"), spec.has("indicatorRef"), is_composite) {
        (true, false, false) => {
            let inline = spec.child("indicator", &["metadata", "spec"])?;
            let metadata = inline_metadata(&inline);
            let sli = sli::read(&inline);
            metadata.and(sli).map(|sli| IndicatorUse::Inline(Box::new(sli)))
        }
        (false, true, false) => {
            spec.name("indicatorRef").map(|name| IndicatorUse::Named(name, spec.spot_of("indicatorRef")))
        }
        (false, false, true) => Some(IndicatorUse::Composite(spec.spot_of("objectives"))),
        (false, false, false) => {
            spec.error("indicator", "an SLO has either indicator or indicatorRef, and this one has none");
            None
        }
        (true, true, _) => {
            spec.error("indicatorRef", "an SLO has either indicator or indicatorRef, not both");
            None
        }
        (_, _, true) => {
            spec.error("objectives", "indicators stand on the SLO or on its objectives, not on both");
            None
        }
    }
}

fn read_window<'a>(spec: &Fields<'a>) -> Option<Window<'a>> {
    spec.required("timeWindow")?;
    let [node] = spec.list("timeWindow")? else {
        spec.error("timeWindow", "an SLO has exactly one time window");
        return None;
    };
    let spot = spec.spot_of("timeWindow").item(0, node.place);
    let fields = Fields::of(node, spot.clone(), &["duration", "isRolling", "calendar"], spec.issues())?;
    fields.required("duration")?;
    let duration = fields.shorthand("duration");
    let is_rolling = fields.boolean("isRolling").unwrap_or(false);
    let calendar = match (is_rolling, fields.has("calendar")) {
        (true, false) => None,
        (true, true) => {
            fields.error("calendar", "a rolling window has no calendar");
            return None;
        }
        (false, false) => {
            let hint = "write isRolling: true, or a calendar with startTime and timeZone";
            fields.issues().hinted(
                &fields.spot_of("calendar"),
                "is required, because the window does not roll",
                hint,
            );
            return None;
        }
        (false, true) => Some(read_calendar(&fields)?),
    };
    Some(Window { spot, duration: duration?, calendar })
}

fn read_calendar<'a>(window: &Fields<'a>) -> Option<(&'a str, &'a str)> {
    let calendar = window.child("calendar", &["startTime", "timeZone"])?;
    let start = calendar.required_text("startTime", TEXT_CHARS_MAX);
    let zone = calendar.required_text("timeZone", TEXT_CHARS_MAX);
    let (start, zone) = start.zip(zone)?;
    match alerts::Calendar::new(start, zone, 1, alerts::CalendarUnit::Day) {
        Ok(_) => Some((start, zone)),
        Err(error) => {
            let is_zone = matches!(error, alerts::CalendarError::Zone { .. });
            calendar.error(if is_zone { "timeZone" } else { "startTime" }, error.to_string());
            None
        }
    }
}

const OBJECTIVE: [&str; 10] = [
    "displayName",
    "op",
    "value",
    "target",
    "targetPercent",
    "timeSliceTarget",
    "timeSliceWindow",
    "indicator",
    "indicatorRef",
    "compositeWeight",
];

/// Each objective, and whether it has an indicator of its own.
fn read_objectives(spec: &Fields<'_>, method: Option<MethodName>) -> Vec<(Option<Objective>, bool)> {
    let Some(nodes) = spec.required("objectives").and_then(|_| spec.list("objectives")) else {
        return Vec::new();
    };
    if nodes.is_empty() {
        spec.error("objectives", "an SLO has at least one objective");
    }
    let spot = spec.spot_of("objectives");
    let one = |(idx, node): (usize, &Node)| {
        let fields = Fields::of(node, spot.item(idx, node.place), &OBJECTIVE, spec.issues());
        let is_composite = fields.as_ref().is_some_and(|own| own.has("indicator") || own.has("indicatorRef"));
        (fields.and_then(|fields| read_objective(&fields, method)), is_composite)
    };
    nodes.iter().enumerate().map(one).collect()
}

fn read_objective(fields: &Fields<'_>, method: Option<MethodName>) -> Option<Objective> {
    let target_percent = read_target(fields);
    let op = fields.word("op", &Comparison::ALL.map(Comparison::op)).and_then(Comparison::parse);
    let value = fields.number("value").map(str::to_owned);
    let display_name = fields.text("displayName", TEXT_CHARS_MAX).map(str::to_owned);
    if fields
        .number("compositeWeight")
        .is_some_and(|weight| weight.parse().is_ok_and(|weight: f64| weight <= 0.0))
    {
        fields.error("compositeWeight", "is a number above 0");
    }
    check_own_indicator(fields);
    if method == Some(MethodName::Timeslices) {
        fields.required("timeSliceTarget");
    }
    if matches!(method, Some(MethodName::Timeslices | MethodName::RatioTimeslices)) {
        fields.required("timeSliceWindow");
    }
    Some(Objective {
        spot: fields.spot.clone(),
        display_name,
        target_percent: target_percent?,
        op,
        value,
        slice_target_percent: read_slice_target(fields),
        slice_width: read_slice_width(fields),
    })
}

fn check_own_indicator(fields: &Fields<'_>) {
    if fields.has("indicator") && fields.has("indicatorRef") {
        fields.error("indicatorRef", "an objective has either indicator or indicatorRef, not both");
    }
    fields.name("indicatorRef");
    if let Some(inline) = fields.child("indicator", &["metadata", "spec"]) {
        inline_metadata(&inline);
        sli::read(&inline);
    }
}

fn read_target(fields: &Fields<'_>) -> Option<f64> {
    match (fields.has("target"), fields.has("targetPercent")) {
        (true, false) => {
            let percent = percent_of_share(fields.number("target")?);
            if !percent.is_some_and(|percent| (0.0..100.0).contains(&percent)) {
                fields.error("target", "is a share from 0 to below 1, such as 0.999");
                return None;
            }
            percent
        }
        (false, true) => {
            let percent = fields.number("targetPercent")?.parse::<f64>().ok();
            if !percent.is_some_and(|percent| (0.0..100.0).contains(&percent)) {
                fields.error("targetPercent", "is a percentage from 0 to below 100, such as 99.9");
                return None;
            }
            percent
        }
        (true, true) => {
            fields.error("targetPercent", "an objective has either target or targetPercent, not both");
            None
        }
        (false, false) => {
            fields.missing("target");
            None
        }
    }
}

fn read_slice_target(fields: &Fields<'_>) -> Option<f64> {
    let percent = percent_of_share(fields.number("timeSliceTarget")?);
    if !percent.is_some_and(|percent| percent > 0.0 && percent <= 100.0) {
        fields.error("timeSliceTarget", "is a share above 0 and at most 1, such as 0.95");
        return None;
    }
    percent
}

/// A duration; a bare number is minutes.
fn read_slice_width(fields: &Fields<'_>) -> Option<Duration> {
    let node = fields.get("timeSliceWindow")?;
    let Some(number) = node.number() else { return fields.shorthand("timeSliceWindow").map(length_of) };
    let minutes = number.parse::<f64>().ok().filter(|minutes| *minutes > 0.0 && *minutes <= 1e6);
    if minutes.is_none() {
        fields.error("timeSliceWindow", "is a number of minutes above 0, or a duration such as 5m");
    }
    minutes.map(|minutes| Duration::from_secs_f64(minutes * 60.0))
}
