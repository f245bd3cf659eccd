//! Records of CSV and TSV with the line that each begins on.

use std::collections::VecDeque;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};

/// Reads records of delimited text, one after the other, from a file of any size.
///
/// The `csv` crate counts lines wrongly after CRLF and empty lines, so the places of line breaks
/// are noted as they are read.
pub(crate) struct DelimitedRecords {
    path: PathBuf,
    reader: csv::Reader<Noted>,
    breaks: Breaks,
    /// Line breaks before the last record.
    lines: u64,
}

/// Line breaks read but not yet passed: byte offset, and whether it is `\n`.
type Breaks = Arc<Mutex<VecDeque<(u64, bool)>>>;

/// Notes the line breaks of what is read through it.
struct Noted {
    inner: Box<dyn BufRead + Send>,
    offset: u64,
    breaks: Breaks,
}

impl Read for Noted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let mut breaks = self.breaks.lock().unwrap_or_else(PoisonError::into_inner);
        for place in memchr::memchr2_iter(b'\n', b'\r', &buffer[..read]) {
            breaks.push_back((self.offset + place as u64, buffer[place] == b'\n'));
        }
        self.offset += read as u64;
        Ok(read)
    }
}

impl DelimitedRecords {
    /// Reads from an open file; a byte order mark is skipped. Quotes are letters in TSV, as every
    /// tool that writes bare TSV means them.
    ///
    /// # Errors
    /// When the first bytes cannot be read.
    pub(crate) fn new(
        path: &Path,
        mut inner: Box<dyn BufRead + Send>,
        delimiter: u8,
    ) -> Result<Self> {
        const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();
        let head = inner.fill_buf().map_err(|error| Error::io(path, error))?;
        if head.starts_with(BYTE_ORDER_MARK) {
            inner.consume(BYTE_ORDER_MARK.len());
        }
        let breaks = Breaks::default();
        let noted = Noted {
            inner,
            offset: 0,
            breaks: breaks.clone(),
        };
        let reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .quoting(delimiter != b'\t')
            .flexible(true)
            .from_reader(noted);
        Ok(Self {
            path: path.into(),
            reader,
            breaks,
            lines: 0,
        })
    }

    /// The line, from 1, of a record that the reader says to begin at a byte. The reader means the
    /// end of the record before: line breaks that follow are passed.
    fn line_at(&mut self, mut start: u64) -> u64 {
        let mut breaks = self.breaks.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(&(offset, newline)) = breaks.front()
            && offset <= start
        {
            breaks.pop_front();
            self.lines += u64::from(newline);
            if offset == start {
                start += 1;
            }
        }
        self.lines + 1
    }
}

impl Iterator for DelimitedRecords {
    type Item = Result<(u64, csv::ByteRecord)>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut record = csv::ByteRecord::new();
        match self.reader.read_byte_record(&mut record) {
            Ok(false) => None,
            Ok(true) => {
                let start = record.position().map_or(0, csv::Position::byte);
                Some(Ok((self.line_at(start), record)))
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
            .map(|record| record.map(|(line, record)| (line, record.len())).unwrap())
            .collect()
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
        assert_eq!(lines(""), []);
    }
}
