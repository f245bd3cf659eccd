//! Words and signs of normalised text.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use unicode_normalization::char::is_combining_mark;

/// Version of the token rules; stored in the model.
pub const TOKENIZER_VERSION: u32 = 1;

/// What counts as a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenizerSettings {
    /// Punctuation signs are tokens of their own; otherwise they only separate words.
    pub signs: bool,
    /// Every digit is read as 0, so that numbers of one length are one token.
    pub mask_digits: bool,
}

impl Default for TokenizerSettings {
    fn default() -> Self {
        Self {
            signs: true,
            mask_digits: true,
        }
    }
}

/// Cuts normalised text into tokens: maximal runs of letters, marks and digits, and signs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokenizer {
    settings: TokenizerSettings,
}

impl Tokenizer {
    /// A tokeniser with the given rules.
    pub fn new(settings: TokenizerSettings) -> Self {
        Self { settings }
    }

    /// Appends the byte ranges of the tokens of `normalized`, in order, to `tokens`.
    pub fn tokenize_into(&self, normalized: &str, tokens: &mut Vec<Range<usize>>) {
        let mut start = None;
        for (at, character) in normalized.char_indices() {
            if is_word_character(character) {
                start.get_or_insert(at);
                continue;
            }
            if let Some(start) = start.take() {
                tokens.push(start..at);
            }
            if self.settings.signs && !character.is_whitespace() && !character.is_control() {
                tokens.push(at..at + character.len_utf8());
            }
        }
        if let Some(start) = start {
            tokens.push(start..normalized.len());
        }
    }

    /// Writes the form under which a token is counted into `form`.
    pub fn form_into(&self, token: &str, form: &mut String) {
        form.clear();
        if self.settings.mask_digits {
            form.extend(token.chars().map(mask_digit));
        } else {
            form.push_str(token);
        }
    }
}

pub(super) fn mask_digit(character: char) -> char {
    if character.is_numeric() {
        '0'
    } else {
        character
    }
}

pub(super) fn is_word_character(character: char) -> bool {
    character.is_alphanumeric() || is_combining_mark(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(settings: TokenizerSettings, text: &str) -> Vec<String> {
        let tokenizer = Tokenizer::new(settings);
        let mut ranges = Vec::new();
        tokenizer.tokenize_into(text, &mut ranges);
        ranges
            .into_iter()
            .map(|range| {
                let mut form = String::new();
                tokenizer.form_into(&text[range], &mut form);
                form
            })
            .collect()
    }

    #[test]
    fn words_hashtags_and_numbers() {
        assert_eq!(
            tokens(
                TokenizerSettings::default(),
                "قصف #ريف_حلب، 12 قُتلوا في F-16."
            ),
            [
                "قصف",
                "#",
                "ريف",
                "_",
                "حلب",
                "،",
                "00",
                "قُتلوا",
                "في",
                "F",
                "-",
                "00",
                "."
            ]
        );
    }

    #[test]
    fn signs_only_separate_when_switched_off() {
        let settings = TokenizerSettings {
            signs: false,
            mask_digits: false,
        };
        assert_eq!(tokens(settings, "قصف، 12!"), ["قصف", "12"]);
    }
}
