//! Texts that are nearly the same, found without comparing each with each.
//!
//! Two texts are near-duplicates where they share most of their character 5-grams (Jaccard
//! similarity), after all spellings are folded and signs left off. Candidates come from MinHash
//! (Broder 1997) with banded locality-sensitive hashing (Leskovec, Rajaraman and Ullman, *Mining of
//! Massive Datasets*, chapter 3); each is then compared exactly, so that no pair is near by chance.
//! Of pairs right at the threshold less than one in a hundred is overlooked, of more similar ones
//! far fewer; but where hundreds of texts from one mould share a band, each is compared only with some
//! of them (see `SMALL_BUCKET`), so that pairs in such masses may be overlooked, though not the mass.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::error::{Error, Result};
use crate::hash::mix;
use crate::text::Normalizer;

/// Characters of a shingle.
const SHINGLE: usize = 5;

/// Most hash functions of a signature.
const MOST_HASHES: usize = 256;

/// Of pairs right at the threshold at least so many are to be found.
const WANTED_RECALL: f64 = 0.99;

/// In buckets of more texts each is compared only with one of each group found there, and with at
/// most `MOST_LEADERS` of these: a mass of texts from one mould stays linear.
const SMALL_BUCKET: usize = 48;
const MOST_LEADERS: usize = 32;

/// The least similarity of near-duplicates, from 0.3 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold(f64);

impl Threshold {
    /// Checks a threshold.
    ///
    /// # Errors
    /// When it lies outside 0.3 to 1: below, nearly everything is a candidate.
    pub fn new(share: f64) -> Result<Self> {
        match (0.3..=1.0).contains(&share) {
            true => Ok(Self(share)),
            false => Err(Error::Setting {
                name: "similarity",
                value: share.to_string(),
                allowed: "from 0.3 to 1",
            }),
        }
    }

    /// The share of common character 5-grams.
    pub fn share(self) -> f64 {
        self.0
    }
}

impl Default for Threshold {
    /// Four fifths of the 5-grams: a sentence told again with a word or two changed.
    fn default() -> Self {
        Self(0.8)
    }
}

/// What texts share: sets of hashed shingles, one after the other, each sorted.
#[derive(Debug, Default)]
struct ShingleSets {
    starts: Vec<usize>,
    shingles: Vec<u32>,
}

impl ShingleSets {
    fn new(texts: &[&str]) -> Self {
        let sets: Vec<Vec<u32>> = texts.par_iter().map(|text| shingles(text)).collect();
        let mut all = Self::default();
        sets.iter().for_each(|set| all.push(set));
        all
    }

    fn push(&mut self, set: &[u32]) {
        self.starts.push(self.shingles.len());
        self.shingles.extend_from_slice(set);
    }

    fn of(&self, text: usize) -> &[u32] {
        let start = self.starts.get(text).copied().unwrap_or(0);
        let end = self.starts.get(text + 1).copied();
        let end = end.unwrap_or(self.shingles.len());
        self.shingles.get(start..end).unwrap_or_default()
    }
}

/// Letters and digits of a folded text with single spaces between words, as sorted hashes of its
/// 5-grams; a shorter text is one shingle.
fn shingles(text: &str) -> Vec<u32> {
    let normalized = Normalizer::default().normalize(text);
    let mut letters: Vec<u32> = Vec::with_capacity(text.len());
    for character in normalized.text().chars() {
        if character.is_alphanumeric() {
            letters.extend(character.to_lowercase().map(u32::from));
        } else if letters.last().is_some_and(|&last| last != u32::from(' ')) {
            letters.push(u32::from(' '));
        }
    }
    if letters.last() == Some(&u32::from(' ')) {
        letters.pop();
    }
    let hash = |shingle: &[u32]| {
        let hash = shingle.iter().fold(0, |hash, &l| mix(hash, u64::from(l)));
        (hash >> 32) as u32
    };
    let mut set: Vec<u32> = match letters.len() {
        0 => Vec::new(),
        1..=SHINGLE => vec![hash(&letters)],
        _ => letters.windows(SHINGLE).map(hash).collect(),
    };
    set.sort_unstable();
    set.dedup();
    set
}

