//! Strings of a column, whose offsets have 31 bits.

use arrow::array::{StringArray, StringBuilder};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use datafusion::common::{Result, exec_datafusion_err, exec_err};

/// A column of strings that grows as far as a column can.
pub(super) struct TextColumn {
    function: &'static str,
    strings: StringBuilder,
    most_bytes: usize,
}

impl TextColumn {
    pub(super) fn new(function: &'static str, rows: usize) -> Self {
        Self {
            function,
            strings: StringBuilder::with_capacity(rows, 0),
            most_bytes: i32::MAX as usize,
        }
    }

    /// # Errors
    /// When the column is full.
    pub(super) fn push(&mut self, text: &str) -> Result<()> {
        let bytes = self.strings.values_slice().len() + text.len();
        if bytes > self.most_bytes {
            return exec_err!(
                "{}: the strings of one batch come to more than {} bytes, which is all that a \
                 column can hold; give shorter texts or smaller batches",
                self.function,
                self.most_bytes
            );
        }
        self.strings.append_value(text);
        Ok(())
    }

    pub(super) fn push_null(&mut self) {
        self.strings.append_null();
    }

    pub(super) fn finish(mut self) -> StringArray {
        self.strings.finish()
    }
}

/// Where the list of each row ends.
pub(super) struct ListEnds {
    function: &'static str,
    ends: Vec<i32>,
}

impl ListEnds {
    pub(super) fn new(function: &'static str, rows: usize) -> Self {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        Self { function, ends }
    }

    /// Ends a row's list; `items` are all so far.
    ///
    /// # Errors
    /// When there are more than a column can hold.
    pub(super) fn push(&mut self, items: usize) -> Result<()> {
        let end = i32::try_from(items).map_err(|_| {
            exec_datafusion_err!(
                "{}: the lists of one batch have more than {} items, which is all that a column \
                 can hold; give shorter texts or smaller batches",
                self.function,
                i32::MAX
            )
        })?;
        self.ends.push(end);
        Ok(())
    }

    pub(super) fn finish(self) -> OffsetBuffer<i32> {
        OffsetBuffer::new(ScalarBuffer::from(self.ends))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Array;

    #[test]
    fn a_full_column_is_told_and_not_panicked_about() {
        let mut column = TextColumn {
            most_bytes: 10,
            ..TextColumn::new("normalize_arabic", 3)
        };
        column.push("غارة").unwrap();
        column.push("12").unwrap();
        column.push("").unwrap();
        column.push_null();
        let error = column.push("3").unwrap_err().to_string();
        assert!(error.contains("normalize_arabic: the strings"), "{error}");
        assert_eq!(column.finish().len(), 4);
    }

    #[test]
    fn lists_end_where_offsets_end() {
        let mut ends = ListEnds::new("event_labels", 2);
        ends.push(i32::MAX as usize).unwrap();
        let error = ends.push(i32::MAX as usize + 1).unwrap_err().to_string();
        assert!(error.contains("event_labels: the lists"), "{error}");
        assert_eq!(&*ends.finish(), [0, i32::MAX]);
    }
}
