//! Columns of a table that each say of one label whether it holds.

use std::path::Path;

use super::table::row_error;
use crate::error::{Result, shortened};

/// What a cell of a label's own column says; `None` for anything but yes and no.
pub(super) fn flag(cell: &str) -> Option<bool> {
    match cell.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" => Some(true),
        "0" | "false" | "no" => Some(false),
        _ => None,
    }
}

/// What the columns of a table hold that may each say of a label whether it holds.
pub(super) struct FlagSurvey {
    pub(super) rows: usize,
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
    pub(super) fn new(header: &csv::StringRecord, taken: &[Option<usize>]) -> Self {
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

    /// Looks at a row.
    pub(super) fn add(&mut self, line: u64, row: &csv::StringRecord) {
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
    pub(super) fn flags(
        &self,
        path: &Path,
        header: &csv::StringRecord,
    ) -> Result<Vec<(usize, String)>> {
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
