//! What the first pass over a corpus finds out beside its vocabulary.

use std::collections::{BTreeMap, BTreeSet};

use crate::corpus::{CorpusDigest, LabelSet, Record, count_labels};
use crate::error::{Error, Result};
use crate::learn::{Targets, class_name};

/// More labels than this are most likely ids in the wrong column.
const MOST_LABELS: usize = 1000;
/// Held-out rows that are kept.
const MOST_HELD_OUT: usize = 50_000;
/// Documents that are counted exactly.
const MOST_DOCUMENTS: usize = 1 << 16;
/// A document in so many is held out.
const HELD_OUT_SHARE: u64 = 10;

/// Counts by annotation, a sample of the rows held out, and a fingerprint.
pub(super) struct Tally {
    seed: u64,
    /// The place of each annotation.
    places: BTreeMap<Annotation, usize>,
    /// The first row of each annotation, without its text.
    first_rows: Vec<Record>,
    /// For each annotation its rows to learn from, and those held out.
    rows: Vec<[usize; 2]>,
    labels: LabelSet,
    held_out: HeldOut,
    documents: Distinct,
    digest: CorpusDigest,
}

/// What a row is annotated with.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Annotation {
    labels: LabelSet,
    unsure: LabelSet,
}

/// A row that is not learnt from.
pub(super) struct HeldOutRow {
    /// Number of its document.
    pub(super) document: u64,
    pub(super) text: String,
    /// The place of its annotation.
    pub(super) annotation: usize,
}

impl Tally {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            places: BTreeMap::new(),
            first_rows: Vec::new(),
            rows: Vec::new(),
            labels: LabelSet::new(),
            held_out: HeldOut {
                rows: Vec::new(),
                below: u64::MAX / HELD_OUT_SHARE,
            },
            documents: Distinct::default(),
            digest: CorpusDigest::default(),
        }
    }

    /// The number of a row's document, and whether it is held out.
    pub(super) fn document(seed: u64, row: &Record) -> (u64, bool) {
        let document = fingerprint(seed, row.doc.as_bytes());
        (document, document < u64::MAX / HELD_OUT_SHARE)
    }

    /// Takes note of a row; `single` says that it must have exactly one label.
    ///
    /// # Errors
    /// When it has more, or there are too many labels.
    pub(super) fn add(&mut self, row: Record, single: bool) -> Result<()> {
        self.digest.add(&row);
        let (document, held_out) = Self::document(self.seed, &row);
        self.documents.add(document);
        let annotation = Annotation {
            labels: row.labels.clone(),
            unsure: row.unsure.clone(),
        };
        let place = match self.places.get(&annotation) {
            Some(&place) => place,
            None => {
                let first_row = Record {
                    text: String::new(),
                    doc: String::new(),
                    ..row.clone()
                };
                if single {
                    // Names file and line where it is not so.
                    class_name(&first_row)?;
                }
                self.labels.extend(row.labels.iter().cloned());
                if self.labels.len() > MOST_LABELS {
                    return Err(Error::Corpus(format!(
                        "more than {MOST_LABELS} labels up to {}; is the right field the label?",
                        row.place()
                    )));
                }
                self.first_rows.push(first_row);
                self.rows.push([0, 0]);
                self.places.insert(annotation, self.rows.len() - 1);
                self.rows.len() - 1
            }
        };
        self.rows[place][usize::from(held_out)] += 1;
        if held_out {
            self.held_out.add(HeldOutRow {
                document,
                text: row.text,
                annotation: place,
            });
        }
        Ok(())
    }

    /// The place of a row's annotation; nothing if it was not there in the first pass.
    pub(super) fn place(&self, row: &mut Record) -> Option<usize> {
        let annotation = Annotation {
            labels: std::mem::take(&mut row.labels),
            unsure: std::mem::take(&mut row.unsure),
        };
        self.places.get(&annotation).copied()
    }
    /// The targets of each annotation.
    ///
    /// # Errors
    /// When there is nothing to tell apart.
    pub(super) fn targets(&self, single: bool) -> Result<Targets> {
        match single {
            true => Targets::single(&self.first_rows),
            false => Targets::multiple(&self.first_rows, &self.labels),
        }
    }

    /// The first row of each annotation, without its text.
    pub(super) fn first_rows(&self) -> &[Record] {
        &self.first_rows
    }

    /// Sentences a label, as [`crate::corpus::Corpus::label_counts`] has them.
    pub(super) fn label_counts(&self) -> BTreeMap<String, usize> {
        let mut all = BTreeMap::new();
        for (row, rows) in self.first_rows.iter().zip(&self.rows) {
            let mut once = BTreeMap::new();
            count_labels(row, &mut once);
            for (label, count) in once {
                *all.entry(label).or_insert(0) += count * rows.iter().sum::<usize>();
            }
        }
        all
    }

    /// Rows to learn from and rows held out.
    pub(super) fn rows(&self) -> [usize; 2] {
        let sum = |part: usize| self.rows.iter().map(|rows| rows[part]).sum();
        [sum(0), sum(1)]
    }

    /// Of the rows of the parts named that decide on a label, how many do not hold it and how many do.
    pub(super) fn sides(&self, targets: &Targets, label: usize, parts: &[usize]) -> [usize; 2] {
        let mut sides = [0, 0];
        for (place, rows) in self.rows.iter().enumerate() {
            if let Some(held) = targets.holds(label, place) {
                sides[usize::from(held)] += parts.iter().map(|&part| rows[part]).sum::<usize>();
            }
        }
        sides
    }

    /// About how many documents there are.
    pub(super) fn documents(&self) -> usize {
        self.documents.estimate().min(self.rows().iter().sum())
    }

    /// The rows held out, or a sample of them, and the digest of the corpus.
    pub(super) fn take_held_out(&mut self) -> Vec<HeldOutRow> {
        std::mem::take(&mut self.held_out.rows)
    }

    /// The digest of all rows.
    pub(super) fn digest(&mut self) -> String {
        std::mem::take(&mut self.digest).finish()
    }
}

