//! Labelled rows as what annotation tools import: Label Studio, doccano, Prodigy.
//!
//! These tools count offsets in characters: Unicode scalar values, not bytes and not UTF-16.

use super::{FurniturePlace, Name, RowFormat, append_id, append_place, push_all, separated};
use crate::predict::rows::{Labelled, OutputRow};
use crate::predict::write::{push_decimal, push_number, push_string};

/// Stands before each task; before the first the comma is left off.
const SEPARATOR: &[u8] = b",\n";

/// The names of the controls in Label Studio's labelling configuration.
const CHOICES: &str = "labels";
const REGIONS: &str = "evidence";
const TEXT: &str = "text";

/// Where a label shows most, in characters of the row's text.
struct Region<'a> {
    label: &'a Name,
    start: usize,
    end: usize,
    text: &'a str,
}

impl RowFormat {
    /// A task of Label Studio with one prediction; one without where the row could not be read.
    pub(super) fn append_task(&self, row: &OutputRow<'_>, output: &mut Vec<u8>) -> FurniturePlace {
        output.extend_from_slice(SEPARATOR);
        output.extend_from_slice(b"{\"data\":{");
        let place = self.append_data(row, output);
        output.extend_from_slice(b"},\"predictions\":[");
        if let Ok(labelled) = &row.outcome {
            output.extend_from_slice(b"{\"model_version\":");
            push_string(output, &self.layout.model);
            output.extend_from_slice(b",\"score\":");
            push_decimal(output, certainty(labelled), ".0");
            output.extend_from_slice(b",\"result\":[");
            self.append_result(labelled, output);
            output.extend_from_slice(b"]}");
        }
        output.extend_from_slice(b"]}");
        place
    }

    /// The text first, then what else is known of the row.
    fn append_data(&self, row: &OutputRow<'_>, output: &mut Vec<u8>) -> FurniturePlace {
        append_text(row, output);
        output.push(b',');
        append_id(row, output);
        let place = match &row.outcome {
            Ok(labelled) => {
                append_place(row, labelled, output);
                self.append_scores(labelled, output);
                self.append_marks(labelled, output)
            }
            Err(message) => append_error(message, output),
        };
        self.append_kept(row, output);
        place
    }

    /// The choices, and a region for the evidence of each.
    fn append_result(&self, labelled: &Labelled<'_>, output: &mut Vec<u8>) {
        let to = format!(",\"to_name\":\"{TEXT}\",\"type\":");
        let mut chosen = self.chosen(labelled).peekable();
        if chosen.peek().is_none() {
            return;
        }
        push_all(
            output,
            &[
                "{\"id\":\"labels\",\"from_name\":\"",
                CHOICES,
                "\"",
                &to,
                "\"choices\",\"value\":{\"choices\":[",
            ],
        );
        separated(output, chosen, |output, (_, label)| {
            output.extend_from_slice(&label.json);
        });
        output.extend_from_slice(b"]}}");
        for (number, region) in self.regions(labelled).into_iter().enumerate() {
            output.extend_from_slice(b",{\"id\":\"evidence-");
            push_number(output, number as u64 + 1);
            push_all(
                output,
                &["\",\"from_name\":\"", REGIONS, "\"", &to, "\"labels\""],
            );
            output.extend_from_slice(b",\"value\":{\"start\":");
            push_number(output, region.start as u64);
            output.extend_from_slice(b",\"end\":");
            push_number(output, region.end as u64);
            output.extend_from_slice(b",\"text\":");
            push_string(output, region.text);
            output.extend_from_slice(b",\"labels\":[");
            output.extend_from_slice(&region.label.json);
            output.extend_from_slice(b"]}}");
        }
    }

    /// A row as doccano imports it for the classification of texts; what is beside text and label
    /// becomes its metadata.
    pub(super) fn append_for_doccano(
        &self,
        row: &OutputRow<'_>,
        output: &mut Vec<u8>,
    ) -> FurniturePlace {
        output.push(b'{');
        append_id(row, output);
        output.push(b',');
        append_text(row, output);
        output.extend_from_slice(b",\"label\":[");
        let place = match &row.outcome {
            Ok(labelled) => {
                self.append_chosen(labelled, output);
                output.push(b']');
                append_place(row, labelled, output);
                self.append_scores(labelled, output);
                output.extend_from_slice(b",\"evidence\":{");
                let regions = self.regions(labelled).into_iter();
                separated(output, regions, |output, region| {
                    output.extend_from_slice(&region.label.json);
                    super::push_span(output, region.start, region.end);
                });
                output.push(b'}');
                self.append_marks(labelled, output)
            }
            Err(message) => {
                output.push(b']');
                append_error(message, output)
            }
        };
        self.append_kept(row, output);
        output.extend_from_slice(b"}\n");
        place
    }

