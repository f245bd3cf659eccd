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
    let groups = Groups::count(records, &document_numbers(records));
    if groups.rows.len() < folds {
        return Err(Error::Corpus(format!(
            "{} documents cannot be divided into {folds} folds; give fewer --folds or more text",
            groups.rows.len()
        )));
    }
    let even = |total: usize, _: usize| total as f64 / folds as f64;
    Ok(groups.assign(&vec![1.0; folds], even, seed))
}

/// Assigns each record a part of the given shares, which add up to 1, as [`assign_folds`] does;
/// records with the same number in `groups` stay together.
pub(crate) fn assign_shares(
    records: &[Record],
    groups: &[usize],
    shares: &[f64],
    seed: u64,
) -> Vec<usize> {
    // What is missing of a part counts as a share of it: large groups must not all go to the
    // largest part.
    let weights: Vec<f64> = shares.iter().map(|share| 1.0 / share).collect();
    let wanted = |total: usize, part: usize| total as f64 * shares[part];
    Groups::count(records, groups).assign(&weights, wanted, seed)
}

/// A number for each record, the same for those of one document.
pub(crate) fn document_numbers(records: &[Record]) -> Vec<usize> {
    let mut index: HashMap<&str, usize> = HashMap::new();
    let mut numbers = Vec::with_capacity(records.len());
    for record in records {
        let next = index.len();
        numbers.push(*index.entry(&record.doc).or_insert(next));
    }
    numbers
}

/// Label counts of groups of records. Column 0 counts rows annotated as none.
struct Groups {
    /// For each record its group.
    of_record: Vec<usize>,
    rows: Vec<BTreeMap<usize, usize>>,
    sizes: Vec<usize>,
    columns: usize,
}

impl Groups {
    fn count(records: &[Record], numbers: &[usize]) -> Self {
        let names: std::collections::BTreeSet<&str> = records
            .iter()
            .flat_map(|record| record.labels.iter().map(String::as_str))
            .collect();
        let column: HashMap<&str, usize> = names.iter().copied().zip(1..).collect();
        let mut index: HashMap<usize, usize> = HashMap::new();
        let mut groups = Self {
            of_record: Vec::with_capacity(records.len()),
            rows: Vec::new(),
            sizes: Vec::new(),
            columns: names.len() + 1,
        };
        for (record, number) in records.iter().zip(numbers) {
            let next = groups.rows.len();
            let group = *index.entry(*number).or_insert(next);
            if group == next {
                groups.rows.push(BTreeMap::new());
                groups.sizes.push(0);
            }
            groups.of_record.push(group);
            groups.sizes[group] += 1;
            let row = &mut groups.rows[group];
            if record.labels.is_empty() {
                *row.entry(0).or_insert(0) += 1;
            }
            for label in &record.labels {
                *row.entry(column[label.as_str()]).or_insert(0) += 1;
            }
        }
        groups
    }

    /// The part of each record. `share` tells how much of a total a part is to have; `weights` what
    /// a row that it lacks counts.
    fn assign(
        &self,
        weights: &[f64],
        share: impl Fn(usize, usize) -> f64,
        seed: u64,
    ) -> Vec<usize> {
        let parts = weights.len();
        let mut totals = vec![0usize; self.columns];
        for row in &self.rows {
            for (&column, &count) in row {
                totals[column] += count;
            }
        }
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
        // Groups that hold the rarest label first, and of those the fullest.
        order.sort_by_key(|&group| {
            let row = &self.rows[group];
            let rarest = row.keys().min_by_key(|&&column| totals[column]);
            let key = rarest.map(|&column| (totals[column], usize::MAX - row[&column]));
            key.unwrap_or((usize::MAX, usize::MAX))
        });
        let of_part = |part| totals.iter().map(|&total| share(total, part)).collect();
        let mut wanted: Vec<Vec<f64>> = (0..parts).map(of_part).collect();
        let rows: usize = self.sizes.iter().sum();
        let mut room: Vec<f64> = (0..parts).map(|part| share(rows, part)).collect();
        let mut assigned = vec![0; self.rows.len()];
        for group in order {
            let row = &self.rows[group];
            let need = |part: usize| -> f64 {
                let missing: f64 = row
                    .iter()
                    .map(|(&column, &count)| {
                        wanted[part][column] * count as f64 / totals[column] as f64
                    })
                    .sum();
                missing * weights[part]
            };
            let room_in = |part: usize| room[part] * weights[part];
            let best = (0..parts)
                .max_by(|&a, &b| {
                    (need(a), room_in(a))
                        .partial_cmp(&(need(b), room_in(b)))
                        .unwrap_or(std::cmp::Ordering::Equal)
                        .then(b.cmp(&a))
                })
                .unwrap_or(0);
            assigned[group] = best;
            room[best] -= self.sizes[group] as f64;
            for (&column, &count) in row {
                wanted[best][column] -= count as f64;
            }
        }
        let of_record = self.of_record.iter().map(|&group| assigned[group]);
        of_record.collect()
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
