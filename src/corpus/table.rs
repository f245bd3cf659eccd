//! Corpora in CSV and TSV: a header with a label column or one 0/1 column a label, or bare
//! `label<TAB>text`.

use std::io::BufRead;
use std::path::Path;

use serde_json::Value;

use super::cells::{CellRecord, CellTable};
use super::delimited::{Delimited, DelimitedRecords, UNCLOSED_QUOTE};
use super::encoding::{NotUtf8, TextEncoding};
use super::files::{can_be_read_twice, open_text};
use super::flag_columns::{FlagSurvey, flag};
use super::format::{Reading, TableForm};
use super::row::{KeptFields, RawRow, RowError, cell_labels};
use super::rows::NumberedRow;
use crate::error::{Error, Result, shortened};

const TEXT_NAMES: &[&str] = &["text", "sentence"];
const LABEL_NAMES: &[&str] = &["labels", "label"];
const ID_NAME: &str = "id";
const DOC_NAME: &str = "doc";
const ANNOTATOR_NAME: &str = "annotator";
const UNSURE_NAME: &str = "unsure";

/// Where the fields of a row stand.
enum Columns {
    /// `label<TAB>text` without a header.
    Bare,
    /// A text, then 0 or 1 for each label, without a header.
    Unnamed,
    Header {
        text: usize,
        id: Option<usize>,
        doc: Option<usize>,
        annotator: Option<usize>,
        /// Labels left open, by name.
        unsure: Option<usize>,
        /// Columns carried along, with their names.
        kept: Vec<(usize, String)>,
        labels: LabelColumns,
    },
}

enum LabelColumns {
    /// One column with names between `|` or `;`.
    Names(usize),
    /// One column of 0 and 1 for each label.
    Flags(Vec<(usize, String)>),
}

/// A table read row by row. One with a column a label is read twice, first to find these columns; where
/// that cannot be, as from a pipe, it is held in memory.
pub(super) struct TableRows {
    width: usize,
    columns: Columns,
    /// Rows that were read already.
    read: std::vec::IntoIter<NumberedRecord>,
    records: Records,
}

/// The cells of a row.
struct Cells {
    record: csv::StringRecord,
    /// Values that are more than the text of their cell; see [`CellRecord::typed`].
    typed: Vec<Option<Value>>,
}

/// A row as it stands, or what is wrong with it, with the line that it begins on.
type NumberedRecord = (u64, std::result::Result<Cells, RowError>);

type Records = Box<dyn Iterator<Item = Result<NumberedRecord>> + Send>;

impl TableRows {
    /// Reads the text file at `path`, which `reader` has open.
    ///
    /// # Errors
    /// When the header has no text column, no labels or not the columns to be kept, a column of 0 and 1
    /// has another cell, or something of the header is not UTF-8.
    pub(super) fn open(
        path: &Path,
        reader: Box<dyn BufRead + Send>,
        form: TableForm,
        reading: &Reading,
    ) -> Result<Self> {
        let encoding = reading.encoding;
        let mut records = delimited(path, reader, form, encoding)?;
        let Some((line, first)) = records.next().transpose()? else {
            return Ok(Self::of(0, Columns::Bare, Vec::new(), records));
        };
        let first = first.map_err(|message| row_error(path, line, message))?;
        let width = first.record.len();
        let again = || -> Result<Option<Records>> {
            if !can_be_read_twice(path) {
                return Ok(None);
            }
            let again = delimited(path, open_text(path, encoding)?, form, encoding)?;
            Ok(Some(Box::new(again.skip(1))))
        };
        let mut read = Vec::new();
        let columns = match form.is_unnamed {
            true => Columns::Unnamed,
            false => {
                let is_tab = form.delimiter == b'\t';
                let survey = survey(&first.record, &mut records, again, &mut read);
                find_columns(path, &first.record, is_tab, &reading.kept, survey)?
            }
        };
        if !matches!(columns, Columns::Header { .. }) {
            read.push((line, Ok(first)));
        }
        Ok(Self::of(width, columns, read, records))
    }

    /// Reads a table of decoded cells, which `again` opens anew where that can be.
    ///
    /// # Errors
    /// As [`TableRows::open`].
    pub(super) fn of_cells(
        path: &Path,
        table: CellTable,
        again: impl FnOnce() -> Result<Option<CellTable>>,
        kept: &KeptFields,
    ) -> Result<Self> {
        if table.names.is_empty() {
            let records = Box::new(std::iter::empty());
            return Ok(Self::of(0, Columns::Bare, Vec::new(), records));
        }
        let header = csv::StringRecord::from(table.names);
        let mut records = decoded(table.records, header.clone());
        let mut read = Vec::new();
        let names = header.clone();
        let again = || Ok(again()?.map(|table| decoded(table.records, names)));
        let survey = survey(&header, &mut records, again, &mut read);
        let columns = find_columns(path, &header, false, kept, survey)?;
        Ok(Self::of(header.len(), columns, read, records))
    }

