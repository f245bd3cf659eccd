//! What must hold of every explanation.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::Settings;
use crate::corpus::{Corpus, CorpusReader, read_bundled};
use crate::learn::LearnerKind;
use crate::predict::{Predictor, Scratch};
use crate::scoring::WeightBits;

static BUILT_IN: LazyLock<Predictor> =
    LazyLock::new(|| Predictor::new(crate::built_in_model().unwrap()));

static CORPUS: LazyLock<Corpus> = LazyLock::new(|| read_bundled(&CorpusReader::default()).unwrap());

/// Bias and contributions sum to the score that the predictor gives, and so do words and letters.
fn adds_up(predictor: &Predictor, sentence: &str, scratch: &mut Scratch) {
    let explained = Explainer::new(predictor).explain(sentence, scratch);
    let prediction = predictor.predict(sentence, scratch).clone();
    let parts = predictor.parts(sentence, scratch);
    for (place, label) in explained.labels.iter().enumerate() {
        let (_, raw) = parts[place];
        assert!((label.score - raw).abs() < 1e-5, "{sentence}");
        assert_eq!(label.probability, prediction.probabilities[place]);
        assert_eq!(label.holds, prediction.holds[place]);
        if label.holds {
            let span = label.evidence.map(|span| span.range());
            assert_eq!(span, prediction.evidence[place], "{sentence}");
        }
        let bias = label.bias.unwrap();
        let Parts {
            sentence: whole,
            window,
            assertion,
        } = label.parts;
        let of_spans = |adds: &Contribution| adds.spans.iter().map(|span| span.value).sum::<f64>();
        for (what, sum) in [
            ("parts", whole + window + assertion),
            (
                "features",
                bias + label
                    .contributions
                    .iter()
                    .map(|adds| adds.value)
                    .sum::<f64>(),
            ),
            (
                "spans",
                bias + label.contributions.iter().map(of_spans).sum::<f64>(),
            ),
            (
                "words",
                bias + label.words.iter().map(|word| word.value).sum::<f64>(),
            ),
            (
                "letters",
                bias + label.letters.iter().map(|letter| letter.value).sum::<f64>(),
            ),
        ] {
            assert!(
                (sum - label.score).abs() < 1e-9,
                "{what}: {sum} {} {sentence}",
                label.score
            );
        }
        spans_are_of_the_text(&explained.text, label);
    }
}

fn spans_are_of_the_text(text: &str, label: &LabelExplanation) {
    let of_features = label.contributions.iter().flat_map(|adds| &adds.spans);
    let weighted = label.words.iter().chain(&label.letters).chain(of_features);
    let spans = weighted.map(|weighted| weighted.span);
    for span in spans.chain(label.evidence).chain(label.trigger) {
        let by_bytes = text.get(span.range()).unwrap();
        let [from, to] = span.characters;
        assert!(!by_bytes.is_empty());
        assert!(by_bytes.chars().eq(text.chars().skip(from).take(to - from)));
    }
    let in_order = |weighted: &[Weighted]| {
        weighted
            .windows(2)
            .all(|pair| pair[0].span.bytes[1] <= pair[1].span.bytes[0])
    };
    assert!(in_order(&label.letters), "{text}");
}

#[test]
fn shares_add_up_on_the_corpus() {
    let mut scratch = Scratch::default();
    for record in CORPUS.records().iter().step_by(41) {
        adds_up(&BUILT_IN, &record.text, &mut scratch);
    }
}

fn trained(change: impl FnOnce(&mut Settings)) -> crate::model::Model {
    let lines: Vec<String> = (CORPUS.records().iter().take(300).enumerate())
        .map(|(row, record)| {
            let label = ["a", "b.c", "b.d"][row % 3];
            serde_json::json!({"text": record.text, "labels": [label], "doc": row}).to_string()
        })
        .collect();
    let lines = lines.join("\n").into_bytes();
    let reader = CorpusReader::default();
    let corpus = reader
        .read_memory(&[("small.jsonl", Vec::leak(lines))])
        .unwrap();
    let mut settings = Settings::default();
    settings.training.folds = 2;
    settings.training.bootstrap_samples = 0;
    change(&mut settings);
    crate::training::train(&corpus, &settings, &|_| ()).unwrap()
}