/// A number of 64 bits for some bytes: FNV-1a, then the finaliser of SplitMix64.
fn fingerprint(seed: u64, bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for &byte in bytes {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ hash >> 31
}

/// Rows held out. Where there are too many, whole documents are left out, those of the highest numbers.
struct HeldOut {
    rows: Vec<HeldOutRow>,
    below: u64,
}

impl HeldOut {
    fn add(&mut self, row: HeldOutRow) {
        if row.document >= self.below {
            return;
        }
        self.rows.push(row);
        while self.rows.len() > MOST_HELD_OUT {
            self.below -= self.below / 8 + 1;
            let below = self.below;
            self.rows.retain(|row| row.document < below);
        }
    }
}

/// Counts different numbers: exactly while they are few, then by the smallest of them, after
/// Bar-Yossef et al., "Counting distinct elements in a data stream" (RANDOM 2002).
#[derive(Default)]
struct Distinct {
    smallest: BTreeSet<u64>,
}

impl Distinct {
    fn add(&mut self, number: u64) {
        let full = self.smallest.len() >= MOST_DOCUMENTS;
        if full && self.smallest.last().is_some_and(|&last| number >= last) {
            return;
        }
        if self.smallest.insert(number) && full {
            self.smallest.pop_last();
        }
    }

    fn estimate(&self) -> usize {
        match self.smallest.last() {
            Some(&last) if self.smallest.len() >= MOST_DOCUMENTS => {
                let share = last as f64 / u64::MAX as f64;
                ((MOST_DOCUMENTS - 1) as f64 / share).round() as usize
            }
            _ => self.smallest.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_counted_exactly_then_nearly() {
        for (documents, error) in [
            (0, 0),
            (1000, 0),
            (MOST_DOCUMENTS - 1, 0),
            (500_000, 10_000),
        ] {
            let mut distinct = Distinct::default();
            for number in (0..documents).chain(0..documents / 2) {
                distinct.add(fingerprint(1, &number.to_le_bytes()));
            }
            assert!(distinct.estimate().abs_diff(documents) <= error);
        }
    }

    #[test]
    fn too_many_held_out_rows_are_sampled_by_document() {
        let mut held_out = HeldOut {
            rows: Vec::new(),
            below: u64::MAX / HELD_OUT_SHARE,
        };
        for row in 0..600_000u32 {
            let document = fingerprint(1, &(row / 3).to_le_bytes()) / HELD_OUT_SHARE;
            held_out.add(HeldOutRow {
                document,
                text: String::new(),
                annotation: 0,
            });
        }
        let kept = held_out.rows.len();
        assert!(kept <= MOST_HELD_OUT && kept > MOST_HELD_OUT / 2, "{kept}");
        assert!(
            held_out
                .rows
                .chunks(3)
                .all(|rows| rows[0].document == rows[2].document)
        );
    }

    #[test]
    fn a_tenth_is_held_out() {
        let numbers = (0..100_000u32).map(|n| fingerprint(7, &n.to_le_bytes()));
        let held_out = numbers.filter(|&n| n < u64::MAX / HELD_OUT_SHARE).count();
        assert!(held_out.abs_diff(10_000) < 500, "{held_out}");
    }
}