    /// A task of Prodigy's choice interface, with the labels that hold chosen and their evidence
    /// marked.
    pub(super) fn append_for_prodigy(
        &self,
        row: &OutputRow<'_>,
        output: &mut Vec<u8>,
    ) -> FurniturePlace {
        output.push(b'{');
        append_text(row, output);
        output.extend_from_slice(b",\"options\":[");
        output.extend_from_slice(&self.options);
        output.extend_from_slice(b"],\"accept\":[");
        let place = match &row.outcome {
            Ok(labelled) => {
                self.append_chosen(labelled, output);
                output.extend_from_slice(b"],\"spans\":[");
                let regions = self.regions(labelled).into_iter();
                separated(output, regions, |output, region| {
                    output.extend_from_slice(b"{\"start\":");
                    push_number(output, region.start as u64);
                    output.extend_from_slice(b",\"end\":");
                    push_number(output, region.end as u64);
                    output.extend_from_slice(b",\"label\":");
                    output.extend_from_slice(&region.label.json);
                    output.push(b'}');
                });
                output.extend_from_slice(b"],\"meta\":{\"score\":");
                push_decimal(output, certainty(labelled), ".0");
                output.extend_from_slice(b",\"model\":");
                push_string(output, &self.layout.model);
                output.extend_from_slice(b"},");
                append_id(row, output);
                append_place(row, labelled, output);
                self.append_scores(labelled, output);
                self.append_marks(labelled, output)
            }
            Err(message) => {
                // Nobody is to be asked about a row without a text.
                output.extend_from_slice(b"],\"answer\":\"ignore\",");
                append_id(row, output);
                append_error(message, output)
            }
        };
        self.append_kept(row, output);
        output.extend_from_slice(b"}\n");
        place
    }

    /// The labels that hold, parents left off that one below them implies, with their places.
    fn chosen<'r>(
        &'r self,
        labelled: &'r Labelled<'_>,
    ) -> impl Iterator<Item = (usize, &'r Name)> + 'r {
        let holds = |place: usize| labelled.holds.get(place) == Some(&true);
        let labels = self.labels.iter().zip(&self.below).enumerate();
        labels
            .filter(move |(place, (_, below))| {
                holds(*place) && !below.iter().any(|&place| holds(place))
            })
            .map(|(place, (label, _))| (place, label))
    }

    fn append_chosen(&self, labelled: &Labelled<'_>, output: &mut Vec<u8>) {
        separated(output, self.chosen(labelled), |output, (_, label)| {
            output.extend_from_slice(&label.json);
        });
    }

    /// The evidence of the labels chosen.
    fn regions<'r>(&'r self, labelled: &'r Labelled<'_>) -> Vec<Region<'r>> {
        let region = |(place, label): (usize, &'r Name)| {
            let span = labelled.evidence.get(place)?.as_ref()?;
            let from = span.start.checked_sub(labelled.span.start)?;
            let to = span.end.checked_sub(labelled.span.start)?;
            let text = labelled.text.get(from..to)?;
            let start = labelled.text.get(..from)?.chars().count();
            Some(Region {
                label,
                start,
                end: start + text.chars().count(),
                text,
            })
        };
        self.chosen(labelled).filter_map(region).collect()
    }
}

/// The probability of the least certain decision of a row: of what holds that it holds, of what does
/// not that it does not.
fn certainty(labelled: &Labelled<'_>) -> f64 {
    let decisions = labelled.scores.iter().zip(labelled.holds);
    decisions
        .map(|(&score, &holds)| if holds { score } else { 1.0 - score })
        .fold(1.0, f64::min)
}

/// What Prodigy offers to choose from.
pub(super) fn options<'l>(labels: impl Iterator<Item = &'l str>) -> Vec<u8> {
    let mut output = Vec::new();
    separated(&mut output, labels, |output, label| {
        output.extend_from_slice(b"{\"id\":");
        push_string(output, label);
        output.extend_from_slice(b",\"text\":");
        push_string(output, label);
        output.push(b'}');
    });
    output
}

fn append_text(row: &OutputRow<'_>, output: &mut Vec<u8>) {
    let text = row.outcome.as_ref().map_or("", |labelled| labelled.text);
    output.extend_from_slice(b"\"text\":");
    push_string(output, text);
}

fn append_error(message: &str, output: &mut Vec<u8>) -> FurniturePlace {
    output.extend_from_slice(b",\"error\":");
    push_string(output, message);
    output.len()
}