#[test]
fn shares_add_up_for_other_models() {
    let whole_sentences = |settings: &mut Settings| settings.learner.window_words = 0;
    let single = |settings: &mut Settings| settings.training.single_label = true;
    let bayes = |settings: &mut Settings| settings.learner.kind = LearnerKind::ComplementNb;
    let subwords = |settings: &mut Settings| settings.features.subwords = 500;
    let words = |settings: &mut Settings| settings.features.stems = false;
    let mut models = vec![
        trained(whole_sentences),
        trained(single),
        trained(bayes),
        trained(subwords),
        trained(words),
    ];
    let mut few_bits = models[3].clone();
    few_bits.heads = few_bits.heads.with_bits(WeightBits::Four);
    models.push(few_bits);
    let mut scratch = Scratch::default();
    for model in models {
        let predictor = Predictor::new(model);
        for record in CORPUS.records().iter().step_by(997) {
            adds_up(&predictor, &record.text, &mut scratch);
        }
        adds_up(&predictor, "", &mut scratch);
    }
}

#[test]
fn subwords_are_features_with_places() {
    let predictor = Predictor::new(trained(|settings| settings.features.subwords = 500));
    let text = &CORPUS.records()[3].text;
    let explained = Explainer::new(&predictor).explain(text, &mut Scratch::default());
    // The piece that is nothing but a word's end stands for the whole word.
    let of_subwords = explained.labels[0]
        .contributions
        .iter()
        .filter(|c| c.family == "subword" && c.feature != "_");
    let folded: Vec<String> = of_subwords
        .map(|adds| {
            let normalizer = crate::text::Normalizer::default();
            let part = normalizer.normalize(&text[adds.spans[0].span.range()]);
            let part: String = part
                .text()
                .chars()
                .map(|c| if c.is_numeric() { '0' } else { c })
                .collect();
            assert_eq!(part, adds.feature.trim_end_matches('_'));
            part
        })
        .collect();
    assert!(folded.len() > 5, "{folded:?}");
}

#[test]
fn trees_tell_what_words_change() {
    let predictor = Predictor::new(trained(|settings| {
        settings.learner.kind = LearnerKind::LinfaTree;
        settings.learner.top_features = 50;
    }));
    let mut scratch = Scratch::default();
    let text = &CORPUS.records()[5].text;
    let explained = Explainer::new(&predictor).explain(text, &mut scratch);
    assert_eq!(explained.method, Method::LeaveOneOut);
    let label = &explained.labels[0];
    assert!(label.bias.is_none() && label.contributions.is_empty() && label.letters.is_empty());
    let word = &label.words[1];
    let without = explainer::without(text, &[word.span]);
    let score = predictor.parts(&without, &mut scratch)[0].1;
    assert!((label.score - score - word.value).abs() < 1e-12);
}

#[test]
fn what_is_left_out_turns_the_decision() {
    let mut scratch = Scratch::default();
    let explainer = Explainer::new(&BUILT_IN);
    let mut turned = 0;
    for record in CORPUS.records().iter().step_by(1499) {
        let explained = explainer.explain(&record.text, &mut scratch);
        for label in BUILT_IN.tree().labels() {
            let against = explainer
                .against(&explained, &label.name, &mut scratch)
                .unwrap();
            let place = BUILT_IN
                .tree()
                .labels()
                .iter()
                .position(|l| l.name == label.name)
                .unwrap();
            let holds = |text: &str, scratch: &mut Scratch| {
                BUILT_IN
                    .tree()
                    .holds(place, &BUILT_IN.predict(text, scratch).holds)
            };
            assert_eq!(holds(&record.text, &mut scratch), against.holds);
            let then = holds(&against.text_without, &mut scratch);
            assert_eq!(then != against.holds, against.turns, "{against:?}");
            if against.turns {
                turned += 1;
                // None of the words is one too many.
                for spared in 0..against.removed.len() {
                    let mut fewer: Vec<Span> = against.removed.iter().map(|w| w.span).collect();
                    fewer.remove(spared);
                    let text = explainer::without(&record.text, &fewer);
                    assert_eq!(holds(&text, &mut scratch), against.holds, "{against:?}");
                }
            }
        }
    }
    assert!(turned > 5, "{turned}");
}

