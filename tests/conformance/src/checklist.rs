//! The numbered checklist: what each line says, how binding it is, and which check shows it.
//!
//! Numbers are for ever: documentation and reports of runs refer to them.

use crate::checks::{
    answers, encoding, fidelity, hardening, items, json, metrics, overload, readback, refusals, transport,
};
use crate::outcome::{Checked, Level};
use crate::target::Target;
use futures::future::LocalBoxFuture;
use std::time::Duration;

/// A statement about a server, and the check that shows whether it holds.
pub(crate) struct Line {
    pub(crate) number: u8,
    pub(crate) level: Level,
    pub(crate) pace: Pace,
    pub(crate) statement: &'static str,
    pub(crate) check: Check,
}

pub(crate) type Check = for<'a> fn(&'a Target) -> LocalBoxFuture<'a, Checked>;

/// How a check gets along with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pace {
    /// It waits for the server's deadlines, beside others.
    Slow,
    /// A few small requests, beside others.
    Quick,
    /// It is a lot for a server, or counts what all clients do: nothing else runs meanwhile.
    Alone,
    /// It leaves a server that still has to tidy up: nothing else runs afterwards.
    Last,
}

impl Pace {
    /// For the whole check.
    pub(crate) fn limit(self) -> Duration {
        Duration::from_secs(match self {
            Self::Slow => 70,
            Self::Quick => 60,
            Self::Alone | Self::Last => 150,
        })
    }
}

macro_rules! checklist {
    ($( $number:literal $level:ident $pace:ident $check:path, $statement:literal; )*) => {
        pub(crate) static CHECKLIST: &[Line] = &[ $( Line {
            number: $number,
            level: Level::$level,
            pace: Pace::$pace,
            statement: $statement,
            check: |target| Box::pin($check(target)),
        }, )* ];
    };
}

checklist! {
    1 Must Quick transport::grpc_exports, "gRPC Export takes the three signals";
    2 Must Quick transport::http_paths, "POST on /v1/traces, /v1/logs and /v1/metrics takes them";
    3 Should Quick transport::one_port_for_both,
        "JSON and protobuf share a port, told apart by Content-Type with any parameters";
    4 Must Quick encoding::gzip_and_none, "gzip and no compression on both transports";
    5 Ours Quick encoding::zstd_and_unknown,
        "zstd on both transports; unknown encodings get 415 and UNIMPLEMENTED";
    6 Must Quick transport::chunked_bodies, "a chunked body without Content-Length is read whole";
    7 Must Alone overload::bombs_are_refused,
        "the limit of a request holds after inflation: 413 and RESOURCE_EXHAUSTED to a bomb";
    8 Must Alone overload::too_large_is_final, "RESOURCE_EXHAUSTED for that carries no RetryInfo";
    9 Must Alone answers::answers_are_small, "an answer has at most 4 MiB, whatever is rejected";
    10 Must Quick answers::content_type_is_the_requests,
        "the answer's Content-Type is the request's, of errors too";
    11 Must Quick answers::full_success_is_unset, "full success leaves partial_success unset";
    12 Must Quick answers::partial_success_counts,
        "partial success is 200 or OK with the exact number of rejected items";
    13 Should Quick answers::partial_success_says_why, "partial success has an English error_message";
    14 Should Quick answers::empty_requests_succeed, "empty bodies, empty envelopes and '{}' succeed";
    15 Must Quick refusals::undecodable_is_400,
        "an undecodable body gets 400 with a Status, or INVALID_ARGUMENT";
    16 Should Quick refusals::bad_request_details, "400 carries BadRequest among its details";
    17 Must Quick refusals::every_error_is_a_status,
        "every 4xx and 5xx body is a google.rpc.Status in the request's encoding";
    18 Should Last overload::overload_asks_to_retry,
        "overload gets UNAVAILABLE with RetryInfo, or 429 or 503 with Retry-After";
    19 Should Quick refusals::permanent_faults_are_not_retried, "permanent faults never have retryable codes";
    20 Must Quick json::unknown_fields_are_ignored, "unknown JSON fields are ignored";
    21 Must Quick json::snake_case_is_not_data, "snake_case keys are not data";
    22 Ours Quick json::enum_names_are_refused, "names of enums are refused with 400";
    23 Must Quick json::ids_in_any_case_are_equal, "ids are equal in upper, lower and mixed case";
    24 Must Quick json::ids_are_hex_of_one_length,
        "ids are never read as base64; a wrong length rejects the item alone";
    25 Must Quick json::integers_are_text_or_numbers,
        "64-bit integers as text and as numbers give equal rows";
    26 Must Quick json::null_is_absent, "null equals absent";
    27 Ours Quick items::zero_ids_are_rejected, "all-zero ids are rejected per item, siblings are kept";
    28 Should Quick items::bad_ids_of_logs_are_dropped,
        "a log record with a bad trace id is kept, without the id";
    29 Should Quick readback::all_values_are_stored, "all kinds of AnyValue are stored and come back";
    30 Should Quick items::string_tables_are_ignored,
        "string table indexes outside of profiles are ignored, the rest is kept";
    31 Must Quick items::flags_are_tolerated, "flags with bits 10 to 31 set are tolerated";
    32 Ours Quick metrics::both_temporalities,
        "delta and cumulative sums, histograms and exponential histograms are stored";
    33 Ours Quick metrics::merges_across_scales,
        "exponential histograms merged across scales equal ones built at the lower scale";
    34 Should Quick metrics::wild_indexes_are_rejected,
        "exponential buckets beyond the range of doubles are rejected, with a message";
    35 Ours Quick metrics::exemplars_come_back, "exemplars come back with trace and span id";
    36 Ours Quick metrics::no_value_is_not_zero, "NO_RECORDED_VALUE is staleness, not zero";
    37 Ours Quick metrics::both_generations_agree,
        "durations in milliseconds and in seconds give the same p95";
    38 Ours Quick readback::survives_kill_9, "acknowledged data survives kill -9 at any moment";
    39 Ours Quick readback::resent_is_stored_once, "sending a request again changes no count";
    40 Ours Quick hardening::strangers_are_named,
        "HTTP/1 on the gRPC port, gRPC on the HTTP port and TLS are named in the diagnostics";
    41 Ours Slow hardening::unfinished_requests_are_cut,
        "unfinished headers or bodies are cut by a deadline";
    42 Ours Quick json::examples_are_accepted, "the protocol's own JSON examples are accepted byte for byte";
    43 Ours Quick fidelity::every_field_comes_back, "every field that was sent comes back";
    44 Ours Quick hardening::cors_is_whole_or_absent,
        "CORS for browsers: allowed as a whole for configured origins, or not at all";
    45 Ours Quick encoding::deflate_and_twice,
        "deflate bodies are taken; a body compressed twice is recognised";
    46 Ours Quick transport::profiles_are_refused, "profiles get 404 or UNIMPLEMENTED with a Status, never 200";
    47 Ours Alone readback::counts_agree,
        "rejections are counted alike in the answer, in the status and in /metrics";
    48 Should Alone transport::served_in_parallel,
        "concurrent requests on one connection are served in parallel";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: the list itself.
    /// Guarantees: numbers follow each other from 1, statements are different and fit a row.
    #[test]
    fn numbers_follow_each_other() {
        for (place, line) in CHECKLIST.iter().enumerate() {
            assert_eq!(usize::from(line.number), place + 1, "{}", line.statement);
            assert!(line.statement.len() <= 90, "{}", line.statement);
            assert!(CHECKLIST[..place].iter().all(|other| other.statement != line.statement));
        }
        assert_eq!(CHECKLIST.len(), 48);
    }
}
