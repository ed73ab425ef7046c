//! Which series of a service are worth reading: those of the instances with the largest values.

use super::{Figure, StreamsQuery};
use crate::error::Error;
use crate::query::metrics::increase::Temporality;
use crate::query::rows::{self, column};
use crate::query::session::Session;
use arrow::array::{Array, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array};
use std::collections::BTreeMap;

/// Series that are ranked, some 4 MB; those with the most points, where a service has more.
const RANKED_MAX: usize = 20_000;
/// Series that are read for one answer. At 60 steps each they take 6 MB.
const READ_MAX: usize = 6_000;

/// Points of one name, unit and type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) unit: String,
    metric_type: String,
    pub(super) temporality: Option<String>,
    is_monotonic: Option<bool>,
}

/// A series, and what decides whether it is read.
#[derive(Debug, Clone)]
pub(super) struct Ranked {
    family: Family,
    id: u64,
    /// Empty where none was sent.
    instance: String,
    n_points: i64,
    low: f64,
    high: f64,
    added: f64,
}

/// A metric and its series that are read.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) family: Family,
    pub(super) figure: Figure,
    pub(super) series: Vec<u64>,
    pub(super) truncated: bool,
}

impl Family {
    /// A histogram or a summary.
    pub(super) fn is_distribution(&self) -> bool {
        matches!(self.metric_type.as_str(), "histogram" | "exponential_histogram" | "summary")
    }

    /// A sum that may fall and comes in deltas has no value that is known.
    fn gives(&self, figure: Figure) -> bool {
        let is_delta = Temporality::named(self.temporality.as_deref()) == Temporality::Delta;
        match figure {
            Figure::Value => !self.is_distribution() && !is_delta,
            Figure::Rate => self.is_distribution() || !is_delta || self.is_monotonic == Some(true),
        }
    }

    /// The largest value of a series, or how much it grew.
    fn size(&self, figure: Figure, series: &Ranked) -> f64 {
        match (figure, Temporality::named(self.temporality.as_deref())) {
            (Figure::Value, _) => series.high,
            (Figure::Rate, Temporality::Delta) => series.added,
            (Figure::Rate, Temporality::Cumulative) => series.high - series.low,
        }
    }
}

/// The series of the metrics that are wanted.
pub(super) async fn ranked(session: &Session, query: &StreamsQuery) -> Result<Vec<Ranked>, Error> {
    let mut all = Vec::new();
    if !query.wanted.is_empty() {
        session.for_each(&sql(query), |batch| read(batch, &mut all)).await?;
    }
    Ok(all)
}

fn sql(query: &StreamsQuery) -> String {
    const SERIES: &str = "name, unit, type, temporality, is_monotonic, series_id, service_instance_id";
    format!(
        "SELECT {SERIES}, count(*) AS n, min(measured) AS low, max(measured) AS high, sum(measured) AS added\n\
         FROM (\n  SELECT {SERIES}, coalesce(value, \"sum\") AS measured\n  FROM metric_points\n  WHERE {}\n)\n\
         GROUP BY {SERIES}\nORDER BY n DESC, series_id\nLIMIT {RANKED_MAX}",
        query.matching(query.wanted.keys(), query.range)
    )
}

fn read(batch: &RecordBatch, all: &mut Vec<Ranked>) -> Result<(), Error> {
    let texts = |name| column::<StringArray>(batch, name);
    let (names, units, types) = (texts("name")?, texts("unit")?, texts("type")?);
    let (temporalities, instances) = (texts("temporality")?, texts("service_instance_id")?);
    let monotonic = column::<BooleanArray>(batch, "is_monotonic")?;
    let ids = column::<UInt64Array>(batch, "series_id")?;
    let n_points = column::<Int64Array>(batch, "n")?;
    let numbers = |name| column::<Float64Array>(batch, name);
    let (low, high, added) = (numbers("low")?, numbers("high")?, numbers("added")?);
    for row in (0..batch.num_rows()).filter(|row| high.is_valid(*row)) {
        let family = Family {
            name: names.value(row).to_owned(),
            unit: units.value(row).to_owned(),
            metric_type: types.value(row).to_owned(),
            temporality: temporalities.is_valid(row).then(|| temporalities.value(row).to_owned()),
            is_monotonic: monotonic.is_valid(row).then(|| monotonic.value(row)),
        };
        all.push(Ranked {
            family,
            id: ids.value(row),
            instance: rows::text(instances, row).to_owned(),
            n_points: n_points.value(row),
            low: low.value(row),
            high: high.value(row),
            added: added.value(row),
        });
    }
    Ok(())
}

