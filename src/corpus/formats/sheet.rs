//! Spreadsheets: XLSX, XLSB, XLS and ODS.

use std::io::{BufRead, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use calamine::{Data, DataRef, ExcelDateTime, Reader, Sheets, open_workbook_auto_from_rs};

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
    if let Some(extent) = extent(&mut book, &wanted)
        && extent.is_mostly_empty()
    {
        return Err(extent.message(&wanted));
    }
    book.worksheet_range(&wanted).map_err(|error| {
        let error = shortened(&one_line(&error.to_string()));
        format!("the sheet {wanted:?} cannot be read: {error}")
    })
}

/// Sheets of no more cells are read however empty they are.
const SMALL_SHEET_CELLS: u64 = 10_000_000;

/// Larger ones must have one in so many filled.
const CELLS_A_FILLED_ONE: u64 = 8;

/// The rectangle of a sheet that holds all its filled cells: all of it is held in memory.
struct Extent {
    filled: u64,
    first: (u32, u32),
    /// The first cells of the last row and of the last column.
    lowest: (u32, u32),
    rightmost: (u32, u32),
}

/// The extent of a sheet of XLSX and XLSB, found cell by cell. The other formats are read whole when they are
/// opened, and XLS has no more than 65,536 rows of 256 cells. What is wrong with a sheet is told where it
/// is read.
fn extent(book: &mut Sheets<Cursor<Arc<[u8]>>>, name: &str) -> Option<Extent> {
    let mut extent = None;
    match book {
        Sheets::Xlsx(book) => {
            let mut cells = book.worksheet_cells_reader(name).ok()?;
            while let Some(cell) = cells.next_cell().ok()? {
                add(&mut extent, cell.get_position(), cell.get_value());
            }
        }
        Sheets::Xlsb(book) => {
            let mut cells = book.worksheet_cells_reader(name).ok()?;
            while let Some(cell) = cells.next_cell().ok()? {
                add(&mut extent, cell.get_position(), cell.get_value());
            }
        }
        Sheets::Xls(_) | Sheets::Ods(_) => {}
    }
    extent
}

fn add(extent: &mut Option<Extent>, place: (u32, u32), value: &DataRef<'_>) {
    if matches!(value, DataRef::Empty) {
        return;
    }
    let extent = extent.get_or_insert(Extent {
        filled: 0,
        first: place,
        lowest: place,
        rightmost: place,
    });
    extent.filled += 1;
    extent.first = (extent.first.0.min(place.0), extent.first.1.min(place.1));
    if place.0 > extent.lowest.0 {
        extent.lowest = place;
    }
    if place.1 > extent.rightmost.1 {
        extent.rightmost = place;
    }
}

impl Extent {
    fn cells(&self) -> u64 {
        let rows = u64::from(self.lowest.0 - self.first.0) + 1;
        rows.saturating_mul(u64::from(self.rightmost.1 - self.first.1) + 1)
    }

    fn is_mostly_empty(&self) -> bool {
        let most = self.filled.saturating_mul(CELLS_A_FILLED_ONE);
        self.cells() > most.max(SMALL_SHEET_CELLS)
    }

    fn message(&self, sheet: &str) -> String {
        let (lowest, rightmost) = (cell_name(self.lowest), cell_name(self.rightmost));
        let far = match lowest == rightmost {
            true => format!("the cell {lowest}"),
            false => format!("the cells {lowest} and {rightmost}"),
        };
        let (filled, cells) = (self.filled, self.cells());
        format!(
            "the sheet {sheet:?} reaches as far as {far}, {cells} cells of which {filled} are filled; delete what stands there by mistake, or save the sheet as CSV"
        )
    }
}

/// The name that spreadsheets give a cell, as B7; row and column from 0.
fn cell_name((row, column): (u32, u32)) -> String {
    let mut letters = Vec::new();
    let mut rest = u64::from(column) + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + (rest % 26) as u8));
        rest /= 26;
    }
    let letters: String = letters.into_iter().rev().collect();
    format!("{letters}{}", u64::from(row) + 1)
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
    fn cells_have_the_names_that_sheets_show() {
        assert_eq!(cell_name((0, 0)), "A1");
        assert_eq!(cell_name((6, 25)), "Z7");
        assert_eq!(cell_name((9, 26)), "AA10");
        assert_eq!(cell_name((1_048_575, 16_383)), "XFD1048576");
    }

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
