//! Native histograms as exponential ones.
//!
//! Both divide each power of two into buckets of equal ratio and count the zeros apart; Prometheus' schema is OTLP's
//! scale. Bucket `i` of Prometheus ends at `base^i`, that of OTLP begins there, so that the number is one less.
//! Prometheus keeps rows of buckets with gaps between them, and of integers each count as the difference to the one
//! before; OTLP has one row.

use super::STALE_BITS;
use super::messages::{BucketSpan, Histogram};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{DataPointFlags, ExponentialHistogramDataPoint};
use std::ops::RangeInclusive;

/// Schemas that are scales. The others are custom bounds, or do not exist.
const SCHEMAS: RangeInclusive<i32> = -4..=8;
/// The reset hint of a histogram that goes up and down, which OTLP does not have.
const GAUGE: i32 = 3;
/// Buckets of one sign with their gaps. At the finest schema this spans 19 decades.
const BUCKETS_MAX: u64 = 1 << 14;
/// Above it not every whole number has a 64-bit float of its own.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// The point, or what is wrong with the histogram: the rest of a sentence that begins with its name.
pub(super) fn point(
    histogram: Histogram,
    time_unix_nano: u64,
    attributes: Vec<KeyValue>,
) -> Result<ExponentialHistogramDataPoint, String> {
    let point = ExponentialHistogramDataPoint {
        attributes,
        time_unix_nano,
        ..ExponentialHistogramDataPoint::default()
    };
    if histogram.sum_bits == STALE_BITS {
        let flags = DataPointFlags::NoRecordedValueMask as u32;
        return Ok(ExponentialHistogramDataPoint { flags, ..point });
    }
    if histogram.reset_hint == GAUGE {
        return Err("is a gauge, and only cumulative ones are stored".to_owned());
    }
    let scale = histogram.schema;
    if !SCHEMAS.contains(&scale) {
        return Err(format!("has schema {scale}, and schemas {SCHEMAS:?} are stored"));
    }
    let positive = counts(histogram.positive_deltas, histogram.positive_counts)?;
    let negative = counts(histogram.negative_deltas, histogram.negative_counts)?;
    Ok(ExponentialHistogramDataPoint {
        count: count(histogram.count_int, histogram.count_float)?,
        sum: Some(f64::from_bits(histogram.sum_bits)),
        scale,
        zero_count: count(histogram.zero_count_int, histogram.zero_count_float)?,
        zero_threshold: histogram.zero_threshold,
        positive: buckets(&histogram.positive_spans, positive)?,
        negative: buckets(&histogram.negative_spans, negative)?,
        ..point
    })
}

fn count(int: Option<u64>, float: Option<f64>) -> Result<u64, String> {
    match (int, float) {
        (Some(int), _) => Ok(int),
        (None, Some(float)) => whole(float),
        (None, None) => Ok(0),
    }
}

/// Counts of the buckets, gaps left out.
fn counts(deltas: Vec<i64>, floats: Vec<f64>) -> Result<Vec<u64>, String> {
    if !floats.is_empty() {
        return floats.into_iter().map(whole).collect();
    }
    let mut count = 0_i64;
    let absolute = deltas.into_iter().map(|delta| -> Result<u64, String> {
        let next = count.checked_add(delta).and_then(|next| Some((next, u64::try_from(next).ok()?)));
        let (next, absolute) = next.ok_or("has a bucket that counts less than nothing")?;
        count = next;
        Ok(absolute)
    });
    absolute.collect()
}

/// Float histograms come from calculations; those of plain counts are stored, fractions are not.
fn whole(float: f64) -> Result<u64, String> {
    let is_whole = float.fract() == 0.0 && (0.0..=WHOLE_MAX).contains(&float);
    if is_whole { Ok(float as u64) } else { Err(format!("counts {float}, which is no whole number")) }
}

/// One row of buckets, zeros in the gaps; `None` for no bucket at all.
fn buckets(spans: &[BucketSpan], counts: Vec<u64>) -> Result<Option<Buckets>, String> {
    let mut counts = counts.into_iter();
    let mut row = Vec::new();
    for (place, span) in spans.iter().enumerate() {
        // The first offset is where the row begins.
        let gap = if place == 0 { 0 } else { span.offset };
        let gap = u64::try_from(gap).map_err(|_| "has rows of buckets over each other")?;
        let n_buckets = row.len() as u64 + gap + u64::from(span.length);
        if n_buckets > BUCKETS_MAX {
            return Err(format!("spans {n_buckets} buckets, and at most {BUCKETS_MAX} are stored"));
        }
        let n_before = row.len() + gap as usize;
        row.resize(n_before, 0);
        row.extend(counts.by_ref().take(span.length as usize));
        if row.len() as u64 != n_buckets {
            return Err("has fewer counts than buckets".to_owned());
        }
    }
    if counts.next().is_some() {
        return Err("has more counts than buckets".to_owned());
    }
    let Some(first) = spans.first().filter(|_| !row.is_empty()) else { return Ok(None) };
    let offset = first.offset.checked_sub(1).ok_or("has a bucket below all numbers")?;
    Ok(Some(Buckets { offset, bucket_counts: row }))
}
