//! `marsad corpus next`.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use rayon::prelude::*;
use serde_json::{Map, Value};

use super::super::console::{Failure, complain, fail, progress};
use super::super::{ThreadArgs, refuse_overwriting};
use super::{ReadingArgs, similarity};
use crate::audit::{
    Chosen, NextMethod, NextRow, NextSettings, Pool, PoolCounts, Sentence, Threshold,
};
use crate::convert::{WrittenFormat, write_rows};
use crate::corpus::{Corpus, CorpusRow, LabelSet};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::output_file::OutputFile;
use crate::predict::{
    Input, InputFields, InputFormat, Labeller, Predictor, Split, Unit, UnitCursor, Workspace,
};
use crate::settings::Settings;
use crate::text::Furniture;
use crate::training::{Step, train};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad corpus next ours.jsonl --from archive.jsonl.gz -n 200 -o to-annotate.jsonl
  marsad corpus next ours.jsonl -m ours.safetensors --from pool.csv -o to-annotate.csv
  marsad corpus next ours.jsonl --from pool.jsonl --to label-studio -o tasks.json
  marsad corpus next --from articles/*.txt -n 50 --random-share 0.5

The model is the one named, else one trained on the corpora named, else the built-in one. Sentences
that nearly repeat an annotated one or one chosen before are left out. Each row says why it was chosen:
\"uncertain\", with the label it was chosen for, or \"random\", with the probability that it had; shares
and figures are to be estimated on the random rows alone.")]
pub(in super::super) struct NextArgs {
    /// Corpora annotated so far
    corpus: Vec<PathBuf>,
    /// Files with what is not annotated: text, JSON Lines, CSV or TSV
    #[arg(long, value_name = "UNLABELLED", required = true, num_args = 1..)]
    from: Vec<PathBuf>,
    /// Sentences to choose
    #[arg(short = 'n', long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rows: u32,
    /// Model file that says what is uncertain
    #[arg(short, long, value_name = "MODEL")]
    model: Option<PathBuf>,
    /// Share of the sentences that is drawn by chance
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = share)]
    random_share: f64,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "OUT")]
    pub(super) output: Option<PathBuf>,
    /// Format of the output [default: by the ending of OUT, else jsonl]
    #[arg(long, value_name = "FORMAT")]
    to: Option<WrittenFormat>,
    /// Field of the unlabelled rows that holds the text
    #[arg(long, value_name = "F", default_value = "text")]
    text_field: String,
    /// Whether unlabelled rows are split into sentences
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    split: Split,
    /// Share of common 5-grams from which on a sentence repeats another
    #[arg(long, value_name = "SHARE", default_value = "0.8", value_parser = similarity)]
    similarity: Threshold,
    /// Decides what is drawn by chance
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// TOML file with the settings of a model that is trained
    #[arg(long, value_name = "FILE.toml", conflicts_with = "model")]
    config: Option<PathBuf>,
    #[command(flatten)]
    reading: ReadingArgs,
    #[command(flatten)]
    threads: ThreadArgs,
}

fn share(given: &str) -> std::result::Result<f64, String> {
    match given.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share from 0 to 1 is expected".into()),
    }
}

pub(in super::super) fn run(args: &NextArgs) -> std::result::Result<ExitCode, Failure> {
    if let Some(output) = &args.output {
        let read = args.corpus.iter().chain(&args.from).chain(&args.model);
        refuse_overwriting(output, read.chain(&args.config))?;
        drop(OutputFile::create(output)?);
    }
    let corpus = match args.corpus.as_slice() {
        [] => None,
        paths => Some(args.reading.reader()?.read(paths)?),
    };
    for path in &args.from {
        // What cannot be opened is told before a model is trained.
        drop(crate::corpus::open(path)?);
    }
    let (rows, counts, skipped, labels) = args.threads.run(|| -> Result<_> {
        let predictor = Predictor::new(args.model(corpus.as_ref())?);
        let labels = predictor.header().labels.clone();
        let (pool, skipped) = args.look_through(&predictor, corpus.as_ref())?;
        let (rows, counts) = pool.choose();
        Ok((rows, counts, skipped, labels))
    })??;
    if counts.offered == 0 {
        return Err(Error::Corpus(format!(
            "there is nothing to choose from: no sentence was found in {}",
            list(&args.from)
        ))
        .into());
    }
    args.tell(&rows, &counts, skipped);
    let rows = unannotated(rows, &labels);
    let format = args.format();
    match &args.output {
        None => {
            let target = Path::new("standard output");
            write_rows(rows, &labels, format, &mut io::stdout(), target)?;
        }
        Some(path) => {
            let mut file = OutputFile::create(path)?;
            write_rows(rows, &labels, format, &mut file, path)?;
            file.keep()?;
        }
    }
    Ok(match skipped.errors {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(1),
    })
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    names.join(", ")
}

impl NextArgs {
    fn format(&self) -> WrittenFormat {
        let of_output = || self.output.as_deref().and_then(WrittenFormat::of);
        self.to.or_else(of_output).unwrap_or(WrittenFormat::Jsonl)
    }

    fn model(&self, corpus: Option<&Corpus>) -> Result<Model> {
        if let Some(path) = &self.model {
            return Model::load(path);
        }
        let Some(corpus) = corpus else {
            return crate::built_in_model();
        };
        let mut settings = match &self.config {
            Some(path) => Settings::read(path)?,
            None => Settings::default(),
        };
        // Its figures are shown to nobody.
        settings.training.bootstrap_samples = 0;
        let bar = progress(
            Some(settings.training.folds as u64 + 3),
            "{bar:30} {pos}/{len} {msg} ({elapsed})",
        );
        bar.set_message("training on what is annotated");
        let model = train(corpus, &settings, &|step| {
            if !matches!(step, Step::Dense { .. }) {
                bar.inc(1);
            }
        });
        bar.finish_and_clear();
        model
    }

    /// Offers every unlabelled sentence; returns what could not be offered as well.
    fn look_through(
        &self,
        predictor: &Predictor,
        corpus: Option<&Corpus>,
    ) -> Result<(Pool, Skipped)> {
        let header = predictor.header();
        let annotated = corpus.map_or(&[][..], |corpus| corpus.records());
        let settings = NextSettings {
            rows: self.rows as usize,
            random_share: self.random_share,
            seed: self.seed,
            similarity: self.similarity,
            method: NextMethod::default(),
        };
        let model = (&header.labels[..], header.mode, &header.thresholds[..]);
        let texts = annotated.iter().map(|record| record.text.as_str());
        let mut pool = Pool::new(settings, model, texts);
        let labeller = Labeller::new(predictor, self.split);
        let fields = InputFields {
            text: self.text_field.clone(),
            ..InputFields::default()
        };
        let bar = progress(None, "{spinner} {pos} sentences ({per_sec}, {elapsed})");
        let mut skipped = Skipped::default();
        for path in &self.from {
            let pieces = 4 * rayon::current_num_threads();
            let mut input = Input::open(path, InputFormat::Auto, &fields, pieces)?;
            while let Some(batch) = input.next_batch()? {
                let units: Vec<Unit<'_>> = batch.units().collect();
                let offered: Vec<UnitSentences> = (units.par_iter())
                    .map_init(Workspace::default, |workspace, unit| {
                        sentences_of(unit, &labeller, workspace, &pool)
                    })
                    .collect();
                for of_unit in offered {
                    skipped.errors += of_unit.skipped.errors;
                    skipped.furniture += of_unit.skipped.furniture;
                    for (offered, is_annotated) in of_unit.offered {
                        bar.inc(1);
                        pool.offer(offered, is_annotated);
                    }
                }
            }
        }
        bar.finish_and_clear();
        Ok((pool, skipped))
    }

    fn tell(&self, rows: &[NextRow], counts: &PoolCounts, skipped: Skipped) {
        let random = rows
            .iter()
            .filter(|row| row.chosen == Chosen::Random)
            .count();
        let mut told = vec![format!(
            "{} of {} sentences chosen: {} uncertain, {random} by chance",
            rows.len(),
            counts.offered,
            rows.len() - random
        )];
        for (count, what) in [
            (counts.annotated, "nearly repeat an annotated one"),
            (counts.empty, "have no word"),
            (
                skipped.furniture,
                "lines of page furniture were not looked at",
            ),
        ] {
            if count > 0 {
                told.push(format!("{count} {what}"));
            }
        }
        if rows.len() < self.rows as usize {
            told.push(match counts.without_room {
                0 => "there are no more that do not repeat each other".to_owned(),
                _ => "no more were found among the least sure that do not repeat each other, and there was no room to keep the others: ask for more rows, or take repeats out of the unlabelled files".to_owned(),
            });
        }
        complain(&told.join("; "));
        if skipped.errors > 0 {
            fail(&format!("{} rows could not be read", skipped.errors));
        }
    }
}

/// What is not offered.
#[derive(Clone, Copy, Default)]
struct Skipped {
    /// Rows that could not be read.
    errors: u64,
    /// Datelines, sources and credits of a page.
    furniture: u64,
}

/// What one unit of input offers.
#[derive(Default)]
struct UnitSentences {
    offered: Vec<(crate::audit::Offered, bool)>,
    skipped: Skipped,
}

fn sentences_of(
    unit: &Unit<'_>,
    labeller: &Labeller<'_>,
    workspace: &mut Workspace,
    pool: &Pool,
) -> UnitSentences {
    let mut found = UnitSentences::default();
    let mut cursor = UnitCursor::default();
    let mut number = 0;
    while let Some(row) = labeller.next_row(unit, &mut cursor, workspace) {
        let Ok(labelled) = &row.outcome else {
            found.skipped.errors += 1;
            continue;
        };
        number += 1;
        if labelled.furniture.is_some_and(Furniture::carries_no_label) {
            found.skipped.furniture += 1;
            continue;
        }
        let whole = unit
            .text
            .as_ref()
            .is_ok_and(|text| text.trim() == labelled.text.trim());
        let sentence = Sentence {
            id: match whole {
                true => row.id().into_owned(),
                false => format!("{}:{number}", row.id()),
            },
            doc: row.doc().to_owned(),
            text: labelled.text.to_owned(),
            file: unit.file.to_owned(),
            line: unit.line,
        };
        let offered = pool.prepare(sentence, labelled.leaf_probabilities.to_vec());
        let is_annotated = pool.is_annotated(&offered);
        found.offered.push((offered, is_annotated));
    }
    found
}

/// Chosen rows as rows of a corpus that nobody has annotated, why they were chosen in their fields.
fn unannotated(rows: Vec<NextRow>, labels: &[String]) -> Vec<CorpusRow> {
    let row = |row: NextRow| {
        let mut fields = Map::new();
        let mut insert = |name: &str, value: Option<Value>| {
            fields.insert(name.to_owned(), value.unwrap_or_default());
        };
        let chosen = match row.chosen {
            Chosen::Uncertain => "uncertain",
            Chosen::Random => "random",
        };
        insert("chosen", Some(chosen.into()));
        insert(
            "inclusion_probability",
            row.inclusion_probability.map(Value::from),
        );
        insert("uncertain_label", row.label.map(Value::from));
        insert("margin", row.margin.map(Value::from));
        let scores = labels.iter().zip(&row.probabilities);
        let rounded = |p: &f64| Value::from((p * 1e4).round() / 1e4);
        let scores: Map<String, Value> = scores
            .map(|(label, probability)| (label.clone(), rounded(probability)))
            .collect();
        insert("scores", Some(scores.into()));
        insert("file", Some(row.sentence.file.as_str().into()));
        insert("line", Some(row.sentence.line.into()));
        CorpusRow {
            id: Some(row.sentence.id),
            doc: Some(row.sentence.doc),
            text: row.sentence.text,
            labels: None,
            unsure: LabelSet::new(),
            annotator: None,
            fields,
            file: Arc::new(PathBuf::from(row.sentence.file)),
            line: row.sentence.line,
        }
    };
    rows.into_iter().map(row).collect()
}
