//! `marsad inspect`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::FiguresArgs;
use super::console::{Failure, isolated, percent, say};
use crate::error::{Error, label_not_known};
use crate::model::Model;
use crate::tables::{Table, TableFormat};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad inspect
  marsad inspect ours.safetensors --features 40 --against
  marsad inspect --label airstrike
  marsad inspect ours.safetensors --json | jq .provenance")]
pub(super) struct InspectArgs {
    /// Model file; without one, the model built into the program
    model: Option<PathBuf>,
    /// The model file, as other verbs take it
    #[arg(
        short = 'm',
        long = "model",
        value_name = "MODEL",
        conflicts_with = "model",
        hide = true
    )]
    model_as_flag: Option<PathBuf>,
    #[command(flatten)]
    figures: FiguresArgs,
    /// Strongest features shown for each label
    #[arg(long, value_name = "N", default_value_t = 15)]
    features: usize,
    /// Show the features that speak against each label as well
    #[arg(long)]
    against: bool,
    /// Show the features of this label only
    #[arg(long, value_name = "LABEL")]
    label: Vec<String>,
}

/// A feature of a label.
#[derive(Serialize)]
struct Listed {
    feature: String,
    family: &'static str,
    /// Its weight times its inverse document frequency.
    effect: f32,
    /// Sentences trained on that hold it.
    sentences: usize,
}

/// Which features of a label are listed.
#[derive(Clone, Copy)]
enum Side {
    For,
    Against,
}

impl InspectArgs {
    fn listed(&self, model: &Model, label: usize, side: Side) -> Vec<Listed> {
        let effects = model.effects(label);
        let name = |&(feature, effect): &(usize, f32)| {
            let named = model.vocabulary().name(feature)?;
            Some(Listed {
                feature: named.to_string(),
                family: named.family(),
                effect,
                sentences: model.sentences_with(feature),
            })
        };
        let of_side = |effect: f32| match side {
            Side::For => effect > 0.0,
            Side::Against => effect < 0.0,
        };
        let from_strongest: Box<dyn Iterator<Item = _>> = match side {
            Side::For => Box::new(effects.iter()),
            Side::Against => Box::new(effects.iter().rev()),
        };
        let listed = from_strongest.filter(|(_, effect)| of_side(*effect));
        listed.filter_map(name).take(self.features).collect()
    }

    /// The labels whose features are shown, with their places.
    fn labels<'m>(&self, model: &'m Model) -> Result<Vec<(usize, &'m str)>, Error> {
        let all = &model.header().labels;
        for label in &self.label {
            if !all.contains(label) {
                return Err(label_not_known(label, all.iter().map(String::as_str)));
            }
        }
        let shown = |name: &str| self.label.is_empty() || self.label.iter().any(|l| l == name);
        let labels = all.iter().enumerate().map(|(place, name)| (place, &**name));
        Ok(labels.filter(|(_, name)| shown(name)).collect())
    }

    fn by_label(&self, model: &Model, labels: &[(usize, &str)], side: Side) -> Value {
        let lists = labels.iter().map(|&(place, name)| {
            let listed = self.listed(model, place, side);
            (name.to_owned(), json!(listed))
        });
        Value::Object(lists.collect())
    }

    /// The features of a label as a table.
    fn table(&self, model: &Model, label: usize, side: Side) -> Table {
        let count = match model.counts_are_estimates() {
            true => "about in sentences",
            false => "in sentences",
        };
        let columns = ["feature", "family", "effect", count];
        let mut table = Table::new(&columns).with_texts_in(&["family"]);
        for listed in self.listed(model, label, side) {
            let feature = match self.figures.tables {
                TableFormat::Text => isolated(&listed.feature),
                _ => listed.feature,
            };
            table.add_row([
                feature,
                listed.family.to_owned(),
                format!("{:+.3}", listed.effect),
                listed.sentences.to_string(),
            ]);
        }
        table
    }
}

pub(super) fn run(args: &InspectArgs) -> Result<ExitCode, Failure> {
    let model = match args.model.as_ref().or(args.model_as_flag.as_ref()) {
        Some(path) => Model::load(path)?,
        None => crate::built_in_model()?,
    };
    let labels = args.labels(&model)?;
    let text = match args.figures.json {
        true => as_json(&model, args, &labels).map_err(std::io::Error::from)?,
        false => as_table(&model, args, &labels),
    };
    say(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn as_json(
    model: &Model,
    args: &InspectArgs,
    labels: &[(usize, &str)],
) -> serde_json::Result<String> {
    let mut object = serde_json::to_value(model.header())?;
    object["strongest_features"] = args.by_label(model, labels, Side::For);
    if args.against {
        object["strongest_against"] = args.by_label(model, labels, Side::Against);
    }
    object["counts_are_estimates"] = model.counts_are_estimates().into();
    object["feature_counts"] = model.vocabulary().family_sizes().into_iter().collect();
    serde_json::to_string_pretty(&object)
}

fn as_table(model: &Model, args: &InspectArgs, shown: &[(usize, &str)]) -> String {
    let tables = args.figures.tables;
    let header = model.header();
    let provenance = &header.provenance;
    let families: Vec<String> = model
        .vocabulary()
        .family_sizes()
        .iter()
        .filter(|(_, size)| *size > 0)
        .map(|(family, size)| format!("{size} {family}"))
        .collect();
    let training = &provenance.training;
    let measured = match (provenance.learner.stream, training.hold_out) {
        (None, None) => "Out of fold",
        _ => "Held out",
    };
    let mut facts = Table::new(&["fact", "value"]).with_texts_in(&["value"]);
    for (name, value) in [
        ("written by", format!("marsad {}", header.program_version)),
        ("format", header.format_version.to_string()),
        ("checksum", header.checksum.clone()),
        ("learner", provenance.learner.kind.name()),
        ("features", families.join(", ")),
        ("bits a weight", model.weight_bits().to_string()),
        (
            "trained on",
            format!(
                "{} sentences in {} documents",
                provenance.sentences, provenance.documents
            ),
        ),
        ("corpus digest", provenance.corpus_digest.clone()),
        (
            match (provenance.learner.stream, training.hold_out) {
                (Some(_), _) => "halves of what was held out, seed",
                (None, None) => "folds, seed",
                (None, Some(_)) => "held out, seed",
            },
            match training.hold_out {
                None => format!("{}, {}", training.folds, training.seed),
                Some(share) => format!(
                    "{} of these sentences, for measuring, not for fitting; {}",
                    percent(share),
                    training.seed
                ),
            },
        ),
    ] {
        facts.add_row([name.to_owned(), value]);
    }
    let mut labels = Table::new(&["label", "sentences", "threshold"]);
    for (label, threshold) in header.labels.iter().zip(&header.thresholds) {
        let count = provenance.label_counts.get(label).copied().unwrap_or(0);
        labels.add_row([label.clone(), count.to_string(), format!("{threshold:.3}")]);
    }
    let mut parts = vec![
        facts.write(tables),
        labels.write(tables),
        format!("{measured}:\n\n{}", provenance.out_of_fold.to_table(tables)),
    ];
    for &(label, name) in shown {
        for (side, what) in [(Side::For, "for"), (Side::Against, "against")] {
            if matches!(side, Side::Against) && !args.against {
                continue;
            }
            let table = args.table(model, label, side);
            if !table.rows().is_empty() {
                parts.push(format!(
                    "Strongest {what} {name}:\n\n{}",
                    table.write(tables)
                ));
            }
        }
    }
    parts.join("\n\n")
}
