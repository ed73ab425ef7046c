//! How an SLI reads metrics: one against a threshold, or a ratio of two.

use super::fields::{DESCRIPTION_CHARS_MAX, Fields, TEXT_CHARS_MAX};
use super::issue::Spot;
use super::yaml::{Node, Value};

#[derive(Debug)]
pub(super) struct Sli<'a> {
    pub(super) spot: Spot,
    pub(super) metric: Metric<'a>,
}

#[derive(Debug)]
pub(super) enum Metric<'a> {
    Threshold(MetricSource<'a>),
    Good {
        good: MetricSource<'a>,
        total: MetricSource<'a>,
    },
    Bad {
        bad: MetricSource<'a>,
        total: MetricSource<'a>,
    },
    /// A ratio that comes as one number.
    Raw,
}

#[derive(Debug)]
pub(super) struct MetricSource<'a> {
    pub(super) spot: Spot,
    pub(super) source_type: Option<&'a str>,
    /// The name of a DataSource, and where it stands.
    pub(super) source_ref: Option<(&'a str, Spot)>,
    pub(super) spec: &'a Node,
    pub(super) spec_spot: Spot,
}

/// Reads `spec` of an SLI, which may stand inside an SLO.
pub(super) fn read<'a>(sli: &Fields<'a>) -> Option<Sli<'a>> {
    let spec = sli.required_child("spec", &["description", "thresholdMetric", "ratioMetric"])?;
    spec.text("description", DESCRIPTION_CHARS_MAX);
    let metric = match (spec.has("thresholdMetric"), spec.has("ratioMetric")) {
        (true, false) => {
            let threshold = spec.child("thresholdMetric", &["metricSource"])?;
            Metric::Threshold(read_source(&threshold)?)
        }
        (false, true) => read_ratio(&spec)?,
        (true, true) => {
            spec.error("ratioMetric", "an SLI has either thresholdMetric or ratioMetric, not both");
            return None;
        }
        (false, false) => {
            spec.error(
                "ratioMetric",
                "an SLI has either thresholdMetric or ratioMetric, and this one has none",
            );
            return None;
        }
    };
    Some(Sli { spot: spec.spot.clone(), metric })
}

fn read_ratio<'a>(spec: &Fields<'a>) -> Option<Metric<'a>> {
    let ratio = spec.child("ratioMetric", &["counter", "good", "bad", "total", "raw", "rawType"])?;
    ratio.boolean("counter");
    if ratio.has("raw") {
        if ratio.has("good") || ratio.has("bad") || ratio.has("total") {
            ratio.error("raw", "a raw ratio has no good, bad or total");
        }
        ratio.required("rawType");
        ratio.word("rawType", &["success", "failure"]);
        read_source(&ratio.child("raw", &["metricSource"])?)?;
        return Some(Metric::Raw);
    }
    let source = |key: &str| {
        let metric = ratio.child(key, &["metricSource"])?;
        read_source(&metric)
    };
    ratio.required("total");
    let total = source("total");
    match (ratio.has("good"), ratio.has("bad")) {
        (true, false) => source("good").zip(total).map(|(good, total)| Metric::Good { good, total }),
        (false, true) => source("bad").zip(total).map(|(bad, total)| Metric::Bad { bad, total }),
        (true, true) => {
            ratio.error("bad", "a ratio has either good or bad, not both");
            None
        }
        (false, false) => {
            ratio.error("good", "a ratio has either good or bad, and this one has none");
            None
        }
    }
}

fn read_source<'a>(metric: &Fields<'a>) -> Option<MetricSource<'a>> {
    let source = metric.required_child("metricSource", &["metricSourceRef", "type", "spec"])?;
    let source_type = source.text("type", TEXT_CHARS_MAX);
    let source_ref = source.name("metricSourceRef").map(|name| (name, source.spot_of("metricSourceRef")));
    let spec = source.required("spec")?;
    match &spec.value {
        Value::Map(entries) if !entries.is_empty() => {}
        Value::Map(_) => {
            source.error("spec", "says nothing: it tells how to read the metric");
            return None;
        }
        Value::Scalar { .. } | Value::List(_) => {
            source.error("spec", format!("is {}, not a mapping", spec.kind()));
            return None;
        }
    }
    let spec_spot = source.spot_of("spec");
    Some(MetricSource { spot: source.spot.clone(), source_type, source_ref, spec, spec_spot })
}
