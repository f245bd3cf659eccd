//! What each stage costs on the bundled corpus: `cargo bench --bench stages`.

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use marsad::Settings;
use marsad::corpus::{Corpus, CorpusReader, read_bundled};
use marsad::features::{Candidates, FeatureSpace, TokenizedCorpus};
use marsad::predict::{
    Input, InputFields, InputFormat, Labelled, OutputRow, Predictor, RowFormat, RowLayout, Scratch,
    TextFormat, Unit,
};
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

/// Reading, look-up and windows, with all words met before.
#[divan::bench(args = [1000, 20_000])]
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

/// The same with no word met before: features of each are looked up.
#[divan::bench(args = [1000, 20_000])]
fn predict_sentences_of_new_words(bencher: Bencher, count: usize) {
    let sentences = sentences(count);
    let predictor = Predictor::new(marsad::built_in_model().expect("a model"));
    bencher.counter(bytes(&sentences)).bench_local(|| {
        let mut scratch = Scratch::default();
        for sentence in &sentences {
            predictor.predict(sentence, &mut scratch);
        }
    });
}

/// One sentence of so many words: mostly windows.
#[divan::bench(args = [27, 1000, 100_000])]
fn predict_one_sentence_of_words(bencher: Bencher, count: usize) {
    let text = sentences(5_000).join(" ");
    let words: Vec<&str> = text.split(' ').take(count).collect();
    let sentence = words.join(" ");
    let predictor = Predictor::new(marsad::built_in_model().expect("a model"));
    let mut scratch = Scratch::default();
    bencher
        .counter(BytesCount::new(sentence.len()))
        .bench_local(|| predictor.predict(&sentence, &mut scratch).holds.len());
}

/// A file with the first `count` sentences of the corpus, each made into a line.
fn file_of_sentences(
    count: usize,
    name: &str,
    line: impl Fn(&str) -> String,
) -> (tempfile::TempDir, std::path::PathBuf, BytesCount) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    let lines: String = sentences(count).iter().map(|text| line(text)).collect();
    std::fs::write(&path, &lines).expect("a file");
    (folder, path, BytesCount::new(lines.len()))
}

/// Reads a file and gives the number of its units.
fn read_units(path: &std::path::Path) -> usize {
    let fields = InputFields::default();
    let mut input = Input::open(path, InputFormat::Auto, &fields, 8).expect("an input");
    let mut units = 0;
    while let Some(batch) = input.next_batch().expect("a batch") {
        units += batch.units().count();
    }
    units
}

#[divan::bench(args = [8000])]
fn read_json_lines_of_sentences(bencher: Bencher, count: usize) {
    let line = |text: &str| format!("{}\n", serde_json::json!({"id": 1, "text": text}));
    let (_folder, path, size) = file_of_sentences(count, "rows.jsonl", line);
    bencher.counter(size).bench_local(|| read_units(&path));
}

#[divan::bench(args = [8000])]
fn read_escaped_json_lines_of_sentences(bencher: Bencher, count: usize) {
    let line = |text: &str| {
        let units = text.encode_utf16();
        let escaped: String = units.map(|unit| format!("\\u{unit:04x}")).collect();
        format!("{{\"text\":\"{escaped}\"}}\n")
    };
    let (_folder, path, size) = file_of_sentences(count, "rows.jsonl", line);
    bencher.counter(size).bench_local(|| read_units(&path));
}

#[divan::bench(args = [8000])]
fn read_text_of_sentences(bencher: Bencher, count: usize) {
    let (_folder, path, size) = file_of_sentences(count, "lines.txt", |text| format!("{text}\n"));
    bencher.counter(size).bench_local(|| read_units(&path));
}

#[divan::bench(args = [
    (TextFormat::Jsonl, 1000), (TextFormat::Tsv, 1000), (TextFormat::Csv, 1000),
])]
fn format_rows(bencher: Bencher, (format, count): (TextFormat, usize)) {
    let sentences = sentences(count);
    let predictor = Predictor::new(marsad::built_in_model().expect("a model"));
    let labels = predictor.tree().labels().iter();
    let labels: Vec<String> = labels.map(|label| label.name.clone()).collect();
    let scores: Vec<f64> = (1..=labels.len())
        .map(|place| 0.123_456 / place as f64)
        .collect();
    let holds: Vec<bool> = (0..labels.len()).map(|place| place == 0).collect();
    let evidence: Vec<_> = holds.iter().map(|&holds| holds.then_some(10..40)).collect();
    let layout = RowLayout {
        labels,
        ..RowLayout::default()
    };
    let format = RowFormat::new(format, &layout);
    let units: Vec<Unit<'_>> = sentences.iter().map(|text| unit_of(text)).collect();
    let rows: Vec<OutputRow<'_>> = units
        .iter()
        .zip(&sentences)
        .map(|(unit, text)| OutputRow {
            unit,
            outcome: Ok(Labelled {
                span: 0..text.len(),
                text,
                holds: &holds,
                scores: &scores,
                leaf_probabilities: &scores,
                evidence: &evidence,
                review: None,
                furniture: None,
                fingerprint: None,
            }),
        })
        .collect();
    let mut output = Vec::new();
    bencher.counter(bytes(&sentences)).bench_local(|| {
        output.clear();
        rows.iter().for_each(|row| format.append(row, &mut output));
        output.len()
    });
}

fn unit_of(text: &str) -> Unit<'_> {
    Unit {
        file: "archive/2015.txt",
        id: None,
        doc: None,
        line: 12_345,
        offset: 0,
        text: Ok(text.into()),
        paragraph: true,
        kept: Vec::new(),
    }
}

#[divan::bench(sample_count = 3)]
fn train_on_bundled_corpus_with_5_folds(bencher: Bencher) {
    let corpus = corpus();
    let settings = Settings::default();
    bencher.bench_local(|| train(&corpus, &settings, &|_| ()).expect("a model"));
}
