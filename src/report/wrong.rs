//! The rows in which a label is wrong, and where in their text the labels show.

use std::ops::Range;

use rayon::prelude::*;

use crate::corpus::Corpus;
use crate::evaluate::Judged;
use crate::explain::{Explainer, LabelExplanation};
use crate::predict::{Predictor, Scratch};
use crate::scoring::LabelTree;

/// In which way a label is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Predicted, not annotated.
    FalseAlarm,
    /// Annotated, not predicted.
    Miss,
}

/// One label that is wrong in a row.
#[derive(Clone, Debug)]
pub(super) struct Mistake {
    /// Place of the label in the tree.
    pub(super) label: usize,
    pub(super) kind: Kind,
    pub(super) probability: f64,
    /// Bytes of the text in which the label shows most.
    pub(super) window: Option<Range<usize>>,
    /// Bytes of the words that count most in its score, with what they add.
    pub(super) words: Vec<(Range<usize>, f64)>,
}

/// Words that are told of a mistake.
const MOST_WORDS: usize = 3;
/// Words that add less to a score than this, either way, are not told.
const LEAST_WEIGHT: f64 = 0.05;

/// A row with at least one wrong label.
#[derive(Clone, Debug)]
pub(super) struct WrongRow {
    /// Its place in the corpus.
    pub(super) row: usize,
    pub(super) mistakes: Vec<Mistake>,
    /// How sure the program was of what is wrong.
    pub(super) conviction: f64,
}

/// All rows with a wrong label, those first in which the program was surest.
pub(super) fn wrong_rows(judged: &Judged, corpus: &Corpus, predictor: &Predictor) -> Vec<WrongRow> {
    let explainer = Explainer::new(predictor);
    let places: Vec<usize> = (0..judged.rows().len()).collect();
    let found = places
        .into_par_iter()
        .map_init(Scratch::default, |scratch, row| {
            let mut mistakes = mistakes_in(judged, row);
            if mistakes.is_empty() {
                return None;
            }
            let text = &corpus.records().get(row)?.text;
            let explained = explainer.explain(text, scratch);
            let follows = following(judged, &mistakes);
            let own = mistakes
                .iter_mut()
                .zip(follows)
                .filter(|(_, follows)| !follows);
            for (mistake, _) in own {
                let leaf = telling_leaf(judged, row, mistake.label, predictor.tree());
                if let Some(label) = leaf.and_then(|leaf| explained.labels.get(leaf)) {
                    mistake.window = label.evidence.map(|span| span.range());
                    mistake.words = telling_words(label);
                }
            }
            let conviction = mistakes.iter().fold(0.0f64, |most, mistake| {
                most.max(match mistake.kind {
                    Kind::FalseAlarm => mistake.probability,
                    Kind::Miss => 1.0 - mistake.probability,
                })
            });
            Some(WrongRow {
                row,
                mistakes,
                conviction,
            })
        });
    let mut found: Vec<WrongRow> = found.flatten_iter().collect();
    // The sort is stable: rows of one conviction stay in the order of the corpus.
    found.sort_by(|a, b| b.conviction.total_cmp(&a.conviction));
    found
}

fn mistakes_in(judged: &Judged, row: usize) -> Vec<Mistake> {
    let of_row = judged.rows()[row].iter().enumerate();
    let mistakes = of_row.filter_map(|(label, judgement)| {
        let kind = match (judgement.annotated?, judgement.predicted) {
            (false, true) => Kind::FalseAlarm,
            (true, false) => Kind::Miss,
            _ => return None,
        };
        Some(Mistake {
            label,
            kind,
            probability: judgement.probability,
            window: None,
            words: Vec::new(),
        })
    });
    mistakes.collect()
}

/// For each mistake whether it follows from that of a child, which then says why.
fn following(judged: &Judged, mistakes: &[Mistake]) -> Vec<bool> {
    let name = |mistake: &Mistake| &judged.tree().labels()[mistake.label].name;
    let follows = |mistake: &Mistake| {
        let child = format!("{}.", name(mistake));
        let of_kind = mistakes.iter().filter(|other| other.kind == mistake.kind);
        of_kind
            .into_iter()
            .any(|other| name(other).starts_with(&child))
    };
    mistakes.iter().map(follows).collect()
}

