//! From units of input to labelled rows.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::BuildHasherDefault;
use std::ops::Range;

use rustc_hash::FxHasher;

use super::input::Unit;
use super::predictor::{Prediction, Predictor, Scratch};
use crate::scoring::TreeLabel;
use crate::text::{
    Folds, Furniture, Normalized, Normalizer, SentenceSplitter, SplitCursor, recognize_furniture,
};

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
#[derive(Clone, Debug)]
pub struct OutputRow<'a> {
    /// The unit that the row is of.
    pub unit: &'a Unit<'a>,
    /// What was predicted, or why nothing could be.
    pub outcome: Result<Labelled<'a>, &'a str>,
}

impl OutputRow<'_> {
    /// The unit's id, or `FILE:LINE`.
    pub fn id(&self) -> Cow<'_, str> {
        match &self.unit.id {
            Some(id) => Cow::Borrowed(id),
            None => Cow::Owned(format!("{}:{}", self.unit.file, self.unit.line)),
        }
    }

    /// The unit's document, or the file.
    pub fn doc(&self) -> &str {
        self.unit.doc.as_deref().unwrap_or(self.unit.file)
    }
}

/// A labelled sentence. Offsets are bytes of the file for plain text, of the field for rows; lists
/// have one entry a label of the model's tree, parents included, unless they say otherwise.
#[derive(Clone, Debug)]
pub struct Labelled<'a> {
    /// Where the sentence begins and ends.
    pub span: Range<usize>,
    /// The sentence.
    pub text: &'a str,
    /// Whether each label holds.
    pub holds: &'a [bool],
    /// Probability of each label.
    pub scores: &'a [f64],
    /// Probability of each leaf label, in the order of the model's labels.
    pub leaf_probabilities: &'a [f64],
    /// For each label that holds: where it shows most.
    pub evidence: &'a [Option<Range<usize>>],
    /// Whether the row is to be read by hand, where rows are marked for that.
    pub review: Option<bool>,
    /// What kind of page furniture the line is, if any. Datelines, sources and credits carry no
    /// label, whatever their scores.
    pub furniture: Option<Furniture>,
    /// Equal for sentences that repeat each other, where repeats count.
    pub fingerprint: Option<u64>,
}

/// Turns units into labelled rows; shared by threads.
pub struct Labeller<'a> {
    predictor: &'a Predictor,
    split: Split,
    /// Rows with a smaller margin are marked to be read by hand.
    review_margin: Option<f64>,
    /// Whether the model folds text as the rules for furniture expect.
    default_folds: bool,
}

/// Buffers of one thread.
#[derive(Debug, Default)]
pub struct Workspace {
    scratch: Scratch,
    normalized: Normalized,
    holds: Vec<bool>,
    scores: Vec<f64>,
    leaf_probabilities: Vec<f64>,
    evidence: Vec<Option<Range<usize>>>,
    review: Option<bool>,
}

/// How far a unit has been labelled.
#[derive(Clone, Debug, Default)]
pub struct UnitCursor {
    sentences: SplitCursor,
    /// Whether the unit has given a row.
    begun: bool,
}

impl UnitCursor {
    /// The bytes of the whole text, once.
    fn whole(&mut self, text: &str) -> Option<Range<usize>> {
        let first = !std::mem::replace(&mut self.begun, true);
        first.then_some(0..text.len())
    }

    /// The bytes of the next sentence of a text. A row without text still has its row; an empty line
    /// of an article has none.
    pub(crate) fn next_sentence(
        &mut self,
        splitter: &SentenceSplitter,
        text: &str,
        paragraph: bool,
    ) -> Option<Range<usize>> {
        let empty = self.whole(text).filter(|_| !paragraph);
        splitter.next_sentence(text, &mut self.sentences).or(empty)
    }
}

/// A line of more bytes is no furniture.
const LONGEST_FURNITURE: usize = 300;

/// A caption shorter than this may well repeat by chance.
const SHORTEST_REPEAT: usize = 15;

impl<'a> Labeller<'a> {
    /// A labeller for a model.
    pub fn new(predictor: &'a Predictor, split: Split) -> Self {
        Self {
            predictor,
            split,
            review_margin: None,
            default_folds: predictor.header().text.folds == Folds::default(),
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

    /// The next row of a unit, which has given the rows before that `cursor` has passed.
    pub fn next_row<'r>(
        &self,
        unit: &'r Unit<'r>,
        cursor: &mut UnitCursor,
        workspace: &'r mut Workspace,
    ) -> Option<OutputRow<'r>> {
        let text = match &unit.text {
            Ok(text) => &**text,
            Err(message) => {
                let first = !std::mem::replace(&mut cursor.begun, true);
                return first.then_some(OutputRow {
                    unit,
                    outcome: Err(message),
                });
            }
        };
        let splits = match self.split {
            Split::Auto => unit.paragraph,
            Split::Yes => true,
            Split::No => false,
        };
        let (range, in_document) = if splits {
            let splitter = self.predictor.pipeline().splitter();
            let range = cursor.next_sentence(splitter, text, unit.paragraph)?;
            (range, unit.paragraph)
        } else {
            (cursor.whole(text)?, false)
        };
        let start = unit.offset + range.start;
        let labelled = self.label_sentence(&text[range], start, in_document, workspace);
        Some(OutputRow {
            unit,
            outcome: Ok(labelled),
        })
    }

