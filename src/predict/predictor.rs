//! A model compiled for prediction.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::fast::{self, FastScratch, FastWay};
use super::plain::{self, PlainScratch};
use super::scores::{RawScores, Steps};
use super::trace::LabelTrace;
use crate::features::{FeatureIndex, Vocabulary, window_around};
use crate::hash::hash_of_text;
use crate::model::{Header, Model, ModelHeads, effects};
use crate::scoring::{LabelTree, LeafPrediction, PriorShift, Weights};
use crate::text::{CodedReader, STEMMED_LETTERS, TextPipeline, Tokens};

/// A model compiled for prediction: shared by threads, never changed.
///
/// ```
/// use marsad::predict::{Predictor, Scratch};
///
/// let predictor = Predictor::new(marsad::built_in_model()?);
/// let mut scratch = Scratch::default(); // one a thread
/// let text = "دارت اشتباكات عنيفة بين الفصيلين في أطراف البلدة";
/// let prediction = predictor.predict(text, &mut scratch);
/// let clash = predictor.header().labels.iter().position(|label| label == "clash").unwrap();
/// assert!(prediction.holds[clash]);
/// assert!(prediction.probabilities[clash] >= predictor.header().thresholds[clash]);
/// let evidence = prediction.evidence[clash].clone().unwrap();
/// assert!(text[evidence].contains("اشتباكات"));
/// # Ok::<(), marsad::Error>(())
/// ```
#[derive(Debug)]
pub struct Predictor {
    compiled: Compiled,
    /// For models that can be scored the fast way.
    reader: Option<CodedReader>,
    tree: LabelTree,
    prior_shift: Option<PriorShift>,
    /// Tells this model's words in scratch objects from another's.
    number: u64,
}

/// Models compiled so far.
static COMPILED: AtomicU64 = AtomicU64::new(1);

/// What scoring a sentence needs.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) header: Header,
    pub(super) pipeline: TextPipeline,
    pub(super) index: FeatureIndex,
    pub(super) heads: ModelHeads,
    /// Of what is added to scores.
    score_steps: Steps,
    /// Of what is added to squared norms.
    norm_steps: Steps,
}

/// What is predicted for one sentence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prediction {
    /// Calibrated probability of each leaf label.
    pub probabilities: Vec<f64>,
    /// Whether each leaf label holds.
    pub holds: Vec<bool>,
    /// For each leaf label that holds: the bytes of the sentence in which it shows most.
    pub evidence: Vec<Option<Range<usize>>>,
}

/// Buffers of one thread, reused from sentence to sentence. What is remembered never changes a
/// result.
#[derive(Debug, Default)]
pub struct Scratch {
    fast: FastScratch,
    plain: PlainScratch,
    scores: RawScores,
    prediction: Prediction,
    /// Whether the last sentence was scored the fast way.
    is_fast: bool,
    /// The model whose words are remembered.
    number: u64,
}

impl Scratch {
    /// A fingerprint of the sentence that was predicted last, the same for sentences that are the
    /// same after folding.
    pub(super) fn fingerprint(&self) -> u64 {
        match self.is_fast {
            true => self.fast.tokens.fingerprint(),
            false => hash_of_text(self.plain.tokens.normalized()),
        }
    }

    /// The number of words of the sentence that was predicted last, signs not counted.
    pub(super) fn word_tokens(&self) -> usize {
        if self.is_fast {
            let tokens = self.fast.tokens.tokens().iter();
            return tokens.filter(|token| token.is_word).count();
        }
        let tokens = &self.plain.tokens;
        let is_word = |&token: &usize| tokens.form(token).contains(char::is_alphanumeric);
        (0..tokens.len()).filter(is_word).count()
    }
}

impl Compiled {
    /// The column of the first label's window; that of its sentences where windows were not learnt.
    pub(super) fn first_window_column(&self) -> usize {
        match self.header.mixes {
            Some(_) => self.header.labels.len(),
            None => 0,
        }
    }

    /// Writes what features add to the score of each column of weights before scaling.
    pub(super) fn add_up(&self, weights: &Weights, features: &[(u32, f32)], sums: &mut Vec<f32>) {
        sums.clear();
        sums.resize(weights.columns(), 0.0);
        for &(feature, value) in features {
            weights.add_row(feature as usize, value, sums);
        }
        weights.scale(sums);
        sums.iter_mut()
            .for_each(|sum| *sum = self.score_steps.round(*sum));
    }

