//! A vocabulary from sentences that come one by one, in bounded memory.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::candidates::{bigram_key, unit_of};
use super::counting::{Entry, LossyCounts};
use super::ngrams::{Alphabet, for_each_key};
use super::sentence_words::SentenceWords;
use super::settings::FeatureSettings;
use super::vocabulary::{Vocabulary, split_bigram};

/// Different words, and different units, that are counted: what fits a hash table of half a million.
const MOST_WORDS: usize = 7 << 16;
/// Different bigrams that are counted.
const MOST_BIGRAMS: usize = 7 << 18;
/// A longer word is no feature; its n-grams are, where other words have them.
const LONGEST_WORD: usize = 128;
/// Words of a sentence that are counted together.
const WORDS_AT_ONCE: usize = 1 << 15;

/// Counts in how many sentences words, units and bigrams stand, the most frequent of each.
#[derive(Debug)]
pub(crate) struct VocabularyGatherer {
    settings: FeatureSettings,
    sentences: u32,
    words: LossyCounts<Box<str>, u32>,
    units: LossyCounts<Box<str>, Unit>,
    /// Bigrams by the numbers of their units.
    bigrams: LossyCounts<u64, ()>,
    /// Numbers of forgotten units, to be given again.
    free_numbers: Vec<u32>,
    next_number: u32,
}

#[derive(Clone, Copy, Debug)]
struct Unit {
    seen_in: u32,
    number: u32,
}

impl VocabularyGatherer {
    pub(crate) fn new(settings: &FeatureSettings) -> Self {
        Self::with_limits(settings, MOST_WORDS, MOST_BIGRAMS)
    }

    fn with_limits(settings: &FeatureSettings, words: usize, bigrams: usize) -> Self {
        Self {
            settings: settings.clone(),
            sentences: 0,
            words: LossyCounts::new(words),
            units: LossyCounts::new(words),
            bigrams: LossyCounts::new(bigrams),
            free_numbers: Vec::new(),
            next_number: 0,
        }
    }

    /// Counts a sentence.
    pub(crate) fn add(&mut self, sentence: &SentenceWords) {
        self.sentences = self.sentences.saturating_add(1);
        let counts_units = self.settings.stems || self.settings.word_bigrams;
        let mut numbers = Vec::with_capacity(sentence.len().min(WORDS_AT_ONCE));
        let mut words = sentence.iter().peekable();
        while words.peek().is_some() {
            // No number is given again between here and the end of the loop.
            if self.units.is_full_with(WORDS_AT_ONCE.min(sentence.len())) {
                self.forget_units();
            }
            numbers.clear();
            for word in words.by_ref().take(WORDS_AT_ONCE) {
                self.count_word(word);
                if counts_units {
                    numbers.push(self.count_unit(unit_of(word, self.settings.stems)));
                }
            }
            if self.settings.word_bigrams {
                self.count_bigrams(&numbers);
            }
        }
    }

    fn count_word(&mut self, word: &str) {
        if let Some(entry) = self.words.get_mut(word) {
            count_once(entry, self.sentences, |seen_in| seen_in);
        } else if word.len() <= LONGEST_WORD {
            if self.words.is_full_with(1) {
                self.words.prune(|_| {});
            }
            self.words.insert(word.into(), self.sentences);
        }
    }

    /// Counts a unit and gives its number; none to a word too long.
    fn count_unit(&mut self, unit: &str) -> Option<u32> {
        if let Some(entry) = self.units.get_mut(unit) {
            count_once(entry, self.sentences, |unit| &mut unit.seen_in);
            return Some(entry.extra.number);
        }
        if unit.len() > LONGEST_WORD {
            return None;
        }
        let number = self.free_numbers.pop().unwrap_or_else(|| {
            self.next_number += 1;
            self.next_number - 1
        });
        let seen_in = self.sentences;
        self.units.insert(unit.into(), Unit { seen_in, number });
        Some(number)
    }

    /// Counts the neighbours among the units, each pair once.
    fn count_bigrams(&mut self, units: &[Option<u32>]) {
        let mut keys: Vec<u64> = units
            .windows(2)
            .filter_map(|pair| Some(bigram_key(pair[0]?, pair[1]?)))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().for_each(|key| self.bigrams.count(key));
    }

