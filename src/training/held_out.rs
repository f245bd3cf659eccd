//! Documents held out once, where cross-validation would take too long.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use rustc_hash::FxHashMap;

use crate::corpus::Record;
use crate::error::{Error, Result};

/// For each record the half, 0 or 1, of the part held out that it belongs to; `None` for those that
/// the model is fitted on.
///
/// Documents stay whole. They are ordered by the labels they hold, at random among equals, and
/// taken at even distances, so that the labels are spread over the parts as in the corpus.
///
/// # Errors
/// When there are too few documents to leave some for each part.
pub(super) fn hold_out(records: &[Record], share: f64, seed: u64) -> Result<Vec<Option<usize>>> {
    let mut labels: FxHashMap<&str, u32> = FxHashMap::default();
    let mut numbers: FxHashMap<&str, usize> = FxHashMap::default();
    let mut documents: Vec<Document> = Vec::new();
    let mut document_of = Vec::with_capacity(records.len());
    for record in records {
        let number = *numbers.entry(&record.doc).or_insert(documents.len());
        if number == documents.len() {
            documents.push(Document::default());
        }
        document_of.push(number);
        documents[number].rows += 1;
        for label in &record.labels {
            let next = labels.len() as u32;
            let label = *labels.entry(label).or_insert(next);
            if let Err(place) = documents[number].labels.binary_search(&label) {
                documents[number].labels.insert(place, label);
            }
        }
    }
    let mut order: Vec<usize> = (0..documents.len()).collect();
    order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
    order.sort_by(|&a, &b| documents[a].labels.cmp(&documents[b].labels));
    let mut half_of = vec![None; documents.len()];
    let (mut seen, mut held) = (0, [0usize; 2]);
    for document in order {
        let rows = documents[document].rows;
        seen += rows;
        let half = usize::from(held[1] < held[0]);
        if (held[0] + held[1]) as f64 + 0.5 * rows as f64 <= share * seen as f64 {
            half_of[document] = Some(half);
            held[half] += rows;
        }
    }
    if held.contains(&0) || !half_of.contains(&None) {
        return Err(Error::Corpus(format!(
            "{} documents are too few to hold out a share of {share} of their sentences; give a larger share or more text, or use folds",
            documents.len()
        )));
    }
    Ok(document_of.into_iter().map(|d| half_of[d]).collect())
}

#[derive(Default)]
struct Document {
    rows: usize,
    /// Numbers of the labels that its records hold, ascending.
    labels: Vec<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn records(count: usize, rows_of_document: usize) -> Vec<Record> {
        let record = |row: usize| Record {
            id: String::new(),
            doc: (row / rows_of_document).to_string(),
            text: String::new(),
            labels: (row % 20 < 2)
                .then(|| "rare".to_owned())
                .into_iter()
                .collect(),
            unsure: Default::default(),
            annotator: None,
            fields: Default::default(),
            file: Arc::default(),
            line: 1,
        };
        (0..count).map(record).collect()
    }

    #[test]
    fn documents_stay_whole_and_labels_are_even() {
        let records = records(2000, 4);
        let halves = hold_out(&records, 0.2, 3).unwrap();
        for (four, halves) in records.chunks(4).zip(halves.chunks(4)) {
            assert!(four.iter().all(|record| record.doc == four[0].doc));
            assert!(halves.iter().all(|half| *half == halves[0]));
        }
        for half in [Some(0), Some(1)] {
            let rows = || records.iter().zip(&halves).filter(|(_, h)| **h == half);
            assert!(rows().count().abs_diff(200) <= 4);
            assert!(rows().filter(|(r, _)| r.holds("rare")).count().abs_diff(20) <= 4);
        }
        assert_eq!(halves, hold_out(&records, 0.2, 3).unwrap());
        assert_ne!(halves, hold_out(&records, 0.2, 4).unwrap());
    }

    #[test]
    fn too_few_documents_are_an_error() {
        assert!(hold_out(&records(8, 8), 0.5, 1).is_err());
        assert!(hold_out(&records(8, 1), 0.1, 1).is_err());
        assert!(hold_out(&records(8, 1), 0.5, 1).is_ok());
    }
}
