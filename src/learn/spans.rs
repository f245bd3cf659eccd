//! Rows that are never written out: neighbouring words of a corpus as lists of their slots.

use std::ops::Range;

use super::descent::Rows;
use crate::features::FeatureSpace;

/// Sentences or windows of a corpus as rows.
pub(super) struct SpanRows<'a> {
    space: &'a FeatureSpace<'a>,
    /// Where each row stands in the tokens of the corpus.
    spans: Vec<Range<usize>>,
    /// What the values of each row are multiplied by.
    scales: Vec<f32>,
    pub(super) squared_norms: Vec<f64>,
}

impl<'a> SpanRows<'a> {
    pub(super) fn new(space: &'a FeatureSpace<'a>, spans: Vec<Range<usize>>) -> Self {
        let mut norms = SquaredNorms::new(space);
        let of_spans = spans.iter().map(|span| norms.of(span.clone())).collect();
        Self::with_norms(space, spans, of_spans)
    }

    /// Rows whose squared norms are known.
    pub(super) fn with_norms(
        space: &'a FeatureSpace<'a>,
        spans: Vec<Range<usize>>,
        squared_norms: Vec<f64>,
    ) -> Self {
        Self {
            space,
            scales: spans.iter().map(|span| space.scale(span.clone())).collect(),
            spans,
            squared_norms,
        }
    }

    /// The rows with effects of 0 for `PLACES - 1` lanes.
    pub(super) fn weighted<const PLACES: usize>(&self) -> WeightedSpans<'_, PLACES> {
        let of_slot = |&square: &f32| {
            let mut slot = [0.0; PLACES];
            slot[PLACES - 1] = square;
            slot
        };
        WeightedSpans {
            rows: self,
            effects: self.space.squares().iter().map(of_slot).collect(),
            slots: Vec::new(),
        }
    }
}

/// Squared norms of rows.
pub(super) struct SquaredNorms<'a> {
    space: &'a FeatureSpace<'a>,
    /// For each slot its square and how often it was met.
    met: Vec<[f32; 2]>,
    slots: Vec<u32>,
}

impl<'a> SquaredNorms<'a> {
    pub(super) fn new(space: &'a FeatureSpace<'a>) -> Self {
        Self {
            space,
            met: space
                .squares()
                .iter()
                .map(|&square| [square, 0.0])
                .collect(),
            slots: Vec::new(),
        }
    }

    pub(super) fn of(&mut self, span: Range<usize>) -> f64 {
        let scale = f64::from(self.space.scale(span.clone()));
        self.space.slots_into(span, &mut self.slots);
        let mut norm = 0.0;
        for &slot in &self.slots {
            // Occurrences add up before they are squared: (n + 1)² - n².
            let [square, met] = &mut self.met[slot as usize];
            norm += f64::from(*square * (1.0 + 2.0 * *met));
            *met += 1.0;
        }
        for &slot in &self.slots {
            self.met[slot as usize][1] = 0.0;
        }
        norm * scale * scale
    }
}

/// Rows with the effects of their slots in some lanes.
///
/// A weight times the value of an occurrence is an effect. Effects, not weights, are kept: a score
/// is then a plain sum, and a step adds the square of the value instead of the value. The square
/// stands behind the effects of the slot, in the place of a last lane that no row belongs to.
pub(super) struct WeightedSpans<'a, const PLACES: usize> {
    rows: &'a SpanRows<'a>,
    effects: Vec<[f32; PLACES]>,
    /// Those of the row last scored.
    slots: Vec<u32>,
}

impl<const PLACES: usize> WeightedSpans<'_, PLACES> {
    /// The effect of a slot in a lane.
    pub(super) fn effect(&self, slot: usize, lane: usize) -> f64 {
        f64::from(self.effects[slot][lane])
    }

    fn sum(&self, slots: &[u32]) -> [f32; PLACES] {
        // Two sums, so that one addition need not wait for the other.
        let (mut even, mut odd) = ([0.0; PLACES], [0.0; PLACES]);
        let pairs = slots.chunks_exact(2);
        if let &[last] = pairs.remainder() {
            even = self.effects[last as usize];
        }
        for pair in pairs {
            let effects = [pair[0], pair[1]].map(|slot| &self.effects[slot as usize]);
            for lane in 0..PLACES {
                even[lane] += effects[0][lane];
                odd[lane] += effects[1][lane];
            }
        }
        std::array::from_fn(|lane| even[lane] + odd[lane])
    }
}

impl<const PLACES: usize> Rows<PLACES> for WeightedSpans<'_, PLACES> {
    fn scores(&mut self, row: usize) -> [f64; PLACES] {
        let mut slots = std::mem::take(&mut self.slots);
        let span = self.rows.spans[row].clone();
        self.rows.space.slots_into(span, &mut slots);
        let sums = self.sum(&slots);
        self.slots = slots;
        sums.map(|sum| f64::from(sum * self.rows.scales[row]))
    }

    fn all_scores(&self) -> Vec<[f64; PLACES]> {
        let space = self.rows.space;
        let of_words: Vec<[f32; PLACES]> = (0..space.words())
            .map(|word| self.sum(space.slots_of_word(word)))
            .collect();
        let of_row = |(span, &scale): (&Range<usize>, &f32)| {
            let mut sums = [0.0; PLACES];
            let mut add = |effects: &[f32; PLACES]| {
                for lane in 0..PLACES {
                    sums[lane] += effects[lane];
                }
            };
            let words = space.words_in(span.clone()).iter();
            words.for_each(|&word| add(&of_words[word as usize]));
            let bigrams = space.bigrams_in(span.clone());
            bigrams.for_each(|slot| add(&self.effects[slot as usize]));
            sums.map(|sum: f32| f64::from(sum * scale))
        };
        let rows = self.rows.spans.iter().zip(&self.rows.scales);
        rows.map(of_row).collect()
    }

    fn add(&mut self, row: usize, multiples: &[f64; PLACES]) {
        let scale = f64::from(self.rows.scales[row]);
        let mut steps = multiples.map(|multiple| (multiple * scale) as f32);
        steps[PLACES - 1] = 0.0;
        for &slot in &self.slots {
            let effects = &mut self.effects[slot as usize];
            let square = effects[PLACES - 1];
            for lane in 0..PLACES {
                effects[lane] += steps[lane] * square;
            }
        }
    }

    fn add_unseen(&mut self, row: usize, multiples: &[f64; PLACES]) {
        let mut slots = std::mem::take(&mut self.slots);
        let span = self.rows.spans[row].clone();
        self.rows.space.slots_into(span, &mut slots);
        self.slots = slots;
        self.add(row, multiples);
    }
}