    fn of(width: usize, columns: Columns, read: Vec<NumberedRecord>, records: Records) -> Self {
        Self {
            width,
            columns,
            read: read.into_iter(),
            records,
        }
    }

    /// Reads the rows from another opening of the same table.
    pub(super) fn restart(&mut self, table: CellTable) {
        self.records = decoded(table.records, csv::StringRecord::from(table.names));
        self.read = Vec::new().into_iter();
    }

    fn read(&self, cells: Cells) -> std::result::Result<RawRow, RowError> {
        if cells.record.len() != self.width {
            return Err(format!(
                "{} fields where {} are expected",
                cells.record.len(),
                self.width
            ));
        }
        read_record(&cells, &self.columns)
    }
}

impl Iterator for TableRows {
    type Item = Result<NumberedRow>;

    fn next(&mut self) -> Option<Self::Item> {
        let (line, cells) = match self.read.next() {
            Some(record) => record,
            None => match self.records.next()? {
                Ok(record) => record,
                Err(error) => return Some(Err(error)),
            },
        };
        let row = cells.and_then(|cells| self.read(cells));
        Some(Ok((line, row)))
    }
}

/// Looks through a table for columns of 0 and 1: anew, or into memory.
fn survey<'a>(
    header: &'a csv::StringRecord,
    records: &'a mut Records,
    again: impl FnOnce() -> Result<Option<Records>> + 'a,
    read: &'a mut Vec<NumberedRecord>,
) -> impl FnOnce(&[Option<usize>]) -> Result<FlagSurvey> + 'a {
    move |taken| {
        let mut survey = FlagSurvey::new(header, taken);
        if let Some(again) = again()? {
            for record in again {
                add(&mut survey, &record?);
            }
            return Ok(survey);
        }
        for record in records {
            let record = record?;
            add(&mut survey, &record);
            read.push(record);
        }
        Ok(survey)
    }
}

/// Rows in error say nothing; they are told when they are read.
fn add(survey: &mut FlagSurvey, (line, cells): &NumberedRecord) {
    if let Ok(cells) = cells {
        survey.add(*line, &cells.record);
    }
}

fn delimited(
    path: &Path,
    reader: Box<dyn BufRead + Send>,
    form: TableForm,
    encoding: Option<TextEncoding>,
) -> Result<Records> {
    let records = DelimitedRecords::with_quotes(path, reader, form.delimiter, form.has_quotes)?;
    Ok(Box::new(
        records.map(move |record| Ok(as_text(record?, encoding))),
    ))
}

/// A record as text; for one whose quote is never closed the line of that quote.
fn as_text(found: Delimited, encoding: Option<TextEncoding>) -> NumberedRecord {
    if let Some(line) = found.open_quote {
        return (line, Err(UNCLOSED_QUOTE.into()));
    }
    let record = csv::StringRecord::from_byte_record(found.record);
    let cells = record.map(|record| Cells {
        record,
        typed: Vec::new(),
    });
    (found.line, cells.map_err(|error| not_utf8(error, encoding)))
}

/// Rows of decoded cells; one with a cell that cannot be used is in error.
fn decoded(
    records: Box<dyn Iterator<Item = Result<CellRecord>> + Send>,
    header: csv::StringRecord,
) -> Records {
    Box::new(records.map(move |record| {
        let CellRecord {
            line,
            cells,
            typed,
            broken,
            ..
        } = record?;
        let cells = match broken.first() {
            None => Ok(Cells {
                record: cells,
                typed,
            }),
            Some((column, message)) => {
                let name = header.get(*column).unwrap_or_default();
                Err(format!("column {:?}: {message}", shortened(name)))
            }
        };
        Ok((line, cells))
    }))
}

/// Names the field, from 1, and the byte in it.
fn not_utf8(error: csv::FromUtf8Error, encoding: Option<TextEncoding>) -> RowError {
    let (field, byte) = (error.utf8_error().field(), error.utf8_error().valid_up_to());
    let record = error.into_byte_record();
    let bytes = record.get(field).unwrap_or_default();
    let found = NotUtf8::at(bytes, byte);
    format!("field {}: {}", field + 1, found.message(encoding))
}

