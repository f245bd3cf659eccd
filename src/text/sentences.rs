//! Splitting text into sentences by the habits of Arabic news.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::characters::{is_arabic_letter, is_diacritic};

/// Version of the splitting rules; stored in the model.
pub const SPLITTER_VERSION: u32 = 1;

/// Where sentences may end. A line break always ends one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitterSettings {
    /// Whether `. ؟ ? ! … ۔` end a sentence; without them only line breaks do.
    pub marks: bool,
    /// A semicolon ؛ ends a sentence that has at least this many words already; 0 switches it off.
    pub semicolon_words: usize,
    /// An ellipsis (.. or …) ends a sentence that has at least this many words already.
    pub ellipsis_words: usize,
}

impl Default for SplitterSettings {
    fn default() -> Self {
        Self {
            marks: true,
            semicolon_words: 25,
            ellipsis_words: 3,
        }
    }
}

/// Splits text into sentences.
#[derive(Clone, Copy, Debug, Default)]
pub struct SentenceSplitter {
    settings: SplitterSettings,
}

impl SentenceSplitter {
    /// A splitter with the given rules.
    pub fn new(settings: SplitterSettings) -> Self {
        Self { settings }
    }

    /// The byte ranges of the sentences of a text, in order, trimmed of white space.
    ///
    /// What lies between them is white space only, so sentences and gaps together are the text.
    pub fn split(&self, text: &str) -> Vec<Range<usize>> {
        let mut cursor = SplitCursor::default();
        std::iter::from_fn(|| self.next_sentence(text, &mut cursor)).collect()
    }

    /// The next sentence of a text that has been split as far as `cursor` says.
    pub(crate) fn next_sentence(
        &self,
        text: &str,
        cursor: &mut SplitCursor,
    ) -> Option<Range<usize>> {
        while let Some((stop, range)) = next_stop(text.as_bytes(), cursor.at) {
            let end = match stop {
                Stop::LineBreak => range.start,
                Stop::Mark if !self.settings.marks => {
                    cursor.at = range.end;
                    continue;
                }
                Stop::Mark => {
                    let end = end_of_marks(text, range.start);
                    cursor.at = end;
                    if !self.ends_sentence(text, cursor, range.start..end) {
                        continue;
                    }
                    end
                }
            };
            let sentence = trimmed(text, cursor.start..end);
            *cursor = SplitCursor::starting_at(end.max(range.end));
            if sentence.is_some() {
                return sentence;
            }
        }
        let rest = cursor.start..text.len();
        *cursor = SplitCursor::starting_at(text.len());
        trimmed(text, rest)
    }

    /// Whether the marks in `marks` end the sentence at which the cursor stands.
    fn ends_sentence(&self, text: &str, cursor: &mut SplitCursor, marks: Range<usize>) -> bool {
        let run = &text[marks.clone()];
        let before = &text[cursor.start..marks.start];
        let after = &text[marks.end..];
        if run.starts_with('؛') {
            let longest = self.settings.semicolon_words;
            return longest > 0 && cursor.has_words(longest, text, marks.start);
        }
        if after
            .trim_start()
            .starts_with(['،', ',', '؛', ':', '.', '؟', '!'])
        {
            return false;
        }
        let ellipsis = run.starts_with('…') || run.starts_with("..");
        if ellipsis && !cursor.has_words(self.settings.ellipsis_words, text, marks.start) {
            return false;
        }
        match after.chars().next() {
            None => true,
            Some(next) if next.is_whitespace() => !(run == "." && is_abbreviated(before)),
            Some(next) => ends_without_space(before, next, after, run),
        }
    }
}

/// How far a text has been split.
#[derive(Clone, Debug, Default)]
pub(crate) struct SplitCursor {
    /// Where the current sentence began.
    start: usize,
    /// All before has been looked at.
    at: usize,
    /// Words of the current sentence before `counted`: most sentences end with none counted, and
    /// no character is counted twice.
    words: usize,
    counted: usize,
    inside_word: bool,
}

impl SplitCursor {
    fn starting_at(start: usize) -> Self {
        Self {
            start,
            at: start,
            counted: start,
            ..Self::default()
        }
    }

    /// Whether at least so many words of the current sentence stand before `end`.
    fn has_words(&mut self, wanted: usize, text: &str, end: usize) -> bool {
        for character in text[self.counted..end].chars() {
            if self.words >= wanted {
                break;
            }
            self.counted += character.len_utf8();
            let inside =
                character.is_alphanumeric() || (self.inside_word && is_diacritic(character));
            self.words += usize::from(inside && !self.inside_word);
            self.inside_word = inside;
        }
        self.words >= wanted
    }
}

/// Where a sentence may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    LineBreak,
    Mark,
}

