//! The fast way from a sentence to its tokens: one byte a character, no string in between.
//!
//! Most characters fold to the same thing wherever they stand, so a table tells for each what it
//! becomes, and a sentence of such characters is read in one pass. Where a fold depends on what
//! stands around ([`Kind::Special`]: a non-joiner, hamza as a mark, signs that may dodge a filter)
//! the sentence goes through the [`TextPipeline`]; the tokens are the same either way.

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, is_nfc_quick};

use rustc_hash::FxHashMap;

use super::characters::{NON_JOINER, TATWEEL, is_arabic_letter, is_diacritic, is_invisible};
use super::normalize::{breaks_words_only, is_dodge};
use super::tokens::{is_word_character, mask_digit};
use super::{Normalized, TextPipeline, TextSettings, Tokens};
use crate::hash::mix;

/// Characters of the longest word that is one key.
const LONGEST_KEY: usize = 15;

/// Keys from here on are of longer words.
const LONG: u128 = 0xFF << 120;

/// Code points below this one have a place in the table.
const TABLE: usize = 0x800;

/// Other characters whose kind is remembered.
const REMEMBERED: usize = 1 << 12;

/// What a character is to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Its fold depends on what stands around it, or gives several characters.
    Special,
    /// A letter of the Arabic script.
    Letter,
    /// Another character of words.
    Other,
    /// A numeric character.
    Digit,
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
}

/// What a character is, the code it is written with, and what it folds to.
#[derive(Clone, Copy, Debug)]
struct Class {
    kind: Kind,
    code: u8,
    /// Whether it is a letter or digit, not only a mark.
    is_alphanumeric: bool,
    folded: char,
}

/// A token: a word or a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CodedToken {
    /// The codes of its characters behind a leading 1; for a longer word [`LONG`] and where its
    /// codes stand.
    key: u128,
    /// First and last byte (exclusive) in the sentence.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Whether it holds a letter or digit.
    pub(crate) is_word: bool,
}

impl CodedToken {
    /// What no other token has; `None` for a word too long for that.
    #[inline]
    pub(crate) fn key(&self) -> Option<u128> {
        (self.key < LONG).then_some(self.key)
    }
}

/// The tokens of one sentence, with buffers that are reused.
#[derive(Debug, Default)]
pub(crate) struct CodedTokens {
    tokens: Vec<CodedToken>,
    /// The codes of long words one after the other.
    long_codes: Vec<u8>,
    /// Mixed from what the keys do not show: digits, and characters without a code.
    unseen: u64,
    /// Characters outside the table.
    kinds: FxHashMap<char, Class>,
    pipeline_tokens: Tokens,
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

    fn clear(&mut self) {
        self.tokens.clear();
        self.long_codes.clear();
        self.unseen = 0;
        if self.kinds.len() > REMEMBERED {
            self.kinds.clear();
        }
    }

    fn push_sign(&mut self, class: Class, start: usize, end: usize) {
        self.note_unseen(class);
        self.tokens.push(CodedToken {
            key: 1 << 8 | u128::from(class.code),
            start: start as u32,
            end: end as u32,
            is_word: false,
        });
    }

    fn note_unseen(&mut self, class: Class) {
        if class.code == 0 || class.kind == Kind::Digit {
            self.unseen = mix(self.unseen, u64::from(u32::from(class.folded)));
        }
    }
}

/// A word as it is read.
struct Word {
    key: u128,
    length: usize,
    start: usize,
    end: usize,
    is_word: bool,
}

impl Word {
    fn new(start: usize) -> Self {
        Self {
            key: 1,
            length: 0,
            start,
            end: start,
            is_word: false,
        }
    }
}

/// Reads sentences into coded tokens, as a text pipeline would read them.
#[derive(Debug)]
pub(crate) struct CodedReader {
    pipeline: TextPipeline,
    settings: TextSettings,
    table: Vec<Class>,
    codes: FxHashMap<char, u8>,
}

