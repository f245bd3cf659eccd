//! The rows of one annotated file, whatever its format.

use std::io::BufRead;
use std::path::Path;

use super::encoding::decoded;
use super::files::{open, peek};
use super::format::{CorpusFormat, Layout, Reading, text_layout};
use super::formats::{ObjectFormat, ObjectRows, brat};
use super::row::{KeptFields, RawRow, RowError};
use super::table::TableRows;
use crate::error::{Error, Result};

/// A row, or what is wrong with it, and the line it begins on.
pub(super) type NumberedRow = (u64, std::result::Result<RawRow, RowError>);

/// The rows of one file in their order. A row in error does not end them; what stops the reading of the
/// whole file does.
pub(super) enum FileRows {
    Objects(Box<ObjectRows>),
    Table(Box<TableRows>),
    /// Rows that were read at once.
    Read(std::vec::IntoIter<NumberedRow>),
}

impl FileRows {
    /// Opens a file as `reading` says.
    ///
    /// # Errors
    /// When it cannot be opened, its format is not known, or a table lacks a column that must be there.
    pub(super) fn open(path: &Path, format: CorpusFormat, reading: &Reading) -> Result<Self> {
        if format == CorpusFormat::Brat {
            let rows = brat::rows(path, reading.encoding)?;
            return Ok(Self::Read(rows.into_iter()));
        }
        let reader = open(path)?;
        let mut reader =
            decoded(reader, reading.encoding).map_err(|error| Error::io(path, error))?;
        let head = peek(path, &mut *reader)?;
        Ok(match text_layout(path, format, head)? {
            Layout::Objects {
                is_array,
                format,
                head,
            } => {
                let rows = ObjectRows::new(path, reader, is_array, format, &head, reading);
                Self::Objects(Box::new(rows))
            }
            Layout::Table { delimiter } => {
                let rows = TableRows::open(path, reader, delimiter, reading)?;
                Self::Table(Box::new(rows))
            }
        })
    }

    /// The rows of JSON Lines of Marsad's own.
    pub(super) fn lines(path: &Path, reader: Box<dyn BufRead + Send>, kept: &KeptFields) -> Self {
        let reading = Reading {
            kept: kept.clone(),
            ..Reading::default()
        };
        let own = ObjectFormat::Own;
        Self::Objects(Box::new(ObjectRows::new(
            path,
            reader,
            false,
            own,
            &[],
            &reading,
        )))
    }
}

impl Iterator for FileRows {
    type Item = Result<NumberedRow>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Objects(rows) => rows.next(),
            Self::Table(rows) => rows.next(),
            Self::Read(rows) => rows.next().map(Ok),
        }
    }
}
