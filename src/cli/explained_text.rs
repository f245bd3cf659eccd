//! Explanations for people at a terminal.

use crate::explain::{Explanation, LabelExplanation, Method, Span, Weighted};
use crate::scoring::LabelMode;
use crate::tables::Table;

/// How explanations are laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Words stand on colours.
    pub(super) colour: bool,
    /// What may run from right to left stands between marks, so that lines keep their order.
    pub(super) isolated: bool,
    /// What thresholds are.
    pub(super) mode: LabelMode,
}

/// Colours behind words, from weak to strong, each with the colour of the letters: of the 256
/// that terminals know.
const FOR: [(u8, u8); 5] = [(189, 16), (153, 16), (111, 16), (69, 231), (27, 231)];
const AGAINST: [(u8, u8); 5] = [(230, 16), (223, 16), (216, 16), (208, 16), (166, 231)];

/// Words weaker than this share of the strongest stand on no colour.
const WEAKEST: f64 = 0.1;

/// A sentence with the decisions on all labels, and what stands behind those that are shown.
pub(super) fn write_unit(
    layout: Layout,
    explained: &Explanation,
    shown: &[&LabelExplanation],
    features: usize,
) -> String {
    let mut parts = vec![visible(&explained.text), labels(layout, explained)];
    for label in shown {
        parts.push(layout.label(explained, label, features));
    }
    parts.join("\n\n")
}

fn labels(layout: Layout, explained: &Explanation) -> String {
    let threshold = match layout.mode {
        LabelMode::Multiple => "threshold",
        LabelMode::Single => "divisor",
    };
    let columns = ["label", "probability", threshold, "holds", "score", "bias"];
    let mut table = Table::new(&columns).with_texts_in(&["holds"]);
    for label in &explained.labels {
        table.add_row([
            label.label.clone(),
            format!("{:.1}%", 100.0 * label.probability),
            match layout.mode {
                LabelMode::Multiple => format!("{:.1}%", 100.0 * label.threshold),
                LabelMode::Single => format!("{:.3}", label.threshold),
            },
            if label.holds { "yes" } else { "no" }.to_owned(),
            format!("{:+.3}", label.score),
            label
                .bias
                .map_or_else(String::new, |bias| format!("{bias:+.3}")),
        ]);
    }
    table.to_text()
}

impl Layout {
    fn label(self, explained: &Explanation, label: &LabelExplanation, features: usize) -> String {
        let name = &label.label;
        let verdict = if label.holds {
            "holds"
        } else {
            "does not hold"
        };
        let mut lines = vec![format!("{name} {verdict}")];
        if self.colour {
            lines.push(painted(&explained.text, label));
        }
        let quoted = |span: Span| self.isolate(&visible(&explained.text[span.range()]));
        if let Some(evidence) = label.evidence {
            lines.push(format!("evidence: {}", quoted(evidence)));
        }
        if let Some(trigger) = label.trigger {
            lines.push(format!("trigger: {}", quoted(trigger)));
        }
        if explained.method == Method::LeaveOneOut {
            lines.push(
                "A model of trees has no shares; a word's value is how much the score falls without it."
                    .to_owned(),
            );
        }
        let mut parts = vec![lines.join("\n")];
        if !self.colour || explained.method == Method::LeaveOneOut {
            parts.extend(self.words(explained, label, features));
        }
        parts.extend(self.features(label, features));
        parts.join("\n\n")
    }

    fn isolate(self, text: &str) -> String {
        match self.isolated {
            true => format!("\u{2068}{text}\u{2069}"),
            false => text.to_owned(),
        }
    }

    /// The words that add or take away most.
    fn words(
        self,
        explained: &Explanation,
        label: &LabelExplanation,
        most: usize,
    ) -> Option<String> {
        let mut table = Table::new(&["adds", "word"]).with_texts_in(&["word"]);
        let words = label.strongest_words().filter(|word| word.value != 0.0);
        for word in words.take(most) {
            let text = visible(&explained.text[word.span.range()]);
            table.add_row([added(word.value), self.isolate(&text)]);
        }
        (!table.rows().is_empty()).then(|| table.to_text())
    }

    fn features(self, label: &LabelExplanation, most: usize) -> Option<String> {
        let mut table =
            Table::new(&["adds", "feature", "family"]).with_texts_in(&["feature", "family"]);
        for adds in label.contributions.iter().take(most) {
            let family = match &adds.role {
                Some(role) => format!("{}: {role}", adds.family),
                None => adds.family.clone(),
            };
            let feature = self.isolate(&visible(&adds.feature));
            table.add_row([added(adds.value), feature, family]);
        }
        let left = label.contributions.iter().skip(most);
        let (count, sum) = left.fold(
            (label.rest.features, label.rest.value),
            |(count, sum), c| (count + 1, sum + c.value),
        );
        if count > 0 {
            table.add_row([added(sum), format!("{count} more"), String::new()]);
        }
        (!table.rows().is_empty()).then(|| table.to_text())
    }
}

/// A value whose decimals stand below those of others.
fn added(value: f64) -> String {
    format!("{value:+8.3}")
}

/// The text with each word on the colour of its weight. Words are coloured whole: a change of colour
/// within one would part its joined letters.
fn painted(text: &str, label: &LabelExplanation) -> String {
    let largest = label
        .words
        .iter()
        .map(|word| word.value.abs())
        .fold(0.0, f64::max);
    let evidence = label.evidence.map_or(0..0, |span| span.range());
    let mut painted = String::new();
    let mut at = 0;
    for word in &label.words {
        let range = word.span.range();
        painted += &visible(text.get(at..range.start).unwrap_or_default());
        let within = range.start >= evidence.start && range.end <= evidence.end;
        let shown = visible(text.get(range.clone()).unwrap_or_default());
        painted += &match style(word, largest, within) {
            Some(style) => format!("\u{1b}[{style}m{shown}\u{1b}[0m"),
            None => shown,
        };
        at = at.max(range.end);
    }
    painted + &visible(text.get(at..).unwrap_or_default())
}

/// What a terminal is told before a word; nothing for a plain one.
fn style(word: &Weighted, largest: f64, is_evidence: bool) -> Option<String> {
    let strength = if largest > 0.0 {
        word.value.abs() / largest
    } else {
        0.0
    };
    let ramp = if word.value > 0.0 { FOR } else { AGAINST };
    let shade = ((strength * ramp.len() as f64).ceil() as usize).clamp(1, ramp.len()) - 1;
    let colour = (strength >= WEAKEST).then(|| {
        let (behind, letters) = ramp[shade];
        format!("48;5;{behind};38;5;{letters}")
    });
    match (colour, is_evidence) {
        (Some(colour), true) => Some(format!("4;{colour}")),
        (Some(colour), false) => Some(colour),
        (None, true) => Some("4".to_owned()),
        (None, false) => None,
    }
}

/// A text without signs that would move the cursor or change colours.
fn visible(text: &str) -> String {
    text.replace(char::is_control, " ")
}
