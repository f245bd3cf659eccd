//! What SQL functions need of a model.

use std::sync::Arc;

use crate::model::Model;
use crate::predict::Predictor;

/// A model as SQL functions see it: whole where they run, its name and labels alone where they are
/// only planned.
#[derive(Clone, Debug)]
pub struct EventModel {
    digest: String,
    labels: Vec<String>,
    predictor: Option<Arc<Predictor>>,
}

impl EventModel {
    /// A model that predicts; one predictor is shared by all partitions.
    pub fn new(model: Model) -> Self {
        let predictor = Predictor::new(model);
        let labels = predictor.tree().labels().iter();
        Self {
            digest: predictor.header().checksum.clone(),
            labels: labels.map(|label| label.name.clone()).collect(),
            predictor: Some(Arc::new(predictor)),
        }
    }

    /// A model that is known by name only, for planning.
    pub(crate) fn described(digest: String, labels: Vec<String>) -> Self {
        Self {
            digest,
            labels,
            predictor: None,
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
    pub(crate) fn predictor(&self) -> Option<&Arc<Predictor>> {
        self.predictor.as_ref()
    }
}
