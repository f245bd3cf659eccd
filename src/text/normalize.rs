//! Folding the spellings of different outlets into one, with alignment back to the original.

use serde::{Deserialize, Serialize};
use unicode_normalization::char::{canonical_combining_class, compose};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::align::Normalized;
use super::characters::{
    NON_JOINER, TATWEEL, is_arabic_letter, is_diacritic, is_invisible, is_line_break,
};

/// Version of the folds; a model made with a newer version is refused at load.
pub const NORMALIZER_VERSION: u32 = 1;

/// A longer run of signs between two letters is decoration, not a word in disguise.
const LONGEST_DODGE: usize = 4;

/// Which spellings are folded into one. All are on by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Folds {
    /// Compatibility composition (NFKC): presentation forms, lam-alef, full-width signs.
    pub compatibility: bool,
    /// Direction marks, joiners, byte order mark and soft hyphen are removed; a zero-width
    /// non-joiner is removed inside an Arabic word and is a space elsewhere.
    pub invisible: bool,
    /// No-break and typographic spaces become a space.
    pub spaces: bool,
    /// Diacritics and Quranic marks are removed.
    pub diacritics: bool,
    /// The elongation sign is removed.
    pub tatweel: bool,
    /// أ إ آ ٱ become ا.
    pub alef: bool,
    /// ى becomes ي.
    pub alef_maqsura: bool,
    /// ة becomes ه.
    pub ta_marbuta: bool,
    /// Persian ک ی become ك ي.
    pub persian: bool,
    /// Arabic-Indic digits become ASCII digits.
    pub digits: bool,
    /// Quotation marks become `"` and `'`.
    pub quotes: bool,
    /// Signs put inside a word to dodge filters (قصـ.ـف) are removed.
    pub dodges: bool,
}

impl Default for Folds {
    fn default() -> Self {
        Self {
            compatibility: true,
            invisible: true,
            spaces: true,
            diacritics: true,
            tatweel: true,
            alef: true,
            alef_maqsura: true,
            ta_marbuta: true,
            persian: true,
            digits: true,
            quotes: true,
            dodges: true,
        }
    }
}

/// Folds text as a model's settings say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Normalizer {
    folds: Folds,
}

impl Normalizer {
    /// A normaliser with the given folds switched on.
    pub fn new(folds: Folds) -> Self {
        Self { folds }
    }

    /// Folds a text. Every span of the result maps back to bytes of `original`.
    pub fn normalize(&self, original: &str) -> Normalized {
        let mut normalized = Normalized::default();
        self.normalize_into(original, &mut normalized);
        normalized
    }

    /// As [`Normalizer::normalize`], reusing the buffers of `output`.
    pub fn normalize_into(&self, original: &str, output: &mut Normalized) {
        output.clear();
        let mut writer = Writer::new(self.folds, output);
        for (start, character) in original.char_indices() {
            writer.read(character, start, start + character.len_utf8());
        }
        writer.finish();
        if self.folds.compatibility && is_nfc_quick(output.text().chars()) != IsNormalized::Yes {
            *output = recomposed(output);
        }
    }
}

/// A character read from the original with the bytes that it stood in.
type Placed = (char, usize, usize);

struct Writer<'a> {
    folds: Folds,
    output: &'a mut Normalized,
    /// The last character that is not a combining mark.
    starter: Option<char>,
    /// Signs after an Arabic letter that may prove to stand inside a word.
    signs: Vec<Placed>,
    /// A tatweel was read since the last letter.
    elongated: bool,
    /// A non-joiner after an Arabic letter, until the next character decides what it is.
    non_joiner: Option<(usize, usize)>,
}

impl<'a> Writer<'a> {
    fn new(folds: Folds, output: &'a mut Normalized) -> Self {
        Self {
            folds,
            output,
            starter: None,
            signs: Vec::new(),
            elongated: false,
            non_joiner: None,
        }
    }

    fn read(&mut self, character: char, start: usize, end: usize) {
        let plain = character.is_ascii() || matches!(character, '\u{0627}'..='\u{064A}');
        let folded = self.fold_quote(character);
        if plain || folded != character || !self.folds.compatibility {
            self.fold((folded, start, end));
        } else {
            for part in std::iter::once(character).nfkd() {
                self.fold((self.fold_quote(part), start, end));
            }
        }
    }

    fn fold_quote(&self, character: char) -> char {
        if !self.folds.quotes {
            return character;
        }
        match character {
            '«' | '»' | '“' | '”' | '„' | '‟' | '‹' | '›' | '″' | '〝' | '〞' => {
                '"'
            }
            '‘' | '’' | '‚' | '‛' | '′' | '`' | '´' => '\'',
            other => other,
        }
    }

