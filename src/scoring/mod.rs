//! What a fitted model computes from a row: votes of trees, probabilities, labels.

mod calibration;
mod decision;
mod forest;
mod label_tree;
mod prior;
mod weights;

pub use calibration::Calibration;
pub use decision::{LabelMode, LeafPrediction};
pub use forest::{Forest, Node};
pub use label_tree::{LabelTree, TreeLabel};
pub use weights::{WeightBits, Weights};

pub(crate) use calibration::sigmoid;
pub(crate) use prior::PriorShift;
