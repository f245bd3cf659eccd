//! Figures of merit for predictions against annotations, with intervals over documents.
//!
//! [`Judged`] sets predictions against annotations. [`Report`] holds the figures that every
//! measurement gives; [`Examination`] holds these with all else that was asked for: calibration,
//! risk over coverage, slices, noise, the learning curve. [`Comparison`] is of several systems.

mod abstention;
mod bootstrap;
mod comparison;
mod comparison_tables;
mod examination;
mod examination_tables;
mod judged;
mod learning_curve;
mod metrics;
mod noise;
mod power_law;
mod precision_recall;
mod reliability;
mod report;
mod review;
mod significance;
mod slices;
mod table;
mod target;

pub use abstention::{RiskCoverage, RiskPoint};
pub use bootstrap::Bootstrap;
pub use comparison::{
    ComparedLabel, ComparedPair, ComparedSystem, Comparison, ComparisonTest, Difference,
};
pub use examination::{Examination, LabelSpread, Method, Part, Period, Repeats, Spread};
pub use judged::{Judged, Judgement};
pub use learning_curve::{Forecast, LabelPoint, LearningCurve, LearningPoint, PowerLaw};
pub use metrics::Confusion;
pub use noise::NoiseEffect;
pub use reliability::{LabelCalibration, ReliabilityPoint};
pub use report::{Averages, Estimate, LabelReport, Report};
pub use review::ReviewPoint;
pub use slices::{Slice, Slices};
pub use target::Target;

pub(crate) use comparison::JudgedSystem;
pub(crate) use power_law::forecast_curve;
pub(crate) use review::{is_curve, margin_for};