    fn label_sentence<'r>(
        &self,
        sentence: &'r str,
        start: usize,
        in_document: bool,
        workspace: &'r mut Workspace,
    ) -> Labelled<'r> {
        let prediction = self.predictor.predict(sentence, &mut workspace.scratch);
        let header = self.predictor.header();
        workspace
            .leaf_probabilities
            .clone_from(&prediction.probabilities);
        workspace.review = self.review_margin.map(|wanted| {
            let margin = header
                .mode
                .margin(&prediction.probabilities, &header.thresholds);
            margin < wanted
        });
        let tree = self.predictor.tree();
        workspace.holds.clear();
        workspace.scores.clear();
        workspace.evidence.clear();
        for (place, label) in tree.labels().iter().enumerate() {
            let holds = tree.holds(place, &prediction.holds);
            workspace.holds.push(holds);
            let score = tree.probability(place, header.mode, &prediction.probabilities);
            workspace.scores.push(score);
            let span = holds.then(|| evidence_of(label, prediction)).flatten();
            workspace
                .evidence
                .push(span.map(|span| start + span.start..start + span.end));
        }
        let repeats = in_document && sentence.len() >= SHORTEST_REPEAT;
        let fingerprint = repeats.then(|| workspace.scratch.fingerprint());
        let furniture = in_document
            .then(|| self.furniture_of(sentence, workspace))
            .flatten();
        if furniture.is_some_and(Furniture::carries_no_label) {
            workspace.holds.fill(false);
            workspace.evidence.fill(None);
            // What carries no label whatever its scores needs no reader.
            workspace.review = workspace.review.map(|_| false);
        }
        Labelled {
            span: start..start + sentence.len(),
            text: sentence,
            holds: &workspace.holds,
            scores: &workspace.scores,
            leaf_probabilities: &workspace.leaf_probabilities,
            evidence: &workspace.evidence,
            review: workspace.review,
            furniture,
            fingerprint,
        }
    }

    /// What kind of furniture the sentence is that was predicted last.
    fn furniture_of(&self, sentence: &str, workspace: &mut Workspace) -> Option<Furniture> {
        if sentence.len() > LONGEST_FURNITURE {
            return None;
        }
        // Each word that is a token is a word, or several, of the same folded text.
        if self.default_folds && workspace.scratch.word_tokens() > Furniture::MOST_WORDS {
            return None;
        }
        // The rules expect all folds, which the model need not have.
        Normalizer::default().normalize_into(sentence, &mut workspace.normalized);
        recognize_furniture(workspace.normalized.text())
    }
}

/// Where a label shows most: where the likeliest leaf under it does.
fn evidence_of(label: &TreeLabel, prediction: &Prediction) -> Option<Range<usize>> {
    let held = label
        .leaves
        .iter()
        .copied()
        .filter(|&leaf| prediction.holds[leaf]);
    let likeliest = held.reduce(|best, leaf| {
        if prediction.probabilities[leaf] > prediction.probabilities[best] {
            leaf
        } else {
            best
        }
    })?;
    prediction.evidence[likeliest].clone()
}

type Fingerprints = HashSet<u64, BuildHasherDefault<FxHasher>>;

/// The sentences of a document so far, at least the last [`Repeats::REMEMBERED`] of them.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    recent: Fingerprints,
    before: Fingerprints,
}

impl Repeats {
    /// No article is nearly as long; an archive in one file must not fill the memory.
    const REMEMBERED: usize = 1 << 19;

    /// Whether a sentence with this fingerprint was seen before; from now on it was.
    pub(super) fn repeats(&mut self, fingerprint: u64) -> bool {
        if self.recent.contains(&fingerprint) {
            return true;
        }
        let known = self.before.contains(&fingerprint);
        if self.recent.len() >= Self::REMEMBERED {
            self.before = std::mem::take(&mut self.recent);
        }
        self.recent.insert(fingerprint);
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_known_for_a_while() {
        let mut repeats = Repeats::default();
        assert!(!repeats.repeats(7));
        assert!(repeats.repeats(7));
        let others = 1_000..1_000 + Repeats::REMEMBERED as u64;
        assert!(!others.clone().any(|other| repeats.repeats(other)));
        assert!(repeats.repeats(7), "not enough others lie between");
        let more = 10_000_000..10_000_000 + 2 * Repeats::REMEMBERED as u64;
        assert!(!more.clone().any(|other| repeats.repeats(other)));
        assert!(!repeats.repeats(7));
        assert!(repeats.recent.len() + repeats.before.len() <= 2 * Repeats::REMEMBERED);
    }
}
