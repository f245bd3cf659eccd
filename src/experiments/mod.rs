//! Measuring models and settings: predictions made for the purpose, and what they show.
//!
//! A finished model predicts a corpus that it has not seen ([`examine_model`]), or models are trained
//! for the measurement on parts of a corpus and predict the rest ([`examine_settings`]):
//! folds, one source left out, later periods. [`learning_curve`] trains on growing shares;
//! [`compare`] sets several systems against each other on the same rows.

mod comparing;
mod examine;
mod learning;
mod parts;

pub use comparing::{ComparisonPlan, System, SystemKind, compare};
pub use examine::{Examined, Wanted, examine_model, examine_settings, predict_corpus};
pub use learning::{LearningPlan, learning_curve};
pub use parts::{Plan, PlanParts};

pub(crate) use examine::{check_fields, examine, noise_by_folds};
pub(crate) use parts::nested_groups;

use crate::training::Step;

/// How far an experiment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many models will be fitted.
    Planned(usize),
    /// A step of a training run.
    Step(Step),
}
