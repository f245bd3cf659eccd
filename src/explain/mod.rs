//! Why a model decided as it did: what each feature adds to a label's score, on the letters of the
//! original text.
//!
//! The raw score of a label is linear in its features once its best window and its trigger are
//! chosen, so that it falls into shares exactly: bias and contributions sum to it. Models of trees have
//! no such shares; there each word tells by how much the score falls where it is left out.
//!
//! ```
//! use marsad::explain::Explainer;
//! use marsad::predict::{Predictor, Scratch};
//!
//! let predictor = Predictor::new(marsad::built_in_model()?);
//! let explainer = Explainer::new(&predictor);
//! let explained = explainer.explain("شنت طائرات حربية غارات على المدينة", &mut Scratch::default());
//! let airstrike = explained.label("airstrike").unwrap();
//! assert!(airstrike.holds);
//! let sum: f64 = airstrike.contributions.iter().map(|adds| adds.value).sum();
//! assert!((airstrike.bias.unwrap() + sum - airstrike.score).abs() < 1e-9);
//! let strongest = airstrike.strongest_words().next().unwrap();
//! assert_eq!(&explained.text[strongest.span.range()], "غارات");
//! # Ok::<(), marsad::Error>(())
//! ```

mod against;
mod explainer;
mod html;
mod letters;

pub use against::Against;
pub use explainer::Explainer;
pub use html::{HTML_STYLE, html_of_text, to_html};

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// A sentence with what speaks for and against each leaf label of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The sentence; all spans are of it.
    pub text: String,
    /// What the values of words are.
    pub method: Method,
    /// The leaf labels, in the order of the model.
    pub labels: Vec<LabelExplanation>,
}

/// What the values of words are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Shares that sum, with the bias, to the raw score.
    Additive,
    /// For models of trees: by how much the raw score falls without the word. These values sum to
    /// nothing in particular.
    LeaveOneOut,
}

/// Why a label holds or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelExplanation {
    /// The label.
    pub label: String,
    /// Calibrated probability.
    pub probability: f64,
    /// Probability from which it holds; a divisor where exactly one label holds.
    pub threshold: f64,
    /// Whether it holds.
    pub holds: bool,
    /// The raw score, before calibration.
    pub score: f64,
    /// What is added to the score of every sentence; none for models of trees.
    pub bias: Option<f64>,
    /// What the scores of the parts add to the raw score, their share of the bias included.
    pub parts: Parts,
    /// The window in which the label shows most, signs at its ends left off; none for a sentence
    /// without words.
    pub evidence: Option<Span>,
    /// The word of the window that adds most, from which the assertion is read, where it is.
    pub trigger: Option<Span>,
    /// What each word and sign adds, in their order.
    pub words: Vec<Weighted>,
    /// What the letters add, in their order; those that add nothing are left out. Letters that one
    /// character stands for are one. Empty for models of trees.
    pub letters: Vec<Weighted>,
    /// What each feature adds, the largest first. Empty for models of trees.
    pub contributions: Vec<Contribution>,
    /// What features that are not listed add together.
    pub rest: Rest,
}

/// The parts of a raw score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Parts {
    /// Of the whole sentence.
    pub sentence: f64,
    /// Of its best window.
    pub window: f64,
    /// Of the assertion of the trigger.
    pub assertion: f64,
}

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First byte, and the one behind the last.
    pub bytes: [usize; 2],
    /// First character (Unicode scalar value), and the one behind the last.
    pub characters: [usize; 2],
}

impl Span {
    /// The bytes as a range.
    pub fn range(&self) -> Range<usize> {
        self.bytes[0]..self.bytes[1]
    }
}

/// A part of a text with what it adds to a score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weighted {
    /// The part.
    #[serde(flatten)]
    pub span: Span,
    /// What it adds.
    #[serde(serialize_with = "short")]
    pub value: f64,
}

/// Writes a value with nine decimals: thousands of them sum to a score within 1e-5, and take half the
/// room.
fn short<S: serde::Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    const DECIMALS: f64 = 1e9;
    serializer.serialize_f64((value * DECIMALS).round() / DECIMALS)
}

/// What a feature adds to a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// The feature, as it stands in the folded text; `_` marks the boundary of a word.
    pub feature: String,
    /// Its family: char n-gram, word, stem, word bigram, subword, or assertion.
    pub family: String,
    /// For the family assertion: where the stem stands as seen from the trigger.
    pub role: Option<String>,
    /// What it adds, all its occurrences together.
    #[serde(serialize_with = "short")]
    pub value: f64,
    /// Where it stands, each place with its share of the value. A bigram has two for each
    /// occurrence.
    pub spans: Vec<Weighted>,
}

/// Features that are not listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rest {
    /// How many.
    pub features: usize,
    /// What they add together.
    pub value: f64,
}

impl Explanation {
    /// The explanation of a leaf label.
    pub fn label(&self, name: &str) -> Option<&LabelExplanation> {
        self.labels.iter().find(|label| label.label == name)
    }

    /// The same explanation with at most so many contributions a label, the largest; the others are
    /// in the rest.
    #[must_use]
    pub fn limited(mut self, contributions: usize) -> Self {
        for label in &mut self.labels {
            let kept = contributions.min(label.contributions.len());
            for left_out in label.contributions.drain(kept..) {
                label.rest.features += 1;
                label.rest.value += left_out.value;
            }
        }
        self
    }
}

impl LabelExplanation {
    /// The words, those first that add or take away most.
    pub fn strongest_words(&self) -> impl Iterator<Item = &Weighted> {
        let mut words: Vec<&Weighted> = self.words.iter().collect();
        words.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs()));
        words.into_iter()
    }
}

#[cfg(test)]
mod tests;
