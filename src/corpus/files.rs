//! Opening files: decompression by content, lines with their numbers, UTF-8 checked.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::encoding::{NotUtf8, TextEncoding, decoded};
use super::zstd::ZstdFrames;
use crate::compressed::Compression;
use crate::error::{Error, Result};

const BUFFER_BYTES: usize = 1 << 18;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
pub(crate) const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();

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
        return decompressed(BufReader::with_capacity(
            BUFFER_BYTES,
            Metered(std::io::stdin()),
        ))
        .map_err(with_path);
    }
    let file = File::open(path).map_err(with_path)?;
    if file.metadata().map_err(with_path)?.is_dir() {
        return Err(Error::File {
            path: path.into(),
            message: "is a folder; name the files in it".into(),
        });
    }
    decompressed(BufReader::with_capacity(BUFFER_BYTES, Metered(file))).map_err(with_path)
}

/// Bytes read from all input, as they lie on the disk.
static BYTES_READ: AtomicU64 = AtomicU64::new(0);

/// How many bytes of input this process has read so far, compressed ones as such: for those who wait.
pub(crate) fn bytes_read() -> u64 {
    BYTES_READ.load(Ordering::Relaxed)
}

/// Tells that others have read some bytes of input.
#[cfg(feature = "sql")]
pub(crate) fn count_read(bytes: u64) {
    BYTES_READ.fetch_add(bytes, Ordering::Relaxed);
}

/// Counts what is read.
struct Metered<R>(R);

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.0.read(buffer)?;
        BYTES_READ.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Opens a text file as UTF-8: as [`open`], then decoded from the encoding told, or from UTF-16 by its
/// byte order mark.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_text(
    path: &Path,
    encoding: Option<TextEncoding>,
) -> Result<Box<dyn BufRead + Send>> {
    decoded(open(path)?, encoding).map_err(|error| Error::io(path, error))
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
    let compression = compression_in(&head);
    let whole = std::io::Cursor::new(head).chain(reader);
    Ok(match compression {
        Compression::None => Box::new(whole),
        Compression::Gzip => {
            let decoder = flate2::read::MultiGzDecoder::new(whole);
            Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
        }
        Compression::Zstd => {
            let decoder = ZstdFrames::new(whole);
            Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
        }
    })
}

fn compression_in(head: &[u8]) -> Compression {
    if head.starts_with(&GZIP_MAGIC) {
        Compression::Gzip
    } else if head.starts_with(&ZSTD_MAGIC) {
        Compression::Zstd
    } else {
        Compression::None
    }
}

/// How a file is compressed, by its first bytes, as [`open`] sees it: its name may tell otherwise.
///
/// # Errors
/// When the file cannot be read.
#[cfg(feature = "sql")]
pub(crate) fn compression_of(path: &Path) -> Result<Compression> {
    let mut head = Vec::with_capacity(ZSTD_MAGIC.len());
    File::open(path)
        .and_then(|file| file.take(ZSTD_MAGIC.len() as u64).read_to_end(&mut head))
        .map_err(|error| Error::io(path, error))?;
    Ok(compression_in(&head))
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

/// Whether a path is no pipe and not standard input.
pub(crate) fn can_be_read_twice(path: &Path) -> bool {
    let is_pipe = || std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
    path.as_os_str() != STANDARD_INPUT && !is_pipe()
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
pub struct Line<'a> {
    /// Line number, from 1.
    pub number: u64,
    /// Byte offset of the line in the decompressed file.
    pub offset: u64,
    /// The text, or what is wrong with a line that is not UTF-8.
    pub text: std::result::Result<&'a str, NotUtf8>,
}

/// Reads whole lines in blocks of a bounded size, or of one line where a line is longer.
pub struct Blocks {
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
    /// Most pieces of a block.
    pieces: usize,
    /// What was read behind the last block.
    carry: Vec<u8>,
    ended: bool,
    lines: u64,
    offset: u64,
}

/// A piece of a block ends after this many bytes or lines, whichever comes first.
const PIECE_BYTES: usize = 1 << 16;
const PIECE_LINES: u64 = 1 << 10;

impl Blocks {
    /// Reads from an open file, at most `pieces` pieces at once.
    pub fn new(path: &Path, reader: Box<dyn BufRead + Send>, pieces: usize) -> Self {
        Self {
            path: path.into(),
            reader,
            pieces: pieces.max(1),
            carry: Vec::new(),
            ended: false,
            lines: 0,
            offset: 0,
        }
    }

    /// The next lines; nothing at the end of the file.
    ///
    /// # Errors
    /// When the file cannot be read or decompressed.
    pub fn next_block(&mut self) -> Result<Option<Block>> {
        let mut bytes = std::mem::take(&mut self.carry);
        let mut whole_lines = memchr::memrchr(b'\n', &bytes).map_or(0, |last| last + 1);
        while !self.ended && (whole_lines == 0 || bytes.len() < self.pieces * PIECE_BYTES) {
            let before = bytes.len();
            self.read_into(&mut bytes)?;
            if let Some(last) = memchr::memrchr(b'\n', &bytes[before..]) {
                whole_lines = before + last + 1;
            }
        }
        if self.ended {
            whole_lines = bytes.len();
        }
        let pieces = self.cut(&bytes[..whole_lines]);
        let Some(last) = pieces.last() else {
            return Ok(None);
        };
        let end = last.range.end;
        self.carry.extend_from_slice(&bytes[end..]);
        bytes.truncate(end);
        self.offset += end as u64;
        Ok(Some(Block { bytes, pieces }))
    }

    fn read_into(&mut self, bytes: &mut Vec<u8>) -> Result<()> {
        let wanted = self.pieces * PIECE_BYTES;
        bytes.reserve(wanted);
        let mut part = self.reader.by_ref().take(wanted as u64);
        let read = part
            .read_to_end(bytes)
            .map_err(|error| Error::io(&self.path, error))?;
        self.ended = read < wanted;
        Ok(())
    }

    /// Cuts whole lines into pieces, as many as a block may have.
    fn cut(&mut self, bytes: &[u8]) -> Vec<Piece> {
        let mut pieces = Vec::with_capacity(self.pieces);
        let line_ends = memchr::memchr_iter(b'\n', bytes).map(|end| end + 1);
        let unended = (bytes.last() != Some(&b'\n')).then_some(bytes.len());
        let (mut start, mut lines) = (0, 0);
        for end in line_ends.chain(unended) {
            lines += 1;
            let full = lines >= PIECE_LINES || end - start >= PIECE_BYTES;
            if end > start && (full || end == bytes.len()) {
                pieces.push(Piece {
                    range: start..end,
                    line: self.lines + 1,
                    offset: self.offset + start as u64,
                });
                self.lines += lines;
                (start, lines) = (end, 0);
                if pieces.len() >= self.pieces {
                    break;
                }
            }
        }
        pieces
    }
}

/// Whole lines of a file.
#[derive(Debug)]
pub struct Block {
    bytes: Vec<u8>,
    pieces: Vec<Piece>,
}

/// Some lines of a block.
#[derive(Debug)]
struct Piece {
    range: Range<usize>,
    /// Number of its first line.
    line: u64,
    /// Byte offset of its first line in the decompressed file.
    offset: u64,
}

impl Block {
    /// The lines, piece by piece.
    pub fn pieces(&self) -> impl Iterator<Item = PieceLines<'_>> {
        self.pieces.iter().map(|piece| PieceLines {
            rest: &self.bytes[piece.range.clone()],
            line: piece.line,
            offset: piece.offset,
        })
    }

    /// All lines.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.pieces().flatten()
    }
}

