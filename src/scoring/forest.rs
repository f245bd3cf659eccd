//! Decision trees as plain arrays.

use serde::{Deserialize, Serialize};

/// One node of a tree. Children come after their parent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Node {
    /// Rows whose value of `feature` is below `split` go left, the others right.
    Split {
        /// Feature number.
        feature: u32,
        /// Value that divides the rows.
        split: f32,
        /// Place of the left child.
        left: u32,
        /// Place of the right child.
        right: u32,
    },
    /// A leaf's vote: 1 where most of its training rows held the label, else 0.
    Leaf(f32),
}

/// Trees that vote on one label; a decision tree is a forest of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Forest {
    /// The trees, each with its root first.
    pub trees: Vec<Vec<Node>>,
}

impl Forest {
    /// The mean vote for a row, from 0 to 1; `value_of` gives a feature's value, 0 where absent.
    pub fn score(&self, value_of: impl Fn(u32) -> f32) -> f64 {
        let votes: f64 = self
            .trees
            .iter()
            .map(|tree| f64::from(vote(tree, &value_of)))
            .sum();
        votes / self.trees.len().max(1) as f64
    }

    /// Whether every child and feature number exists and no walk can run in a circle.
    pub(crate) fn is_valid(&self, features: usize) -> bool {
        !self.trees.is_empty()
            && self.trees.iter().all(|tree| {
                !tree.is_empty()
                    && tree.iter().enumerate().all(|(place, node)| match *node {
                        Node::Leaf(vote) => (0.0..=1.0).contains(&vote),
                        Node::Split {
                            feature,
                            split,
                            left,
                            right,
                        } => {
                            (feature as usize) < features
                                && split.is_finite()
                                && [left, right].iter().all(|&child| {
                                    (place + 1..tree.len()).contains(&(child as usize))
                                })
                        }
                    })
            })
    }
}

fn vote(tree: &[Node], value_of: &impl Fn(u32) -> f32) -> f32 {
    let mut place = 0;
    loop {
        match tree[place] {
            Node::Leaf(vote) => return vote,
            Node::Split {
                feature,
                split,
                left,
                right,
            } => {
                place = if value_of(feature) < split {
                    left
                } else {
                    right
                } as usize;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forest() -> Forest {
        let split = Node::Split {
            feature: 1,
            split: 0.5,
            left: 1,
            right: 2,
        };
        Forest {
            trees: vec![
                vec![split, Node::Leaf(0.0), Node::Leaf(1.0)],
                vec![Node::Leaf(1.0)],
            ],
        }
    }

    #[test]
    fn trees_vote() {
        let score = |value| forest().score(|feature| if feature == 1 { value } else { 0.0 });
        assert_eq!(score(0.4), 0.5);
        assert_eq!(score(0.6), 1.0);
    }

    #[test]
    fn broken_trees_are_known() {
        assert!(forest().is_valid(2));
        assert!(!forest().is_valid(1));
        let mut circle = forest();
        circle.trees[0][0] = Node::Split {
            feature: 0,
            split: 0.0,
            left: 0,
            right: 2,
        };
        assert!(!circle.is_valid(2));
    }
}