fn find_columns(
    path: &Path,
    header: &csv::StringRecord,
    tab: bool,
    kept: &KeptFields,
    survey: impl FnOnce(&[Option<usize>]) -> Result<FlagSurvey>,
) -> Result<Columns> {
    let find = |names: &[&str]| {
        let exact = header.iter().position(|name| names.contains(&name.trim()));
        // Spreadsheets write "Text" and "ID".
        exact.or_else(|| {
            let alike = |name: &str| {
                names
                    .iter()
                    .any(|other| other.eq_ignore_ascii_case(name.trim()))
            };
            header.iter().position(alike)
        })
    };
    let Some(text) = find(TEXT_NAMES) else {
        if tab && header.len() == 2 && !matches!(kept, KeptFields::Named(_)) {
            return Ok(Columns::Bare);
        }
        return Err(Error::File {
            path: path.into(),
            message: format!(
                "no column named \"text\" in the header ({}); rename the column that holds the sentences",
                shortened(&header.iter().collect::<Vec<_>>().join(", "))
            ),
        });
    };
    if let KeptFields::Named(names) = kept {
        for name in names {
            find(&[name]).ok_or_else(|| Error::File {
                path: path.into(),
                message: format!("no column named {name:?} in the header"),
            })?;
        }
    }
    let (id, doc, annotator) = (find(&[ID_NAME]), find(&[DOC_NAME]), find(&[ANNOTATOR_NAME]));
    let unsure = find(&[UNSURE_NAME]);
    let mut taken = vec![Some(text), id, doc, annotator, unsure];
    let labels = match find(LABEL_NAMES) {
        Some(column) => {
            taken.push(Some(column));
            LabelColumns::Names(column)
        }
        None => {
            let survey = survey(&taken)?;
            let flags = survey.flags(path, header)?;
            if survey.rows > 0 && flags.is_empty() {
                return Err(Error::File {
                    path: path.into(),
                    message: "no column named \"labels\" or \"label\", and no column of 0 and 1"
                        .into(),
                });
            }
            LabelColumns::Flags(flags)
        }
    };
    let is_flag = |column: usize| match &labels {
        LabelColumns::Names(_) => false,
        LabelColumns::Flags(flags) => flags.iter().any(|(flag, _)| *flag == column),
    };
    let named = header.iter().map(str::trim).enumerate();
    let kept_columns = named.filter(|&(column, name)| {
        let is_named = matches!(kept, KeptFields::Named(_));
        kept.keeps(name) && (is_named || !(is_flag(column) || taken.contains(&Some(column))))
    });
    Ok(Columns::Header {
        text,
        id,
        doc,
        annotator,
        unsure,
        kept: kept_columns
            .map(|(column, name)| (column, name.to_owned()))
            .collect(),
        labels,
    })
}

fn read_record(cells: &Cells, columns: &Columns) -> std::result::Result<RawRow, RowError> {
    let record = &cells.record;
    let cell = |column: usize| record.get(column).unwrap_or_default();
    let optional = |column: &Option<usize>| {
        column
            .map(|column| cell(column).trim().to_owned())
            .filter(|value| !value.is_empty())
    };
    Ok(match columns {
        Columns::Unnamed => unnamed(record)?,
        Columns::Bare => RawRow {
            text: cell(1).to_owned(),
            labels: cell_labels(cell(0)),
            ..RawRow::default()
        },
        Columns::Header {
            text,
            id,
            doc,
            annotator,
            unsure,
            kept,
            labels,
        } => RawRow {
            id: optional(id),
            doc: optional(doc),
            annotator: optional(annotator),
            fields: kept
                .iter()
                .map(|(column, name)| {
                    let typed = cells.typed.get(*column).cloned().flatten();
                    let value = typed.unwrap_or_else(|| cell(*column).into());
                    (name.clone(), value)
                })
                .collect(),
            text: cell(*text).to_owned(),
            labels: match labels {
                LabelColumns::Names(column) => cell_labels(cell(*column)),
                LabelColumns::Flags(flags) => {
                    let given = flags
                        .iter()
                        .any(|(column, _)| !cell(*column).trim().is_empty());
                    given.then(|| {
                        flags
                            .iter()
                            .filter(|(column, _)| flag(cell(*column)) == Some(true))
                            .map(|(_, label)| label.clone())
                            .collect()
                    })
                }
            },
            // An empty cell beside filled ones leaves its label open.
            unsure: {
                let named = unsure.and_then(|column| cell_labels(cell(column)));
                let flags = match labels {
                    LabelColumns::Names(_) => &[][..],
                    LabelColumns::Flags(flags) => flags,
                };
                let open = flags
                    .iter()
                    .filter(|(column, _)| cell(*column).trim().is_empty());
                let open = open.map(|(_, label)| label.clone());
                named.unwrap_or_default().into_iter().chain(open).collect()
            },
            ..RawRow::default()
        },
    })
}

/// A text and its 0 and 1; labels are named after their column, `label_1` being the first.
fn unnamed(record: &csv::StringRecord) -> std::result::Result<RawRow, RowError> {
    let mut labels = Vec::new();
    for (column, cell) in record.iter().enumerate().skip(1) {
        match cell.trim() {
            "1" => labels.push(format!("label_{column}")),
            "0" => {}
            other => {
                let other = shortened(other);
                return Err(format!(
                    "{other:?} in field {}, where 0 or 1 is expected",
                    column + 1
                ));
            }
        }
    }
    Ok(RawRow {
        text: record.get(0).unwrap_or_default().to_owned(),
        labels: Some(labels),
        ..RawRow::default()
    })
}

pub(super) fn row_error(path: &Path, line: u64, message: String) -> Error {
    Error::Row {
        path: path.into(),
        line,
        message,
    }
}
