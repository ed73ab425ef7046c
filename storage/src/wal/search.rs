//! Finds the next whole frame behind bytes that cannot be trusted.
//!
//! A length among such bytes is only a number, and a payload may hold anything, frames too. So a place is
//! taken for a frame's only if every field of it can be, if its number can follow there, and if its
//! checksum fits. What may be read in vain is bounded, so that no bytes make the search slow.

use super::frame::{self, FRAME_BYTES_MIN, FRAME_PREFIX_BYTES, Head};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes looked at, or summed up, at a time: all the memory that a search takes.
const WINDOW_BYTES: usize = 1 << 20;
/// How often the bytes of a file may be read for frames that turn out to be none. Telemetry has hardly a
/// place that looks like one; only bytes that were made to are cut off here.
const FILES_WASTED_MAX: u64 = 16;

/// Where a file is not to be trusted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Damage {
    /// A frame should start here, or the header.
    pub(super) offset: u64,
    /// Of the file.
    pub(super) n_bytes: u64,
    /// The number that is expected at `offset`.
    pub(super) sequence_next: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Frame { offset: u64, sequence: u64 },
    Nothing,
    GaveUp,
}

/// The first whole frame behind the damage. Counts what it reads in vain.
pub(super) fn next_frame(file: &File, damage: Damage, n_bytes_wasted: &mut u64) -> io::Result<Found> {
    let n_bytes_wasted_max = damage.n_bytes.saturating_mul(FILES_WASTED_MAX);
    if let Some(found) = damage.behind_its_length(file, n_bytes_wasted)? {
        return Ok(found);
    }
    let mut window = vec![0; WINDOW_BYTES];
    let mut offset = damage.offset + 1;
    while offset + FRAME_BYTES_MIN as u64 <= damage.n_bytes {
        let n_left = usize::try_from(damage.n_bytes - offset).unwrap_or(WINDOW_BYTES);
        let window = &mut window[..n_left.min(WINDOW_BYTES)];
        file.read_exact_at(window, offset)?;
        for (bytes, at) in window.windows(FRAME_BYTES_MIN).zip(offset..) {
            if *n_bytes_wasted > n_bytes_wasted_max {
                return Ok(Found::GaveUp);
            }
            let Some(head) = damage.candidate(bytes, at) else { continue };
            if is_whole(file, at, head, n_bytes_wasted)? {
                return Ok(Found::Frame { offset: at, sequence: head.sequence });
            }
        }
        offset += (window.len() - FRAME_BYTES_MIN + 1) as u64;
    }
    Ok(Found::Nothing)
}

impl Damage {
    /// The length of the bad frame may be right. If the next number is behind it, what looks like frames
    /// in the payload is not asked.
    fn behind_its_length(&self, file: &File, n_bytes_wasted: &mut u64) -> io::Result<Option<Found>> {
        let Some(prefix) = read_at(file, self.offset, self.n_bytes)? else { return Ok(None) };
        let Ok((n_body_bytes, _)) = frame::decode_prefix(prefix) else { return Ok(None) };
        let offset = self.offset + (FRAME_PREFIX_BYTES + n_body_bytes) as u64;
        let Some(bytes) = read_at::<FRAME_BYTES_MIN>(file, offset, self.n_bytes)? else { return Ok(None) };
        let head = self.candidate(&bytes, offset);
        let Some(head) = head.filter(|head| head.sequence.checked_sub(1) == Some(self.sequence_next)) else {
            return Ok(None);
        };
        let is_whole = is_whole(file, offset, head, n_bytes_wasted)?;
        Ok(is_whole.then_some(Found::Frame { offset, sequence: head.sequence }))
    }

    /// A frame that may start at `at` with these bytes: it ends within the file, and there was room for
    /// the numbers before it.
    fn candidate(&self, bytes: &[u8], at: u64) -> Option<Head> {
        let head = frame::decode_head(bytes.first_chunk()?)?;
        let n_records_between = head.sequence.checked_sub(self.sequence_next)?;
        let n_records_max = (at - self.offset) / FRAME_BYTES_MIN as u64;
        let n_bytes_left = self.n_bytes - at - FRAME_PREFIX_BYTES as u64;
        (n_records_between <= n_records_max && head.n_body_bytes as u64 <= n_bytes_left).then_some(head)
    }
}

/// Bytes at a place, if the file has as many.
fn read_at<const N: usize>(file: &File, offset: u64, n_bytes: u64) -> io::Result<Option<[u8; N]>> {
    if offset + N as u64 > n_bytes {
        return Ok(None);
    }
    let mut bytes = [0; N];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(Some(bytes))
}

/// Does the checksum of a frame fit?
fn is_whole(file: &File, at: u64, head: Head, n_bytes_wasted: &mut u64) -> io::Result<bool> {
    let mut crc = crc32c::crc32c(&(head.n_body_bytes as u32).to_le_bytes());
    let (mut offset, mut n_left) = (at + FRAME_PREFIX_BYTES as u64, head.n_body_bytes);
    let mut window = vec![0; n_left.min(WINDOW_BYTES)];
    while n_left > 0 {
        let window = &mut window[..n_left.min(WINDOW_BYTES)];
        file.read_exact_at(window, offset)?;
        crc = crc32c::crc32c_append(crc, window);
        offset += window.len() as u64;
        n_left -= window.len();
    }
    let is_whole = crc == head.crc;
    if !is_whole {
        *n_bytes_wasted += head.n_body_bytes as u64;
    }
    Ok(is_whole)
}
