//! Figures of merit for predictions against annotations, with intervals over documents.

mod groups;
mod judged;
mod metrics;
mod precision_recall;
mod report;
mod review;
mod table;

pub use groups::GroupReport;
pub use judged::{Judged, Judgement};
pub use metrics::Confusion;
pub use report::{Averages, Estimate, LabelReport, Report};
pub use review::ReviewPoint;

pub(crate) use groups::group_table;
pub(crate) use review::{is_curve, margin_for};
