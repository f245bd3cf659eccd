//! The steps of the text pipeline behind one door, with reusable buffers.

use std::ops::Range;

use super::{Normalized, Normalizer, SentenceSplitter, TextSettings, Tokenizer};

/// Normalises, splits and tokenises as a model's settings say. Cheap to copy, shared by threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextPipeline {
    normalizer: Normalizer,
    splitter: SentenceSplitter,
    tokenizer: Tokenizer,
}

impl TextPipeline {
    /// A pipeline with the given settings.
    pub fn new(settings: &TextSettings) -> Self {
        Self {
            normalizer: Normalizer::new(settings.folds),
            splitter: SentenceSplitter::new(settings.sentences),
            tokenizer: Tokenizer::new(settings.tokens),
        }
    }

    /// What folds spellings into one.
    #[cfg(feature = "sql")]
    pub(crate) fn normalizer(&self) -> &Normalizer {
        &self.normalizer
    }

    /// The sentence splitter.
    pub fn splitter(&self) -> &SentenceSplitter {
        &self.splitter
    }

    /// Normalises and tokenises one sentence into `tokens`, whose buffers are reused.
    pub fn tokenize_into(&self, sentence: &str, tokens: &mut Tokens) {
        self.normalizer
            .normalize_into(sentence, &mut tokens.normalized);
        tokens.ranges.clear();
        self.tokenizer
            .tokenize_into(tokens.normalized.text(), &mut tokens.ranges);
        tokens.forms.clear();
        tokens.form_ends.clear();
        for range in &tokens.ranges {
            self.tokenizer
                .form_into(&tokens.normalized.text()[range.clone()], &mut tokens.form);
            tokens.forms.push_str(&tokens.form);
            tokens.form_ends.push(tokens.forms.len());
        }
    }
}

/// The tokens of one sentence: the form each is counted under, and its place in the original.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    normalized: Normalized,
    ranges: Vec<Range<usize>>,
    /// The forms one after the other.
    forms: String,
    form_ends: Vec<usize>,
    form: String,
}

impl Tokens {
    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether the sentence has no token.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The form of token `index`.
    pub fn form(&self, index: usize) -> &str {
        let start = if index == 0 {
            0
        } else {
            self.form_ends[index - 1]
        };
        &self.forms[start..self.form_ends[index]]
    }

    /// Token `index` after normalisation.
    pub(super) fn text(&self, index: usize) -> &str {
        &self.normalized.text()[self.ranges[index].clone()]
    }

    /// The bytes of the original sentence that each letter of token `index` stands for. Several
    /// letters may stand for the same bytes, as those of a ligature do.
    pub(crate) fn letter_spans(&self, index: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        let token = self.ranges.get(index).cloned().unwrap_or_default();
        let start = token.start;
        let text = self.normalized.text().get(token).unwrap_or_default();
        text.char_indices().map(move |(at, letter)| {
            let from = start + at;
            self.normalized
                .original_span(from..from + letter.len_utf8())
        })
    }

    /// The bytes of the original sentence that the tokens in `range` span.
    pub fn original_span(&self, range: Range<usize>) -> Range<usize> {
        if range.is_empty() {
            return 0..0;
        }
        let normalized = self.ranges[range.start].start..self.ranges[range.end - 1].end;
        self.normalized.original_span(normalized)
    }

    /// The sentence after normalisation.
    pub fn normalized(&self) -> &str {
        self.normalized.text()
    }
}
