//! Predictions set against annotations, label by label.

use crate::corpus::Record;
use crate::scoring::{LabelMode, LabelTree, LeafPrediction};

/// Predictions for annotated rows, for every label of a tree.
///
/// ```
/// use marsad::corpus::CorpusReader;
/// use marsad::evaluate::{Judged, Report};
/// use marsad::predict::{Predictor, Scratch};
///
/// let rows = r#"
/// {"doc": "1", "text": "شنت طائرات حربية غارات على المدينة", "labels": ["airstrike"]}
/// {"doc": "2", "text": "افتتحت البلدية حديقة عامة في المدينة", "labels": []}
/// "#;
/// let corpus = CorpusReader::default().read_memory(&[("rows.jsonl", rows.as_bytes())])?;
/// let predictor = Predictor::new(marsad::built_in_model()?);
/// let mut scratch = Scratch::default();
/// let records = corpus.records();
/// let predict = |record: &marsad::corpus::Record| predictor.predict_leaves(&record.text, &mut scratch);
/// let predictions: Vec<_> = records.iter().map(predict).collect();
///
/// let tree = predictor.tree().clone();
/// let judged = Judged::new(tree, predictor.header().mode, records, &predictions);
/// let report = Report::measure(&judged, 200, 1); // intervals from 200 resamples, seed 1
/// assert_eq!(report.rows, 2);
/// assert_eq!(report.exact_match.value, 1.0);
/// # Ok::<(), marsad::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Judged {
    pub(super) tree: LabelTree,
    /// `rows[row][label]`.
    pub(super) rows: Vec<Vec<Judgement>>,
    /// For each row how far its decision is from falling the other way.
    pub(super) margins: Vec<f64>,
    /// For each row the number of its document.
    pub(super) documents: Vec<usize>,
}

/// One label of one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// Whether the annotation says that the label holds; `None` where it leaves it open.
    pub annotated: Option<bool>,
    /// Whether the label is predicted.
    pub predicted: bool,
    /// The predicted probability.
    pub probability: f64,
}

impl Judged {
    /// Sets predictions against the annotations of the same rows.
    pub fn new(
        tree: LabelTree,
        mode: LabelMode,
        records: &[Record],
        predictions: &[LeafPrediction],
    ) -> Self {
        let mut numbers = std::collections::HashMap::new();
        let documents = records
            .iter()
            .map(|record| {
                let next = numbers.len();
                *numbers.entry(record.doc.as_str()).or_insert(next)
            })
            .collect();
        let rows = records
            .iter()
            .zip(predictions)
            .map(|(record, prediction)| {
                (0..tree.labels().len())
                    .map(|label| {
                        let name = &tree.labels()[label].name;
                        let held = record.holds(name)
                            || (mode == LabelMode::Single
                                && record.labels.is_empty()
                                && name == "none");
                        Judgement {
                            annotated: (!record.leaves_open(name)).then_some(held),
                            predicted: tree.holds(label, &prediction.holds),
                            probability: tree.probability(label, mode, &prediction.probabilities),
                        }
                    })
                    .collect()
            })
            .collect();
        Self {
            tree,
            rows,
            margins: predictions.iter().map(|row| row.margin).collect(),
            documents,
        }
    }
}
