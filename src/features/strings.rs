//! Many strings without an allocation for each.

/// Strings in the order they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Strings {
    text: String,
    /// Where each string ends in the text.
    ends: Vec<u32>,
}

impl Strings {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The string of a number; `None` where there is none.
    pub(crate) fn get(&self, number: usize) -> Option<&str> {
        let end = *self.ends.get(number)? as usize;
        let start = match number {
            0 => 0,
            _ => self.ends[number - 1] as usize,
        };
        self.text.get(start..end)
    }

    /// The number of a string, where the strings are in order.
    pub(crate) fn find(&self, string: &str) -> Option<u32> {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = usize::midpoint(from, to);
            match self.get(middle)?.cmp(string) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle as u32),
                std::cmp::Ordering::Greater => to = middle,
            }
        }
        None
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.text[start as usize..end as usize])
    }

    pub(crate) fn push(&mut self, string: &str) {
        self.text.push_str(string);
        self.ends.push(self.text.len() as u32);
    }
}

impl<S: AsRef<str>> FromIterator<S> for Strings {
    fn from_iter<I: IntoIterator<Item = S>>(strings: I) -> Self {
        let mut all = Self::default();
        strings
            .into_iter()
            .for_each(|string| all.push(string.as_ref()));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_by_number() {
        let strings: Strings = ["قصف", "", "غارة"].into_iter().collect();
        assert_eq!(strings.len(), 3);
        assert_eq!(strings.get(0), Some("قصف"));
        assert_eq!(strings.get(1), Some(""));
        assert_eq!(strings.get(2), Some("غارة"));
        assert_eq!(strings.get(3), None);
        let in_order: Strings = ["ا", "ب", "ت"].into_iter().collect();
        assert_eq!(
            ["ا", "ت", "ث", ""].map(|s| in_order.find(s)),
            [Some(0), Some(2), None, None]
        );
        assert_eq!(strings.iter().collect::<Vec<_>>(), ["قصف", "", "غارة"]);
    }
}
