//! Spreadsheets: XLSX, XLSB, XLS and ODS.

use std::io::{BufRead, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use calamine::{Data, ExcelDateTime, Reader, Sheets, open_workbook_auto_from_rs};

use crate::corpus::cells::{CellRecord, CellTable};
use crate::error::{Error, Result, one_line, shortened};
use crate::shield::shielded;

/// The whole file.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn bytes(path: &Path, mut reader: Box<dyn BufRead + Send>) -> Result<Arc<[u8]>> {
    let mut bytes = Vec::new();
    reader
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io(path, error))?;
    Ok(bytes.into())
}

/// Opens a sheet, the first or the one named. Its first row with anything in it is the header; rows
/// with nothing in them are passed over, and keep their numbers. The file is held in memory.
///
/// # Errors
/// When it is no spreadsheet that can be read, or has no sheet of that name.
pub(crate) fn open(path: &Path, bytes: Arc<[u8]>, name: Option<&str>) -> Result<CellTable> {
    let of_file = |message: String| Error::File {
        path: path.into(),
        message,
    };
    let unreadable =
        "no spreadsheet that can be read: damaged, under a password, or none; save it anew as XLSX";
    let range = shielded(|| {
        let book = open_workbook_auto_from_rs(Cursor::new(bytes));
        sheet(book.map_err(|_| unreadable.to_owned())?, name)
    });
    let range = range
        .unwrap_or_else(|_| Err(unreadable.into()))
        .map_err(of_file)?;
    let start = u64::from(range.start().map_or(0, |(row, _)| row)) + 1;
    let mut rows: Vec<(u64, Vec<Data>)> = Vec::with_capacity(range.height());
    for (number, cells) in (start..).zip(range.rows()) {
        if cells.iter().any(|cell| !is_empty(cell)) {
            rows.push((number, cells.to_vec()));
        }
    }
    let mut rows = rows.into_iter();
    let Some((_, header)) = rows.next() else {
        return Ok(CellTable::empty());
    };
    let names: Vec<String> = header
        .iter()
        .map(|cell| text(cell).trim().to_owned())
        .collect();
    Ok(CellTable {
        columns: names.clone(),
        names,
        records: Box::new(rows.map(|(line, cells)| Ok(record(line, &cells)))),
    })
}

fn sheet(
    mut book: Sheets<Cursor<Arc<[u8]>>>,
    name: Option<&str>,
) -> std::result::Result<calamine::Range<Data>, String> {
    let names = book.sheet_names();
    let wanted = match name {
        Some(wanted) if !names.iter().any(|name| name == wanted) => {
            let names = shortened(&names.join(", "));
            return Err(format!("has no sheet {wanted:?}; its sheets are: {names}"));
        }
        Some(wanted) => wanted.to_owned(),
        None => names.into_iter().next().ok_or("has no sheet")?,
    };
    book.worksheet_range(&wanted).map_err(|error| {
        let error = shortened(&one_line(&error.to_string()));
        format!("the sheet {wanted:?} cannot be read: {error}")
    })
}

fn is_empty(cell: &Data) -> bool {
    match cell {
        Data::Empty => true,
        Data::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

fn record(line: u64, cells: &[Data]) -> CellRecord {
    let broken = cells
        .iter()
        .enumerate()
        .filter_map(|(column, cell)| match cell {
            Data::Error(error) => Some((column, format!("the cell holds {error}"))),
            _ => None,
        });
    CellRecord {
        line,
        cells: cells.iter().map(text).collect::<Vec<_>>().into(),
        broken: broken.collect(),
        ..CellRecord::default()
    }
}

fn text(cell: &Data) -> String {
    match cell {
        Data::Empty => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(number) => number.to_string(),
        // Sheets know no whole numbers: 12 is 12.0 in the file.
        Data::Float(number) => number.to_string(),
        Data::Bool(value) => value.to_string(),
        Data::DateTime(moment) => iso(moment),
        Data::Error(error) => error.to_string(),
    }
}

/// A date, a time of day, or both; lengths of time in hours.
fn iso(moment: &ExcelDateTime) -> String {
    const SECONDS_A_DAY: f64 = 86_400.0;
    let value = moment.as_f64();
    if moment.is_duration() {
        let seconds = (value * SECONDS_A_DAY).round() as i64;
        let (hours, seconds) = (seconds / 3600, (seconds % 3600).abs());
        return format!("{hours}:{:02}:{:02}", seconds / 60, seconds % 60);
    }
    if !(0.0..3_000_000.0).contains(&value) {
        return value.to_string();
    }
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    match value {
        value if value < 1.0 => time,
        value if value.fract() == 0.0 => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:04}-{month:02}-{day:02}T{time}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::ExcelDateTimeType;

    #[test]
    fn cells_are_what_the_sheet_shows() {
        assert_eq!(text(&Data::Float(12.0)), "12");
        assert_eq!(text(&Data::Float(0.1)), "0.1");
        let moment = |value, kind| text(&Data::DateTime(ExcelDateTime::new(value, kind, false)));
        assert_eq!(moment(45_000.0, ExcelDateTimeType::DateTime), "2023-03-15");
        assert_eq!(
            moment(45_000.5, ExcelDateTimeType::DateTime),
            "2023-03-15T12:00:00"
        );
        assert_eq!(moment(0.25, ExcelDateTimeType::DateTime), "06:00:00");
        assert_eq!(moment(1.5, ExcelDateTimeType::TimeDelta), "36:00:00");
        assert_eq!(moment(f64::NAN, ExcelDateTimeType::DateTime), "NaN");
    }
}
