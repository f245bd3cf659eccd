//! Splitting text into sentences by the habits of Arabic news.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::characters::{is_arabic_letter, is_diacritic, is_line_break};

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
        let mut sentences = Vec::new();
        let mut start = 0;
        let mut words = WordCount::default();
        let mut characters = text.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            words.read(character);
            if is_line_break(character) {
                push_trimmed(text, start..at, &mut sentences);
                start = at + character.len_utf8();
                words = WordCount::default();
                continue;
            }
            if !self.settings.marks || !is_terminator(character) {
                continue;
            }
            let end = end_of_marks(text, at);
            if self.ends_sentence(text, start, at..end, words.count) {
                push_trimmed(text, start..end, &mut sentences);
                start = end;
                words = WordCount::default();
            }
            while characters.next_if(|&(next, _)| next < end).is_some() {}
        }
        push_trimmed(text, start..text.len(), &mut sentences);
        sentences
    }

    /// Whether the marks in `marks` end the sentence that began at `start` and has `words` words.
    fn ends_sentence(&self, text: &str, start: usize, marks: Range<usize>, words: usize) -> bool {
        let run = &text[marks.clone()];
        let before = &text[start..marks.start];
        let after = &text[marks.end..];
        if run.starts_with('؛') {
            let longest = self.settings.semicolon_words;
            return longest > 0 && words >= longest;
        }
        if after
            .trim_start()
            .starts_with(['،', ',', '؛', ':', '.', '؟', '!'])
        {
            return false;
        }
        let ellipsis = run.starts_with('…') || run.starts_with("..");
        if ellipsis && words < self.settings.ellipsis_words {
            return false;
        }
        match after.chars().next() {
            None => true,
            Some(next) if next.is_whitespace() => !(run == "." && is_abbreviated(before)),
            Some(next) => ends_without_space(before, next, after, run),
        }
    }
}

/// Words counted while reading on, so that no sentence is read twice.
#[derive(Default)]
struct WordCount {
    count: usize,
    inside: bool,
}

impl WordCount {
    fn read(&mut self, character: char) {
        let inside = character.is_alphanumeric() || (self.inside && is_diacritic(character));
        self.count += usize::from(inside && !self.inside);
        self.inside = inside;
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
    let letters = token
        .chars()
        .filter(|&character| character.is_alphabetic())
        .count();
    let acronym = token.contains('.')
        && token
            .split('.')
            .all(|part| part.chars().filter(|&c| !is_diacritic(c)).count() <= 1);
    let list_number = !token.is_empty()
        && token.chars().all(char::is_numeric)
        && before.trim_start().len() == token.len();
    (letters == 1 && token.chars().all(char::is_alphabetic)) || acronym || list_number
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

fn push_trimmed(text: &str, range: Range<usize>, sentences: &mut Vec<Range<usize>>) {
    let slice = &text[range.clone()];
    let start = range.start + slice.len() - slice.trim_start().len();
    let end = range.start + slice.trim_end().len();
    if start < end {
        sentences.push(start..end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
