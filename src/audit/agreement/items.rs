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

/// The items of a corpus, and what came of bringing them together.
#[derive(Clone, Debug, Default)]
pub struct Items {
    /// The items, in the order of their first rows.
    pub items: Vec<Item>,
    /// Whether texts alone brought rows together.
    pub by_text: bool,
    /// Readings that a later one of the same item by the same annotator took the place of.
    pub replaced_readings: usize,
    /// Items with the document and id of another whose text is not the same.
    pub same_id_other_text: usize,
}

/// The items of a corpus whose rows were read separately: rows with the same document, id and text are one
/// item, or, where that brings nobody together, rows with the same text. Rows that name no annotator are
/// by the file that they stand in. Of several readings of an item by one annotator the last counts.
pub fn items(records: &[Record]) -> Items {
    let by_id = items_by(records, |record| {
        let named = record.has_id().then_some((&record.doc, &record.id));
        (named, record.text.trim())
    });
    if by_id.items.iter().any(|item| item.readings.len() > 1) {
        return by_id;
    }
    Items {
        by_text: true,
        ..items_by(records, |record| (None, record.text.trim()))
    }
}

/// Document and id, where they count, and text.
type Key<'a> = (Option<(&'a String, &'a String)>, &'a str);

fn items_by<'a>(records: &'a [Record], key: impl Fn(&'a Record) -> Key<'a>) -> Items {
    let mut places: BTreeMap<Key<'a>, usize> = BTreeMap::new();
    let mut items: Vec<Item> = Vec::new();
    let mut replaced_readings = 0;
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
            let replaced = item.readings.insert(annotator, reading);
            replaced_readings += usize::from(replaced.is_some());
        }
    }
    let named = places.keys().filter_map(|(named, _)| *named);
    let names: BTreeSet<_> = named.clone().collect();
    Items {
        same_id_other_text: named.count() - names.len(),
        by_text: false,
        replaced_readings,
        items,
    }
}
