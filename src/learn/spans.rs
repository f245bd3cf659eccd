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

#[cfg(test)]
mod tests {
    use super::super::descent::{Descent, Side};
    use super::super::dual::{DualCoordinateDescent, Loss};
    use super::*;
    use crate::features::{Candidates, FeatureSettings, TokenizedCorpus};
    use crate::text::{TextPipeline, TextSettings};
    use linfa::ParamGuard;
    use proptest::prelude::*;

    const WORDS: [&str; 7] = ["قصف", "القصف", "وقصفت", "سوق", "السوق", "زار", "غارة"];

    fn corpus(sentences: &[Vec<usize>]) -> TokenizedCorpus {
        let texts = sentences.iter().map(|sentence| {
            let words: Vec<&str> = sentence.iter().map(|&word| WORDS[word]).collect();
            words.join(" ")
        });
        let texts: Vec<String> = texts.collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        TokenizedCorpus::new(&TextPipeline::new(&TextSettings::default()), &texts)
    }

    fn with_space(sentences: &[Vec<usize>], check: impl Fn(&FeatureSpace<'_>)) {
        let corpus = corpus(sentences);
        let candidates = Candidates::new(&FeatureSettings::default(), &corpus).unwrap();
        let all: Vec<usize> = (0..sentences.len()).collect();
        check(&FeatureSpace::fit(&candidates, &corpus, &all));
    }

    fn rows<'a>(space: &'a FeatureSpace<'a>, count: usize) -> SpanRows<'a> {
        SpanRows::new(
            space,
            (0..count).map(|sentence| space.span(sentence)).collect(),
        )
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-4 * (1.0 + a.abs())
    }

    proptest! {
        #[test]
        fn rows_are_those_written_out(
            sentences in prop::collection::vec(prop::collection::vec(0..WORDS.len(), 0..9), 2..9),
            multiples in prop::collection::vec(-2.0..2.0f64, 9),
        ) {
            with_space(&sentences, |space| {
                let rows = rows(space, sentences.len());
                let written = space.rows(&(0..sentences.len()).collect::<Vec<_>>());
                let mut weighted = rows.weighted::<2>();
                let mut weights = vec![0.0; space.len()];
                for (row, &multiple) in (0..sentences.len()).zip(&multiples) {
                    weighted.add_unseen(row, &[multiple, 0.0]);
                    written[row].iter().for_each(|(feature, value)| {
                        weights[feature] += multiple * value;
                    });
                }
                let found = space.weights(|slot| weighted.effect(slot, 0));
                assert!(found.iter().zip(&weights).all(|(&a, &b)| close(a, b)));
                let scorer = space.scorer(space.effects(&weights));
                let together = weighted.all_scores();
                for (row, written) in written.iter().enumerate() {
                    let expected = written.dot(&weights);
                    assert!(close(rows.squared_norms[row], written.squared_norm()));
                    assert!(close(weighted.scores(row)[0], expected));
                    assert!(close(together[row][0], expected));
                    assert!(close(scorer.score(space.span(row)), expected));
                }
            });
        }
    }

    /// Forty sentences, of which some hold each of three labels.
    fn problem() -> (Vec<Vec<usize>>, Vec<[bool; 3]>) {
        let sentence = |row: usize| vec![row % 7, row % 5, row % 3, (row / 7) % 7];
        let holds = |row: usize| [row % 7 < 3, row % 5 == 1, row % 12 > 8];
        (
            (0..40).map(sentence).collect(),
            (0..40).map(holds).collect(),
        )
    }

    /// Weights of one lane of a fit.
    fn fit<const PLACES: usize>(
        space: &FeatureSpace<'_>,
        loss: Loss,
        sides: &[[Side; PLACES]],
        lane: usize,
        start: Vec<[f64; PLACES]>,
    ) -> Vec<f64> {
        let parameters = DualCoordinateDescent::new(space.len(), loss).tolerance(1e-4);
        let parameters = parameters.max_iterations(5000).check().unwrap();
        let rows = rows(space, sides.len());
        let weighted = rows.weighted::<PLACES>();
        let fitted = Descent::new(&parameters, weighted, &rows.squared_norms, sides, start).run();
        let mut weights = space.weights(|slot| fitted.rows.effect(slot, lane));
        weights.push(fitted.bias[lane]);
        weights
    }

    fn assert_same(a: &[f64], b: &[f64]) {
        let far = a
            .iter()
            .zip(b)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        assert!(far < 2e-3, "{far}");
    }

    #[test]
    fn lanes_are_the_fits_one_by_one() {
        let (sentences, holds) = problem();
        with_space(&sentences, |space| {
            for loss in [Loss::SquaredHinge, Loss::Logistic] {
                // The second label is open in every eighth row.
                let side = |row: usize, lane: usize| match row % 8 == 1 && lane == 1 {
                    true => Side::Open,
                    false => holds[row][lane].into(),
                };
                let lanes = |row| [side(row, 0), side(row, 1), side(row, 2), Side::Open];
                let together: Vec<[Side; 4]> = (0..holds.len()).map(lanes).collect();
                for lane in 0..3 {
                    let one = |row| [side(row, lane), Side::Open];
                    let alone: Vec<[Side; 2]> = (0..holds.len()).map(one).collect();
                    let together = fit(space, loss, &together, lane, Vec::new());
                    let alone = fit(space, loss, &alone, 0, Vec::new());
                    assert!(alone.iter().any(|weight| weight.abs() > 0.1));
                    assert_same(&together, &alone);
                }
            }
        });
    }

    #[test]
    fn any_start_leads_to_the_same_end() {
        let (sentences, holds) = problem();
        let sides: Vec<[Side; 2]> = holds
            .iter()
            .map(|row| [row[0].into(), Side::Open])
            .collect();
        with_space(&sentences, |space| {
            for loss in [Loss::SquaredHinge, Loss::Logistic] {
                let start = (0..40).map(|row| [f64::from(row % 4) - 1.0, 0.0]).collect();
                let warm = fit(space, loss, &sides, 0, start);
                assert_same(&fit(space, loss, &sides, 0, Vec::new()), &warm);
            }
        });
    }
}
