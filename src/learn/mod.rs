//! Estimators over sparse rows behind linfa's traits, calibration and thresholds.
#![doc = include_str!("METHOD.md")]

mod aim;
mod assertion;
mod calibrate;
mod descent;
mod dual;
mod fitted;
mod ftrl;
mod heads;
mod linear;
mod mix;
mod naive_bayes;
mod problem;
mod settings;
mod spans;
mod stock;
mod thresholds;
mod windows;

pub use aim::Aim;
pub use calibrate::CalibrationKind;
pub use dual::{ClassWeights, DualCoordinateDescent, DualCoordinateDescentValid, Loss};
pub use ftrl::{FtrlProximal, FtrlProximalValid, StreamSettings};
pub use linear::LinearModel;
pub use naive_bayes::{NaiveBayes, NaiveBayesKind, NaiveBayesValid};
pub use settings::{LearnerKind, LearnerSettings, TrainingSettings};

pub(crate) use calibrate::calibrate;
pub(crate) use fitted::Heads;
pub(crate) use ftrl::{Ftrl, slope};
pub(crate) use heads::{fit_heads, fit_local_evidence};
pub(crate) use mix::mix_scores;
pub(crate) use problem::{Problem, Targets, class_name};
pub(crate) use settings::MOST_BOOTSTRAP_SAMPLES;
pub(crate) use stock::check_memory;
pub(crate) use thresholds::{best_single_label_thresholds, best_threshold};
pub(crate) use windows::LocalEvidence;
