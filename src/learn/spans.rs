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
        let scales: Vec<f32> = spans.iter().map(|span| space.scale(span.clone())).collect();
        // Values of a slot that comes more than once add up before they are squared.
        let mut sums = vec![0.0f32; space.slots()];
        let squared_norm = |(span, scale): (&Range<usize>, &f32)| {
            let mut norm = 0.0f64;
            space.for_each_value(span.clone(), |slot, value| {
                let sum = &mut sums[slot as usize];
                // (sum + value)² - sum²
                norm += f64::from(value * (value + 2.0 * *sum));
                *sum += value;
            });
            space.for_each_value(span.clone(), |slot, _| sums[slot as usize] = 0.0);
            norm * f64::from(*scale) * f64::from(*scale)
        };
        let squared_norms = spans.iter().zip(&scales).map(squared_norm).collect();
        Self {
            space,
            spans,
            scales,
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
