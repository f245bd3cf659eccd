use rayon::prelude::*;

use super::*;
use crate::corpus::{Corpus, CorpusReader, assign_folds, read_bundled};
use crate::evaluate::{Judged, Report};
use crate::predict::{Predictor, Scratch};
use crate::scoring::LeafPrediction;
use crate::settings::Settings;
use crate::training::train;

fn settings(rows: usize, random_share: f64, method: NextMethod, seed: u64) -> NextSettings {
    NextSettings {
        rows,
        random_share,
        seed,
        similarity: Threshold::default(),
        method,
    }
}

fn sentence(number: usize, text: &str) -> Sentence {
    Sentence {
        id: number.to_string(),
        text: text.to_owned(),
        ..Sentence::default()
    }
}

#[test]
fn unsure_sentences_of_each_label_come_and_no_repeats() {
    let labels = ["x", "y"].map(str::to_owned);
    let model = (&labels[..], LabelMode::Multiple, &[0.5, 0.5][..]);
    let words = [
        "سوق",
        "مدرسة",
        "مستشفى",
        "حديقة",
        "ملعب",
        "مصنع",
        "جسر",
        "طريق",
    ];
    let method = NextMethod {
        turns: true,
        window: 1,
    };
    let mut pool = Pool::new(
        settings(4, 0.0, method, 1),
        model,
        ["زار الوفد مدرسة القرية صباحا"],
    );
    for (number, word) in words.iter().enumerate() {
        let x = 0.5 + 0.05 * number as f64;
        for repeat in 0..2 {
            let text = format!("زار الوفد {word} القرية صباحا{}", "!".repeat(repeat));
            let offered = pool.prepare(sentence(2 * number + repeat, &text), vec![x, 1.4 - x]);
            let is_annotated = pool.is_annotated(&offered);
            pool.offer(offered, is_annotated);
        }
    }
    let nothing = pool.prepare(sentence(99, "!!"), vec![0.5, 0.5]);
    pool.offer(nothing, false);
    let (rows, counts) = pool.choose();
    assert_eq!((counts.offered, counts.empty, counts.annotated), (17, 1, 2));
    let ids: Vec<&str> = rows.iter().map(|row| row.sentence.id.as_str()).collect();
    // x is least sure of the first, y of the last; the second word is annotated.
    assert_eq!(ids, ["0", "14", "4", "12"]);
    assert_eq!(rows[1].label.as_deref(), Some("y"));
    assert!(rows.iter().all(|row| row.chosen == Chosen::Uncertain));
}

#[test]
fn repeats_of_the_least_sure_leave_room_for_others() {
    let labels = ["x", "y"].map(str::to_owned);
    let model = (&labels[..], LabelMode::Multiple, &[0.5, 0.5][..]);
    let settings = settings(100, 0.0, NextMethod::default(), 1);
    let mut pool = Pool::new(settings, model, []);
    let mut offer = |text: &str, x: f64| {
        let offered = pool.prepare(sentence(0, text), vec![x, 1.0 - x]);
        pool.offer(offered, false);
    };
    // Six sentences stand right at the threshold, four hundred times each.
    for _ in 0..400 {
        for place in ["سوق", "مدرسة", "مستشفى", "حديقة", "ملعب", "مصنع"]
        {
            offer(&format!("قصفت المدفعية {place}"), 0.5);
        }
    }
    for number in 0..300u64 {
        let letters = |seed: u64| -> String {
            let letter = |at| crate::hash::mix(number + 1000 * seed, at) % 26;
            let letters = (0..7).map(|at| char::from_u32(0x628 + letter(at) as u32));
            letters
                .flatten()
                .filter(|letter| letter.is_alphabetic())
                .collect()
        };
        offer(
            &format!("{} {} {}", letters(1), letters(2), letters(3)),
            0.6,
        );
    }
    let (rows, counts) = pool.choose();
    assert_eq!((rows.len(), counts.offered), (100, 2700));
    let texts: HashSet<&str> = rows.iter().map(|row| row.sentence.text.as_str()).collect();
    assert_eq!(texts.len(), 100);
}

#[test]
fn the_share_by_chance_is_an_even_draw() {
    let labels = ["x".to_owned()];
    let mut drawn = [0usize; 20];
    for seed in 0..400 {
        let model = (&labels[..], LabelMode::Multiple, &[0.5][..]);
        let method = NextMethod::default();
        let mut pool = Pool::new(settings(4, 1.0, method, seed), model, []);
        for number in 0..20 {
            let text = format!("خبر قصير رقم {number}");
            let offered = pool.prepare(sentence(number, &text), vec![0.9]);
            pool.offer(offered, false);
        }
        let (rows, _) = pool.choose();
        assert_eq!(rows.len(), 4);
        for row in rows {
            assert_eq!(row.inclusion_probability, Some(0.2));
            drawn[row.sentence.id.parse::<usize>().unwrap()] += 1;
        }
    }
    // 80 of each are expected, with a deviation of 8.
    assert!(
        drawn.iter().all(|count| (45..=115).contains(count)),
        "{drawn:?}"
    );
}

