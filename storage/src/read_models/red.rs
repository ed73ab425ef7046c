//! Rate, errors and duration per series and 10 seconds, computed from spans as they come in: of operations with all
//! that tells them apart, and of what services were asked for as a whole.
//!
//! A request's spans are first summed up by themselves, outside any lock, and then melted into the
//! hot cells. How many series are kept apart is decided by `admission`.

mod admission;
mod counts;
mod rows;

pub(crate) use rows::{OperationCells, ServiceCells};

use super::cells::{Cells, pack};
use super::known::KnownServices;
use super::resolution::Resolution;
use super::sampling::{ONE_Q16, weight_q16};
use crate::columns::column;
use admission::{Admission, operation_offers, service_offers};
use arrow::array::{
    Array, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray,
};
use arrow::datatypes::{Int64Type, TimestampNanosecondType};
use counts::{Counting, Counts};
use rows::YES;
use std::collections::HashMap;

/// Classes of HTTP's status codes, from 100 on.
static HTTP_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The columns of spans that are read.
pub(crate) const SPAN_COLUMNS: [&str; 13] = [
    "service",
    "service_version",
    "environment",
    "service_instance_id",
    "name",
    "kind",
    "trace_state",
    "http_response_status_code",
    "rpc_response_status_code",
    "is_entry",
    "is_error",
    "end_time",
    "duration_ns",
];

/// What all cells of a resource's spans have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Resource<'a> {
    service: &'a str,
    version: &'a str,
    environment: &'a str,
    instance: &'a str,
}

/// A key of the delta. Rows of one resource stand together, so that its four texts are compared rather than hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Series<'a> {
    resource_idx: usize,
    operation: &'a str,
    kind: &'a str,
    is_entry: bool,
    status_class: &'a str,
    bucket: i64,
}

/// A batch of spans, summed up.
#[derive(Debug)]
pub(crate) struct RedDelta<'a> {
    resources: Vec<Resource<'a>>,
    cells: HashMap<Series<'a>, Counts>,
}

/// The read models of the rows that are in memory.
#[derive(Debug, Default)]
pub(crate) struct RedCells {
    operations: Cells<Counts>,
    services: Cells<Counts>,
    operation_admission: Admission,
    service_admission: Admission,
    n_spans_overflow: u64,
}

impl<'a> RedDelta<'a> {
    /// Sums up a batch of the spans table, or of the columns `SPAN_COLUMNS` of one.
    pub(crate) fn of(spans: &'a RecordBatch) -> Self {
        let spans = Spans::of(spans);
        let mut resources = Resources::default();
        let mut cells = HashMap::<Series<'a>, Counts>::new();
        let mut sampled = ("", ONE_Q16);
        for row in 0..spans.end_time.len() {
            // Spans of one sampler and trace say the same.
            let trace_state = spans.trace_state.value(row);
            if trace_state != sampled.0 {
                sampled = (trace_state, weight_q16(trace_state));
            }
            let counting = Counting {
                duration_ns: spans.duration_ns.value(row),
                is_error: spans.is_error.value(row),
                weight_q16: sampled.1,
            };
            let resource_idx = resources.idx_of(spans.resource(row));
            cells.entry(spans.series(row, resource_idx)).or_default().record(counting);
        }
        Self { resources: resources.all, cells }
    }
}

/// The resources of a batch, by the order in which they first came.
#[derive(Default)]
struct Resources<'a> {
    all: Vec<Resource<'a>>,
    known: HashMap<Resource<'a>, usize>,
    /// The place of the last row's.
    last_idx: usize,
}

impl<'a> Resources<'a> {
    fn idx_of(&mut self, resource: Resource<'a>) -> usize {
        if self.all.get(self.last_idx) != Some(&resource) {
            self.last_idx = *self.known.entry(resource).or_insert(self.all.len());
            if self.last_idx == self.all.len() {
                self.all.push(resource);
            }
        }
        self.last_idx
    }
}

/// The columns of the spans table that count here.
struct Spans<'a> {
    service: &'a StringArray,
    version: &'a StringArray,
    environment: &'a StringArray,
    instance: &'a StringArray,
    operation: &'a StringArray,
    kind: &'a StringArray,
    trace_state: &'a StringArray,
    http_status: &'a Int64Array,
    rpc_status: &'a StringArray,
    is_entry: &'a BooleanArray,
    is_error: &'a BooleanArray,
    end_time: &'a TimestampNanosecondArray,
    duration_ns: &'a Int64Array,
}

impl<'a> Spans<'a> {
    fn of(spans: &'a RecordBatch) -> Self {
        let text = |name| column(spans, name).as_string::<i32>();
        let number = |name| column(spans, name).as_primitive::<Int64Type>();
        Self {
            service: text("service"),
            version: text("service_version"),
            environment: text("environment"),
            instance: text("service_instance_id"),
            operation: text("name"),
            kind: text("kind"),
            trace_state: text("trace_state"),
            http_status: number("http_response_status_code"),
            rpc_status: text("rpc_response_status_code"),
            is_entry: column(spans, "is_entry").as_boolean(),
            is_error: column(spans, "is_error").as_boolean(),
            end_time: column(spans, "end_time").as_primitive::<TimestampNanosecondType>(),
            duration_ns: number("duration_ns"),
        }
    }

