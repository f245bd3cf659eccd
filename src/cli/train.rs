//! `marsad train`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::console::{Failure, complain, megabytes, percent, progress, say};
use super::{CorpusArgs, ThreadArgs, refuse_overwriting};
use crate::corpus::{Contradictions, ReadCounts, bundled_files_are_here, read_bundled};
use crate::error::Result;
use crate::evaluate::ReviewPoint;
use crate::learn::{Aim, LearnerKind};
use crate::model::Model;
use crate::output_file::OutputFile;
use crate::settings::Settings;
use crate::tables::{Table, TableFormat};
use crate::training::{Step, train};

const BUNDLED_MODEL: &str = "models/conflict-events.safetensors";
const OWN_MODEL: &str = "model.safetensors";

const STREAM: &str = "Corpora larger than memory";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad train                                       the bundled corpus
  marsad train ours.jsonl more.csv -o ours.safetensors
  marsad train topics.tsv --single-label --learner logistic
  marsad train large.tsv.gz --single-label --hold-out 0.1
  marsad train ours.jsonl --aim recall=0.95
  marsad train --config settings.toml --folds 10
  marsad train label-studio.json prodigy.jsonl --aliases names.toml

A corpus is JSON Lines (text, labels or label, optional id and doc), CSV or TSV with a header, bare
label<TAB>text, a spreadsheet, Parquet, Arrow, an export of doccano, Label Studio or Prodigy, or a
folder of brat; .gz and .zst are read through. Rows annotated as none say \"none\" or [].")]
pub(super) struct TrainArgs {
    /// Annotated corpora; without any, the bundled one
    pub(super) corpus: Vec<PathBuf>,
    /// Model file to write [default: models/conflict-events.safetensors for the bundled corpus in
    /// its repository, else model.safetensors]
    #[arg(short, long, value_name = "MODEL")]
    output: Option<PathBuf>,
    /// Estimator to fit [default: svm]
    #[arg(long, value_name = "NAME")]
    pub(super) learner: Option<LearnerKind>,
    /// Read the corpus row by row, twice or more, in memory that does not grow with it
    #[arg(long, help_heading = STREAM, requires = "corpus", long_help = "\
Read the corpus row by row, twice or more, in memory that does not grow with it.

The first pass counts words and bigrams of stems and keeps the most frequent features; the second \
learns their weights by FTRL-proximal. A tenth of the documents, by a fingerprint of their names (of \
the text where rows have no doc), is never learnt from: calibration, thresholds and the figures come \
from at most 50,000 of its rows, with the choices for each half made on the other.

Whole sentences are scored, no windows of words. The same text with different labels cannot be found \
without holding all texts: such rows are kept, and each annotator's row of a sentence counts by itself. Above 65,536 documents their number is an estimate.")]
    pub(super) stream: bool,
    /// Passes in which weights are learnt [default: 1]
    #[arg(long, value_name = "N", help_heading = STREAM, requires = "stream")]
    pub(super) epochs: Option<usize>,
    /// Features kept, the most frequent [default: 524288, or as many as fit --memory]
    #[arg(long, value_name = "N", help_heading = STREAM, requires = "stream")]
    pub(super) max_features: Option<usize>,
    /// Memory in MB that the run may take [default: 400]
    #[arg(long, value_name = "MB", help_heading = STREAM, requires = "stream")]
    pub(super) memory: Option<usize>,
    /// C, the weight of the errors against the size of the weights; larger fits closer [default: 1 for
    /// svm, 30 for logistic]
    #[arg(long, value_name = "C")]
    pub(super) c: Option<f64>,
    /// Folds for measuring, calibration and thresholds [default: 5]
    #[arg(long, value_name = "N")]
    pub(super) folds: Option<usize>,
    /// Instead of folds: hold this share of the sentences out once, in whole documents, for measuring,
    /// calibration and thresholds; one fit in place of six, for large corpora
    #[arg(long, value_name = "SHARE", conflicts_with = "folds")]
    pub(super) hold_out: Option<f64>,
    /// What thresholds are chosen for: f1, f0.5, f2 or another f<beta>, precision=P, recall=R
    /// [default: f1]
    #[arg(long, value_name = "AIM")]
    aim: Option<Aim>,
    /// Every row has exactly one label
    #[arg(long)]
    single_label: bool,
    /// TOML file with settings of text, features, learner and training
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    /// Decides folds and every random order [default: 1]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    pub(super) reading: CorpusArgs,
    #[command(flatten)]
    pub(super) threads: ThreadArgs,
}

