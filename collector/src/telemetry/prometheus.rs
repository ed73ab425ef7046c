//! Prometheus' text format, version 0.0.4.
//!
//! Names end in their unit or `_total`; label values come from closed lists, so none needs escaping.

use super::{ACK_BOUNDS_MS, State};
use std::fmt::{Display, Write};
use storage::{EdgeStats, Signal, Stats};

pub(super) fn render(state: &State, inflight_bytes: u64, engine: &Stats) -> String {
    let mut page = Page(String::new());
    received(&mut page, state, inflight_bytes);
    refused(&mut page, state);
    ack(&mut page, state);
    stored(&mut page, engine);
    page.0
}

fn received(page: &mut Page, state: &State, inflight_bytes: u64) {
    page.family("firstfault_received_requests_total", "counter", "Requests acknowledged.");
    for (kind, n) in &state.requests {
        let (signal, transport, encoding) = (kind.signal, kind.transport.name(), kind.encoding);
        let labels = format!("{{signal=\"{signal}\",transport=\"{transport}\",encoding=\"{encoding}\"}}");
        page.sample("firstfault_received_requests_total", &labels, n);
    }
    page.per_signal(
        "firstfault_received_bytes_total",
        "Bytes of acknowledged requests after decompression.",
        |signal| state.signals[signal as usize].received_bytes,
    );
    page.per_signal(
        "firstfault_accepted_items_total",
        "Spans, log records and data points stored.",
        |signal| state.signals[signal as usize].n_accepted,
    );
    page.per_signal(
        "firstfault_resent_requests_total",
        "Requests that were stored before, answered as they were then and not stored again.",
        |signal| state.signals[signal as usize].n_resent,
    );
    page.gauge("firstfault_inflight_bytes", "Bytes of requests being read or decoded.", inflight_bytes);
}

fn refused(page: &mut Page, state: &State) {
    page.family("firstfault_refused_requests_total", "counter", "Requests refused as a whole, by reason.");
    for ((signal, reason), n) in &state.refused {
        let signal = signal.map_or("unknown", Signal::name);
        let labels = format!("{{signal=\"{signal}\",reason=\"{}\"}}", reason.name());
        page.sample("firstfault_refused_requests_total", &labels, n);
    }
    page.family(
        "firstfault_findings_total",
        "counter",
        "Items rejected (class item), stored with a loss (warning) or repaired (note), by reason.",
    );
    for ((signal, reason), n) in &state.findings {
        let (class, reason) = (reason.class().name(), reason.name());
        let labels = format!("{{signal=\"{signal}\",class=\"{class}\",reason=\"{reason}\"}}");
        page.sample("firstfault_findings_total", &labels, n);
    }
    page.per_signal("firstfault_rejected_items_total", "Items rejected.", |signal| {
        state.signals[signal as usize].n_rejected
    });
}

fn ack(page: &mut Page, state: &State) {
    let name = "firstfault_ack_duration_seconds";
    page.family(name, "histogram", "From the whole request to its acknowledgement.");
    for (n, bound_ms) in state.ack.n_at_most.iter().zip(ACK_BOUNDS_MS) {
        page.sample(&format!("{name}_bucket"), &format!("{{le=\"{}\"}}", bound_ms as f64 / 1e3), n);
    }
    page.sample(&format!("{name}_bucket"), "{le=\"+Inf\"}", state.ack.n);
    page.sample(&format!("{name}_sum"), "", state.ack.sum.as_secs_f64());
    page.sample(&format!("{name}_count"), "", state.ack.n);
}

