//! Settings of models that are trained to be measured.

use std::path::PathBuf;

use clap::Args;
use indicatif::ProgressBar;

use super::console::{complain, progress};
use crate::corpus::Contradictions;
use crate::error::Result;
use crate::experiments::Progress;
use crate::learn::LearnerKind;
use crate::settings::Settings;
use crate::training::Step;

const TRAINING: &str = "Models trained for it";

#[derive(Debug, Args)]
pub(super) struct SettingsArgs {
    /// TOML file with settings of text, features, learner and training
    #[arg(long, value_name = "FILE.toml", help_heading = TRAINING)]
    pub(super) config: Option<PathBuf>,
    /// Estimator to fit [default: svm]
    #[arg(long, value_name = "NAME", help_heading = TRAINING)]
    learner: Option<LearnerKind>,
    /// C, the weight of the errors against the size of the weights [default: 1 for svm, 30 for logistic]
    #[arg(long, value_name = "C", help_heading = TRAINING)]
    c: Option<f64>,
    /// Every row has exactly one label
    #[arg(long, help_heading = TRAINING)]
    single_label: bool,
}

impl SettingsArgs {
    /// The settings, with the seed that decides folds and every random order.
    pub(super) fn settings(&self, seed: Option<u64>) -> Result<Settings> {
        let mut settings = match &self.config {
            Some(path) => Settings::read(path)?,
            None => Settings::default(),
        };
        if let Some(learner) = self.learner {
            settings.learner.kind = learner;
        }
        if self.c.is_some() {
            settings.learner.c = self.c;
        }
        if let Some(seed) = seed {
            settings.training.seed = seed;
        }
        settings.training.single_label |= self.single_label;
        settings.check()?;
        Ok(settings)
    }

    /// Whether any is given.
    pub(super) fn are_given(&self) -> bool {
        let values = self.learner.is_some() || self.c.is_some();
        values || self.config.is_some() || self.single_label
    }
}

/// What is done with texts annotated in two ways where models are trained.
pub(super) fn contradictions(settings: &Settings) -> Contradictions {
    match settings.training.single_label {
        true => Contradictions::Keep,
        false => Contradictions::Refuse,
    }
}

/// A bar that counts the models fitted.
pub(super) fn fits_bar() -> ProgressBar {
    progress(
        Some(0),
        "{bar:30} {pos}/{len} models fitted {msg} ({elapsed}, {eta} left)",
    )
}

/// Moves a bar on.
pub(super) fn tell(bar: &ProgressBar, at: Progress) {
    match at {
        Progress::Planned(fits) => bar.inc_length(fits as u64),
        Progress::Step(Step::Fold(_) | Step::Final) => bar.inc(1),
        Progress::Step(Step::Dense {
            features,
            megabytes,
        }) => bar.suspend(|| {
            complain(&format!(
                "dense rows: {features} features, about {megabytes} MB"
            ));
        }),
        Progress::Step(Step::Tokenize | Step::Measure) => {}
    }
}
