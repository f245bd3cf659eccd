//! From units of input to output rows, in parallel and in order.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault};
use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;
use rustc_hash::FxHasher;
use serde_json::{Map, Value};

use super::input::Unit;
use super::predictor::{Prediction, Predictor, Scratch};
use crate::text::{Furniture, Normalizer, recognize_furniture};

/// Whether units are split into sentences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Split {
    /// Plain text is, rows are not.
    #[default]
    Auto,
    /// Every unit is.
    Yes,
    /// No unit is.
    No,
}

/// One row of output.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputRow {
    /// The unit's id.
    pub id: String,
    /// The unit's document.
    pub doc: String,
    /// Line in the file, from 1.
    pub line: u64,
    /// What was predicted, or why nothing could be.
    pub outcome: Result<Labelled, String>,
    /// Fields carried along.
    pub kept: Map<String, Value>,
}

/// A labelled sentence. Offsets are bytes of the file for plain text, of the field for rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// Where the sentence begins and ends.
    pub span: Range<usize>,
    /// The sentence.
    pub text: String,
    /// Labels that hold, parents included.
    pub labels: Vec<String>,
    /// Probability of each label, parents included.
    pub scores: BTreeMap<String, f64>,
    /// Probability of each leaf label, in the order of the model's labels.
    pub leaf_probabilities: Vec<f64>,
    /// For each label that holds: where it shows most.
    pub evidence: BTreeMap<String, Range<usize>>,
    /// Whether the row is to be read by hand, where rows are marked for that.
    pub review: Option<bool>,
    /// What kind of page furniture the line is, if any. Datelines, sources and credits carry no
    /// label, whatever their scores.
    pub furniture: Option<Furniture>,
}

/// Labels units in batches, each thread with buffers of its own.
pub struct Labeller<'a> {
    predictor: &'a Predictor,
    split: Split,
    /// Rows with a smaller margin are marked to be read by hand.
    review_margin: Option<f64>,
    scratches: Vec<Mutex<Scratch>>,
    /// Fingerprints of the sentences of the current document.
    seen: HashSet<u64, BuildHasherDefault<FxHasher>>,
    document: String,
}

/// A row with the fingerprint of its normalised text where repeats count.
type Fresh = (OutputRow, Option<u64>);

/// A line of more bytes is no furniture.
const LONGEST_FURNITURE: usize = 300;

/// A caption shorter than this may well repeat by chance.
const SHORTEST_REPEAT: usize = 15;

impl<'a> Labeller<'a> {
    /// A labeller for the current rayon thread pool.
    pub fn new(predictor: &'a Predictor, split: Split) -> Self {
        let threads = rayon::current_num_threads().max(1);
        Self {
            predictor,
            split,
            review_margin: None,
            scratches: (0..threads).map(|_| Mutex::default()).collect(),
            seen: HashSet::default(),
            document: String::new(),
        }
    }

    /// The same labeller, marking rows whose decision has a margin below `margin` to be read by
    /// hand; see [`crate::scoring::LabelMode::margin`].
    pub fn with_review(self, margin: f64) -> Self {
        Self {
            review_margin: Some(margin),
            ..self
        }
    }

    /// Forgets the sentences of the document before: what follows is another one.
    pub fn start_document(&mut self) {
        self.document.clear();
        self.seen.clear();
    }

    /// The rows of some units, in their order.
    pub fn label(&mut self, units: &[Unit]) -> Vec<OutputRow> {
        let fresh: Vec<Vec<Fresh>> = units.par_iter().map(|unit| self.label_unit(unit)).collect();
        fresh
            .into_iter()
            .flatten()
            .map(|(row, fingerprint)| self.mark_repeat(row, fingerprint))
            .collect()
    }