    /// Forgets the rarest units, with the bigrams that hold one.
    fn forget_units(&mut self) {
        let mut forgotten = vec![false; self.next_number as usize];
        let free_numbers = &mut self.free_numbers;
        self.units.prune(|unit| {
            forgotten[unit.number as usize] = true;
            free_numbers.push(unit.number);
        });
        self.bigrams.retain(|&key, _| {
            split_bigram(key)
                .iter()
                .all(|&unit| !forgotten[unit as usize])
        });
        // They were told in the order of a hash table.
        self.free_numbers
            .sort_unstable_by_key(|&number| std::cmp::Reverse(number));
    }

    /// The vocabulary of the most frequent features, at most so many. Of the features of one
    /// frequency all are kept or none.
    ///
    /// In how many sentences an n-gram stands is estimated from the words that hold it, as if
    /// words stood in sentences independently of one another.
    pub(crate) fn finish(self, most_features: usize) -> Vocabulary {
        let Self {
            settings,
            sentences,
            words,
            units,
            bigrams,
            next_number,
            ..
        } = self;
        let words = sorted(
            words
                .into_entries()
                .map(|(word, entry)| (word, entry.count)),
        );
        let alphabet = count_alphabet(&words);
        let ngrams = Ngrams {
            settings: &settings,
            alphabet: &alphabet,
            words: &words,
            sentences,
        };
        let mut ngrams = ngrams.estimate();
        let units = sorted(
            (units.into_entries()).map(|(unit, entry)| (unit, (entry.count, entry.extra.number))),
        );
        let mut place_of = vec![0u32; next_number as usize];
        for ((_, (_, number)), place) in units.iter().zip(0..) {
            place_of[*number as usize] = place;
        }
        let mut bigrams = sorted(bigrams.into_entries().map(|(key, entry)| {
            let [left, right] = split_bigram(key).map(|unit| place_of[unit as usize]);
            (bigram_key(left, right), entry.count)
        }));
        drop(place_of);
        let word_features = words.iter().filter(|_| settings.words);
        let stem_features = units.iter().filter(|_| settings.stems);
        let least = least_kept(
            (ngrams.iter().map(|&(_, count)| count))
                .chain(word_features.map(|&(_, count)| count))
                .chain(stem_features.map(|&(_, (count, _))| count))
                .chain(bigrams.iter().map(|&(_, count)| count)),
            settings.min_document_frequency,
            most_features,
        );
        ngrams.retain(|&(_, count)| count >= least);
        bigrams.retain(|&(_, count)| count >= least);
        Gathered {
            settings,
            alphabet,
            sentences,
            least,
            ngrams,
            words,
            units,
            bigrams,
        }
        .into_vocabulary()
    }
}

/// Words and other things with the number of sentences they stand in, in order.
type Counted<K> = Vec<(K, u32)>;

fn sorted<K: Ord, V: Ord>(entries: impl Iterator<Item = (K, V)>) -> Vec<(K, V)> {
    let mut entries: Vec<(K, V)> = entries.collect();
    entries.sort_unstable();
    entries
}

fn count_once<E>(entry: &mut Entry<E>, sentence: u32, seen_in: impl Fn(&mut E) -> &mut u32) {
    let seen_in = seen_in(&mut entry.extra);
    if *seen_in != sentence {
        *seen_in = sentence;
        entry.count = entry.count.saturating_add(1);
    }
}

fn count_alphabet(words: &[(Box<str>, u32)]) -> Alphabet {
    let mut counts: BTreeMap<char, u64> = BTreeMap::new();
    for (word, count) in words {
        for character in word.chars() {
            *counts.entry(character).or_insert(0) += u64::from(*count);
        }
    }
    Alphabet::from_counts(&counts)
}

/// What document frequencies of n-grams are estimated from.
struct Ngrams<'a> {
    settings: &'a FeatureSettings,
    alphabet: &'a Alphabet,
    words: &'a [(Box<str>, u32)],
    sentences: u32,
}

