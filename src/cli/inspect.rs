//! `marsad inspect`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::FiguresArgs;
use super::console::{Failure, percent, say};
use crate::model::Model;
use crate::tables::{Table, TableFormat};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad inspect
  marsad inspect ours.safetensors --features 40
  marsad inspect ours.safetensors --json | jq .provenance")]
pub(super) struct InspectArgs {
    /// Model file; without one, the model built into the program
    model: Option<PathBuf>,
    #[command(flatten)]
    figures: FiguresArgs,
    /// Strongest features shown for each label
    #[arg(long, value_name = "N", default_value_t = 15)]
    features: usize,
}

pub(super) fn run(args: &InspectArgs) -> Result<ExitCode, Failure> {
    let model = match &args.model {
        Some(path) => Model::load(path)?,
        None => crate::built_in_model()?,
    };
    let text = match args.figures.json {
        true => as_json(&model, args.features).map_err(std::io::Error::from)?,
        false => as_table(&model, args.features, args.figures.tables),
    };
    say(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn as_json(model: &Model, features: usize) -> serde_json::Result<String> {
    let mut object = serde_json::to_value(model.header())?;
    let strongest: serde_json::Map<String, serde_json::Value> = (model.header().labels.iter())
        .enumerate()
        .map(|(label, name)| {
            let listed = model.effects(label).into_iter().take(features);
            let listed: Vec<_> = listed
                .filter_map(|(feature, effect)| {
                    let feature = model.vocabulary().name(feature)?;
                    Some(json!({
                        "feature": feature.to_string(),
                        "family": feature.family(),
                        "effect": effect,
                    }))
                })
                .collect();
            (name.clone(), json!(listed))
        })
        .collect();
    object["strongest_features"] = strongest.into();
    object["feature_counts"] = model.vocabulary().family_sizes().into_iter().collect();
    serde_json::to_string_pretty(&object)
}

fn as_table(model: &Model, features: usize, tables: TableFormat) -> String {
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
    for (label, name) in header.labels.iter().enumerate() {
        let listed: Vec<String> = model
            .effects(label)
            .into_iter()
            .take(features)
            .filter_map(|(feature, _)| model.vocabulary().name(feature))
            .map(|feature| feature.to_string())
            .collect();
        if !listed.is_empty() {
            parts.push(format!("Strongest for {name}:\n  {}", listed.join("  ·  ")));
        }
    }
    parts.join("\n\n")
}
