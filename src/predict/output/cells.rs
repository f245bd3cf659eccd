//! Labelled rows as records of CSV and TSV.

use serde_json::Value;

use super::{FurniturePlace, RowFormat, name_of, push_all};
use crate::predict::fields::FieldValue;
use crate::predict::formats::TextFormat;
use crate::predict::rows::{Labelled, OutputRow};
use crate::predict::write::{push_decimal, push_number};

impl RowFormat {
    /// Appends the names of the columns.
    pub(super) fn append_names(&self, mut cells: Cells<'_>) {
        for name in ["id", "doc", "line", "start", "end", "text", "labels"] {
            cells.text(name);
        }
        for label in &self.labels {
            cells.of(|cell| push_all(cell, &["score.", &label.plain]));
        }
        for label in &self.labels {
            cells.of(|cell| push_all(cell, &["evidence.", &label.plain]));
        }
        if self.review {
            cells.text("review");
        }
        cells.text("furniture");
        cells.text("error");
        for column in &self.columns {
            cells.text(&column.plain);
        }
        for field in &self.keep {
            cells.of(|cell| push_all(cell, &["input.", &field.plain]));
        }
        cells.end_row();
    }

    pub(super) fn cells<'o>(&self, output: &'o mut Vec<u8>) -> Option<Cells<'o>> {
        match self.format {
            TextFormat::Csv => Some(Cells::new(output, b',')),
            TextFormat::Tsv => Some(Cells::new(output, b'\t')),
            _ => None,
        }
    }

    /// The row as a record of a table.
    pub(super) fn append_record(
        &self,
        row: &OutputRow<'_>,
        mut cells: Cells<'_>,
    ) -> FurniturePlace {
        let unit = row.unit;
        cells.of(|cell| match &unit.id {
            Some(id) => cell.extend_from_slice(id.as_bytes()),
            None => {
                push_all(cell, &[unit.file, ":"]);
                push_number(cell, unit.line);
            }
        });
        cells.text(row.doc());
        cells.bare(|cell| push_number(cell, unit.line));
        let place = match &row.outcome {
            Ok(labelled) => self.append_cells(labelled, &mut cells),
            Err(message) => {
                let empty = 4 + 2 * self.labels.len() + 1 + usize::from(self.review);
                (0..empty).for_each(|_| cells.text(""));
                cells.text(message);
                self.columns.iter().for_each(|_| cells.text(""));
                0
            }
        };
        for (place, _) in self.keep.iter().enumerate() {
            match unit.kept.get(place) {
                Some(Some(FieldValue::Text(text))) => cells.text(text),
                None | Some(None | Some(FieldValue::Other(Value::Null))) => cells.text(""),
                Some(Some(FieldValue::Other(value))) => cells.text(&value.to_string()),
            }
        }
        cells.end_row();
        place
    }

    fn append_cells(&self, labelled: &Labelled<'_>, cells: &mut Cells<'_>) -> FurniturePlace {
        cells.bare(|cell| push_number(cell, labelled.span.start as u64));
        cells.bare(|cell| push_number(cell, labelled.span.end as u64));
        cells.text(labelled.text);
        cells.of(|cell| {
            let held = self.labels.iter().zip(labelled.holds);
            for (label, _) in held.filter(|(_, holds)| **holds) {
                push_all(cell, &[&label.plain, "|"]);
            }
            // Read back as a corpus an empty cell would mean that nobody looked.
            match labelled.holds.contains(&true) {
                true => cell.truncate(cell.len() - 1),
                false => cell.extend_from_slice(b"none"),
            }
        });
        for &score in labelled.scores {
            cells.bare(|cell| push_decimal(cell, score, ""));
        }
        for span in labelled.evidence {
            cells.bare(|cell| {
                if let Some(span) = span {
                    push_number(cell, span.start as u64);
                    cell.push(b'-');
                    push_number(cell, span.end as u64);
                }
            });
        }
        if self.review {
            cells.text(match labelled.review {
                Some(true) => "true",
                Some(false) => "false",
                None => "",
            });
        }
        let place = cells.output.len();
        cells.text(labelled.furniture.map_or("", name_of));
        cells.text("");
        let values = self.layout.coded(labelled.holds);
        values.iter().for_each(|value| cells.text(value));
        place
    }
}

/// The cells of one record, separated by commas or tabs.
pub(super) struct Cells<'o> {
    output: &'o mut Vec<u8>,
    delimiter: u8,
}

impl<'o> Cells<'o> {
    fn new(output: &'o mut Vec<u8>, delimiter: u8) -> Self {
        Self { output, delimiter }
    }

    /// A cell that holds no sign to be quoted.
    fn bare(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(self.output);
        self.output.push(self.delimiter);
    }

    fn of(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.output.len();
        write(self.output);
        self.close(start);
    }

    fn text(&mut self, text: &str) {
        self.of(|cell| cell.extend_from_slice(text.as_bytes()));
    }

    /// Ends the cell that begins at `start`.
    fn close(&mut self, start: usize) {
        let cell = &mut self.output[start..];
        if self.delimiter == b'\t' {
            // TSV has no quotes: a tab or line break in a cell would break the row.
            for byte in cell {
                let breaks = matches!(*byte, b'\t' | b'\n' | b'\r');
                // Written in any case, so that the compiler can use wide registers.
                *byte = if breaks { b' ' } else { *byte };
            }
        } else if memchr::memchr3(b',', b'"', b'\n', cell).is_some() || cell.contains(&b'\r') {
            let plain = self.output.split_off(start);
            self.output.push(b'"');
            for &byte in &plain {
                self.output.push(byte);
                if byte == b'"' {
                    self.output.push(byte);
                }
            }
            self.output.push(b'"');
        }
        self.output.push(self.delimiter);
    }

    fn end_row(self) {
        if let Some(last) = self.output.last_mut() {
            *last = b'\n';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cells_are_those_of_the_csv_crate(texts in proptest::collection::vec("[,\"\r\n\ta|# غ]{0,6}", 2..5)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(&texts).unwrap();
            let mut output = b"before".to_vec();
            let mut cells = Cells::new(&mut output, b',');
            texts.iter().for_each(|text| cells.text(text));
            cells.end_row();
            prop_assert_eq!(&output[6..], writer.into_inner().unwrap());
        }
    }
}
