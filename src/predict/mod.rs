//! Applying a model to new text: reading, labelling in parallel, writing in order.

mod bigrams;
mod columns;
mod fast;
mod fields;
mod formats;
mod input;
mod output;
mod plain;
mod predictor;
mod records;
mod rows;
mod scores;
mod stream;
mod trace;
mod words;
pub(crate) mod write;

pub use fields::FieldValue;
pub use formats::{OutputFormat, RowLayout, TextFormat};
pub(crate) use input::input_files;
pub use input::{Batch, Input, InputFields, InputFormat, InputOptions, Unit};
pub use output::RowFormat;
pub use predictor::{Prediction, Predictor, Scratch};
pub use rows::{Labelled, Labeller, OutputRow, Split, UnitCursor, Workspace};

pub(crate) use columns::{ColumnFormat, ColumnRows, ColumnWriter};
#[cfg(feature = "sql")]
pub(crate) use columns::{LONGEST_ROW, evidence_fields, list_of, rounded};
pub(crate) use formats::FormatKind;
pub(crate) use plain::span_of_words;
#[cfg(feature = "sql")]
pub(crate) use records::Cells;
pub(crate) use stream::{
    Counts, RowOutput, RowSink, RowWriter, Stopped, Stream, WrittenRows, pieces_of_batches,
};
pub(crate) use trace::{LabelTrace, Piece, Source, Term};
