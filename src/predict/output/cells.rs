//! Labelled rows as records of CSV and TSV.

use serde_json::Value;

use super::{FurniturePlace, RowFormat, name_of, push_all};
use crate::predict::fields::FieldValue;
use crate::predict::formats::TextFormat;
use crate::predict::records::Cells;
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
