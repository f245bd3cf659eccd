//! The fast way from a sentence to its tokens: one byte a character, no string in between.
//!
//! Most characters fold to the same thing wherever they stand, so a table tells for each what it
//! becomes, and a sentence of such characters is read in one pass. Where a fold depends on what
//! stands around ([`Kind::Special`]: a non-joiner, hamza as a mark, signs that may dodge a filter)
//! the sentence goes through the [`TextPipeline`]; the tokens are the same either way.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::classes::{CharacterClasses, Class, Kind, TABLE, kind_of_folded};
use super::coded_tokens::CodedTokens;
use super::{Normalized, TextPipeline, TextSettings};

/// A longer sentence is read in pieces of about so many bytes.
const PIECE_BYTES: usize = 1 << 16;

/// Bytes of a word and the space behind it, or somewhat less.
const BYTES_OF_A_TOKEN: usize = 8;

/// Characters of the longest word that is one key.
const LONGEST_KEY: usize = 15;

/// A word as it is read; none where its length is 0.
#[derive(Clone, Copy)]
struct Word {
    key: u128,
    length: usize,
    start: usize,
    end: usize,
    is_word: bool,
    /// Whether a sign stands before it, or where it would, with nothing visible in between.
    follows_sign: bool,
}

const NO_WORD: Word = Word {
    key: 1,
    length: 0,
    start: 0,
    end: 0,
    is_word: false,
    follows_sign: false,
};

/// Reads sentences into coded tokens, as a text pipeline would read them.
#[derive(Debug)]
pub(crate) struct CodedReader {
    pipeline: TextPipeline,
    settings: TextSettings,
    /// By code point.
    table: Vec<Class>,
    /// By code point the code of a letter or digit that it tells all about, else 0.
    known: Box<[u8; TABLE]>,
    classes: CharacterClasses,
}