/// The lines of a piece, one after the other; a byte order mark at the start of the file is left
/// off.
#[derive(Debug)]
pub struct PieceLines<'a> {
    rest: &'a [u8],
    line: u64,
    offset: u64,
}

impl<'a> Iterator for PieceLines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.rest).map_or(self.rest.len(), |end| end + 1);
        let (mut bytes, rest) = self.rest.split_at(end);
        let mut offset = self.offset;
        if offset == 0
            && let Some(unmarked) = bytes.strip_prefix(BYTE_ORDER_MARK)
        {
            bytes = unmarked;
            offset += BYTE_ORDER_MARK.len() as u64;
        }
        while let Some((b'\n' | b'\r', before)) = bytes.split_last() {
            bytes = before;
        }
        let line = Line {
            number: self.line,
            offset,
            text: checked(bytes),
        };
        self.rest = rest;
        self.line += 1;
        self.offset += end as u64;
        Some(line)
    }
}

/// Bytes as text, or what is wrong with them.
fn checked(bytes: &[u8]) -> std::result::Result<&str, NotUtf8> {
    // The fast check does not tell where it failed.
    simdutf8::basic::from_utf8(bytes)
        .or_else(|_| std::str::from_utf8(bytes))
        .map_err(|error| NotUtf8::new(bytes, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Number, offset and text of each line, read by the standard library.
    fn lines_plainly(bytes: &[u8]) -> Vec<(u64, u64, Vec<u8>)> {
        let mut offset = 0;
        let mut lines = Vec::new();
        for (number, whole) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
            let mark = if number == 0 && whole.starts_with(BYTE_ORDER_MARK) {
                3
            } else {
                0
            };
            let mut line = whole[mark..].to_vec();
            while line.pop_if(|byte| matches!(byte, b'\n' | b'\r')).is_some() {}
            lines.push((number as u64 + 1, offset + mark as u64, line));
            offset += whole.len() as u64;
        }
        lines
    }

    fn lines_by_block(bytes: Vec<u8>, pieces: usize) -> Vec<(u64, u64, Vec<u8>)> {
        let reader = Box::new(std::io::Cursor::new(bytes));
        let mut blocks = Blocks::new(Path::new("t"), reader, pieces);
        let mut lines = Vec::new();
        while let Some(block) = blocks.next_block().unwrap() {
            assert!(block.pieces.len() <= pieces);
            lines.extend(block.lines().map(|line| {
                let text = line.text.unwrap().as_bytes().to_vec();
                (line.number, line.offset, text)
            }));
        }
        lines
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn blocks_hold_all_lines_with_their_places(
            parts in proptest::collection::vec(
                (
                    prop_oneof![
                        Just("\n"), Just("\r\n"), Just("سطر\n"), Just("x"), Just("\u{FEFF}"),
                    ],
                    prop_oneof![Just(1_usize), Just(3), Just(2000), Just(70_000)],
                ),
                0..6,
            ),
            pieces in 1_usize..4,
        ) {
            let bytes: Vec<u8> = parts.iter().flat_map(|(part, times)| part.repeat(*times).into_bytes()).collect();
            let expected = lines_plainly(&bytes);
            prop_assert!(lines_by_block(bytes, pieces) == expected);
        }
    }
}