#[test]
fn decisions_turn_where_exactly_one_label_holds() {
    let predictor = Predictor::new(trained(|settings| settings.training.single_label = true));
    let explainer = Explainer::new(&predictor);
    let mut scratch = Scratch::default();
    let mut turned = 0;
    for record in CORPUS.records().iter().take(12) {
        let explained = explainer.explain(&record.text, &mut scratch);
        for (place, label) in predictor.header().labels.iter().enumerate() {
            let against = explainer.against(&explained, label, &mut scratch).unwrap();
            assert_eq!(against.holds, explained.labels[place].holds);
            let then = predictor.predict(&against.text_without, &mut scratch);
            assert_eq!(then.holds[place] != against.holds, against.turns);
            turned += usize::from(against.turns && against.holds);
        }
    }
    assert!(turned > 3, "{turned}");
}

#[test]
fn unknown_labels_are_told() {
    let mut scratch = Scratch::default();
    let explainer = Explainer::new(&BUILT_IN);
    let explained = explainer.explain("قصف", &mut scratch);
    let error = explainer
        .against(&explained, "storm", &mut scratch)
        .unwrap_err();
    assert!(error.to_string().contains("airstrike"), "{error}");
}

#[test]
fn html_holds_the_text_escaped_and_once() {
    let explainer = Explainer::new(&BUILT_IN);
    for text in [
        "شنت طائرات <b>حربية</b> غارات & قصفٌ على الأحياء الشرقية، ولا إصابات",
        "",
        "<script>",
        "قصـ.ـف ﻻ ﷲ",
    ] {
        let explained = explainer.explain(text, &mut Scratch::default());
        for label in &explained.labels {
            let html = html_of_text(&explained, label);
            let mut bare = String::new();
            let mut tags = 0;
            for part in html.split_inclusive('>') {
                let (shown, tag) = part.split_once('<').unwrap_or((part, ""));
                bare += shown;
                tags += i32::from(tag.starts_with("span")) - i32::from(tag.starts_with("/span"));
            }
            let bare = bare
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&amp;", "&");
            assert_eq!(bare, text, "{html}");
            assert_eq!(tags, 0, "{html}");
        }
    }
}

#[test]
fn what_is_not_listed_is_in_the_rest() {
    let text = "شنت طائرات حربية غارات على المدينة";
    let explained = Explainer::new(&BUILT_IN).explain(text, &mut Scratch::default());
    let limited = explained.clone().limited(3);
    for (all, few) in explained.labels.iter().zip(&limited.labels) {
        assert_eq!(few.contributions.len(), 3);
        assert_eq!(few.rest.features, all.contributions.len() - 3);
        let sum: f64 = few.contributions.iter().map(|adds| adds.value).sum();
        assert!((few.bias.unwrap() + sum + few.rest.value - few.score).abs() < 1e-9);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn shares_add_up_on_random_words(
        words in prop::collection::vec("[ابتجحدرسصطعغفقكلمنهوي]{1,6}|قصف|غارة|لم|اشتباك|على|،|\\.|[0-9]{1,3}|\\PC{0,4}", 0..40)
    ) {
        adds_up(&BUILT_IN, &words.join(" "), &mut Scratch::default());
    }

    #[test]
    fn shares_add_up_on_any_text(text in "\\PC{0,60}|[ـ.*ﷺﻻقصف\u{64B}\u{654}\u{200C} ]{0,30}") {
        adds_up(&BUILT_IN, &text, &mut Scratch::default());
    }
}
