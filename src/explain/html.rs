//! Explanations as fragments of HTML that need nothing from elsewhere.

use maud::{Markup, PreEscaped, html};

use super::{Explanation, LabelExplanation, Method, Weighted};
use crate::original::original;

/// The style of the fragments, for a page's `<style>`; it names nothing outside them.
pub const HTML_STYLE: &str = "\
.marsad-explanation{margin:1em 0}
.marsad-explanation p.marsad-text{font-size:1.15em;line-height:2;margin:.4em 0}
.marsad-explanation .marsad-evidence{border-bottom:2px solid currentColor;padding-bottom:.1em}
.marsad-explanation .sign,.marsad-unit .sign{font:.68em monospace;border:1px solid;padding:0 .2em;unicode-bidi:isolate}
.marsad-explanation table{border-collapse:collapse;font-size:.9em}
.marsad-explanation th,.marsad-explanation td{padding:.1em .8em .1em 0;text-align:start}
.marsad-explanation td.marsad-value{text-align:end;font-variant-numeric:tabular-nums}";

/// Colours of what speaks for a label and of what speaks against it; both are told apart by the
/// colour-blind, and stand on light and dark pages.
const COLOURS: [&str; 2] = ["37,99,235", "217,119,6"];

/// Opacity of the strongest letter.
const STRONGEST: f64 = 0.8;

/// Values that would be told as zero are not told.
const LEAST_TOLD: f64 = 5e-4;

/// Weights are drawn in as many shades.
const SHADES: f64 = 20.0;

/// A section on a label: the decision, the text with the weight of each letter behind it and the
/// evidence underlined, and the `features` strongest features. To be shown with [`HTML_STYLE`].
pub fn to_html(explained: &Explanation, label: &LabelExplanation, features: usize) -> String {
    let decision = if label.holds {
        "holds"
    } else {
        "does not hold"
    };
    let section = html! {
        section.marsad-explanation {
            p {
                strong { (original(&label.label)) } " " (decision) ": probability "
                (format!("{:.1}%", 100.0 * label.probability)) ", threshold "
                (format!("{:.1}%", 100.0 * label.threshold))
            }
            (PreEscaped(html_of_text(explained, label)))
            (table(explained.method, label, features))
        }
    };
    section.into_string()
}

fn table(method: Method, label: &LabelExplanation, features: usize) -> Markup {
    html! {
        @if method == Method::LeaveOneOut {
            p { "A model of trees: shades show by how much the score falls without a word." }
        } @else {
            table {
                thead { tr { th { "feature" } th { "family" } th { "adds" } } }
                tbody {
                    @for adds in label.contributions.iter().take(features) {
                        tr {
                            td { bdi { (original(&adds.feature)) } }
                            td {
                                (adds.family)
                                @if let Some(role) = &adds.role { ", " (role) }
                            }
                            td.marsad-value { (format!("{:+.3}", adds.value)) }
                        }
                    }
                }
            }
        }
    }
}

/// The text of an explanation as a paragraph, each letter before a colour as strong as its weight for
/// the label, blue for and orange against; words tell their sums in `title`. The evidence is of class
/// `marsad-evidence`. Signs that turn the direction of what follows are shown by their number, in a
/// span of class `sign`.
pub fn html_of_text(explained: &Explanation, label: &LabelExplanation) -> String {
    let painter = Painter::new(&explained.text, label);
    let evidence = label.evidence.map_or([0, 0], |span| span.bytes);
    let mut at = 0;
    let mut within = false;
    let text = html! {
        p.marsad-text dir="auto" {
            @for word in &label.words {
                // Words stand within the evidence or outside it.
                @let is_within = word.span.bytes[0] >= evidence[0] && word.span.bytes[1] <= evidence[1];
                @let gap = painter.plain(at, word.span.bytes[0]);
                @if within && !is_within { (PreEscaped("</span>")) }
                (original(gap))
                @if is_within && !within { (PreEscaped("<span class=\"marsad-evidence\">")) }
                (painter.word(word))
                @let () = { at = at.max(word.span.bytes[1]); within = is_within; };
            }
            @if within { (PreEscaped("</span>")) }
            (original(painter.plain(at, explained.text.len())))
        }
    };
    text.into_string()
}

/// Letters of one shade.
struct Run {
    end: usize,
    shade: i8,
}

struct Painter<'e> {
    text: &'e str,
    /// What is coloured, in order: letters, or words where letters have no weights.
    weights: &'e [Weighted],
    largest: f64,
}

impl<'e> Painter<'e> {
    fn new(text: &'e str, label: &'e LabelExplanation) -> Self {
        let weights = match label.letters.as_slice() {
            [] => label.words.as_slice(),
            letters => letters,
        };
        let largest = weights.iter().map(|w| w.value.abs()).fold(0.0, f64::max);
        Self {
            text,
            weights,
            largest,
        }
    }

    fn plain(&self, from: usize, to: usize) -> &'e str {
        self.text.get(from..to).unwrap_or_default()
    }

    fn shade(&self, value: f64) -> i8 {
        match self.largest > 0.0 {
            true => (SHADES * value / self.largest).round() as i8,
            false => 0,
        }
    }

    fn word(&self, word: &Weighted) -> Markup {
        if word.value.abs() < LEAST_TOLD {
            let [start, end] = word.span.bytes;
            return html! { (original(self.plain(start, end))) };
        }
        let mut at = word.span.bytes[0];
        html! {
            span title=(format!("{:+.3}", word.value)) {
                @for run in self.runs(word) {
                    @let letters = self.plain(at, run.end);
                    @if run.shade == 0 {
                        (original(letters))
                    } @else {
                        span style=(style(run.shade)) { (original(letters)) }
                    }
                    @let () = at = run.end;
                }
            }
        }
    }

    /// The letters of a word in runs of one shade. Lam and alef are one sign and are not parted.
    fn runs(&self, word: &Weighted) -> Vec<Run> {
        let [start, end] = word.span.bytes;
        let first = self.weights.partition_point(|w| w.span.bytes[1] <= start);
        let weights = self.weights[first..].iter();
        let mut runs: Vec<Run> = Vec::new();
        let mut push = |to: usize, shade: i8| match runs.last_mut() {
            Some(last) if last.shade == shade || self.is_ligature(last.end) => last.end = to,
            _ => runs.push(Run { end: to, shade }),
        };
        let mut at = start;
        for weight in weights.take_while(|w| w.span.bytes[0] < end) {
            let [from, to] = weight.span.bytes;
            if from > at {
                push(from, 0);
            }
            push(to.min(end), self.shade(weight.value));
            at = to.min(end);
        }
        if at < end {
            push(end, 0);
        }
        runs
    }

    /// Whether lam stands before a place and alef behind it.
    fn is_ligature(&self, at: usize) -> bool {
        let before = self
            .text
            .get(..at)
            .and_then(|text| text.chars().next_back());
        let behind = self.text.get(at..).and_then(|text| text.chars().next());
        before == Some('ل') && matches!(behind, Some('ا' | 'أ' | 'إ' | 'آ'))
    }
}

fn style(shade: i8) -> String {
    let opacity = STRONGEST * f64::from(shade.unsigned_abs()) / SHADES;
    let colour = COLOURS[usize::from(shade < 0)];
    format!("background:rgba({colour},{opacity:.2})")
}
