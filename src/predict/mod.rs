//! Applying a model to new text: reading, labelling in parallel, writing in order.

mod fast;
mod input;
mod output;
mod plain;
mod predictor;
mod rows;
mod scores;
mod words;

pub use input::{InputFields, InputFormat, Unit, Units};
pub use output::{OutputFormat, RowWriter};
pub use predictor::{Prediction, Predictor, Scratch};
pub use rows::{Labelled, Labeller, OutputRow, Split};