    fn fold(&mut self, placed: Placed) {
        let (character, start, end) = placed;
        let folds = self.folds;
        if is_diacritic(character) {
            return self.fold_mark(placed);
        }
        if character == TATWEEL {
            self.elongated |= self.follows_letter();
            if folds.tatweel {
                return self.skip(start, end);
            }
        }
        if folds.invisible && character == NON_JOINER {
            if self.non_joiner.is_none() && self.signs.is_empty() && self.follows_letter() {
                self.non_joiner = Some((start, end));
            } else {
                self.write((' ', start, end));
            }
            return;
        }
        if folds.invisible && is_invisible(character) {
            return;
        }
        self.write((self.fold_letter(character), start, end));
    }

    fn fold_letter(&self, character: char) -> char {
        let folds = self.folds;
        match character {
            'أ' | 'إ' | 'آ' | 'ٱ' if folds.alef => 'ا',
            'ى' if folds.alef_maqsura => 'ي',
            'ة' if folds.ta_marbuta => 'ه',
            'ک' if folds.persian => 'ك',
            'ی' if folds.persian => 'ي',
            '٠'..='٩' if folds.digits => digit(character, '٠'),
            '۰'..='۹' if folds.digits => digit(character, '۰'),
            other
                if folds.spaces
                    && other.is_whitespace()
                    && !other.is_ascii()
                    && !is_line_break(other) =>
            {
                ' '
            }
            other => other,
        }
    }

    /// Marks vanish, but a hamza written as a mark belongs to its carrier.
    fn fold_mark(&mut self, placed: Placed) {
        let (mark, start, end) = placed;
        let hamza = matches!(mark, '\u{0653}'..='\u{0655}');
        if hamza && self.folds.alef && self.starter == Some('ا') {
            return self.skip(start, end);
        }
        if !self.folds.diacritics {
            return self.write(placed);
        }
        let carrier = self.output.last();
        let composed = carrier.filter(|_| hamza && self.signs.is_empty());
        match composed.and_then(|carrier| compose(carrier, mark)) {
            Some(letter) => {
                self.output.replace_last(letter, end);
                self.starter = Some(letter);
            }
            None => self.skip(start, end),
        }
    }

    /// A character that vanishes belongs to the span of the letter before it.
    fn skip(&mut self, start: usize, end: usize) {
        if self.signs.is_empty() && self.non_joiner.is_none() {
            self.output.extend_last(start, end);
        }
    }

    fn follows_letter(&self) -> bool {
        self.output
            .last()
            .is_some_and(|last| is_arabic_letter(last) || last == TATWEEL)
    }

    fn write(&mut self, placed: Placed) {
        let character = placed.0;
        let letter = is_arabic_letter(character) || character == TATWEEL;
        if let Some((start, end)) = self.non_joiner.take()
            && !letter
        {
            self.push((' ', start, end));
        }
        if self.folds.dodges && is_dodge(character) && self.signs.len() < LONGEST_DODGE {
            if !self.signs.is_empty() || (character != TATWEEL && self.follows_letter()) {
                return self.signs.push(placed);
            }
        } else if letter && self.dodged() {
            self.signs.clear();
        }
        self.flush();
        if character != TATWEEL {
            self.elongated = false;
        }
        self.push(placed);
    }

    /// Whether the signs since the last letter only break a word up.
    fn dodged(&self) -> bool {
        !self.signs.is_empty()
            && (self.elongated
                || self
                    .signs
                    .iter()
                    .all(|&(sign, _, _)| breaks_words_only(sign)))
    }

    fn flush(&mut self) {
        for index in 0..self.signs.len() {
            let sign = self.signs[index];
            self.push(sign);
        }
        self.signs.clear();
    }

    fn push(&mut self, (character, start, end): Placed) {
        if canonical_combining_class(character) == 0 {
            self.starter = Some(character);
        }
        self.output.push(character, start, end);
    }

    fn finish(&mut self) {
        if let Some((start, end)) = self.non_joiner.take() {
            self.push((' ', start, end));
        }
        self.flush();
    }
}

/// Signs that stand between two letters for no other reason than to break a word up.
pub(super) fn breaks_words_only(character: char) -> bool {
    matches!(character, '*' | '•' | '·' | '~')
}

/// Signs that are put between letters to break a word up.
pub(super) fn is_dodge(character: char) -> bool {
    matches!(
        character,
        '.' | '*' | '-' | '_' | '/' | '\\' | '+' | '~' | '•' | '·' | '|' | '^' | '=' | TATWEEL
    )
}

fn digit(character: char, zero: char) -> char {
    char::from(b'0' + (character as u32 - zero as u32) as u8)
}

/// Canonical composition, segment by segment so that alignment is kept.
fn recomposed(source: &Normalized) -> Normalized {
    let mut output = Normalized::default();
    let text = source.text();
    let mut segment_start = 0;
    for (position, character) in text.char_indices().skip(1) {
        if starts_segment(character) {
            recompose_segment(source, segment_start..position, &mut output);
            segment_start = position;
        }
    }
    recompose_segment(source, segment_start..text.len(), &mut output);
    output
}

