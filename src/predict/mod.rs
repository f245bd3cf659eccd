//! Applying a model to new text: reading, labelling in parallel, writing in order.

mod bigrams;
mod fast;
mod fields;
mod input;
mod output;
mod plain;
mod predictor;
mod rows;
mod scores;
mod stream;
mod trace;
mod words;
mod write;

pub use fields::FieldValue;
pub use input::{Batch, Input, InputFields, InputFormat, Unit};
pub use output::{OutputFormat, RowFormat};
pub use predictor::{Prediction, Predictor, Scratch};
pub use rows::{Labelled, Labeller, OutputRow, Split, UnitCursor, Workspace};

pub(crate) use plain::span_of_words;
pub(crate) use stream::{
    Counts, RowSink, RowWriter, Stopped, Stream, WrittenRows, pieces_of_batches,
};
pub(crate) use trace::{LabelTrace, Piece, Source, Term};
