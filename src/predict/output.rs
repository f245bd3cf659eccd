//! Labelled rows as bytes: JSON Lines, CSV, TSV, or lines for people.

use std::collections::HashSet;

use serde_json::Value;

use super::fields::FieldValue;
use super::rows::{Labelled, OutputRow};
use super::write::{push_decimal, push_escaped, push_number, push_string};
use crate::text::Furniture;

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    /// One JSON object a line.
    #[default]
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
    /// Labels and sentence for people to read.
    Table,
}

/// Everything that decides how rows are written; shared by threads.
#[derive(Clone, Debug)]
pub struct RowFormat {
    format: OutputFormat,
    labels: Vec<Name>,
    /// Fields carried along.
    keep: Vec<Name>,
    /// Whether rows are marked to be read by hand.
    review: bool,
    colour: bool,
}

/// A label or field with what JSON writes for it.
#[derive(Clone, Debug)]
struct Name {
    plain: String,
    /// In quotes.
    json: Vec<u8>,
    /// Whether the same name stands before it.
    again: bool,
}

/// Where in the bytes of a row it is said that it is furniture, or would be if it were.
pub(super) type FurniturePlace = usize;

impl RowFormat {
    /// A format for rows with these labels, parents included, and fields carried along.
    pub fn new(
        format: OutputFormat,
        labels: Vec<String>,
        keep: Vec<String>,
        review: bool,
        colour: bool,
    ) -> Self {
        Self {
            format,
            labels: names(labels),
            keep: names(keep),
            review,
            colour,
        }
    }

    /// Appends what stands before the first row.
    pub fn append_header(&self, output: &mut Vec<u8>) {
        let Some(mut cells) = self.cells(output) else {
            return;
        };
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
        for field in &self.keep {
            cells.of(|cell| push_all(cell, &["input.", &field.plain]));
        }
        cells.end_row();
    }

    /// Appends one row.
    pub fn append(&self, row: &OutputRow<'_>, output: &mut Vec<u8>) {
        self.append_placed(row, output);
    }

    /// Appends one row and tells where its furniture stands.
    pub(super) fn append_placed(
        &self,
        row: &OutputRow<'_>,
        output: &mut Vec<u8>,
    ) -> FurniturePlace {
        if let Some(cells) = self.cells(output) {
            return self.append_record(row, cells);
        }
        match self.format {
            OutputFormat::Table => {
                let start = output.len();
                output.extend_from_slice(self.line_for_people(row).as_bytes());
                start
            }
            _ => self.append_object(row, output),
        }
    }

