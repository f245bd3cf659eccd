//! Other spellings of a text, as outlets, keyboards and typists differ: to measure what they cost.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::characters::{TATWEEL, is_arabic_letter, is_diacritic};
use crate::hash::hash_of_text;

/// One way in which the same text may be written otherwise.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum ScriptNoise {
    /// Every ة is written ه.
    TaMarbuta,
    /// Every ى is written ي, and every ي at the end of a word ى.
    AlefMaqsura,
    /// Every hamza is left out: أ إ آ become ا, ؤ becomes و, ئ becomes ي, ء goes.
    Hamza,
    /// About three letters in ten carry a diacritic.
    Diacritics,
    /// About one join between letters in seven is drawn out by a tatweel.
    Tatweel,
    /// Every ك and ي is the Persian letter.
    PersianLetters,
    /// About one space between Arabic words in ten is missing.
    JoinedWords,
}

/// Fatha, damma, kasra, sukun, shadda.
const DIACRITICS: [char; 5] = ['\u{064E}', '\u{064F}', '\u{0650}', '\u{0652}', '\u{0651}'];

impl ScriptNoise {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::TaMarbuta,
        Self::AlefMaqsura,
        Self::Hamza,
        Self::Diacritics,
        Self::Tatweel,
        Self::PersianLetters,
        Self::JoinedWords,
    ];

    /// What it is, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::TaMarbuta => "ة as ه",
            Self::AlefMaqsura => "ى and final ي exchanged",
            Self::Hamza => "hamza left out",
            Self::Diacritics => "diacritics added",
            Self::Tatweel => "tatweel added",
            Self::PersianLetters => "Persian ک ی",
            Self::JoinedWords => "words joined",
        }
    }

    /// The text written otherwise. The same text and seed give the same, wherever the text stands.
    pub fn apply(self, text: &str, seed: u64) -> String {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ hash_of_text(text));
        let signs: Vec<char> = text.chars().collect();
        let mut noisy = String::with_capacity(text.len() * 2);
        for (place, &sign) in signs.iter().enumerate() {
            let before = place
                .checked_sub(1)
                .and_then(|place| signs.get(place).copied());
            let around = [before, signs.get(place + 1).copied()];
            self.write(sign, around, &mut random, &mut noisy);
        }
        noisy
    }

    fn write(
        self,
        sign: char,
        around: [Option<char>; 2],
        random: &mut impl Rng,
        noisy: &mut String,
    ) {
        let is_letter = |sign: Option<char>| sign.is_some_and(is_arabic_letter);
        let ends_word = !is_letter(around[1]) && !around[1].is_some_and(is_diacritic);
        match (self, sign) {
            (Self::TaMarbuta, 'ة') => noisy.push('ه'),
            (Self::AlefMaqsura, 'ى') => noisy.push('ي'),
            (Self::AlefMaqsura, 'ي') if ends_word => noisy.push('ى'),
            (Self::Hamza, 'أ' | 'إ' | 'آ') => noisy.push('ا'),
            (Self::Hamza, 'ؤ') => noisy.push('و'),
            (Self::Hamza, 'ئ') => noisy.push('ي'),
            (Self::Hamza, 'ء') => {}
            (Self::PersianLetters, 'ك') => noisy.push('ک'),
            (Self::PersianLetters, 'ي') => noisy.push('ی'),
            (Self::Diacritics, letter) if is_arabic_letter(letter) => {
                noisy.push(letter);
                let carries_one = around[1].is_some_and(is_diacritic);
                if !carries_one && random.gen_bool(0.3) {
                    noisy.push(DIACRITICS[random.gen_range(0..DIACRITICS.len())]);
                }
            }
            (Self::Tatweel, letter) if joins_next(letter) && is_letter(around[1]) => {
                noisy.push(letter);
                if random.gen_bool(0.15) {
                    noisy.push(TATWEEL);
                }
            }
            (Self::JoinedWords, ' ') if is_letter(around[0]) && is_letter(around[1]) => {
                if !random.gen_bool(0.1) {
                    noisy.push(' ');
                }
            }
            (_, other) => noisy.push(other),
        }
    }
}

/// Whether a letter is drawn joined to the one after it.
fn joins_next(letter: char) -> bool {
    is_arabic_letter(letter)
        && !matches!(
            letter,
            'ا' | 'أ'
                | 'إ'
                | 'آ'
                | 'ٱ'
                | 'د'
                | 'ذ'
                | 'ر'
                | 'ز'
                | 'ژ'
                | 'و'
                | 'ؤ'
                | 'ة'
                | 'ى'
                | 'ء'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Normalizer;
    use proptest::prelude::*;

    const TEXT: &str = "قُصفت مدرسة في إدلب مساءً، وأُسر قائدٌ على الجبهة الغربية ومسؤول كبير";

    #[test]
    fn spellings_change_as_they_say() {
        let noisy = |noise: ScriptNoise| noise.apply(TEXT, 1);
        assert!(noisy(ScriptNoise::TaMarbuta).contains("مدرسه في"));
        let maqsura = noisy(ScriptNoise::AlefMaqsura);
        assert!(maqsura.contains("مدرسة فى") && maqsura.contains("علي الجبهة الغربية"));
        let hamza = noisy(ScriptNoise::Hamza);
        assert!(hamza.contains("ادلب مساً") && hamza.contains("ومسوول") && hamza.contains("قايدٌ"));
        assert!(noisy(ScriptNoise::PersianLetters).contains("فی"));
        let long = TEXT.repeat(20);
        for noise in ScriptNoise::ALL {
            assert_ne!(noise.apply(&long, 1), long, "{noise:?}");
            assert_eq!(noise.apply(&long, 1), noise.apply(&long, 1));
            assert_eq!(noise.apply("Latin 12, only.", 1), "Latin 12, only.");
        }
        assert_ne!(
            ScriptNoise::JoinedWords.apply(&long, 1),
            ScriptNoise::JoinedWords.apply(&long, 2)
        );
    }

    proptest! {
        /// What the default folds undo is undone by them wholly.
        #[test]
        fn folded_spellings_are_read_alike(text in "[ابتةىيكهأإآ،. ]{0,40}", seed in 0u64..5) {
            let folded = |text: &str| Normalizer::default().normalize(text).text().to_owned();
            for noise in [
                ScriptNoise::TaMarbuta,
                ScriptNoise::AlefMaqsura,
                ScriptNoise::Hamza,
                ScriptNoise::Diacritics,
                ScriptNoise::Tatweel,
                ScriptNoise::PersianLetters,
            ] {
                prop_assert_eq!(folded(&noise.apply(&text, seed)), folded(&text), "{:?}", noise);
            }
        }

        #[test]
        fn any_text_is_taken(text in "\\PC{0,40}", seed: u64) {
            for noise in ScriptNoise::ALL {
                noise.apply(&text, seed);
            }
        }
    }
}
