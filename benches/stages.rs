//! What each stage costs on the bundled corpus: `cargo bench --bench stages`.

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use marsad::Settings;
use marsad::corpus::{Corpus, CorpusReader, read_bundled};
use marsad::features::{Candidates, FeatureSpace, TokenizedCorpus};
use marsad::predict::{Predictor, Scratch};
use marsad::text::{Normalized, Normalizer, SentenceSplitter, TextPipeline, Tokens};
use marsad::training::train;

fn main() {
    divan::main();
}

fn corpus() -> Corpus {
    read_bundled(&CorpusReader::default()).expect("the bundled corpus reads")
}

/// The first `count` sentences of the corpus.
fn sentences(count: usize) -> Vec<String> {
    let corpus = corpus();
    let records = corpus.records().iter().take(count);
    records.map(|record| record.text.clone()).collect()
}

fn bytes(sentences: &[String]) -> BytesCount {
    BytesCount::new(sentences.iter().map(String::len).sum::<usize>())
}

#[divan::bench(args = [1000])]
fn normalize_sentences(bencher: Bencher, count: usize) {
    let sentences = sentences(count);
    let normalizer = Normalizer::default();
    let mut normalized = Normalized::default();
    bencher.counter(bytes(&sentences)).bench_local(|| {
        for sentence in &sentences {
            normalizer.normalize_into(sentence, &mut normalized);
        }
    });
}

#[divan::bench(args = [1000])]
fn split_text_of_sentences(bencher: Bencher, count: usize) {
    let text = sentences(count).join(" ");
    let splitter = SentenceSplitter::default();
    let size = BytesCount::new(text.len());
    bencher
        .counter(size)
        .bench_local(|| splitter.split(&text).len());
}

#[divan::bench(args = [1000])]
fn tokenize_sentences(bencher: Bencher, count: usize) {
    let sentences = sentences(count);
    let pipeline = TextPipeline::new(&Settings::default().text);
    let mut tokens = Tokens::default();
    bencher.counter(bytes(&sentences)).bench_local(|| {
        for sentence in &sentences {
            pipeline.tokenize_into(sentence, &mut tokens);
        }
    });
}

#[divan::bench(args = [1000, 8000], sample_count = 10)]
fn fit_features_of_sentences(bencher: Bencher, count: usize) {
    let sentences = sentences(count);
    let texts: Vec<&str> = sentences.iter().map(String::as_str).collect();
    let settings = Settings::default();
    let tokenized = TokenizedCorpus::new(&TextPipeline::new(&settings.text), &texts);
    let all: Vec<usize> = (0..texts.len()).collect();
    bencher.counter(ItemsCount::new(count)).bench_local(|| {
        let candidates = Candidates::new(&settings.features, &tokenized).expect("features");
        FeatureSpace::fit(&candidates, &tokenized, &all).len()
    });
}

#[divan::bench]
fn load_and_compile_model(bencher: Bencher) {
    bencher.bench_local(|| Predictor::new(marsad::built_in_model().expect("a model")));
}

#[divan::bench(args = [1000])]
fn predict_sentences(bencher: Bencher, count: usize) {
    let sentences = sentences(count);
    let predictor = Predictor::new(marsad::built_in_model().expect("a model"));
    let mut scratch = Scratch::default();
    bencher.counter(bytes(&sentences)).bench_local(|| {
        for sentence in &sentences {
            predictor.predict(sentence, &mut scratch);
        }
    });
}

#[divan::bench(sample_count = 3)]
fn train_on_bundled_corpus_with_5_folds(bencher: Bencher) {
    let corpus = corpus();
    let settings = Settings::default();
    bencher.bench_local(|| train(&corpus, &settings, &|_| ()).expect("a model"));
}
