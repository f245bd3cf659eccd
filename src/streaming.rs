//! From files larger than memory to a model: one pass over the rows for the vocabulary, one or
//! more for the weights, and a tenth of the documents held out for calibration and figures.

mod bounds;
mod reading;
mod tally;

use std::path::PathBuf;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use crate::choices::{Decider, RawScore};
use crate::corpus::{CorpusReader, ReadCounts, Record, empty_corpus, refuse_pipes};
use crate::error::{Error, Result};
use crate::evaluate::{Judged, Report};
use crate::features::{ROLES, RowMaker, SentenceWords, Vocabulary, VocabularyGatherer};
use crate::learn::{Ftrl, StreamSettings, Targets, slope};
use crate::model::{FORMAT_VERSION, Header, Model, ModelHeads, Provenance, TextVersions};
use crate::scoring::{LabelMode, LabelTree, WeightBits, Weights};
use crate::settings::Settings;
use crate::text::TextPipeline;
use crate::training::EVIDENCE_RADIUS;
use bounds::{HALVES, for_stream, memory, most_features};
use reading::{InOrder, SideBySide, Source, words_of, work_through};
use tally::{HeldOutRow, Tally};

/// Held-out rows that are scored together.
const SCORED_AT_ONCE: usize = 4096;
/// A run as it goes on.
#[derive(Debug)]
pub enum StreamStep<'a> {
    /// So many rows were read to find the vocabulary.
    Gathered(usize),
    /// The first pass is over.
    Corpus {
        /// What was read and left out; repeats and contradictions are not counted.
        counts: &'a ReadCounts,
        /// About how many documents there are.
        documents: usize,
        /// Sentences a label, as in the model's provenance.
        label_counts: &'a std::collections::BTreeMap<String, usize>,
        /// Rows held out.
        held_out: usize,
        /// Features kept.
        features: usize,
        /// Memory that the run takes at most, in MB, as estimated.
        megabytes: usize,
    },
    /// So many rows of all passes were learnt from or passed over.
    Learnt {
        /// Rows so far.
        rows: usize,
        /// Rows of all passes.
        all: usize,
    },
    /// The held-out rows are scored and the figures computed.
    Measure,
}

/// Trains a model on files that are read several times, row by row, in memory that does not grow
/// with them. Runs on the current rayon thread pool; the result is the same for any number of
/// threads.
///
/// # Errors
/// When a setting is out of bounds or has no meaning here, a file cannot be read or understood or
/// changes meanwhile, or there is nothing to learn.
pub fn train_stream(
    reader: &CorpusReader,
    paths: &[PathBuf],
    settings: &Settings,
    progress: &(dyn Fn(StreamStep<'_>) + Sync),
) -> Result<Model> {
    let settings = for_stream(settings)?;
    refuse_pipes(paths)?;
    let run = Run {
        reader,
        paths,
        stream: settings.learner.stream.unwrap_or_default(),
        pipeline: TextPipeline::new(&settings.text),
        settings: &settings,
        progress,
    };
    // Two labels at least: what cannot be done is told before all is read.
    most_features(&run.stream, 2)?;
    let mut first = run.first_pass()?;
    let targets = first.tally.targets(run.single())?;
    let [rows, held_out] = first.tally.rows();
    if rows == 0 || held_out < FEWEST_HELD_OUT {
        return Err(Error::Corpus(format!(
            "of {} annotated sentences {held_out} fell into the tenth of the documents that is held out, at least {FEWEST_HELD_OUT} are needed; \
             train without --stream",
            rows + held_out
        )));
    }
    let most = most_features(&run.stream, targets.labels().len())?;
    let vocabulary = first.gatherer.finish(most);
    if vocabulary.is_empty() {
        return Err(Error::Corpus(
            "no feature is frequent enough; give more text, a lower features.min_document_frequency or a higher --max-features".into(),
        ));
    }
    let label_counts = first.tally.label_counts();
    progress(StreamStep::Corpus {
        counts: &first.counts,
        documents: first.tally.documents(),
        label_counts: &label_counts,
        held_out,
        features: vocabulary.len(),
        megabytes: memory(vocabulary.len(), targets.labels().len()) >> 20,
    });
    let Learnt {
        mut maker,
        weights,
        biases,
    } = run.learn(&first.tally, &first.rows, &targets, vocabulary)?;
    progress(StreamStep::Measure);
    let held_out = first.tally.take_held_out();
    let scores = run.scores(&mut maker, &weights, &biases, &held_out);
    let digest = first.tally.digest();
    let heads = ModelHeads::Linear {
        weights: Weights::exact(biases.len(), maker.in_order(&weights, biases.len())),
        biases,
        assertion: Weights::exact(ROLES, Vec::new()),
    }
    .with_bits(WeightBits::Eight);
    drop(weights);
    run.assemble(Parts {
        tally: &first.tally,
        targets: &targets,
        held_out: &held_out,
        scores: &scores,
        digest,
        vocabulary: maker.into_vocabulary(),
        heads,
    })
}

/// Fewer sentences held out tell nothing.
const FEWEST_HELD_OUT: usize = 20;

/// One run.
struct Run<'a> {
    reader: &'a CorpusReader,
    paths: &'a [PathBuf],
    settings: &'a Settings,
    stream: StreamSettings,
    pipeline: TextPipeline,
    progress: &'a (dyn Fn(StreamStep<'_>) + Sync),
}

