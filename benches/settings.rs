//! Which settings win out of fold on the bundled corpus: `cargo bench --bench settings -- [FILE] [WORD…]`.
//!
//! Prints the table of `benches/README.md`: for each variant of the defaults the figures of five-fold
//! cross-validation by document, the share of the challenge set's sentences and pairs that are right,
//! and the macro-F1 on a file of other annotated sentences, if one is given. Words behind the file choose the
//! variants whose names hold one of them.

use std::path::PathBuf;

use marsad::corpus::{Contradictions, Corpus, CorpusReader, read_bundled};
use marsad::evaluate::{Bootstrap, Judged, Report};
use marsad::learn::{CalibrationKind, ClassWeights, LearnerKind};
use marsad::model::Model;
use marsad::predict::{Predictor, Scratch};
use marsad::training::train;
use marsad::{Result, Settings};

type Change = fn(&mut Settings);

/// Each variant changes the defaults in one respect.
const NO_INTERVALS: Bootstrap = Bootstrap {
    samples: 0,
    seed: 1,
};

const VARIANTS: &[(&str, Change)] = &[
    ("defaults", |_| ()),
    ("whole sentences only", |s| s.learner.window_words = 0),
    ("assertion of the trigger not learnt", |s| {
        s.learner.assertion = false
    }),
    ("windows of 5 words", |s| s.learner.window_words = 5),
    ("windows of 13 words", |s| s.learner.window_words = 13),
    ("windows chosen once", |s| s.learner.window_rounds = 1),
    ("no stems, bigrams of words", |s| s.features.stems = false),
    ("bigrams weigh as much as the rest", |s| {
        s.features.bigram_weight = 1.0
    }),
    ("no bigrams", |s| s.features.word_bigrams = false),
    ("no char n-grams", |s| s.features.char_ngram_min = 0),
    ("char n-grams 2–6", |s| s.features.char_ngram_max = 6),
    ("BPE of 4,000 tokens added", |s| s.features.subwords = 4000),
    ("no words", |s| s.features.words = false),
    ("C = 0.3", |s| s.learner.c = Some(0.3)),
    ("C = 3", |s| s.learner.c = Some(3.0)),
    ("class weights: none", |s| {
        s.learner.class_weights = ClassWeights::None
    }),
    ("class weights: balanced", |s| {
        s.learner.class_weights = ClassWeights::Balanced
    }),
    ("isotonic calibration", |s| {
        s.training.calibration = CalibrationKind::Isotonic
    }),
    ("complement naive Bayes", |s| {
        s.learner.kind = LearnerKind::ComplementNb
    }),
    ("logistic regression, C = 30", |s| {
        s.learner.kind = LearnerKind::Logistic
    }),
];

fn main() -> Result<()> {
    let corpus = read_bundled(&CorpusReader::default())?;
    let reader = CorpusReader::new(Default::default(), Contradictions::Keep);
    let repository = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let challenge = reader.read(&[repository.join("data/challenge/minimal-pairs.jsonl")])?;
    // Cargo adds an argument of its own.
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"));
    let other = arguments.next();
    let words: Vec<String> = arguments.collect();
    let other = other.map(|path| reader.read(&[path.into()])).transpose()?;
    println!(
        "| variant | macro-F1 | child labels | mean average precision | challenge: sentences | pairs | other file |\n|---|---|---|---|---|---|---|"
    );
    let chosen = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word));
    for (name, change) in VARIANTS.iter().filter(|(name, _)| chosen(name)) {
        let mut settings = Settings::default();
        change(&mut settings);
        settings.training.bootstrap_samples = 0;
        let model = train(&corpus, &settings, &|_| ())?;
        let report = model.header().provenance.out_of_fold.clone();
        let pairs = judged(&model, &challenge).total(NO_INTERVALS);
        let other = other.as_ref().map_or_else(
            || "–".to_owned(),
            |other| {
                let report = Report::measure(&judged(&model, other), 0, 1);
                format!("{:.3}", report.top.macro_f1.value)
            },
        );
        println!(
            "| {name} | {:.4} | {:.4} | {:.4} | {:.3} | {:.3} | {other} |",
            report.top.macro_f1.value,
            report.leaves.macro_f1.value,
            mean_average_precision(&report),
            pairs.exact_match.value,
            pairs.exact_documents.value
        );
    }
    Ok(())
}

fn judged(model: &Model, corpus: &Corpus) -> Judged {
    let predictor = Predictor::new(model.clone());
    let mut scratch = Scratch::default();
    let records = corpus.records().iter();
    let predictions: Vec<_> = records
        .map(|record| predictor.predict_leaves(&record.text, &mut scratch))
        .collect();
    let tree = predictor.tree().clone();
    Judged::new(
        tree,
        predictor.header().mode,
        corpus.records(),
        &predictions,
    )
}

fn mean_average_precision(report: &Report) -> f64 {
    let leaves = report.labels.iter().filter(|label| !label.parent);
    let precisions: Vec<f64> = leaves.map(|label| label.average_precision).collect();
    precisions.iter().sum::<f64>() / precisions.len() as f64
}
