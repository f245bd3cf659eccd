//! Corpora as CSV and TSV.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::Value;

use super::losses::{Loss, Losses, field};
use super::survey::{Survey, cell_of};
use super::{Conversion, Refusal, RowsWriter};
use crate::corpus::{CorpusRow, LabelSet};

const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();

/// What stands in a column.
enum Column {
    Id,
    Doc,
    Text,
    Labels,
    /// 0 or 1 for one label.
    Flag(String),
    Unsure,
    Annotator,
    Field(String),
}

/// Writes records.
pub(super) struct Table<'o> {
    writer: csv::Writer<&'o mut (dyn Write + Send)>,
    /// The columns with their names.
    columns: Vec<(Column, String)>,
    /// What was seen of the labels, where each has a column.
    wide: Option<Flags>,
    /// Whether cells cannot be quoted.
    bare: bool,
}

/// What columns of 0 and 1 have said so far.
#[derive(Default)]
struct Flags {
    decided: LabelSet,
    /// Rows that leave each label open.
    open: BTreeMap<String, usize>,
}

impl<'o> Table<'o> {
    pub(super) fn new(
        how: &Conversion,
        delimiter: u8,
        survey: &Survey,
        output: &'o mut (dyn Write + Send),
        losses: &mut Losses,
    ) -> Result<Self, Refusal> {
        let columns = match how.wide {
            true => wide_columns(survey, losses)?,
            false => columns(survey, vec![(Column::Labels, "labels".into())], losses),
        };
        if how.byte_order_mark {
            output.write_all(BYTE_ORDER_MARK)?;
        }
        let bare = delimiter == b'\t';
        let style = match bare {
            true => csv::QuoteStyle::Never,
            false => csv::QuoteStyle::Necessary,
        };
        let writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .quote_style(style)
            .from_writer(output);
        let mut table = Self {
            writer,
            columns,
            wide: how.wide.then(Flags::default),
            bare,
        };
        let names = table.columns.iter().map(|(_, name)| name.clone());
        let names: Vec<String> = names.collect();
        table.write_record(names, losses)?;
        Ok(table)
    }

    fn write_record(&mut self, mut cells: Vec<String>, losses: &mut Losses) -> io::Result<()> {
        if self.bare {
            for (cell, (_, name)) in cells.iter_mut().zip(&self.columns) {
                let breaks = |sign: char| matches!(sign, '\t' | '\n' | '\r');
                if cell.contains(breaks) {
                    losses.add(&field(name), Loss::Breaks);
                    *cell = cell.replace(breaks, " ");
                }
            }
        }
        self.writer.write_record(&cells).map_err(of_csv)
    }
}

/// The columns, with those of labels after the text.
fn columns(
    survey: &Survey,
    labels: Vec<(Column, String)>,
    losses: &mut Losses,
) -> Vec<(Column, String)> {
    // A column named like another, capitals aside, is taken for it where that one is missing.
    let is_alike = |name: &str| {
        let mut fields = survey.fields.iter();
        fields.any(|field| field.name.trim().eq_ignore_ascii_case(name))
    };
    let mut columns = vec![
        (Column::Id, "id".to_owned()),
        (Column::Doc, "doc".into()),
        (Column::Text, "text".into()),
    ];
    columns.extend(labels);
    if survey.has_unsure || is_alike("unsure") {
        columns.push((Column::Unsure, "unsure".into()));
    }
    if survey.has_annotators || is_alike("annotator") {
        columns.push((Column::Annotator, "annotator".into()));
    }
    for field in &survey.fields {
        let trimmed = field.name.trim();
        if trimmed != field.name {
            losses.renamed(&field.name, trimmed);
        }
        columns.push((Column::Field(field.name.clone()), trimmed.to_owned()));
    }
    columns
}

