//! Everything in a corpus that could become a feature, numbered once for all folds.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::columns::{Columns, Lists, NONE};
use super::ngrams::{Alphabet, for_each_key};
use super::settings::FeatureSettings;
use super::subwords::Subwords;
use super::tokenized::TokenizedCorpus;
use crate::error::Result;
use crate::text::light_stem;

/// Candidate features of a corpus. Numbers run over the families in this order: character n-grams
/// by key, words, stems, bigrams by key, subwords.
///
/// All but the bigrams lie within words, so a word's candidates are listed once. What the corpus
/// holds too seldom to be a feature of any part of it is left out or stands in no list.
#[derive(Debug)]
pub struct Candidates {
    pub(super) settings: FeatureSettings,
    pub(super) alphabet: Alphabet,
    pub(super) char_ngrams: Vec<u64>,
    pub(super) words: usize,
    pub(super) units: Units,
    /// Keys `left << 32 | right` of unit numbers.
    pub(super) bigrams: Vec<u64>,
    pub(super) subwords: Option<Subwords>,
    /// Candidates within words; those of bigrams stand in none.
    pub(super) columns: Columns,
    /// For each token of the corpus the bigram, by its place in `bigrams`, that it starts in its
    /// sentence, or [`NONE`]; empty without bigrams.
    pub(super) bigram_from: Vec<u32>,
}

impl Candidates {
    /// Lists the candidates of a corpus.
    ///
    /// # Errors
    /// When the settings are out of bounds or the subword tokeniser cannot be trained.
    pub fn new(settings: &FeatureSettings, corpus: &TokenizedCorpus) -> Result<Self> {
        settings.check()?;
        let alphabet = count_alphabet(corpus);
        let mut occurrences = vec![0u32; corpus.words().len()];
        for &word in corpus.tokens() {
            occurrences[word as usize] = occurrences[word as usize].saturating_add(1);
        }
        let units = Units::new(corpus, settings.stems);
        let (bigrams, bigram_from) = match settings.word_bigrams {
            true => count_bigrams(settings, &units, corpus),
            false => Default::default(),
        };
        let subwords = match settings.subwords {
            0 => None,
            size => {
                let words = corpus.tokens().iter();
                let place = |word: u32| corpus.places()[word as usize] as usize;
                let words = words.map(|&word| corpus.words()[place(word)].as_str());
                Some(Subwords::train(words, size)?)
            }
        };
        let (char_ngrams, listed_ngrams) = count_ngrams(settings, &alphabet, corpus, &occurrences);
        let words = if settings.words {
            corpus.words().len()
        } else {
            0
        };
        let mut candidates = Self {
            settings: settings.clone(),
            alphabet,
            char_ngrams,
            words,
            units,
            bigrams,
            subwords,
            columns: Columns::default(),
            bigram_from,
        };
        let listed = candidates.list_by_word(corpus, listed_ngrams, &occurrences);
        candidates.columns = Columns::find(candidates.len(), &listed, &occurrences);
        Ok(candidates)
    }

    /// Number of candidates.
    pub fn len(&self) -> usize {
        self.first_subword() + self.subwords.as_ref().map_or(0, Subwords::len)
    }

    /// Whether the corpus has no candidate at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn first_word(&self) -> usize {
        self.char_ngrams.len()
    }

    pub(super) fn first_stem(&self) -> usize {
        self.first_word() + self.words
    }

    pub(super) fn first_bigram(&self) -> usize {
        match self.settings.stems {
            true => self.first_stem() + self.units.forms.len(),
            false => self.first_stem(),
        }
    }

    pub(super) fn first_subword(&self) -> usize {
        self.first_bigram() + self.bigrams.len()
    }

    /// The candidates of each word, of which `ngrams` are the first.
    fn list_by_word(
        &self,
        corpus: &TokenizedCorpus,
        ngrams: Lists<u32>,
        occurrences: &[u32],
    ) -> Lists<u32> {
        let least = self.settings.min_document_frequency;
        let mut of_unit = vec![0usize; self.units.forms.len()];
        for (&unit, &count) in self.units.of_word.iter().zip(occurrences) {
            of_unit[unit as usize] += count as usize;
        }
        let mut listed = Lists::with_capacity(ngrams.len());
        let words = corpus.words_by_number().zip(corpus.places());
        for (word, (ngrams, (form, &place))) in ngrams.iter().zip(words).enumerate() {
            ngrams.iter().for_each(|&ngram| listed.push(ngram));
            if self.words > 0 && occurrences[word] as usize >= least {
                listed.push(self.first_word() as u32 + place);
            }
            let unit = self.units.of_word[word];
            if self.settings.stems && of_unit[unit as usize] >= least {
                listed.push(self.first_stem() as u32 + unit);
            }
            if let Some(subwords) = &self.subwords {
                let first = self.first_subword() as u32;
                let pieces = subwords.encode(form);
                pieces.iter().for_each(|piece| listed.push(first + piece));
            }
            listed.end_list();
        }
        listed
    }
}