impl CodedReader {
    /// A reader that writes each character with its code; 0 stands for all that have none.
    pub(crate) fn new(settings: &TextSettings, codes: FxHashMap<char, u8>) -> Self {
        let mut reader = Self {
            pipeline: TextPipeline::new(settings),
            settings: *settings,
            table: Vec::new(),
            known: Box::new([0; TABLE]),
            classes: CharacterClasses::new(settings, codes),
        };
        let mut normalized = Normalized::default();
        reader.table = (0..TABLE as u32)
            .map(|point| {
                let character = char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER);
                reader.classes.class_of(character, &mut normalized)
            })
            .collect();
        for (code, class) in reader.known.iter_mut().zip(&reader.table) {
            *code = match class.kind {
                Kind::Known => class.code,
                _ => 0,
            };
        }
        reader
    }

    /// Reads a sentence; what `tokens` held before is gone.
    pub(crate) fn read(&self, sentence: &str, tokens: &mut CodedTokens) {
        self.read_in_pieces(sentence, PIECE_BYTES, tokens);
    }

    /// Reads a sentence piece by piece, so that the buffers of the pipeline stay small.
    fn read_in_pieces(&self, sentence: &str, piece_bytes: usize, tokens: &mut CodedTokens) {
        tokens.clear();
        tokens.tokens.reserve(sentence.len() / BYTES_OF_A_TOKEN);
        let mut start = 0;
        while start < sentence.len() {
            let end = self.end_of_piece(sentence, start, piece_bytes, tokens);
            let before = tokens.mark();
            if self.read_plain(&sentence[..end], start, tokens).is_none() {
                tokens.back_to(before);
                self.read_through_pipeline(sentence, start..end, tokens);
            }
            start = end;
        }
    }

    /// Where a piece ends: behind a space and before a letter, as no fold looks past these.
    fn end_of_piece(
        &self,
        sentence: &str,
        start: usize,
        piece_bytes: usize,
        tokens: &mut CodedTokens,
    ) -> usize {
        let mut at = start.saturating_add(piece_bytes);
        while at < sentence.len() {
            let space = match sentence.as_bytes()[at..]
                .iter()
                .position(|&byte| byte == b' ')
            {
                Some(place) if at + place + 1 < sentence.len() => at + place,
                _ => break,
            };
            if self.class_at(sentence, space + 1, tokens).0.kind == Kind::Known {
                return space + 1;
            }
            at = space + 1;
        }
        sentence.len()
    }

    /// Reads a sentence from a byte on in one pass; `None` where a character's fold depends on others.
    fn read_plain(&self, sentence: &str, from: usize, tokens: &mut CodedTokens) -> Option<()> {
        let mut word = NO_WORD;
        let mut at = from;
        while at < sentence.len() {
            let from = at;
            at = self.read_known(sentence.as_bytes(), at, &mut word);
            if at > from {
                word.end = at;
                word.is_word = true;
            }
            if sentence.as_bytes().get(at) == Some(&b' ') {
                self.finish(&word, sentence, tokens);
                word = NO_WORD;
                at += 1;
            } else if at < sentence.len() {
                let (class, end) = self.class_at(sentence, at, tokens);
                self.read_other(class, sentence, at..end, &mut word, tokens)?;
                at = end;
            }
        }
        self.finish(&word, sentence, tokens);
        Some(())
    }

    /// Reads letters and digits that their codes tell all about, as many as follow one another, into
    /// a word; gives where they end.
    #[inline]
    fn read_known(&self, bytes: &[u8], from: usize, word: &mut Word) -> usize {
        let (mut key, mut length, mut at) = (word.key, word.length, from);
        while let Some(&first) = bytes.get(at) {
            let (point, width) = if first < 0x80 {
                (usize::from(first), 1)
            } else if first < 0xE0 {
                let second = bytes.get(at + 1).copied().unwrap_or_default();
                (
                    usize::from(first & 0x1F) << 6 | usize::from(second & 0x3F),
                    2,
                )
            } else {
                break;
            };
            let code = self.known[point & (TABLE - 1)];
            if code == 0 {
                break;
            }
            key = key << 8 | u128::from(code);
            length += 1;
            at += width;
        }
        if word.length == 0 {
            word.start = from;
        }
        (word.key, word.length) = (key, length);
        at
    }

    /// Hands a word over as a token, if there is one.
    #[inline]
    fn finish(&self, word: &Word, sentence: &str, tokens: &mut CodedTokens) {
        if word.length > LONGEST_KEY {
            self.finish_long(word, sentence, tokens);
        } else if word.length > 0 {
            tokens.push_word(word.key, word.start..word.end, word.is_word);
        }
    }

    #[cold]
    fn finish_long(&self, word: &Word, sentence: &str, tokens: &mut CodedTokens) {
        let first = tokens.long_codes.len();
        let mut at = word.start;
        while at < word.end {
            let (class, end) = self.class_at(sentence, at, tokens);
            if matches!(class.kind, Kind::Known | Kind::Noted | Kind::WordMark) {
                tokens.long_codes.push(class.code);
            }
            at = end;
        }
        tokens.push_long_word(first, word.start..word.end, word.is_word);
    }

    /// Reads any other character than a letter or digit with a code of its own.
    #[inline]
    fn read_other(
        &self,
        class: Class,
        sentence: &str,
        Range { start, end }: Range<usize>,
        word: &mut Word,
        tokens: &mut CodedTokens,
    ) -> Option<()> {
        match class.kind {
            Kind::Separator => {
                self.finish(word, sentence, tokens);
                *word = NO_WORD;
            }
            Kind::Known | Kind::Noted | Kind::WordMark => {
                if class.kind == Kind::Noted || class.code == 0 {
                    tokens.note(class.folded);
                }
                word.take(class.code, start, end);
                word.is_word |= class.kind != Kind::WordMark;
            }
            Kind::Sign | Kind::Dodge | Kind::Breaker | Kind::Ellipsis => {
                self.finish(word, sentence, tokens);
                *word = NO_WORD;
                word.follows_sign = true;
                if class.kind == Kind::Breaker && self.may_dodge(class.kind, sentence, end, tokens)
                {
                    return None;
                }
                let count = if class.kind == Kind::Ellipsis { 3 } else { 1 };
                for _ in 0..count * usize::from(self.settings.tokens.signs) {
                    tokens.push_sign(class, start, end);
                }
            }
            Kind::Removed => {}
            Kind::Mark | Kind::Tatweel => {
                if word.length > 0 {
                    word.end = if word.end == start { end } else { word.end };
                } else if word.follows_sign {
                    return None;
                }
                if class.kind == Kind::Tatweel && self.may_dodge(class.kind, sentence, end, tokens)
                {
                    return None;
                }
            }
            Kind::Special => return None,
        }
        Some(())
    }

    /// The class of the character at a byte, and where it ends.
    #[inline]
    fn class_at(&self, sentence: &str, at: usize, tokens: &mut CodedTokens) -> (Class, usize) {
        let bytes = sentence.as_bytes();
        let first = bytes[at];
        if first < 0x80 {
            return (self.table[usize::from(first)], at + 1);
        }
        if first < 0xE0 {
            let second = bytes.get(at + 1).copied().unwrap_or_default();
            let point = usize::from(first & 0x1F) << 6 | usize::from(second & 0x3F);
            return (self.table[point], at + 2);
        }
        self.rare_class_at(sentence, at, tokens)
    }

    #[cold]
    fn rare_class_at(&self, sentence: &str, at: usize, tokens: &mut CodedTokens) -> (Class, usize) {
        let character = sentence[at..].chars().next().unwrap_or_default();
        let class = match tokens.kinds.get(&character) {
            Some(&class) => class,
            None => {
                let class = self.classes.class_of(character, &mut Normalized::default());
                tokens.kinds.insert(character, class);
                class
            }
        };
        (class, at + character.len_utf8())
    }

    /// Whether a tatweel or breaking sign may, with what follows it at a byte, be part of a dodge.
    fn may_dodge(&self, sign: Kind, sentence: &str, at: usize, tokens: &mut CodedTokens) -> bool {
        if at >= sentence.len() {
            return false;
        }
        let class = self.class_at(sentence, at, tokens).0;
        match class.kind {
            Kind::Separator | Kind::Sign => false,
            Kind::Tatweel => sign == Kind::Breaker,
            Kind::Known | Kind::Noted | Kind::WordMark => sign == Kind::Breaker && class.is_arabic,
            _ => true,
        }
    }

    /// The same tokens by way of normalised text.
    fn read_through_pipeline(&self, sentence: &str, piece: Range<usize>, coded: &mut CodedTokens) {
        let mut tokens = std::mem::take(&mut coded.pipeline_tokens);
        let offset = piece.start;
        self.pipeline.tokenize_into(&sentence[piece], &mut tokens);
        for token in 0..tokens.len() {
            let span = tokens.original_span(token..token + 1);
            let span = offset + span.start..offset + span.end;
            let mut word = NO_WORD;
            let first = coded.long_codes.len();
            for character in tokens.text(token).chars() {
                let class = self
                    .classes
                    .class_of_folded(kind_of_folded(character), character);
                if class.kind == Kind::Noted || class.code == 0 {
                    coded.note(character);
                }
                word.take(class.code, span.start, span.end);
                word.is_word |= matches!(class.kind, Kind::Known | Kind::Noted);
                coded.long_codes.push(class.code);
            }
            if word.length > LONGEST_KEY {
                coded.push_long_word(first, word.start..word.end, word.is_word);
            } else {
                coded.long_codes.truncate(first);
                coded.push_word(word.key, word.start..word.end, word.is_word);
            }
        }
        coded.pipeline_tokens = tokens;
    }
}

