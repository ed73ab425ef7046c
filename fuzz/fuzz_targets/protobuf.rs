//! Protobuf by views, against prost. Everything is in `collector::fuzz::protobuf`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    collector::fuzz::protobuf(data);
});
