//! Models: plain data, with everything that prediction needs, and their files.

mod file;
mod header;
mod heads;
mod map;

pub use header::{FORMAT_VERSION, Header, Provenance, TextVersions};
pub use heads::ModelHeads;

pub(crate) use file::{keep, temporary_beside};

use crate::features::Vocabulary;

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

    /// The features that speak most for a label, strongest first, with their weights; empty for
    /// forests. Weights are those of the raw score, for a feature of value 1.
    pub fn strongest_features(&self, label: usize, count: usize) -> Vec<(usize, f32)> {
        let ModelHeads::Linear { weights, biases } = &self.heads else {
            return Vec::new();
        };
        // A feature counts in a sentence with its idf; so does it here.
        let effect =
            |feature: usize| weights[feature * biases.len() + label] * self.vocabulary.idf[feature];
        let mut order: Vec<usize> = (0..self.vocabulary.len()).collect();
        order.sort_by(|&a, &b| effect(b).total_cmp(&effect(a)).then(a.cmp(&b)));
        order.truncate(count);
        order
            .into_iter()
            .map(|feature| (feature, effect(feature)))
            .collect()
    }
}
