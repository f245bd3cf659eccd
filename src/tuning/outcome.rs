//! What a search found.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::evaluate::{Difference, Estimate};
use crate::settings::Settings;

/// The trials of a search, the best of them, and what that is worth on documents the search has not
/// seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tuning {
    /// What the search aimed at: "macro-f1", "micro-f1", "exact", or labels with commas.
    pub aim: String,
    /// Decides the trials, the folds and the documents held out.
    pub seed: u64,
    /// SHA-256 of the corpus.
    pub corpus_digest: String,
    /// Every trial by its number; trial 0 has the settings that the search began from.
    pub trials: Vec<Trial>,
    /// The number of the trial with the highest score on the last rung.
    pub best: usize,
    /// The settings of the best trial.
    pub settings: Settings,
    /// Best and first settings on documents held out; `None` where too few could be.
    pub verdict: Option<HeldOutVerdict>,
}

/// One choice of settings and what it scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number, from 0.
    pub trial: usize,
    /// The settings that differ from those of trial 0, by name: `"learner.c": 0.31`.
    pub changes: Map<String, Value>,
    /// Its score on each rung that it reached.
    pub scores: Vec<TrialScore>,
    /// Why it could not be tried, such as settings that leave no feature.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<String>,
}

/// The score of a trial on one rung.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialScore {
    /// The rung, from 0; each holds about three times as many documents as the one before.
    pub rung: usize,
    /// Documents of the rung.
    pub documents: usize,
    /// Sentences of the rung.
    pub sentences: usize,
    /// Folds in which they were predicted.
    pub folds: usize,
    /// What the search aims at, out of fold.
    pub score: f64,
    /// Time that it took, in seconds; this and nothing else differs from run to run.
    pub seconds: f64,
}

/// What the best trial is worth on documents that the search has not seen. The best of many scores
/// looks better than it is: this does not.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOutVerdict {
    /// Sentences held out.
    pub sentences: usize,
    /// Documents they come from.
    pub documents: usize,
    /// What the search aims at, by the settings that it began from, on the sentences held out.
    pub start: Estimate,
    /// The same by the best trial.
    pub best: Estimate,
    /// The second less the first.
    pub difference: Difference,
}

impl HeldOutVerdict {
    /// Whether the interval of the difference lies above 0.
    pub fn is_better(&self) -> bool {
        self.difference.estimate.low > 0.0
    }
}
