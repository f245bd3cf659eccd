//! Marsad trains statistical classifiers on annotated Arabic sentences, labels them by conflict
//! event, and applies saved models in batch.
//!
//! The way of the data: [`corpus`] → [`text`] → [`features`] → [`learn`] → [`model`] →
//! [`predict`]; [`convert`] writes corpora in other formats, [`evaluate`] measures, [`training`] joins the steps into a run, [`streaming`]
//! into one over files larger than memory.
//!
//! ```
//! use marsad::predict::{Predictor, Scratch};
//!
//! let predictor = Predictor::new(marsad::built_in_model()?);
//! let mut scratch = Scratch::default();
//! let prediction = predictor.predict("شنت طائرات حربية غارات على أطراف المدينة.", &mut scratch);
//! let labels = &predictor.header().labels;
//! let airstrike = labels.iter().position(|label| label == "airstrike").unwrap();
//! assert!(prediction.holds[airstrike]);
//! # Ok::<(), marsad::Error>(())
//! ```
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod audit;
mod choices;
pub mod cli;
#[cfg(feature = "cluster")]
pub mod cluster;
mod columnar;
pub mod compacting;
mod compressed;
pub mod convert;
pub mod corpus;
mod error;
pub mod evaluate;
pub mod experiments;
pub mod explain;
pub mod features;
mod hash;
pub mod learn;
pub mod model;
mod original;
mod output_file;
#[cfg(feature = "sql")]
mod output_folder;
pub mod predict;
pub mod report;
pub mod scoring;
mod settings;
mod shield;
#[cfg(feature = "sql")]
pub mod sql;
pub mod streaming;
pub mod tables;
pub mod text;
pub mod training;
pub mod tuning;

pub use error::{Annotated, Error, Result};
pub use settings::Settings;

use std::path::Path;

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;

/// The model that ships with the program, from `models/conflict-events.safetensors`.
///
/// # Errors
/// When the program was built from a damaged file.
pub fn built_in_model() -> Result<model::Model> {
    model::Model::from_program(BUILT_IN, Path::new("the built-in model"))
}

const BUILT_IN: &[u8] = include_bytes!("../models/conflict-events.safetensors");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_model_is_whole() {
        assert!(model::Model::from_bytes(BUILT_IN, Path::new("the built-in model")).is_ok());
    }
}
