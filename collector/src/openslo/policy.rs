//! Alert policies, their conditions, and whom they tell.

use super::document::inline_metadata;
use super::fields::{DESCRIPTION_CHARS_MAX, Fields, TEXT_CHARS_MAX, length_of};
use super::issue::Spot;
use super::yaml::{Node, Value};
use alerts::Comparison;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct AlertPolicy<'a> {
    pub(super) spot: Spot,
    pub(super) when_breaching: bool,
    pub(super) when_no_data: bool,
    pub(super) condition: ConditionUse<'a>,
    pub(super) targets: Vec<TargetUse<'a>>,
}

#[derive(Debug)]
pub(super) enum PolicyUse<'a> {
    Inline(AlertPolicy<'a>),
    Named(&'a str, Spot),
}

#[derive(Debug)]
pub(super) enum ConditionUse<'a> {
    Inline(AlertCondition),
    Named(&'a str, Spot),
}

#[derive(Debug)]
pub(super) enum TargetUse<'a> {
    Inline(Target),
    Named(&'a str, Spot),
}

#[derive(Debug, Clone)]
pub(super) struct AlertCondition {
    pub(super) spot: Spot,
    pub(super) severity: String,
    pub(super) comparison: Comparison,
    /// As it is written.
    pub(super) threshold: String,
    pub(super) lookback: Duration,
    pub(super) after: Duration,
}

/// Whom to tell: the name of the target, and what it says of it.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) spot: Spot,
    pub(super) target: String,
}

/// `spec.alertPolicies` of an SLO: names, as texts or as `alertPolicyRef`, or policies written there.
pub(super) fn read_uses<'a>(slo: &Fields<'a>) -> Vec<PolicyUse<'a>> {
    let nodes = slo.list("alertPolicies").unwrap_or_default();
    let spot = slo.spot_of("alertPolicies");
    let mut uses = Vec::new();
    for (idx, node) in nodes.iter().enumerate() {
        let spot = spot.item(idx, node.place);
        if let Value::Scalar { .. } = &node.value {
            match node.text().filter(|text| super::fields::is_name(text)) {
                Some(name) => uses.push(PolicyUse::Named(name, spot)),
                None => slo.issues().error(&spot, "is not the name of an AlertPolicy"),
            }
            continue;
        }
        let known = ["alertPolicyRef", "apiVersion", "kind", "metadata", "spec"];
        let Some(fields) = Fields::of(node, spot, &known, slo.issues()) else { continue };
        match (fields.has("alertPolicyRef"), fields.has("spec")) {
            (true, false) => {
                let spot = fields.spot_of("alertPolicyRef");
                uses.extend(fields.name("alertPolicyRef").map(|name| PolicyUse::Named(name, spot)));
            }
            (false, true) => {
                inline(&fields, "AlertPolicy");
                uses.extend(read_policy(&fields).map(PolicyUse::Inline));
            }
            _ => {
                slo.issues().error(&fields.spot, "is either an alertPolicyRef or an AlertPolicy written here")
            }
        }
    }
    uses
}

const POLICY_SPEC: [&str; 6] = [
    "description",
    "alertWhenNoData",
    "alertWhenResolved",
    "alertWhenBreaching",
    "conditions",
    "notificationTargets",
];

pub(super) fn read_policy<'a>(policy: &Fields<'a>) -> Option<AlertPolicy<'a>> {
    let spec = policy.child("spec", &POLICY_SPEC)?;
    spec.text("description", DESCRIPTION_CHARS_MAX);
    let when_no_data = spec.boolean("alertWhenNoData").unwrap_or(false);
    let when_breaching = spec.boolean("alertWhenBreaching").unwrap_or(true);
    spec.boolean("alertWhenResolved");
    let condition = read_conditions(&spec);
    let targets = read_targets(&spec);
    Some(AlertPolicy {
        spot: spec.spot.clone(),
        when_breaching,
        when_no_data,
        condition: condition?,
        targets,
    })
}