impl Ngrams<'_> {
    /// n-grams with their document frequencies, one length after the other to bound the memory.
    fn estimate(&self) -> Counted<u64> {
        let FeatureSettings {
            char_ngram_min: min,
            char_ngram_max: max,
            ..
        } = *self.settings;
        let lengths = if min == 0 { 1..1 } else { min..max + 1 };
        let all: Vec<(u64, u32)> = lengths.flat_map(|length| self.of_length(length)).collect();
        sorted(all.into_iter())
    }

    fn of_length(&self, length: usize) -> Counted<u64> {
        // For each n-gram the logarithm of the share of the sentences without any of its words.
        let mut without: FxHashMap<u64, f64> = FxHashMap::default();
        let (mut codes, mut keys) = (Vec::new(), Vec::new());
        let all = f64::from(self.sentences);
        for (word, count) in self.words {
            // A word in every sentence would leave a logarithm of nothing.
            let share = (f64::from(*count) / all).min(1.0 - 0.5 / all);
            let logarithm = libm::log1p(-share);
            self.alphabet.encode_into(word, &mut codes);
            keys.clear();
            for_each_key(&codes, length, length, |key| keys.push(key));
            keys.sort_unstable();
            keys.dedup();
            for &key in &keys {
                *without.entry(key).or_insert(0.0) += logarithm;
            }
        }
        let least = self.settings.min_document_frequency as f64;
        without
            .into_iter()
            .map(|(key, logarithm)| (key, (-libm::expm1(logarithm) * all).round()))
            .filter(|&(_, count)| count >= least)
            .map(|(key, count)| (key, count as u32))
            .collect()
    }
}

/// The smallest count of a feature that is kept so that there are at most `most`.
fn least_kept(counts: impl Iterator<Item = u32>, at_least: usize, most: usize) -> u32 {
    let at_least = u32::try_from(at_least).unwrap_or(u32::MAX);
    let mut counts: Vec<u32> = counts.filter(|&count| count >= at_least).collect();
    if counts.len() <= most {
        return at_least;
    }
    let place = counts.len() - most - 1;
    let (_, &mut highest_dropped, _) = counts.select_nth_unstable(place);
    highest_dropped.saturating_add(1)
}

/// The parts of a vocabulary, each in order.
struct Gathered {
    settings: FeatureSettings,
    alphabet: Alphabet,
    sentences: u32,
    /// The smallest count of a feature.
    least: u32,
    ngrams: Counted<u64>,
    words: Counted<Box<str>>,
    /// Units with their counts and former numbers.
    units: Vec<(Box<str>, (u32, u32))>,
    /// By places among the units.
    bigrams: Counted<u64>,
}

impl Gathered {
    fn idf(&self, count: u32) -> f32 {
        let all = f64::from(self.sentences);
        (libm::log((1.0 + all) / (1.0 + f64::from(count))) + 1.0) as f32
    }

    fn into_vocabulary(mut self) -> Vocabulary {
        let place_of = self.keep_units();
        let Self {
            settings, least, ..
        } = &self;
        let is_stem = |count: u32| settings.stems && count >= *least;
        let stems: Vec<u32> = (self.units.iter().zip(0..))
            .filter(|((_, (count, _)), _)| is_stem(*count))
            .map(|(_, place)| place)
            .collect();
        let is_word = |count: u32| settings.words && count >= *least;
        let words: Vec<&(Box<str>, u32)> = (self.words.iter())
            .filter(|(_, count)| is_word(*count))
            .collect();
        let single = (self.ngrams.iter().map(|&(_, count)| count))
            .chain(words.iter().map(|(_, count)| *count))
            .chain(stems.iter().map(|&place| self.units[place as usize].1.0));
        let of_bigrams = self.bigrams.iter().map(|&(_, count)| count);
        let idf = (single.map(|count| self.idf(count)))
            .chain(of_bigrams.map(|count| settings.bigram_weight * self.idf(count)))
            .collect();
        let moved = |&(key, _): &(u64, u32)| {
            let [left, right] = split_bigram(key).map(|unit| place_of[unit as usize]);
            bigram_key(left, right)
        };
        Vocabulary {
            idf,
            char_ngrams: self.ngrams.iter().map(|&(key, _)| key).collect(),
            words: words.iter().map(|(word, _)| word.to_string()).collect(),
            unit_idf: self
                .units
                .iter()
                .map(|&(_, (count, _))| self.idf(count))
                .collect(),
            units: self
                .units
                .iter()
                .map(|(unit, _)| unit.to_string())
                .collect(),
            bigrams: self.bigrams.iter().map(moved).collect(),
            stems,
            subwords: None,
            subword_tokens: Vec::new(),
            alphabet: self.alphabet,
            settings: self.settings,
        }
    }

    /// Leaves out the units that are neither features nor parts of bigrams. Gives the place of
    /// each former unit among those that are left.
    fn keep_units(&mut self) -> Vec<u32> {
        const NO_PLACE: u32 = u32::MAX;
        let (stems, least) = (self.settings.stems, self.least);
        let mut kept: Vec<bool> = (self.units.iter())
            .map(|&(_, (count, _))| stems && count >= least)
            .collect();
        for unit in self.bigrams.iter().flat_map(|&(key, _)| split_bigram(key)) {
            kept[unit as usize] = true;
        }
        let mut place_of = vec![NO_PLACE; kept.len()];
        let places = kept.iter().zip(&mut place_of).filter(|(kept, _)| **kept);
        for ((_, place), next) in places.zip(0..) {
            *place = next;
        }
        let mut kept = kept.into_iter();
        self.units.retain(|_| kept.next().unwrap_or(false));
        place_of
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Candidates, FeatureSpace, TokenizedCorpus};
    use crate::text::{TextPipeline, Tokens};

