//! Labels with their parents: from what holds for the leaves to what holds for all.

use crate::corpus::{parents, with_parents};

use super::LabelMode;

/// The labels that are decided, and above them the parents that follow from their children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelTree {
    leaves: Vec<String>,
    labels: Vec<TreeLabel>,
}

/// A label of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeLabel {
    /// The label.
    pub name: String,
    /// Places of the leaves at or under it.
    pub leaves: Vec<usize>,
}

impl TreeLabel {
    /// Whether the label is decided itself.
    pub fn is_leaf(&self, tree: &LabelTree) -> bool {
        matches!(self.leaves.as_slice(), [leaf] if tree.leaves[*leaf] == self.name)
    }

    /// Whether the label has no parent.
    pub fn is_top(&self) -> bool {
        !self.name.contains('.')
    }
}

impl LabelTree {
    /// The tree over leaves in alphabetical order.
    pub fn new(leaves: &[String]) -> Self {
        let all = with_parents(leaves.iter().map(String::as_str));
        let labels = all
            .into_iter()
            .map(|name| TreeLabel {
                leaves: (0..leaves.len())
                    .filter(|&leaf| {
                        leaves[leaf] == name || parents(&leaves[leaf]).any(|p| p == name)
                    })
                    .collect(),
                name,
            })
            .collect();
        Self {
            leaves: leaves.to_vec(),
            labels,
        }
    }

    /// The labels that are decided.
    pub fn leaves(&self) -> &[String] {
        &self.leaves
    }

    /// All labels, parents before their children.
    pub fn labels(&self) -> &[TreeLabel] {
        &self.labels
    }

    /// Whether label `label` holds where `leaves` says which leaves hold.
    pub fn holds(&self, label: usize, leaves: &[bool]) -> bool {
        self.labels[label].leaves.iter().any(|&leaf| leaves[leaf])
    }

    /// The probability of label `label`: that of at least one leaf, taken as independent; in
    /// single-label mode, where only one can hold, their sum.
    pub fn probability(&self, label: usize, mode: LabelMode, leaves: &[f64]) -> f64 {
        let under = || self.labels[label].leaves.iter().map(|&leaf| leaves[leaf]);
        if let [leaf] = self.labels[label].leaves.as_slice() {
            return leaves[*leaf];
        }
        match mode {
            LabelMode::Multiple => 1.0 - under().map(|p| 1.0 - p).product::<f64>(),
            LabelMode::Single => under().sum::<f64>().min(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_follow_from_children() {
        let leaves = ["capture.person", "capture.territory", "clash"].map(str::to_owned);
        let tree = LabelTree::new(&leaves);
        let names: Vec<&str> = tree.labels().iter().map(|l| l.name.as_str()).collect();
        assert_eq!(
            names,
            ["capture", "capture.person", "capture.territory", "clash"]
        );
        assert!(tree.holds(0, &[false, true, false]));
        assert!(!tree.holds(0, &[false, false, true]));
        let p = tree.probability(0, LabelMode::Multiple, &[0.5, 0.5, 0.1]);
        assert!((p - 0.75).abs() < 1e-12);
        assert!(!tree.labels()[0].is_leaf(&tree) && tree.labels()[1].is_leaf(&tree));
    }
}
