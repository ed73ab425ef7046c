//! Decompression with the limit on what comes out, kept while it comes out.

use super::admission::Permit;
use super::answer::Failure;
use super::snappy::unsnap;
use super::sniff;
use crate::telemetry::Reason;
use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use std::io::{self, Read};
use zstd::stream::read::Decoder;
use zstd::zstd_safe::get_frame_content_size;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
    /// With zlib's header, as it should be, or without, as some clients send it.
    Deflate,
    /// A block without frames, of remote write alone.
    Snappy,
}

impl Compression {
    /// For the header that tells what is taken.
    pub(crate) const ACCEPTED: &'static str = "zstd, gzip, deflate, identity";

    /// As headers of OTLP's protocols name it, in lower case; `None` for one that is not taken.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "identity" => Some(Self::None),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Deflate => "deflate",
            Self::Snappy => "snappy",
        }
    }
}

/// Bytes that are inflated between two looks at the limits.
const STEP_BYTES: usize = 64 << 10;
/// The largest window of zstd, as a power of two: 8 MiB, which RFC 9659 has as the most that a sender may ask for.
/// A frame announces its window, and the decoder takes that much memory before the first byte comes out.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// The body as it was before compression, of at most `bytes_max` bytes; all members of a gzip file, and all frames of
/// a zstd one.
pub(crate) fn inflate(
    body: Bytes,
    compression: Compression,
    bytes_max: usize,
    permit: &mut Permit,
) -> Result<Bytes, Failure> {
    // A block is inflated at once: it says itself how long it becomes.
    if compression == Compression::Snappy {
        return unsnap(&body, bytes_max, permit);
    }
    // An empty body is an empty request, whatever its headers say.
    if compression == Compression::None || body.is_empty() {
        return Ok(body);
    }
    let malformed = |error: io::Error| malformed(&body, compression, &error);
    let mut decoder = decoder(&body, compression, bytes_max)?.map_err(malformed)?;
    let mut inflated = Vec::new();
    loop {
        let step = (&mut decoder).take(STEP_BYTES as u64).read_to_end(&mut inflated);
        let n_bytes = step.map_err(malformed)?;
        if n_bytes == 0 {
            return Ok(Bytes::from(inflated));
        }
        if inflated.len() > bytes_max {
            return Err(Failure::too_large(bytes_max, "after decompression"));
        }
        permit.charge(n_bytes as u64)?;
    }
}

/// The outer error is for a body that says itself that it is too large.
fn decoder(
    body: &[u8],
    compression: Compression,
    bytes_max: usize,
) -> Result<io::Result<Box<dyn Read + '_>>, Failure> {
    Ok(match compression {
        // Neither is read through a decoder.
        Compression::None | Compression::Snappy => Ok(Box::new(body)),
        Compression::Gzip => Ok(Box::new(MultiGzDecoder::new(body))),
        Compression::Deflate => Ok(Box::new(Deflated::new(body))),
        Compression::Zstd => {
            // What is no frame has no size either, and is the decoder's to refuse.
            if let Ok(Some(announced)) = get_frame_content_size(body)
                && announced > bytes_max as u64
            {
                return Err(Failure::too_large(bytes_max, "after decompression"));
            }
            zstd_decoder(body)
        }
    })
}

fn zstd_decoder(body: &[u8]) -> io::Result<Box<dyn Read + '_>> {
    let mut decoder = Decoder::with_buffer(body)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    Ok(Box::new(decoder))
}

fn malformed(body: &[u8], compression: Compression, error: &io::Error) -> Failure {
    let reason = match compression {
        Compression::Zstd => Reason::ZstdMalformed,
        Compression::Deflate => Reason::DeflateMalformed,
        Compression::Snappy => Reason::SnappyMalformed,
        Compression::Gzip | Compression::None => Reason::GzipMalformed,
    };
    let name = compression.name();
    if let Some(what) = sniff::uncompressed(body) {
        let message = format!("request body is not compressed, though its headers say {name}: it is {what}");
        return Failure::new(reason, message);
    }
    let why = match sniff::compression(body) {
        Some(found) if found != compression => format!("it is {}", found.name()),
        _ => error.to_string(),
    };
    Failure::new(reason, format!("request body is not valid {name}: {why}"))
}

/// Reads deflate to its very end: the library's own readers take a stream that was cut for a whole one, and say
/// nothing of bytes that follow it.
struct Deflated<'a> {
    stream: Decompress,
    rest: &'a [u8],
    has_ended: bool,
}

impl<'a> Deflated<'a> {
    fn new(body: &'a [u8]) -> Self {
        Self { stream: Decompress::new(sniff::is_zlib(body)), rest: body, has_ended: false }
    }

    /// Bytes taken and bytes given by one call.
    fn step(&mut self, out: &mut [u8]) -> io::Result<(usize, usize)> {
        let (n_in, n_out) = (self.stream.total_in(), self.stream.total_out());
        let status = self.stream.decompress(self.rest, out, FlushDecompress::None)?;
        self.has_ended = status == Status::StreamEnd;
        // Both are of this call, and so no more than the slices have.
        let (n_in, n_out) = (self.stream.total_in() - n_in, self.stream.total_out() - n_out);
        Ok((n_in as usize, n_out as usize))
    }
}

impl Read for Deflated<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.has_ended && !out.is_empty() {
            let (n_in, n_out) = self.step(out)?;
            self.rest = self.rest.get(n_in..).unwrap_or_default();
            if self.has_ended && !self.rest.is_empty() {
                return Err(io::Error::other("other bytes follow its end"));
            }
            if n_out > 0 {
                return Ok(n_out);
            }
            if n_in == 0 && !self.has_ended {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests;