    /// A squared norm as it is added up.
    pub(super) fn squared_norm(&self, exact: f32) -> f32 {
        self.norm_steps.round(exact)
    }

    /// Whether words are told apart by the codes of their characters, so that their form is not
    /// needed: every known word can be written with them, and so can what stems cut off.
    fn is_spelt_by_codes(&self) -> bool {
        let vocabulary = self.index.vocabulary();
        let cut_off = vocabulary.settings.stems.then_some(STEMMED_LETTERS);
        let known = vocabulary.words.iter().chain(vocabulary.units.iter());
        vocabulary.subwords.is_none() && vocabulary.alphabet.holds_all(known.chain(cut_off))
    }
}

impl Predictor {
    /// Compiles a model.
    pub fn new(model: Model) -> Self {
        let largest = match &model.heads {
            ModelHeads::Linear { weights, .. } => weights.largest(),
            ModelHeads::Forests(_) => 1.0,
        };
        let idf = model.vocabulary.idf.iter().filter(|&&idf| idf > 0.0);
        let smallest = idf.fold(1.0f32, |least, &idf| least.min(idf));
        let compiled = Compiled {
            score_steps: Steps::beside(largest),
            norm_steps: Steps::beside(smallest * smallest),
            pipeline: TextPipeline::new(&model.header.text),
            index: FeatureIndex::new(model.vocabulary),
            header: model.header,
            heads: model.heads,
        };
        let is_linear = matches!(compiled.heads, ModelHeads::Linear { .. });
        let reader = (is_linear && compiled.is_spelt_by_codes()).then(|| {
            let alphabet = &compiled.index.vocabulary().alphabet;
            CodedReader::new(&compiled.header.text, alphabet.codes().clone())
        });
        Self {
            tree: LabelTree::new(&compiled.header.labels),
            compiled,
            reader,
            prior_shift: None,
            number: COMPILED.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// The same predictor for text in which labels are as frequent as `priors` says, one share a
    /// leaf label from 0 to 1.
    pub fn with_priors(self, priors: &[f64]) -> Self {
        Self {
            prior_shift: Some(PriorShift::new(&self.compiled.header.priors, priors)),
            ..self
        }
    }

    /// The shares of the leaf labels that probabilities are given for.
    pub fn priors(&self) -> &[f64] {
        match &self.prior_shift {
            Some(shift) => shift.now(),
            None => &self.compiled.header.priors,
        }
    }

    /// What the model says about itself.
    pub fn header(&self) -> &Header {
        &self.compiled.header
    }

    /// The labels with their parents.
    pub fn tree(&self) -> &LabelTree {
        &self.tree
    }

    /// The text pipeline of the model.
    pub fn pipeline(&self) -> &TextPipeline {
        &self.compiled.pipeline
    }

    /// Predicts one sentence.
    pub fn predict<'s>(&self, sentence: &str, scratch: &'s mut Scratch) -> &'s Prediction {
        if scratch.number != self.number {
            *scratch = Scratch {
                number: self.number,
                ..Scratch::default()
            };
        }
        scratch.is_fast = self.reader.is_some();
        match self.fast_way() {
            Some(way) => way.score(sentence, &mut scratch.fast, &mut scratch.scores),
            None => {
                let scores = &mut scratch.scores;
                self.compiled
                    .score_plainly(sentence, &mut scratch.plain, scores);
            }
        }
        self.decide(&scratch.scores, &mut scratch.prediction);
        self.find_evidence(scratch);
        &scratch.prediction
    }

    /// Predicts the leaf labels of one sentence, with how far the decision is from falling the other
    /// way.
    pub fn predict_leaves(&self, sentence: &str, scratch: &mut Scratch) -> LeafPrediction {
        let Prediction {
            probabilities,
            holds,
            ..
        } = self.predict(sentence, scratch).clone();
        let header = self.header();
        LeafPrediction {
            margin: header.mode.margin(&probabilities, &header.thresholds),
            probabilities,
            holds,
        }
    }

    /// Decides anew on a prediction of the same model that was made before [`Self::with_priors`].
    pub(crate) fn decide_anew(&self, before: &LeafPrediction) -> LeafPrediction {
        let header = self.header();
        let mut probabilities = before.probabilities.clone();
        if let Some(shift) = &self.prior_shift {
            shift.adjust(header.mode, &mut probabilities);
        }
        LeafPrediction::decide(header.mode, probabilities, &header.thresholds)
    }

