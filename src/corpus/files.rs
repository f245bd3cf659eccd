//! Opening files: decompression by content, lines with their numbers, UTF-8 checked.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::zstd::ZstdFrames;
use crate::error::{Error, Result};

const BUFFER_BYTES: usize = 1 << 18;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();

/// The name that stands for standard input.
pub const STANDARD_INPUT: &str = "-";

/// Opens a file, or standard input for `-`, and reads through gzip and zstd, recognised by
/// their first bytes.
///
/// # Errors
/// When the file cannot be opened or its first bytes cannot be read.
pub fn open(path: &Path) -> Result<Box<dyn BufRead + Send>> {
    let with_path = |error| Error::io(path, error);
    if path.as_os_str() == STANDARD_INPUT {
        return decompressed(BufReader::with_capacity(BUFFER_BYTES, std::io::stdin()))
            .map_err(with_path);
    }
    let file = File::open(path).map_err(with_path)?;
    if file.metadata().map_err(with_path)?.is_dir() {
        return Err(Error::File {
            path: path.into(),
            message: "is a folder; name the files in it".into(),
        });
    }
    decompressed(BufReader::with_capacity(BUFFER_BYTES, file)).map_err(with_path)
}

fn decompressed<R: Read + Send + 'static>(
    mut reader: BufReader<R>,
) -> std::io::Result<Box<dyn BufRead + Send>> {
    // A pipe may deliver fewer bytes than a signature at first; chain what was looked at.
    let mut head = Vec::with_capacity(ZSTD_MAGIC.len());
    reader
        .by_ref()
        .take(ZSTD_MAGIC.len() as u64)
        .read_to_end(&mut head)?;
    // A look at what comes next sees all that is buffered, not only the signature.
    let buffered = reader.fill_buf()?.len();
    head.extend_from_slice(&reader.buffer()[..buffered]);
    reader.consume(buffered);
    let gzip = head.starts_with(&GZIP_MAGIC);
    let zstd = head.starts_with(&ZSTD_MAGIC);
    let whole = std::io::Cursor::new(head).chain(reader);
    if gzip {
        let decoder = flate2::read::MultiGzDecoder::new(whole);
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder)));
    }
    if zstd {
        let decoder = ZstdFrames::new(whole);
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder)));
    }
    Ok(Box::new(whole))
}

/// What comes next in a file, without a byte order mark and leading white space; nothing is taken
/// away. At most as much as is buffered.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn peek<'a>(
    path: &Path,
    reader: &'a mut (dyn BufRead + Send + 'static),
) -> Result<&'a [u8]> {
    let head = reader.fill_buf().map_err(|error| Error::io(path, error))?;
    Ok(head
        .strip_prefix(BYTE_ORDER_MARK)
        .unwrap_or(head)
        .trim_ascii_start())
}

/// What a file's name says of its format: its ending in lower case, compression left off.
pub(crate) fn ending(path: &Path) -> String {
    let name = path.file_name().map_or_else(String::new, |name| {
        name.to_string_lossy().to_ascii_lowercase()
    });
    let stem = name
        .strip_suffix(".gz")
        .or_else(|| name.strip_suffix(".zst"))
        .unwrap_or(&name);
    stem.rsplit_once('.')
        .map_or_else(String::new, |(_, ending)| ending.to_owned())
}

/// One line of a file, without its line break.
#[derive(Debug)]
pub struct Line {
    /// Line number, from 1.
    pub number: u64,
    /// Byte offset of the line in the decompressed file.
    pub offset: u64,
    /// The text, or the first invalid byte of the line (from 1) when it is not UTF-8.
    pub text: std::result::Result<String, usize>,
}

/// Reads lines one by one, dropping a byte order mark at the start of the file.
pub struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
    number: u64,
    offset: u64,
}

impl Lines {
    /// Reads from an open file.
    pub fn new(path: &Path, reader: Box<dyn BufRead + Send>) -> Self {
        Self {
            path: path.into(),
            reader,
            number: 0,
            offset: 0,
        }
    }
}

impl Iterator for Lines {
    type Item = Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut bytes = Vec::new();
        match self.reader.read_until(b'\n', &mut bytes) {
            Err(error) => return Some(Err(Error::io(&self.path, error))),
            Ok(0) => return None,
            Ok(_) => {}
        }
        let read = bytes.len() as u64;
        let mut offset = self.offset;
        if self.number == 0 && bytes.starts_with(BYTE_ORDER_MARK) {
            bytes.drain(..BYTE_ORDER_MARK.len());
            offset += BYTE_ORDER_MARK.len() as u64;
        }
        self.number += 1;
        self.offset += read;
        while let Some(b'\n' | b'\r') = bytes.last() {
            bytes.pop();
        }
        let text = String::from_utf8(bytes).map_err(|error| error.utf8_error().valid_up_to() + 1);
        Some(Ok(Line {
            number: self.number,
            offset,
            text,
        }))
    }
}
