//! Predictions set against annotations, label by label.

use super::metrics::Figures;
use crate::corpus::{LabelSet, Record, leaves};
use crate::scoring::{LabelMode, LabelTree, LeafPrediction};

/// Predictions for annotated rows, for every label of a tree.
///
/// ```
/// use marsad::corpus::CorpusReader;
/// use marsad::evaluate::{Judged, Report};
/// use marsad::predict::{Predictor, Scratch};
///
/// let rows = r#"
/// {"doc": "1", "text": "شنت طائرات حربية غارات على المدينة", "labels": ["airstrike"]}
/// {"doc": "2", "text": "افتتحت البلدية حديقة عامة في المدينة", "labels": []}
/// "#;
/// let corpus = CorpusReader::default().read_memory(&[("rows.jsonl", rows.as_bytes())])?;
/// let predictor = Predictor::new(marsad::built_in_model()?);
/// let mut scratch = Scratch::default();
/// let records = corpus.records();
/// let predict = |record: &marsad::corpus::Record| predictor.predict_leaves(&record.text, &mut scratch);
/// let predictions: Vec<_> = records.iter().map(predict).collect();
///
/// let tree = predictor.tree().clone();
/// let judged = Judged::new(tree, predictor.header().mode, records, &predictions);
/// let report = Report::measure(&judged, 200, 1); // intervals from 200 resamples, seed 1
/// assert_eq!(report.rows, 2);
/// assert_eq!(report.exact_match.value, 1.0);
/// # Ok::<(), marsad::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Judged {
    pub(super) tree: LabelTree,
    /// `rows[row][label]`.
    pub(super) rows: Vec<Vec<Judgement>>,
    /// For each row how far its decision is from falling the other way.
    pub(super) margins: Vec<f64>,
    /// For each row the number of its document.
    pub(super) documents: Vec<usize>,
}

/// One label of one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// Whether the annotation says that the label holds; `None` where it leaves it open.
    pub annotated: Option<bool>,
    /// Whether the label is predicted.
    pub predicted: bool,
    /// The predicted probability.
    pub probability: f64,
}

impl Judged {
    /// Sets predictions against the annotations of the same rows.
    pub fn new(
        tree: LabelTree,
        mode: LabelMode,
        records: &[Record],
        predictions: &[LeafPrediction],
    ) -> Self {
        let mut numbers = std::collections::HashMap::new();
        let documents = records
            .iter()
            .map(|record| {
                let next = numbers.len();
                *numbers.entry(record.doc.as_str()).or_insert(next)
            })
            .collect();
        let rows = records
            .iter()
            .zip(predictions)
            .map(|(record, prediction)| {
                (0..tree.labels().len())
                    .map(|label| {
                        let name = &tree.labels()[label].name;
                        let held = record.holds(name)
                            || (mode == LabelMode::Single
                                && record.labels.is_empty()
                                && name == "none");
                        Judgement {
                            annotated: (!record.leaves_open(name)).then_some(held),
                            predicted: tree.holds(label, &prediction.holds),
                            probability: tree.probability(label, mode, &prediction.probabilities),
                        }
                    })
                    .collect()
            })
            .collect();
        Self {
            tree,
            rows,
            margins: predictions.iter().map(|row| row.margin).collect(),
            documents,
        }
    }

    /// The labels judged, parents before their children.
    pub fn tree(&self) -> &LabelTree {
        &self.tree
    }

    /// For each row the judgement of each label of the tree.
    pub fn rows(&self) -> &[Vec<Judgement>] {
        &self.rows
    }

    /// Number of documents.
    pub(super) fn document_count(&self) -> usize {
        self.documents.iter().max().map_or(0, |&last| last + 1)
    }

    /// The figures of each document.
    pub(super) fn figures_by_document(&self) -> Vec<Figures> {
        let mut documents = vec![Figures::default(); self.document_count()];
        for (row, &document) in self.documents.iter().enumerate() {
            documents[document].add(&Figures::of_row(self, row));
        }
        documents
    }

    /// Rows to which another judgement of the same rows gives other labels.
    pub(super) fn decided_otherwise(&self, other: &Self) -> usize {
        let otherwise = |(a, b): &(&Vec<Judgement>, &Vec<Judgement>)| {
            a.iter()
                .zip(b.iter())
                .any(|(a, b)| a.predicted != b.predicted)
        };
        self.rows.iter().zip(&other.rows).filter(otherwise).count()
    }

    /// The same rows judged on some of the labels; those that the tree does not have are left out.
    pub(super) fn restricted(&self, labels: &LabelSet) -> Self {
        let tree = LabelTree::new(&leaves(labels));
        let place = |name: &str| self.tree.labels().iter().position(|l| l.name == name);
        let places: Vec<usize> = tree
            .labels()
            .iter()
            .filter_map(|l| place(&l.name))
            .collect();
        let restrict = |row: &Vec<Judgement>| places.iter().map(|&label| row[label]).collect();
        Self {
            rows: self.rows.iter().map(restrict).collect(),
            margins: self.margins.clone(),
            documents: self.documents.clone(),
            tree,
        }
    }

    /// Some of the rows; documents are numbered anew.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let mut numbers = std::collections::HashMap::new();
        let documents = rows.iter().map(|&row| {
            let next = numbers.len();
            *numbers.entry(self.documents[row]).or_insert(next)
        });
        Self {
            documents: documents.collect(),
            tree: self.tree.clone(),
            rows: rows.iter().map(|&row| self.rows[row].clone()).collect(),
            margins: rows.iter().map(|&row| self.margins[row]).collect(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn judged(rows: impl Iterator<Item = (Judgement, f64)>) -> Judged {
        let (rows, margins): (Vec<_>, Vec<f64>) = rows.map(|(row, m)| (vec![row], m)).unzip();
        Judged {
            tree: LabelTree::new(&["x".to_owned()]),
            documents: (0..rows.len()).collect(),
            rows,
            margins,
        }
    }

    /// Rows of one label, each a document, with the probability and whether the label holds.
    pub(in crate::evaluate) fn judged_on_one_label(rows: &[(f64, bool)]) -> Judged {
        judged(rows.iter().map(|&(probability, held)| {
            let judgement = Judgement {
                annotated: Some(held),
                predicted: probability >= 0.5,
                probability,
            };
            (judgement, (probability - 0.5).abs())
        }))
    }

    /// Rows of one label, each a document, with the margin and whether the decision is right.
    pub(in crate::evaluate) fn judged_with_margins(rows: &[(f64, bool)]) -> Judged {
        judged(rows.iter().map(|&(margin, right)| {
            let judgement = Judgement {
                annotated: Some(true),
                predicted: right,
                probability: 0.5,
            };
            (judgement, margin)
        }))
    }
}