/// The Jaccard similarity of two sorted sets; 0 where one is empty.
fn jaccard(left: &[u32], right: &[u32]) -> f64 {
    let (mut at, mut of, mut common) = (left.iter().peekable(), right.iter().peekable(), 0usize);
    while let (Some(&&a), Some(&&b)) = (at.peek(), of.peek()) {
        common += usize::from(a == b);
        if a <= b {
            at.next();
        }
        if b <= a {
            of.next();
        }
    }
    let all = left.len() + right.len() - common;
    match common {
        0 => 0.0,
        _ => common as f64 / all as f64,
    }
}

/// Bands of hash functions.
#[derive(Clone, Debug)]
struct Bands {
    /// Functions of a band.
    width: usize,
    bands: usize,
    /// A factor and a summand each.
    functions: Vec<(u64, u64)>,
}

impl Bands {
    /// The widest bands, so the fewest false candidates, with which texts just as similar as
    /// `threshold` are found.
    fn new(threshold: Threshold) -> Self {
        let recall = |width: usize, bands: usize| {
            1.0 - (1.0 - threshold.0.powi(width as i32)).powi(bands as i32)
        };
        let bands_for = |width: usize| {
            (1..=MOST_HASHES / width).find(|&bands| recall(width, bands) >= WANTED_RECALL)
        };
        let widest = (1..=12)
            .rev()
            .find_map(|width| Some((width, bands_for(width)?)));
        let (width, bands) = widest.unwrap_or((1, MOST_HASHES));
        let functions = (0..(width * bands) as u64).map(|at| (mix(1, at) | 1, mix(2, at)));
        Self {
            width,
            bands,
            functions: functions.collect(),
        }
    }

    /// A key for each band: texts with a common key are candidates. None for an empty set.
    fn keys(&self, set: &[u32]) -> Option<Vec<u64>> {
        if set.is_empty() {
            return None;
        }
        let least = |&(factor, summand): &(u64, u64)| {
            let hashes = set.iter().map(|&shingle| {
                u64::from(shingle)
                    .wrapping_mul(factor)
                    .wrapping_add(summand)
            });
            hashes.map(|hash| hash >> 32).min().unwrap_or(0)
        };
        let keys = self.functions.chunks(self.width).map(|band| {
            let signature = band.iter().map(least);
            signature.fold(band.len() as u64, mix)
        });
        Some(keys.collect())
    }
}

/// Groups of texts in which each is nearly the same as another.
#[derive(Debug)]
pub struct NearDuplicates {
    threshold: Threshold,
    sets: ShingleSets,
    /// For each text the first of its group.
    first: Vec<usize>,
}

/// Finds the near-duplicates among texts. Groups are closed: where a text resembles two others, all
/// three are one group. The same texts in the same order give the same groups, for any number of threads.
pub fn near_duplicates(texts: &[&str], threshold: Threshold) -> NearDuplicates {
    let sets = ShingleSets::new(texts);
    let bands = Bands::new(threshold);
    let keys: Vec<Option<Vec<u64>>> = (0..texts.len())
        .into_par_iter()
        .map(|text| bands.keys(sets.of(text)))
        .collect();
    let mut groups = Groups::new(texts.len());
    for band in 0..bands.bands {
        let mut placed: Vec<(u64, usize)> = (keys.iter().enumerate())
            .filter_map(|(text, keys)| Some((*keys.as_ref()?.get(band)?, text)))
            .collect();
        placed.par_sort_unstable();
        for bucket in placed.chunk_by(|left, right| left.0 == right.0) {
            if bucket.len() > 1 {
                compare_bucket(bucket, &sets, threshold, &mut groups);
            }
        }
    }
    NearDuplicates {
        threshold,
        first: (0..texts.len()).map(|text| groups.first(text)).collect(),
        sets,
    }
}

