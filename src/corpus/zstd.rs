//! Reading zstd streams of any number of frames, checksums compared.

use std::io::{BufRead, Error, Read, Result};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Decodes the frames of a zstd stream one after the other; skippable frames are skipped.
///
/// The decoder of `ruzstd` alone stops after the first frame, which would drop the rest of a
/// file written by several threads.
pub(super) struct ZstdFrames<R: BufRead> {
    source: R,
    /// The frame being read; `None` between frames.
    frame: Option<FrameDecoder>,
}

impl<R: BufRead> ZstdFrames<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            frame: None,
        }
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => match next_frame(&mut self.source)? {
                    Some(frame) => frame,
                    None => return Ok(0),
                },
            };
            while frame.can_collect() == 0 && !frame.is_finished() {
                frame
                    .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(|error| Error::other(format!("damaged zstd data: {error}")))?;
            }
            let read = frame.read(buffer)?;
            if read > 0 {
                self.frame = Some(frame);
                return Ok(read);
            }
            let stored = frame.get_checksum_from_data();
            if stored.is_some() && stored != frame.get_calculated_checksum() {
                return Err(Error::other("damaged zstd data: wrong checksum"));
            }
        }
    }
}

fn next_frame(source: &mut impl BufRead) -> Result<Option<FrameDecoder>> {
    while !source.fill_buf()?.is_empty() {
        let mut frame = FrameDecoder::new();
        match frame.init(&mut *source) {
            Ok(()) => return Ok(Some(frame)),
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let length = u64::from(length);
                if std::io::copy(&mut source.take(length), &mut std::io::sink())? < length {
                    return Err(Error::other("damaged zstd data: cut short"));
                }
            }
            Err(error) => return Err(Error::other(format!("damaged zstd data: {error}"))),
        }
    }
    Ok(None)
}
