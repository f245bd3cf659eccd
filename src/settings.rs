//! All settings of a training run, as in a configuration file.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, one_line};
use crate::features::FeatureSettings;
use crate::learn::{LearnerSettings, TrainingSettings};
use crate::text::TextSettings;

/// Everything that decides what a training run makes of a corpus. Each part may be left out of a
/// TOML file; unknown names are errors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How text is normalised, split and tokenised.
    pub text: TextSettings,
    /// Which features are made.
    pub features: FeatureSettings,
    /// Which estimator is fitted.
    pub learner: LearnerSettings,
    /// Folds, calibration, seed.
    pub training: TrainingSettings,
}

impl Settings {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// When the file cannot be read, is not TOML, or names a setting that does not exist; the
    /// message tells line and column.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::io(path, error))?;
        toml::from_str(&text).map_err(|error| Error::File {
            path: path.into(),
            message: one_line(&error.to_string()),
        })
    }

    /// Checks the values that do not depend on a corpus.
    ///
    /// # Errors
    /// Names the first setting that is out of bounds.
    pub fn check(&self) -> Result<()> {
        self.features.check()?;
        self.learner.check()?;
        self.training.check()
    }
}