impl TrainArgs {
    fn settings(&self) -> Result<Settings> {
        let mut settings = match &self.config {
            Some(path) => Settings::read(path)?,
            None => Settings::default(),
        };
        if let Some(learner) = self.learner {
            settings.learner.kind = learner;
        }
        if self.c.is_some() {
            settings.learner.c = self.c;
        }
        if let Some(aim) = self.aim {
            settings.training.aim = aim;
        }
        if let Some(folds) = self.folds {
            settings.training.folds = folds;
            settings.training.hold_out = None;
        }
        if self.hold_out.is_some() {
            settings.training.hold_out = self.hold_out;
        }
        if let Some(seed) = self.seed {
            settings.training.seed = seed;
        }
        settings.training.single_label |= self.single_label;
        self.set_stream(&mut settings)?;
        settings.check()?;
        Ok(settings)
    }

    fn output(&self) -> PathBuf {
        let in_repository = bundled_files_are_here() && Path::new(BUNDLED_MODEL).is_file();
        match &self.output {
            Some(path) => path.clone(),
            None if self.corpus.is_empty() && in_repository => BUNDLED_MODEL.into(),
            None => OWN_MODEL.into(),
        }
    }
}

pub(super) fn run(args: &TrainArgs) -> std::result::Result<ExitCode, Failure> {
    let settings = args.settings()?;
    let output = args.output();
    let read = args
        .corpus
        .iter()
        .chain(&args.config)
        .chain(&args.reading.aliases);
    refuse_overwriting(&output, read)?;
    // Fail before the work, not after it, where the model cannot be written.
    drop(OutputFile::create(&output)?);
    if args.stream {
        return super::train_stream::run(args, &settings, &output);
    }
    // Texts of several topics are often listed once under each in single-label corpora.
    let contradictions = match settings.training.single_label {
        true => Contradictions::Keep,
        false => Contradictions::Refuse,
    };
    let reader = args.reading.reader(contradictions)?;
    let corpus = match args.corpus.as_slice() {
        [] => read_bundled(&reader)?,
        paths => reader.read(paths)?,
    };
    let facts = CorpusFacts {
        counts: corpus.counts(),
        sentences: corpus.records().len(),
        documents: corpus.documents(),
        label_counts: &corpus.label_counts(),
    };
    say_to_who_listens(&describe_corpus(&facts, args))?;
    let folds = match settings.training.hold_out {
        None => settings.training.folds as u64,
        Some(_) => 0,
    };
    let bar = progress(
        Some(folds.saturating_add(3)),
        "{bar:30} {pos}/{len} {msg} ({elapsed})",
    );
    let tell = |step| {
        bar.set_message(match step {
            Step::Dense {
                features,
                megabytes,
            } => {
                let learner = settings.learner.kind.name();
                bar.suspend(|| {
                    complain(&format!(
                        "{learner} works on dense rows: {features} features, about {megabytes} MB"
                    ));
                });
                return;
            }
            Step::Tokenize => "reading the text".to_owned(),
            Step::Fold(fold) => format!("fold {} of {folds}", fold + 1),
            Step::Final if folds == 0 => "the model on the documents not held out".to_owned(),
            Step::Final => "the model on all documents".to_owned(),
            Step::Measure => "intervals".to_owned(),
        });
        bar.inc(1);
    };
    let model = args.threads.run(|| train(&corpus, &settings, &tell))??;
    bar.finish_and_clear();
    let how = match settings.training.hold_out {
        None => format!(
            "Out of fold ({folds} folds by document; calibration and thresholds from the other folds)"
        ),
        Some(share) => format!(
            "Held out ({} of the sentences, in whole documents; calibration and thresholds from the other half of them)",
            percent(share)
        ),
    };
    finish(&model, &output, &how)
}

