//! Labelled rows as lines for people.

use super::{RowFormat, name_of};
use crate::predict::rows::OutputRow;

impl RowFormat {
    pub(super) fn line_for_people(&self, row: &OutputRow<'_>) -> String {
        const WIDTH: usize = 34;
        let labelled = match &row.outcome {
            Ok(labelled) => labelled,
            Err(message) => return format!("{:<WIDTH$}  {message}\n", "error"),
        };
        let held = || {
            let labels = self.labels.iter().zip(labelled.holds);
            labels
                .filter(|(_, holds)| **holds)
                .map(|(label, _)| &*label.plain)
        };
        let mut line = String::new();
        let mut width = 0;
        let mut shown = 0;
        for (place, label) in self.labels.iter().enumerate() {
            let label = &*label.plain;
            let child = format!("{label}.");
            // A parent says nothing beside its child.
            if !labelled.holds[place] || held().any(|other| other.starts_with(&child)) {
                continue;
            }
            shown += 1;
            let text = format!("{label} {:.0}%  ", labelled.scores[place] * 100.0);
            width += text.chars().count();
            if self.colour {
                let colour = COLOURS[place % COLOURS.len()];
                line += &format!("\u{1b}[{colour}m{text}\u{1b}[0m");
            } else {
                line += &text;
            }
        }
        let mut remark = String::new();
        if labelled.review == Some(true) {
            remark += "review?  ";
        }
        if let Some(furniture) = labelled.furniture {
            remark += &format!("({})  ", name_of(furniture));
        } else if shown == 0 {
            remark += "–  ";
        }
        width += remark.chars().count();
        let sentence = labelled.text.replace(['\n', '\r', '\t'], " ");
        let pad = WIDTH.saturating_sub(width);
        line + &format!("{remark}{:pad$}{sentence}\n", "")
    }
}

/// Colours of the labels in the terminal, in their order.
const COLOURS: [u8; 6] = [31, 33, 35, 36, 32, 34];
