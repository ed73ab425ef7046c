//! Reads one log file from front to back, and stops at the first byte it cannot trust. Who wants what may
//! be behind that asks it to resume.

use super::frame::{self, FRAME_PREFIX_BYTES, Frame, HEADER_BYTES, Header};
use super::search::{self, Found, SearchStart, Searched};
use crate::error::Error;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes read ahead.
const READ_AHEAD_BYTES: usize = 256 << 10;

/// What an unfinished write leaves at the end of a file.
pub(super) const CUT: &str = "the last record is cut short";
/// What damage or an unfinished write leaves at the start of a file.
const BAD_HEADER: &str = "its header is not whole";

/// A log file being read.
#[derive(Debug)]
pub(super) struct FileReader {
    path: PathBuf,
    input: BufReader<File>,
    n_bytes: u64,
    /// Where the next frame starts.
    offset: u64,
    sequence_next: u64,
    /// Once it is resumed: the number that the next file begins with.
    sequence_end: Option<u64>,
    searched: Searched,
}

/// What came next.
#[derive(Debug)]
pub(super) enum Next {
    Frame(Frame),
    End,
    /// From `offset` on the file is not to be trusted.
    Bad {
        offset: u64,
        reason: String,
    },
}

/// What is behind bytes that are not to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resumed {
    /// A whole frame, after so many bytes; it comes next.
    Frame {
        n_bytes_skipped: u64,
    },
    Nothing,
    /// Nobody knows: the search would have taken too long.
    Unknown,
}

impl FileReader {
    /// Opens a file that is named by the number of its first record. If its header is damaged, nothing of
    /// it is trusted until it is resumed.
    pub(super) fn open(path: &Path, sequence_named: u64) -> Result<Self, Error> {
        let fail = |source| Error::io("read", path, source);
        let file = File::open(path).map_err(fail)?;
        let n_bytes = file.metadata().map_err(fail)?.len();
        let mut input = BufReader::with_capacity(READ_AHEAD_BYTES, file);
        let mut header = [0; HEADER_BYTES];
        if n_bytes >= HEADER_BYTES as u64 {
            input.read_exact(&mut header).map_err(fail)?;
        }
        let (offset, sequence_next) = match frame::decode_header(&header) {
            Header::Known { first_sequence } => (HEADER_BYTES as u64, first_sequence),
            Header::Damaged => (0, sequence_named),
            Header::Foreign { version } => {
                let (found, known) = (u32::from(version), u32::from(frame::VERSION));
                return Err(Error::TooNew { path: path.to_owned(), found, known });
            }
        };
        let path = path.to_owned();
        let searched = Searched::default();
        Ok(Self { path, input, n_bytes, offset, sequence_next, sequence_end: None, searched })
    }

    /// Number of the next frame, if there is one.
    pub(super) fn sequence_next(&self) -> u64 {
        self.sequence_next
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    pub(super) fn next(&mut self) -> Result<Next, Error> {
        if self.offset < HEADER_BYTES as u64 {
            return Ok(Next::Bad { offset: self.offset, reason: BAD_HEADER.to_owned() });
        }
        if self.offset == self.n_bytes {
            return Ok(Next::End);
        }
        match self.read_frame() {
            Ok(Ok(frame)) => Ok(Next::Frame(frame)),
            Ok(Err(reason)) => Ok(Next::Bad { offset: self.offset, reason: reason.to_owned() }),
            Err(source) => Err(Error::io("read", &self.path, source)),
        }
    }

    /// Looks for the next whole frame behind a bad one. From now on, nothing with a number of the next file
    /// is taken for a record: a payload may hold frames.
    pub(super) fn resume(&mut self, sequence_end: Option<u64>) -> Result<Resumed, Error> {
        self.sequence_end = sequence_end;
        let (offset, n_bytes, sequence_next) = (self.offset, self.n_bytes, self.sequence_next);
        let start = SearchStart { offset, n_bytes, sequence_next, sequence_end };
        let found = search::next_frame(self.input.get_ref(), start, &mut self.searched);
        let go_on = match found.map_err(|source| Error::io("read", &self.path, source))? {
            Found::Frame { offset, sequence } => (offset, sequence),
            Found::Nothing => return Ok(Resumed::Nothing),
            Found::GaveUp => return Ok(Resumed::Unknown),
        };
        (self.offset, self.sequence_next) = go_on;
        let sought = self.input.seek(SeekFrom::Start(self.offset));
        sought.map_err(|source| Error::io("read", &self.path, source))?;
        Ok(Resumed::Frame { n_bytes_skipped: self.offset - offset })
    }

    /// Outer: the disk failed. Inner: the bytes are wrong.
    fn read_frame(&mut self) -> io::Result<Result<Frame, &'static str>> {
        let n_left = self.n_bytes - self.offset;
        if n_left < FRAME_PREFIX_BYTES as u64 {
            return Ok(Err(CUT));
        }
        let mut prefix = [0; FRAME_PREFIX_BYTES];
        self.input.read_exact(&mut prefix)?;
        let (n_body_bytes, crc) = match frame::decode_prefix(prefix) {
            Ok(prefix) => prefix,
            Err(reason) => return Ok(Err(reason)),
        };
        // Checked before allocating: a length from a damaged file is only a number.
        if n_left - (FRAME_PREFIX_BYTES as u64) < n_body_bytes as u64 {
            return Ok(Err(CUT));
        }
        let mut body = vec![0; n_body_bytes];
        self.input.read_exact(&mut body)?;
        let accepted = self.accept(&body, crc);
        if accepted.is_err() {
            self.searched.n_bytes_tried += n_body_bytes as u64;
        }
        Ok(accepted)
    }

    fn accept(&mut self, body: &[u8], crc: u32) -> Result<Frame, &'static str> {
        let frame = frame::decode_body(body, crc)?;
        if frame.sequence != self.sequence_next || self.sequence_end == Some(frame.sequence) {
            return Err("a record has another number than its place");
        }
        self.sequence_next = frame.sequence.checked_add(1).ok_or("a record has the last number there is")?;
        self.offset += (FRAME_PREFIX_BYTES + body.len()) as u64;
        Ok(frame)
    }
}