/// Writes a model and tells its figures.
pub(super) fn finish(
    model: &Model,
    output: &Path,
    how: &str,
) -> std::result::Result<ExitCode, Failure> {
    model.save(output)?;
    let report = &model.header().provenance.out_of_fold;
    say(&format!(
        "\n{how}:\n\n{}\n",
        report.to_table(TableFormat::Text)
    ))?;
    say(&format!(
        "Where the least sure sentences are read by hand (--review):\n\n{}\n",
        review_table(&model.header().review)
    ))?;
    for shortfall in shortfalls(model) {
        complain(&shortfall);
    }
    let size = std::fs::metadata(output).map_or(0, |metadata| metadata.len());
    say(&format!(
        "Wrote {} ({}).",
        output.display(),
        megabytes(size)
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// What a reader of the figures should know of their limits.
fn shortfalls(model: &Model) -> Vec<String> {
    /// Fewer sentences than this say little about probabilities.
    const FEW: usize = 30;
    let provenance = &model.header().provenance;
    let mut told = Vec::new();
    for label in provenance.out_of_fold.labels.iter().filter(|l| !l.parent) {
        let name = &label.label;
        if label.support < FEW {
            told.push(format!(
                "{name}: probabilities and threshold rest on {} sentences; give more of them, or read them with care",
                label.support
            ));
        }
        let missed = match provenance.training.aim {
            Aim::Precision(floor) => Some(("precision", floor, label.precision.value)),
            Aim::Recall(floor) => Some(("recall", floor, label.recall.value)),
            Aim::FBeta(_) => None,
        };
        if let Some((what, floor, reached)) = missed.filter(|(_, floor, value)| value < floor) {
            told.push(format!(
                "{name}: {what} {reached:.3} on the sentences held out, below the {floor} asked for"
            ));
        }
    }
    told
}

fn review_table(points: &[ReviewPoint]) -> String {
    let mut table = Table::new(&["read by hand", "decided", "every label right", "macro-F1"]);
    for point in points {
        table.add_row([
            format!("{:.0}%", 100.0 * point.share),
            format!("{:.0}%", 100.0 * (1.0 - point.share)),
            format!("{:.3}", point.exact_match),
            format!("{:.3}", point.macro_f1),
        ]);
    }
    table.to_text()
}

/// Prints what is no reason to stop where nobody reads it: the model is still wanted.
pub(super) fn say_to_who_listens(text: &str) -> std::io::Result<()> {
    match say(text) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        said => said,
    }
}

/// What is told of a corpus before it is learnt from.
pub(super) struct CorpusFacts<'a> {
    pub(super) counts: &'a ReadCounts,
    pub(super) sentences: usize,
    pub(super) documents: usize,
    pub(super) label_counts: &'a BTreeMap<String, usize>,
}

pub(super) fn describe_corpus(facts: &CorpusFacts<'_>, args: &TrainArgs) -> String {
    let counts = facts.counts;
    let source = match args.corpus.as_slice() {
        [] => "the bundled corpus".to_owned(),
        paths => paths
            .iter()
            .map(|path| path.display().to_string())
            .collect::<Vec<_>>()
            .join(", "),
    };
    let mut lines = vec![format!(
        "Read {source}: {} annotated sentences in {} documents.",
        facts.sentences, facts.documents
    )];
    for left_out in counts.left_out() {
        lines.push(format!("{left_out} left out."));
    }
    for told in counts.brought_together() {
        lines.push(format!("{told}."));
    }
    for (count, what) in [
        (counts.repeated, "rows repeat an earlier one; kept"),
        (
            counts.contradictory,
            "texts are annotated in more than one way (--contradictions refuse names the first)",
        ),
    ] {
        if count > 0 {
            lines.push(format!("{count} {what}."));
        }
    }
    let mut table = Table::new(&["label", "sentences"]);
    let labels = facts.label_counts;
    for (label, count) in labels.iter().filter(|(label, _)| !label.is_empty()) {
        let under = if label.contains('.') { "  " } else { "" };
        table.add_row([format!("{under}{label}"), count.to_string()]);
    }
    if let Some(none) = labels.get("") {
        table.add_row(["(none)".to_owned(), none.to_string()]);
    }
    format!("{}\n\n{}", lines.join("\n"), table.to_text())
}
