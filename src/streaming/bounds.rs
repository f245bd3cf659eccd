//! What settings mean where rows are learnt from one by one, and what memory that takes.

use crate::error::{Error, Result};
use crate::learn::{Ftrl, LearnerKind, LearnerSettings, StreamSettings, TrainingSettings};
use crate::settings::Settings;

/// The choices for one half of the held-out documents are made on the other.
pub(super) const HALVES: usize = 2;

/// Without a number set, at most so many features are kept.
const MOST_FEATURES: usize = 1 << 19;
/// Fewer are not worth a run.
const FEWEST_FEATURES: usize = 1 << 10;
/// The settings of a run, as its model keeps them.
///
/// # Errors
/// When one is out of bounds, or was changed although it has no meaning here.
pub(super) fn for_stream(settings: &Settings) -> Result<Settings> {
    settings.check()?;
    let (given, default) = (settings, Settings::default());
    let (learner, other) = (&given.learner, &default.learner);
    let chosen = !matches!(learner.kind, LearnerKind::Svm | LearnerKind::Ftrl);
    let windows = learner.window_words != 0 && learner.window_words != other.window_words;
    for (name, changed) in [
        ("features.subwords", given.features.subwords != 0),
        ("learner.kind", chosen),
        ("learner.c", learner.c.is_some()),
        ("learner.bias_scale", learner.bias_scale != other.bias_scale),
        ("learner.tolerance", learner.tolerance != other.tolerance),
        (
            "learner.max_iterations",
            learner.max_iterations != other.max_iterations,
        ),
        ("learner.smoothing", learner.smoothing != other.smoothing),
        ("learner.window_words", windows),
        (
            "learner.window_rounds",
            learner.window_rounds != other.window_rounds,
        ),
        (
            "learner.top_features",
            learner.top_features != other.top_features,
        ),
        (
            "learner.memory_limit",
            learner.memory_limit != other.memory_limit,
        ),
        ("learner.epochs", learner.epochs != other.epochs),
        ("learner.trees", learner.trees != other.trees),
        ("learner.depth", learner.depth != other.depth),
        (
            "training.folds",
            given.training.folds != default.training.folds,
        ),
        ("training.hold_out", given.training.hold_out.is_some()),
    ] {
        if changed {
            return Err(Error::Setting {
                name,
                value: "set".into(),
                allowed: "left out where rows are learnt from one by one (--stream): \
                          whole sentences, no folds, FTRL-proximal with the settings of [learner.stream]",
            });
        }
    }
    Ok(Settings {
        learner: LearnerSettings {
            kind: LearnerKind::Ftrl,
            window_words: 0,
            assertion: false,
            stream: Some(learner.stream.unwrap_or_default()),
            ..learner.clone()
        },
        training: TrainingSettings {
            folds: HALVES,
            ..given.training.clone()
        },
        ..given.clone()
    })
}

/// Bytes that a run takes at most.
pub(super) fn memory(features: usize, labels: usize) -> usize {
    const FIXED: usize = 160 << 20;
    const BYTES_A_FEATURE: usize = 160;
    FIXED + features * (BYTES_A_FEATURE + 20 * labels) + Ftrl::bytes(features, labels)
}

/// How many features may be kept.
///
/// # Errors
/// When they could take more memory than the run may have.
pub(super) fn most_features(stream: &StreamSettings, labels: usize) -> Result<usize> {
    let limit = stream.memory_limit.saturating_mul(1 << 20);
    let fits = |features: &usize| memory(*features, labels) <= limit;
    let fitting = match stream.max_features {
        Some(most) => Some(most).filter(fits),
        None => (FEWEST_FEATURES.ilog2()..=MOST_FEATURES.ilog2())
            .rev()
            .map(|bits| 1 << bits)
            .find(fits),
    };
    fitting.ok_or_else(|| {
        let features = stream.max_features.unwrap_or(FEWEST_FEATURES);
        Error::Memory(format!(
            "{features} features of {labels} labels may take {} MB, more than the {} MB of --memory; \
             raise it or lower --max-features",
            memory(features, labels) >> 20,
            stream.memory_limit
        ))
    })
}