/// By name, within the bounds of the query and of one answer.
pub(super) fn choose(ranked: Vec<Ranked>, query: &StreamsQuery) -> Vec<Chosen> {
    let mut names: BTreeMap<String, BTreeMap<Family, Vec<Ranked>>> = BTreeMap::new();
    for series in ranked {
        let families = names.entry(series.family.name.clone()).or_default();
        families.entry(series.family.clone()).or_default().push(series);
    }
    let mut left = READ_MAX;
    let mut all = Vec::new();
    for (name, families) in names {
        let Some(&figure) = query.wanted.get(&name) else { continue };
        let able = families.into_iter().filter(|(family, _)| family.gives(figure));
        let n_points = |series: &[Ranked]| series.iter().map(|one| one.n_points).sum::<i64>();
        let Some((family, series)) = able.max_by_key(|(_, series)| n_points(series)) else { continue };
        let n_series = series.len();
        let mut kept = largest(&family, figure, series, query.instances_max);
        kept.truncate(query.series_max.min(left));
        left -= kept.len();
        let truncated = kept.len() < n_series;
        all.push(Chosen { family, figure, series: kept, truncated });
    }
    all
}

/// All series of the instances with the largest values, largest first. Those without an instance stand together.
fn largest(family: &Family, figure: Figure, mut series: Vec<Ranked>, instances_max: usize) -> Vec<u64> {
    let size = |one: &Ranked| family.size(figure, one);
    series.sort_by(|a, b| size(b).total_cmp(&size(a)).then_with(|| a.id.cmp(&b.id)));
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut instances: Vec<Vec<u64>> = Vec::new();
    for one in series {
        let place = *places.entry(one.instance).or_insert(instances.len());
        if place == instances.len() {
            instances.push(Vec::new());
        }
        instances[place].push(one.id);
    }
    instances.into_iter().take(instances_max).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::TimeRange;
    use std::time::Duration;

    fn family(metric_type: &str, temporality: Option<&str>, is_monotonic: Option<bool>) -> Family {
        let (name, unit) = ("m".to_owned(), String::new());
        let (metric_type, temporality) = (metric_type.to_owned(), temporality.map(str::to_owned));
        Family { name, unit, metric_type, temporality, is_monotonic }
    }

    fn series(family: &Family, id: u64, instance: &str, n_points: i64, low: f64, high: f64) -> Ranked {
        Ranked { family: family.clone(), id, instance: instance.to_owned(), n_points, low, high, added: high }
    }

    fn query(figure: Figure, instances_max: usize, series_max: usize) -> StreamsQuery {
        StreamsQuery {
            range: TimeRange { from: 0, to: 1 },
            service: "shop".to_owned(),
            step: Duration::from_secs(60),
            wanted: BTreeMap::from([("m".to_owned(), figure)]),
            instances_max,
            series_max,
        }
    }

    /// Scenario: a counter of four instances, the one with the largest total of which stands still; then fewer may be
    /// read.
    /// Guarantees: growth decides, an instance keeps all its series, and what is left out is said.
    #[test]
    fn keeps_the_largest_instances() {
        let counter = family("sum", Some("cumulative"), Some(true));
        let all = vec![
            series(&counter, 1, "still", 6, 1000.0, 1000.0),
            series(&counter, 2, "busy", 6, 0.0, 50.0),
            series(&counter, 3, "busy", 6, 0.0, 1.0),
            series(&counter, 4, "calm", 6, 0.0, 10.0),
            series(&counter, 5, "", 6, 0.0, 20.0),
        ];
        let kept = |instances_max, series_max| {
            let chosen = choose(all.clone(), &query(Figure::Rate, instances_max, series_max));
            (chosen[0].series.clone(), chosen[0].truncated)
        };
        assert_eq!(kept(9, 9), (vec![2, 3, 5, 4, 1], false));
        assert_eq!(kept(2, 9), (vec![2, 3, 5], true));
        assert_eq!(kept(9, 1), (vec![2], true));
    }

    /// Scenario: one name with two types, and kinds of points that cannot give what is wanted.
    /// Guarantees: the type with the most points is read, of those that can; none is better than a wrong number.
    #[test]
    fn chooses_a_family_that_can() {
        let gauge = family("gauge", None, None);
        let histogram = family("histogram", Some("cumulative"), None);
        let falling = family("sum", Some("delta"), Some(false));
        let all = vec![
            series(&gauge, 1, "a", 3, 0.0, 1.0),
            series(&histogram, 2, "a", 9, 0.0, 1.0),
            series(&falling, 3, "a", 99, 0.0, 1.0),
        ];
        let kept = |figure| choose(all.clone(), &query(figure, 9, 9))[0].series.clone();
        assert_eq!(kept(Figure::Value), [1]);
        assert_eq!(kept(Figure::Rate), [2]);
        let only_falling = vec![series(&falling, 3, "a", 99, 0.0, 1.0)];
        assert!(choose(only_falling, &query(Figure::Value, 9, 9)).is_empty());
    }
}