/// The columns of a table with one for each label.
fn wide_columns(survey: &Survey, losses: &mut Losses) -> Result<Vec<(Column, String)>, Refusal> {
    if survey.labels.is_empty() {
        return Err(Refusal::Told(
            "no row has a label, so there is no column for --wide; leave it out".into(),
        ));
    }
    let flags = survey.labels.iter();
    let flags = flags.map(|label| (Column::Flag(label.clone()), label.clone()));
    let mut columns = columns(survey, flags.collect(), losses);
    // Labels left open have empty cells.
    columns.retain(|(column, _)| !matches!(column, Column::Unsure));
    for place in 0..columns.len() {
        let name = columns[place].1.clone();
        let is_field = matches!(columns[place].0, Column::Field(_));
        let is_list = ["label", "labels"]
            .iter()
            .any(|list| list.eq_ignore_ascii_case(&name));
        let same = columns[..place].iter().any(|(_, other)| *other == name);
        if same || (is_list && !is_field) {
            return Err(Refusal::Told(format!(
                "two columns of the table would be named {name:?}; rename that label with --aliases, or leave out --wide"
            )));
        }
        if is_field && is_list {
            let other = format!("input.{name}");
            losses.renamed(&name, &other);
            columns[place].1 = other;
        }
    }
    for surveyed in survey.fields.iter().filter(|field| field.is_like_label()) {
        losses.add(&field(&surveyed.name), Loss::LikeLabel);
    }
    Ok(columns)
}

impl RowsWriter for Table<'_> {
    fn write(&mut self, row: CorpusRow, losses: &mut Losses) -> io::Result<()> {
        if let Some(flags) = &mut self.wide {
            flags.add(&row, &self.columns, losses);
        }
        for (name, value) in [
            ("id", &row.id),
            ("doc", &row.doc),
            ("annotator", &row.annotator),
        ] {
            match value {
                Some(value) if value.trim().is_empty() => losses.add(&field(name), Loss::Empty),
                Some(value) if value.trim() != value => losses.add(&field(name), Loss::Spaces),
                _ => {}
            }
        }
        let cells = self.columns.iter().map(|(column, _)| match column {
            Column::Id => row.id.clone().unwrap_or_default(),
            Column::Doc => row.doc.clone().unwrap_or_default(),
            Column::Text => row.text.clone(),
            Column::Labels => row.labels.as_ref().map_or_else(String::new, cell_of_labels),
            Column::Flag(label) => flag(&row, label).to_owned(),
            Column::Unsure => joined(&row.unsure),
            Column::Annotator => row.annotator.clone().unwrap_or_default(),
            Column::Field(name) => {
                let value = row.fields.get(name).unwrap_or(&Value::Null);
                if !value.is_string() && !value.is_null() {
                    losses.add(&field(name), Loss::Text);
                }
                cell_of(value)
            }
        });
        let cells = cells.collect();
        self.write_record(cells, losses)
    }

    fn finish(&mut self, losses: &mut Losses) -> io::Result<()> {
        for (label, &rows) in self.wide.iter().flat_map(|flags| &flags.open) {
            let decided = self
                .wide
                .as_ref()
                .map(|flags| flags.decided.contains(label));
            if decided == Some(false) {
                losses.add_rows(&format!("the label {label:?}"), Loss::Undecided, rows);
            }
        }
        self.writer.flush()
    }
}

impl Flags {
    /// Counts what columns of 0 and 1 say of a row, and what they cannot say.
    fn add(&mut self, row: &CorpusRow, columns: &[(Column, String)], losses: &mut Losses) {
        let Some(labels) = &row.labels else {
            if !row.unsure.is_empty() {
                losses.add("unsure", Loss::UnsureOfNothing);
            }
            return;
        };
        if !labels.is_disjoint(&row.unsure) {
            losses.add("labels", Loss::HeldAndUnsure);
        }
        let mut any_decided = false;
        for (column, _) in columns {
            let Column::Flag(label) = column else {
                continue;
            };
            if flag(row, label).is_empty() {
                *self.open.entry(label.clone()).or_insert(0) += 1;
            } else {
                any_decided = true;
                if !self.decided.contains(label) {
                    self.decided.insert(label.clone());
                }
            }
        }
        if !any_decided {
            losses.add("labels", Loss::AllOpen);
        }
    }
}

fn flag(row: &CorpusRow, label: &str) -> &'static str {
    match &row.labels {
        None => "",
        Some(labels) if labels.contains(label) => "1",
        Some(_) if row.unsure.contains(label) => "",
        Some(_) => "0",
    }
}

/// "none" where no label holds: an empty cell means that the row is not annotated.
fn cell_of_labels(labels: &LabelSet) -> String {
    match labels.is_empty() {
        true => "none".into(),
        false => joined(labels),
    }
}

fn joined(labels: &LabelSet) -> String {
    let names: Vec<&str> = labels.iter().map(String::as_str).collect();
    names.join("|")
}

fn of_csv(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
