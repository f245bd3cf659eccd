//! Labels that are likely errors of annotation.
//!
//! Confident learning (Northcutt, Jiang and Chuang, JAIR 70, 2021), a label at a time against the rest:
//! each row is predicted by a model that has not seen its document; the mean confidence of that
//! model in what is annotated, over the rows that hold a label and over those that do not, says how
//! sure it usually is of either; a row is suspicious where the model is as sure of the contrary of
//! its annotation as it usually is of rows that are annotated so. Rows are ranked by their most
//! doubtful label. See [`DoubtScore`] for what was tried.

use std::ops::Range;

use rayon::prelude::*;
use serde::Serialize;

use crate::corpus::{Corpus, Record, assign_folds};
use crate::error::Result;
use crate::predict::{Predictor, Scratch};
use crate::scoring::LabelMode;
use crate::settings::Settings;
use crate::training::{HeldOutPart, Step, Workbench};

/// How a doubtful label is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The label is not annotated and likely holds.
    Missing,
    /// The label is annotated and likely does not hold.
    Wrong,
}

/// A label that is doubtful in a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Doubt {
    /// The label. A row's `label` would be its annotation where it is read back.
    #[serde(rename = "doubtful_label")]
    pub label: String,
    /// What may be the matter.
    pub direction: Direction,
    /// The probability that the label holds, by a model that has not seen the document.
    pub probability: f64,
    /// How doubtful it is; larger is more. Comparable within one run.
    pub score: f64,
    /// Whether the model is as sure of the contrary as it usually is of rows annotated so.
    pub likely: bool,
    /// The bytes of the text in which the label shows most.
    pub evidence: Option<Range<usize>>,
}

/// A row with its doubtful labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// Its place in the corpus.
    pub row: usize,
    /// Its most doubtful label first, then others that are likely errors.
    pub doubts: Vec<Doubt>,
}

/// What doubt is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoubtScore {
    /// The probability of the contrary of the annotation.
    SelfConfidence,
    /// By how much the contrary is above what is usual, less the annotation's own: the margin of
    /// probabilities normalised by the usual confidences.
    NormalizedMargin,
    /// The probability of the contrary as a share of its usual confidence.
    ConfidenceRatio,
    /// The logarithm of the odds of the contrary, less its mean over rows annotated so: how far the
    /// row lies among those that are annotated the other way.
    NormalizedLogit,
}

impl DoubtScore {
    /// The one that found most errors where they were known; see `docs/annotating.md`.
    pub const BEST: Self = Self::NormalizedMargin;
}

/// Ranks the rows of a corpus by how likely one of their labels is an error, the likeliest first, every
/// row once. Runs on the current rayon thread pool; the same corpus, settings and folds give the same
/// ranks.
///
/// # Errors
/// As [`crate::training::cross_validate`].
pub fn suspects(
    corpus: &Corpus,
    settings: &Settings,
    score: DoubtScore,
    progress: &(dyn Fn(Step) + Sync),
) -> Result<Vec<Suspect>> {
    let predicted = Predicted::out_of_fold(corpus, settings, progress)?;
    let ranking = Ranking {
        records: corpus.records(),
        predicted: &predicted,
    };
    Ok(ranking.rank(score))
}

/// What models that have not seen a row's document say of it.
struct Predicted {
    labels: Vec<String>,
    mode: LabelMode,
    rows: Vec<RowPrediction>,
}

impl Predicted {
    fn out_of_fold(
        corpus: &Corpus,
        settings: &Settings,
        progress: &(dyn Fn(Step) + Sync),
    ) -> Result<Self> {
        let records = corpus.records();
        let folds = assign_folds(records, settings.training.folds, settings.training.seed)?;
        progress(Step::Tokenize);
        let workbench = Workbench::new(corpus, settings)?;
        let parts = HeldOutPart::of_folds(&folds);
        let models = workbench.part_models(settings, &parts, progress)?;
        progress(Step::Measure);
        let mut predicted = Self {
            labels: Vec::new(),
            mode: LabelMode::Multiple,
            rows: vec![RowPrediction::default(); records.len()],
        };
        for (part, model) in parts.iter().zip(models) {
            let predictor = Predictor::new(model);
            predicted.labels.clone_from(&predictor.header().labels);
            predicted.mode = predictor.header().mode;
            let of_part: Vec<RowPrediction> = (part.measure_on.par_iter())
                .map_init(Scratch::default, |scratch, &row| {
                    let text = &records[row].text;
                    RowPrediction {
                        windows: predictor.windows(text, scratch),
                        probabilities: predictor.predict(text, scratch).probabilities.clone(),
                    }
                })
                .collect();
            for (&row, prediction) in part.measure_on.iter().zip(of_part) {
                predicted.rows[row] = prediction;
            }
        }
        Ok(predicted)
    }
}

