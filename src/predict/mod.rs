//! Applying a model to new text: reading, labelling in parallel, writing in order.

mod input;
mod output;
mod predictor;
mod rows;

pub use input::{InputFields, InputFormat, Unit, Units};
pub use output::{OutputFormat, RowWriter};
pub use predictor::{Prediction, Predictor, Scratch};
pub use rows::{Labelled, Labeller, OutputRow, Split};
