//! Messages of the metrics signal.

use super::{FieldValue, Message, messages, scalar};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar,
    number_data_point,
};
use serde::de::MapAccess;

messages! {
    ExportMetricsServiceRequest { "resourceMetrics": list(resource_metrics) }
    ResourceMetrics {
        "resource": object(resource), "scopeMetrics": list(scope_metrics), "schemaUrl": text(schema_url)
    }
    ScopeMetrics { "scope": object(scope), "metrics": list(metrics), "schemaUrl": text(schema_url) }
    Gauge { "dataPoints": list(data_points) }
    Sum {
        "dataPoints": list(data_points), "aggregationTemporality": enumeration(aggregation_temporality),
        "isMonotonic": bool(is_monotonic)
    }
    Histogram {
        "dataPoints": list(data_points), "aggregationTemporality": enumeration(aggregation_temporality)
    }
    ExponentialHistogram {
        "dataPoints": list(data_points), "aggregationTemporality": enumeration(aggregation_temporality)
    }
    Summary { "dataPoints": list(data_points) }
    Buckets { "offset": i32(offset), "bucketCounts": u64s(bucket_counts) }
    SummaryDataPoint {
        "attributes": attributes(attributes), "startTimeUnixNano": u64(start_time_unix_nano),
        "timeUnixNano": u64(time_unix_nano), "count": u64(count), "sum": f64(sum),
        "quantileValues": list(quantile_values), "flags": u32(flags)
    }
    ValueAtQuantile { "quantile": f64(quantile), "value": f64(value) }
}

impl Message for Metric {
    const NAME: &'static str = "Metric";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "name" => value.text(&mut self.name)?,
            "description" => value.text(&mut self.description)?,
            "unit" => value.text(&mut self.unit)?,
            "metadata" => value.attributes(&mut self.metadata)?,
            "gauge" => data(value, &mut self.data, Data::Gauge)?,
            "sum" => data(value, &mut self.data, Data::Sum)?,
            "histogram" => data(value, &mut self.data, Data::Histogram)?,
            "exponentialHistogram" => data(value, &mut self.data, Data::ExponentialHistogram)?,
            "summary" => data(value, &mut self.data, Data::Summary)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Message for NumberDataPoint {
    const NAME: &'static str = "NumberDataPoint";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "attributes" => value.attributes(&mut self.attributes)?,
            "startTimeUnixNano" => value.u64(&mut self.start_time_unix_nano)?,
            "timeUnixNano" => value.u64(&mut self.time_unix_nano)?,
            "exemplars" => value.list(&mut self.exemplars)?,
            "flags" => value.u32(&mut self.flags)?,
            "asDouble" => {
                if let Some(double) = value.scalar(scalar::F64)? {
                    self.value = Some(number_data_point::Value::AsDouble(double));
                }
            }
            "asInt" => {
                if let Some(int) = value.scalar(scalar::I64)? {
                    self.value = Some(number_data_point::Value::AsInt(int));
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Message for HistogramDataPoint {
    const NAME: &'static str = "HistogramDataPoint";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "attributes" => value.attributes(&mut self.attributes)?,
            "startTimeUnixNano" => value.u64(&mut self.start_time_unix_nano)?,
            "timeUnixNano" => value.u64(&mut self.time_unix_nano)?,
            "count" => value.u64(&mut self.count)?,
            "bucketCounts" => value.u64s(&mut self.bucket_counts)?,
            "explicitBounds" => value.f64s(&mut self.explicit_bounds)?,
            "exemplars" => value.list(&mut self.exemplars)?,
            "flags" => value.u32(&mut self.flags)?,
            "sum" => optional_f64(value, &mut self.sum)?,
            "min" => optional_f64(value, &mut self.min)?,
            "max" => optional_f64(value, &mut self.max)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Message for ExponentialHistogramDataPoint {
    const NAME: &'static str = "ExponentialHistogramDataPoint";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "attributes" => value.attributes(&mut self.attributes)?,
            "startTimeUnixNano" => value.u64(&mut self.start_time_unix_nano)?,
            "timeUnixNano" => value.u64(&mut self.time_unix_nano)?,
            "count" => value.u64(&mut self.count)?,
            "scale" => value.i32(&mut self.scale)?,
            "zeroCount" => value.u64(&mut self.zero_count)?,
            "positive" => value.object(&mut self.positive)?,
            "negative" => value.object(&mut self.negative)?,
            "flags" => value.u32(&mut self.flags)?,
            "exemplars" => value.list(&mut self.exemplars)?,
            "zeroThreshold" => value.f64(&mut self.zero_threshold)?,
            "sum" => optional_f64(value, &mut self.sum)?,
            "min" => optional_f64(value, &mut self.min)?,
            "max" => optional_f64(value, &mut self.max)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Message for Exemplar {
    const NAME: &'static str = "Exemplar";

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: &mut FieldValue<'_, A>,
    ) -> Result<bool, A::Error> {
        match name {
            "filteredAttributes" => value.attributes(&mut self.filtered_attributes)?,
            "timeUnixNano" => value.u64(&mut self.time_unix_nano)?,
            "spanId" => value.id(&mut self.span_id)?,
            "traceId" => value.id(&mut self.trace_id)?,
            "asDouble" => {
                if let Some(double) = value.scalar(scalar::F64)? {
                    self.value = Some(exemplar::Value::AsDouble(double));
                }
            }
            "asInt" => {
                if let Some(int) = value.scalar(scalar::I64)? {
                    self.value = Some(exemplar::Value::AsInt(int));
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// One of a metric's five kinds of data.
fn data<'de, A: MapAccess<'de>, T: Message>(
    value: &mut FieldValue<'_, A>,
    target: &mut Option<Data>,
    wrap: fn(T) -> Data,
) -> Result<(), A::Error> {
    let mut message = None;
    value.object(&mut message)?;
    if let Some(message) = message {
        *target = Some(wrap(message));
    }
    Ok(())
}

fn optional_f64<'de, A: MapAccess<'de>>(
    value: &mut FieldValue<'_, A>,
    target: &mut Option<f64>,
) -> Result<(), A::Error> {
    if let Some(number) = value.scalar(scalar::F64)? {
        *target = Some(number);
    }
    Ok(())
}
