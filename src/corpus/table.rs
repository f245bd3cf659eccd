//! Corpora in CSV and TSV: a header with a label column or one 0/1 column a label, or bare
//! `label<TAB>text`.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use super::delimited::{Delimited, DelimitedRecords, UNCLOSED_QUOTE};
use super::files::open;
use super::row::{RawRow, cell_labels};
use crate::error::{Error, Result, shortened};

const TEXT_NAMES: &[&str] = &["text", "sentence"];
const LABEL_NAMES: &[&str] = &["labels", "label"];
const ID_NAME: &str = "id";
const DOC_NAME: &str = "doc";

/// Where the fields of a row stand.
enum Columns {
    /// `label<TAB>text` without a header.
    Bare,
    Header {
        text: usize,
        id: Option<usize>,
        doc: Option<usize>,
        group: Option<usize>,
        labels: LabelColumns,
    },
}

enum LabelColumns {
    /// One column with names between `|` or `;`.
    Names(usize),
    /// One column of 0 and 1 for each label.
    Flags(Vec<(usize, String)>),
}

/// Reads a table; rows come with the line they begin on.
///
/// # Errors
/// When the header has no text column or no labels, a row has another number of fields, or
/// something is not UTF-8.
pub(super) fn read_rows(
    path: &Path,
    reader: Box<dyn BufRead + Send>,
    delimiter: u8,
    group_field: Option<&str>,
) -> Result<Vec<(u64, RawRow)>> {
    let records: Vec<Row> = Rows::new(path, reader, delimiter)?.collect::<Result<_>>()?;
    let Some((first, rest)) = records.split_first() else {
        return Ok(Vec::new());
    };
    let columns = find_columns(path, &first.1, delimiter == b'\t', group_field, |taken| {
        let mut survey = FlagSurvey::new(&first.1, taken);
        rest.iter()
            .for_each(|(line, record)| survey.add(*line, record));
        Ok(survey)
    })?;
    let table = Table {
        path: path.into(),
        width: first.1.len(),
        columns,
    };
    let skip = usize::from(table.has_header());
    records[skip..]
        .iter()
        .map(|row| Ok((row.0, table.read(row)?)))
        .collect()
}

/// A row of a table with the line that it begins on.
type Row = (u64, csv::StringRecord);

/// Rows as text, one by one.
struct Rows {
    path: PathBuf,
    records: DelimitedRecords,
}

impl Rows {
    fn new(path: &Path, reader: Box<dyn BufRead + Send>, delimiter: u8) -> Result<Self> {
        Ok(Self {
            path: path.into(),
            records: DelimitedRecords::new(path, reader, delimiter)?,
        })
    }

    fn read(&self, record: Delimited) -> Result<Row> {
        let Delimited {
            line,
            record,
            open_quote,
        } = record;
        if let Some(line) = open_quote {
            return Err(row_error(&self.path, line, UNCLOSED_QUOTE.into()));
        }
        let record = csv::StringRecord::from_byte_record(record)
            .map_err(|error| not_utf8(&self.path, line, &error))?;
        Ok((line, record))
    }
}

impl Iterator for Rows {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.records.next()?;
        Some(record.and_then(|record| self.read(record)))
    }
}

/// A table whose columns are known.
struct Table {
    path: PathBuf,
    width: usize,
    columns: Columns,
}

impl Table {
    fn has_header(&self) -> bool {
        matches!(self.columns, Columns::Header { .. })
    }

    fn read(&self, (line, record): &Row) -> Result<RawRow> {
        if record.len() != self.width {
            let message = format!("{} fields where {} are expected", record.len(), self.width);
            return Err(row_error(&self.path, *line, message));
        }
        read_record(record, &self.columns).map_err(|message| row_error(&self.path, *line, message))
    }
}

/// Reads a table row by row; one with a column a label is read twice, first to find these columns.
pub(super) struct TableRows {
    table: Table,
    rows: Rows,
    /// The first row, where it is no header.
    first: Option<Row>,
}

