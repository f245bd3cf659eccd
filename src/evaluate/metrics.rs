//! Figures of merit from judged predictions.

use serde::{Deserialize, Serialize};

use super::judged::{Judged, Judgement};

/// Rows of one label: predicted and annotated, only predicted, only annotated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) true_positives: usize,
    pub(super) false_positives: usize,
    pub(super) false_negatives: usize,
}

impl Counts {
    pub(super) fn add_judgement(&mut self, judgement: &Judgement) {
        match (judgement.annotated, judgement.predicted) {
            (Some(true), true) => self.true_positives += 1,
            (Some(false), true) => self.false_positives += 1,
            (Some(true), false) => self.false_negatives += 1,
            (Some(false), false) | (None, _) => {}
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.add_times(other, 1);
    }

    fn add_times(&mut self, other: &Self, times: usize) {
        self.true_positives += times * other.true_positives;
        self.false_positives += times * other.false_positives;
        self.false_negatives += times * other.false_negatives;
    }

    pub(super) fn precision(&self) -> f64 {
        share(
            self.true_positives,
            self.true_positives + self.false_positives,
        )
    }

    pub(super) fn recall(&self) -> f64 {
        share(
            self.true_positives,
            self.true_positives + self.false_negatives,
        )
    }

    pub(super) fn f1(&self) -> f64 {
        share(
            2 * self.true_positives,
            2 * self.true_positives + self.false_positives + self.false_negatives,
        )
    }
}

/// A share, 0 where there is nothing to share.
pub(super) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// Figures of all rows, or of one resample of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Of each label of the tree.
    pub(super) labels: Vec<Counts>,
    pub(super) exact: usize,
    /// Wrong decisions on leaves.
    pub(super) wrong: usize,
    /// Decisions on leaves.
    pub(super) decided: usize,
    pub(super) rows: usize,
}

impl Figures {
    pub(super) fn of_row(judged: &Judged, row: usize) -> Self {
        let mut figures = Self {
            labels: vec![Counts::default(); judged.tree.labels().len()],
            rows: 1,
            ..Self::default()
        };
        for (label, judgement) in judged.rows[row].iter().enumerate() {
            figures.labels[label].add_judgement(judgement);
            if judged.tree.labels()[label].is_leaf(&judged.tree)
                && let Some(annotated) = judgement.annotated
            {
                figures.decided += 1;
                figures.wrong += usize::from(annotated != judgement.predicted);
            }
        }
        figures.exact = usize::from(figures.wrong == 0);
        figures
    }

    /// The counts of a label; without rows there are none.
    pub(super) fn label(&self, label: usize) -> Counts {
        self.labels.get(label).copied().unwrap_or_default()
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.add_times(other, 1);
    }

    /// Adds figures that count several times.
    pub(super) fn add_times(&mut self, other: &Self, times: usize) {
        self.labels
            .resize(other.labels.len().max(self.labels.len()), Counts::default());
        for (mine, others) in self.labels.iter_mut().zip(&other.labels) {
            mine.add_times(others, times);
        }
        self.exact += times * other.exact;
        self.wrong += times * other.wrong;
        self.decided += times * other.decided;
        self.rows += times * other.rows;
    }

    /// The sum of figures of which each counts so many times.
    pub(super) fn total_times(parts: &[Self], times: &[u32]) -> Self {
        let mut total = Self::default();
        let parts = parts.iter().zip(times).filter(|(_, times)| **times > 0);
        parts.for_each(|(part, &times)| total.add_times(part, times as usize));
        total
    }

    /// The mean F1 over the labels that `choose` takes and that were annotated or predicted.
    pub(super) fn macro_f1(&self, choose: impl Fn(usize) -> bool) -> f64 {
        let seen = |label: usize| self.labels[label] != Counts::default();
        let chosen = (0..self.labels.len()).filter(|&label| choose(label) && seen(label));
        let f1s: Vec<f64> = chosen.map(|label| self.labels[label].f1()).collect();
        // The sum of no floats is a negative zero.
        (f1s.iter().sum::<f64>() + 0.0) / f1s.len().max(1) as f64
    }

