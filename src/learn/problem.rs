//! What is to be learnt from rows: one binary problem a label, or one class a row.

use ndarray::{Array1, Array2, ArrayView2};

use super::linear::LinearModel;
use crate::corpus::{Record, leaves};
use crate::error::{Error, Result};
use crate::features::{FeatureSpace, SparseRow};

/// Labels of rows in the form that learners take.
#[derive(Clone, Debug)]
pub struct Targets {
    labels: Vec<String>,
    kind: TargetKind,
}

#[derive(Clone, Debug)]
enum TargetKind {
    /// For each label and row: whether it holds; `None` where the annotation leaves it open.
    Multiple(Vec<Vec<Option<bool>>>),
    /// For each row its class.
    Single(Vec<usize>),
}

/// The class of a row annotated as none when every row has exactly one class.
const NONE_CLASS: &str = "none";

impl Targets {
    /// One binary problem for each label that has no child.
    ///
    /// # Errors
    /// When there is no label, or a label holds for all rows or for none.
    pub fn multiple(records: &[Record], labels: &crate::corpus::LabelSet) -> Result<Self> {
        let labels = leaves(labels);
        if labels.is_empty() {
            return Err(Error::Corpus(
                "every row of the corpus is annotated as none; there is nothing to learn".into(),
            ));
        }
        let holds: Vec<Vec<Option<bool>>> = labels
            .iter()
            .map(|label| {
                records
                    .iter()
                    .map(|record| (!record.leaves_open(label)).then(|| record.holds(label)))
                    .collect()
            })
            .collect();
        for (label, holds) in labels.iter().zip(&holds) {
            if !holds.contains(&Some(false)) {
                return Err(Error::Corpus(format!(
                    "only one class: {label:?} holds for every row, so there is nothing to tell it from; add rows where it does not hold, annotated as none or otherwise"
                )));
            }
        }
        Ok(Self {
            labels,
            kind: TargetKind::Multiple(holds),
        })
    }

    /// Exactly one class a row; rows annotated as none are of the class "none".
    ///
    /// # Errors
    /// When a row has several labels, or there is only one class.
    pub fn single(records: &[Record]) -> Result<Self> {
        let names: Vec<&str> = records.iter().map(class_name).collect::<Result<_>>()?;
        let mut labels: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        labels.sort_unstable();
        labels.dedup();
        if labels.len() < 2 {
            return Err(Error::Corpus(format!(
                "only one class: every row is {:?}; at least two are needed",
                labels[0]
            )));
        }
        let classes = names
            .iter()
            .map(|name| labels.partition_point(|label| label.as_str() < *name))
            .collect();
        Ok(Self {
            labels,
            kind: TargetKind::Single(classes),
        })
    }

    /// The targets of some of the rows; a row may be taken several times.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let kind = match &self.kind {
            TargetKind::Multiple(holds) => {
                let of_rows =
                    |holds: &Vec<Option<bool>>| rows.iter().map(|&row| holds[row]).collect();
                TargetKind::Multiple(holds.iter().map(of_rows).collect())
            }
            TargetKind::Single(classes) => {
                TargetKind::Single(rows.iter().map(|&row| classes[row]).collect())
            }
        };
        Self {
            labels: self.labels.clone(),
            kind,
        }
    }

    /// The labels, in alphabetical order.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Whether each row has exactly one label.
    pub fn is_single(&self) -> bool {
        matches!(self.kind, TargetKind::Single(_))
    }

    /// The classes of single-label rows.
    pub fn classes(&self) -> Option<&[usize]> {
        match &self.kind {
            TargetKind::Single(classes) => Some(classes),
            TargetKind::Multiple(_) => None,
        }
    }

    /// Whether a label holds for a row; `None` where the annotation leaves it open.
    pub fn holds(&self, label: usize, row: usize) -> Option<bool> {
        match &self.kind {
            TargetKind::Multiple(holds) => holds[label][row],
            TargetKind::Single(classes) => Some(classes[row] == label),
        }
    }
}

/// The class of a row where every row has exactly one.
///
/// # Errors
/// When it has several labels.
pub(crate) fn class_name(record: &Record) -> Result<&str> {
    if record.labels.len() > 1 {
        return Err(Error::Row {
            path: record.file.to_path_buf(),
            line: record.line,
            message: format!(
                "{} labels where --single-label allows exactly one",
                record.labels.len()
            ),
        });
    }
    Ok(record.labels.first().map_or(NONE_CLASS, String::as_str))
}

/// Sentences with the targets that learners are fitted on.
pub(crate) struct Problem<'a> {
    pub(crate) targets: &'a Targets,
    pub(crate) space: &'a FeatureSpace<'a>,
    /// Rows of the sentences in `sentences`, of shape (sentences, 1), for the learners that need
    /// them written out, else empty.
    pub(crate) rows: &'a Array2<SparseRow>,
    /// The places in the corpus of the sentences.
    pub(crate) sentences: &'a [usize],
    pub(crate) features: usize,
}

impl Problem<'_> {
    /// The places of the rows for which the annotation decides on a label, and whether it holds.
    pub(crate) fn decided(&self, label: usize) -> (Vec<usize>, Array1<bool>) {
        let decided = || {
            self.sentences
                .iter()
                .enumerate()
                .filter_map(|(row, &sentence)| Some((row, self.targets.holds(label, sentence)?)))
        };
        (
            decided().map(|(row, _)| row).collect(),
            decided().map(|(_, held)| held).collect(),
        )
    }

    /// The scorer of a label that holds for all decided rows or for none, as may happen in a fold.
    pub(crate) fn constant(&self, label: usize) -> Option<LinearModel> {
        let mut holds = self
            .sentences
            .iter()
            .filter_map(|&sentence| self.targets.holds(label, sentence));
        let first = holds.next().unwrap_or(false);
        holds.all(|held| held == first).then(|| LinearModel {
            weights: Array1::zeros(self.features),
            bias: if first { 1.0 } else { -1.0 },
        })
    }

    /// All rows without copying, for problems in which every row is decided.
    pub(crate) fn view(&self) -> ArrayView2<'_, SparseRow> {
        self.rows.view()
    }
}
