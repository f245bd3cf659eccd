//! Rows of sentences by a vocabulary, words remembered in bounded memory.

use rustc_hash::FxHashMap;

use super::candidates::bigram_key;
use super::index::{FeatureIndex, WordFeatures};
use super::sentence_words::SentenceWords;
use super::vocabulary::Vocabulary;

/// Words that are remembered before all are forgotten.
const MOST_WORDS: usize = 7 << 14;
/// Features of remembered words, all together, before all are forgotten.
const MOST_FEATURES: usize = 1 << 21;

/// Makes rows of new sentences. What is remembered never changes a row.
#[derive(Debug)]
pub(crate) struct RowMaker {
    index: FeatureIndex,
    /// For each feature its place when the most frequent come first.
    ranks: Vec<u32>,
    words: FxHashMap<Box<str>, Remembered>,
    /// The features of the remembered words, one word after the other.
    features: Vec<(u32, f32)>,
    codes: Vec<u8>,
    found: WordFeatures,
}

#[derive(Clone, Copy, Debug)]
struct Remembered {
    start: u32,
    end: u32,
    unit: Option<u32>,
    squared_norm: f32,
}

impl RowMaker {
    pub(crate) fn new(vocabulary: Vocabulary) -> Self {
        let mut order: Vec<u32> = (0..vocabulary.idf.len() as u32).collect();
        let idf = |feature: u32| vocabulary.idf[feature as usize];
        order.sort_unstable_by(|&a, &b| idf(a).total_cmp(&idf(b)).then(a.cmp(&b)));
        let mut ranks = vec![0; order.len()];
        for (&feature, rank) in order.iter().zip(0..) {
            ranks[feature as usize] = rank;
        }
        Self {
            index: FeatureIndex::new(vocabulary),
            ranks,
            words: FxHashMap::default(),
            features: Vec::new(),
            codes: Vec::new(),
            found: WordFeatures::default(),
        }
    }

    /// The vocabulary again.
    pub(crate) fn into_vocabulary(self) -> Vocabulary {
        self.index.into_vocabulary()
    }

    /// What is known of each feature, in the order of the vocabulary, from the order of rows.
    pub(crate) fn in_order<T: Copy>(&self, by_rank: &[T], columns: usize) -> Vec<T> {
        let of_feature = |&rank: &u32| &by_rank[rank as usize * columns..][..columns];
        self.ranks.iter().flat_map(of_feature).copied().collect()
    }

    /// Writes the features of a sentence into `pairs`, word by word, so that one may be there
    /// several times, and gives the factor of their values. Features have the numbers of their
    /// ranks by frequency: what is looked up most then lies close together.
    pub(crate) fn row(&mut self, sentence: &SentenceWords, pairs: &mut Vec<(u32, f32)>) -> f32 {
        pairs.clear();
        let (mut squared_norm, mut before) = (0.0, None);
        for word in sentence.iter() {
            let word = self.remember(word);
            pairs.extend_from_slice(&self.features[word.start as usize..word.end as usize]);
            squared_norm += word.squared_norm;
            let bigram = before
                .zip(word.unit)
                .map(|(left, right)| bigram_key(left, right));
            if let Some((feature, value)) = bigram.and_then(|key| self.index.bigram(key)) {
                pairs.push((self.ranks[feature as usize], value));
                squared_norm += value * value;
            }
            before = word.unit;
        }
        match squared_norm > 0.0 {
            true => squared_norm.sqrt().recip(),
            false => 1.0,
        }
    }

    fn remember(&mut self, word: &str) -> Remembered {
        if let Some(&known) = self.words.get(word) {
            return known;
        }
        if self.words.len() >= MOST_WORDS || self.features.len() >= MOST_FEATURES {
            self.words.clear();
            self.features.clear();
        }
        let alphabet = &self.index.vocabulary().alphabet;
        alphabet.encode_into(word, &mut self.codes);
        self.index.find_features(word, &self.codes, &mut self.found);
        let found = &self.found;
        let start = self.features.len() as u32;
        let ranked = found.features.iter();
        (self.features)
            .extend(ranked.map(|&(feature, value)| (self.ranks[feature as usize], value)));
        let remembered = Remembered {
            start,
            end: self.features.len() as u32,
            unit: found.unit,
            squared_norm: found.squared_norm,
        };
        self.words.insert(word.into(), remembered);
        remembered
    }
}
