//! Windows of words around a word in their middle, and where words stand around a trigger.

use std::ops::Range;

/// The words of the window around one of `words` words; fewer at the ends of a sentence.
pub(crate) fn window_around(middle: usize, radius: usize, words: usize) -> Range<usize> {
    middle.saturating_sub(radius)..middle.saturating_add(radius + 1).min(words)
}

/// Places of a word as seen from the word that triggers a label: the trigger itself; just before
/// it; before it, near and far; after it, near and far; and at the sentence's opening, where the
/// verb of a report stands: the first word, and the three behind it.
pub(crate) const ROLES: usize = 8;

/// Words at most this far from the trigger are near.
pub(crate) const NEAR: usize = 4;

pub(crate) const TRIGGER: usize = 0;
pub(crate) const JUST_BEFORE: usize = 1;
pub(crate) const NEAR_BEFORE: usize = 2;
pub(crate) const FAR_BEFORE: usize = 3;
pub(crate) const NEAR_AFTER: usize = 4;
pub(crate) const FAR_AFTER: usize = 5;

/// The first words of a sentence, which count as its opening as well.
const OPENING: usize = 4;

/// What the roles are called, in their order.
const ROLE_NAMES: [&str; ROLES] = [
    "trigger",
    "just before the trigger",
    "before the trigger, near",
    "before the trigger, far",
    "after the trigger, near",
    "after the trigger, far",
    "first word",
    "opening",
];

/// What a role is called.
pub(crate) fn role_name(role: usize) -> &'static str {
    ROLE_NAMES.get(role).copied().unwrap_or_default()
}

/// The roles of a word: one by its distance from the trigger, and one more in the opening.
pub(crate) fn roles(trigger: usize, place: usize) -> impl Iterator<Item = usize> {
    std::iter::once(role_by_distance(trigger, place)).chain(opening_role(place))
}

/// The role of a word by its distance from the trigger.
fn role_by_distance(trigger: usize, place: usize) -> usize {
    match (place < trigger, place.abs_diff(trigger)) {
        (_, 0) => TRIGGER,
        (true, 1) => JUST_BEFORE,
        (true, ..=NEAR) => NEAR_BEFORE,
        (true, _) => FAR_BEFORE,
        (false, ..=NEAR) => NEAR_AFTER,
        (false, _) => FAR_AFTER,
    }
}

/// The role of one of the first words of a sentence.
pub(crate) fn opening_role(place: usize) -> Option<usize> {
    match place {
        0 => Some(6),
        1..OPENING => Some(7),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_end_with_the_sentence() {
        assert_eq!(window_around(0, 2, 10), 0..3);
        assert_eq!(window_around(5, 2, 10), 3..8);
        assert_eq!(window_around(9, 2, 10), 7..10);
        assert_eq!(window_around(3, 0, 10), 3..4);
    }

    #[test]
    fn roles_tell_side_distance_and_opening() {
        let of = |place| roles(6, place).collect::<Vec<_>>();
        assert_eq!(of(0), [3, 6]);
        assert_eq!(of(1), [3, 7]);
        assert_eq!(of(2), [2, 7]);
        assert_eq!(of(4), [2]);
        assert_eq!(of(5), [1]);
        assert_eq!(of(6), [0]);
        assert_eq!(of(7), [4]);
        assert_eq!(of(11), [5]);
        assert!(
            (0..20)
                .flat_map(|place| roles(6, place))
                .all(|role| role < ROLES)
        );
    }
}
