//! Which settings win out of fold on the bundled corpus: `cargo bench --bench settings`.
//!
//! Prints the table of `benches/README.md`: for each variant of the defaults the means over two
//! seeds of five-fold cross-validation by document.

use marsad::corpus::{Corpus, CorpusReader, read_bundled};
use marsad::learn::{CalibrationKind, ClassWeights, LearnerKind};
use marsad::training::train;
use marsad::{Result, Settings};

const SEEDS: [u64; 2] = [1, 2];

type Change = fn(&mut Settings);

/// Each variant changes the defaults in one respect.
const VARIANTS: &[(&str, Change)] = &[
    ("defaults", |_| ()),
    ("learner: logistic, C = 30", |s| {
        s.learner.kind = LearnerKind::Logistic;
    }),
    ("learner: complement naive Bayes", |s| {
        s.learner.kind = LearnerKind::ComplementNb;
    }),
    ("learner: multinomial naive Bayes", |s| {
        s.learner.kind = LearnerKind::MultinomialNb;
    }),
    ("C = 0.3", |s| s.learner.c = Some(0.3)),
    ("C = 3", |s| s.learner.c = Some(3.0)),
    ("class weights: none", |s| {
        s.learner.class_weights = ClassWeights::None
    }),
    ("class weights: balanced", |s| {
        s.learner.class_weights = ClassWeights::Balanced
    }),
    ("windows: none, whole sentences only", |s| {
        s.learner.window_words = 0
    }),
    ("windows of 6 words", |s| s.learner.window_words = 6),
    ("windows of 10 words", |s| s.learner.window_words = 10),
    ("windows chosen twice", |s| s.learner.window_rounds = 2),
    ("char n-grams: none", |s| s.features.char_ngram_min = 0),
    ("char n-grams 2–4", |s| s.features.char_ngram_max = 4),
    ("char n-grams 2–6", |s| s.features.char_ngram_max = 6),
    ("char n-grams 3–5", |s| s.features.char_ngram_min = 3),
    ("words: none", |s| s.features.words = false),
    ("word bigrams: none", |s| s.features.word_bigrams = false),
    ("char n-grams alone", |s| {
        s.features.words = false;
        s.features.word_bigrams = false;
    }),
    ("BPE of 4,000 tokens added", |s| s.features.subwords = 4000),
    ("BPE of 8,000 tokens alone", |s| {
        s.features.subwords = 8000;
        s.features.char_ngram_min = 0;
        s.features.words = false;
        s.features.word_bigrams = false;
    }),
    ("document frequency at least 1", |s| {
        s.features.min_document_frequency = 1
    }),
    ("document frequency at least 3", |s| {
        s.features.min_document_frequency = 3
    }),
    ("signs are tokens or not, the other way", |s| {
        s.text.tokens.signs ^= true
    }),
    ("digits kept", |s| s.text.tokens.mask_digits = false),
    ("letters not folded (ا ي ه)", |s| {
        s.text.folds.alef = false;
        s.text.folds.alef_maqsura = false;
        s.text.folds.ta_marbuta = false;
    }),
    ("isotonic calibration", |s| {
        s.training.calibration = CalibrationKind::Isotonic
    }),
];

fn main() -> Result<()> {
    let corpus = read_bundled(&CorpusReader::default())?;
    println!("| variant | macro-F1 | child labels | mean average precision |\n|---|---|---|---|");
    for (name, change) in VARIANTS {
        let [top, leaves, precision] = measure(&corpus, *change)?;
        println!("| {name} | {top:.4} | {leaves:.4} | {precision:.4} |");
    }
    Ok(())
}

/// Macro-F1 over labels without a parent, over labels without a child, and the mean average
/// precision of the latter.
fn measure(corpus: &Corpus, change: Change) -> Result<[f64; 3]> {
    let mut sums = [0.0; 3];
    for seed in SEEDS {
        let mut settings = Settings::default();
        change(&mut settings);
        settings.training.seed = seed;
        settings.training.bootstrap_samples = 0;
        let model = train(corpus, &settings, &|_| ())?;
        let report = &model.header().provenance.out_of_fold;
        let leaves: Vec<_> = report.labels.iter().filter(|label| !label.parent).collect();
        let precision = leaves
            .iter()
            .map(|label| label.average_precision)
            .sum::<f64>();
        sums[0] += report.top.macro_f1.value;
        sums[1] += report.leaves.macro_f1.value;
        sums[2] += precision / leaves.len() as f64;
    }
    Ok(sums.map(|sum| sum / SEEDS.len() as f64))
}
