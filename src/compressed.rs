//! Output compressed with gzip or zstd while it is written.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, FrameCompressor};

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// What a file's name says: `.gz` or `.zst` at its end.
    pub(crate) fn of(path: &Path) -> Self {
        let ending = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
        match ending.as_ref().and_then(|ending| ending.to_str()) {
            Some("gz") => Self::Gzip,
            Some("zst") => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// Compresses what is written to it, as one member or frame; it must be finished.
pub(crate) enum Compressed<W: Write + Send + 'static> {
    Plain(W),
    Gzip(GzEncoder<W>),
    Zstd(ZstdWriter<W>),
}

impl<W: Write + Send + 'static> Compressed<W> {
    pub(crate) fn new(compression: Compression, output: W) -> Self {
        match compression {
            Compression::None => Self::Plain(output),
            // The time of writing is left out, so that the same rows give the same bytes.
            Compression::Gzip => Self::Gzip(GzEncoder::new(output, flate2::Compression::default())),
            Compression::Zstd => Self::Zstd(ZstdWriter::new(output)),
        }
    }

    /// Writes what is left and gives the output back.
    pub(crate) fn finish(self) -> io::Result<W> {
        let mut output = match self {
            Self::Plain(output) => output,
            Self::Gzip(encoder) => encoder.finish()?,
            Self::Zstd(writer) => writer.finish()?,
        };
        output.flush()?;
        Ok(output)
    }
}

impl<W: Write + Send + 'static> Write for Compressed<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(output) => output.write(buffer),
            Self::Gzip(encoder) => encoder.write(buffer),
            Self::Zstd(writer) => writer.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(output) => output.flush(),
            Self::Gzip(encoder) => encoder.flush(),
            // A frame is whole only when it is finished.
            Self::Zstd(_) => Ok(()),
        }
    }
}

/// Bytes that are handed to the thread that compresses, and how many such parts may wait.
const PART_BYTES: usize = 1 << 17;
const WAITING_PARTS: usize = 8;

/// Compresses in a thread of its own, since the encoder pulls what it compresses.
pub(crate) struct ZstdWriter<W> {
    part: Vec<u8>,
    /// Nothing once all was handed over.
    parts: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<(W, io::Result<()>)>>,
}

impl<W: Write + Send + 'static> ZstdWriter<W> {
    fn new(output: W) -> Self {
        let (parts, received) = sync_channel(WAITING_PARTS);
        let thread = std::thread::spawn(move || compress(received, output));
        Self {
            part: Vec::with_capacity(PART_BYTES),
            parts: Some(parts),
            thread: Some(thread),
        }
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let part = std::mem::replace(&mut self.part, Vec::with_capacity(PART_BYTES));
        let sent = self.parts.as_ref().map(|parts| parts.send(part));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err(ended()),
        }
    }

    fn finish(mut self) -> io::Result<W> {
        self.hand_over()?;
        self.parts = None;
        let thread = self.thread.take().ok_or_else(ended)?;
        let (output, written) = thread.join().map_err(|_| ended())?;
        written.map(|()| output)
    }
}

fn ended() -> io::Error {
    io::Error::other("the zstd encoder ended early")
}

impl<W: Write + Send + 'static> Write for ZstdWriter<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let taken = buffer.len().min(PART_BYTES - self.part.len());
        self.part.extend_from_slice(&buffer[..taken]);
        if self.part.len() >= PART_BYTES {
            self.hand_over()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W> Drop for ZstdWriter<W> {
    /// Waits for the thread, so that a file that is given up is gone when the program ends.
    fn drop(&mut self) {
        self.parts = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn compress<W: Write>(parts: Receiver<Vec<u8>>, output: W) -> (W, io::Result<()>) {
    let mut drain = Drain {
        output,
        written: Ok(()),
    };
    let mut compressor = FrameCompressor::new(CompressionLevel::Fastest);
    compressor.set_source(Parts {
        parts,
        part: io::Cursor::default(),
    });
    compressor.set_drain(&mut drain);
    compressor.compress();
    drop(compressor);
    (drain.output, drain.written)
}

/// The parts one after the other. Reading never fails, since the encoder would panic.
struct Parts {
    parts: Receiver<Vec<u8>>,
    part: io::Cursor<Vec<u8>>,
}

impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.part.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.parts.recv() {
                Ok(part) => self.part = io::Cursor::new(part),
                Err(_) => return Ok(0),
            }
        }
    }
}

/// Keeps the first error instead of returning it, since the encoder would panic.
struct Drain<W> {
    output: W,
    written: io::Result<()>,
}

impl<W: Write> Write for Drain<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if self.written.is_ok() {
            self.written = self.output.write_all(buffer);
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::open;
    use proptest::prelude::*;

    fn through(compression: Compression, content: &[u8], pieces: usize) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("packed");
        let file = std::fs::File::create(&path).unwrap();
        let mut output = Compressed::new(compression, file);
        for piece in content.chunks(pieces.max(1)) {
            output.write_all(piece).unwrap();
        }
        drop(output.finish().unwrap());
        let mut read = Vec::new();
        open(&path).unwrap().read_to_end(&mut read).unwrap();
        read
    }

    #[test]
    fn large_content_comes_back() {
        let content: Vec<u8> = (0..3_000_000_u32)
            .flat_map(|number| (number / 7).to_le_bytes())
            .collect();
        for compression in [Compression::Gzip, Compression::Zstd] {
            assert!(through(compression, &content, 70_001) == content);
        }
    }

    #[test]
    fn errors_of_the_output_are_told() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for compression in [Compression::Gzip, Compression::Zstd] {
            let mut output = Compressed::new(compression, Full);
            let written = output.write_all(&[7; 1 << 20]);
            let failed = written.and_then(|()| output.finish().map(|_| ()));
            let error = failed.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_content_comes_back(content in proptest::collection::vec(any::<u8>(), 0..2000), pieces in 1_usize..300) {
            for compression in [Compression::Gzip, Compression::Zstd] {
                prop_assert_eq!(&through(compression, &content, pieces), &content);
            }
        }
    }
}