impl Word {
    /// Appends a code; the key of a long word is of no use.
    fn take(&mut self, code: u8, start: usize, end: usize) {
        if self.length == 0 {
            self.start = start;
        }
        self.end = end;
        self.length += 1;
        self.key = self.key << 8 | u128::from(code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Folds, TokenizerSettings};
    use proptest::prelude::*;

    const KNOWN: &str = "\"',.-_*0ابتثحخدرسشصطعغفقكلمنهوييءئؤabF";

    fn reader(settings: &TextSettings) -> CodedReader {
        let codes = KNOWN.chars().zip(2..).collect();
        CodedReader::new(settings, codes)
    }

    fn read(settings: &TextSettings, sentence: &str) -> CodedTokens {
        let mut tokens = CodedTokens::default();
        reader(settings).read(sentence, &mut tokens);
        tokens
    }

    fn through_pipeline(settings: &TextSettings, sentence: &str) -> CodedTokens {
        let mut tokens = CodedTokens::default();
        reader(settings).read_through_pipeline(sentence, 0..sentence.len(), &mut tokens);
        tokens
    }

    fn agree(settings: &TextSettings, sentence: &str) {
        let (fast, slow) = (
            read(settings, sentence),
            through_pipeline(settings, sentence),
        );
        assert_eq!(fast.tokens(), slow.tokens(), "{sentence:?}");
        assert_eq!(fast.fingerprint(), slow.fingerprint(), "{sentence:?}");
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for (token, other) in fast.tokens().iter().zip(slow.tokens()) {
            fast.codes_into(token, &mut left);
            slow.codes_into(other, &mut right);
            assert_eq!(left, right, "{sentence:?}");
        }
    }

    #[test]
    fn plain_news_is_read_in_one_pass() {
        let reader = reader(&TextSettings::default());
        let mut tokens = CodedTokens::default();
        for sentence in [
            "قُتل 5 مدنيين، وأُصيب ٣ آخرون في «غارات» على الريف.",
            "قصــف مدفعي (الثلاثاء) على سوق... و12.5 كم / ساعة",
            "قال هـ، وقالت مسؤولة… شيئًا\u{200F}!",
        ] {
            tokens.clear();
            assert!(
                reader.read_plain(sentence, 0, &mut tokens).is_some(),
                "{sentence}"
            );
            agree(&TextSettings::default(), sentence);
        }
    }

    #[test]
    fn folds_that_depend_on_neighbours_go_through_the_pipeline() {
        for sentence in [
            "قصـ.ـف داعـ*ـش اغت*يال",
            "مسو\u{0654}ول",
            "می\u{200C}رود",
            "قصف.ـف",
            "،\u{064B}قصف",
            "e\u{301}a",
            "ـ.ا",
            "ـً.ا",
            "ب-\u{FEFF}ـآ",
        ] {
            agree(&TextSettings::default(), sentence);
        }
    }

    #[test]
    fn long_words_keep_their_codes() {
        let word = "ابت".repeat(20);
        let sentence = format!("{word} ا{word}");
        agree(&TextSettings::default(), &sentence);
        let tokens = read(&TextSettings::default(), &sentence);
        let mut codes = Vec::new();
        tokens.codes_into(&tokens.tokens()[1], &mut codes);
        assert_eq!(codes.len(), 61);
        assert!(tokens.tokens()[1].short_key().is_none());
    }

    #[test]
    fn fingerprints_tell_digits_apart() {
        let of = |sentence| read(&TextSettings::default(), sentence).fingerprint();
        assert_ne!(of("قتل 5"), of("قتل 6"));
        assert_eq!(of("قتل 5"), of("قَتل ٥"));
        assert_ne!(of("قتل ☂"), of("قتل ☃"));
    }

    fn mess() -> impl Strategy<Value = String> {
        let alphabet: Vec<char> = "اأإآٱوؤيىئبةهکی ـًَّْ\u{0653}\u{0654}\u{0655}.*-_~•/a\u{0301}eé\u{0323}\u{200C}\u{200F}\u{FEFF}\u{FE71}\u{FEFB}ﷺ٣۴5²½«´…،؟\u{1FFD}\u{1100}\u{1161}\u{06D5}\u{06C1}\u{06DD}\u{FE0F}☃\n\u{AD}"
            .chars()
            .collect();
        prop::collection::vec(prop::sample::select(alphabet), 0..24)
            .prop_map(|characters| characters.into_iter().collect())
    }

    fn settings() -> impl Strategy<Value = TextSettings> {
        prop::collection::vec(any::<bool>(), 14).prop_map(|on| TextSettings {
            folds: Folds {
                compatibility: on[0],
                invisible: on[1],
                spaces: on[2],
                diacritics: on[3],
                tatweel: on[4],
                alef: on[5],
                alef_maqsura: on[6],
                ta_marbuta: on[7],
                persian: on[8],
                digits: on[9],
                quotes: on[10],
                dodges: on[11],
            },
            tokens: TokenizerSettings {
                signs: on[12],
                mask_digits: on[13],
            },
            ..TextSettings::default()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn both_ways_agree_on_any_text(sentence in "\\PC{0,40}") {
            agree(&TextSettings::default(), &sentence);
        }

        #[test]
        fn both_ways_agree_on_messy_arabic(sentence in mess()) {
            agree(&TextSettings::default(), &sentence);
        }

        #[test]
        fn pieces_read_as_the_whole(
            parts in prop::collection::vec(prop_oneof![Just(" ".to_owned()), mess()], 0..8),
            piece_bytes in 1usize..30,
        ) {
            let sentence = parts.concat();
            let settings = TextSettings::default();
            let whole = through_pipeline(&settings, &sentence);
            let mut pieces = CodedTokens::default();
            reader(&settings).read_in_pieces(&sentence, piece_bytes, &mut pieces);
            prop_assert_eq!(pieces.tokens(), whole.tokens(), "{:?}", sentence);
            prop_assert_eq!(pieces.fingerprint(), whole.fingerprint());
        }
    }

    proptest! {
        #[test]
        fn both_ways_agree_with_any_folds(settings in settings(), sentence in mess()) {
            agree(&settings, &sentence);
        }
    }
}
