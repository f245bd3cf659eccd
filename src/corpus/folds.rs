//! Dividing documents into folds with the labels spread evenly.

use std::collections::{BTreeMap, HashMap};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::record::Record;
use crate::error::{Error, Result};

/// Assigns each record a fold in `0..folds`. Documents stay whole; the counts of each label, and
/// of none, are kept as even as whole documents allow, rarest label first, after the iterative
/// stratification of Sechidis, Tsoumakas and Vlahavas (2011). The same seed gives the same folds.
///
/// # Errors
/// When there are fewer than two folds or fewer documents than folds.
pub fn assign_folds(records: &[Record], folds: usize, seed: u64) -> Result<Vec<usize>> {
    if folds < 2 {
        return Err(Error::Setting {
            name: "folds",
            value: folds.to_string(),
            allowed: "at least 2",
        });
    }
    let documents = Documents::count(records);
    if documents.rows.len() < folds {
        return Err(Error::Corpus(format!(
            "{} documents cannot be divided into {folds} folds; give fewer --folds or more text",
            documents.rows.len()
        )));
    }
    let of_document = documents.assign(folds, seed);
    Ok(records
        .iter()
        .map(|record| of_document[documents.index[record.doc.as_str()]])
        .collect())
}

/// Label counts of each document. Column 0 counts rows annotated as none.
struct Documents<'a> {
    index: HashMap<&'a str, usize>,
    rows: Vec<BTreeMap<usize, usize>>,
    sizes: Vec<usize>,
    columns: usize,
}

impl<'a> Documents<'a> {
    fn count(records: &'a [Record]) -> Self {
        let names: std::collections::BTreeSet<&str> = records
            .iter()
            .flat_map(|record| record.labels.iter().map(String::as_str))
            .collect();
        let column: HashMap<&str, usize> = names.iter().copied().zip(1..).collect();
        let mut documents = Self {
            index: HashMap::new(),
            rows: Vec::new(),
            sizes: Vec::new(),
            columns: names.len() + 1,
        };
        for record in records {
            let next = documents.rows.len();
            let document = *documents.index.entry(&record.doc).or_insert(next);
            if document == next {
                documents.rows.push(BTreeMap::new());
                documents.sizes.push(0);
            }
            documents.sizes[document] += 1;
            let row = &mut documents.rows[document];
            if record.labels.is_empty() {
                *row.entry(0).or_insert(0) += 1;
            }
            for label in &record.labels {
                *row.entry(column[label.as_str()]).or_insert(0) += 1;
            }
        }
        documents
    }

    fn assign(&self, folds: usize, seed: u64) -> Vec<usize> {
        let mut totals = vec![0usize; self.columns];
        for row in &self.rows {
            for (&column, &count) in row {
                totals[column] += count;
            }
        }
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
        // Documents that hold the rarest label first, and of those the fullest.
        order.sort_by_key(|&document| {
            let row = &self.rows[document];
            let rarest = row.keys().min_by_key(|&&column| totals[column]);
            let key = rarest.map(|&column| (totals[column], usize::MAX - row[&column]));
            key.unwrap_or((usize::MAX, usize::MAX))
        });
        let share = |total: usize| total as f64 / folds as f64;
        let mut wanted: Vec<Vec<f64>> = vec![totals.iter().map(|&t| share(t)).collect(); folds];
        let mut room = vec![share(self.sizes.iter().sum()); folds];
        let mut assigned = vec![0; self.rows.len()];
        for document in order {
            let row = &self.rows[document];
            let need = |fold: usize| -> f64 {
                row.iter()
                    .map(|(&column, &count)| {
                        wanted[fold][column] * count as f64 / totals[column] as f64
                    })
                    .sum()
            };
            let best = (0..folds)
                .max_by(|&a, &b| {
                    (need(a), room[a])
                        .partial_cmp(&(need(b), room[b]))
                        .unwrap_or(std::cmp::Ordering::Equal)
                        .then(b.cmp(&a))
                })
                .unwrap_or(0);
            assigned[document] = best;
            room[best] -= self.sizes[document] as f64;
            for (&column, &count) in row {
                wanted[best][column] -= count as f64;
            }
        }
        assigned
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn record(doc: usize, label: Option<&str>) -> Record {
        Record {
            id: String::new(),
            doc: doc.to_string(),
            text: String::new(),
            labels: label.map(str::to_owned).into_iter().collect(),
            unsure: Default::default(),
            annotator: None,
            fields: Default::default(),
            file: Arc::default(),
            line: 1,
        }
    }

    fn corpus() -> Vec<Record> {
        (0..400)
            .map(|row| {
                let label = match row % 20 {
                    0 => Some("rare"),
                    1..8 => Some("frequent"),
                    _ => None,
                };
                record(row / 4, label)
            })
            .collect()
    }

    #[test]
    fn documents_stay_whole_and_labels_are_even() {
        let records = corpus();
        let folds = assign_folds(&records, 5, 7).unwrap();
        for (record, fold) in records.iter().zip(&folds) {
            let first = records.iter().position(|other| other.doc == record.doc);
            assert_eq!(folds[first.unwrap()], *fold);
        }
        for fold in 0..5 {
            let rare = records
                .iter()
                .zip(&folds)
                .filter(|(record, at)| **at == fold && record.holds("rare"))
                .count();
            assert_eq!(rare, 4);
            assert_eq!(folds.iter().filter(|at| **at == fold).count(), 80);
        }
    }

    #[test]
    fn seeds_decide() {
        let records = corpus();
        let folds = |seed| assign_folds(&records, 5, seed).unwrap();
        assert_eq!(folds(1), folds(1));
        assert_ne!(folds(1), folds(2));
    }

    #[test]
    fn too_few_documents_are_an_error() {
        let records = vec![record(1, None), record(2, None)];
        assert!(assign_folds(&records, 3, 0).is_err());
        assert!(assign_folds(&records, 1, 0).is_err());
    }
}