    fn resource(&self, row: usize) -> Resource<'a> {
        Resource {
            service: self.service.value(row),
            version: or_empty(self.version, row),
            environment: or_empty(self.environment, row),
            instance: or_empty(self.instance, row),
        }
    }

    fn series(&self, row: usize, resource_idx: usize) -> Series<'a> {
        Series {
            resource_idx,
            operation: self.operation.value(row),
            kind: self.kind.value(row),
            is_entry: self.is_entry.value(row),
            status_class: self.status_class(row),
            bucket: Resolution::TenSeconds.bucket_of(self.end_time.value(row)),
        }
    }

    /// What the answer was: the class of HTTP's status, else what RPC calls it, else empty.
    fn status_class(&self, row: usize) -> &'a str {
        let hundreds = self.http_status.is_valid(row).then(|| self.http_status.value(row) / 100);
        let class = hundreds.and_then(|n| HTTP_CLASSES.get(usize::try_from(n - 1).ok()?));
        class.copied().unwrap_or_else(|| or_empty(self.rpc_status, row))
    }
}

fn or_empty(column: &StringArray, row: usize) -> &str {
    if column.is_null(row) { "" } else { column.value(row) }
}

impl RedCells {
    /// Adds what a batch came to. Known services have a place, whatever else came before.
    pub(crate) fn merge(&mut self, delta: RedDelta<'_>, known: &KnownServices) {
        let mut key = Vec::new();
        for (series, counts) in &delta.cells {
            let resource = delta.resources[series.resource_idx];
            let mut is_whole = self.add_to_operation(&mut key, series, resource, counts, known);
            if series.is_entry {
                is_whole &= self.add_to_service(&mut key, series.bucket, resource, counts, known);
            }
            if !is_whole {
                self.n_spans_overflow += counts.n_spans();
            }
        }
    }

    pub(crate) fn n_bytes(&self) -> u64 {
        let admission = self.operation_admission.n_bytes() + self.service_admission.n_bytes();
        (self.operations.n_bytes() + self.services.n_bytes() + admission) as u64
    }

    /// Is half of the room for series taken that are kept apart?
    pub(crate) fn is_crowded(&self) -> bool {
        self.operation_admission.is_crowded() || self.service_admission.is_crowded()
    }

    /// The services that have a place, some twice, each with a number of series.
    pub(crate) fn admitted(&self) -> impl Iterator<Item = (&str, usize)> {
        self.operation_admission.services().chain(self.service_admission.services())
    }

    /// Lets in as many more as if nothing had come yet.
    pub(crate) fn renew_room(&mut self) {
        (self.operation_admission, self.service_admission) = Default::default();
    }

    /// Spans that are counted under less than their own key.
    pub(crate) fn n_spans_overflow(&self) -> u64 {
        self.n_spans_overflow
    }

    pub(crate) fn operations(&self) -> OperationCells {
        OperationCells(self.operations.share())
    }

    pub(crate) fn services(&self) -> ServiceCells {
        ServiceCells(self.services.share())
    }

    /// Is the cell that of the series itself?
    fn add_to_operation(
        &mut self,
        key: &mut Vec<u8>,
        series: &Series<'_>,
        resource: Resource<'_>,
        counts: &Counts,
        known: &KnownServices,
    ) -> bool {
        let wanted = [
            resource.service,
            series.operation,
            series.kind,
            if series.is_entry { YES } else { "" },
            series.status_class,
            resource.version,
            resource.environment,
            resource.instance,
        ];
        pack(wanted, key);
        let mut admitted = wanted;
        if !self.operations.has(key) {
            let cells = &self.operations;
            admitted = self.operation_admission.admit(&operation_offers(wanted), known, |texts| {
                pack(*texts, key);
                cells.has(key)
            });
            pack(admitted, key);
        }
        self.operations.add(key, series.bucket, counts);
        admitted == wanted
    }

    /// Is the cell that of the service itself?
    fn add_to_service(
        &mut self,
        key: &mut Vec<u8>,
        bucket: i64,
        resource: Resource<'_>,
        counts: &Counts,
        known: &KnownServices,
    ) -> bool {
        let wanted = [resource.service, resource.version, resource.environment];
        pack(wanted, key);
        let mut admitted = wanted;
        if !self.services.has(key) {
            let cells = &self.services;
            admitted = self.service_admission.admit(&service_offers(wanted), known, |texts| {
                pack(*texts, key);
                cells.has(key)
            });
            pack(admitted, key);
        }
        self.services.add(key, bucket, counts);
        admitted == wanted
    }
}