/// What the first pass found.
struct FirstPass {
    tally: Tally,
    gatherer: VocabularyGatherer,
    counts: ReadCounts,
    /// Annotated rows of each file.
    rows: Vec<usize>,
}

/// What the later passes learnt: weights in the order of rows, a bias a label.
struct Learnt {
    maker: RowMaker,
    weights: Vec<f32>,
    biases: Vec<f32>,
}

/// A row to learn from: the place of its annotation, and its words.
type Prepared = (usize, SentenceWords);

impl Run<'_> {
    fn single(&self) -> bool {
        self.settings.training.single_label
    }

    fn seed(&self) -> u64 {
        self.settings.training.seed
    }

    fn first_pass(&self) -> Result<FirstPass> {
        let mut source = InOrder::new(self.reader, self.paths);
        let mut tally = Tally::new(self.seed());
        let mut gatherer = VocabularyGatherer::new(&self.settings.features);
        let read = std::sync::atomic::AtomicUsize::new(0);
        work_through(
            || {
                let rows = source.next_rows()?;
                let learnt: Vec<&Record> =
                    rows.iter().filter(|row| !self.is_held_out(row)).collect();
                let texts = learnt.par_iter().map(|row| row.text.as_str());
                let words = words_of(&self.pipeline, texts);
                Ok((!rows.is_empty()).then_some((rows, words)))
            },
            |(rows, words)| {
                read.fetch_add(rows.len(), std::sync::atomic::Ordering::Relaxed);
                words.iter().for_each(|sentence| gatherer.add(sentence));
                rows.into_iter()
                    .try_for_each(|row| tally.add(row, self.single()))
            },
            || {
                let rows = read.load(std::sync::atomic::Ordering::Relaxed);
                (self.progress)(StreamStep::Gathered(rows));
            },
        )?;
        if source.counts.annotated == 0 {
            return Err(empty_corpus(&source.counts));
        }
        Ok(FirstPass {
            tally,
            gatherer,
            counts: source.counts,
            rows: source.rows,
        })
    }

    fn is_held_out(&self, row: &Record) -> bool {
        Tally::document(self.seed(), row).1
    }

    /// Learns the weights in one or more passes.
    fn learn(
        &self,
        tally: &Tally,
        rows: &[usize],
        targets: &Targets,
        vocabulary: Vocabulary,
    ) -> Result<Learnt> {
        let labels = targets.labels().len();
        let mut ftrl = Ftrl::new(&self.stream, vocabulary.len(), labels);
        let mut maker = RowMaker::new(vocabulary);
        let weights: Vec<[f64; 2]> = (0..labels)
            .map(|label| {
                let [without, with] = tally.sides(targets, label, &[0]);
                self.settings.learner.class_weights.of(without, with)
            })
            .collect();
        let all = rows.iter().sum::<usize>();
        let mut pairs = Vec::new();
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed());
        for epoch in 0..self.stream.epochs {
            let mut source = SideBySide::new(self.reader, self.paths, rows);
            let read = std::sync::atomic::AtomicUsize::new(0);
            work_through(
                || self.prepare(&mut source, tally, &read),
                |mut batch: Vec<Prepared>| {
                    batch.shuffle(&mut random);
                    for (annotation, words) in &batch {
                        let scale = maker.row(words, &mut pairs);
                        ftrl.learn(&pairs, scale, |label, score| {
                            let held = targets.holds(label, *annotation);
                            held.map_or(0.0, |held| slope(score, held, weights[label]))
                        });
                    }
                    Ok(())
                },
                || {
                    (self.progress)(StreamStep::Learnt {
                        rows: epoch * all + read.load(std::sync::atomic::Ordering::Relaxed),
                        all: all * self.stream.epochs,
                    });
                },
            )?;
            if read.into_inner() != all {
                return Err(changed());
            }
        }
        let (weights, biases) = ftrl.weights();
        Ok(Learnt {
            maker,
            weights,
            biases,
        })
    }

    /// The next batch of rows to learn from; none at the end.
    fn prepare(
        &self,
        source: &mut SideBySide<'_>,
        tally: &Tally,
        read: &std::sync::atomic::AtomicUsize,
    ) -> Result<Option<Vec<Prepared>>> {
        let mut rows = source.next_rows()?;
        if rows.is_empty() {
            return Ok(None);
        }
        read.fetch_add(rows.len(), std::sync::atomic::Ordering::Relaxed);
        rows.retain(|row| !self.is_held_out(row));
        let annotations: Option<Vec<usize>> = rows.iter_mut().map(|row| tally.place(row)).collect();
        let annotations = annotations.ok_or_else(changed)?;
        let words = words_of(&self.pipeline, rows.par_iter().map(|row| row.text.as_str()));
        Ok(Some(annotations.into_iter().zip(words).collect()))
    }

    /// The raw scores of rows held out, by weights in the order of rows.
    fn scores(
        &self,
        maker: &mut RowMaker,
        weights: &[f32],
        biases: &[f32],
        rows: &[HeldOutRow],
    ) -> Vec<Vec<RawScore>> {
        let mut scores = Vec::with_capacity(rows.len());
        let mut pairs = Vec::new();
        for rows in rows.chunks(SCORED_AT_ONCE) {
            let texts = rows.par_iter().map(|row| row.text.as_str());
            for words in words_of(&self.pipeline, texts) {
                let scale = f64::from(maker.row(&words, &mut pairs));
                let mut sums = vec![0.0; biases.len()];
                for &(feature, value) in &pairs {
                    let columns = &weights[feature as usize * biases.len()..][..biases.len()];
                    for (sum, weight) in sums.iter_mut().zip(columns) {
                        *sum += f64::from(*weight) * f64::from(value);
                    }
                }
                let of_row = sums.iter().zip(biases);
                scores.push(
                    of_row
                        .map(|(sum, bias)| [sum * scale + f64::from(*bias), 0.0, 0.0])
                        .collect(),
                );
            }
        }
        scores
    }

    /// Chooses calibrations and thresholds, measures, and puts the model together.
    fn assemble(&self, parts: Parts<'_>) -> Result<Model> {
        let Parts {
            tally,
            targets,
            held_out,
            scores,
            digest,
            vocabulary,
            heads,
        } = parts;
        let annotations: Vec<usize> = held_out.iter().map(|row| row.annotation).collect();
        let of_held_out = targets.select(&annotations);
        let folds: Vec<usize> = (held_out.iter())
            .map(|row| (row.document % HALVES as u64) as usize)
            .collect();
        let decided = Decider {
            settings: self.settings,
            targets: &of_held_out,
            folds: &folds,
            fold_count: HALVES,
        }
        .decide(scores)?;
        let mode = match self.single() {
            true => LabelMode::Single,
            false => LabelMode::Multiple,
        };
        let records: Vec<Record> = held_out
            .iter()
            .map(|row| Record {
                doc: format!("{:x}", row.document),
                ..tally.first_rows()[row.annotation].clone()
            })
            .collect();
        let tree = LabelTree::new(targets.labels());
        let judged = Judged::new(tree, mode, &records, &decided.predictions);
        let training = &self.settings.training;
        let report = Report::measure(&judged, training.bootstrap_samples, training.seed);
        let priors = (0..targets.labels().len()).map(|label| {
            let [without, with] = tally.sides(targets, label, &[0, 1]);
            with as f64 / (without + with).max(1) as f64
        });
        let header = Header {
            format_version: FORMAT_VERSION,
            checksum: String::new(),
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            text_versions: TextVersions::CURRENT,
            text: self.settings.text,
            features: self.settings.features.clone(),
            mode,
            labels: targets.labels().to_vec(),
            mixes: None,
            calibrations: decided.choices.calibrations,
            thresholds: decided.choices.thresholds,
            priors: priors.collect(),
            review: judged.review_curve(),
            window_radius: EVIDENCE_RADIUS,
            alphabet: vocabulary.alphabet.stored(),
            subwords: None,
            provenance: Provenance {
                corpus_digest: digest,
                sentences: tally.rows().iter().sum(),
                documents: tally.documents(),
                label_counts: tally.label_counts(),
                learner: self.settings.learner.clone(),
                training: training.clone(),
                out_of_fold: report,
            },
        };
        Ok(Model {
            header,
            vocabulary,
            heads,
        })
    }
}

/// What a model is made of.
struct Parts<'a> {
    tally: &'a Tally,
    targets: &'a Targets,
    held_out: &'a [HeldOutRow],
    scores: &'a [Vec<RawScore>],
    digest: String,
    vocabulary: Vocabulary,
    heads: ModelHeads,
}

fn changed() -> Error {
    Error::Corpus(
        "the files changed while they were read; begin again when they stay as they are".into(),
    )
}
