//! From tokens to sparse rows: character n-grams within words, words, stems, bigrams, subwords.
//!
//! Training numbers every candidate of a corpus once ([`Candidates`]) and fits a
//! [`FeatureSpace`] to each fold; a model keeps the [`Vocabulary`] of the final space.

mod candidates;
mod columns;
mod index;
mod ngrams;
mod row;
mod select;
mod settings;
mod space;
mod subwords;
mod tokenized;
mod vocabulary;
mod window;

pub use candidates::Candidates;
pub use row::{SparseRow, records};
pub use settings::FeatureSettings;
pub use space::FeatureSpace;
pub use tokenized::TokenizedCorpus;
pub use vocabulary::{FeatureName, Vocabulary};

pub(crate) use index::{FeatureIndex, WordFeatures};
pub(crate) use ngrams::Alphabet;
pub(crate) use select::select_by_chi_squared;
pub(crate) use subwords::Subwords;
pub(crate) use vocabulary::split_bigram;
pub(crate) use window::{ROLES, roles, window_around};