fn read_conditions<'a>(spec: &Fields<'a>) -> Option<ConditionUse<'a>> {
    spec.required("conditions")?;
    let [node] = spec.list("conditions")? else {
        spec.error("conditions", "an AlertPolicy has exactly one condition");
        return None;
    };
    let spot = spec.spot_of("conditions").item(0, node.place);
    // `operator` says how several conditions go together; there is one.
    let known = ["operator", "conditionRef", "apiVersion", "kind", "metadata", "spec"];
    let fields = Fields::of(node, spot, &known, spec.issues())?;
    match (fields.has("conditionRef"), fields.has("spec")) {
        (true, false) => {
            let spot = fields.spot_of("conditionRef");
            fields.name("conditionRef").map(|name| ConditionUse::Named(name, spot))
        }
        (false, true) => {
            inline(&fields, "AlertCondition");
            read_condition(&fields).map(ConditionUse::Inline)
        }
        _ => {
            spec.issues().error(&fields.spot, "is either a conditionRef or an AlertCondition written here");
            None
        }
    }
}

fn read_targets<'a>(spec: &Fields<'a>) -> Vec<TargetUse<'a>> {
    let nodes: &'a [Node] = match spec.required("notificationTargets") {
        Some(_) => spec.list("notificationTargets").unwrap_or_default(),
        None => return Vec::new(),
    };
    if nodes.is_empty() {
        spec.error("notificationTargets", "an AlertPolicy has at least one notification target");
    }
    let spot = spec.spot_of("notificationTargets");
    let mut uses = Vec::new();
    for (idx, node) in nodes.iter().enumerate() {
        let known = ["targetRef", "apiVersion", "kind", "metadata", "spec"];
        let Some(fields) = Fields::of(node, spot.item(idx, node.place), &known, spec.issues()) else {
            continue;
        };
        match (fields.has("targetRef"), fields.has("spec")) {
            (true, false) => {
                let spot = fields.spot_of("targetRef");
                uses.extend(fields.name("targetRef").map(|name| TargetUse::Named(name, spot)));
            }
            (false, true) => {
                inline(&fields, "AlertNotificationTarget");
                uses.extend(read_target(&fields).map(TargetUse::Inline));
            }
            _ => {
                let message = "is either a targetRef or an AlertNotificationTarget written here";
                spec.issues().error(&fields.spot, message);
            }
        }
    }
    uses
}

/// What stands inside another document says what it is, and has a name.
fn inline(fields: &Fields<'_>, kind: &'static str) {
    fields.required("kind");
    fields.word("kind", &[kind]);
    inline_metadata(fields);
}

pub(super) fn read_target(target: &Fields<'_>) -> Option<Target> {
    let spec = target.child("spec", &["description", "target"])?;
    spec.text("description", DESCRIPTION_CHARS_MAX);
    let spot = spec.spot_of("target");
    let target = spec.required_text("target", TEXT_CHARS_MAX)?;
    Some(Target { spot, target: target.to_owned() })
}

pub(super) fn read_condition(condition: &Fields<'_>) -> Option<AlertCondition> {
    let spec = condition.child("spec", &["description", "severity", "condition"])?;
    spec.text("description", DESCRIPTION_CHARS_MAX);
    let severity = spec.required_text("severity", 120);
    let known = ["kind", "op", "threshold", "lookbackWindow", "alertAfter"];
    let inner = spec.required_child("condition", &known)?;
    inner.word("kind", &["burnrate"]);
    for key in ["op", "threshold", "lookbackWindow"] {
        inner.required(key);
    }
    let comparison = inner.word("op", &Comparison::ALL.map(Comparison::op)).and_then(Comparison::parse);
    let threshold = inner.number("threshold");
    let lookback = inner.shorthand("lookbackWindow").map(length_of);
    let after = if inner.has("alertAfter") {
        inner.shorthand("alertAfter").map(length_of)
    } else {
        Some(Duration::ZERO)
    };
    Some(AlertCondition {
        spot: inner.spot.clone(),
        severity: severity?.to_owned(),
        comparison: comparison?,
        threshold: threshold?.to_owned(),
        lookback: lookback?,
        after: after?,
    })
}
