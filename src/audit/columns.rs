//! Readings in the columns of a table, one column an annotator.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::agreement::{Item, Reading};
use crate::corpus::{
    CorpusReader, DelimitedRecords, UNCLOSED_QUOTE, ending, peek, separator, split_cell,
};
use crate::error::{Error, Result};

/// The items of CSV and TSV tables with a header: fields between commas, semicolons or tabs, labels between `|` or `;` in the columns that are
/// named, one an annotator, an empty cell where an annotator did not read the item; items are known by the
/// columns `id` and `doc` where there are any.
///
/// # Errors
/// When a table cannot be read, lacks one of the columns, or has a row or label that is none.
pub fn items_of_columns(
    reader: &CorpusReader,
    paths: &[PathBuf],
    columns: &[String],
) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for path in paths {
        add_table(reader, path, columns, &mut items)?;
    }
    match items.is_empty() {
        true => Err(Error::Corpus(
            "the corpus is empty: no table has a row".into(),
        )),
        false => Ok(items),
    }
}

fn add_table(
    reader: &CorpusReader,
    path: &Path,
    columns: &[String],
    items: &mut Vec<Item>,
) -> Result<()> {
    let mut text = reader.open_text(path)?;
    let head = peek(path, &mut *text)?;
    let first_line = head.split(|&byte| byte == b'\n').next();
    let delimiter = match ending(path).as_str() {
        "tsv" | "tab" => b'\t',
        _ => separator(first_line.unwrap_or_default()),
    };
    let mut rows = DelimitedRecords::new(path, text, delimiter)?;
    let Some(header) = rows.next().transpose()? else {
        return Ok(());
    };
    let closed = |open_quote: Option<u64>| match open_quote {
        Some(line) => Err(in_row(path, line, UNCLOSED_QUOTE)),
        None => Ok(()),
    };
    closed(header.open_quote)?;
    let cells = |record: &csv::ByteRecord, line: u64| -> Result<Vec<String>> {
        let read = |cell: &[u8]| std::str::from_utf8(cell).map(|cell| cell.trim().to_owned());
        let cells: std::result::Result<Vec<String>, _> = record.iter().map(read).collect();
        cells.map_err(|_| in_row(path, line, "not valid UTF-8; say --encoding"))
    };
    let names = cells(&header.record, header.line)?;
    let place = |name: &str| names.iter().position(|found| found == name);
    let mut annotators = Vec::new();
    for column in columns {
        let place = place(column.trim()).ok_or_else(|| Error::File {
            path: path.into(),
            message: format!(
                "no column named {column:?} in the header ({})",
                names.join(", ")
            ),
        })?;
        annotators.push((column.trim().to_owned(), place));
    }
    let (id, doc, text) = (place("id"), place("doc"), place("text"));
    for row in rows {
        let row = row?;
        closed(row.open_quote)?;
        let found = cells(&row.record, row.line)?;
        if found.len() != names.len() {
            let message = format!("{} fields where {} are expected", found.len(), names.len());
            return Err(in_row(path, row.line, &message));
        }
        let cell =
            |place: Option<usize>| found.get(place?).filter(|cell| !cell.is_empty()).cloned();
        let id = cell(id).unwrap_or_else(|| format!("{}:{}", path.display(), row.line));
        let mut readings = BTreeMap::new();
        for (annotator, place) in &annotators {
            if let Some(labels) = cell(Some(*place)) {
                let labels = reader.read_labels(split_cell(&labels));
                let labels = labels.map_err(|message| in_row(path, row.line, &message))?;
                let unsure = Default::default();
                readings.insert(annotator.clone(), Reading { labels, unsure });
            }
        }
        items.push(Item {
            doc: cell(doc).unwrap_or_else(|| id.clone()),
            text: cell(text).unwrap_or_default(),
            id,
            readings,
        });
    }
    Ok(())
}

fn in_row(path: &Path, line: u64, message: &str) -> Error {
    Error::Row {
        path: path.into(),
        line,
        message: message.into(),
    }
}