    fn gathered(
        settings: &FeatureSettings,
        texts: &[&str],
        limits: [usize; 2],
    ) -> VocabularyGatherer {
        let mut gatherer = VocabularyGatherer::with_limits(settings, limits[0], limits[1]);
        let mut tokens = Tokens::default();
        for text in texts {
            gatherer.add(&SentenceWords::new(
                &TextPipeline::default(),
                text,
                &mut tokens,
            ));
        }
        gatherer
    }

    const TEXTS: [&str; 5] = [
        "قصفت طائرات حربية المدينة",
        "قصفت طائرات حربية القرية والمدينة",
        "زار الوزير القرية",
        "زار الوزير سوق القرية",
        "",
    ];

    #[test]
    fn without_limits_the_vocabulary_is_that_of_a_corpus_in_memory() {
        for (stems, words) in [(true, true), (false, true), (true, false)] {
            let settings = FeatureSettings {
                stems,
                words,
                ..FeatureSettings::default()
            };
            let streamed = gathered(&settings, &TEXTS, [1 << 15, 1000]);
            let streamed = streamed.finish(usize::MAX);
            let corpus = TokenizedCorpus::new(&TextPipeline::default(), &TEXTS);
            let candidates = Candidates::new(&settings, &corpus).unwrap();
            let space = FeatureSpace::fit(&candidates, &corpus, &[0, 1, 2, 3, 4]);
            let whole = space.vocabulary();
            assert_eq!(streamed.alphabet, whole.alphabet);
            assert_eq!(streamed.words, whole.words);
            let names = |vocabulary: &Vocabulary, places: &[u32]| -> Vec<String> {
                places
                    .iter()
                    .map(|&p| {
                        vocabulary
                            .units
                            .get(p as usize)
                            .unwrap_or_default()
                            .to_owned()
                    })
                    .collect()
            };
            assert_eq!(
                names(&streamed, &streamed.stems),
                names(&whole, &whole.stems)
            );
            let bigrams = |vocabulary: &Vocabulary| -> Vec<Vec<String>> {
                let pair = |&key: &u64| names(vocabulary, &split_bigram(key));
                vocabulary.bigrams.iter().map(pair).collect()
            };
            assert_eq!(bigrams(&streamed), bigrams(&whole));
            // Words that stand together are taken as independent, so n-grams of several words may be
            // counted higher or lower than they are, but none of two sentences is missed.
            assert!(
                whole
                    .char_ngrams
                    .iter()
                    .all(|key| streamed.char_ngrams.contains(key))
            );
            let first = streamed.char_ngrams.len();
            assert_eq!(streamed.idf[first..], whole.idf[whole.char_ngrams.len()..]);
            assert_eq!(streamed.idf.len(), streamed.len());
        }
    }

    #[test]
    fn the_most_frequent_features_are_kept() {
        let settings = FeatureSettings {
            char_ngram_min: 0,
            char_ngram_max: 0,
            stems: false,
            word_bigrams: false,
            ..FeatureSettings::default()
        };
        let vocabulary = gathered(&settings, &TEXTS, [1 << 15, 10]).finish(2);
        assert_eq!(vocabulary.words.iter().collect::<Vec<_>>(), ["القريه"]);
        let vocabulary = gathered(&settings, &TEXTS, [1 << 15, 10]).finish(7);
        assert_eq!(vocabulary.len(), 6);
    }

    #[test]
    fn frequent_words_outlive_a_stream_of_rare_ones() {
        let settings = FeatureSettings::default();
        let texts: Vec<String> = (0..20_000)
            .map(|row| format!("قصفت طائرات {}", char::from_u32(0x4E00 + row).unwrap()))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let gatherer = gathered(&settings, &texts, [300, 300]);
        assert!(gatherer.next_number <= 300 && !gatherer.free_numbers.is_empty());
        let vocabulary = gatherer.finish(1000);
        assert!(vocabulary.words.iter().any(|word| word == "طائرات"));
        assert_eq!(vocabulary.bigrams.len(), 1);
    }
}
