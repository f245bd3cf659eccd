//! Tables whose cells are decoded already: spreadsheets, Parquet and Arrow.

use serde_json::Value;

use super::row::RowError;
use crate::error::Result;

/// A row of such a table.
#[derive(Debug, Default)]
pub(crate) struct CellRecord {
    /// Its number in the file, as users count: rows of a sheet with the header, of Parquet and Arrow
    /// without, from 1.
    pub(crate) line: u64,
    /// The cells as text; empty for none.
    pub(crate) cells: csv::StringRecord,
    /// Values that are more than the text of their cell: numbers, lists, null. Empty when none was asked
    /// for, else one a cell.
    pub(crate) typed: Vec<Option<Value>>,
    /// The cells that cannot be used, with the reason.
    pub(crate) broken: Vec<(usize, RowError)>,
    /// The columns that hold nothing here, where the format tells that from empty text.
    pub(crate) nulls: Vec<usize>,
}

/// A table with its names.
pub(crate) struct CellTable {
    /// The names of the columns that are read.
    pub(crate) names: Vec<String>,
    /// The names of all columns.
    pub(crate) columns: Vec<String>,
    pub(crate) records: Box<dyn Iterator<Item = Result<CellRecord>> + Send>,
}

impl CellTable {
    /// A table without anything in it.
    pub(super) fn empty() -> Self {
        Self {
            names: Vec::new(),
            columns: Vec::new(),
            records: Box::new(std::iter::empty()),
        }
    }
}
