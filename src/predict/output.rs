//! Labelled rows as bytes: JSON Lines, CSV, TSV, lines for people, and what annotation tools import.

mod cells;
mod people;
mod tools;

use std::collections::HashSet;

use super::fields::FieldValue;
use super::formats::{RowLayout, TextFormat};
use super::rows::{Labelled, OutputRow};
use super::write::{push_decimal, push_escaped, push_number, push_string};
use crate::corpus::{CodingColumns, parents};
use crate::text::Furniture;

/// Everything that decides how rows are written; shared by threads.
#[derive(Clone, Debug)]
pub struct RowFormat {
    format: TextFormat,
    layout: RowLayout,
    labels: Vec<Name>,
    /// For each label those below it.
    below: Vec<Vec<usize>>,
    /// Fields carried along.
    keep: Vec<Name>,
    /// Whether rows are marked to be read by hand.
    review: bool,
    /// The columns of another coding scheme.
    columns: Vec<Name>,
    /// The labels that an annotator chooses from, as options of Prodigy.
    options: Vec<u8>,
    colour: bool,
    byte_order_mark: bool,
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
    /// A format for rows with this layout.
    pub fn new(format: TextFormat, layout: &RowLayout) -> Self {
        let below = descendants(&layout.labels);
        let leaves = layout.labels.iter().zip(&below);
        let leaves = leaves.filter(|(_, below)| below.is_empty());
        Self {
            format,
            labels: names(&layout.labels),
            keep: names(&layout.keep),
            review: layout.review,
            columns: names(layout.columns.iter().flat_map(CodingColumns::names)),
            options: tools::options(leaves.map(|(label, _)| label.as_str())),
            layout: layout.clone(),
            below,
            colour: false,
            byte_order_mark: false,
        }
    }

    /// The same format, with colours in lines for people.
    pub fn with_colours(self, colour: bool) -> Self {
        Self { colour, ..self }
    }

    /// The same format, with a byte order mark before a table, by which spreadsheets know UTF-8.
    pub fn with_byte_order_mark(self, byte_order_mark: bool) -> Self {
        Self {
            byte_order_mark,
            ..self
        }
    }

    /// Appends what stands before the first row.
    pub fn append_header(&self, output: &mut Vec<u8>) {
        if self.byte_order_mark {
            output.extend_from_slice("\u{FEFF}".as_bytes());
        }
        if self.format == TextFormat::LabelStudio {
            output.push(b'[');
        } else if let Some(cells) = self.cells(output) {
            self.append_names(cells);
        }
    }

    /// Appends what stands after the last row.
    pub fn append_footer(&self, output: &mut Vec<u8>) {
        if self.format == TextFormat::LabelStudio {
            output.extend_from_slice(b"\n]\n");
        }
    }

