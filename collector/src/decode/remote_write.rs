//! Prometheus' remote write 1.0 as metrics of OTLP.
//!
//! The labels of a series become name, resource, scope and attributes, as OpenTelemetry's compatibility
//! specification with Prometheus says. Every sample is a number point of its own: the series of a classic histogram
//! or a summary stay what they are. `docs/zipkin-and-prometheus.md` has the table.

mod exemplars;
mod families;
mod gathered;
mod labels;
mod messages;
mod native;
#[cfg(test)]
mod tests;
mod units;

use super::protobuf::weigh;
use super::{Error, Report, Request, decoded_bytes_max};
use crate::telemetry::Reason;
use bytes::Bytes;
use families::Families;
use gathered::Gathered;
use messages::{MessageKind, WriteRequest};
use prost::Message as _;

/// Bytes for what a request says once and points say each: a series with many samples has its labels with every
/// one. Room for 50,000 points of ten labels, from however small a request.
const REPEATED_BYTES: usize = 64 << 20;

/// Prometheus' mark for "this series has ended", one of the many bit patterns that are not a number.
const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

pub(super) fn decode(body: &Bytes, report: &mut Report) -> Result<Request, Error> {
    let bytes_max = decoded_bytes_max(body);
    if weigh(MessageKind::WriteRequest, body, bytes_max).is_none() {
        return Err(Error::TooLarge { bytes_max });
    }
    let request = WriteRequest::decode(body.clone()).map_err(|source| Error::RemoteWrite { source })?;
    let WriteRequest { timeseries, metadata } = request;
    if timeseries.is_empty() && !metadata.is_empty() {
        report.add(Reason::MetadataWithoutSeries, metadata.len() as u64, || {
            format!("metadata of {} metrics came without any of their series", metadata.len())
        });
    }
    let mut gathered = Gathered::new(Families::new(metadata), bytes_max.saturating_add(REPEATED_BYTES));
    for series in exemplars::joined(timeseries, report) {
        gathered.add(series, report)?;
    }
    Ok(Request::Metrics(gathered.into_request()))
}

/// Milliseconds since 1970 in nanoseconds; `None` before 1970, which OTLP has no times for.
fn nanos(ms: i64) -> Option<u64> {
    Some(u64::try_from(ms).ok()?.saturating_mul(1_000_000))
}
