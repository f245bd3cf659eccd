//! `marsad evaluate`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::console::{Failure, complain, progress, reading, say};
use super::decide::DecisionArgs;
use super::settings::{SettingsArgs, contradictions, fits_bar, tell};
use super::{CorpusArgs, FiguresArgs, ModelArgs, ThreadArgs};
use crate::corpus::{Contradictions, Corpus, KeptFields, parents};
use crate::error::{Error, Result as MarsadResult};
use crate::evaluate::{Bootstrap, Examination, Judged, Method, Period, ReviewPoint};
use crate::experiments::{
    LearningPlan, Plan, Wanted, examine_model, examine_settings, learning_curve, predict_corpus,
};
use crate::learn::MOST_BOOTSTRAP_SAMPLES;
use crate::predict::Predictor;
use crate::settings::Settings;
use crate::tables::{Table, TableFormat};

const MORE: &str = "More figures";
const HELD_OUT: &str = "Without a model: train on a part of the corpus, measure on the rest";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad evaluate held-out.jsonl
  marsad evaluate held-out.csv -m ours.safetensors --by outlet --details
  marsad evaluate ours.jsonl --folds 5 --repeat 3 --config best.toml
  marsad evaluate ours.jsonl --leave-one-out outlet
  marsad evaluate ours.jsonl --by-period date --period month
  marsad evaluate ours.jsonl --learning-curve
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
    /// Field of the corpus by whose values figures are given as well, such as an outlet or a year; may
    /// be repeated
    #[arg(long, value_name = "FIELD", help_heading = MORE)]
    by: Vec<String>,
    /// Calibration, what is gained by leaving the least sure sentences undecided, figures by length
    #[arg(long, help_heading = MORE)]
    details: bool,
    /// What other spellings of the text cost: ة/ه, ى/ي, hamza, diacritics, tatweel, Persian letters,
    /// joined words
    #[arg(long, help_heading = MORE)]
    noise: bool,
    /// Train on growing shares of the corpus, and tell what more sentences would bring; takes long
    #[arg(long, help_heading = MORE, conflicts_with = "model")]
    learning_curve: bool,
    /// Divide the corpus into K parts by document, the labels spread evenly [default: 5]
    #[arg(long, value_name = "K", help_heading = HELD_OUT, conflicts_with = "model")]
    folds: Option<usize>,
    /// Draw the folds R times and tell how much the figures depend on the draw
    #[arg(long, value_name = "R", help_heading = HELD_OUT, conflicts_with = "model",
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    repeat: Option<u16>,
    /// For each value of a field, such as an outlet: train on all others, measure on it
    #[arg(long, value_name = "FIELD", help_heading = HELD_OUT,
          conflicts_with_all = ["model", "folds", "repeat", "by_period", "noise"])]
    leave_one_out: Option<String>,
    /// For each period, by the date in a field: train on all before it, measure on it
    #[arg(long, value_name = "FIELD", help_heading = HELD_OUT,
          conflicts_with_all = ["model", "folds", "repeat", "noise"])]
    by_period: Option<String>,
    /// What one period is
    #[arg(long, value_name = "PERIOD", help_heading = HELD_OUT, requires = "by_period", default_value = "year")]
    period: Period,
    #[command(flatten)]
    settings: SettingsArgs,
    /// Resamples of documents for the intervals
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = bootstrap_samples)]
    bootstrap: usize,
    /// Decides resamples, folds and noise [default: 1, or that of --config]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    decision: DecisionArgs,
    #[command(flatten)]
    reading: CorpusArgs,
    #[command(flatten)]
    threads: ThreadArgs,
}

/// Told of a model that is measured on what it has learnt.
pub(super) const TRAINED_ON_THIS: &str = "the model was trained on this very corpus: the figures flatter it; measure on sentences it has not seen, or give --folds";

/// A number of resamples on the command line.
pub(super) fn bootstrap_samples(given: &str) -> Result<usize, String> {
    match given.parse() {
        Ok(samples) if samples <= MOST_BOOTSTRAP_SAMPLES => Ok(samples),
        _ => Err(format!("a number from 0 to {MOST_BOOTSTRAP_SAMPLES}")),
    }
}

