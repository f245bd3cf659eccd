//! The words of a sentence in little memory.

use crate::text::{TextPipeline, Tokens};

/// The words of one sentence.
#[derive(Clone, Debug, Default)]
pub(crate) struct SentenceWords {
    /// The words one after the other.
    forms: String,
    ends: Vec<u32>,
}

impl SentenceWords {
    /// Cuts a sentence into words; `tokens` is a buffer.
    pub(crate) fn new(pipeline: &TextPipeline, sentence: &str, tokens: &mut Tokens) -> Self {
        pipeline.tokenize_into(sentence, tokens);
        let mut words = Self {
            forms: String::with_capacity(tokens.normalized().len()),
            ends: Vec::with_capacity(tokens.len()),
        };
        for index in 0..tokens.len() {
            words.forms.push_str(tokens.form(index));
            words.ends.push(words.forms.len() as u32);
        }
        words
    }

    /// The words in reading order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let word = &self.forms[start as usize..end as usize];
            start = end;
            word
        })
    }
    /// Number of words.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }
}