/// Whether nothing before a character can compose with it or be ordered past it.
fn starts_segment(character: char) -> bool {
    canonical_combining_class(character) == 0
        && is_nfc_quick(std::iter::once(character)) == IsNormalized::Yes
}

fn recompose_segment(
    source: &Normalized,
    segment: std::ops::Range<usize>,
    output: &mut Normalized,
) {
    let text = &source.text()[segment.clone()];
    if text.nfc().eq(text.chars()) {
        for (position, character) in text.char_indices() {
            let start = segment.start + position;
            let span = source.original_span(start..start + character.len_utf8());
            output.push(character, span.start, span.end);
        }
    } else {
        let span = source.original_span(segment);
        for character in text.nfc() {
            output.push(character, span.start, span.end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn folded(text: &str) -> String {
        Normalizer::default().normalize(text).text().to_owned()
    }

    #[test]
    fn spellings_of_outlets_become_one() {
        assert_eq!(folded("أُعدِموا فى السّوريّة"), "اعدموا في السوريه");
        assert_eq!(folded("کوچه‌ی ١٢ و۳"), "كوچهي 12 و3");
        assert_eq!(folded("ﻻ ﻷن ﷲ"), "لا لان الله");
        assert_eq!(folded("«قصف»\u{00A0}\u{202B}“جوي”"), "\"قصف\" \"جوي\"");
        assert_eq!(folded("قصــــف"), "قصف");
    }

    #[test]
    fn hamza_on_waw_and_ya_stays() {
        assert_eq!(folded("مسؤول طائرة شيء"), "مسؤول طائره شيء");
        assert_eq!(folded("مسو\u{0654}ول طاي\u{0654}رة"), "مسؤول طائره");
    }

    #[test]
    fn signs_inside_words_are_undone() {
        assert_eq!(folded("قصـ.ـف داعـ*ـش اغت*يال"), "قصف داعش اغتيال");
        assert_eq!(
            folded("أ.ف.ب #ريف_حلب سوري-أمريكي"),
            "ا.ف.ب #ريف_حلب سوري-امريكي"
        );
    }

    #[test]
    fn non_joiner_is_a_space_outside_words() {
        assert_eq!(folded("می‌رود"), "ميرود");
        assert_eq!(folded("a\u{200C}b"), "a b");
    }

    #[test]
    fn spans_cover_vanished_marks() {
        let text = "قَصْفٌ جوّي";
        let normalized = Normalizer::default().normalize(text);
        let end = normalized.text().find(' ').unwrap();
        assert_eq!(&text[normalized.original_span(0..end)], "قَصْفٌ");
    }

    #[test]
    fn folds_can_be_switched_off() {
        let folds = Folds {
            ta_marbuta: false,
            digits: false,
            ..Folds::default()
        };
        let normalized = Normalizer::new(folds).normalize("غارة ٣");
        assert_eq!(normalized.text(), "غارة ٣");
    }

    fn arabic_mess() -> impl Strategy<Value = String> {
        let alphabet: Vec<char> = "اأإآٱوؤيىئبةهکی ـًَّْ\u{0653}\u{0654}\u{0655}.*-_a\u{0301}e\u{0323}\u{200C}\u{200F}\u{FEFF}\u{FE71}\u{FEFB}ﷺ٣۴«´\u{1FFD}\u{1100}\u{1161}\u{06D5}\u{06C1}\n"
            .chars()
            .collect();
        proptest::collection::vec(proptest::sample::select(alphabet), 0..24)
            .prop_map(|characters| characters.into_iter().collect())
    }

    fn any_folds() -> impl Strategy<Value = Folds> {
        proptest::array::uniform12(any::<bool>()).prop_map(|on| Folds {
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
        })
    }

    fn check(folds: Folds, text: &str) -> Result<(), TestCaseError> {
        let normalizer = Normalizer::new(folds);
        let once = normalizer.normalize(text);
        let twice = normalizer.normalize(once.text());
        prop_assert_eq!(once.text(), twice.text());
        let bounds: Vec<usize> = once
            .text()
            .char_indices()
            .map(|(at, _)| at)
            .chain([once.text().len()])
            .collect();
        for pair in bounds.windows(2) {
            let span = once.original_span(pair[0]..pair[1]);
            prop_assert!(text.get(span).is_some_and(|slice| !slice.is_empty()));
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn normalising_twice_changes_nothing_more(folds in any_folds(), text in arabic_mess()) {
            check(folds, &text)?;
        }

        #[test]
        fn any_text_normalises(text in any::<String>()) {
            check(Folds::default(), &text)?;
        }
    }
}
