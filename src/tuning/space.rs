//! The settings that trials are drawn from.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::learn::{ClassWeights, LearnerKind};
use crate::settings::Settings;

/// A family of settings that is varied; the others stay as they were at the start.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Vary {
    /// Character n-grams, words, stems, bigrams and their weight, how rare a feature may be.
    Features,
    /// Width and rounds of the windows, assertion.
    Windows,
    /// C, smoothing, weights of the classes.
    Regularisation,
    /// Support vector machine, logistic regression, complement naive Bayes.
    Learner,
}

impl Vary {
    /// What is varied unless told otherwise.
    pub const DEFAULT: [Self; 3] = [Self::Features, Self::Windows, Self::Regularisation];
}

/// The settings of a trial. Trial 0 has those of the start; each trial is drawn by the seed and its
/// number alone, so that more trials later do not change the first.
pub(super) fn draw(start: &Settings, vary: &[Vary], seed: u64, trial: usize) -> Settings {
    let mut settings = start.clone();
    if trial == 0 {
        return settings;
    }
    let number = (trial as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ number);
    if vary.contains(&Vary::Learner) {
        let kinds = [
            LearnerKind::Svm,
            LearnerKind::Logistic,
            LearnerKind::ComplementNb,
        ];
        settings.learner.kind = pick(&mut random, &kinds, settings.learner.kind);
        // Another learner's C is none of its own.
        if settings.learner.kind != start.learner.kind {
            settings.learner.c = None;
        }
    }
    if vary.contains(&Vary::Features) {
        draw_features(&mut settings, &mut random);
    }
    if vary.contains(&Vary::Windows) {
        let learner = &mut settings.learner;
        learner.window_words = pick(&mut random, &[0, 5, 7, 9, 9, 11, 13, 17], 9);
        learner.window_rounds = pick(&mut random, &[1, 2, 2, 3, 4], 2);
        learner.assertion = random.gen_bool(0.75);
    }
    if vary.contains(&Vary::Regularisation) {
        draw_regularisation(&mut settings, &mut random);
    }
    settings
}

fn draw_features(settings: &mut Settings, random: &mut impl Rng) {
    let features = &mut settings.features;
    features.char_ngram_min = pick(random, &[2, 2, 3, 1], 2);
    features.char_ngram_max = pick(random, &[4, 5, 5, 6, 7], 5);
    features.words = random.gen_bool(0.75);
    features.stems = random.gen_bool(0.75);
    features.word_bigrams = random.gen_bool(0.85);
    features.bigram_weight = logarithmic(random, 0.5, 4.0) as f32;
    features.min_document_frequency = pick(random, &[1, 2, 2, 3, 5], 2);
}

fn draw_regularisation(settings: &mut Settings, random: &mut impl Rng) {
    let learner = &mut settings.learner;
    // Drawn whichever learner it is for, so that each trial takes as many draws.
    let (factor, smoothing) = (
        logarithmic(random, 1.0 / 16.0, 16.0),
        logarithmic(random, 0.01, 2.0),
    );
    learner.c = Some(rounded(learner.c() * factor));
    learner.smoothing = smoothing;
    learner.class_weights = pick(
        random,
        &[
            ClassWeights::Root,
            ClassWeights::Root,
            ClassWeights::None,
            ClassWeights::Balanced,
        ],
        learner.class_weights,
    );
}

fn pick<T: Copy>(random: &mut impl Rng, choices: &[T], otherwise: T) -> T {
    choices.choose(random).copied().unwrap_or(otherwise)
}

/// A number whose logarithm is evenly spread.
fn logarithmic(random: &mut impl Rng, low: f64, high: f64) -> f64 {
    let place = random.gen_range(libm::log(low)..libm::log(high));
    rounded(libm::exp(place))
}

/// Two digits are enough, and read better in a file.
fn rounded(value: f64) -> f64 {
    format!("{value:.1e}").parse().unwrap_or(value)
}

/// The settings that differ from those of the start, by name.
pub(super) fn changes(start: &Settings, settings: &Settings) -> Map<String, Value> {
    let mut changed = Map::new();
    // Through text, since a float of 32 bits has its short form only there.
    let of = |settings: &Settings| -> Value {
        let text = serde_json::to_string(settings).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    };
    differ("", &of(start), &of(settings), &mut changed);
    changed
}

fn differ(name: &str, before: &Value, after: &Value, changed: &mut Map<String, Value>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (key, value) in after {
                let name = match name {
                    "" => key.clone(),
                    name => format!("{name}.{key}"),
                };
                differ(
                    &name,
                    before.get(key).unwrap_or(&Value::Null),
                    value,
                    changed,
                );
            }
        }
        (before, after) if before != after => {
            changed.insert(name.to_owned(), after.clone());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trials_are_sound_and_their_own() {
        let start = Settings::default();
        let all = [
            Vary::Features,
            Vary::Windows,
            Vary::Regularisation,
            Vary::Learner,
        ];
        assert_eq!(draw(&start, &all, 1, 0), start);
        for trial in 1..500 {
            let drawn = draw(&start, &all, 7, trial);
            drawn.check().unwrap();
            assert_eq!(drawn, draw(&start, &all, 7, trial));
            let toml = toml::to_string_pretty(&drawn).unwrap();
            assert_eq!(toml::from_str::<Settings>(&toml).unwrap(), drawn, "{toml}");
        }
        assert_ne!(draw(&start, &all, 7, 1), draw(&start, &all, 7, 2));
        assert_ne!(draw(&start, &all, 7, 1), draw(&start, &all, 8, 1));
    }

    #[test]
    fn what_is_not_varied_stays_and_changes_are_named() {
        let start = Settings::default();
        let drawn = draw(&start, &[Vary::Regularisation], 1, 3);
        assert_eq!(drawn.features, start.features);
        assert_eq!(drawn.learner.window_words, start.learner.window_words);
        let changed = changes(&start, &drawn);
        assert_eq!(changed["learner.c"], drawn.learner.c.unwrap());
        assert!(changes(&start, &start).is_empty());
    }
}