/// What a model that has not seen a row's document says of it, label by label.
#[derive(Clone, Debug, Default)]
struct RowPrediction {
    probabilities: Vec<f64>,
    windows: Vec<Option<Range<usize>>>,
}

struct Ranking<'a> {
    records: &'a [Record],
    predicted: &'a Predicted,
}

/// How sure the models usually are of a label, where it is annotated and where it is not.
#[derive(Clone, Copy, Debug, Default)]
struct Usual {
    /// Mean probability of what is annotated: of not, of yes.
    confidence: [f64; 2],
    /// Mean logarithm of its odds.
    logit: [f64; 2],
}

impl Ranking<'_> {
    /// Whether a row is annotated with a label; nothing where that is left open.
    fn annotated(&self, row: usize, label: &str) -> Option<bool> {
        let record = self.records.get(row)?;
        let is_none =
            self.predicted.mode == LabelMode::Single && record.labels.is_empty() && label == "none";
        (!record.leaves_open(label)).then(|| record.holds(label) || is_none)
    }

    fn rank(&self, score: DoubtScore) -> Vec<Suspect> {
        let usual: Vec<Usual> = (0..self.predicted.labels.len())
            .map(|l| self.usual(l))
            .collect();
        let suspect = |row: usize| {
            let doubts = usual.iter().enumerate();
            let mut doubts: Vec<Doubt> = doubts
                .filter_map(|(label, usual)| self.doubt(row, label, usual, score))
                .collect();
            doubts.sort_by(|a, b| b.score.total_cmp(&a.score));
            let mut first = true;
            doubts.retain(|doubt| std::mem::take(&mut first) || doubt.likely);
            Suspect { row, doubts }
        };
        let mut suspects: Vec<Suspect> = (0..self.records.len())
            .into_par_iter()
            .map(suspect)
            .filter(|suspect| !suspect.doubts.is_empty())
            .collect();
        let score_of = |suspect: &Suspect| suspect.doubts.first().map_or(0.0, |d| d.score);
        suspects.sort_by(|a, b| score_of(b).total_cmp(&score_of(a)).then(a.row.cmp(&b.row)));
        suspects
    }

    fn usual(&self, label: usize) -> Usual {
        let (mut sums, mut logits, mut rows) = ([0.0; 2], [0.0; 2], [0usize; 2]);
        for row in 0..self.records.len() {
            let side = self.annotated(row, &self.predicted.labels[label]);
            let probability = self.predicted.rows[row].probabilities.get(label);
            if let (Some(holds), Some(&probability)) = (side, probability) {
                let own = if holds {
                    probability
                } else {
                    1.0 - probability
                };
                sums[usize::from(holds)] += own;
                logits[usize::from(holds)] += logit(own);
                rows[usize::from(holds)] += 1;
            }
        }
        let mean = |sums: [f64; 2]| [0, 1].map(|side| sums[side] / rows[side].max(1) as f64);
        Usual {
            confidence: mean(sums),
            logit: mean(logits),
        }
    }

    fn doubt(&self, row: usize, label: usize, usual: &Usual, score: DoubtScore) -> Option<Doubt> {
        let name = &self.predicted.labels[label];
        let holds = self.annotated(row, name)?;
        let prediction = self.predicted.rows.get(row)?;
        let probability = *prediction.probabilities.get(label)?;
        let own = if holds {
            probability
        } else {
            1.0 - probability
        };
        let contrary = 1.0 - own;
        let [own_usual, contrary_usual] =
            [holds, !holds].map(|side| usual.confidence[usize::from(side)]);
        Some(Doubt {
            label: name.clone(),
            direction: match holds {
                true => Direction::Wrong,
                false => Direction::Missing,
            },
            probability,
            score: match score {
                DoubtScore::SelfConfidence => contrary,
                DoubtScore::NormalizedMargin => (contrary - contrary_usual) - (own - own_usual),
                DoubtScore::ConfidenceRatio => contrary / contrary_usual.max(1e-9),
                DoubtScore::NormalizedLogit => logit(contrary) - usual.logit[usize::from(!holds)],
            },
            likely: contrary >= contrary_usual && contrary > 0.5,
            evidence: prediction.windows.get(label).cloned().flatten(),
        })
    }
}