/// Joins the texts of a bucket that are near-duplicates.
fn compare_bucket(
    bucket: &[(u64, usize)],
    sets: &ShingleSets,
    threshold: Threshold,
    groups: &mut Groups,
) {
    let small = bucket.len() <= SMALL_BUCKET;
    let mut leaders: Vec<usize> = Vec::new();
    for &(_, text) in bucket {
        let mut is_new = true;
        for &leader in &leaders {
            if groups.first(leader) == groups.first(text) {
                is_new = false;
            } else if jaccard(sets.of(leader), sets.of(text)) >= threshold.0 {
                groups.join(leader, text);
                is_new = false;
            }
        }
        if small || (is_new && leaders.len() < MOST_LEADERS) {
            leaders.push(text);
        }
    }
}

impl NearDuplicates {
    /// The first text of the group that a text belongs to; itself where it resembles none before.
    pub fn first_of(&self, text: usize) -> usize {
        self.first[text]
    }

    /// The groups of two and more texts, in the order of their first.
    pub fn groups(&self) -> Vec<Vec<usize>> {
        let mut of_first: std::collections::BTreeMap<usize, Vec<usize>> = Default::default();
        for (text, &first) in self.first.iter().enumerate() {
            of_first.entry(first).or_default().push(text);
        }
        of_first.into_values().filter(|g| g.len() > 1).collect()
    }

    /// The share of common character 5-grams of two texts.
    pub fn similarity(&self, left: usize, right: usize) -> f64 {
        jaccard(self.sets.of(left), self.sets.of(right))
    }

    /// The most similar of some texts, the first among equals, where it is near enough.
    pub fn nearest(&self, text: usize, among: &[usize]) -> Option<(usize, f64)> {
        let others = among.iter().filter(|&&other| other != text);
        let mut best: Option<(usize, f64)> = None;
        for &other in others {
            let similarity = self.similarity(text, other);
            if similarity >= self.threshold.0 && best.is_none_or(|(_, most)| similarity > most) {
                best = Some((other, similarity));
            }
        }
        best
    }
}

/// Texts that others are compared with one by one, as they come.
#[derive(Debug)]
pub struct NearIndex {
    threshold: Threshold,
    bands: Bands,
    sets: ShingleSets,
    buckets: FxHashMap<u64, Vec<u32>>,
}

impl NearIndex {
    /// An index without texts.
    pub fn new(threshold: Threshold) -> Self {
        Self {
            threshold,
            bands: Bands::new(threshold),
            sets: ShingleSets::default(),
            buckets: FxHashMap::default(),
        }
    }

    /// What is compared of a text.
    pub(super) fn prepare(&self, text: &str) -> Prepared {
        let shingles = shingles(text);
        let keys = self.bands.keys(&shingles).unwrap_or_default();
        let numbered = keys.into_iter().zip(0..);
        Prepared {
            keys: numbered.map(|(key, band)| mix(key, band)).collect(),
            shingles,
        }
    }

    /// Adds a text.
    pub(super) fn add(&mut self, text: &Prepared) {
        let place = self.sets.starts.len() as u32;
        self.sets.push(&text.shingles);
        for &key in &text.keys {
            let bucket = self.buckets.entry(key).or_default();
            if bucket.len() < SMALL_BUCKET {
                bucket.push(place);
            }
        }
    }

    /// The most similar of the texts that were added, by its number in that order, where it is near enough;
    /// the first among equals.
    pub(super) fn nearest(&self, text: &Prepared) -> Option<(usize, f64)> {
        let buckets = text.keys.iter().filter_map(|key| self.buckets.get(key));
        let mut places: Vec<u32> = buckets.flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        let mut best: Option<(usize, f64)> = None;
        for place in places.into_iter().map(|place| place as usize) {
            let similarity = jaccard(self.sets.of(place), &text.shingles);
            if similarity >= self.threshold.0 && best.is_none_or(|(_, most)| similarity > most) {
                best = Some((place, similarity));
            }
        }
        best
    }

    /// Whether a text of the index is nearly the same.
    pub(super) fn holds(&self, text: &Prepared) -> bool {
        let buckets = text.keys.iter().filter_map(|key| self.buckets.get(key));
        buckets
            .flatten()
            .any(|&place| jaccard(self.sets.of(place as usize), &text.shingles) >= self.threshold.0)
    }
}

/// A text as it is compared.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    keys: Vec<u64>,
    pub(super) shingles: Vec<u32>,
}

