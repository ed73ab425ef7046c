//! The checksums of a segment's blocks: what tells damage from data.
//!
//! Parquet would carry a checksum per page, but the library that writes the pages does not write them.
//! So a small file beside each segment does, for every byte of it: `docs/formats/segments.md`.
//!
//! ```text
//!  0  magic "FFCRC\0"                6
//!  6  format version                 u16
//!  8  length of the segment          u64   bytes
//! 16  length of a block              u32   bytes
//! 20  CRC32C of each block           u32 each; the last block may be shorter
//!     CRC32C of everything before    u32   also in the manifest
//! ```
//! Integers are little-endian.

use std::io::{self, Write};

/// What has to be read at least to check one byte: some columns of one page.
pub(crate) const BLOCK_BYTES: u64 = 64 << 10;
const MAGIC: &[u8; 6] = b"FFCRC\0";
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 20;
const CRC_BYTES: usize = 4;

/// What the blocks of one segment must come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checksums {
    n_bytes: u64,
    blocks: Vec<u32>,
}

/// Passes bytes on and sums up their blocks.
#[derive(Debug)]
pub(super) struct Summing<W> {
    output: W,
    n_bytes: u64,
    blocks: Vec<u32>,
}

/// Bytes of the checksum file of a segment of this size.
pub(crate) fn file_bytes(n_bytes: u64) -> u64 {
    (HEADER_BYTES + CRC_BYTES) as u64 + CRC_BYTES as u64 * n_bytes.div_ceil(BLOCK_BYTES)
}

impl Checksums {
    /// The file, and the CRC at its end, which tells the manifest that the two belong together.
    pub(super) fn encode(&self) -> (Vec<u8>, u32) {
        let mut file = Vec::new();
        file.extend_from_slice(MAGIC);
        file.extend_from_slice(&VERSION.to_le_bytes());
        file.extend_from_slice(&self.n_bytes.to_le_bytes());
        file.extend_from_slice(&(BLOCK_BYTES as u32).to_le_bytes());
        for crc in &self.blocks {
            file.extend_from_slice(&crc.to_le_bytes());
        }
        let crc = crc32c::crc32c(&file);
        file.extend_from_slice(&crc.to_le_bytes());
        (file, crc)
    }

    /// Reads the file of a segment whose length and whose file's CRC the manifest knows; nothing if it is
    /// not exactly that.
    pub(super) fn decode(file: &[u8], n_bytes: u64, crc: u32) -> Option<Self> {
        let (summed, end) = file.split_last_chunk::<CRC_BYTES>()?;
        let is_own = file.len() as u64 == file_bytes(n_bytes)
            && u32::from_le_bytes(*end) == crc
            && crc32c::crc32c(summed) == crc;
        let (header, blocks) = summed.split_at_checked(HEADER_BYTES)?;
        let mut wanted = [0; HEADER_BYTES];
        wanted[..6].copy_from_slice(MAGIC);
        wanted[6..8].copy_from_slice(&VERSION.to_le_bytes());
        wanted[8..16].copy_from_slice(&n_bytes.to_le_bytes());
        wanted[16..].copy_from_slice(&(BLOCK_BYTES as u32).to_le_bytes());
        if !is_own || header != wanted {
            return None;
        }
        let (blocks, _) = blocks.as_chunks::<CRC_BYTES>();
        Some(Self { n_bytes, blocks: blocks.iter().map(|crc| u32::from_le_bytes(*crc)).collect() })
    }

    /// Checks whole blocks read from `offset`, which is a block's border. The error is the first byte of
    /// the first block that is not as it was written.
    pub(super) fn check(&self, offset: u64, bytes: &[u8]) -> Result<(), u64> {
        assert!(offset.is_multiple_of(BLOCK_BYTES), "only whole blocks can be checked");
        let first = usize::try_from(offset / BLOCK_BYTES).map_err(|_| offset)?;
        let mut at = offset;
        for (block, idx) in bytes.chunks(BLOCK_BYTES as usize).zip(first..) {
            let is_whole = block.len() as u64 == self.block_bytes(at);
            if !is_whole || self.blocks.get(idx) != Some(&crc32c::crc32c(block)) {
                return Err(at);
            }
            at += BLOCK_BYTES;
        }
        Ok(())
    }

