//! Models: plain data, with everything that prediction needs, and their files.

mod file;
mod header;
mod heads;
mod map;
mod packed;
mod tensors;

pub use header::{FORMAT_VERSION, Header, Provenance, TextVersions};
pub use heads::ModelHeads;

use crate::features::Vocabulary;
use crate::scoring::WeightBits;

/// A trained model: data only, the text pipeline's settings included.
#[derive(Clone, Debug)]
pub struct Model {
    pub(crate) header: Header,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) heads: ModelHeads,
}

impl Model {
    /// Settings, labels, thresholds and provenance.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The features.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The scorers.
    pub fn heads(&self) -> &ModelHeads {
        &self.heads
    }

    /// Bits of a stored weight; 32 for forests, which have none.
    pub fn weight_bits(&self) -> WeightBits {
        match &self.heads {
            ModelHeads::Linear { weights, .. } => weights.bits(),
            ModelHeads::Forests(_) => WeightBits::ThirtyTwo,
        }
    }

    /// All features with their effects on a label, the largest first; empty for forests. The effect of
    /// a feature is its weight, in the scores of sentence and window as they count, times its idf;
    /// divided by the norm of a sentence it is what the feature adds to the raw score.
    pub fn effects(&self, label: usize) -> Vec<(usize, f32)> {
        effects(&self.header, &self.vocabulary, &self.heads, label)
    }

    /// In how many of the sentences that the model was fitted to a feature stands, by its idf; see
    /// [`Model::counts_are_estimates`].
    pub fn sentences_with(&self, feature: usize) -> usize {
        let provenance = &self.header.provenance;
        let held_out = match provenance.learner.stream {
            Some(_) => STREAM_HELD_OUT,
            None => provenance.training.hold_out.unwrap_or(0.0),
        };
        let fitted_to = (provenance.sentences as f64 * (1.0 - held_out)).round() as usize;
        let count = self.vocabulary.document_frequency(feature, fitted_to);
        count.round().max(0.0) as usize
    }

    /// Whether counts of sentences are estimates: where some were held out it is not stored how many,
    /// and a stream estimates the counts of n-grams.
    pub fn counts_are_estimates(&self) -> bool {
        let provenance = &self.header.provenance;
        provenance.learner.stream.is_some() || provenance.training.hold_out.is_some()
    }
}

/// The share of the documents that a stream holds out.
const STREAM_HELD_OUT: f64 = 0.1;

/// See [`Model::effects`].
pub(crate) fn effects(
    header: &Header,
    vocabulary: &Vocabulary,
    heads: &ModelHeads,
    label: usize,
) -> Vec<(usize, f32)> {
    let ModelHeads::Linear { weights, .. } = heads else {
        return Vec::new();
    };
    let labels = header.labels.len();
    let mixes = header.mixes.as_ref();
    let [sentence, window, _] = mixes.map_or([1.0, 0.0, 0.0], |mixes| mixes[label]);
    let effect = |feature: usize| {
        let of_window = match mixes {
            Some(_) => weights.get(feature, labels + label),
            None => 0.0,
        };
        let mixed = sentence as f32 * weights.get(feature, label) + window as f32 * of_window;
        mixed * vocabulary.idf[feature]
    };
    let mut effects: Vec<(usize, f32)> = (0..vocabulary.len()).map(|f| (f, effect(f))).collect();
    effects.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    effects
}
