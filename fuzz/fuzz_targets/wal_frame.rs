//! Frames, records and files of the write-ahead log. Everything is in `storage::fuzz::wal_frame`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    storage::fuzz::wal_frame(data);
});