impl EvaluateArgs {
    fn wanted(&self, settings: &Settings) -> Wanted {
        Wanted {
            bootstrap: Bootstrap {
                samples: self.bootstrap,
                seed: settings.training.seed,
            },
            by: self.by.clone(),
            details: self.details || self.figures.json,
            noise: self.noise,
        }
    }

    /// How the corpus is divided where models are trained for it.
    fn plan(&self, settings: &Settings) -> Option<Plan> {
        if let Some(field) = &self.leave_one_out {
            return Some(Plan::LeaveOneOut {
                field: field.clone(),
            });
        }
        if let Some(field) = &self.by_period {
            return Some(Plan::ByPeriod {
                field: field.clone(),
                period: self.period,
            });
        }
        let trains = self.folds.is_some() || self.repeat.is_some() || self.learning_curve;
        (trains || self.settings.are_given()).then(|| Plan::Folds {
            folds: self.folds.unwrap_or(settings.training.folds),
            repeats: self.repeat.map_or(1, usize::from),
        })
    }

    fn corpus(&self, contradictions: Contradictions) -> MarsadResult<Corpus> {
        let fields = self.by.iter().chain(&self.leave_one_out);
        let fields: Vec<String> = fields.chain(&self.by_period).cloned().collect();
        let reader = self.reading.reader(contradictions)?;
        let reader = reader.keeping(match fields.is_empty() {
            true => KeptFields::None,
            false => KeptFields::Named(fields),
        });
        let bar = reading(&self.corpus);
        let corpus = reader.read(&self.corpus)?;
        bar.finish_and_clear();
        Ok(corpus)
    }
}

