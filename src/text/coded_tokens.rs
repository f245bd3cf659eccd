//! Tokens of a sentence as one byte a character.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::Tokens;
use super::classes::Class;
use crate::hash::mix;

/// Keys from here on are of longer words.
const LONG: u128 = 0xFF << 120;

/// Characters outside the table whose class is remembered.
const REMEMBERED: usize = 1 << 12;

/// A token: a word or a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CodedToken {
    /// The codes of its characters behind a leading 1; for a longer word [`LONG`] and where its
    /// codes stand.
    pub(crate) key: u128,
    /// First and last byte (exclusive) in the sentence.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Whether it holds a letter or digit.
    pub(crate) is_word: bool,
}

impl CodedToken {
    /// The key by which the token is known in any sentence; `None` for a word too long for one.
    pub(crate) fn short_key(&self) -> Option<u128> {
        (self.key < LONG).then_some(self.key)
    }
}

/// The tokens of one sentence, with buffers that are reused.
#[derive(Debug, Default)]
pub(crate) struct CodedTokens {
    pub(super) tokens: Vec<CodedToken>,
    /// The codes of long words one after the other.
    pub(super) long_codes: Vec<u8>,
    /// Mixed from what the keys do not show: digits, and characters without a code.
    unseen: u64,
    /// Characters outside the table.
    pub(super) kinds: FxHashMap<char, Class>,
    pub(super) pipeline_tokens: Tokens,
}

impl CodedTokens {
    pub(crate) fn tokens(&self) -> &[CodedToken] {
        &self.tokens
    }

    /// Writes the codes of a token into `codes`.
    pub(crate) fn codes_into(&self, token: &CodedToken, codes: &mut Vec<u8>) {
        codes.clear();
        if token.key >= LONG {
            let (start, end) = ((token.key >> 32) as u32, token.key as u32);
            codes.extend(&self.long_codes[start as usize..end as usize]);
            return;
        }
        let bytes = token.key.to_be_bytes();
        // Codes may be 0, the leading 1 never is.
        let leading = bytes.iter().position(|&byte| byte != 0);
        codes.extend(&bytes[leading.map_or(bytes.len(), |place| place + 1)..]);
    }

    /// A fingerprint of the sentence after folding: of its words and signs, digits told apart.
    pub(crate) fn fingerprint(&self) -> u64 {
        let keys = self.tokens.iter().fold(0, |hash, token| {
            mix(mix(hash, token.key as u64), (token.key >> 64) as u64)
        });
        let long = self
            .long_codes
            .iter()
            .fold(keys, |hash, &code| mix(hash, code.into()));
        mix(long, self.unseen)
    }

    /// What was read so far.
    pub(super) fn mark(&self) -> (usize, usize, u64) {
        (self.tokens.len(), self.long_codes.len(), self.unseen)
    }

    /// Forgets what was read since.
    pub(super) fn back_to(&mut self, (tokens, long_codes, unseen): (usize, usize, u64)) {
        self.tokens.truncate(tokens);
        self.long_codes.truncate(long_codes);
        self.unseen = unseen;
    }

    pub(super) fn clear(&mut self) {
        self.tokens.clear();
        self.long_codes.clear();
        self.unseen = 0;
        if self.kinds.len() > REMEMBERED {
            self.kinds.clear();
        }
    }

    pub(super) fn push_sign(&mut self, class: Class, start: usize, end: usize) {
        if class.code == 0 {
            self.note(class.folded);
        }
        self.tokens.push(CodedToken {
            key: 1 << 8 | u128::from(class.code),
            start: start as u32,
            end: end as u32,
            is_word: false,
        });
    }

    #[inline]
    pub(super) fn push_word(&mut self, key: u128, span: Range<usize>, is_word: bool) {
        self.tokens.push(CodedToken {
            key,
            start: span.start as u32,
            end: span.end as u32,
            is_word,
        });
    }

    /// Adds a word whose codes were put behind the first `first` codes of long words.
    pub(super) fn push_long_word(&mut self, first: usize, span: Range<usize>, is_word: bool) {
        let end = self.long_codes.len();
        self.push_word(LONG | (first as u128) << 32 | end as u128, span, is_word);
    }

    pub(super) fn note(&mut self, folded: char) {
        self.unseen = mix(self.unseen, u64::from(u32::from(folded)));
    }
}
