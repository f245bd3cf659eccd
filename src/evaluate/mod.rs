//! Figures of merit for predictions against annotations, with intervals over documents.

mod judged;
mod metrics;
mod report;
mod table;

pub use judged::{Judged, Judgement};
pub use metrics::Confusion;
pub use report::{Averages, Estimate, LabelReport, Report};

pub(crate) use table::{new_table, rendered};
