//! The model card: where a model comes from, what it is made of, what is known of its limits
//! (Mitchell et al., "Model cards for model reporting", FAT* 2019).

use maud::{Markup, html};

use super::Material;
use super::limits::{CHECKS, limits};
use super::markup::{count, figure, original, percent, table};
use crate::learn::{LearnerKind, LearnerSettings};
use crate::scoring::LabelMode;
use crate::tables::Table;

/// The section's content.
pub(super) fn card(material: &Material<'_>) -> Markup {
    let known = limits(material);
    html! {
        h3 { "Known limits" }
        @if known.is_empty() {
            p { "The figures show none of what was looked for: " (CHECKS) "." }
        } @else {
            ul { @for limit in &known { li { bdi { (original(limit)) } } } }
        }
        p {
            "The figures hold for text like the corpus they come from. Other outlets, other wars, other years and other "
            "ways of writing are measured by annotating some of them and making this report anew."
        }
        h3 { "Origin" }
        (table("Where the model comes from and how it was made", &facts(material)))
        (table("Labels: sentences trained on, and the probability from which each holds", &labels(material)))
    }
}

/// Facts of the model, a line each.
pub(super) fn facts(material: &Material<'_>) -> Table {
    let header = &material.model.header;
    let provenance = &header.provenance;
    let training = &provenance.training;
    let families = material.model.families.iter();
    let families = families.map(|(family, size)| format!("{} {family}", count(*size)));
    let mut facts = Table::new(&["fact", "value"]).with_texts_in(&["value"]);
    let mut add = |name: &str, value: String| facts.add_row([name.to_owned(), value]);
    add("made by", format!("marsad {}", header.program_version));
    add(
        "trained on",
        format!(
            "{} sentences in {} documents",
            count(provenance.sentences),
            count(provenance.documents)
        ),
    );
    add("digest of that corpus", provenance.corpus_digest.clone());
    add(
        "labels a sentence",
        match header.mode {
            LabelMode::Multiple => "several or none".into(),
            LabelMode::Single => "exactly one".into(),
        },
    );
    add("learner", learner(&provenance.learner));
    add("features", families.collect::<Vec<_>>().join(", "));
    add("bits a weight", material.model.weight_bits.to_string());
    add(
        "evidence",
        match header.mixes {
            Some(_) => format!(
                "windows of {} words, learnt beside the whole sentence",
                2 * header.window_radius + 1
            ),
            None => format!(
                "the whole sentence; windows of {} words are shown",
                2 * header.window_radius + 1
            ),
        },
    );
    add(
        "measured when trained",
        match (training.hold_out, provenance.learner.stream) {
            (None, None) => format!("in {} folds by document", training.folds),
            (Some(share), _) => format!("on {} of the sentences, held out", percent(share)),
            (None, Some(_)) => "on documents held out".into(),
        },
    );
    add("thresholds chosen for", training.aim.to_string());
    add("seed", training.seed.to_string());
    add(
        "text steps",
        format!(
            "normaliser {}, splitter {}, tokeniser {}, stemmer {}",
            header.text_versions.normalizer,
            header.text_versions.splitter,
            header.text_versions.tokenizer,
            header.text_versions.stemmer
        ),
    );
    if !header.checksum.is_empty() {
        add("checksum of the model file", header.checksum.clone());
    }
    facts
}

fn learner(settings: &LearnerSettings) -> String {
    let parameters = match settings.kind {
        LearnerKind::Logistic
        | LearnerKind::Svm
        | LearnerKind::LinfaLogistic
        | LearnerKind::LinfaSvm => {
            format!("C = {}", settings.c())
        }
        LearnerKind::ComplementNb | LearnerKind::MultinomialNb => {
            format!("smoothing = {}", settings.smoothing)
        }
        LearnerKind::LinfaTree => format!("depth {}", settings.depth),
        LearnerKind::LinfaForest => {
            format!("{} trees of depth {}", settings.trees, settings.depth)
        }
        LearnerKind::Ftrl | LearnerKind::LinfaNb | LearnerKind::LinfaFtrl => {
            return settings.kind.name();
        }
    };
    format!("{}, {parameters}", settings.kind.name())
}

/// The labels that are decided.
pub(super) fn labels(material: &Material<'_>) -> Table {
    let header = &material.model.header;
    let mut table = Table::new(&["label", "trained on", "share of all", "threshold"]);
    for (place, label) in header.labels.iter().enumerate() {
        let counts = &header.provenance.label_counts;
        let sentences = counts.get(label).copied().unwrap_or(0);
        let at = |values: &[f64]| values.get(place).copied().unwrap_or_default();
        table.add_row([
            label.clone(),
            sentences.to_string(),
            percent(at(&header.priors)),
            figure(at(&header.thresholds)),
        ]);
    }
    table
}