/// Bytes that may belong to a line break or a mark. Of characters of several bytes it is the one
/// that is rarer in Arabic text: the first of `… ۔` and of the wide line breaks, the last of `؟ ؛`.
const MAY_STOP: [bool; 256] = {
    let mut table = [false; 256];
    let stops = b"\n\r\x0B\x0C.?!\x9B\x9F\xC2\xDB\xE2";
    let mut place = 0;
    while place < stops.len() {
        table[stops[place] as usize] = true;
        place += 1;
    }
    table
};

/// The first line break or mark at or after a character's first byte, and its bytes.
fn next_stop(text: &[u8], mut at: usize) -> Option<(Stop, Range<usize>)> {
    loop {
        at += text[at..]
            .iter()
            .position(|&byte| MAY_STOP[usize::from(byte)])?;
        let next = |distance: usize| text.get(at + distance).copied().unwrap_or_default();
        let found = match text[at] {
            b'\n' | b'\r' | b'\x0B' | b'\x0C' => (Stop::LineBreak, at..at + 1),
            b'.' | b'?' | b'!' => (Stop::Mark, at..at + 1),
            // ؛ and ؟
            0x9B | 0x9F if at > 0 && text[at - 1] == 0xD8 => (Stop::Mark, at - 1..at + 1),
            0xC2 if next(1) == 0x85 => (Stop::LineBreak, at..at + 2),
            // ۔
            0xDB if next(1) == 0x94 => (Stop::Mark, at..at + 2),
            0xE2 if next(1) == 0x80 && next(2) == 0xA6 => (Stop::Mark, at..at + 3),
            0xE2 if next(1) == 0x80 && matches!(next(2), 0xA8 | 0xA9) => {
                (Stop::LineBreak, at..at + 3)
            }
            _ => {
                at += 1;
                continue;
            }
        };
        return Some(found);
    }
}

fn is_terminator(character: char) -> bool {
    matches!(character, '.' | '؟' | '?' | '!' | '…' | '۔' | '؛')
}

fn is_closer(character: char) -> bool {
    matches!(character, '»' | '"' | '”' | '’' | ')' | ']' | '\'' | '›')
}

/// The end of the marks that begin at `at`: the terminators, then quotes and brackets they close.
fn end_of_marks(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let terminators = rest.trim_start_matches(is_terminator);
    let closers = terminators.trim_start_matches(is_closer);
    at + rest.len() - closers.len()
}

/// Whether a single dot after `before` belongs to an initial, an acronym or a list number.
fn is_abbreviated(before: &str) -> bool {
    let token = last_token(before);
    let mut characters = token.chars();
    let initial = characters.next().is_some_and(char::is_alphabetic) && characters.next().is_none();
    let acronym = token.contains('.')
        && token
            .split('.')
            .all(|part| part.chars().filter(|&c| !is_diacritic(c)).count() <= 1);
    let list_number = !token.is_empty()
        && token.chars().all(char::is_numeric)
        && before.trim_start().len() == token.len();
    initial || acronym || list_number
}

/// Whether a sentence ends though the next character follows its mark with no space.
fn ends_without_space(before: &str, next: char, after: &str, run: &str) -> bool {
    let follows_arabic = is_arabic_letter(next);
    if !follows_arabic {
        // Decimals, addresses, Latin acronyms and file names go on; an opening quote does not.
        return !next.is_alphanumeric() && !matches!(next, '/' | '-' | '_' | '#' | '&' | '=' | '%');
    }
    let token = last_token(before);
    let letters_before = token.chars().filter(|&c| is_arabic_letter(c)).count();
    let letters_after = after
        .chars()
        .take_while(|&c| is_arabic_letter(c) || is_diacritic(c))
        .take(2)
        .count();
    run.starts_with(['؟', '!']) || (letters_before >= 3 && letters_after >= 2)
}

/// The end of the text back to a space or opening sign, at most so far that a text without any
/// is not read again at each mark.
fn last_token(before: &str) -> &str {
    const LONGEST_LOOK_BACK: usize = 40;
    let mut start = before.len();
    for (at, character) in before.char_indices().rev().take(LONGEST_LOOK_BACK) {
        if character.is_whitespace() || matches!(character, '(' | '«' | '"') {
            break;
        }
        start = at;
    }
    &before[start..]
}