    /// What is inserted at its place to say that a row repeats another; nothing where the whole row
    /// looks different.
    pub(super) fn repeat_mark(&self) -> Option<&'static str> {
        match self.format {
            OutputFormat::Jsonl => Some(",\"furniture\":\"repeated\""),
            OutputFormat::Csv | OutputFormat::Tsv => Some("repeated"),
            OutputFormat::Table => None,
        }
    }

    fn cells<'o>(&self, output: &'o mut Vec<u8>) -> Option<Cells<'o>> {
        match self.format {
            OutputFormat::Csv => Some(Cells::new(output, b',')),
            OutputFormat::Tsv => Some(Cells::new(output, b'\t')),
            OutputFormat::Jsonl | OutputFormat::Table => None,
        }
    }

    /// The row as a JSON object, fields in the documented order.
    fn append_object(&self, row: &OutputRow<'_>, output: &mut Vec<u8>) -> FurniturePlace {
        let unit = row.unit;
        output.extend_from_slice(b"{\"id\":");
        match &unit.id {
            Some(id) => push_string(output, id),
            None => {
                output.push(b'"');
                push_escaped(output, unit.file);
                output.push(b':');
                push_number(output, unit.line);
                output.push(b'"');
            }
        }
        let place = match &row.outcome {
            Err(message) => {
                output.extend_from_slice(b",\"error\":");
                push_string(output, message);
                output.len()
            }
            Ok(labelled) => {
                output.extend_from_slice(b",\"doc\":");
                push_string(output, row.doc());
                output.extend_from_slice(b",\"line\":");
                push_number(output, unit.line);
                self.append_labelled(labelled, output)
            }
        };
        self.append_kept(row, output);
        output.extend_from_slice(b"}\n");
        place
    }

    fn append_labelled(&self, labelled: &Labelled<'_>, output: &mut Vec<u8>) -> FurniturePlace {
        output.extend_from_slice(b",\"start\":");
        push_number(output, labelled.span.start as u64);
        output.extend_from_slice(b",\"end\":");
        push_number(output, labelled.span.end as u64);
        output.extend_from_slice(b",\"text\":");
        push_string(output, labelled.text);
        output.extend_from_slice(b",\"labels\":[");
        let held = self.labels.iter().zip(labelled.holds);
        separated(
            output,
            held.filter(|(_, holds)| **holds),
            |output, (label, _)| {
                output.extend_from_slice(&label.json);
            },
        );
        output.extend_from_slice(b"],\"scores\":{");
        let scores = self.labels.iter().zip(labelled.scores);
        separated(output, scores, |output, (label, &score)| {
            output.extend_from_slice(&label.json);
            output.push(b':');
            push_decimal(output, score, ".0");
        });
        output.extend_from_slice(b"},\"evidence\":{");
        let spans = self.labels.iter().zip(labelled.evidence);
        let spans = spans.filter_map(|(label, span)| Some((label, span.as_ref()?)));
        separated(output, spans, |output, (label, span)| {
            output.extend_from_slice(&label.json);
            output.extend_from_slice(b":[");
            push_number(output, span.start as u64);
            output.push(b',');
            push_number(output, span.end as u64);
            output.push(b']');
        });
        output.push(b'}');
        if let Some(review) = labelled.review {
            push_all(
                output,
                &[",\"review\":", if review { "true" } else { "false" }],
            );
        }
        let place = output.len();
        if let Some(furniture) = labelled.furniture {
            push_all(output, &[",\"furniture\":\"", name_of(furniture), "\""]);
        }
        place
    }

    fn append_kept(&self, row: &OutputRow<'_>, output: &mut Vec<u8>) {
        let kept = self.keep.iter().zip(&row.unit.kept);
        let mut kept = kept
            .filter(|(name, _)| !name.again)
            .filter_map(|(name, value)| Some((name, value.as_ref()?)))
            .peekable();
        if kept.peek().is_none() {
            return;
        }
        output.extend_from_slice(b",\"input\":{");
        separated(output, kept, |output, (name, value)| {
            output.extend_from_slice(&name.json);
            output.push(b':');
            match value {
                FieldValue::Text(text) => push_string(output, text),
                FieldValue::Other(value) => output.extend_from_slice(value.to_string().as_bytes()),
            }
        });
        output.push(b'}');
    }

    /// The row as a record of a table.
    fn append_record(&self, row: &OutputRow<'_>, mut cells: Cells<'_>) -> FurniturePlace {
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
            if labelled.holds.contains(&true) {
                cell.pop();
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
        place
    }

    fn line_for_people(&self, row: &OutputRow<'_>) -> String {
        const WIDTH: usize = 34;
        let labelled = match &row.outcome {
            Ok(labelled) => labelled,
            Err(message) => return format!("{:<WIDTH$}  {message}\n", "error"),
        };
        let held = || {
            let labels = self.labels.iter().zip(labelled.holds);
            labels
                .filter(|(_, holds)| **holds)
                .map(|(label, _)| &*label.plain)
        };
        let mut line = String::new();
        let mut width = 0;
        let mut shown = 0;
        for (place, label) in self.labels.iter().enumerate() {
            let label = &*label.plain;
            let child = format!("{label}.");
            // A parent says nothing beside its child.
            if !labelled.holds[place] || held().any(|other| other.starts_with(&child)) {
                continue;
            }
            shown += 1;
            let text = format!("{label} {:.0}%  ", labelled.scores[place] * 100.0);
            width += text.chars().count();
            if self.colour {
                let colour = COLOURS[place % COLOURS.len()];
                line += &format!("\u{1b}[{colour}m{text}\u{1b}[0m");
            } else {
                line += &text;
            }
        }
        let mut remark = String::new();
        if labelled.review == Some(true) {
            remark += "review?  ";
        }
        if let Some(furniture) = labelled.furniture {
            remark += &format!("({})  ", name_of(furniture));
        } else if shown == 0 {
            remark += "–  ";
        }
        width += remark.chars().count();
        let sentence = labelled.text.replace(['\n', '\r', '\t'], " ");
        let pad = WIDTH.saturating_sub(width);
        line + &format!("{remark}{:pad$}{sentence}\n", "")
    }
}

/// Colours of the labels in the terminal, in their order.
const COLOURS: [u8; 6] = [31, 33, 35, 36, 32, 34];

/// The cells of one record, separated by commas or tabs.
struct Cells<'o> {
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

fn names(plain: Vec<String>) -> Vec<Name> {
    let mut seen = HashSet::new();
    let named = plain.into_iter().map(|plain| {
        let mut json = Vec::new();
        push_string(&mut json, &plain);
        let again = !seen.insert(plain.clone());
        Name { plain, json, again }
    });
    named.collect()
}

/// Appends items with commas between them.
fn separated<T>(
    output: &mut Vec<u8>,
    items: impl Iterator<Item = T>,
    mut append: impl FnMut(&mut Vec<u8>, T),
) {
    let mut comma = false;
    for item in items {
        if std::mem::replace(&mut comma, true) {
            output.push(b',');
        }
        append(output, item);
    }
}

fn push_all(output: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        output.extend_from_slice(part.as_bytes());
    }
}

fn name_of(furniture: Furniture) -> &'static str {
    match furniture {
        Furniture::Byline => "byline",
        Furniture::Dateline => "dateline",
        Furniture::Source => "source",
        Furniture::Related => "related",
        Furniture::Credit => "credit",
        Furniture::Repeated => "repeated",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn furniture_is_named_as_models_name_it() {
        for furniture in [
            Furniture::Byline,
            Furniture::Dateline,
            Furniture::Source,
            Furniture::Related,
            Furniture::Credit,
            Furniture::Repeated,
        ] {
            assert_eq!(json!(furniture), json!(name_of(furniture)));
        }
    }

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
