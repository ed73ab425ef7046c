//! Rules as a file. Texts are in quotation marks, expressions are blocks, and nothing that telemetry or people wrote is
//! taken for a template.

use super::duration;
use crate::openslo::quote;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

pub(super) struct Group {
    pub(super) name: String,
    pub(super) rules: Vec<Rule>,
}

pub(super) struct Rule {
    pub(super) kind: RuleKind,
    pub(super) expr: String,
    pub(super) labels: BTreeMap<String, String>,
}

pub(super) enum RuleKind {
    Record(String),
    Alert {
        name: String,
        hold: Duration,
        keep_firing: Duration,
        /// A template.
        title: String,
        annotations: BTreeMap<String, String>,
    },
}

pub(super) fn groups(text: &mut String, groups: &[Group]) {
    text.push_str("groups:\n");
    for group in groups {
        line(text, 0, &format!("- name: {}", quote(&group.name)));
        line(text, 1, "rules:");
        group.rules.iter().for_each(|rule| self::rule(text, rule));
    }
}

fn rule(text: &mut String, rule: &Rule) {
    match &rule.kind {
        RuleKind::Record(name) => line(text, 1, &format!("- record: {name}")),
        RuleKind::Alert { name, .. } => line(text, 1, &format!("- alert: {name}")),
    }
    line(text, 2, "expr: |");
    rule.expr.trim_start().lines().for_each(|expr| line(text, 3, expr));
    if let RuleKind::Alert { hold, keep_firing, .. } = &rule.kind {
        for (key, value) in [("for", hold), ("keep_firing_for", keep_firing)] {
            if !value.is_zero() {
                line(text, 2, &format!("{key}: {}", duration(*value)));
            }
        }
    }
    let is_alert = matches!(rule.kind, RuleKind::Alert { .. });
    pairs(
        text,
        "labels",
        rule.labels.iter().map(|(key, value)| {
            // Labels of alerts are templates, those of recordings are not.
            (key.as_str(), if is_alert { literal(value) } else { value.clone() })
        }),
    );
    if let RuleKind::Alert { title, annotations, .. } = &rule.kind {
        let own = annotations.iter().map(|(key, value)| (key.as_str(), literal(value)));
        pairs(text, "annotations", own.chain([("title", title.clone())]));
    }
}

fn pairs<'a>(text: &mut String, key: &str, pairs: impl Iterator<Item = (&'a str, String)>) {
    line(text, 2, &format!("{key}:"));
    for (name, value) in pairs {
        line(text, 3, &format!("{name}: {}", quote(&value)));
    }
}

/// Text that a template shows as it is.
fn literal(text: &str) -> String {
    text.replace("{{", "{{\"{{\"}}")
}

fn line(text: &mut String, depth: usize, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{:width$}{line}", "", width = 2 * depth);
}
