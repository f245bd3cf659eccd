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

    /// The features that speak most for a label, strongest first, with their weights; empty for
    /// forests. The effect of a feature is its weight, in the scores of sentence and window as they
    /// count, times its idf.
    pub fn strongest_features(&self, label: usize, count: usize) -> Vec<(usize, f32)> {
        let ModelHeads::Linear { weights, .. } = &self.heads else {
            return Vec::new();
        };
        let labels = self.header.labels.len();
        let mixes = self.header.mixes.as_ref();
        let [sentence, window, _] = mixes.map_or([1.0, 0.0, 0.0], |mixes| mixes[label]);
        let effect = |feature: usize| {
            let of_window = match mixes {
                Some(_) => weights.get(feature, labels + label),
                None => 0.0,
            };
            let mixed = sentence as f32 * weights.get(feature, label) + window as f32 * of_window;
            mixed * self.vocabulary.idf[feature]
        };
        let mut order: Vec<usize> = (0..self.vocabulary.len()).collect();
        order.sort_by(|&a, &b| effect(b).total_cmp(&effect(a)).then(a.cmp(&b)));
        order.truncate(count);
        order
            .into_iter()
            .map(|feature| (feature, effect(feature)))
            .collect()
    }
}
