//! Lists of a model file in few bytes: differences of ascending numbers, beginnings of words left
//! off, and numbers in as many bytes as they need.

use super::tensors::Checked;
use crate::features::{Strings, bigram_key, split_bigram};

/// Seven bits a byte, lowest first; the highest bit says that more follow (LEB128).
fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Reads what was packed, from front to back.
struct Unpacker<'a> {
    bytes: &'a [u8],
}

impl<'a> Unpacker<'a> {
    fn number(&mut self) -> Option<u64> {
        let (&first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        if first < 0x80 {
            return Some(first.into());
        }
        let mut number = u64::from(first & 0x7F);
        for shift in (7..64).step_by(7) {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            let part = u64::from(byte & 0x7F);
            if part << shift >> shift != part {
                return None;
            }
            number |= part << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Ascending numbers as differences.
pub(super) fn pack_ascending(numbers: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut last = 0;
    for number in numbers {
        push_number(&mut bytes, number - last);
        last = number;
    }
    bytes
}

/// Numbers of which each is larger than the one before.
pub(super) fn unpack_ascending(name: &str, bytes: &[u8]) -> Checked<Vec<u64>> {
    let mut numbers = Vec::with_capacity(bytes.len());
    let mut unpacker = Unpacker { bytes };
    let mut last = None;
    while !unpacker.is_empty() {
        let next = unpacker.number().and_then(|step| match last {
            Some(_) if step == 0 => None,
            Some(last) => step.checked_add(last),
            None => Some(step),
        });
        numbers.push(next.ok_or_else(|| broken(name))?);
        last = next;
    }
    Ok(numbers)
}

/// Ascending pairs: the step of the left one, then the right one, or its step where the left one
/// stays.
pub(super) fn pack_bigrams(keys: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut last = [0, 0];
    for &key in keys {
        let [left, right] = split_bigram(key);
        let same = left == last[0];
        push_number(&mut bytes, (left - last[0]).into());
        push_number(&mut bytes, (right - if same { last[1] } else { 0 }).into());
        last = [left, right];
    }
    bytes
}

pub(super) fn unpack_bigrams(name: &str, bytes: &[u8]) -> Checked<Vec<u64>> {
    let mut keys = Vec::with_capacity(bytes.len() / 2);
    let mut unpacker = Unpacker { bytes };
    let mut last = [0u32, 0];
    while !unpacker.is_empty() {
        let mut next = || unpacker.number().and_then(|step| u32::try_from(step).ok());
        let pair = next().zip(next()).and_then(|(left, right)| {
            let base = if left == 0 { last[1] } else { 0 };
            Some([last[0].checked_add(left)?, base.checked_add(right)?])
        });
        last = pair.ok_or_else(|| broken(name))?;
        let key = bigram_key(last[0], last[1]);
        if keys.last().is_some_and(|&before| before >= key) {
            return Err(broken(name));
        }
        keys.push(key);
    }
    Ok(keys)
}

/// Small numbers one after the other.
pub(super) fn pack_small(numbers: impl IntoIterator<Item = usize>) -> Vec<u8> {
    let mut bytes = Vec::new();
    numbers
        .into_iter()
        .for_each(|number| push_number(&mut bytes, number as u64));
    bytes
}

/// What stands in `values` at the packed places.
pub(super) fn unpack_values(name: &str, bytes: &[u8], values: &[f32]) -> Checked<Vec<f32>> {
    let mut unpacked = Vec::with_capacity(bytes.len());
    let mut unpacker = Unpacker { bytes };
    while !unpacker.is_empty() {
        let place = unpacker
            .number()
            .and_then(|place| usize::try_from(place).ok());
        let value = place.and_then(|place| values.get(place));
        unpacked.push(*value.ok_or_else(|| broken(name))?);
    }
    Ok(unpacked)
}

/// Strings in alphabetical order: how many bytes each shares with the one before, how many are its
/// own, and these.
pub(super) fn pack_strings(strings: &Strings) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut last: &[u8] = &[];
    for string in strings.iter() {
        let string = string.as_bytes();
        let shared = last.iter().zip(string).take_while(|(a, b)| a == b).count();
        push_number(&mut bytes, shared as u64);
        push_number(&mut bytes, (string.len() - shared) as u64);
        bytes.extend(&string[shared..]);
        last = string;
    }
    bytes
}

/// Text may be so many times as long as it is packed, so that a short file cannot fill the memory.
const MOST_SHARED: usize = 64;

/// Strings of which each comes after the one before.
pub(super) fn unpack_strings(name: &str, bytes: &[u8]) -> Checked<Strings> {
    let mut strings = Strings::default();
    let mut unpacker = Unpacker { bytes };
    let (mut last, mut string) = (Vec::new(), Vec::new());
    let mut room = MOST_SHARED * bytes.len();
    while !unpacker.is_empty() {
        let mut length = || {
            unpacker
                .number()
                .and_then(|length| usize::try_from(length).ok())
        };
        let (shared, own) = length().zip(length()).ok_or_else(|| broken(name))?;
        let beginning = last.get(..shared).ok_or_else(|| broken(name))?;
        string.clear();
        string.extend_from_slice(beginning);
        string.extend(unpacker.take(own).ok_or_else(|| broken(name))?);
        room = room.checked_sub(string.len()).ok_or_else(|| broken(name))?;
        if strings.len() > 0 && string <= last {
            return Err(broken(name));
        }
        strings.push(std::str::from_utf8(&string).map_err(|_| broken(name))?);
        std::mem::swap(&mut last, &mut string);
    }
    Ok(strings)
}

fn broken(name: &str) -> String {
    format!("{name} not in order or cut in the wrong places")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lists_come_back(
            numbers in prop::collection::btree_set(any::<u64>(), 0..50),
            pairs in prop::collection::btree_set((0u32..50, any::<u32>()), 0..50),
            words in prop::collection::btree_set("[ابتقصف]{0,6}", 0..50),
        ) {
            let numbers: Vec<u64> = numbers.into_iter().collect();
            let packed = pack_ascending(numbers.iter().copied());
            prop_assert_eq!(unpack_ascending("", &packed), Ok(numbers));
            let keys: Vec<u64> = pairs.into_iter().map(|(l, r)| bigram_key(l, r)).collect();
            prop_assert_eq!(unpack_bigrams("", &pack_bigrams(&keys)), Ok(keys));
            let words: Strings = words.into_iter().collect();
            prop_assert_eq!(unpack_strings("", &pack_strings(&words)), Ok(words));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(numbers) = unpack_ascending("", &bytes) {
                prop_assert!(numbers.is_sorted_by(|a, b| a < b));
            }
            if let Ok(keys) = unpack_bigrams("", &bytes) {
                prop_assert!(keys.is_sorted_by(|a, b| a < b));
            }
            if let Ok(strings) = unpack_strings("", &bytes) {
                prop_assert!(strings.iter().is_sorted_by(|a, b| a < b));
            }
            let values = unpack_values("", &bytes, &[0.5, 1.5]);
            prop_assert!(values.is_err() || bytes.iter().all(|byte| !(2..0x80).contains(byte)));
        }
    }
}