impl TableRows {
    /// Reads the file at `path`, which `reader` has open; nothing for an empty one.
    ///
    /// # Errors
    /// As [`read_rows`], but for the rows, which are read later.
    pub(super) fn open(
        path: &Path,
        reader: Box<dyn BufRead + Send>,
        delimiter: u8,
        group_field: Option<&str>,
    ) -> Result<Option<Self>> {
        let mut rows = Rows::new(path, reader, delimiter)?;
        let Some(first) = rows.next().transpose()? else {
            return Ok(None);
        };
        let columns = find_columns(path, &first.1, delimiter == b'\t', group_field, |taken| {
            let mut survey = FlagSurvey::new(&first.1, taken);
            for row in Rows::new(path, open(path)?, delimiter)?.skip(1) {
                let (line, record) = row?;
                survey.add(line, &record);
            }
            Ok(survey)
        })?;
        let table = Table {
            path: path.into(),
            width: first.1.len(),
            columns,
        };
        Ok(Some(Self {
            first: (!table.has_header()).then_some(first),
            table,
            rows,
        }))
    }
}

impl Iterator for TableRows {
    type Item = Result<(u64, RawRow)>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = match self.first.take() {
            Some(first) => first,
            None => match self.rows.next()? {
                Ok(row) => row,
                Err(error) => return Some(Err(error)),
            },
        };
        Some(self.table.read(&row).map(|read| (row.0, read)))
    }
}

/// Names the field, from 1, and the byte in it.
fn not_utf8(path: &Path, line: u64, error: &csv::FromUtf8Error) -> Error {
    let error = error.utf8_error();
    row_error(
        path,
        line,
        format!(
            "not valid UTF-8 at byte {} of field {}; convert the file to UTF-8 first",
            error.valid_up_to() + 1,
            error.field() + 1
        ),
    )
}

fn find_columns(
    path: &Path,
    header: &csv::StringRecord,
    tab: bool,
    group_field: Option<&str>,
    survey: impl FnOnce(&[Option<usize>]) -> Result<FlagSurvey>,
) -> Result<Columns> {
    let find = |names: &[&str]| header.iter().position(|name| names.contains(&name.trim()));
    let Some(text) = find(TEXT_NAMES) else {
        if tab && header.len() == 2 && group_field.is_none() {
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
    let (id, doc) = (find(&[ID_NAME]), find(&[DOC_NAME]));
    let group = match group_field {
        None => None,
        Some(field) => Some(find(&[field]).ok_or_else(|| Error::File {
            path: path.into(),
            message: format!("no column named {field:?} in the header"),
        })?),
    };
    let labels = match find(LABEL_NAMES) {
        Some(column) => LabelColumns::Names(column),
        None => {
            let taken = [Some(text), id, doc];
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
    Ok(Columns::Header {
        text,
        id,
        doc,
        group,
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

    fn add(&mut self, line: u64, row: &csv::StringRecord) {
        self.rows += 1;
        for surveyed in &mut self.columns {
            match row.get(surveyed.column).unwrap_or_default().trim() {
                "" => {}
                cell if flag(cell).is_some() => surveyed.given += 1,
                other => {
                    surveyed.odd += 1;
                    (surveyed.first_odd).get_or_insert_with(|| (line, shortened(other)));
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

fn read_record(
    record: &csv::StringRecord,
    columns: &Columns,
) -> std::result::Result<RawRow, String> {
    let cell = |column: usize| record.get(column).unwrap_or_default();
    let optional = |column: &Option<usize>| {
        column
            .map(|column| cell(column).trim().to_owned())
            .filter(|value| !value.is_empty())
    };
    Ok(match columns {
        Columns::Bare => RawRow {
            text: cell(1).to_owned(),
            labels: cell_labels(cell(0)),
            ..RawRow::default()
        },
        Columns::Header {
            text,
            id,
            doc,
            group,
            labels,
        } => RawRow {
            id: optional(id),
            doc: optional(doc),
            group: optional(group),
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
            unsure: match labels {
                LabelColumns::Names(_) => Vec::new(),
                LabelColumns::Flags(flags) => flags
                    .iter()
                    .filter(|(column, _)| cell(*column).trim().is_empty())
                    .map(|(_, label)| label.clone())
                    .collect(),
            },
        },
    })
}

fn row_error(path: &Path, line: u64, message: String) -> Error {
    Error::Row {
        path: path.into(),
        line,
        message,
    }
}
