//! `marsad evaluate`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use rayon::prelude::*;

use super::console::{Failure, complain, say};
use super::decide::DecisionArgs;
use super::{CorpusArgs, FiguresArgs, ModelArgs, ThreadArgs};
use crate::corpus::{Contradictions, Corpus, KeptFields, parents};
use crate::error::Error;
use crate::evaluate::{GroupReport, Judged, Report, ReviewPoint, group_table};
use crate::learn::MOST_BOOTSTRAP_SAMPLES;
use crate::predict::{Predictor, Scratch};
use crate::scoring::LeafPrediction;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad evaluate held-out.jsonl
  marsad evaluate held-out.jsonl --by outlet
  marsad evaluate held-out.csv -m ours.safetensors --json > figures.json
  marsad evaluate reviewed.xlsx --sheet May

Labels in a field \"unsure\" are not counted for their row.")]
pub(super) struct EvaluateArgs {
    /// Annotated corpora to measure on
    #[arg(required = true)]
    corpus: Vec<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    figures: FiguresArgs,
    /// Field of the corpus by whose values figures are given as well, such as an outlet or a year
    #[arg(long, value_name = "FIELD")]
    by: Option<String>,
    /// Resamples of documents for the intervals
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = bootstrap_samples)]
    bootstrap: usize,
    /// Decides the resamples
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    decision: DecisionArgs,
    #[command(flatten)]
    reading: CorpusArgs,
    #[command(flatten)]
    threads: ThreadArgs,
}

fn bootstrap_samples(given: &str) -> Result<usize, String> {
    match given.parse() {
        Ok(samples) if samples <= MOST_BOOTSTRAP_SAMPLES => Ok(samples),
        _ => Err(format!("a number from 0 to {MOST_BOOTSTRAP_SAMPLES}")),
    }
}

pub(super) fn run(args: &EvaluateArgs) -> Result<ExitCode, Failure> {
    let predictor = Predictor::new(args.model.load()?);
    let margin = args.decision.review_margin(&predictor)?;
    let reader = args.reading.reader(Contradictions::Keep)?;
    let reader = reader.keeping(match &args.by {
        Some(field) => KeptFields::Named(vec![field.clone()]),
        None => KeptFields::None,
    });
    let corpus = reader.read(&args.corpus)?;
    tell_unknown(&predictor, &corpus)?;
    if let Some(field) = &args.by
        && corpus
            .records()
            .iter()
            .all(|record| record.field(field).is_none())
    {
        let message = format!("no row has the field {field:?} that --by names");
        return Err(Error::Corpus(message).into());
    }
    let (report, review, groups) = args.threads.run(|| -> Result<_, Error> {
        let predictor = args.decision.apply(predictor, |predictor| {
            let leaves = predict_all(predictor, &corpus);
            let rows = leaves.iter().flat_map(|leaves| &leaves.probabilities);
            Ok::<_, Error>(rows.map(|&probability| probability as f32).collect())
        })?;
        let judged = Judged::new(
            predictor.tree().clone(),
            predictor.header().mode,
            corpus.records(),
            &predict_all(&predictor, &corpus),
        );
        let report = Report::measure(&judged, args.bootstrap, args.seed);
        let groups = args.by.as_ref().map(|field| {
            let groups = corpus.records().iter().map(|r| r.field(field));
            let groups: Vec<String> = groups.map(Option::unwrap_or_default).collect();
            judged.by_group(&groups.iter().map(String::as_str).collect::<Vec<_>>())
        });
        let review = margin.map(|margin| judged.review_point(margin));
        Ok((report, review, groups))
    })??;
    let tables = args.figures.tables;
    match args.figures.json {
        true => {
            let figures = Figures {
                report: &report,
                review,
                groups,
            };
            let json = serde_json::to_string_pretty(&figures).map_err(std::io::Error::from)?;
            say(&json)?;
        }
        false => {
            say(&report.to_table(tables))?;
            if let Some(point) = review.filter(|point| point.share == 1.0) {
                let share = 100.0 * point.share;
                say(&format!(
                    "\nRead by hand: {share:.0}% of the sentences; none is left."
                ))?;
            } else if let Some(point) = review {
                say(&format!(
                    "\nRead by hand: {:.1}% of the sentences. In the others every label right {:.3}, macro-F1 {:.3}.",
                    100.0 * point.share,
                    point.exact_match,
                    point.macro_f1
                ))?;
            }
            if let (Some(field), Some(groups)) = (&args.by, &groups) {
                say(&format!("\n{}", group_table(field, groups).write(tables)))?;
            }
            say(&format!(
                "\nWhat is taken for what:\n\n{}",
                report.confusion_table().write(tables)
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything measured, as JSON.
#[derive(serde::Serialize)]
struct Figures<'a> {
    #[serde(flatten)]
    report: &'a Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    review: Option<ReviewPoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<GroupReport>>,
}

fn predict_all(predictor: &Predictor, corpus: &Corpus) -> Vec<LeafPrediction> {
    let records = corpus.records().par_iter();
    let predictions = records.map_init(Scratch::default, |scratch, record| {
        predictor.predict_leaves(&record.text, scratch)
    });
    predictions.collect()
}

/// Tells what of the corpus cannot be measured; nothing to measure at all is an error.
fn tell_unknown(predictor: &Predictor, corpus: &Corpus) -> Result<(), Error> {
    // A label finer than the model's is measured by its parent.
    let known = |label: &str| {
        let mut names = std::iter::once(label).chain(parents(label));
        let labels = predictor.tree().labels();
        names.any(|name| labels.iter().any(|of_tree| of_tree.name == name))
    };
    let mut unknown: BTreeMap<&str, usize> = BTreeMap::new();
    for label in corpus.records().iter().flat_map(|record| &record.labels) {
        if !known(label) {
            *unknown.entry(label).or_insert(0) += 1;
        }
    }
    let names: Vec<String> = unknown
        .iter()
        .map(|(label, count)| format!("{label} ({count})"))
        .collect();
    if !names.is_empty() && !corpus.labels().iter().any(|label| known(label)) {
        return Err(Error::Corpus(format!(
            "the model knows none of the labels of the corpus: {}; rename them with --aliases",
            names.join(", ")
        )));
    }
    if !names.is_empty() {
        complain(&format!(
            "labels that the model does not know are not measured: {}",
            names.join(", ")
        ));
    }
    let counts = corpus.counts();
    if counts.contradictory > 0 {
        complain(&format!(
            "{} texts are annotated in more than one way",
            counts.contradictory
        ));
    }
    let left_out = counts.left_out();
    if !left_out.is_empty() {
        complain(&format!("left out: {}", left_out.join(", ")));
    }
    for told in counts.brought_together() {
        complain(&told);
    }
    Ok(())
}
