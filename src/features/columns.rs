//! Candidates that stand in the same words, as one column.
//!
//! An n-gram such as the ends of a long word often stands in one word only, or in the same few as
//! another. Where two candidates stand in the same words as often, their columns in a table of
//! words are the same, and so are their document frequencies in any sentences. A learner that is
//! penalised by the squared norm of its weights gives both the same weight, so it may learn one
//! column for both, larger by the root of their number, and divide the weight afterwards.

use rustc_hash::FxHashMap;

/// No candidate, no column, no feature.
pub(super) const NONE: u32 = u32::MAX;

/// Numbers listed for each of some things, in one array.
#[derive(Debug, Default)]
pub(super) struct Lists<T> {
    ends: Vec<usize>,
    items: Vec<T>,
}

impl<T> Lists<T> {
    pub(super) fn with_capacity(lists: usize) -> Self {
        Self {
            ends: Vec::with_capacity(lists),
            items: Vec::new(),
        }
    }

    /// Appends an item to the list that is being made.
    pub(super) fn push(&mut self, item: T) {
        self.items.push(item);
    }

    /// Ends the list that is being made.
    pub(super) fn end_list(&mut self) {
        self.ends.push(self.items.len());
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, index: usize) -> &[T] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.items[start..self.ends[index]]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[T]> {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// The columns of a corpus.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// For each candidate its column; [`NONE`] where it stands in no word. Candidates of one column
    /// stand in the same words.
    pub(super) of_candidate: Vec<u32>,
    /// Number of columns.
    pub(super) count: usize,
    /// For each word its columns, ascending, repeated as often as a candidate of the column stands
    /// in the word.
    pub(super) of_word: Lists<u32>,
}

impl Columns {
    /// Finds the columns of `candidates` candidates; `listed` are the candidates of each word,
    /// repeated as often as they occur in it, and `occurrences` tells how often each word occurs:
    /// frequent columns get low numbers, so that what is used often lies together.
    pub(super) fn find(candidates: usize, listed: &Lists<u32>, occurrences: &[u32]) -> Self {
        // Equal sums of 128 random bits a word mean equal words.
        let mut signatures = vec![0u128; candidates];
        let mut totals = vec![0u64; candidates];
        let mut counted = Lists::with_capacity(listed.len());
        let mut of_word = Vec::new();
        for (word, listed) in listed.iter().enumerate() {
            of_word.clear();
            of_word.extend_from_slice(listed);
            of_word.sort_unstable();
            for same in of_word.chunk_by(|a, b| a == b) {
                let (candidate, count) = (same[0], same.len() as u32);
                let signature = &mut signatures[candidate as usize];
                *signature = signature.wrapping_add(random_bits(word, count));
                totals[candidate as usize] += u64::from(occurrences[word]);
                counted.push((candidate, count));
            }
            counted.end_list();
        }
        let mut numbers: FxHashMap<u128, u32> = FxHashMap::default();
        let mut column_totals = Vec::new();
        let mut of_candidate: Vec<u32> = signatures
            .iter()
            .zip(&totals)
            .map(|(&signature, &total)| {
                if total == 0 {
                    return NONE;
                }
                *numbers.entry(signature).or_insert_with(|| {
                    column_totals.push(total);
                    column_totals.len() as u32 - 1
                })
            })
            .collect();
        let mut order: Vec<u32> = (0..column_totals.len() as u32).collect();
        order.sort_by_key(|&column| std::cmp::Reverse(column_totals[column as usize]));
        let mut place = vec![0; order.len()];
        for (&column, number) in order.iter().zip(0..) {
            place[column as usize] = number;
        }
        for column in of_candidate.iter_mut().filter(|column| **column != NONE) {
            *column = place[*column as usize];
        }
        let mut by_word = Lists::with_capacity(listed.len());
        let mut columns: Vec<(u32, u32)> = Vec::new();
        for counted in counted.iter() {
            columns.clear();
            let column = |candidate: u32| of_candidate[candidate as usize];
            columns.extend(counted.iter().map(|&(c, count)| (column(c), count)));
            columns.sort_unstable();
            columns.dedup();
            for &(column, count) in &columns {
                (0..count).for_each(|_| by_word.push(column));
            }
            by_word.end_list();
        }
        Self {
            of_candidate,
            count: order.len(),
            of_word: by_word,
        }
    }
}

/// Two rounds of SplitMix64 (Steele, Lea and Flood 2014) for a word and a count.
fn random_bits(word: usize, count: u32) -> u128 {
    let mix = |mut bits: u64| {
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    };
    let seed = (word as u64) << 32 | u64::from(count);
    let high = mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15));
    let low = mix(high.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ seed.rotate_left(32));
    u128::from(high) << 64 | u128::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_of_the_same_words_are_one_column() {
        let mut listed = Lists::with_capacity(3);
        for word in [&[0, 1, 2, 2, 5][..], &[1, 0, 3], &[2, 2, 5]] {
            word.iter().for_each(|&candidate| listed.push(candidate));
            listed.end_list();
        }
        let columns = Columns::find(6, &listed, &[1, 1, 7]);
        // 0 and 1 stand in the first two words; 2 stands twice where 5 stands once; 4 nowhere.
        let of = &columns.of_candidate;
        assert_eq!(of[0], of[1]);
        assert!(of[2] != of[5] && of[0] != of[2] && of[4] == NONE);
        assert_eq!(columns.count, 4);
        assert_eq!(of[3], 3, "the rarest column comes last");
        let (twice, once) = (of[2], of[5]);
        let mut of_third = [twice, twice, once];
        of_third.sort_unstable();
        assert_eq!(columns.of_word.get(2), of_third);
        assert_eq!(columns.of_word.get(1).len(), 2);
    }
}