    /// Length of the segment.
    pub(super) fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Memory that it takes.
    pub(super) fn n_memory_bytes(&self) -> usize {
        size_of::<Self>() + self.blocks.len() * CRC_BYTES
    }

    /// Length of the block that starts at `offset`.
    fn block_bytes(&self, offset: u64) -> u64 {
        self.n_bytes.saturating_sub(offset).min(BLOCK_BYTES)
    }
}

impl<W: Write> Summing<W> {
    pub(super) fn new(output: W) -> Self {
        Self { output, n_bytes: 0, blocks: Vec::new() }
    }

    pub(super) fn finish(self) -> (W, Checksums) {
        (self.output, Checksums { n_bytes: self.n_bytes, blocks: self.blocks })
    }

    fn sum_up(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let n_in_block = self.n_bytes % BLOCK_BYTES;
            let n_taken = bytes.len().min((BLOCK_BYTES - n_in_block) as usize);
            let (taken, rest) = bytes.split_at(n_taken);
            match self.blocks.last_mut() {
                Some(last) if n_in_block > 0 => *last = crc32c::crc32c_append(*last, taken),
                _ => self.blocks.push(crc32c::crc32c(taken)),
            }
            self.n_bytes += n_taken as u64;
            bytes = rest;
        }
    }
}

impl<W: Write> Write for Summing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n_written = self.output.write(bytes)?;
        self.sum_up(&bytes[..n_written]);
        Ok(n_written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn summed(bytes: &[u8], n_at_once: usize) -> Checksums {
        let mut output = Summing::new(Vec::new());
        for part in bytes.chunks(n_at_once) {
            output.write_all(part).expect("memory takes it");
        }
        let (written, checksums) = output.finish();
        assert_eq!(written, bytes);
        checksums
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Scenario: bytes of any length, written in parts of any size, are read back in whole blocks.
        /// Guarantees: they pass; one flipped bit does not, and is found in its block.
        #[test]
        fn a_flipped_bit_is_found(
            n_bytes in 1_usize..300_000,
            n_at_once in 1_usize..100_000,
            flipped in any::<prop::sample::Index>(),
            bit in 0_u8..8,
        ) {
            let mut bytes: Vec<u8> = (0..n_bytes).map(|idx| (idx * 31) as u8).collect();
            let checksums = summed(&bytes, n_at_once);
            prop_assert_eq!(checksums.check(0, &bytes), Ok(()));
            let tail_at = (n_bytes as u64 - 1) / BLOCK_BYTES * BLOCK_BYTES;
            prop_assert_eq!(checksums.check(tail_at, &bytes[tail_at as usize..]), Ok(()));
            prop_assert_eq!(checksums.check(tail_at, &bytes[tail_at as usize..n_bytes - 1]).is_ok(), n_bytes as u64 - tail_at == 1);
            let idx = flipped.index(n_bytes);
            bytes[idx] ^= 1 << bit;
            prop_assert_eq!(checksums.check(0, &bytes), Err(idx as u64 / BLOCK_BYTES * BLOCK_BYTES));
        }

        /// Scenario: a checksum file is read back, whole, with one bit flipped, cut, and for another segment.
        /// Guarantees: only the whole one of the right segment is taken.
        #[test]
        fn its_own_file_is_checked(n_bytes in 1_usize..300_000, flipped in any::<prop::sample::Index>()) {
            let checksums = summed(&vec![7; n_bytes], n_bytes);
            let (mut file, crc) = checksums.encode();
            let n_bytes = n_bytes as u64;
            prop_assert_eq!(file.len() as u64, file_bytes(n_bytes));
            prop_assert_eq!(Checksums::decode(&file, n_bytes, crc), Some(checksums));
            prop_assert_eq!(Checksums::decode(&file, n_bytes + 1, crc), None);
            prop_assert_eq!(Checksums::decode(&file, n_bytes, crc ^ 1), None);
            prop_assert_eq!(Checksums::decode(&file[..flipped.index(file.len())], n_bytes, crc), None);
            let bit = flipped.index(file.len() * 8);
            file[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(Checksums::decode(&file, n_bytes, crc), None);
        }
    }
}
