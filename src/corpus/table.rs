//! Corpora in CSV and TSV: a header with a label column or one 0/1 column a label, or bare
//! `label<TAB>text`.

use std::io::BufRead;
use std::path::Path;

use super::delimited::{Delimited, DelimitedRecords, UNCLOSED_QUOTE};
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
    let mut records = Vec::new();
    for record in DelimitedRecords::new(path, reader, delimiter)? {
        let Delimited {
            line,
            record,
            open_quote,
        } = record?;
        if let Some(line) = open_quote {
            return Err(row_error(path, line, UNCLOSED_QUOTE.into()));
        }
        let record = csv::StringRecord::from_byte_record(record)
            .map_err(|error| not_utf8(path, line, &error))?;
        records.push((line, record));
    }
    let Some((_, first)) = records.first() else {
        return Ok(Vec::new());
    };
    let columns = find_columns(path, first, &records, delimiter == b'\t', group_field)?;
    let skip = usize::from(matches!(columns, Columns::Header { .. }));
    let width = first.len();
    records
        .iter()
        .skip(skip)
        .map(|(line, record)| {
            if record.len() != width {
                let message = format!("{} fields where {width} are expected", record.len());
                return Err(row_error(path, *line, message));
            }
            let row =
                read_record(record, &columns).map_err(|message| row_error(path, *line, message))?;
            Ok((*line, row))
        })
        .collect()
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
    records: &[(u64, csv::StringRecord)],
    tab: bool,
    group_field: Option<&str>,
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
            LabelColumns::Flags(flag_columns(path, header, records, &taken)?)
        }
    };
    if records.len() > 1 && matches!(&labels, LabelColumns::Flags(flags) if flags.is_empty()) {
        return Err(Error::File {
            path: path.into(),
            message: "no column named \"labels\" or \"label\", and no column of 0 and 1".into(),
        });
    }
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

/// The columns that hold only 0, 1 (or true, false, yes, no) and nothing, with the label each is named after.
///
/// # Errors
/// When a column holds nearly only 0 and 1: the odd cell would drop a whole label.
fn flag_columns(
    path: &Path,
    header: &csv::StringRecord,
    records: &[(u64, csv::StringRecord)],
    taken: &[Option<usize>],
) -> Result<Vec<(usize, String)>> {
    const FLAGS_FOR_ONE_ODD_CELL: usize = 4;
    let mut flags = Vec::new();
    for (column, name) in header.iter().enumerate() {
        if taken.contains(&Some(column)) {
            continue;
        }
        let (mut given, mut odd) = (0, Vec::new());
        for (line, row) in &records[1..] {
            match row.get(column).unwrap_or_default().trim() {
                "" => {}
                cell if flag(cell).is_some() => given += 1,
                other => odd.push((*line, other)),
            }
        }
        match odd.first() {
            None if given > 0 => flags.push((column, name.trim().to_owned())),
            Some((line, cell)) if given >= FLAGS_FOR_ONE_ODD_CELL * odd.len() => {
                let message = format!(
                    "{:?} in the column {name:?}, which otherwise says 0 or 1",
                    shortened(cell)
                );
                return Err(row_error(path, *line, message));
            }
            _ => {}
        }
    }
    Ok(flags)
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