fn logit(probability: f64) -> f64 {
    let probability = probability.clamp(1e-6, 1.0 - 1e-6);
    libm::log(probability) - libm::log1p(-probability)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{CorpusReader, read_bundled};
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;
    use std::collections::BTreeMap;

    /// Changes one label of 5% of the rows, drawn at random without repeats: a label drawn evenly
    /// from all leaf labels of the corpus is added where it is not annotated and taken away where
    /// it is; for half of the rows that hold labels it is drawn from those, so that as many are
    /// taken away as are added among them. Returns the rows with the label changed.
    fn flip(records: &mut [Record], labels: &[String], seed: u64) -> BTreeMap<usize, String> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let rows = rand::seq::index::sample(&mut random, records.len(), records.len() / 20);
        let mut flipped = BTreeMap::new();
        for row in rows {
            let held = &records[row].labels;
            let takes_away = !held.is_empty() && random.gen_bool(0.5);
            let candidates: Vec<&String> = labels
                .iter()
                .filter(|label| held.contains(*label) == takes_away)
                .collect();
            let label = candidates[random.gen_range(0..candidates.len())].clone();
            if takes_away {
                records[row].labels.remove(&label);
            } else {
                records[row].labels.insert(label.clone());
            }
            flipped.insert(row, label);
        }
        flipped
    }

    /// The shares of the flipped rows, and of the flipped labels, that are among the first tenth by
    /// each score.
    fn found(corpus: &Corpus, scores: &[DoubtScore], seed: u64) -> Vec<[f64; 2]> {
        let mut records = corpus.records().to_vec();
        let labels: Vec<String> = corpus.labels().into_iter().collect();
        let flipped = flip(&mut records, &labels, seed);
        let corpus = corpus.with_records(records);
        let predicted = Predicted::out_of_fold(&corpus, &Settings::default(), &|_| {}).unwrap();
        let ranking = Ranking {
            records: corpus.records(),
            predicted: &predicted,
        };
        let share = |score: &DoubtScore| {
            let ranked = ranking.rank(*score);
            assert_eq!(ranked.len(), corpus.records().len());
            let mut counts = [0usize; 2];
            for suspect in &ranked[..ranked.len() / 10] {
                let label = flipped.get(&suspect.row);
                counts[0] += usize::from(label.is_some());
                let named = suspect.doubts.iter().any(|d| Some(&d.label) == label);
                counts[1] += usize::from(named);
            }
            counts.map(|count| count as f64 / flipped.len() as f64)
        };
        scores.iter().map(share).collect()
    }

    /// On every eighth document.
    #[test]
    fn flipped_labels_are_among_the_first_rows() {
        let corpus = read_bundled(&CorpusReader::default()).unwrap();
        let numbers = crate::corpus::document_numbers(corpus.records());
        let places: Vec<usize> = (0..numbers.len())
            .filter(|&row| numbers[row].is_multiple_of(8))
            .collect();
        let corpus = corpus.select(&places);
        let found = found(&corpus, &[DoubtScore::BEST], 1);
        assert!(found[0].iter().all(|&share| share >= 0.6), "{found:?}");
    }

    #[test]
    #[ignore = "fits five models to the whole corpus for each of three draws"]
    fn scores_compared_on_the_whole_corpus() {
        let corpus = read_bundled(&CorpusReader::default()).unwrap();
        let scores = [
            DoubtScore::NormalizedMargin,
            DoubtScore::SelfConfidence,
            DoubtScore::ConfidenceRatio,
            DoubtScore::NormalizedLogit,
        ];
        for seed in 1..=3 {
            for (score, [rows, labels]) in scores.iter().zip(found(&corpus, &scores, seed)) {
                println!("draw {seed}, {score:?}: rows {rows:.3}, their labels {labels:.3}");
                assert!(rows >= 0.6 && labels >= 0.6);
            }
        }
    }
}
