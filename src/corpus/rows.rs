//! The rows of one annotated file, whatever its format.

use std::io::BufRead;
use std::path::Path;

use super::files::{Blocks, Line, ending, open, peek};
use super::jsonl;
use super::row::{KeptFields, RawRow, RowError};
use super::table::TableRows;
use crate::error::{Error, Result};

/// Formats of annotated corpora.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    JsonLines,
    Table { delimiter: u8 },
}

/// A row, or what is wrong with it, and the line it begins on.
pub(super) type NumberedRow = (u64, std::result::Result<RawRow, RowError>);

/// The rows of one file in their order. A row in error does not end them; what stops the reading of the
/// whole file does.
pub(super) enum FileRows {
    Lines(LineRows),
    Table(Box<TableRows>),
}

impl FileRows {
    /// Opens a file; its format is known by its name (`.jsonl`, `.csv`, `.tsv`, with `.gz` or `.zst`
    /// behind), else by its first character.
    ///
    /// # Errors
    /// When it cannot be opened, its format is not known, or a table lacks a column that must be there.
    pub(super) fn open(path: &Path, kept: &KeptFields) -> Result<Self> {
        let mut reader = open(path)?;
        Ok(match format_of(path, &mut *reader)? {
            Format::JsonLines => Self::lines(path, reader, kept),
            Format::Table { delimiter } => {
                Self::Table(Box::new(TableRows::open(path, reader, delimiter, kept)?))
            }
        })
    }

    /// The rows of JSON Lines.
    pub(super) fn lines(path: &Path, reader: Box<dyn BufRead + Send>, kept: &KeptFields) -> Self {
        Self::Lines(LineRows {
            blocks: Blocks::new(path, reader, 1),
            kept: kept.clone(),
            read: Vec::new().into_iter(),
        })
    }
}

impl Iterator for FileRows {
    type Item = Result<NumberedRow>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Lines(lines) => lines.next().transpose(),
            Self::Table(rows) => rows.next(),
        }
    }
}

/// The rows of JSON Lines, block by block.
pub(super) struct LineRows {
    blocks: Blocks,
    kept: KeptFields,
    /// The rows of the current block that were not handed over yet.
    read: std::vec::IntoIter<NumberedRow>,
}

impl LineRows {
    fn next(&mut self) -> Result<Option<NumberedRow>> {
        loop {
            if let Some(row) = self.read.next() {
                return Ok(Some(row));
            }
            let Some(block) = self.blocks.next_block()? else {
                return Ok(None);
            };
            let rows = block.lines().filter_map(|line| self.row(&line));
            self.read = rows.collect::<Vec<_>>().into_iter();
        }
    }

    /// Nothing for an empty line.
    fn row(&self, line: &Line<'_>) -> Option<NumberedRow> {
        let row = match line.text {
            Ok(text) if text.trim().is_empty() => return None,
            Ok(text) => jsonl::read_row(text, &self.kept),
            Err(byte) => Err(not_utf8(byte)),
        };
        Some((line.number, row))
    }
}

fn not_utf8(byte: usize) -> RowError {
    format!("not valid UTF-8 at byte {byte}; convert the file to UTF-8 first")
}

/// The format that a file's name tells, else what it begins with.
fn format_of(path: &Path, reader: &mut (dyn BufRead + Send + 'static)) -> Result<Format> {
    match ending(path).as_str() {
        "csv" => Ok(Format::Table { delimiter: b',' }),
        "tsv" | "tab" => Ok(Format::Table { delimiter: b'\t' }),
        "jsonl" | "ndjson" => Ok(Format::JsonLines),
        _ => {
            let head = peek(path, reader)?;
            let first_line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
            if head.is_empty() || head.starts_with(b"{") {
                Ok(Format::JsonLines)
            } else if first_line.contains(&b'\t') {
                Ok(Format::Table { delimiter: b'\t' })
            } else {
                Err(Error::File {
                    path: path.into(),
                    message: "neither JSON Lines nor a table; name it .jsonl, .csv or .tsv".into(),
                })
            }
        }
    }
}