    fn label_unit(&self, unit: &Unit) -> Vec<Fresh> {
        let text = match &unit.text {
            Ok(text) => text,
            Err(message) => return vec![(output_row(unit, Err(message.clone())), None)],
        };
        let thread = rayon::current_thread_index().unwrap_or(0) % self.scratches.len();
        // A poisoned lock only means that another row panicked; buffers hold no result.
        let mut scratch = match self.scratches[thread].lock() {
            Ok(scratch) => scratch,
            Err(poisoned) => poisoned.into_inner(),
        };
        let splits = match self.split {
            Split::Auto => unit.paragraph,
            Split::Yes => true,
            Split::No => false,
        };
        if !splits {
            return vec![self.label_sentence(unit, text, 0..text.len(), false, &mut scratch)];
        }
        let sentences = self.predictor.pipeline().splitter().split(text);
        if sentences.is_empty() && !unit.paragraph {
            // A row without text still has its row; an empty line of an article has none.
            return vec![self.label_sentence(unit, text, 0..text.len(), false, &mut scratch)];
        }
        sentences
            .into_iter()
            .map(|range| self.label_sentence(unit, text, range, unit.paragraph, &mut scratch))
            .collect()
    }

    fn label_sentence(
        &self,
        unit: &Unit,
        text: &str,
        range: Range<usize>,
        in_document: bool,
        scratch: &mut Scratch,
    ) -> Fresh {
        let sentence = &text[range.clone()];
        let prediction = self.predictor.predict(sentence, scratch).clone();
        // The rules expect all folds, which the model need not have.
        let furniture = (in_document && sentence.len() <= LONGEST_FURNITURE)
            .then(|| recognize_furniture(Normalizer::default().normalize(sentence).text()))
            .flatten();
        let repeats = in_document && sentence.len() >= SHORTEST_REPEAT;
        let fingerprint = repeats.then(|| scratch.fingerprint());
        let start = unit.offset + range.start;
        let labelled = self.labelled(&prediction, sentence, start, furniture);
        (output_row(unit, Ok(labelled)), fingerprint)
    }

    fn labelled(
        &self,
        prediction: &Prediction,
        sentence: &str,
        start: usize,
        furniture: Option<Furniture>,
    ) -> Labelled {
        let tree = self.predictor.tree();
        let mode = self.predictor.header().mode;
        let leaves = &prediction.leaves;
        let mut labels = Vec::new();
        let mut scores = BTreeMap::new();
        let mut evidence = BTreeMap::new();
        for (place, label) in tree.labels().iter().enumerate() {
            let probability = tree.probability(place, mode, &leaves.probabilities);
            scores.insert(label.name.clone(), probability);
            if furniture.is_some_and(Furniture::carries_no_label)
                || !tree.holds(place, &leaves.holds)
            {
                continue;
            }
            labels.push(label.name.clone());
            let likeliest = label
                .leaves
                .iter()
                .copied()
                .filter(|&leaf| leaves.holds[leaf])
                .reduce(|best, leaf| {
                    if leaves.probabilities[leaf] > leaves.probabilities[best] {
                        leaf
                    } else {
                        best
                    }
                });
            if let Some(span) = likeliest.and_then(|leaf| prediction.evidence[leaf].clone()) {
                evidence.insert(label.name.clone(), start + span.start..start + span.end);
            }
        }
        Labelled {
            span: start..start + sentence.len(),
            text: sentence.to_owned(),
            labels,
            scores,
            leaf_probabilities: leaves.probabilities.clone(),
            evidence,
            // What carries no label whatever its scores needs no reader.
            review: self.review_margin.map(|margin| {
                leaves.margin < margin && !furniture.is_some_and(Furniture::carries_no_label)
            }),
            furniture,
        }
    }

    /// Marks a sentence that its document held before; its labels stay.
    fn mark_repeat(&mut self, mut row: OutputRow, fingerprint: Option<u64>) -> OutputRow {
        let Some(fingerprint) = fingerprint else {
            return row;
        };
        if row.doc != self.document {
            self.seen.clear();
            self.document.clone_from(&row.doc);
        }
        let first = self.seen.insert(fingerprint);
        if let Ok(labelled) = &mut row.outcome
            && !first
            && labelled.furniture.is_none()
        {
            labelled.furniture = Some(Furniture::Repeated);
        }
        row
    }
}

fn output_row(unit: &Unit, outcome: Result<Labelled, String>) -> OutputRow {
    OutputRow {
        id: unit.id.clone(),
        doc: unit.doc.clone(),
        line: unit.line,
        outcome,
        kept: unit.kept.clone(),
    }
}