impl CodedReader {
    /// A reader that writes each character with its code; 0 stands for all that have none.
    pub(crate) fn new(settings: &TextSettings, codes: FxHashMap<char, u8>) -> Self {
        let mut reader = Self {
            pipeline: TextPipeline::new(settings),
            settings: *settings,
            table: Vec::new(),
            codes,
        };
        let mut normalized = Normalized::default();
        reader.table = (0..TABLE as u32)
            .map(|point| {
                let character = char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER);
                reader.classify(character, &mut normalized)
            })
            .collect();
        reader
    }

    /// Reads a sentence; what `tokens` held before is gone.
    pub(crate) fn read(&self, sentence: &str, tokens: &mut CodedTokens) {
        tokens.clear();
        if self.read_plain(sentence, tokens).is_none() {
            tokens.clear();
            self.read_through_pipeline(sentence, tokens);
        }
    }

    /// Reads a sentence in one pass; `None` where a character's fold depends on others.
    fn read_plain(&self, sentence: &str, tokens: &mut CodedTokens) -> Option<()> {
        let signs = self.settings.tokens.signs;
        let mut word: Option<Word> = None;
        let mut at = 0;
        while at < sentence.len() {
            let (class, end) = self.class_at(sentence, at, tokens);
            match class.kind {
                Kind::Letter | Kind::Other | Kind::Digit => {
                    if class.code == 0 || class.kind == Kind::Digit {
                        tokens.note_unseen(class);
                    }
                    let word = word.get_or_insert_with(|| Word::new(at));
                    word.is_word |= class.is_alphanumeric;
                    word.end = end;
                    push_code(word, class.code, tokens);
                }
                Kind::Removed => {}
                Kind::Mark | Kind::Tatweel => {
                    let follows_sign = tokens.tokens.last().is_some_and(|t| t.end as usize == at);
                    match &mut word {
                        Some(word) if word.end == at => word.end = end,
                        None if follows_sign => return None,
                        _ => {}
                    }
                    if class.kind == Kind::Tatweel
                        && self.may_dodge(class.kind, sentence, end, tokens)
                    {
                        return None;
                    }
                }
                Kind::Separator => finish(&mut word, tokens),
                Kind::Sign | Kind::Dodge | Kind::Breaker | Kind::Ellipsis => {
                    finish(&mut word, tokens);
                    if class.kind == Kind::Breaker
                        && self.may_dodge(class.kind, sentence, end, tokens)
                    {
                        return None;
                    }
                    let count = if class.kind == Kind::Ellipsis { 3 } else { 1 };
                    for _ in 0..count * usize::from(signs) {
                        tokens.push_sign(class, at, end);
                    }
                }
                Kind::Special => return None,
            }
            at = end;
        }
        finish(&mut word, tokens);
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
                let class = self.classify(character, &mut Normalized::default());
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
        match self.class_at(sentence, at, tokens).0.kind {
            Kind::Separator | Kind::Sign | Kind::Other | Kind::Digit => false,
            Kind::Letter | Kind::Tatweel => sign == Kind::Breaker,
            _ => true,
        }
    }

    /// Tells what a character is by folding it alone.
    fn classify(&self, character: char, normalized: &mut Normalized) -> Class {
        let (kind, folded) = self.kind_of(character, normalized);
        let kind = match kind {
            Kind::Dodge | Kind::Breaker if !self.settings.folds.dodges => Kind::Sign,
            other => other,
        };
        self.class_of_folded(kind, folded)
    }

    fn class_of_folded(&self, kind: Kind, folded: char) -> Class {
        let masked = match self.settings.tokens.mask_digits {
            true => mask_digit(folded),
            false => folded,
        };
        Class {
            kind,
            code: self.codes.get(&masked).copied().unwrap_or(0),
            is_alphanumeric: folded.is_alphanumeric(),
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
        let normalizer = self.pipeline.normalizer();
        normalizer.normalize_into(character.encode_utf8(&mut buffer), normalized);
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

    /// The same tokens by way of normalised text.
    fn read_through_pipeline(&self, sentence: &str, coded: &mut CodedTokens) {
        let mut tokens = std::mem::take(&mut coded.pipeline_tokens);
        self.pipeline.tokenize_into(sentence, &mut tokens);
        for token in 0..tokens.len() {
            let span = tokens.original_span(token..token + 1);
            let mut word = Word::new(span.start);
            word.end = span.end;
            for character in tokens.text(token).chars() {
                let class = self.class_of_folded(kind_of_folded(character), character);
                coded.note_unseen(class);
                word.is_word |= class.is_alphanumeric;
                push_code(&mut word, class.code, coded);
            }
            finish(&mut Some(word), coded);
        }
        coded.pipeline_tokens = tokens;
    }
}

fn kind_of_folded(folded: char) -> Kind {
    if is_word_character(folded) {
        if folded.is_numeric() {
            Kind::Digit
        } else if is_arabic_letter(folded) {
            Kind::Letter
        } else {
            Kind::Other
        }
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

/// Appends a code to the key of a word, or to the codes of a word too long for a key.
#[inline]
fn push_code(word: &mut Word, code: u8, tokens: &mut CodedTokens) {
    word.length += 1;
    if word.length <= LONGEST_KEY {
        word.key = word.key << 8 | u128::from(code);
        return;
    }
    if word.length == LONGEST_KEY + 1 {
        tokens.long_codes.extend(&word.key.to_be_bytes()[1..]);
    }
    tokens.long_codes.push(code);
}

#[inline]
fn finish(word: &mut Option<Word>, tokens: &mut CodedTokens) {
    if let Some(word) = word.take() {
        let key = if word.length <= LONGEST_KEY {
            word.key
        } else {
            let end = tokens.long_codes.len();
            LONG | ((end - word.length) as u128) << 32 | end as u128
        };
        tokens.tokens.push(CodedToken {
            key,
            start: word.start as u32,
            end: word.end as u32,
            is_word: word.is_word,
        });
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
        reader(settings).read_through_pipeline(sentence, &mut tokens);
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
                reader.read_plain(sentence, &mut tokens).is_some(),
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
        assert!(tokens.tokens()[1].key().is_none());
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
    }

    proptest! {
        #[test]
        fn both_ways_agree_with_any_folds(settings in settings(), sentence in mess()) {
            agree(&settings, &sentence);
        }
    }
}