fn telling_words(label: &LabelExplanation) -> Vec<(Range<usize>, f64)> {
    let words = label.strongest_words().take(MOST_WORDS);
    let told = words.filter(|word| word.value.abs() >= LEAST_WEIGHT);
    told.map(|word| (word.span.range(), word.value)).collect()
}

/// The most probable of the predictor's labels at or under one of the judged labels.
fn telling_leaf(judged: &Judged, row: usize, label: usize, tree: &LabelTree) -> Option<usize> {
    let labels = judged.tree().labels();
    let probability = |name: &str| {
        let place = labels.iter().position(|of_tree| of_tree.name == name);
        place.map_or(0.0, |place| judged.rows()[row][place].probability)
    };
    let name = &labels.get(label)?.name;
    let of_predictor = tree.labels().iter().find(|other| other.name == *name)?;
    let leaves = of_predictor.leaves.iter().copied();
    leaves.max_by(|&a, &b| {
        let of_leaf = |leaf: usize| probability(&tree.leaves()[leaf]);
        // The first of equals.
        of_leaf(a).total_cmp(&of_leaf(b)).then(b.cmp(&a))
    })
}

/// A piece of a text with the numbers, from 0, of the windows that it lies in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece<'t> {
    pub(super) text: &'t str,
    pub(super) windows: Vec<usize>,
    /// The windows that begin with it.
    pub(super) begins: Vec<usize>,
}

/// Cuts a text where windows begin and end. Windows that do not lie on characters of the text are
/// left out.
pub(super) fn pieces<'t>(text: &'t str, windows: &[Option<Range<usize>>]) -> Vec<Piece<'t>> {
    let sound = |window: &Option<Range<usize>>| {
        let window = window.clone()?;
        (window.start < window.end && text.get(window.clone()).is_some()).then_some(window)
    };
    let windows: Vec<Option<Range<usize>>> = windows.iter().map(sound).collect();
    let ends = windows.iter().flatten().flat_map(|w| [w.start, w.end]);
    let mut cuts: Vec<usize> = ends.chain([0, text.len()]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let piece = |cut: &[usize]| {
        let &[start, end] = cut else { return None };
        let numbered = windows.iter().enumerate();
        let within = numbered.filter_map(|(number, window)| Some((number, window.as_ref()?)));
        let within: Vec<(usize, &Range<usize>)> = within
            .filter(|(_, window)| window.start <= start && end <= window.end)
            .collect();
        Some(Piece {
            text: text.get(start..end)?,
            begins: within
                .iter()
                .filter(|(_, window)| window.start == start)
                .map(|(number, _)| *number)
                .collect(),
            windows: within.into_iter().map(|(number, _)| number).collect(),
        })
    };
    cuts.windows(2).filter_map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_cut_at_windows() {
        let text = "شنت غارة ثم قصفت";
        let whole = Some(0..text.len());
        let part = text.find("غارة").map(|start| start..start + "غارة".len());
        let cut = pieces(text, &[whole, part, Some(1..4), None]);
        let texts: Vec<&str> = cut.iter().map(|piece| piece.text).collect();
        assert_eq!(texts, ["شنت ", "غارة", " ثم قصفت"]);
        assert_eq!(cut[1].windows, [0, 1]);
        assert_eq!(
            (cut[0].begins.as_slice(), cut[1].begins.as_slice()),
            (&[0][..], &[1][..])
        );
        assert_eq!(pieces("", &[Some(0..0)]), []);
    }

    proptest! {
        #[test]
        fn pieces_make_up_the_text(
            text in "\\PC{0,20}",
            windows in prop::collection::vec((0usize..40, 0usize..40), 0..4)
        ) {
            let windows: Vec<_> = windows.into_iter().map(|(a, b)| Some(a..b)).collect();
            let joined: String = pieces(&text, &windows).iter().map(|piece| piece.text).collect();
            prop_assert_eq!(joined, text);
        }
    }
}