fn stored(page: &mut Page, engine: &Stats) {
    page.per_signal("firstfault_stored_rows_total", "Rows ever stored in this data directory.", |signal| {
        engine.rows_ever.of(signal)
    });
    page.gauge("firstfault_segments", "Live segments.", engine.n_segments);
    page.gauge("firstfault_segment_bytes", "Bytes of live segments.", engine.segment_bytes);
    page.gauge("firstfault_wal_bytes", "Bytes of the write-ahead log.", engine.wal_bytes);
    page.gauge("firstfault_hot_bytes", "Bytes of rows and read model in memory.", engine.hot_bytes);
    page.gauge("firstfault_hot_rows", "Rows in memory.", engine.hot_rows);
    page.gauge(
        "firstfault_disk_free_bytes",
        "Free bytes where the data directory is.",
        engine.disk_free_bytes,
    );
    page.gauge(
        "firstfault_disk_reserve_bytes",
        "With fewer free bytes than this, requests are refused.",
        engine.disk_reserve_bytes,
    );
    page.gauge(
        "firstfault_disk_almost_full",
        "Whether the reserve is reached and requests are refused.",
        u8::from(engine.is_disk_almost_full()),
    );
    page.counter("firstfault_wal_fsyncs_total", "Group commits of the write-ahead log.", engine.n_fsyncs);
    let seconds = |nanos: u64| nanos as f64 / 1e9;
    page.gauge(
        "firstfault_wal_fsync_last_seconds",
        "Duration of the last group commit.",
        seconds(engine.fsync_ns_last),
    );
    page.gauge(
        "firstfault_wal_fsync_max_seconds",
        "Longest group commit so far.",
        seconds(engine.fsync_ns_max),
    );
    page.counter("firstfault_flushes_total", "Flushes of memory into segments.", engine.n_flushes);
    page.counter(
        "firstfault_flushes_failed_total",
        "Flushes that failed and are tried again.",
        engine.n_flushes_failed,
    );
    page.counter(
        "firstfault_segments_expired_total",
        "Segments deleted at the end of their time.",
        engine.n_segments_expired,
    );
    page.counter(
        "firstfault_segments_displaced_total",
        "Segments deleted before their time, to stay within the bytes that are kept.",
        engine.n_segments_displaced,
    );
    page.counter("firstfault_merges_total", "Merges of small segments into larger ones.", engine.n_merges);
    page.counter(
        "firstfault_merges_failed_total",
        "Merges that failed; their segments stay as they are.",
        engine.n_merges_failed,
    );
    page.counter(
        "firstfault_wal_records_adopted_total",
        "Records whose request went away and whose rows came from the log.",
        engine.n_records_adopted,
    );
    page.counter(
        "firstfault_wal_records_undecodable_total",
        "Records of the log that could not be decoded and were set aside.",
        engine.n_records_undecodable,
    );
    page.counter(
        "firstfault_wal_records_missing_total",
        "Records that the log should have had at the start and had not.",
        engine.n_records_missing,
    );
    page.counter(
        "firstfault_red_overflow_spans_total",
        "Spans counted under an instance, version, operation or service called (other), there being too many series.",
        engine.n_spans_red_overflow,
    );
    page.counter(
        "firstfault_instances_overflow_items_total",
        "Spans, log records and points counted under the instance (other), there being too many instances.",
        engine.n_items_seen_overflow,
    );
    edges(page, &engine.edges);
}

fn edges(page: &mut Page, edges: &EdgeStats) {
    page.gauge(
        "firstfault_edge_halves_waiting",
        "Client spans without an answer, server and consumer spans without their caller.",
        edges.n_waiting,
    );
    page.gauge("firstfault_edge_waiting_bytes", "Memory of halves of calls.", edges.waiting_bytes);
    page.counter("firstfault_edges_paired_total", "Calls whose both sides were found.", edges.n_paired);
    page.counter(
        "firstfault_edges_expired_total",
        "Halves of calls whose other side did not come in time and that name no peer.",
        edges.n_expired,
    );
    page.counter(
        "firstfault_edges_expired_early_total",
        "Halves of calls that were given up before their time, there being too many.",
        edges.n_expired_early,
    );
    page.counter(
        "firstfault_edges_overflow_total",
        "Calls whose peer counts as (other), there being too many.",
        edges.n_overflow,
    );
}

/// Text under construction. Writing to a String cannot fail.
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn per_signal(&mut self, name: &str, help: &str, value: impl Fn(Signal) -> u64) {
        self.family(name, "counter", help);
        for signal in Signal::ALL {
            self.sample(name, &format!("{{signal=\"{signal}\"}}"), value(signal));
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help);
        self.sample(name, "", value);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, "counter", help);
        self.sample(name, "", value);
    }
}
