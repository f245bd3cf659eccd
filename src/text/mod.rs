//! From raw text to tokens: normalising, splitting into sentences, tokenising.
//!
//! Every step has a version and switches that are stored in the model, and every span maps back
//! to bytes of the original text.

mod align;
mod characters;
mod classes;
mod coded;
mod coded_tokens;
mod furniture;
mod noise;
mod normalize;
mod pipeline;
mod sentences;
mod stems;
mod tokens;

pub use align::Normalized;
pub use furniture::{FURNITURE_VERSION, Furniture, recognize_furniture};
pub use noise::ScriptNoise;
pub use normalize::{Folds, NORMALIZER_VERSION, Normalizer};
pub use pipeline::{TextPipeline, Tokens};
pub use sentences::{SPLITTER_VERSION, SentenceSplitter, SplitterSettings};
pub use stems::STEMMER_VERSION;
pub use tokens::{TOKENIZER_VERSION, Tokenizer, TokenizerSettings};

pub(crate) use characters::is_arabic_letter;
pub(crate) use coded::CodedReader;
pub(crate) use coded_tokens::{CodedToken, CodedTokens};
pub(crate) use sentences::SplitCursor;
pub(crate) use stems::{STEMMED_LETTERS, light_stem};

use serde::{Deserialize, Serialize};

/// Everything that decides how text is read; part of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TextSettings {
    /// Which spellings are folded into one.
    pub folds: Folds,
    /// Where sentences end.
    pub sentences: SplitterSettings,
    /// What counts as a token.
    pub tokens: TokenizerSettings,
}
