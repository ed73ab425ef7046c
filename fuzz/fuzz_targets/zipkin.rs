//! Zipkin's v2 spans, against the same request in protobuf, and out and in again. Everything is in
//! `collector::fuzz::zipkin`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    collector::fuzz::zipkin(data);
});