/// Annotating as a team would: a start, then batch after batch, the model trained anew each time.
struct Simulation {
    corpus: Corpus,
    pool: Vec<usize>,
    test: Vec<usize>,
    settings: Settings,
}

impl Simulation {
    fn new(corpus: Corpus, seed: u64) -> Self {
        let folds = assign_folds(corpus.records(), 4, seed).unwrap();
        let (test, pool) = (0..folds.len()).partition(|&row| folds[row] == 0);
        let mut settings = Settings::default();
        settings.learner.window_words = 0;
        settings.training.bootstrap_samples = 0;
        settings.training.folds = 3;
        Self {
            corpus,
            pool,
            test,
            settings,
        }
    }

    fn predict(&self, predictor: &Predictor, rows: &[usize]) -> Vec<LeafPrediction> {
        rows.par_iter()
            .map_init(Scratch::default, |scratch, &row| {
                predictor.predict_leaves(&self.corpus.records()[row].text, scratch)
            })
            .collect()
    }

    fn macro_f1(&self, predictor: &Predictor) -> f64 {
        let judged = Judged::new(
            predictor.tree().clone(),
            predictor.header().mode,
            self.corpus.select(&self.test).records(),
            &self.predict(predictor, &self.test),
        );
        Report::measure(&judged, 0, 1).leaves.macro_f1.value
    }

    /// Macro-F1 after the start and after each batch.
    fn run(
        &self,
        chosen_by: Option<(NextMethod, f64)>,
        (start, batch, batches): (usize, usize, usize),
        seed: u64,
    ) -> Vec<f64> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let draw = rand::seq::index::sample(&mut random, self.pool.len(), start);
        let mut annotated: Vec<usize> = draw.into_iter().map(|at| self.pool[at]).collect();
        let mut figures = Vec::new();
        for step in 0..=batches {
            let model = train(&self.corpus.select(&annotated), &self.settings, &|_| {}).unwrap();
            let predictor = Predictor::new(model);
            figures.push(self.macro_f1(&predictor));
            let left: Vec<usize> = self
                .pool
                .iter()
                .copied()
                .filter(|row| !annotated.contains(row))
                .collect();
            let Some((method, random_share)) = chosen_by else {
                let draw = rand::seq::index::sample(&mut random, left.len(), batch);
                annotated.extend(draw.into_iter().map(|at| left[at]));
                continue;
            };
            let header = predictor.header();
            let model = (&header.labels[..], header.mode, &header.thresholds[..]);
            let settings = settings(batch, random_share, method, seed + step as u64);
            let mut pool = Pool::new(settings, model, []);
            let predictions = self.predict(&predictor, &left);
            let records = self.corpus.records();
            let offered: Vec<Offered> = (left.par_iter().zip(predictions))
                .map(|(&row, prediction)| {
                    pool.prepare(sentence(row, &records[row].text), prediction.probabilities)
                })
                .collect();
            offered
                .into_iter()
                .for_each(|offered| pool.offer(offered, false));
            let (rows, _) = pool.choose();
            annotated.extend(
                rows.iter()
                    .map(|row| row.sentence.id.parse::<usize>().unwrap()),
            );
        }
        figures
    }
}

#[test]
#[ignore = "trains hundreds of models"]
fn choosing_beats_chance_on_the_whole_corpus() {
    let sizes = (400, 250, 5);
    let method = |turns, window| NextMethod { turns, window };
    let ways = [
        ("random", None),
        (
            "turns 1, a fifth by chance",
            Some((NextMethod::default(), 0.2)),
        ),
        ("turns 5, a fifth by chance", Some((method(true, 5), 0.2))),
        (
            "least margin 5, a fifth by chance",
            Some((method(false, 5), 0.2)),
        ),
    ];
    let mut sums = vec![vec![0.0; sizes.2 + 1]; ways.len()];
    for seed in 1..=3 {
        let corpus = read_bundled(&CorpusReader::default()).unwrap();
        let simulation = Simulation::new(corpus, seed);
        for ((name, way), sums) in ways.iter().zip(&mut sums) {
            let figures = simulation.run(*way, sizes, seed);
            let shown: Vec<String> = figures.iter().map(|f1| format!("{f1:.3}")).collect();
            println!("seed {seed}, {name}: {}", shown.join(" "));
            sums.iter_mut()
                .zip(&figures)
                .for_each(|(sum, f1)| *sum += f1 / 3.0);
        }
    }
    for ((name, _), means) in ways.iter().zip(&sums) {
        let shown: Vec<String> = means.iter().map(|f1| format!("{f1:.3}")).collect();
        println!("mean, {name}: {}", shown.join(" "));
    }
    for (chosen, random) in sums[1].iter().zip(&sums[0]).skip(1) {
        assert!(chosen > random, "{chosen} {random}");
    }
}
