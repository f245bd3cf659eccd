//! SQL over files with the labels of a model, by Apache DataFusion: [tables](TableArgument) →
//! statement → [plan](SqlSession::plan) with functions of a model → [rows in order](run_ordered) →
//! output.
//!
//! The same plan runs in the process and on a cluster.

mod engine;
mod errors;
mod functions;
mod meter;
mod model;
mod ordered;
mod output;
pub(crate) mod parts;
mod session;
mod statement;
mod tables;

pub(crate) use engine::on_engine;
#[cfg(feature = "cluster")]
pub(crate) use errors::advised;
pub(crate) use errors::told;
pub use model::EventModel;
pub use ordered::run_ordered;
pub(crate) use ordered::shared_out;
pub(crate) use output::{RowsFormat, Stopped, WrittenRows, write_rows};
pub use session::SqlSession;
pub use tables::{TableArgument, TableFormat, TableOptions};

#[cfg(feature = "cluster")]
pub(crate) use functions::{FUNCTIONS, event_function, event_model_of};
#[cfg(feature = "cluster")]
pub(crate) use meter::MeteredFiles;
#[cfg(feature = "cluster")]
pub(crate) use ordered::compressed_file;
