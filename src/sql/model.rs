//! What SQL functions need of a model.

use std::sync::Arc;

use super::functions::Labelling;
use crate::model::Model;
use crate::predict::Predictor;

/// A model as SQL functions see it: whole where they run, its name and labels alone where they are
/// only planned. One is shared by all functions and partitions.
#[derive(Debug)]
pub struct EventModel {
    digest: String,
    labels: Vec<String>,
    labelling: Option<Labelling>,
}

impl EventModel {
    /// A model that predicts; one predictor is shared by all partitions.
    pub fn new(model: Model) -> Self {
        let predictor = Predictor::new(model);
        let labels = predictor.tree().labels().iter();
        Self {
            digest: predictor.header().checksum.clone(),
            labels: labels.map(|label| label.name.clone()).collect(),
            labelling: Some(Labelling::new(Arc::new(predictor))),
        }
    }

    /// A model that is known by name only, for planning.
    #[cfg(any(feature = "cluster", test))]
    pub(crate) fn described(digest: String, labels: Vec<String>) -> Self {
        Self {
            digest,
            labels,
            labelling: None,
        }
    }

    /// SHA-256 of the model's arrays and header, as its file says; in hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// All labels, parents included, in the order of the output of `marsad predict`.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The predictor, where the model is whole.
    #[cfg(test)]
    pub(crate) fn predictor(&self) -> Option<&Arc<Predictor>> {
        self.labelling.as_ref().map(Labelling::predictor)
    }

    /// How many texts the functions of SQL have labelled so far. Functions that are given the same
    /// column label it once, and a text that a dictionary holds once is labelled once a batch.
    pub fn texts_labelled(&self) -> u64 {
        self.labelling.as_ref().map_or(0, Labelling::texts_labelled)
    }

    /// What labels texts, where the model is whole.
    pub(super) fn labelling(&self) -> Option<&Labelling> {
        self.labelling.as_ref()
    }
}