/// The range without white space at either end, unless nothing is left.
fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let slice = &text[range.clone()];
    let start = range.start + slice.len() - slice.trim_start().len();
    let end = range.start + slice.trim_end().len();
    (start < end).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{CorpusReader, read_bundled};
    use proptest::prelude::*;

    use crate::text::characters::is_line_break;

    /// The same rules, one character after the other.
    fn split_plainly(splitter: &SentenceSplitter, text: &str) -> Vec<Range<usize>> {
        let mut sentences = Vec::new();
        let mut start = 0;
        let mut characters = text.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            if is_line_break(character) {
                sentences.extend(trimmed(text, start..at));
                start = at + character.len_utf8();
            } else if splitter.settings.marks && is_terminator(character) {
                let end = end_of_marks(text, at);
                let mut cursor = SplitCursor::starting_at(start);
                if splitter.ends_sentence(text, &mut cursor, at..end) {
                    sentences.extend(trimmed(text, start..end));
                    start = end;
                }
                while characters.next_if(|&(next, _)| next < end).is_some() {}
            }
        }
        sentences.extend(trimmed(text, start..text.len()));
        sentences
    }

    fn splitters() -> impl Iterator<Item = SentenceSplitter> {
        let settings = [(true, 25, 3), (true, 2, 1), (true, 0, 0), (false, 25, 3)];
        settings
            .into_iter()
            .map(|(marks, semicolon_words, ellipsis_words)| {
                SentenceSplitter::new(SplitterSettings {
                    marks,
                    semicolon_words,
                    ellipsis_words,
                })
            })
    }

    #[test]
    fn the_corpus_splits_as_it_does_character_by_character() {
        let corpus = read_bundled(&CorpusReader::default()).unwrap();
        for separator in [" ", "\n", ""] {
            let texts: Vec<&str> = corpus.records().iter().map(|row| &*row.text).collect();
            let text = texts.join(separator);
            for splitter in splitters() {
                let expected = split_plainly(&splitter, &text);
                assert!(splitter.split(&text) == expected, "joined by {separator:?}");
            }
        }
    }

    fn sentences(text: &str) -> Vec<&str> {
        SentenceSplitter::default()
            .split(text)
            .into_iter()
            .map(|range| &text[range])
            .collect()
    }

    #[test]
    fn marks_with_their_closers_end_sentences() {
        assert_eq!(
            sentences("قال «لن ننسحب.» وأضاف: هل يعودون؟ نعم!\nعنوان بلا نقطة\r\n\n"),
            [
                "قال «لن ننسحب.»",
                "وأضاف: هل يعودون؟",
                "نعم!",
                "عنوان بلا نقطة"
            ]
        );
    }

    #[test]
    fn commas_colons_and_short_semicolons_do_not() {
        let text = "قصفت الطائرات البلدة، ثم: عادت؛ وقصفتها ثانية";
        assert_eq!(sentences(text), [text]);
    }

    #[test]
    fn long_sentences_end_at_a_semicolon() {
        let long = "كلمة ".repeat(30);
        assert_eq!(sentences(&format!("{long}؛ ثم أخرى")).len(), 2);
    }

    #[test]
    fn decimals_initials_and_acronyms_go_on() {
        for text in [
            "بلغت 3.5 كيلومتر و٢.٧ ميل",
            "قال د. أحمد و أ.د. سالم",
            "وكالة ا.ف.ب. تقول",
            "from the U.S. Army",
            "1. البند الأول",
            "aljazeera.net/news",
        ] {
            assert_eq!(sentences(text), [text]);
        }
    }

    #[test]
    fn years_end_sentences_and_missing_spaces_do_not_hide_an_end() {
        assert_eq!(sentences("حدث عام 2015. ثم توقف").len(), 2);
        assert_eq!(sentences("استمر القصف.وقال ناشطون").len(), 2);
        assert_eq!(sentences("سوريا.. غارات جديدة").len(), 1);
        assert_eq!(sentences("«متى؟»، سأل الرجل").len(), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn bytes_are_scanned_to_the_same_end(
            text in "[\n\r\u{B}\u{C}\u{85}\u{2028}\u{2029}\u{2027}\u{202A}.?!؟؛…۔،:«»\"”’)\\]'› اابةئکیۛ\u{64B}\u{61F}\u{65F}\u{65B}xX19٣\u{A0}é😀]{0,60}"
        ) {
            for splitter in splitters() {
                prop_assert_eq!(splitter.split(&text), split_plainly(&splitter, &text));
            }
        }

        #[test]
        fn sentences_and_gaps_are_the_text(text in "[\\PC\n .؟!»ا-ي0-9…؛]{0,80}") {
            let mut rebuilt = String::new();
            let mut end = 0;
            for sentence in SentenceSplitter::default().split(&text) {
                let gap = &text[end..sentence.start];
                prop_assert!(gap.chars().all(char::is_whitespace));
                rebuilt.push_str(gap);
                rebuilt.push_str(&text[sentence.clone()]);
                prop_assert!(!sentence.is_empty());
                end = sentence.end;
            }
            rebuilt.push_str(&text[end..]);
            prop_assert!(text[end..].chars().all(char::is_whitespace));
            prop_assert_eq!(rebuilt, text);
        }
    }
}
