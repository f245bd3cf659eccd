//! `marsad train --stream`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::Value;

use super::ContradictionsArg;
use super::console::{Failure, Progress, complain, progress};
use super::train::{CorpusFacts, TrainArgs, describe_corpus, finish, say_to_who_listens};
use crate::corpus::Contradictions;
use crate::error::{Error, Result};
use crate::learn::LearnerKind;
use crate::settings::Settings;
use crate::streaming::{StreamStep, train_stream};

impl TrainArgs {
    /// Sets what belongs to `--stream`, and refuses arguments that have no meaning with it.
    pub(super) fn set_stream(&self, settings: &mut Settings) -> Result<()> {
        let without_meaning = |name: &'static str, value: String, allowed| {
            Err(Error::Setting {
                name,
                value,
                allowed,
            })
        };
        if !self.stream {
            return Ok(());
        }
        if let Some(learner) = self.learner.filter(|&learner| learner != LearnerKind::Ftrl) {
            let allowed = "ftrl, or not given, with --stream";
            return without_meaning("--learner", learner.name(), allowed);
        }
        if let Some(folds) = self.folds {
            let allowed =
                "not given with --stream, which holds out a tenth of the documents instead";
            return without_meaning("--folds", folds.to_string(), allowed);
        }
        if let Some(how @ (ContradictionsArg::Refuse | ContradictionsArg::Drop)) =
            self.reading.contradictions
        {
            let allowed = "keep with --stream, which cannot find them without holding all texts";
            let value = format!("{how:?}").to_lowercase();
            return without_meaning("--contradictions", value, allowed);
        }
        let stream = settings.learner.stream.get_or_insert_default();
        stream.epochs = self.epochs.unwrap_or(stream.epochs);
        stream.max_features = self.max_features.or(stream.max_features);
        stream.memory_limit = self.memory.unwrap_or(stream.memory_limit);
        Ok(())
    }
}

pub(super) fn run(
    args: &TrainArgs,
    settings: &Settings,
    output: &Path,
) -> std::result::Result<ExitCode, Failure> {
    let reader = args.reading.reader(Contradictions::Keep)?;
    let bar = progress(None, "{spinner} {msg}, {read} read ({elapsed})");
    let learning: OnceLock<Progress> = OnceLock::new();
    let corpus = Mutex::new(Value::Null);
    let tell = |step: StreamStep<'_>| match step {
        StreamStep::Gathered(rows) => bar.set_message(format!("{rows} rows")),
        StreamStep::Learnt { rows, all } => {
            let bar = learning.get_or_init(|| {
                bar.finish_and_clear();
                let template =
                    "{bar:30} {percent}% of {human_len} rows learnt from, {per_sec} ({elapsed})";
                progress(Some(all as u64), template)
            });
            bar.set_position(rows as u64);
        }
        StreamStep::Measure => {
            if let Some(learning) = learning.get() {
                learning.finish_and_clear();
            }
            bar.set_message("intervals");
        }
        StreamStep::Corpus {
            counts,
            documents,
            label_counts,
            held_out,
            features,
            megabytes,
        } => {
            let facts = CorpusFacts {
                counts,
                sentences: counts.annotated,
                documents,
                label_counts,
            };
            *corpus.lock().unwrap_or_else(PoisonError::into_inner) = facts.to_json();
            if args.figures.json {
                return;
            }
            let told = format!(
                "{}\n\n{held_out} sentences are held out; {features} features, about {megabytes} MB.",
                describe_corpus(&facts, args)
            );
            bar.suspend(|| {
                // Nobody reads it: the model is still wanted.
                if let Err(error) = say_to_who_listens(&told) {
                    complain(&format!("standard output: {error}"));
                }
            });
        }
    };
    let work = || train_stream(&reader, &args.corpus, settings, &tell);
    let model = args.threads.run(work)??;
    bar.finish_and_clear();
    let rows = model.header().provenance.out_of_fold.rows;
    let how = format!(
        "Held out ({rows} sentences of documents not learnt from; calibration and thresholds for each half from the other)"
    );
    let corpus = corpus.into_inner().unwrap_or_else(PoisonError::into_inner);
    finish(&model, output, &how, corpus, &args.figures)
}
