//! What a model file says about itself, as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::evaluate::{Report, ReviewPoint};
use crate::features::FeatureSettings;
use crate::learn::{LearnerSettings, TrainingSettings};
use crate::scoring::{Calibration, LabelMode};
use crate::text::{
    FURNITURE_VERSION, NORMALIZER_VERSION, SPLITTER_VERSION, STEMMER_VERSION, TOKENIZER_VERSION,
    TextSettings,
};

/// Version of the file's layout.
///
/// 1: linear heads of sentences, or of sentences and windows; or forests. 2: stems, assertion,
/// priors, margins of rows to be read. 3: lists packed, weights of 4, 8 or 32 bits. Files of earlier
/// versions are refused.
pub const FORMAT_VERSION: u32 = 3;

/// Everything in a model but its arrays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the file's layout; a newer one than the program knows is refused.
    pub format_version: u32,
    /// SHA-256 of the file with these digits as zeros.
    pub checksum: String,
    /// Version of the program that wrote the file.
    pub program_version: String,
    /// Versions of the text pipeline's steps.
    pub text_versions: TextVersions,
    /// Settings of the text pipeline.
    pub text: TextSettings,
    /// Settings of the features.
    pub features: FeatureSettings,
    /// Whether several labels may hold or exactly one does.
    pub mode: LabelMode,
    /// The labels that are decided, in alphabetical order.
    pub labels: Vec<String>,
    /// For each label how much the score of the whole sentence, the highest score of a window and
    /// the score of the trigger's assertion count in its raw score; `None` where only sentences are
    /// scored.
    pub mixes: Option<Vec<[f64; 3]>>,
    /// For each label how its raw score becomes a probability.
    pub calibrations: Vec<Calibration>,
    /// For each label the probability from which it holds; divisors in single-label mode.
    pub thresholds: Vec<f64>,
    /// For each label its share of the sentences trained on.
    pub priors: Vec<f64>,
    /// What it buys to have the least sure rows read by hand, on sentences held out.
    pub review: Vec<ReviewPoint>,
    /// Words on either side of the one in the middle of a window; windows are scored, and shown as
    /// evidence.
    pub window_radius: usize,
    /// The characters of the n-grams in the order of their codes.
    pub alphabet: String,
    /// The subword tokeniser in its own JSON, if the features use one.
    pub subwords: Option<String>,
    /// Where the model comes from.
    pub provenance: Provenance,
}

/// Versions of the steps that turn text into tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextVersions {
    /// Of the normaliser.
    pub normalizer: u32,
    /// Of the sentence splitter.
    pub splitter: u32,
    /// Of the tokeniser.
    pub tokenizer: u32,
    /// Of the stemmer.
    pub stemmer: u32,
    /// Of the rules for page furniture.
    pub furniture: u32,
}

impl TextVersions {
    /// The versions in this program.
    pub const CURRENT: Self = Self {
        normalizer: NORMALIZER_VERSION,
        splitter: SPLITTER_VERSION,
        tokenizer: TOKENIZER_VERSION,
        stemmer: STEMMER_VERSION,
        furniture: FURNITURE_VERSION,
    };
}

/// Where a model comes from and how it was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// SHA-256 of the corpus.
    pub corpus_digest: String,
    /// Sentences of the corpus; a share that was held out once is among them.
    pub sentences: usize,
    /// Documents they come from.
    pub documents: usize,
    /// Sentences a label, parents included; "" for those annotated as none.
    pub label_counts: BTreeMap<String, usize>,
    /// The learner with its parameters.
    pub learner: LearnerSettings,
    /// Folds, calibration and seed.
    pub training: TrainingSettings,
    /// Figures on sentences held out fold by fold, with calibration and thresholds from the other
    /// folds.
    pub out_of_fold: Report,
}
