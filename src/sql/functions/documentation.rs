//! What lists of functions say of each.

use datafusion::logical_expr::{DocSection, Documentation, DocumentationBuilder};

use super::kinds::Kind;

const SECTION: DocSection = DocSection {
    include: true,
    label: "Event Functions",
    description: Some("Functions that apply a model of Marsad to Arabic text."),
};

/// What the arguments are.
fn meaning(argument: &str) -> &'static str {
    match argument {
        "text" => "The sentence, as VARCHAR. Null gives null.",
        "label" => "A label of the model between single quotes; parents are labels too.",
        _ => "The document, as VARCHAR. Null gives null.",
    }
}

/// What a function gives, and an example with one of the model's labels.
fn words(kind: Kind, label: &str) -> (&'static str, String) {
    match kind {
        Kind::Labels => (
            "The labels that hold for a sentence, parents included, as a list; an empty list where \
             none holds.",
            "SELECT label, count(*) FROM (SELECT unnest(event_labels(text)) AS label FROM news) \
             GROUP BY label"
                .into(),
        ),
        Kind::Scores => (
            "The probability of each label for a sentence, from 0 to 1 with 6 decimals, as a struct \
             with one field a label.",
            format!(
                "SELECT id, event_scores(text)['{label}'] AS score FROM news ORDER BY score DESC"
            ),
        ),
        Kind::Evidence => (
            "Where in a sentence each label that holds shows most, as a list of structs of label, \
             start and end. Offsets count bytes of the sentence from 0; end is the byte behind the last.",
            "SELECT id, found['label'] AS label, found['start'] AS start \
             FROM (SELECT id, unnest(event_evidence(text)) AS found FROM news)"
                .into(),
        ),
        Kind::Holds => (
            "Whether a label holds for a sentence.",
            format!(
                "SELECT day, count(*) FROM news WHERE event_holds(text, '{label}') GROUP BY day"
            ),
        ),
        Kind::Score => (
            "The probability of a label for a sentence, from 0 to 1 with 6 decimals.",
            format!(
                "SELECT id, text FROM news WHERE event_score(text, '{label}') BETWEEN 0.4 AND 0.6"
            ),
        ),
        Kind::Sentences => (
            "The sentences of a document, as a list of structs of text, start and end. Offsets count \
             bytes of the document from 0; end is the byte behind the last. A document without text \
             is one sentence.",
            "SELECT id, sentence['start'] AS start, event_labels(sentence['text']) AS labels \
             FROM (SELECT id, unnest(event_sentences(text)) AS sentence FROM news)"
                .into(),
        ),
        Kind::Normalize => (
            "A text as the model reads it: spellings folded, diacritics and elongation removed.",
            "SELECT count(DISTINCT normalize_arabic(text)) FROM news".into(),
        ),
        Kind::Digest => (
            "The digest that names the model, the same as in its file and on a cluster.",
            "SELECT id, event_labels(text) AS labels, marsad_model() AS model FROM news".into(),
        ),
    }
}

/// The documentation of a function for a model with these labels.
pub(super) fn of(kind: Kind, labels: &[String]) -> Documentation {
    let (gives, example) = words(kind, labels.last().map_or("", String::as_str));
    let arguments = kind.arguments();
    let syntax = format!("{}({})", kind.name(), arguments.join(", "));
    let builder = DocumentationBuilder::new_with_details(SECTION, gives, syntax)
        .with_sql_example(format!("```sql\n{example}\n```"));
    let with_arguments = arguments.iter().fold(builder, |builder, argument| {
        builder.with_argument(*argument, meaning(argument))
    });
    with_arguments.build()
}