    /// For each leaf label the scores of a sentence, of its best window and of the assertion, and the
    /// raw score that they are mixed to.
    pub(crate) fn parts(&self, sentence: &str, scratch: &mut Scratch) -> Vec<([f64; 3], f64)> {
        self.predict(sentence, scratch);
        let parts = scratch.scores.parts.iter().copied();
        parts.zip(scratch.scores.raw.iter().copied()).collect()
    }

    /// Predicts a sentence, and takes the scores of its leaf labels apart.
    pub(crate) fn trace<'s>(
        &self,
        sentence: &str,
        scratch: &'s mut Scratch,
    ) -> (&'s Prediction, Vec<LabelTrace>, &'s Tokens) {
        self.predict(sentence, scratch);
        let traces = self.compiled.trace(sentence, &mut scratch.plain);
        (&scratch.prediction, traces, &scratch.plain.tokens)
    }

    /// Predicts a sentence, with the raw scores of its leaf labels.
    pub(crate) fn predict_with_scores<'s>(
        &self,
        sentence: &str,
        scratch: &'s mut Scratch,
    ) -> (&'s Prediction, &'s [f64]) {
        self.predict(sentence, scratch);
        (&scratch.prediction, &scratch.scores.raw)
    }

    /// The features with their effects on a leaf label; see [`Model::effects`].
    pub(crate) fn effects(&self, label: usize) -> Vec<(usize, f32)> {
        effects(self.header(), self.vocabulary(), self.heads(), label)
    }

    /// The features of the model.
    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        self.compiled.index.vocabulary()
    }

    /// The scorers of the model.
    pub(crate) fn heads(&self) -> &ModelHeads {
        &self.compiled.heads
    }

    fn fast_way(&self) -> Option<FastWay<'_>> {
        let ModelHeads::Linear {
            weights,
            biases,
            assertion,
        } = &self.compiled.heads
        else {
            return None;
        };
        Some(FastWay {
            compiled: &self.compiled,
            reader: self.reader.as_ref()?,
            weights,
            biases,
            assertion,
        })
    }

    /// From raw scores to probabilities and labels.
    fn decide(&self, scores: &RawScores, prediction: &mut Prediction) {
        let header = &self.compiled.header;
        let calibrated = header.calibrations.iter().zip(&scores.raw);
        prediction.probabilities.clear();
        prediction
            .probabilities
            .extend(calibrated.map(|(calibration, &score)| calibration.probability(score)));
        header.mode.normalize(&mut prediction.probabilities);
        if let Some(shift) = &self.prior_shift {
            shift.adjust(header.mode, &mut prediction.probabilities);
        }
        header.mode.decide(
            &prediction.probabilities,
            &header.thresholds,
            &mut prediction.holds,
        );
    }

    /// For each leaf label the bytes of a sentence in which it shows most, whether it holds or not.
    pub(crate) fn windows(
        &self,
        sentence: &str,
        scratch: &mut Scratch,
    ) -> Vec<Option<Range<usize>>> {
        self.predict(sentence, scratch);
        let middles = scratch.scores.middles.iter();
        middles
            .map(|&middle| self.span_around(middle, scratch))
            .collect()
    }

    fn find_evidence(&self, scratch: &mut Scratch) {
        let mut evidence = std::mem::take(&mut scratch.prediction.evidence);
        evidence.clear();
        let holds = scratch.prediction.holds.iter();
        let of_labels = holds.zip(&scratch.scores.middles);
        evidence.extend(
            of_labels
                .map(|(&held, &middle)| held.then(|| self.span_around(middle, scratch)).flatten()),
        );
        scratch.prediction.evidence = evidence;
    }

    /// The bytes of the window around a word of the sentence that was predicted last.
    fn span_around(&self, middle: usize, scratch: &Scratch) -> Option<Range<usize>> {
        let radius = self.compiled.header.window_radius;
        if self.reader.is_some() {
            let tokens = scratch.fast.tokens.tokens();
            let window = window_around(middle, radius, tokens.len());
            return fast::span_of_words(&tokens[window]);
        }
        let tokens = &scratch.plain.tokens;
        let window = window_around(middle, radius, tokens.len());
        (!tokens.is_empty()).then(|| plain::span_of_words(tokens, window))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;
    use crate::corpus::{CorpusReader, read_bundled};
    use crate::scoring::WeightBits;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static BUILT_IN: LazyLock<Predictor> =
        LazyLock::new(|| Predictor::new(crate::built_in_model().unwrap()));

    /// Both ways give the same labels and windows, and the same scores to 1e-5.
    fn agree(predictor: &Predictor, sentence: &str, scratch: &mut Scratch) {
        predictor.predict(sentence, scratch);
        let fast = scratch.prediction.clone();
        let mut scores = RawScores::default();
        let compiled = &predictor.compiled;
        compiled.score_plainly(sentence, &mut scratch.plain, &mut scores);
        for (fast, plain) in scratch.scores.raw.iter().zip(&scores.raw) {
            assert!((fast - plain).abs() < 1e-5, "{fast} {plain} {sentence}");
        }
        assert_eq!(scratch.scores.middles, scores.middles, "{sentence}");
        let mut by_the_book = Prediction::default();
        predictor.decide(&scores, &mut by_the_book);
        assert_eq!(fast.holds, by_the_book.holds, "{sentence}");
        let tokens = &scratch.plain.tokens;
        for (label, span) in fast.evidence.iter().enumerate() {
            let window = window_around(
                scores.middles[label],
                compiled.header.window_radius,
                tokens.len(),
            );
            let expected = by_the_book.holds[label] && !tokens.is_empty();
            let expected = expected.then(|| plain::span_of_words(tokens, window));
            assert_eq!(span, &expected, "{sentence}");
        }
    }

    #[test]
    fn the_fast_way_agrees_on_the_whole_corpus() {
        assert!(BUILT_IN.reader.is_some());
        let corpus = read_bundled(&CorpusReader::default()).unwrap();
        let mut scratch = Scratch::default();
        for record in corpus.records() {
            agree(&BUILT_IN, &record.text, &mut scratch);
        }
        for sentences in [400, 4_000] {
            let long = corpus.records()[..sentences].iter().map(|r| &*r.text);
            agree(&BUILT_IN, &long.collect::<Vec<_>>().join(" "), &mut scratch);
        }
    }

    /// The first sentences of the corpus, with as many labels that mean nothing.
    fn small_corpus(labels: usize) -> crate::corpus::Corpus {
        let corpus = read_bundled(&CorpusReader::default()).unwrap();
        let records = corpus.records().iter().take(300).enumerate();
        let lines: Vec<String> = records
            .map(|(row, record)| {
                let label = format!("label{}", row % labels);
                serde_json::json!({"text": record.text, "labels": [label], "doc": row}).to_string()
            })
            .collect();
        let bytes: &'static [u8] = Box::leak(lines.join("\n").into_boxed_str()).as_bytes();
        let reader = CorpusReader::default();
        reader.read_memory(&[("small.jsonl", bytes)]).unwrap()
    }

    #[test]
    fn the_fast_way_agrees_for_other_settings() {
        for (labels, window_words, single_label, bits) in [
            (10, 0, false, WeightBits::Four),
            (10, 3, false, WeightBits::Eight),
            (3, 1001, false, WeightBits::Eight),
            (3, 9, true, WeightBits::Four),
        ] {
            let corpus = small_corpus(labels);
            let mut settings = Settings::default();
            settings.learner.window_words = window_words;
            settings.training.single_label = single_label;
            settings.training.folds = 2;
            settings.training.bootstrap_samples = 0;
            let mut model = crate::training::train(&corpus, &settings, &|_| ()).unwrap();
            model.heads = model.heads.with_bits(bits);
            let predictor = Predictor::new(model);
            assert!(predictor.reader.is_some());
            let mut scratch = Scratch::default();
            for record in corpus.records() {
                agree(&predictor, &record.text, &mut scratch);
            }
        }
    }

    #[test]
    fn a_scratch_object_serves_several_models() {
        let sentence = "شنت طائرات حربية غارات على أطراف المدينة";
        let other = {
            let mut settings = Settings::default();
            settings.training.folds = 2;
            settings.training.bootstrap_samples = 0;
            Predictor::new(crate::training::train(&small_corpus(2), &settings, &|_| ()).unwrap())
        };
        let mut scratch = Scratch::default();
        for predictor in [&*BUILT_IN, &other, &*BUILT_IN] {
            let fresh = predictor.predict(sentence, &mut Scratch::default()).clone();
            assert_eq!(predictor.predict(sentence, &mut scratch), &fresh);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn the_fast_way_agrees_on_random_words(
            words in prop::collection::vec("[ابتجحدرسصطعغفقكلمنهوي]{1,6}|قصف|غارة|اشتباك|على|،|\\.|[0-9]{1,3}|\\PC{0,4}", 0..60)
        ) {
            agree(&BUILT_IN, &words.join(" "), &mut Scratch::default());
        }
    }
}