/// What bigrams are made of: stems, or words where stems are switched off.
#[derive(Debug)]
pub(super) struct Units {
    /// In alphabetical order.
    pub(super) forms: Vec<String>,
    /// For each word of the corpus its unit.
    pub(super) of_word: Vec<u32>,
}

impl Units {
    fn new(corpus: &TokenizedCorpus, stems: bool) -> Self {
        let units = corpus.words().iter().map(|word| unit_of(word, stems));
        let mut forms: Vec<&str> = units.collect();
        forms.sort_unstable();
        forms.dedup();
        let places: FxHashMap<&str, u32> = forms.iter().copied().zip(0..).collect();
        let place = |word: &str| places[unit_of(word, stems)];
        Self {
            of_word: corpus.words_by_number().map(place).collect(),
            forms: forms.into_iter().map(str::to_owned).collect(),
        }
    }
}

/// What of a word its bigrams are made of.
pub(super) fn unit_of(word: &str, stems: bool) -> &str {
    if stems { light_stem(word) } else { word }
}

/// The key of a pair of units.
pub(crate) fn bigram_key(left: u32, right: u32) -> u64 {
    u64::from(left) << 32 | u64::from(right)
}

fn count_alphabet(corpus: &TokenizedCorpus) -> Alphabet {
    let mut counts: BTreeMap<char, u64> = BTreeMap::new();
    for word in corpus.words() {
        for character in word.chars() {
            *counts.entry(character).or_insert(0) += 1;
        }
    }
    Alphabet::from_counts(&counts)
}

/// Things numbered as they come, with how often each was counted.
#[derive(Default)]
struct Counted {
    numbers: FxHashMap<u64, u32>,
    totals: Vec<u64>,
}

impl Counted {
    fn count(&mut self, key: u64, times: u32) -> u32 {
        let next = self.totals.len() as u32;
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            self.totals.push(0);
        }
        self.totals[number as usize] += u64::from(times);
        number
    }

    /// The keys counted at least `least` times, ascending, and for each number the place of its
    /// key among them, or [`NONE`].
    fn frequent(self, least: usize) -> (Vec<u64>, Vec<u32>) {
        let mut kept: Vec<(u64, u32)> = self
            .numbers
            .into_iter()
            .filter(|&(_, number)| self.totals[number as usize] >= least as u64)
            .collect();
        kept.sort_unstable();
        let mut places = vec![NONE; self.totals.len()];
        for (&(_, number), place) in kept.iter().zip(0..) {
            places[number as usize] = place;
        }
        (kept.into_iter().map(|(key, _)| key).collect(), places)
    }
}

/// The character n-grams that are frequent enough in the corpus, and for each word their places.
fn count_ngrams(
    settings: &FeatureSettings,
    alphabet: &Alphabet,
    corpus: &TokenizedCorpus,
    occurrences: &[u32],
) -> (Vec<u64>, Lists<u32>) {
    let (mut counted, mut numbered) = (
        Counted::default(),
        Lists::with_capacity(corpus.words().len()),
    );
    let mut codes = Vec::new();
    for (word, &times) in corpus.words_by_number().zip(occurrences) {
        alphabet.encode_into(word, &mut codes);
        for_each_key(
            &codes,
            settings.char_ngram_min,
            settings.char_ngram_max,
            |key| numbered.push(counted.count(key, times)),
        );
        numbered.end_list();
    }
    let (ngrams, places) = counted.frequent(settings.min_document_frequency);
    let mut listed = Lists::with_capacity(numbered.len());
    for numbers in numbered.iter() {
        let places = numbers.iter().map(|&number| places[number as usize]);
        let kept = places.filter(|&place| place != NONE);
        kept.for_each(|place| listed.push(place));
        listed.end_list();
    }
    (ngrams, listed)
}

/// The bigrams that are frequent enough in the corpus, and for each token the place of the one that
/// it starts.
fn count_bigrams(
    settings: &FeatureSettings,
    units: &Units,
    corpus: &TokenizedCorpus,
) -> (Vec<u64>, Vec<u32>) {
    let mut counted = Counted::default();
    let mut from = vec![NONE; corpus.tokens().len()];
    for sentence in 0..corpus.len() {
        let span = corpus.span(sentence);
        for (pair, start) in corpus.tokens()[span.clone()].windows(2).zip(span) {
            let unit = |word: u32| units.of_word[word as usize];
            from[start] = counted.count(bigram_key(unit(pair[0]), unit(pair[1])), 1);
        }
    }
    let (bigrams, places) = counted.frequent(settings.min_document_frequency);
    for from in from.iter_mut().filter(|from| **from != NONE) {
        *from = places[*from as usize];
    }
    (bigrams, from)
}
