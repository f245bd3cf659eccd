//! Light stems: a word without its clitics and endings.

/// Version of the stemmer; stored in the model.
pub const STEMMER_VERSION: u32 = 1;

/// Conjunctions, prepositions and articles before a word, longest first.
const PREFIXES: [&str; 6] = ["وال", "بال", "كال", "فال", "لل", "ال"];

/// Pronouns and endings behind a word, longest first.
const SUFFIXES: [&str; 12] = [
    "هما", "ها", "هم", "ان", "ات", "ون", "ين", "يه", "وا", "ه", "ي", "ت",
];

/// The letters of all that is cut off.
pub(crate) const STEMMED_LETTERS: &str = "وفالبكهمنتي";

const LEAST_AFTER_CONJUNCTION: usize = 3;
const LEAST_AFTER_PREFIX: usize = 2;
const LEAST_BEFORE_SUFFIX: usize = 3;

/// The light stem of a normalised word: one conjunction, one article with what is joined to it and
/// one suffix are cut off where enough of the word is left.
///
/// After light10 (Larkey, Ballesteros and Connell, "Light stemming for Arabic information
/// retrieval", in Arabic Computational Morphology, 2007), with و and ف both as conjunctions and with
/// the suffixes of verbs and pronouns. Words in other scripts have no such affixes.
pub(crate) fn light_stem(word: &str) -> &str {
    let mut stem = word;
    for conjunction in ['و', 'ف'] {
        if let Some(rest) = stem.strip_prefix(conjunction)
            && letters(rest) >= LEAST_AFTER_CONJUNCTION
        {
            stem = rest;
            break;
        }
    }
    let without_prefix = PREFIXES.iter().find_map(|prefix| stem.strip_prefix(prefix));
    if let Some(rest) = without_prefix.filter(|rest| letters(rest) >= LEAST_AFTER_PREFIX) {
        stem = rest;
    }
    let without_suffix = |suffix: &str| {
        let rest = stem.strip_suffix(suffix)?;
        (letters(rest) >= LEAST_BEFORE_SUFFIX).then_some(rest)
    };
    if let Some(rest) = SUFFIXES.iter().find_map(|suffix| without_suffix(suffix)) {
        stem = rest;
    }
    stem
}

fn letters(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn affixes_are_cut_where_enough_is_left() {
        for (word, stem) in [
            ("والقصف", "قصف"),
            ("للقصف", "قصف"),
            ("فقصفت", "قصف"),
            ("مواقعهم", "مواقع"),
            ("الغارات", "غار"),
            ("غارتين", "غارت"),
            ("قال", "قال"),
            ("ولد", "ولد"),
            ("الى", "الى"),
            ("في", "في"),
            ("000", "000"),
            ("UN", "UN"),
            ("،", "،"),
            ("", ""),
        ] {
            assert_eq!(light_stem(word), stem, "{word}");
        }
    }

    #[test]
    fn letters_of_affixes_are_all_listed() {
        let affixes = PREFIXES.iter().chain(&SUFFIXES).copied();
        let letters = affixes.flat_map(str::chars).chain(['و', 'ف']);
        assert!({ letters }.all(|letter| STEMMED_LETTERS.contains(letter)));
    }

    proptest! {
        #[test]
        fn stems_are_parts_of_words(word in "\\PC{0,20}") {
            prop_assert!(word.contains(light_stem(&word)));
        }

        #[test]
        fn some_of_every_word_is_left(word in "[ا-ي]{1,12}") {
            prop_assert!(!light_stem(&word).is_empty());
        }
    }
}
