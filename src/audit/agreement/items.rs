//! Who said what of which sentence.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::corpus::{LabelSet, Record};

/// An item that one or several annotators read.
#[derive(Clone, Debug, Serialize)]
pub struct Item {
    /// Its id, or the place of its first row.
    pub id: String,
    /// Its document.
    pub doc: String,
    /// Its text; empty where only labels were given.
    pub text: String,
    /// What each annotator said.
    pub readings: BTreeMap<String, Reading>,
}

/// What an annotator said of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// The labels that hold.
    pub labels: LabelSet,
    /// Labels left open.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub unsure: LabelSet,
}

impl Reading {
    /// Whether a label holds; nothing where that is left open.
    pub(super) fn says(&self, label: &str) -> Option<bool> {
        let is_or_under = |held: &String| {
            held.strip_prefix(label)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if self.labels.iter().any(is_or_under) {
            return Some(true);
        }
        let open = self.unsure.iter().any(|unsure| {
            is_or_under(unsure) || unsure == label || label.starts_with(&format!("{unsure}."))
        });
        // With only a parent annotated, its children are open.
        let parent = |held: &String| label.starts_with(&format!("{held}."));
        (!open && !self.labels.iter().any(parent)).then_some(false)
    }
}

/// The items of a corpus whose rows were read separately: rows with the same document and id are one
/// item, or, where that brings nobody together, rows with the same text. Rows that name no annotator are
/// by the file that they stand in. Of several readings of an item by one annotator the last counts.
///
/// Returns the items, and whether texts brought them together.
pub fn items(records: &[Record]) -> (Vec<Item>, bool) {
    let by_id = items_by(records, |record| match record.has_id() {
        true => (Some(&record.doc), record.id.as_str()),
        false => (None, record.text.trim()),
    });
    if by_id.iter().any(|item| item.readings.len() > 1) {
        return (by_id, false);
    }
    (items_by(records, |record| (None, record.text.trim())), true)
}

fn items_by<'a>(
    records: &'a [Record],
    key: impl Fn(&'a Record) -> (Option<&'a String>, &'a str),
) -> Vec<Item> {
    let mut places: BTreeMap<(Option<&String>, &str), usize> = BTreeMap::new();
    let mut items: Vec<Item> = Vec::new();
    for record in records {
        let next = items.len();
        let place = *places.entry(key(record)).or_insert(next);
        if place == next {
            items.push(Item {
                id: record.id.clone(),
                doc: record.doc.clone(),
                text: record.text.clone(),
                readings: BTreeMap::new(),
            });
        }
        let annotator = record.annotator.clone();
        let annotator = annotator.unwrap_or_else(|| record.file.display().to_string());
        let reading = Reading {
            labels: record.labels.clone(),
            unsure: record.unsure.clone(),
        };
        if let Some(item) = items.get_mut(place) {
            item.readings.insert(annotator, reading);
        }
    }
    items
}
