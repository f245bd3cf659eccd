//! From tokens to sparse rows: character n-grams within words, words, stems, bigrams, subwords.
//!
//! Training numbers every candidate of a corpus once ([`Candidates`]) and fits a
//! [`FeatureSpace`] to each fold; a model keeps the [`Vocabulary`] of the final space.

mod candidates;
mod columns;
mod counting;
mod gathering;
mod index;
mod ngrams;
mod places;
mod remembered;
mod row;
mod select;
mod sentence_words;
mod settings;
mod space;
mod strings;
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

pub(crate) use candidates::bigram_key;
pub(crate) use gathering::VocabularyGatherer;
pub(crate) use index::{FeatureIndex, WordFeatures};
pub(crate) use ngrams::Alphabet;
pub(crate) use remembered::RowMaker;
pub(crate) use select::select_by_chi_squared;
pub(crate) use sentence_words::SentenceWords;
pub(crate) use strings::Strings;
pub(crate) use subwords::Subwords;
pub(crate) use vocabulary::split_bigram;
pub(crate) use window::{
    FAR_AFTER, FAR_BEFORE, JUST_BEFORE, NEAR, NEAR_AFTER, NEAR_BEFORE, ROLES, TRIGGER,
    opening_role, role_name, roles, window_around,
};
