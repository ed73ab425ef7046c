//! OTLP/JSON, against the same request in protobuf, and out and in again. Everything is in `collector::fuzz::json`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    collector::fuzz::json(data);
});
