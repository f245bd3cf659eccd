//! What is wrong with the texts of a corpus.

use std::path::Path;

use super::CheckSettings;
use super::characters::{
    Script, has_persian_twin, is_persian_twin, is_presentation_form, markup, mojibake,
};
use crate::audit::finding::{Finding, FoundRow, Severity};
use crate::corpus::Record;
use crate::text::{Normalizer, SentenceSplitter, SplitterSettings, recognize_furniture};

/// A row that splits into so many sentences is none.
const SEVERAL_SENTENCES: usize = 3;

/// A kind of finding that looks at one row at a time.
struct RowCheck {
    code: &'static str,
    severity: Severity,
    message: &'static str,
    advice: &'static str,
    /// What is the matter with a row, if anything.
    find: fn(&Record, &CheckSettings) -> Option<String>,
}

const CHECKS: &[RowCheck] = &[
    RowCheck {
        code: "wrong_encoding",
        severity: Severity::Error,
        message: "rows hold text that was decoded wrongly",
        advice: "Export them again in the right encoding; the words are not there to be learnt from.",
        find: |record, _| mojibake(&record.text).map(str::to_owned),
    },
    RowCheck {
        code: "replacement_character",
        severity: Severity::Warning,
        message: "rows hold U+FFFD, which stands where a letter was lost",
        advice: "Export them again in the right encoding.",
        find: |record, _| {
            let lost = record.text.matches('\u{FFFD}').count();
            (lost > 0).then(|| format!("{lost} letters lost"))
        },
    },
    RowCheck {
        code: "presentation_forms",
        severity: Severity::Note,
        message: "rows are written in presentation forms, as PDF files give them",
        advice: "They are folded when read; check that their words are in the right order.",
        find: |record, _| {
            let forms = record.text.chars().filter(|&c| is_presentation_form(c));
            let forms = forms.count();
            (forms > 2).then(|| format!("{forms} letters"))
        },
    },
    RowCheck {
        code: "markup",
        severity: Severity::Warning,
        message: "rows hold markup of a page",
        advice: "Take the text without its markup from the page.",
        find: |record, _| markup(&record.text),
    },
    RowCheck {
        code: "labelled_furniture",
        severity: Severity::Warning,
        message: "rows are page furniture and yet have labels",
        advice: "Bylines, datelines, sources and credits report nothing: annotate them as none, or delete them.",
        find: |record, _| {
            if record.labels.is_empty() || mojibake(&record.text).is_some() {
                return None;
            }
            let normalized = Normalizer::default().normalize(record.text.trim());
            let furniture = recognize_furniture(normalized.text())?;
            Some(format!("{furniture:?}").to_lowercase())
        },
    },
    RowCheck {
        code: "very_long_row",
        severity: Severity::Warning,
        message: "rows are very long",
        advice: "The unit is the sentence: split them, and annotate each sentence.",
        find: |record, settings| {
            let words = record.text.split_whitespace().count();
            (words > settings.most_words).then(|| format!("{words} words"))
        },
    },
    RowCheck {
        code: "several_sentences",
        severity: Severity::Note,
        message: "rows hold three or more sentences",
        advice: "The unit is the sentence: what one of them says is learnt of all; split them where you can.",
        find: |record, _| {
            let splitter = SentenceSplitter::new(SplitterSettings::default());
            let sentences = splitter.split(&record.text).len();
            (sentences >= SEVERAL_SENTENCES).then(|| format!("{sentences} sentences"))
        },
    },
];

/// Rows in another script, if so many of a hundred or any with a label, are worse than a note.
const FOREIGN_PER_CENT: usize = 5;

pub(super) fn check(records: &[Record], settings: &CheckSettings) -> Vec<Finding> {
    let of_rows = CHECKS.iter().filter_map(|check| {
        let rows = records.iter().filter_map(|record| {
            let detail = (check.find)(record, settings)?;
            Some(FoundRow::of(record).with_detail(detail))
        });
        let kind = (check.code, check.severity);
        Finding::of_rows(kind, rows.collect(), check.message, check.advice)
    });
    of_rows
        .chain(other_scripts(records))
        .chain(mixed_letters(records))
        .collect()
}

/// Rows that are not written in Arabic letters.
fn other_scripts(records: &[Record]) -> Option<Finding> {
    let (mut rows, mut labelled) = (Vec::new(), false);
    for record in records {
        let script = Script::of(&record.text);
        let foreign = script.latin + script.other;
        if script.arabic > foreign || mojibake(&record.text).is_some() {
            continue;
        }
        labelled |= !record.labels.is_empty();
        rows.push(FoundRow::of(record).with_detail(match foreign {
            0 => "no letters".to_owned(),
            _ => format!("{} Arabic letters, {foreign} others", script.arabic),
        }));
    }
    let many = 100 * rows.len() > FOREIGN_PER_CENT * records.len();
    let severity = match labelled || many {
        true => Severity::Warning,
        false => Severity::Note,
    };
    Finding::of_rows(
        ("not_arabic", severity),
        rows,
        "rows are mostly in another script, or have no letters at all",
        "Leave them out, or make sure that text of that kind will be labelled too.",
    )
}

/// Rows with ک and ی in a corpus that also has rows with ك and ي.
fn mixed_letters(records: &[Record]) -> Option<Finding> {
    let is_arabic = |record: &&Record| record.text.contains(has_persian_twin);
    let (persian, others): (Vec<&Record>, Vec<&Record>) =
        (records.iter()).partition(|record| record.text.contains(is_persian_twin));
    let arabic = others.iter().copied().filter(is_arabic).count();
    let mut files: Vec<&Path> = persian.iter().map(|row| row.file.as_path()).collect();
    files.dedup();
    let rows = persian.iter().map(|row| FoundRow::of(row)).collect();
    Finding::of_rows(
        ("persian_letters", Severity::Note),
        rows,
        &format!(
            "rows in {} files are written with Persian ک or ی; {arabic} others have Arabic ك or ي",
            files.len()
        ),
        "They are folded when read; a file that mixes them was put together from several sources.",
    )
}
