//! The rows of one annotated file, whatever its format.

use std::io::BufRead;
use std::path::Path;

use super::encoding::decoded;
use super::files::{ending, open, peek};
use super::format::{
    Container, CorpusFile, CorpusFormat, Layout, Reading, container_in, container_of_ending,
    names_text, refuse_sheet, text_layout,
};
use super::formats::{ObjectFormat, ObjectRows, brat, columnar, sheet};
use super::row::{KeptFields, RawRow, RowError};
use super::table::TableRows;
use crate::error::{Error, Result};

/// A row, or what is wrong with it, and the line it begins on.
pub(super) type NumberedRow = (u64, std::result::Result<RawRow, RowError>);

/// The rows of one file in their order. A row in error does not end them; what stops the reading of the
/// whole file does.
pub(super) enum FileRows {
    Objects(Box<ObjectRows>),
    /// Of delimited text, each row on lines of its own.
    Table(Box<TableRows>),
    /// Of a container or a spreadsheet, which has no lines.
    Cells(Box<TableRows>),
    /// Rows that were read at once.
    Read(std::vec::IntoIter<NumberedRow>),
}

impl FileRows {
    /// Opens a file as `reading` says.
    ///
    /// # Errors
    /// When it cannot be opened, its format is not known, or a table lacks a column that must be there.
    pub(super) fn open(file: &CorpusFile, reading: &Reading) -> Result<Self> {
        let (path, format) = (file.path.as_path(), file.format);
        let sheet = reading.sheet.as_deref();
        if format == CorpusFormat::Brat {
            refuse_sheet(path, sheet)?;
            let rows = brat::rows(path, file.folder.as_deref(), reading.encoding)?;
            return Ok(Self::Read(rows.into_iter()));
        }
        let mut reader = open(path)?;
        let wanted = match format {
            CorpusFormat::Auto => container_of_ending(&ending(path)),
            format => format.container(),
        };
        if wanted.is_some() || (format == CorpusFormat::Auto && !names_text(&ending(path))) {
            let head = reader.fill_buf().map_err(|error| Error::io(path, error))?;
            if let Some(found) = container_in(path, head, wanted)? {
                let rows = Self::open_container(path, reader, found, reading)?;
                return Ok(Self::Cells(Box::new(rows)));
            }
        }
        refuse_sheet(path, sheet)?;
        let mut reader =
            decoded(reader, reading.encoding).map_err(|error| Error::io(path, error))?;
        let head = peek(path, &mut *reader)?;
        Ok(match text_layout(path, format, head)? {
            Layout::Objects {
                is_array,
                format,
                head,
            } => {
                let rows = ObjectRows::new(path, reader, is_array, format, &head, reading)?;
                Self::Objects(Box::new(rows))
            }
            Layout::Table(form) => {
                let rows = TableRows::open(path, reader, form, reading)?;
                Self::Table(Box::new(rows))
            }
        })
    }

    /// Tables that are no text.
    fn open_container(
        path: &Path,
        reader: Box<dyn BufRead + Send>,
        container: Container,
        reading: &Reading,
    ) -> Result<TableRows> {
        let kept = &reading.kept;
        if container == Container::Sheet {
            let bytes = sheet::bytes(path, reader)?;
            let table = || sheet::open(path, bytes.clone(), reading.sheet.as_deref());
            return TableRows::of_cells(path, table()?, || table().map(Some), kept);
        }
        refuse_sheet(path, reading.sheet.as_deref())?;
        let source = columnar::Source::new(path, reader, container)?;
        let names = match kept {
            KeptFields::Named(names) => names.as_slice(),
            KeptFields::None | KeptFields::All => &[],
        };
        let rows = columnar::Wanted {
            // Any column can be one of 0 and 1.
            column: &|_| true,
            names,
            typed: *kept != KeptFields::None,
        };
        let survey = columnar::Wanted {
            typed: false,
            ..rows
        };
        let table = source.open(&rows)?;
        // What is read twice shares its place in the file: the first is opened anew when it is read.
        let mut opened = TableRows::of_cells(path, table, || source.open(&survey).map(Some), kept)?;
        opened.restart(source.open(&rows)?);
        Ok(opened)
    }

    /// The rows of JSON Lines of Marsad's own.
    ///
    /// # Errors
    /// None: what is wrong with rows is told as they are read.
    pub(super) fn lines(
        path: &Path,
        reader: Box<dyn BufRead + Send>,
        kept: &KeptFields,
    ) -> Result<Self> {
        let reading = Reading {
            kept: kept.clone(),
            ..Reading::default()
        };
        let own = ObjectFormat::Own;
        let rows = ObjectRows::new(path, reader, false, own, &[], &reading)?;
        Ok(Self::Objects(Box::new(rows)))
    }
}

impl Iterator for FileRows {
    type Item = Result<NumberedRow>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Objects(rows) => rows.next(),
            Self::Table(rows) | Self::Cells(rows) => rows.next(),
            Self::Read(rows) => rows.next().map(Ok),
        }
    }
}