pub(super) fn run(args: &EvaluateArgs) -> Result<ExitCode, Failure> {
    let settings = args.settings.settings(args.seed)?;
    let examination = match args.plan(&settings) {
        Some(_) if args.model.is_given() => {
            return Err(Failure::Told(
                "settings are for models trained for the measurement; leave them out, or --model"
                    .into(),
            ));
        }
        Some(_) if args.decision.is_given() => {
            return Err(Failure::Told(
                "--prior and --review are for a finished model; leave them out where models are trained for the measurement".into(),
            ));
        }
        Some(plan) => by_training(args, &settings, &plan)?,
        None => by_model(args, &settings)?,
    };
    warn(&examination);
    match args.figures.json {
        true => {
            let json = serde_json::to_string_pretty(&examination).map_err(std::io::Error::from)?;
            say(&json)?;
        }
        false => print(&examination, args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn by_model(args: &EvaluateArgs, settings: &Settings) -> Result<Examination, Failure> {
    let predictor = Predictor::new(args.model.load()?);
    let margin = args.decision.review_margin(&predictor)?;
    let corpus = args.corpus(Contradictions::Keep)?;
    tell_unknown(&predictor, &corpus)?;
    let bar = progress(
        Some(corpus.records().len() as u64),
        "{bar:30} {human_pos} of {human_len} sentences, {per_sec} ({elapsed})",
    );
    let examination = args.threads.run(|| -> Result<_, Error> {
        let before = predict_corpus(&predictor, &corpus, &|rows| bar.inc(rows as u64));
        let predictor = args.decision.apply(predictor, |_| {
            let rows = before.iter().flat_map(|leaves| &leaves.probabilities);
            Ok::<_, Error>(rows.map(|&probability| probability as f32).collect())
        })?;
        let anew = before.iter().map(|before| predictor.decide_anew(before));
        let predictions: Vec<_> = anew.collect();
        let mut examination =
            examine_model(&predictor, &corpus, &predictions, &args.wanted(settings))?;
        examination.review = margin.map(|margin| {
            let (tree, mode) = (predictor.tree().clone(), predictor.header().mode);
            Judged::new(tree, mode, corpus.records(), &predictions).review_point(margin)
        });
        Ok(examination)
    })??;
    bar.finish_and_clear();
    Ok(examination)
}

fn by_training(
    args: &EvaluateArgs,
    settings: &Settings,
    plan: &Plan,
) -> Result<Examination, Failure> {
    let corpus = args.corpus(contradictions(settings))?;
    tell_left_out(&corpus);
    let bar = fits_bar();
    let examination = args.threads.run(|| -> Result<_, Error> {
        let told = |at| tell(&bar, at);
        let wanted = args.wanted(settings);
        let examined = examine_settings(&corpus, settings, plan, &wanted, &told)?;
        let mut examination = examined.examination;
        if args.learning_curve {
            let plan = LearningPlan {
                draws: args.folds.unwrap_or(settings.training.folds),
                bootstrap: wanted.bootstrap,
            };
            examination.learning_curve = Some(learning_curve(&corpus, settings, plan, &told)?);
        }
        Ok(examination)
    })??;
    bar.finish_and_clear();
    Ok(examination)
}

/// Tells what a reader should know of the rows behind the figures.
fn warn(examination: &Examination) {
    match &examination.method {
        Method::Model {
            trained_on_these_rows: true,
        } => complain(TRAINED_ON_THIS),
        Method::LeaveOneOut { field, without } if *without > 0 => {
            complain(&format!("left out: {without} rows without {field:?}"));
        }
        Method::ByPeriod {
            field,
            first,
            without,
            ..
        } => {
            if *without > 0 {
                complain(&format!("left out: {without} rows without {field:?}"));
            }
            complain(&format!(
                "{first} rows of the first periods were only trained on"
            ));
        }
        Method::Model { .. } | Method::Folds { .. } | Method::LeaveOneOut { .. } => {}
    }
}

fn print(examination: &Examination, args: &EvaluateArgs) -> std::io::Result<()> {
    let tables = args.figures.tables;
    let section = |title: &str, table: &Table| -> std::io::Result<()> {
        match table.rows().is_empty() {
            true => Ok(()),
            false => say(&format!("\n{title}:\n\n{}", table.write(tables))),
        }
    };
    if !matches!(examination.method, Method::Model { .. }) {
        say(&format!("{}\n", examination.describe_method()))?;
    }
    say(&examination.report.to_table(tables))?;
    if let Some(point) = &examination.review {
        say(&describe_review(point))?;
    }
    let by_folds = matches!(examination.method, Method::Folds { .. });
    if args.details || !by_folds {
        section("Part by part", &examination.parts_table())?;
    }
    if let Some(table) = examination.repeats_table() {
        section("Between draws of the folds", &table)?;
    }
    for slices in &examination.slices {
        section(&format!("By {}", slices.by), &slices.to_table())?;
    }
    section(
        "What is taken for what",
        &examination.report.confusion_table(),
    )?;
    if args.details {
        print_details(examination, tables, &section)?;
    }
    section("The same text spelt otherwise", &examination.noise_table())?;
    if let Some(curve) = &examination.learning_curve {
        section("By sentences trained on", &curve.to_table())?;
        say(&format!("\n{}", curve.describe_forecast()))?;
    }
    Ok(())
}

fn print_details(
    examination: &Examination,
    tables: TableFormat,
    section: &dyn Fn(&str, &Table) -> std::io::Result<()>,
) -> std::io::Result<()> {
    section(
        "How far probabilities can be believed (ECE and Brier: 0 is best; skill: 1 is best)",
        &examination.calibration_table(),
    )?;
    section(
        "Reliability: probability against frequency",
        &examination.reliability_table(),
    )?;
    if let (Some(table), Some(curve)) = (examination.risk_table(), &examination.risk_coverage) {
        say(&format!(
            "\nWhere only the surest sentences are decided:\n\n{}\n\nArea under the curve {:.4} ({:.4}–{:.4}); {:.4} if the surest were the right ones.",
            table.write(tables),
            curve.area.value,
            curve.area.low,
            curve.area.high,
            curve.least_area
        ))?;
    }
    Ok(())
}

fn describe_review(point: &ReviewPoint) -> String {
    let share = 100.0 * point.share;
    if point.share == 1.0 {
        return format!("\nRead by hand: {share:.0}% of the sentences; none is left.");
    }
    format!(
        "\nRead by hand: {share:.1}% of the sentences. In the others every label right {:.3}, macro-F1 {:.3}.",
        point.exact_match, point.macro_f1
    )
}

/// Tells what of the corpus cannot be measured; nothing to measure at all is an error.
pub(super) fn tell_unknown(predictor: &Predictor, corpus: &Corpus) -> Result<(), Error> {
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
    tell_left_out(corpus);
    Ok(())
}

/// Tells which rows of a corpus are not measured, and which are in doubt.
pub(super) fn tell_left_out(corpus: &Corpus) {
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
}
