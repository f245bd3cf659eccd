//! The columns of CSV and TSV files.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use arrow::compute::kernels::cast_utils::Parser;
use arrow::datatypes::{DataType, Date32Type, Field, Fields, Schema, SchemaRef};

use super::{TableFile, TableFormat, TableOptions};
use crate::corpus::{BYTE_ORDER_MARK, open, separator};
use crate::error::{Error, Result};

/// The columns that the header names, texts or what their cells show; and the sign between cells.
pub(super) fn columns(file: &TableFile, options: TableOptions) -> Result<(SchemaRef, u8)> {
    let delimiter = delimiter_of(file)?;
    let mut reader = reader_of(&file.path, delimiter)?;
    let failed = |error: csv::Error| {
        let line = error.position().map(csv::Position::line);
        match error.into_kind() {
            csv::ErrorKind::Io(error) => Error::io(&file.path, error),
            csv::ErrorKind::Utf8 { .. } => undecodable_line(&file.path)
                .unwrap_or_else(|| not_utf8(&file.path, line.unwrap_or(1))),
            _ => file.error("cannot be read as rows of cells"),
        }
    };
    let mut records = reader.records();
    let header = match records.next() {
        Some(header) => header.map_err(failed)?,
        None => return Err(file.error("the file is empty; the first line must name the columns")),
    };
    let names = names(file, &header)?;
    let mut kinds = vec![Seen::default(); names.len()];
    if options.infer {
        let sample = usize::try_from(options.sample()).unwrap_or(usize::MAX);
        for record in records.take(sample) {
            let record = record.map_err(failed)?;
            for (kind, cell) in kinds.iter_mut().zip(&record) {
                kind.see(cell);
            }
        }
    }
    let columns = names.into_iter().zip(kinds);
    let fields: Fields = columns
        .map(|(name, kind)| Field::new(name, kind.data_type(options.infer), true))
        .collect();
    Ok((Arc::new(Schema::new(fields)), delimiter))
}

/// The longest header in which the sign between cells is looked for.
const LONGEST_HEADER: u64 = 1 << 20;

/// The sign between cells, by the header as in the other commands.
fn delimiter_of(file: &TableFile) -> Result<u8> {
    if file.format == TableFormat::Tsv {
        return Ok(b'\t');
    }
    let mut reader = BufReader::new(without_mark(&file.path)?);
    let mut header = Vec::new();
    let line = reader
        .by_ref()
        .take(LONGEST_HEADER)
        .read_until(b'\n', &mut header);
    line.map_err(|error| Error::io(&file.path, error))?;
    Ok(separator(&header))
}

fn reader_of(path: &Path, delimiter: u8) -> Result<csv::Reader<Box<dyn Read + Send>>> {
    let reader = without_mark(path)?;
    Ok(csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .from_reader(reader))
}

/// The first row that has not as many cells as the header has names, with its line: DataFusion counts
/// rows, which may have several lines each.
pub(in crate::sql) fn odd_row(path: &Path, columns: usize) -> Option<Error> {
    b",;\t".iter().find_map(|&delimiter| {
        let mut reader = reader_of(path, delimiter).ok()?;
        let mut records = reader.byte_records().map_while(std::result::Result::ok);
        records.next().filter(|header| header.len() == columns)?;
        let odd = records.find(|record| record.len() != columns)?;
        Some(Error::Row {
            path: path.to_owned(),
            line: odd.position()?.line(),
            message: format!(
                "the row has {}, the header names {}",
                counted(odd.len(), "cell"),
                counted(columns, "column")
            ),
        })
    })
}

/// The first line that is not UTF-8.
pub(in crate::sql) fn undecodable_line(path: &Path) -> Option<Error> {
    let lines = open(path)
        .ok()?
        .split(b'\n')
        .map_while(std::result::Result::ok);
    let (line, _) = (1..)
        .zip(lines)
        .find(|(_, line)| std::str::from_utf8(line).is_err())?;
    Some(not_utf8(path, line))
}

fn not_utf8(path: &Path, line: u64) -> Error {
    Error::Row {
        path: path.to_owned(),
        line,
        message: "is not UTF-8; save the file as UTF-8 first".into(),
    }
}

fn counted(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

fn without_mark(path: &Path) -> Result<Box<dyn Read + Send>> {
    let mut reader = open(path)?;
    let head = reader.fill_buf().map_err(|error| Error::io(path, error))?;
    if head.starts_with(BYTE_ORDER_MARK) {
        reader.consume(BYTE_ORDER_MARK.len());
    }
    Ok(Box::new(reader))
}

fn names(file: &TableFile, header: &csv::StringRecord) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut seen = HashSet::new();
    for (place, name) in header.iter().enumerate() {
        let name = match name.trim() {
            "" => format!("column_{}", place + 1),
            name => name.to_owned(),
        };
        if !seen.insert(name.clone()) {
            return Err(file.error(format!("the header names two columns {name:?}")));
        }
        names.push(name);
    }
    Ok(names)
}

/// What all cells of a column may be.
#[derive(Clone, Copy, Debug)]
struct Seen {
    any: bool,
    whole: bool,
    number: bool,
    truth: bool,
    date: bool,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            any: false,
            whole: true,
            number: true,
            truth: true,
            date: true,
        }
    }
}

impl Seen {
    fn see(&mut self, cell: &str) {
        if cell.is_empty() {
            return;
        }
        self.any = true;
        self.whole &= is_number(cell) && cell.parse::<i64>().is_ok();
        self.number &= is_number(cell) && cell.parse::<f64>().is_ok_and(f64::is_finite);
        self.truth &= matches!(cell, "true" | "false");
        self.date &= is_date(cell);
    }

    fn data_type(self, infer: bool) -> DataType {
        match self {
            Self { any: false, .. } => DataType::Utf8,
            _ if !infer => DataType::Utf8,
            Self { whole: true, .. } => DataType::Int64,
            Self { number: true, .. } => DataType::Float64,
            Self { truth: true, .. } => DataType::Boolean,
            Self { date: true, .. } => DataType::Date32,
            _ => DataType::Utf8,
        }
    }
}

/// Whether a cell is written as numbers are, unlike ids such as 007 or +1.
fn is_number(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let mut bytes = digits.bytes();
    match (bytes.next(), bytes.next()) {
        (Some(b'0'), Some(b'0'..=b'9')) => false,
        (Some(b'0'..=b'9'), _) => digits
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'-' | b'+')),
        _ => false,
    }
}

fn is_date(cell: &str) -> bool {
    let shaped = cell.len() == 10
        && cell.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    shaped && Date32Type::parse(cell).is_some()
}