    /// The bytes at the beginning of a row that only part it from the row before.
    pub(super) fn separator(&self) -> usize {
        match self.format {
            TextFormat::LabelStudio => 1,
            _ => 0,
        }
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
            TextFormat::Table => {
                let start = output.len();
                output.extend_from_slice(self.line_for_people(row).as_bytes());
                start
            }
            TextFormat::LabelStudio => self.append_task(row, output),
            TextFormat::Doccano => self.append_for_doccano(row, output),
            TextFormat::Prodigy => self.append_for_prodigy(row, output),
            _ => self.append_object(row, output),
        }
    }

    /// What is inserted at its place to say that a row repeats another; nothing where the whole row
    /// looks different.
    pub(super) fn repeat_mark(&self) -> Option<&'static str> {
        match self.format {
            TextFormat::Csv | TextFormat::Tsv => Some("repeated"),
            TextFormat::Table => None,
            _ => Some(",\"furniture\":\"repeated\""),
        }
    }

    /// The row as a JSON object, fields in the documented order.
    fn append_object(&self, row: &OutputRow<'_>, output: &mut Vec<u8>) -> FurniturePlace {
        output.push(b'{');
        append_id(row, output);
        let place = match &row.outcome {
            Err(message) => {
                output.extend_from_slice(b",\"error\":");
                push_string(output, message);
                output.len()
            }
            Ok(labelled) => {
                append_place(row, labelled, output);
                self.append_labelled(labelled, output)
            }
        };
        self.append_kept(row, output);
        output.extend_from_slice(b"}\n");
        place
    }

    fn append_labelled(&self, labelled: &Labelled<'_>, output: &mut Vec<u8>) -> FurniturePlace {
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
        output.push(b']');
        self.append_scores(labelled, output);
        output.extend_from_slice(b",\"evidence\":{");
        let spans = self.labels.iter().zip(labelled.evidence);
        let spans = spans.filter_map(|(label, span)| Some((label, span.as_ref()?)));
        separated(output, spans, |output, (label, span)| {
            output.extend_from_slice(&label.json);
            push_span(output, span.start, span.end);
        });
        output.push(b'}');
        self.append_marks(labelled, output)
    }

    fn append_scores(&self, labelled: &Labelled<'_>, output: &mut Vec<u8>) {
        output.extend_from_slice(b",\"scores\":{");
        let scores = self.labels.iter().zip(labelled.scores);
        separated(output, scores, |output, (label, &score)| {
            output.extend_from_slice(&label.json);
            output.push(b':');
            push_decimal(output, score, ".0");
        });
        output.push(b'}');
    }

    /// Whether the row is to be read by hand, what furniture it is, and the values of the columns of
    /// another coding scheme.
    fn append_marks(&self, labelled: &Labelled<'_>, output: &mut Vec<u8>) -> FurniturePlace {
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
        if !self.columns.is_empty() {
            output.extend_from_slice(b",\"columns\":{");
            let values = self.layout.coded(labelled.holds);
            separated(
                output,
                self.columns.iter().zip(&values),
                |output, (column, value)| {
                    output.extend_from_slice(&column.json);
                    output.push(b':');
                    push_string(output, value);
                },
            );
            output.push(b'}');
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
}

/// The row's id, the first field of each object.
fn append_id(row: &OutputRow<'_>, output: &mut Vec<u8>) {
    output.extend_from_slice(b"\"id\":");
    match &row.unit.id {
        Some(id) => push_string(output, id),
        None => {
            output.push(b'"');
            push_escaped(output, row.unit.file);
            output.push(b':');
            push_number(output, row.unit.line);
            output.push(b'"');
        }
    }
}

/// Where the row stands.
fn append_place(row: &OutputRow<'_>, labelled: &Labelled<'_>, output: &mut Vec<u8>) {
    output.extend_from_slice(b",\"doc\":");
    push_string(output, row.doc());
    output.extend_from_slice(b",\"line\":");
    push_number(output, row.unit.line);
    output.extend_from_slice(b",\"start\":");
    push_number(output, labelled.span.start as u64);
    output.extend_from_slice(b",\"end\":");
    push_number(output, labelled.span.end as u64);
}

fn push_span(output: &mut Vec<u8>, start: usize, end: usize) {
    output.extend_from_slice(b":[");
    push_number(output, start as u64);
    output.push(b',');
    push_number(output, end as u64);
    output.push(b']');
}

fn names<'n>(plain: impl IntoIterator<Item = &'n String>) -> Vec<Name> {
    let mut seen = HashSet::new();
    let named = plain.into_iter().map(|plain| {
        let mut json = Vec::new();
        push_string(&mut json, plain);
        Name {
            plain: plain.clone(),
            json,
            again: !seen.insert(plain),
        }
    });
    named.collect()
}

/// For each label the places of those below it.
fn descendants(labels: &[String]) -> Vec<Vec<usize>> {
    let below = |parent: &String| {
        let is_below = |label: &String| parents(label).any(|above| above == parent);
        let places = labels.iter().enumerate();
        let places = places.filter(|(_, label)| is_below(label));
        places.map(|(place, _)| place).collect()
    };
    labels.iter().map(below).collect()
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

pub(super) fn name_of(furniture: Furniture) -> &'static str {
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
}
