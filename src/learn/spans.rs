//! Rows that are never written out: neighbouring words of a corpus as lists of their slots.

use std::ops::Range;

use super::descent::Rows;
use crate::features::FeatureSpace;

/// Sentences or windows of a corpus as rows.
pub(super) struct SpanRows<'a> {
    pub(super) space: &'a FeatureSpace<'a>,
    /// Where each row stands in the tokens of the corpus.
    pub(super) spans: Vec<Range<usize>>,
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

    /// The rows with weights of 0 for some lanes.
    pub(super) fn weighted<const LANES: usize>(&self) -> WeightedSpans<'_, LANES> {
        WeightedSpans {
            rows: self,
            weights: vec![[0.0; LANES]; self.space.slots()],
        }
    }
}

/// Squared norms of rows: values of a slot that comes more than once add up before they are squared.
pub(super) struct SquaredNorms<'a> {
    space: &'a FeatureSpace<'a>,
    sums: Vec<f32>,
}

impl<'a> SquaredNorms<'a> {
    pub(super) fn new(space: &'a FeatureSpace<'a>) -> Self {
        Self {
            space,
            sums: vec![0.0; space.slots()],
        }
    }

    pub(super) fn of(&mut self, span: Range<usize>) -> f64 {
        let scale = f64::from(self.space.scale(span.clone()));
        let mut norm = 0.0;
        self.space.for_each_value(span.clone(), |slot, value| {
            let sum = &mut self.sums[slot as usize];
            // (sum + value)² - sum²
            norm += f64::from(value * (value + 2.0 * *sum));
            *sum += value;
        });
        (self.space).for_each_value(span, |slot, _| self.sums[slot as usize] = 0.0);
        norm * scale * scale
    }
}

/// Rows with the weights of some lanes, those of one slot next to each other.
pub(super) struct WeightedSpans<'a, const LANES: usize> {
    rows: &'a SpanRows<'a>,
    pub(super) weights: Vec<[f32; LANES]>,
}

impl<const LANES: usize> Rows<LANES> for WeightedSpans<'_, LANES> {
    fn scores(&self, row: usize) -> [f64; LANES] {
        let mut sums = [0.0f32; LANES];
        let span = self.rows.spans[row].clone();
        self.rows.space.for_each_value(span, |slot, value| {
            let weights = &self.weights[slot as usize];
            for lane in 0..LANES {
                sums[lane] += weights[lane] * value;
            }
        });
        sums.map(|sum| f64::from(sum * self.rows.scales[row]))
    }

    fn all_scores(&self) -> Vec<[f64; LANES]> {
        let space = self.rows.space;
        let add = |sums: &mut [f32; LANES], slot: u32, value: f32| {
            let weights = &self.weights[slot as usize];
            for lane in 0..LANES {
                sums[lane] += weights[lane] * value;
            }
        };
        let of_words: Vec<[f32; LANES]> = (0..space.words())
            .map(|word| {
                let mut sums = [0.0; LANES];
                let values = space.values_of_word(word).iter();
                values.for_each(|&(slot, value)| add(&mut sums, slot, value));
                sums
            })
            .collect();
        let of_row = |(span, &scale): (&Range<usize>, &f32)| {
            let mut sums = [0.0; LANES];
            for &word in space.words_in(span.clone()) {
                for lane in 0..LANES {
                    sums[lane] += of_words[word as usize][lane];
                }
            }
            space.for_each_bigram(span.clone(), |slot, value| add(&mut sums, slot, value));
            sums.map(|sum: f32| f64::from(sum * scale))
        };
        self.rows
            .spans
            .iter()
            .zip(&self.rows.scales)
            .map(of_row)
            .collect()
    }

    fn add(&mut self, row: usize, multiples: &[f64; LANES]) {
        let scale = f64::from(self.rows.scales[row]);
        let multiples = multiples.map(|multiple| (multiple * scale) as f32);
        let span = self.rows.spans[row].clone();
        self.rows.space.for_each_value(span, |slot, value| {
            let weights = &mut self.weights[slot as usize];
            for lane in 0..LANES {
                weights[lane] += multiples[lane] * value;
            }
        });
    }
}
