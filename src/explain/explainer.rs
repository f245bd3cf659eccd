//! Taking decisions apart.

use std::collections::BTreeMap;
use std::ops::Range;

use super::letters::{LetterSums, Letters};
use super::{Contribution, Explanation, LabelExplanation, Method, Parts, Rest, Span, Weighted};
use crate::features::{FeatureName, role_name};
use crate::model::ModelHeads;
use crate::predict::{LabelTrace, Predictor, Scratch, Source, Term};

/// The family of what the assertion's scorer reads.
const ASSERTION: &str = "assertion";

/// Words above which the effect of leaving each out is not measured: it takes as many predictions.
const MOST_WORDS_LEFT_OUT: usize = 400;

/// Explains what a predictor decides; shared by threads.
#[derive(Clone, Copy, Debug)]
pub struct Explainer<'p> {
    pub(super) predictor: &'p Predictor,
}

impl<'p> Explainer<'p> {
    /// An explainer of what a predictor decides.
    pub fn new(predictor: &'p Predictor) -> Self {
        Self { predictor }
    }

    /// What the values of words are for this model.
    pub fn method(&self) -> Method {
        match self.predictor.heads() {
            ModelHeads::Linear { .. } => Method::Additive,
            ModelHeads::Forests(_) => Method::LeaveOneOut,
        }
    }

    /// Explains the decision on each leaf label of a sentence.
    pub fn explain(&self, sentence: &str, scratch: &mut Scratch) -> Explanation {
        let (prediction, traces, tokens) = self.predictor.trace(sentence, scratch);
        let letters = Letters::new(sentence, tokens);
        let evidence = |window: &Range<usize>| {
            let has_words = !tokens.is_empty();
            has_words.then(|| letters.span(&crate::predict::span_of_words(tokens, window.clone())))
        };
        let header = self.predictor.header();
        let labels = traces.iter().enumerate().map(|(label, trace)| {
            let [sentence, window, assertion] = trace.parts;
            LabelExplanation {
                label: header.labels[label].clone(),
                probability: prediction.probabilities[label],
                threshold: header.thresholds[label],
                holds: prediction.holds[label],
                score: trace.score,
                bias: trace.bias,
                parts: Parts {
                    sentence,
                    window,
                    assertion,
                },
                evidence: evidence(&trace.window),
                trigger: trace.trigger.map(|token| letters.span_of_token(token)),
                words: Vec::new(),
                letters: Vec::new(),
                contributions: Vec::new(),
                rest: Rest::default(),
            }
        });
        let mut labels: Vec<LabelExplanation> = labels.collect();
        match self.method() {
            Method::Additive => {
                for (label, trace) in labels.iter_mut().zip(&traces) {
                    self.add_contributions(label, trace, &letters);
                }
            }
            Method::LeaveOneOut => self.leave_out(sentence, &letters, &mut labels, scratch),
        }
        Explanation {
            text: sentence.to_owned(),
            method: self.method(),
            labels,
        }
    }

    /// Gathers the terms of a label by feature, by word and by letter.
    fn add_contributions(
        &self,
        label: &mut LabelExplanation,
        trace: &LabelTrace,
        letters: &Letters,
    ) {
        let mut sums = LetterSums::new(letters);
        let mut by_source: BTreeMap<Source, Contribution> = BTreeMap::new();
        for term in &trace.terms {
            let contribution = by_source
                .entry(term.source)
                .or_insert_with(|| self.contribution(term.source));
            contribution.value += term.value;
            for (piece, share) in shares(term, letters) {
                sums.add(piece, share);
                contribution.spans.push(Weighted {
                    span: letters.span_of(piece),
                    value: share,
                });
            }
        }
        label.words = sums.words();
        label.letters = sums.letters();
        label.contributions = by_source.into_values().collect();
        let by_strength =
            |a: &Contribution, b: &Contribution| b.value.abs().total_cmp(&a.value.abs());
        // A stable sort: equal ones stay in the order of the features.
        label.contributions.sort_by(by_strength);
    }

    fn contribution(&self, source: Source) -> Contribution {
        let vocabulary = self.predictor.vocabulary();
        let (feature, family, role) = match source {
            Source::Feature(feature) => {
                let name = vocabulary.name(feature as usize);
                let family = name.as_ref().map_or("", FeatureName::family);
                (name.map(|name| name.to_string()), family, None)
            }
            Source::Role { unit, role } => {
                let stem = vocabulary.units.get(unit as usize).map(str::to_owned);
                (stem, ASSERTION, Some(role_name(role).to_owned()))
            }
        };
        Contribution {
            feature: feature.unwrap_or_default(),
            family: family.to_owned(),
            role,
            value: 0.0,
            spans: Vec::new(),
        }
    }

    /// For models that have no shares: by how much each score falls without each word.
    fn leave_out(
        &self,
        sentence: &str,
        letters: &Letters,
        labels: &mut [LabelExplanation],
        scratch: &mut Scratch,
    ) {
        if letters.tokens() > MOST_WORDS_LEFT_OUT {
            return;
        }
        for token in 0..letters.tokens() {
            let span = letters.span_of_token(token);
            let without = without(sentence, &[span]);
            let parts = self.predictor.parts(&without, scratch);
            for (label, (_, score)) in labels.iter_mut().zip(parts) {
                let value = label.score - score;
                label.words.push(Weighted { span, value });
            }
        }
    }
}

/// A text with a space in place of some parts, which do not overlap and are in order.
pub(super) fn without(text: &str, parts: &[Span]) -> String {
    let mut left = String::with_capacity(text.len());
    let mut at = 0;
    for part in parts {
        left.push_str(text.get(at..part.bytes[0]).unwrap_or_default());
        left.push(' ');
        at = part.bytes[1];
    }
    left.push_str(text.get(at..).unwrap_or_default());
    left
}

/// The pieces that a term stands in, each with its share: as many letters, as large a share.
fn shares<'t>(
    term: &'t Term,
    letters: &Letters,
) -> impl Iterator<Item = (&'t crate::predict::Piece, f64)> {
    let pieces = [Some(&term.piece), term.second.as_ref()];
    let all: usize = pieces.iter().flatten().map(|p| letters.letters(p)).sum();
    let value = term.value / all.max(1) as f64;
    let counted = pieces.map(|piece| piece.map(|piece| (piece, letters.letters(piece))));
    counted
        .into_iter()
        .flatten()
        .map(move |(piece, count)| (piece, value * count as f64))
}
