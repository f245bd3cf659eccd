//! Corpora in CSV and TSV: a header with a label column or one 0/1 column a label, or bare
//! `label<TAB>text`.

use std::io::BufRead;
use std::path::Path;

use super::delimited::{Delimited, DelimitedRecords, UNCLOSED_QUOTE};
use super::encoding::{NotUtf8, TextEncoding};
use super::files::{can_be_read_twice, open_text};
use super::format::Reading;
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
    records: DelimitedRecords,
    encoding: Option<TextEncoding>,
}

/// A row as it stands, or what is wrong with it, with the line that it begins on.
type NumberedRecord = (u64, std::result::Result<csv::StringRecord, RowError>);

impl TableRows {
    /// Reads the file at `path`, which `reader` has open.
    ///
    /// # Errors
    /// When the header has no text column, no labels or not the columns to be kept, a column of 0 and 1
    /// has another cell, or something of the header is not UTF-8.
    pub(super) fn open(
        path: &Path,
        reader: Box<dyn BufRead + Send>,
        delimiter: u8,
        reading: &Reading,
    ) -> Result<Self> {
        let (kept, encoding) = (&reading.kept, reading.encoding);
        let mut records = DelimitedRecords::new(path, reader, delimiter)?;
        let Some(first) = records.next().transpose()? else {
            return Ok(Self {
                width: 0,
                columns: Columns::Bare,
                read: Vec::new().into_iter(),
                records,
                encoding,
            });
        };
        let (line, first) = as_text(first, encoding);
        let first = first.map_err(|message| row_error(path, line, message))?;
        let mut read = Vec::new();
        let columns = find_columns(path, &first, delimiter == b'\t', kept, |taken| {
            let mut survey = FlagSurvey::new(&first, taken);
            if can_be_read_twice(path) {
                for record in
                    DelimitedRecords::new(path, open_text(path, encoding)?, delimiter)?.skip(1)
                {
                    survey.add(&as_text(record?, encoding));
                }
            } else {
                for record in records.by_ref() {
                    let record = as_text(record?, encoding);
                    survey.add(&record);
                    read.push(record);
                }
            }
            Ok(survey)
        })?;
        if matches!(columns, Columns::Bare) {
            read.push((line, Ok(first.clone())));
        }
        Ok(Self {
            width: first.len(),
            columns,
            read: read.into_iter(),
            records,
            encoding,
        })
    }

    fn read(&self, record: &csv::StringRecord) -> std::result::Result<RawRow, RowError> {
        if record.len() != self.width {
            return Err(format!(
                "{} fields where {} are expected",
                record.len(),
                self.width
            ));
        }
        Ok(read_record(record, &self.columns))
    }
}

impl Iterator for TableRows {
    type Item = Result<NumberedRow>;

    fn next(&mut self) -> Option<Self::Item> {
        let (line, record) = match self.read.next() {
            Some(record) => record,
            None => match self.records.next()? {
                Ok(record) => as_text(record, self.encoding),
                Err(error) => return Some(Err(error)),
            },
        };
        let row = record.and_then(|record| self.read(&record));
        Some(Ok((line, row)))
    }
}

/// A record as text; for one whose quote is never closed the line of that quote.
fn as_text(found: Delimited, encoding: Option<TextEncoding>) -> NumberedRecord {
    if let Some(line) = found.open_quote {
        return (line, Err(UNCLOSED_QUOTE.into()));
    }
    let record = csv::StringRecord::from_byte_record(found.record);
    (
        found.line,
        record.map_err(|error| not_utf8(error, encoding)),
    )
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

/// What a cell of a label's own column says; `None` for anything but yes and no.
fn flag(cell: &str) -> Option<bool> {
    match cell.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" => Some(true),
        "0" | "false" | "no" => Some(false),
        _ => None,
    }
}

/// What the columns of a table hold that may each say of a label whether it holds.
struct FlagSurvey {
    rows: usize,
    columns: Vec<SurveyedColumn>,
}

struct SurveyedColumn {
    column: usize,
    /// Cells that say yes or no.
    given: usize,
    /// Cells that say something else.
    odd: usize,
    first_odd: Option<(u64, String)>,
}

impl FlagSurvey {
    fn new(header: &csv::StringRecord, taken: &[Option<usize>]) -> Self {
        let columns = (0..header.len())
            .filter(|&column| !taken.contains(&Some(column)))
            .map(|column| SurveyedColumn {
                column,
                given: 0,
                odd: 0,
                first_odd: None,
            });
        Self {
            rows: 0,
            columns: columns.collect(),
        }
    }

    /// Rows in error say nothing; they are told when they are read.
    fn add(&mut self, (line, row): &NumberedRecord) {
        let Ok(row) = row else { return };
        self.rows += 1;
        for surveyed in &mut self.columns {
            match row.get(surveyed.column).unwrap_or_default().trim() {
                "" => {}
                cell if flag(cell).is_some() => surveyed.given += 1,
                other => {
                    surveyed.odd += 1;
                    (surveyed.first_odd).get_or_insert_with(|| (*line, shortened(other)));
                }
            }
        }
    }

    /// The columns that hold only 0, 1 (or true, false, yes, no) and nothing, with the label each
    /// is named after.
    ///
    /// # Errors
    /// When a column holds nearly only 0 and 1: the odd cell would drop a whole label.
    fn flags(&self, path: &Path, header: &csv::StringRecord) -> Result<Vec<(usize, String)>> {
        const FLAGS_FOR_ONE_ODD_CELL: usize = 4;
        let mut flags = Vec::new();
        for surveyed in &self.columns {
            let name = header.get(surveyed.column).unwrap_or_default();
            match &surveyed.first_odd {
                None if surveyed.given > 0 => flags.push((surveyed.column, name.trim().to_owned())),
                Some((line, cell)) if surveyed.given >= FLAGS_FOR_ONE_ODD_CELL * surveyed.odd => {
                    let message =
                        format!("{cell:?} in the column {name:?}, which otherwise says 0 or 1");
                    return Err(row_error(path, *line, message));
                }
                _ => {}
            }
        }
        Ok(flags)
    }
}

fn read_record(record: &csv::StringRecord, columns: &Columns) -> RawRow {
    let cell = |column: usize| record.get(column).unwrap_or_default();
    let optional = |column: &Option<usize>| {
        column
            .map(|column| cell(column).trim().to_owned())
            .filter(|value| !value.is_empty())
    };
    match columns {
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
                .map(|(column, name)| (name.clone(), cell(*column).into()))
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
    }
}

fn row_error(path: &Path, line: u64, message: String) -> Error {
    Error::Row {
        path: path.into(),
        line,
        message,
    }
}
