//! Finds the next whole frame behind bytes that cannot be trusted.
//!
//! A length among such bytes is only a number, and a payload may hold anything, frames too. So a place is
//! taken for a frame's only if every field of it can be, if its number can follow there, and if its
//! checksum fits. How much is summed up is bounded, so that no bytes make the search slow.

use super::frame::{self, FRAME_BYTES_MIN, FRAME_PREFIX_BYTES, Head};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes looked at, or summed up, at a time: a search takes memory for one of each.
const WINDOW_BYTES: usize = 1 << 20;
/// How many times the bytes of a file may be summed up. Telemetry has hardly a place that looks like a
/// frame; only bytes that were made to are cut off here.
const FILES_TRIED_MAX: u64 = 16;

/// Where a search starts, since the file is not to be trusted there.
#[derive(Debug, Clone, Copy)]
pub(super) struct SearchStart {
    /// A frame should start here, or the header.
    pub(super) offset: u64,
    /// Of the file.
    pub(super) n_bytes: u64,
    /// The number that is expected at `offset`.
    pub(super) sequence_next: u64,
    /// All numbers of the file are below this one, which the next file begins with.
    pub(super) sequence_end: Option<u64>,
}

/// What a search leaves to the next one in the same file.
#[derive(Debug, Default)]
pub(super) struct Searched {
    /// Bytes that were summed up to learn whether they are a frame.
    pub(super) n_bytes_tried: u64,
    window: Window,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Frame { offset: u64, sequence: u64 },
    Nothing,
    GaveUp,
}

/// The first whole frame behind the start. Reads a place again only to sum up a frame, and counts that.
pub(super) fn next_frame(file: &File, start: SearchStart, searched: &mut Searched) -> io::Result<Found> {
    let Searched { n_bytes_tried, window } = searched;
    if let Some(found) = start.behind_its_length(file, n_bytes_tried)? {
        return Ok(found);
    }
    let mut offset = start.offset + 1;
    while offset + FRAME_BYTES_MIN as u64 <= start.n_bytes {
        let bytes = window.bytes_from(file, offset, start.n_bytes)?;
        for (bytes, at) in bytes.windows(FRAME_BYTES_MIN).zip(offset..) {
            let Some(head) = start.candidate(bytes, at) else { continue };
            if let Some(found) = start.try_frame(file, at, head, n_bytes_tried)? {
                return Ok(found);
            }
        }
        offset += (bytes.len() - FRAME_BYTES_MIN + 1) as u64;
    }
    Ok(Found::Nothing)
}

impl SearchStart {
    /// The length of the bad frame may be right. If the next number is behind it, what looks like frames
    /// in the payload is not asked.
    fn behind_its_length(&self, file: &File, n_bytes_tried: &mut u64) -> io::Result<Option<Found>> {
        let Some(prefix) = read_at(file, self.offset, self.n_bytes)? else { return Ok(None) };
        let Ok((n_body_bytes, _)) = frame::decode_prefix(prefix) else { return Ok(None) };
        let offset = self.offset + (FRAME_PREFIX_BYTES + n_body_bytes) as u64;
        let Some(bytes) = read_at::<FRAME_BYTES_MIN>(file, offset, self.n_bytes)? else { return Ok(None) };
        let head = self.candidate(&bytes, offset);
        let Some(head) = head.filter(|head| head.sequence.checked_sub(1) == Some(self.sequence_next)) else {
            return Ok(None);
        };
        self.try_frame(file, offset, head, n_bytes_tried)
    }

    /// A frame that may start at `at` with these bytes: it ends within the file, there was room for the
    /// numbers before it, and its own is not the next file's.
    fn candidate(&self, bytes: &[u8], at: u64) -> Option<Head> {
        let head = frame::decode_head(bytes.first_chunk()?)?;
        let n_records_between = head.sequence.checked_sub(self.sequence_next)?;
        let n_records_max = (at - self.offset) / FRAME_BYTES_MIN as u64;
        let n_bytes_left = self.n_bytes - at - FRAME_PREFIX_BYTES as u64;
        let is_possible = n_records_between <= n_records_max
            && self.sequence_end.is_none_or(|end| head.sequence < end)
            && head.n_body_bytes as u64 <= n_bytes_left;
        is_possible.then_some(head)
    }

    /// Sums a candidate up, if that many bytes may still be tried. Nothing is found if it is no frame.
    fn try_frame(
        &self,
        file: &File,
        at: u64,
        head: Head,
        n_bytes_tried: &mut u64,
    ) -> io::Result<Option<Found>> {
        let n_bytes_then = *n_bytes_tried + head.n_body_bytes as u64;
        if n_bytes_then > self.n_bytes.saturating_mul(FILES_TRIED_MAX) {
            return Ok(Some(Found::GaveUp));
        }
        *n_bytes_tried = n_bytes_then;
        let is_whole = is_whole(file, at, head)?;
        Ok(is_whole.then_some(Found::Frame { offset: at, sequence: head.sequence }))
    }
}

/// The bytes that were looked at last. A search that starts among them goes on with them.
#[derive(Debug, Default)]
struct Window {
    offset: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// Bytes from `at` on, at least a frame's start, of a file that has as many.
    fn bytes_from(&mut self, file: &File, at: u64, n_bytes: u64) -> io::Result<&[u8]> {
        let n_passed = at.checked_sub(self.offset).and_then(|n| usize::try_from(n).ok());
        if let Some(n_passed) = n_passed.filter(|n| n.saturating_add(FRAME_BYTES_MIN) <= self.bytes.len()) {
            return Ok(&self.bytes[n_passed..]);
        }
        let n_left = usize::try_from(n_bytes - at).unwrap_or(WINDOW_BYTES);
        self.bytes.resize(n_left.min(WINDOW_BYTES), 0);
        self.offset = at;
        file.read_exact_at(&mut self.bytes, at)?;
        Ok(&self.bytes)
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
fn is_whole(file: &File, at: u64, head: Head) -> io::Result<bool> {
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
    Ok(crc == head.crc)
}
