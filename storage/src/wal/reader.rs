//! Reads one log file from front to back, and stops at the first byte it cannot trust.

use super::frame::{self, FRAME_PREFIX_BYTES, Frame, HEADER_BYTES, Header};
use crate::error::Error;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// Bytes read ahead.
const READ_AHEAD_BYTES: usize = 256 << 10;

/// What an unfinished write leaves at the end of a file.
pub(super) const CUT: &str = "the last record is cut short";

/// A log file being read.
#[derive(Debug)]
pub(super) struct FileReader {
    path: PathBuf,
    input: BufReader<File>,
    n_bytes: u64,
    /// Where the next frame starts.
    offset: u64,
    sequence_next: u64,
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

/// A file whose header was looked at.
#[derive(Debug)]
pub(super) enum Opened {
    Reader(FileReader),
    /// Not even the header is whole.
    BadHeader {
        n_bytes: u64,
    },
}

impl FileReader {
    pub(super) fn open(path: &Path) -> Result<Opened, Error> {
        let fail = |source| Error::io("read", path, source);
        let file = File::open(path).map_err(fail)?;
        let n_bytes = file.metadata().map_err(fail)?.len();
        let mut input = BufReader::with_capacity(READ_AHEAD_BYTES, file);
        if n_bytes < HEADER_BYTES as u64 {
            return Ok(Opened::BadHeader { n_bytes });
        }
        let mut header = [0; HEADER_BYTES];
        input.read_exact(&mut header).map_err(fail)?;
        let sequence_next = match frame::decode_header(&header) {
            Header::Known { first_sequence } => first_sequence,
            Header::Damaged => return Ok(Opened::BadHeader { n_bytes }),
            Header::Foreign { version } => {
                let (found, known) = (u32::from(version), u32::from(frame::VERSION));
                return Err(Error::TooNew { path: path.to_owned(), found, known });
            }
        };
        let path = path.to_owned();
        Ok(Opened::Reader(Self { path, input, n_bytes, offset: HEADER_BYTES as u64, sequence_next }))
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
        if self.offset == self.n_bytes {
            return Ok(Next::End);
        }
        match self.read_frame() {
            Ok(Ok(frame)) => Ok(Next::Frame(frame)),
            Ok(Err(reason)) => Ok(Next::Bad { offset: self.offset, reason: reason.to_owned() }),
            Err(source) => Err(Error::io("read", &self.path, source)),
        }
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
        Ok(self.accept(&body, crc))
    }

    fn accept(&mut self, body: &[u8], crc: u32) -> Result<Frame, &'static str> {
        let frame = frame::decode_body(body, crc)?;
        if frame.sequence != self.sequence_next {
            return Err("a record has another number than its place");
        }
        self.sequence_next += 1;
        self.offset += (FRAME_PREFIX_BYTES + body.len()) as u64;
        Ok(frame)
    }
}
