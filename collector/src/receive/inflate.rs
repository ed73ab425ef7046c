//! Decompression with the limit on what comes out, kept while it comes out.

use super::admission::Permit;
use super::answer::Failure;
use super::snappy::unsnap;
use crate::telemetry::Reason;
use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use std::io::Read as _;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    /// The block format, without frames.
    Snappy,
}

/// Bytes that are inflated between two looks at the limits.
const STEP_BYTES: usize = 64 << 10;

/// The body as it was before compression, of at most `bytes_max` bytes; all members of a gzip file.
pub(crate) fn inflate(
    body: Bytes,
    compression: Compression,
    bytes_max: usize,
    permit: &mut Permit,
) -> Result<Bytes, Failure> {
    match compression {
        Compression::None => Ok(body),
        // An empty body is an empty request, whatever its headers say.
        Compression::Gzip if body.is_empty() => Ok(body),
        Compression::Gzip => gunzip(&body, bytes_max, permit),
        Compression::Snappy => unsnap(&body, bytes_max, permit),
    }
}

fn gunzip(body: &[u8], bytes_max: usize, permit: &mut Permit) -> Result<Bytes, Failure> {
    let mut decoder = MultiGzDecoder::new(body);
    let mut inflated = Vec::new();
    loop {
        let step = (&mut decoder).take(STEP_BYTES as u64).read_to_end(&mut inflated);
        let n_bytes = step.map_err(|error| {
            Failure::new(Reason::GzipMalformed, format!("request body is not valid gzip: {error}"))
        })?;
        if n_bytes == 0 {
            return Ok(Bytes::from(inflated));
        }
        if inflated.len() > bytes_max {
            return Err(Failure::too_large(bytes_max, "after decompression"));
        }
        permit.charge(n_bytes as u64)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::admission::Budget;
    use flate2::write::GzEncoder;
    use std::io::Write as _;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn run(body: Vec<u8>, bytes_max: usize) -> (Result<Bytes, Reason>, u64) {
        let used = Arc::new(AtomicU64::new(0));
        let mut permit = Budget::new(1 << 30, Arc::clone(&used)).permit();
        let inflated = inflate(body.into(), Compression::Gzip, bytes_max, &mut permit);
        (inflated.map_err(|failure| failure.reason()), used.load(Ordering::Relaxed))
    }

    /// Scenario: gzip files whole, in two members, cut at every byte, followed by other bytes, empty.
    /// Guarantees: whole ones inflate entirely; any cut is an error and never a shorter body.
    #[test]
    fn gzip_is_whole_or_refused() {
        let whole = gzip(b"first fault");
        assert_eq!(run(whole.clone(), 100).0.unwrap(), "first fault");
        let members = [gzip(b"first "), gzip(b"fault")].concat();
        assert_eq!(run(members, 100).0.unwrap(), "first fault");
        for cut in 1..whole.len() {
            assert_eq!(run(whole[..cut].to_vec(), 100).0, Err(Reason::GzipMalformed), "cut at {cut}");
        }
        assert_eq!(run([whole, b"rest".to_vec()].concat(), 100).0, Err(Reason::GzipMalformed));
        assert_eq!(run(Vec::new(), 100).0.unwrap(), "");
    }

    /// Scenario: 64 MiB of zeros in 64 KiB of gzip, with a limit of 1 MiB.
    /// Guarantees: inflation stops at the limit, having charged no more than the limit and one step.
    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = gzip(&vec![0; 64 << 20]);
        let (inflated, charged_bytes) = run(bomb, 1 << 20);
        assert_eq!(inflated, Err(Reason::RequestTooLarge));
        assert!(charged_bytes <= (1 << 20) + STEP_BYTES as u64, "{charged_bytes}");
    }

    /// Scenario: exactly the limit, and one byte more.
    /// Guarantees: the limit itself is allowed.
    #[test]
    fn the_limit_is_inclusive() {
        assert!(run(gzip(&[7; 1000]), 1000).0.is_ok());
        assert_eq!(run(gzip(&[7; 1001]), 1000).0, Err(Reason::RequestTooLarge));
    }
}