    /// F1 of all decisions on the labels that `choose` takes, together.
    pub(super) fn micro_f1(&self, choose: impl Fn(usize) -> bool) -> f64 {
        let mut all = Counts::default();
        for (label, counts) in self.labels.iter().enumerate() {
            if choose(label) {
                all.add(counts);
            }
        }
        all.f1()
    }
}

/// Mean precision at each annotated row when rows are taken from the most to the least probable;
/// rows of equal probability are taken together.
pub(super) fn average_precision(judged: &Judged, label: usize) -> f64 {
    let mut decided: Vec<(f64, bool)> = judged
        .rows
        .iter()
        .filter_map(|row| Some((row[label].probability, row[label].annotated?)))
        .collect();
    decided.sort_by(|a, b| b.0.total_cmp(&a.0));
    let positives = decided.iter().filter(|(_, held)| *held).count();
    let (mut taken, mut found, mut sum) = (0, 0, 0.0);
    for same in decided.chunk_by(|a, b| a.0 == b.0) {
        let held = same.iter().filter(|(_, held)| *held).count();
        taken += same.len();
        found += held;
        sum += held as f64 * share(found, taken);
    }
    sum / positives.max(1) as f64
}

/// Expected calibration error: the mean distance, over ten equal bins of probability weighted by
/// their rows, between the mean probability and the share of rows that hold the label.
pub(super) fn calibration_error(judged: &Judged, label: usize) -> f64 {
    const BINS: usize = 10;
    let mut bins = [(0usize, 0.0f64, 0usize); BINS];
    let mut rows = 0;
    for row in &judged.rows {
        let Some(annotated) = row[label].annotated else {
            continue;
        };
        let probability = row[label].probability;
        let bin = &mut bins[((probability * BINS as f64) as usize).min(BINS - 1)];
        *bin = (
            bin.0 + 1,
            bin.1 + probability,
            bin.2 + usize::from(annotated),
        );
        rows += 1;
    }
    let distances = bins
        .iter()
        .map(|&(_, probability, held)| (probability - held as f64).abs());
    distances.sum::<f64>() / f64::from(rows.max(1))
}

/// Which labels are taken for which.
///
/// `counts[annotated][predicted]` over the leaves, with one more row and column for none: a label
/// both annotated and predicted counts on the diagonal; one that was missed counts against each
/// label predicted wrongly in the same row, or against none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// The leaves, then "none".
    pub labels: Vec<String>,
    /// Rows by annotation, columns by prediction.
    pub counts: Vec<Vec<usize>>,
}

impl Confusion {
    pub(super) fn of(judged: &Judged) -> Self {
        let leaves: Vec<usize> = (0..judged.tree.labels().len())
            .filter(|&label| judged.tree.labels()[label].is_leaf(&judged.tree))
            .collect();
        let none = leaves.len();
        let mut counts = vec![vec![0; none + 1]; none + 1];
        for row in &judged.rows {
            let (mut missed, mut spurious, mut found) = (Vec::new(), Vec::new(), false);
            for (place, &label) in leaves.iter().enumerate() {
                match (row[label].annotated, row[label].predicted) {
                    (Some(true), true) => {
                        counts[place][place] += 1;
                        found = true;
                    }
                    (Some(true), false) => missed.push(place),
                    (Some(false), true) => spurious.push(place),
                    (Some(false), false) | (None, _) => {}
                }
            }
            let decided = leaves.iter().all(|&label| row[label].annotated.is_some());
            if decided && missed.is_empty() && spurious.is_empty() && !found {
                counts[none][none] += 1;
            }
            if spurious.is_empty() {
                missed.iter().for_each(|&label| counts[label][none] += 1);
            }
            if missed.is_empty() {
                spurious.iter().for_each(|&label| counts[none][label] += 1);
            }
            for &annotated in &missed {
                spurious
                    .iter()
                    .for_each(|&label| counts[annotated][label] += 1);
            }
        }
        let mut labels = judged.tree.leaves().to_vec();
        labels.push("none".to_owned());
        Self { labels, counts }
    }
}
