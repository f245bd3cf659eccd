//! Records of CSV and TSV with the line that each begins on.

use std::collections::VecDeque;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::files::BYTE_ORDER_MARK;
use crate::error::{Error, Result};

/// Reads records of delimited text, one after the other, from a file of any size.
///
/// The `csv` crate counts lines wrongly after CRLF and empty lines, so the places of line breaks
/// are noted as they are read.
pub(crate) struct DelimitedRecords {
    path: PathBuf,
    reader: csv::Reader<Noted>,
    notes: Arc<Mutex<Notes>>,
    /// Line breaks before the last record.
    lines: u64,
}

/// A record with its place.
pub(crate) struct Delimited {
    /// The line it begins on, from 1.
    pub(crate) line: u64,
    /// Its fields.
    pub(crate) record: csv::ByteRecord,
    /// The line of a quote in it that is never closed: all that follows has become one field.
    pub(crate) open_quote: Option<u64>,
}

/// What to say of such a record.
pub(crate) const UNCLOSED_QUOTE: &str =
    "the quote that opens here is never closed, so all that follows would be one field";

/// What was noted while reading.
#[derive(Default)]
struct Notes {
    /// Line breaks read but not yet passed: byte offset, and whether a line ends there.
    breaks: VecDeque<(u64, bool)>,
    /// Bytes read.
    offset: u64,
    /// Lines ended.
    lines: u64,
    after_return: bool,
    delimiter: u8,
    quotes: Quotes,
    /// The line of the last opened quote.
    quote_line: u64,
    ended: bool,
}

/// Where in a field of CSV the last byte stood.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Quotes {
    /// TSV: quotes are letters.
    #[default]
    Ignored,
    FieldStart,
    Unquoted,
    Quoted,
    /// After a quote in a quoted field, which closes it unless another follows.
    QuoteInQuoted,
}

impl Notes {
    fn note(&mut self, byte: u8) {
        if matches!(byte, b'\n' | b'\r') {
            // CR and LF together end one line.
            let ends_line = !(byte == b'\n' && self.after_return);
            self.breaks.push_back((self.offset, ends_line));
            self.lines += u64::from(ends_line);
        }
        self.after_return = byte == b'\r';
        self.offset += 1;
        self.quotes = match (self.quotes, byte) {
            (Quotes::Ignored, _) => Quotes::Ignored,
            (Quotes::Quoted, b'"') => Quotes::QuoteInQuoted,
            (Quotes::Quoted, _) => Quotes::Quoted,
            (Quotes::QuoteInQuoted, b'"') => Quotes::Quoted,
            (Quotes::FieldStart, b'"') => {
                self.quote_line = self.lines + 1;
                Quotes::Quoted
            }
            (_, b'\n' | b'\r') => Quotes::FieldStart,
            (_, byte) if byte == self.delimiter => Quotes::FieldStart,
            _ => Quotes::Unquoted,
        };
    }
}

/// Notes what is read through it.
struct Noted {
    inner: Box<dyn BufRead + Send>,
    notes: Arc<Mutex<Notes>>,
}

impl Read for Noted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.ended |= read == 0 && !buffer.is_empty();
        buffer[..read].iter().for_each(|&byte| notes.note(byte));
        Ok(read)
    }
}

impl DelimitedRecords {
    /// Reads from an open file; a byte order mark is skipped. Quotes are letters in TSV, as every
    /// tool that writes bare TSV means them.
    ///
    /// # Errors
    /// When the first bytes cannot be read.
    pub(crate) fn new(path: &Path, inner: Box<dyn BufRead + Send>, delimiter: u8) -> Result<Self> {
        Self::with_quotes(path, inner, delimiter, delimiter != b'\t')
    }

    /// The same, told whether quotes bound fields.
    ///
    /// # Errors
    /// When the first bytes cannot be read.
    pub(crate) fn with_quotes(
        path: &Path,
        mut inner: Box<dyn BufRead + Send>,
        delimiter: u8,
        has_quotes: bool,
    ) -> Result<Self> {
        let head = inner.fill_buf().map_err(|error| Error::io(path, error))?;
        if head.starts_with(BYTE_ORDER_MARK) {
            inner.consume(BYTE_ORDER_MARK.len());
        }
        let quotes = match has_quotes {
            false => Quotes::Ignored,
            true => Quotes::FieldStart,
        };
        let notes = Arc::new(Mutex::new(Notes {
            delimiter,
            quotes,
            ..Notes::default()
        }));
        let noted = Noted {
            inner,
            notes: notes.clone(),
        };
        let reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .quoting(has_quotes)
            .flexible(true)
            .from_reader(noted);
        Ok(Self {
            path: path.into(),
            reader,
            notes,
            lines: 0,
        })
    }

    /// Places a record that the reader says to begin at a byte. The reader means the end of the
    /// record before: line breaks that follow are passed.
    fn place(&mut self, mut start: u64, record: csv::ByteRecord) -> Delimited {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(&(offset, ends_line)) = notes.breaks.front()
            && offset <= start
        {
            notes.breaks.pop_front();
            self.lines += u64::from(ends_line);
            if offset == start {
                start += 1;
            }
        }
        let last = notes.ended && self.reader.position().byte() >= notes.offset;
        let open = last && notes.quotes == Quotes::Quoted;
        Delimited {
            line: self.lines + 1,
            record,
            open_quote: open.then_some(notes.quote_line),
        }
    }
}

impl Iterator for DelimitedRecords {
    type Item = Result<Delimited>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut record = csv::ByteRecord::new();
        match self.reader.read_byte_record(&mut record) {
            Ok(false) => None,
            Ok(true) => {
                let start = record.position().map_or(0, csv::Position::byte);
                Some(Ok(self.place(start, record)))
            }
            Err(error) => Some(Err(Error::File {
                path: self.path.clone(),
                message: error.to_string(),
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(content: &'static str) -> Vec<(u64, usize)> {
        DelimitedRecords::new(Path::new("t"), Box::new(content.as_bytes()), b',')
            .unwrap()
            .map(|record| {
                record
                    .map(|found| (found.line, found.record.len()))
                    .unwrap()
            })
            .collect()
    }

    #[test]
    fn quotes_that_never_close_are_known() {
        let open_quotes = |content: &'static str| -> Vec<Option<u64>> {
            DelimitedRecords::new(Path::new("t"), Box::new(content.as_bytes()), b',')
                .unwrap()
                .map(|record| record.unwrap().open_quote)
                .collect()
        };
        assert_eq!(open_quotes("a,b\n1,\"x\ny\n2,z\n"), [None, Some(2)]);
        assert_eq!(open_quotes("a\n\"x\"\"y\"\nz\"w\n"), [None, None, None]);
        assert_eq!(open_quotes("a\n\"x\""), [None, None]);
    }

    #[test]
    fn lines_are_those_of_the_file() {
        assert_eq!(lines("a,b\n1,2\n\n\n3,4"), [(1, 2), (2, 2), (5, 2)]);
        assert_eq!(lines("a,b\r\n1,2\r\n\r\n3,4\r\n"), [(1, 2), (2, 2), (4, 2)]);
        assert_eq!(
            lines("\u{FEFF}a\n\"x\ny\r\nz\"\nlast\n"),
            [(1, 1), (2, 1), (5, 1)]
        );
        assert_eq!(lines("\n\na\n"), [(3, 1)]);
        assert_eq!(lines("a\rb\rc"), [(1, 1), (2, 1), (3, 1)]);
        assert_eq!(lines(""), []);
    }
}
