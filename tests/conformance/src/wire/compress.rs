//! Bodies compressed as clients and attackers do it.

use flate2::write::{GzEncoder, ZlibEncoder};
use flate2::{Compress, Compression, Crc, FlushCompress};
use std::io::Write as _;

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("a Vec takes every write")
}

/// What HTTP calls `deflate`.
pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("a Vec takes every write")
}

/// A zstd frame (RFC 8878) that holds its content as it is: of one segment, with a size of four bytes, in blocks of
/// kind "raw". Any decoder has to read it.
pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    const BLOCK_BYTES_MAX: usize = 128 << 10;
    let n_bytes = u32::try_from(bytes.len()).expect("bodies of checks are far smaller than 4 GiB");
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0b1010_0000];
    frame.extend(n_bytes.to_le_bytes());
    let n_blocks = bytes.len().div_ceil(BLOCK_BYTES_MAX).max(1);
    for place in 0..n_blocks {
        let start = place * BLOCK_BYTES_MAX;
        let block = &bytes[start..bytes.len().min(start + BLOCK_BYTES_MAX)];
        let is_last = u32::from(place + 1 == n_blocks);
        // At most 2^17, which fits the three bytes of a block's header.
        let header = ((block.len() as u32) << 3) | is_last;
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.extend_from_slice(block);
    }
    frame
}

/// Zeros that are compressed once; a bomb repeats what comes out.
const STEP_BYTES: usize = 1 << 20;
/// Magic, method 8, no flags, no time, no hints, unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// The end of a deflate stream: a last block without content.
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// So many MiB of zeros in one gzip member of about a thousandth of that. Only the first MiB is ever compressed: a
/// full flush ends on a whole byte and forgets what was before, so that its bytes can be repeated.
pub(crate) fn bomb(n_mib: usize) -> Vec<u8> {
    let zeros = vec![0u8; STEP_BYTES];
    let mut step = Vec::with_capacity(STEP_BYTES);
    let mut compress = Compress::new(Compression::best(), false);
    compress.compress_vec(&zeros, &mut step, FlushCompress::Full).expect("zeros are compressed");
    let (mut crc_of_step, mut crc) = (Crc::new(), Crc::new());
    crc_of_step.update(&zeros);
    let mut bomb = GZIP_HEADER.to_vec();
    for _ in 0..n_mib {
        bomb.extend_from_slice(&step);
        crc.combine(&crc_of_step);
    }
    bomb.extend(LAST_BLOCK);
    bomb.extend(crc.sum().to_le_bytes());
    // The format has the length modulo 2^32.
    bomb.extend(((n_mib * STEP_BYTES) as u32).to_le_bytes());
    bomb
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::{GzDecoder, ZlibDecoder};
    use std::io::Read;

    fn read(mut decoder: impl Read) -> Vec<u8> {
        let mut bytes = Vec::new();
        decoder.read_to_end(&mut bytes).expect("a sound stream");
        bytes
    }

    /// Scenario: a small bomb goes off.
    /// Guarantees: it is one sound gzip member of zeros, hundreds of times smaller than its content.
    #[test]
    fn a_bomb_is_sound_and_small() {
        let bomb = bomb(5);
        assert!(bomb.len() < 5 * STEP_BYTES / 500, "{} bytes", bomb.len());
        let zeros = read(GzDecoder::new(bomb.as_slice()));
        assert_eq!(zeros.len(), 5 * STEP_BYTES);
        assert!(zeros.iter().all(|byte| *byte == 0));
    }

    /// Scenario: a text is compressed in each way, and nothing at all as zstd.
    /// Guarantees: gzip and deflate read back; the zstd frame has its parts where the format wants them.
    #[test]
    fn bodies_are_compressed_soundly() {
        assert_eq!(read(GzDecoder::new(gzip(b"fault").as_slice())), b"fault");
        assert_eq!(read(ZlibDecoder::new(deflate(b"fault").as_slice())), b"fault");
        assert_eq!(zstd(b"fault"), b"\x28\xb5\x2f\xfd\xa0\x05\0\0\0\x29\0\0fault");
        assert_eq!(zstd(b""), b"\x28\xb5\x2f\xfd\xa0\0\0\0\0\x01\0\0");
        let two_blocks = zstd(&[7; (128 << 10) + 1]);
        assert_eq!(two_blocks.len(), 9 + 3 + (128 << 10) + 3 + 1);
        assert_eq!(two_blocks[9..12], [0, 0, 0x10]);
        assert_eq!(two_blocks[two_blocks.len() - 4..], [9, 0, 0, 7]);
    }
}
