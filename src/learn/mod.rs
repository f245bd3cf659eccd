//! Estimators over sparse rows behind linfa's traits, calibration and thresholds.

mod calibrate;
mod dual;
mod heads;
mod linear;
mod naive_bayes;
mod problem;
mod settings;
mod stock;
mod thresholds;
mod windows;

pub use calibrate::{CalibrationKind, calibrate};
pub use dual::{ClassWeights, DualCoordinateDescent, DualCoordinateDescentValid, Loss};
pub use heads::Heads;
pub use linear::LinearModel;
pub use naive_bayes::{NaiveBayes, NaiveBayesKind, NaiveBayesValid};
pub use problem::Targets;
pub use settings::{LearnerKind, LearnerSettings, MOST_BOOTSTRAP_SAMPLES, TrainingSettings};
pub use stock::check_memory;
pub use thresholds::{best_f1_threshold, best_single_label_thresholds};

pub(crate) use heads::{fit_heads, fit_windows};
pub(crate) use problem::Problem;
pub(crate) use windows::{mix_scores, window_scores};
