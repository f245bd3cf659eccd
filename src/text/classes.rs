//! What single characters become, for the fast way from a sentence to its tokens.

use rustc_hash::FxHashMap;
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, is_nfc_quick};

use super::characters::{NON_JOINER, TATWEEL, is_arabic_letter, is_diacritic, is_invisible};
use super::normalize::{breaks_words_only, is_dodge};
use super::tokens::{is_word_character, mask_digit};
use super::{Normalized, Normalizer, TextSettings};

/// Code points below this one have a place in the table.
pub(super) const TABLE: usize = 0x800;

/// What a character is to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A letter or digit that its code tells all about.
    Known,
    /// A digit that shares its code with others, or a letter that has none.
    Noted,
    /// A mark that is a character of words.
    WordMark,
    /// A token of its own.
    Sign,
    /// A sign that vanishes between letters where a tatweel stands as well.
    Dodge,
    /// A sign that vanishes between letters.
    Breaker,
    /// An ellipsis: three dots.
    Ellipsis,
    /// White space or a control character.
    Separator,
    /// A character that vanishes without a trace.
    Removed,
    /// A mark that vanishes into the letter before it.
    Mark,
    /// The elongation sign, which vanishes as well.
    Tatweel,
    /// A character whose fold depends on what stands around it, or gives several characters.
    Special,
}

/// What a character is, the code it is written with, and what it folds to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Class {
    pub(super) kind: Kind,
    pub(super) code: u8,
    /// Whether it is a letter of the Arabic script.
    pub(super) is_arabic: bool,
    pub(super) folded: char,
}

/// Tells characters apart as a model's settings say.
#[derive(Debug)]
pub(super) struct CharacterClasses {
    normalizer: Normalizer,
    settings: TextSettings,
    codes: FxHashMap<char, u8>,
}

impl CharacterClasses {
    /// Classes whose characters are written with the given codes; 0 stands for all that have none.
    pub(super) fn new(settings: &TextSettings, codes: FxHashMap<char, u8>) -> Self {
        Self {
            normalizer: Normalizer::new(settings.folds),
            settings: *settings,
            codes,
        }
    }

    /// Tells what a character is by folding it alone.
    pub(super) fn class_of(&self, character: char, normalized: &mut Normalized) -> Class {
        let (kind, folded) = self.kind_of(character, normalized);
        let kind = match kind {
            Kind::Dodge | Kind::Breaker if !self.settings.folds.dodges => Kind::Sign,
            other => other,
        };
        self.class_of_folded(kind, folded)
    }

    /// The class of a character after folding.
    pub(super) fn class_of_folded(&self, kind: Kind, folded: char) -> Class {
        let masked = match self.settings.tokens.mask_digits {
            true => mask_digit(folded),
            false => folded,
        };
        let code = self.codes.get(&masked).copied().unwrap_or(0);
        let kind = match kind {
            Kind::Known if code == 0 || masked != folded || folded == '0' => Kind::Noted,
            other => other,
        };
        Class {
            kind,
            code,
            is_arabic: is_arabic_letter(folded),
            folded,
        }
    }

    fn kind_of(&self, character: char, normalized: &mut Normalized) -> (Kind, char) {
        let folds = self.settings.folds;
        let hamza = matches!(character, '\u{0653}'..='\u{0655}');
        if hamza || character == NON_JOINER {
            return (Kind::Special, character);
        }
        if is_diacritic(character) && folds.diacritics {
            return (Kind::Mark, character);
        }
        if character == TATWEEL {
            let kind = match folds.tatweel {
                true => Kind::Tatweel,
                false => Kind::Special,
            };
            return (kind, character);
        }
        if is_invisible(character) && folds.invisible {
            return (Kind::Removed, character);
        }
        let mut buffer = [0; 4];
        self.normalizer
            .normalize_into(character.encode_utf8(&mut buffer), normalized);
        let mut folded = normalized.text().chars();
        let (Some(first), None) = (folded.next(), folded.next()) else {
            let kind = match normalized.text() {
                "..." => Kind::Ellipsis,
                _ => Kind::Special,
            };
            return (kind, '.');
        };
        let combines = |c: char| {
            canonical_combining_class(c) != 0
                || is_nfc_quick(std::iter::once(c)) != IsNormalized::Yes
        };
        if combines(first) || canonical_combining_class(character) != 0 {
            return (Kind::Special, first);
        }
        (kind_of_folded(first), first)
    }
}

/// The kind of a character after folding, wherever it stands.
pub(super) fn kind_of_folded(folded: char) -> Kind {
    if folded.is_alphanumeric() {
        Kind::Known
    } else if is_word_character(folded) {
        Kind::WordMark
    } else if is_arabic_letter(folded) {
        Kind::Special
    } else if folded.is_whitespace() || folded.is_control() {
        Kind::Separator
    } else if breaks_words_only(folded) {
        Kind::Breaker
    } else if is_dodge(folded) {
        Kind::Dodge
    } else {
        Kind::Sign
    }
}
