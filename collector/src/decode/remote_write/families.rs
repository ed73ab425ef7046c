//! What is known of a series by its name: type, description, unit.
//!
//! A sender may put the metadata of metric families beside their series. Prometheus itself sends it in requests of
//! its own, and each request is read alone: then the name decides, by the suffixes that clients of Prometheus give.

use super::messages::Metadata;
use super::units;
use std::collections::HashMap;

/// What OTLP makes of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Gauge,
    /// A sum that only grows.
    Counter,
    /// A sum that may fall.
    Sum,
}

#[derive(Debug, PartialEq)]
pub(super) struct Meaning {
    pub(super) kind: Kind,
    /// Prometheus' name of the family's type, where it was sent.
    pub(super) type_name: Option<&'static str>,
    pub(super) description: String,
    pub(super) unit: String,
}

/// The metadata of a request by the names of the families.
#[derive(Debug)]
pub(super) struct Families(HashMap<String, Family>);

#[derive(Debug)]
struct Family {
    family_type: FamilyType,
    help: String,
    unit: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FamilyType {
    Unknown,
    Counter,
    Gauge,
    Histogram,
    GaugeHistogram,
    Summary,
    Info,
    StateSet,
}

impl Families {
    pub(super) fn new(metadata: Vec<Metadata>) -> Self {
        let families = metadata.into_iter().map(|metadata| {
            let Metadata { metric_type, family, help, unit } = metadata;
            (family, Family { family_type: FamilyType::of(metric_type), help, unit })
        });
        Self(families.collect())
    }

    pub(super) fn meaning(&self, name: &str) -> Meaning {
        let Some((family, suffix)) = self.find(name) else {
            let (description, unit) = (String::new(), String::new());
            return Meaning { kind: guess(name), type_name: None, description, unit };
        };
        Meaning {
            kind: family.family_type.kind(suffix).unwrap_or_else(|| guess(name)),
            type_name: Some(family.family_type.name()),
            description: family.help.clone(),
            unit: if is_in_unit(suffix) { units::from_prometheus(&family.unit) } else { String::new() },
        }
    }

    /// The family of a series, and what the series has behind the family's name.
    fn find(&self, name: &str) -> Option<(&Family, &'static str)> {
        if let Some(family) = self.0.get(name) {
            return Some((family, ""));
        }
        const SUFFIXES: [&str; 8] =
            ["_total", "_bucket", "_count", "_sum", "_created", "_info", "_gcount", "_gsum"];
        SUFFIXES.into_iter().find_map(|suffix| {
            let family = self.0.get(name.strip_suffix(suffix)?)?;
            family.family_type.suffixes().contains(&suffix).then_some((family, suffix))
        })
    }
}

impl FamilyType {
    fn of(code: i32) -> Self {
        match code {
            1 => Self::Counter,
            2 => Self::Gauge,
            3 => Self::Histogram,
            4 => Self::GaugeHistogram,
            5 => Self::Summary,
            6 => Self::Info,
            7 => Self::StateSet,
            _ => Self::Unknown,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
        }
    }

    /// What series of such a family have behind its name.
    fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Unknown | Self::Gauge | Self::StateSet => &[],
            Self::Counter => &["_total", "_created"],
            Self::Histogram => &["_bucket", "_count", "_sum", "_created"],
            Self::GaugeHistogram => &["_bucket", "_gcount", "_gsum"],
            Self::Summary => &["_count", "_sum", "_created"],
            Self::Info => &["_info"],
        }
    }

    /// `None` for a type that says nothing.
    fn kind(self, suffix: &str) -> Option<Kind> {
        match (self, suffix) {
            (Self::Unknown, _) => None,
            (_, "_created") | (Self::Gauge | Self::GaugeHistogram, _) => Some(Kind::Gauge),
            (Self::Counter, _) => Some(Kind::Counter),
            // The quantiles of a summary; a histogram has no series of its name but native ones.
            (Self::Histogram | Self::Summary, "") => Some(Kind::Gauge),
            (Self::Histogram | Self::Summary, _) => Some(Kind::Counter),
            (Self::Info | Self::StateSet, _) => Some(Kind::Sum),
        }
    }
}

fn guess(name: &str) -> Kind {
    let is_counter = ["_total", "_count", "_sum", "_bucket"].iter().any(|suffix| name.ends_with(suffix));
    if is_counter { Kind::Counter } else { Kind::Gauge }
}

/// Numbers of observations, and times of creation, are not in the family's unit.
fn is_in_unit(suffix: &str) -> bool {
    !matches!(suffix, "_bucket" | "_count" | "_gcount" | "_created" | "_info")
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn families(list: &[(i32, &str, &str)]) -> Families {
        let metadata = list.iter().map(|(metric_type, family, unit)| Metadata {
            metric_type: *metric_type,
            family: (*family).to_owned(),
            help: String::new(),
            unit: (*unit).to_owned(),
        });
        Families::new(metadata.collect())
    }

    /// Scenario: series of families of every type, with the suffixes of theirs and of others.
    /// Guarantees: the type decides; a suffix that the type does not have makes no member of the family.
    #[test]
    fn types_decide_where_they_are_known() {
        let families = families(&[
            (1, "orders", ""),
            (1, "hits_total", ""),
            (2, "queue", "bytes"),
            (2, "visits_count", ""),
            (3, "latency", "seconds"),
            (4, "sizes", "bytes"),
            (5, "gc", "seconds"),
            (6, "build", ""),
            (7, "feature", ""),
            (0, "misc_total", ""),
        ]);
        let names = [
            "orders_total",
            "orders_created",
            "hits_total",
            "queue",
            "queue_total",
            "visits_count",
            "latency_bucket",
            "latency_count",
            "latency_sum",
            "latency_created",
            "sizes_gsum",
            "gc",
            "gc_sum",
            "build_info",
            "feature",
            "misc_total",
            "other",
        ];
        let shown = names.map(|name| {
            let Meaning { kind, type_name, unit, .. } = families.meaning(name);
            format!("{name} {kind:?} {} {unit}", type_name.unwrap_or("-")).trim_end().to_owned()
        });
        expect![[r#"
            orders_total Counter counter
            orders_created Gauge counter
            hits_total Counter counter
            queue Gauge gauge By
            queue_total Counter -
            visits_count Gauge gauge
            latency_bucket Counter histogram
            latency_count Counter histogram
            latency_sum Counter histogram s
            latency_created Gauge histogram
            sizes_gsum Gauge gaugehistogram By
            gc Gauge summary s
            gc_sum Counter summary s
            build_info Sum info
            feature Sum stateset
            misc_total Counter unknown
            other Gauge -"#]]
        .assert_eq(&shown.join("\n"));
    }

    /// Scenario: series without any metadata.
    /// Guarantees: the usual suffixes make counters, everything else is a gauge.
    #[test]
    fn names_decide_otherwise() {
        let families = families(&[]);
        for name in ["http_requests_total", "latency_count", "latency_sum", "latency_bucket"] {
            assert_eq!(families.meaning(name).kind, Kind::Counter, "{name}");
        }
        for name in ["up", "target_info", "queue_length", "latency_created", "total"] {
            assert_eq!(families.meaning(name).kind, Kind::Gauge, "{name}");
        }
    }
}
