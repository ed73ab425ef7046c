//! Snappy's block format, as remote write uses it: one block that says first how long it will be.

use super::admission::Permit;
use super::answer::Failure;
use crate::telemetry::Reason;
use bytes::Bytes;
use snap::raw::{Decoder, decompress_len};

/// No block becomes longer: its densest element makes 64 bytes of 3. Whoever promises more has no such block, and no
/// memory is taken for it.
const RATIO_MAX: usize = 22;

/// The block inflated, of at most `bytes_max` bytes.
pub(super) fn unsnap(body: &[u8], bytes_max: usize, permit: &mut Permit) -> Result<Bytes, Failure> {
    let promised = decompress_len(body).map_err(|error| malformed(&error.to_string()))?;
    if promised > bytes_max {
        return Err(Failure::too_large(bytes_max, "after decompression"));
    }
    if promised > body.len().saturating_mul(RATIO_MAX) {
        return Err(malformed(&format!("{} bytes cannot become {promised}", body.len())));
    }
    permit.charge(promised as u64)?;
    let inflated = Decoder::new().decompress_vec(body).map_err(|error| malformed(&error.to_string()))?;
    Ok(Bytes::from(inflated))
}

fn malformed(why: &str) -> Failure {
    Failure::new(Reason::SnappyMalformed, format!("request body is not a valid snappy block: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::admission::Budget;
    use proptest::prelude::*;
    use snap::raw::Encoder;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn snap(bytes: &[u8]) -> Vec<u8> {
        Encoder::new().compress_vec(bytes).unwrap()
    }

    /// What came of a body, and what it was charged meanwhile.
    fn run(body: &[u8], bytes_max: usize) -> (Result<Bytes, Reason>, u64) {
        let used = Arc::new(AtomicU64::new(0));
        let mut permit = Budget::new(1 << 30, Arc::clone(&used)).permit();
        let inflated = unsnap(body, bytes_max, &mut permit).map_err(|failure| failure.reason());
        (inflated, used.load(Ordering::Relaxed))
    }

    /// Scenario: a block whole, cut at every byte, with more behind it, and no bytes at all.
    /// Guarantees: the whole one inflates; any other is an error and never a shorter body.
    #[test]
    fn a_block_is_whole_or_refused() {
        let text = b"where did it break first? where did it break first?";
        let whole = snap(text);
        assert_eq!(run(&whole, 100).0.unwrap(), &text[..]);
        for cut in 0..whole.len() {
            assert_eq!(run(&whole[..cut], 100).0, Err(Reason::SnappyMalformed), "cut at {cut}");
        }
        assert_eq!(run(&[whole, b"rest".to_vec()].concat(), 100).0, Err(Reason::SnappyMalformed));
        assert_eq!(run(&snap(b""), 100).0.unwrap(), "");
    }

    /// Scenario: blocks that promise 4 GiB, more than the limit, and more than their bytes can become.
    /// Guarantees: they are refused before anything is charged or set aside for them.
    #[test]
    fn promises_are_checked_first() {
        let promising = |header: &[u8]| [header, &[0; 100][..]].concat();
        let huge = promising(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
        assert_eq!(run(&huge, 64 << 20), (Err(Reason::RequestTooLarge), 0));
        assert_eq!(run(&snap(&[7; 1001]), 1000), (Err(Reason::RequestTooLarge), 0));
        assert!(run(&snap(&[7; 1000]), 1000).0.is_ok());
        let bold = promising(&[0x80, 0x80, 0x80, 0x10]); // 32 MiB
        assert_eq!(run(&bold, 64 << 20), (Err(Reason::SnappyMalformed), 0));
    }

    /// Scenario: a megabyte of one byte, which compresses as well as anything does.
    /// Guarantees: an honest block is never denser than the bound.
    #[test]
    fn honest_blocks_are_within_the_ratio() {
        let zeros = vec![0; 1 << 20];
        let (inflated, charged_bytes) = run(&snap(&zeros), 1 << 20);
        assert_eq!((inflated.unwrap().len(), charged_bytes), (1 << 20, 1 << 20));
    }

    proptest! {
        /// Scenario: any bytes.
        /// Guarantees: they inflate within the limit or are refused, without a panic; blocks come back as they were.
        #[test]
        fn any_bytes_are_taken_or_refused(bytes: Vec<u8>) {
            if let (Ok(inflated), _) = run(&bytes, 1 << 16) {
                prop_assert!(inflated.len() <= 1 << 16);
            }
            prop_assert_eq!(run(&snap(&bytes), 1 << 20).0.unwrap(), bytes);
        }
    }
}
