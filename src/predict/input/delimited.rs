//! Units that are records of CSV and TSV.

use std::borrow::Cow;
use std::io::BufRead;
use std::path::Path;

use super::{DEFAULT_ID_FIELD, InputFields, Most, Rows, Source, Unit};
use crate::corpus::{Delimited, DelimitedRecords, NotUtf8, TextEncoding, UNCLOSED_QUOTE};
use crate::error::{Error, Result, shortened};
use crate::predict::fields::FieldValue;

/// Where in a table the fields stand that are asked for.
#[derive(Debug, Default)]
pub(super) struct Columns {
    count: usize,
    text: usize,
    id: Option<usize>,
    doc: Option<usize>,
    keep: Vec<usize>,
}

impl Columns {
    /// The unit that a record is.
    pub(super) fn unit<'a>(
        &self,
        mut unit: Unit<'a>,
        found: &'a Delimited,
        encoding: Option<TextEncoding>,
    ) -> Unit<'a> {
        let record = &found.record;
        if let Some(line) = found.open_quote {
            unit.text = Err(format!("line {line}: {UNCLOSED_QUOTE}"));
            return unit;
        }
        if record.len() != self.count {
            unit.text = Err(format!(
                "{} fields where {} are expected",
                record.len(),
                self.count
            ));
            return unit;
        }
        let cell = |column: usize| {
            std::str::from_utf8(&record[column])
                .map(Cow::Borrowed)
                .map_err(|error| NotUtf8::new(&record[column], error).message(encoding))
        };
        unit.text = cell(self.text);
        for (target, column) in [(&mut unit.id, self.id), (&mut unit.doc, self.doc)] {
            match column.map(cell) {
                Some(Ok(value)) if !value.is_empty() => *target = Some(value),
                Some(Err(message)) => unit.text = Err(message),
                Some(Ok(_)) | None => {}
            }
        }
        for &column in &self.keep {
            let kept = cell(column).map(FieldValue::Text);
            unit.kept.push(match kept {
                Ok(value) => Some(value),
                Err(message) => {
                    unit.text = Err(message);
                    None
                }
            });
        }
        unit
    }
}

/// Opens a table: its columns, and its records.
///
/// # Errors
/// When it cannot be read or lacks a field that is asked for.
pub(super) fn open_table(
    path: &Path,
    reader: Box<dyn BufRead + Send>,
    delimiter: u8,
    fields: &InputFields,
    pieces: usize,
    encoding: Option<TextEncoding>,
) -> Result<(Rows, Source)> {
    let mut records = DelimitedRecords::new(path, reader, delimiter)?;
    let header = records.next().transpose()?;
    let (columns, first) = match header {
        Some(header) => columns_of(path, header, delimiter, fields, encoding)?,
        None => (Columns::default(), None),
    };
    let source = Source::Table {
        records,
        first,
        most: Most::of_pieces(pieces),
    };
    Ok((Rows::Records(columns), source))
}

/// The columns that a header names, or, for bare `label<TAB>text`, those that are meant, with the
/// record that is none.
fn columns_of(
    path: &Path,
    first: Delimited,
    delimiter: u8,
    fields: &InputFields,
    encoding: Option<TextEncoding>,
) -> Result<(Columns, Option<Delimited>)> {
    let bytes = first.record.as_slice();
    if let Err(error) = std::str::from_utf8(bytes) {
        return Err(Error::Row {
            path: path.into(),
            line: first.line,
            message: NotUtf8::new(bytes, error).message(encoding),
        });
    }
    let header: Vec<String> = first
        .record
        .iter()
        .map(|name| String::from_utf8_lossy(name).trim().to_owned())
        .collect();
    let find = |name: &str| find_column(&header, name);
    let bare = delimiter == b'\t' && header.len() == 2 && find(&fields.text).is_none();
    let missing = |name: &str| Error::File {
        path: path.into(),
        message: missing_column(name, &header),
    };
    let text = match find(&fields.text) {
        Some(column) => column,
        None if bare => 1,
        None => return Err(missing(&fields.text)),
    };
    let keep = fields.keep.iter();
    let keep = keep.map(|name| find(name).ok_or_else(|| missing(name)));
    let columns = Columns {
        count: header.len(),
        text,
        keep: keep.collect::<Result<_>>()?,
        id: match &fields.id {
            Some(name) => Some(find(name).ok_or_else(|| missing(name))?),
            None => find(DEFAULT_ID_FIELD),
        },
        doc: find(&fields.doc),
    };
    Ok((columns, bare.then_some(first)))
}

/// The column of a name, else of one that differs only in capitals, as spreadsheets have them.
pub(super) fn find_column(header: &[String], name: &str) -> Option<usize> {
    let exact = header.iter().position(|other| other == name);
    exact.or_else(|| {
        header
            .iter()
            .position(|other| other.eq_ignore_ascii_case(name))
    })
}

/// What to say of a column that is not there.
pub(super) fn missing_column(name: &str, header: &[String]) -> String {
    format!(
        "no column {name:?} in the header ({}); name the right one with --text-field, --id-field or --keep",
        shortened(&header.join(", "))
    )
}
