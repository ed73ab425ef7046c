//! Compressed bodies, and the limit on what comes out. Everything is in `collector::fuzz::inflate`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    collector::fuzz::inflate(data);
});
