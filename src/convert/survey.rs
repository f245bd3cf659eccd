//! What labels and fields a corpus has.

use std::collections::HashMap;

use serde_json::Value;

use crate::corpus::{CorpusRow, LabelSet};

/// What was seen of all rows.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) rows: usize,
    /// Labels that hold or are left open somewhere.
    pub(super) labels: LabelSet,
    pub(super) has_annotators: bool,
    pub(super) has_unsure: bool,
    /// The fields in the order in which they were first seen.
    pub(super) fields: Vec<FieldSurvey>,
    places: HashMap<String, usize>,
}

/// What kinds of values a field has.
#[derive(Debug, Default)]
pub(super) struct FieldSurvey {
    pub(super) name: String,
    pub(super) texts: usize,
    pub(super) truths: usize,
    /// Whole numbers of 64 bits with sign.
    pub(super) integers: usize,
    /// Among them those that a decimal number cannot hold exactly.
    pub(super) large: usize,
    pub(super) decimals: usize,
    /// Lists, objects and larger numbers.
    pub(super) others: usize,
    /// Values that say of a label whether it holds, in a table.
    flags: usize,
}

impl FieldSurvey {
    /// How many values there are.
    pub(super) fn values(&self) -> usize {
        self.texts + self.truths + self.integers + self.decimals + self.others
    }

    /// Whether each of its cells in a table would say 0 or 1, or nothing.
    pub(super) fn is_like_label(&self) -> bool {
        self.flags > 0 && self.flags == self.values()
    }

    fn add(&mut self, value: &Value) {
        const LARGEST_EXACT: u64 = 1 << 53;
        match value {
            Value::Null => return,
            Value::String(_) => self.texts += 1,
            Value::Bool(_) => self.truths += 1,
            Value::Number(number) => match number.as_i64() {
                Some(number) => {
                    self.integers += 1;
                    self.large += usize::from(number.unsigned_abs() > LARGEST_EXACT);
                }
                None if number.is_f64() => self.decimals += 1,
                None => self.others += 1,
            },
            Value::Array(_) | Value::Object(_) => self.others += 1,
        }
        let cell = cell_of(value).trim().to_ascii_lowercase();
        let flags = ["", "1", "0", "true", "false", "yes", "no"];
        self.flags += usize::from(flags.contains(&cell.as_str()));
    }
}

impl Survey {
    pub(super) fn add(&mut self, row: &CorpusRow) {
        self.rows += 1;
        for label in row.labels.iter().flatten().chain(&row.unsure) {
            if !self.labels.contains(label) {
                self.labels.insert(label.clone());
            }
        }
        self.has_annotators |= row.annotator.is_some();
        self.has_unsure |= !row.unsure.is_empty();
        for (name, value) in &row.fields {
            let place = match self.places.get(name) {
                Some(&place) => place,
                None => {
                    self.places.insert(name.clone(), self.fields.len());
                    self.fields.push(FieldSurvey {
                        name: name.clone(),
                        ..FieldSurvey::default()
                    });
                    self.fields.len() - 1
                }
            };
            if let Some(field) = self.fields.get_mut(place) {
                field.add(value);
            }
        }
    }
}

/// What a cell of text says of a value: text as it is, all else as JSON writes it; nothing for `null`.
pub(super) fn cell_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