impl Prepared {
    /// A hash of all shingles: the same for texts that differ in nothing that is compared.
    pub(super) fn set_hash(&self) -> u64 {
        let shingles = self.shingles.iter();
        shingles.fold(self.shingles.len() as u64, |hash, &s| {
            mix(hash, u64::from(s))
        })
    }

    /// The share of common character 5-grams.
    pub(super) fn similarity(&self, other: &Self) -> f64 {
        jaccard(&self.shingles, &other.shingles)
    }
}

/// Disjoint groups, each named after its first member.
#[derive(Debug)]
pub(super) struct Groups {
    parents: Vec<usize>,
}

impl Groups {
    pub(super) fn new(members: usize) -> Self {
        Self {
            parents: (0..members).collect(),
        }
    }

    /// The first member of a member's group.
    pub(super) fn first(&mut self, mut member: usize) -> usize {
        while self.parents[member] != member {
            self.parents[member] = self.parents[self.parents[member]];
            member = self.parents[member];
        }
        member
    }

    /// Makes one group of two.
    pub(super) fn join(&mut self, left: usize, right: usize) {
        let (left, right) = (self.first(left), self.first(right));
        self.parents[left.max(right)] = left.min(right);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NEWS: &str =
        "قصفت المدفعية أطراف البلدة مساء أمس ما أدى إلى سقوط عدد من الجرحى بين المدنيين";

    #[test]
    fn spellings_and_signs_do_not_count() {
        let other = NEWS.replace('ة', "ه").replace("أمس", "أمــس،") + "!";
        let unlike = "زار الوزير سوق المدينة القديم وتفقد أعمال الترميم فيه صباح اليوم الخميس";
        let texts = [NEWS, unlike, &other, "", "!!", "قصف", "قصف."];
        let found = near_duplicates(&texts, Threshold::default());
        assert_eq!(found.groups(), [vec![0, 2], vec![5, 6]]);
        assert_eq!(found.similarity(0, 2), 1.0);
        assert_eq!(found.nearest(2, &[0, 1, 2]), Some((0, 1.0)));
        assert_eq!(found.nearest(1, &[0, 2]), None);
    }

    #[test]
    fn thousands_of_one_mould_are_one_group() {
        let texts: Vec<String> = (0..3000).map(|n| format!("{NEWS} رقم {n}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let found = near_duplicates(&texts, Threshold::default());
        assert_eq!(found.groups().len(), 1);
        assert_eq!(found.groups()[0].len(), 3000);
    }

    #[test]
    fn an_index_knows_what_was_added() {
        let mut index = NearIndex::new(Threshold::default());
        let text = index.prepare(NEWS);
        assert!(!index.holds(&text));
        index.add(&text);
        assert!(index.holds(&index.prepare(&NEWS.replace("عدد من", "عدد"))));
        assert!(!index.holds(&index.prepare("زار الوزير سوق المدينة القديم")));
        assert!(Threshold::new(0.1).is_err() && Threshold::new(f64::NAN).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// What comparing each with each finds is found.
        #[test]
        fn groups_are_those_of_all_pairs(
            picks in proptest::collection::vec((0usize..4, 0usize..12, 0usize..12), 2..24),
        ) {
            let words: Vec<&str> = NEWS.split(' ').collect();
            let texts: Vec<String> = picks
                .iter()
                .map(|&(moves, left, right)| {
                    let mut words = words.clone();
                    words.rotate_left(3 * moves);
                    words.swap(left % 14, right % 14);
                    words.join(" ")
                })
                .collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let threshold = Threshold::new(0.6).unwrap();
            let found = near_duplicates(&texts, threshold);
            let mut expected = Groups::new(texts.len());
            for left in 0..texts.len() {
                for right in 0..left {
                    if found.similarity(left, right) >= 0.8 {
                        expected.join(left, right);
                    }
                }
            }
            // Of pairs so far above the threshold one in sixty millions is missed.
            for text in 0..texts.len() {
                let first = expected.first(text);
                prop_assert_eq!(found.first_of(text), found.first_of(first));
            }
            for group in found.groups() {
                for &text in &group {
                    prop_assert!(found.nearest(text, &group).is_some());
                }
            }
        }
    }
}
