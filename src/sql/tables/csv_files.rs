//! The columns of CSV and TSV files.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use arrow::compute::kernels::cast_utils::Parser;
use arrow::datatypes::{DataType, Date32Type, Field, Fields, Schema, SchemaRef};

use super::{TableFile, TableFormat, TableOptions};
use crate::corpus::{open, separator};
use crate::error::{Error, Result};

/// The columns that the header names, texts or what their cells show; and the sign between cells.
pub(super) fn columns(file: &TableFile, options: TableOptions) -> Result<(SchemaRef, u8)> {
    let (delimiter, rows) = delimited(file)?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .from_reader(rows);
    let failed = |error: csv::Error| {
        let line = error.position().map(csv::Position::line);
        match error.into_kind() {
            csv::ErrorKind::Io(error) => Error::io(&file.path, error),
            csv::ErrorKind::Utf8 { .. } => Error::Row {
                path: file.path.clone(),
                line: line.unwrap_or(1),
                message: "is not UTF-8; save the file as UTF-8 first".into(),
            },
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

/// The sign between cells, by the header as in the other commands, and all that there is to read.
fn delimited(file: &TableFile) -> Result<(u8, impl Read + use<>)> {
    let mut reader = BufReader::new(without_mark(&file.path)?);
    let mut header = Vec::new();
    let line = reader
        .by_ref()
        .take(LONGEST_HEADER)
        .read_until(b'\n', &mut header);
    line.map_err(|error| Error::io(&file.path, error))?;
    let delimiter = match file.format {
        TableFormat::Tsv => b'\t',
        _ => separator(&header),
    };
    Ok((delimiter, Cursor::new(header).chain(reader)))
}

fn without_mark(path: &Path) -> Result<Box<dyn Read + Send>> {
    let mut reader = open(path)?;
    let head = reader.fill_buf().map_err(|error| Error::io(path, error))?;
    let mark = "\u{FEFF}".as_bytes();
    if head.starts_with(mark) {
        reader.consume(mark.len());
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
