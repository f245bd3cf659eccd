//! Windows of words around a word in their middle.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Which words a window holds and which it looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowShape {
    /// Words on either side of the middle whose features count as those of a sentence do.
    pub radius: usize,
    /// Words on either side of the middle that also count by where they stand; 0 for none.
    pub context: usize,
}

/// Places of a word as seen from the middle of a window: the middle itself; just before and just
/// after it; before and after it within the window; before and after it outside.
pub(crate) const ROLES: usize = 7;

impl WindowShape {
    /// The words of the window around one of `words` words; fewer at the ends of a sentence.
    pub(crate) fn window(&self, middle: usize, words: usize) -> Range<usize> {
        around(middle, self.radius, words)
    }

    /// The words that count by where they stand, with the role of each.
    pub(crate) fn context(
        &self,
        middle: usize,
        words: usize,
    ) -> impl Iterator<Item = (usize, usize)> + use<> {
        let range = match self.context {
            0 => 0..0,
            context => around(middle, context, words),
        };
        let radius = self.radius;
        range.map(move |place| (place, role(middle, place, radius)))
    }
}

fn around(middle: usize, reach: usize, words: usize) -> Range<usize> {
    middle.saturating_sub(reach)..(middle + reach + 1).min(words)
}

fn role(middle: usize, place: usize, radius: usize) -> usize {
    let after = usize::from(place > middle);
    match place.abs_diff(middle) {
        0 => 0,
        1 => 1 + after,
        distance if distance <= radius => 3 + after,
        _ => 5 + after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_end_with_the_sentence() {
        let shape = WindowShape {
            radius: 2,
            context: 4,
        };
        assert_eq!(shape.window(0, 10), 0..3);
        assert_eq!(shape.window(9, 10), 7..10);
        let roles: Vec<_> = shape.context(5, 8).collect();
        assert_eq!(
            roles,
            [(1, 5), (2, 5), (3, 3), (4, 1), (5, 0), (6, 2), (7, 4)]
        );
        let blind = WindowShape {
            context: 0,
            ..shape
        };
        assert_eq!(blind.context(5, 8).count(), 0);
    }
}
