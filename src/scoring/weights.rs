//! Weights of linear scorers: as they were fitted, or as a few bits each.

use std::borrow::Cow;

/// Weights by row (a feature) and column (a scorer).
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    columns: usize,
    rows: usize,
    numbers: Numbers,
}

#[derive(Clone, Debug, PartialEq)]
enum Numbers {
    Exact(Vec<f32>),
    /// Levels of 8 or 4 bits, two's complement; two of 4 bits share a byte, the first one its lower
    /// half. A level `q` stands for `q × |q| × scale`: steps are fine near zero, where most weights
    /// lie, and coarse for the few large ones.
    Levels {
        bits: WeightBits,
        /// One a column.
        scales: Vec<f32>,
        /// Rows end to end.
        bytes: Cow<'static, [u8]>,
    },
}

/// Bits of a stored weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum WeightBits {
    /// 15 levels.
    #[value(name = "4")]
    Four,
    /// 255 levels.
    #[value(name = "8")]
    Eight,
    /// A 32-bit float, as fitted.
    #[value(name = "32")]
    ThirtyTwo,
}

impl std::fmt::Display for WeightBits {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.number())
    }
}

impl WeightBits {
    /// As a number.
    pub fn number(self) -> u8 {
        match self {
            Self::Four => 4,
            Self::Eight => 8,
            Self::ThirtyTwo => 32,
        }
    }

    /// The largest level.
    fn top(self) -> f32 {
        match self {
            Self::Four => 7.0,
            _ => 127.0,
        }
    }

    /// Bytes of a row of so many columns.
    pub(crate) fn row_bytes(self, columns: usize) -> usize {
        match self {
            Self::Four => columns.div_ceil(2),
            Self::Eight => columns,
            Self::ThirtyTwo => 4 * columns,
        }
    }
}

impl Weights {
    /// Weights as fitted, row by row.
    pub(crate) fn exact(columns: usize, numbers: Vec<f32>) -> Self {
        Self {
            columns,
            rows: numbers.len() / columns.max(1),
            numbers: Numbers::Exact(numbers),
        }
    }

    /// Stored levels; `None` unless bytes and scales fit the columns.
    pub(crate) fn from_levels(
        bits: WeightBits,
        scales: Vec<f32>,
        bytes: Cow<'static, [u8]>,
    ) -> Option<Self> {
        let columns = scales.len();
        let row_bytes = bits.row_bytes(columns).max(1);
        let fits = bits != WeightBits::ThirtyTwo && bytes.len().is_multiple_of(row_bytes);
        fits.then(|| Self {
            columns,
            rows: bytes.len() / row_bytes,
            numbers: Numbers::Levels {
                bits,
                scales,
                bytes,
            },
        })
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bits a weight.
    pub fn bits(&self) -> WeightBits {
        match &self.numbers {
            Numbers::Exact(_) => WeightBits::ThirtyTwo,
            Numbers::Levels { bits, .. } => *bits,
        }
    }

    /// The weight in a row and column.
    pub fn get(&self, row: usize, column: usize) -> f32 {
        match &self.numbers {
            Numbers::Exact(numbers) => numbers[row * self.columns + column],
            Numbers::Levels {
                bits,
                scales,
                bytes,
            } => {
                let row_bytes = bits.row_bytes(self.columns);
                let row = &bytes[row * row_bytes..][..row_bytes];
                value_of(level(*bits, row, column)) * scales[column]
            }
        }
    }

    /// The largest weight there can be.
    pub(crate) fn largest(&self) -> f32 {
        let (numbers, factor) = match &self.numbers {
            Numbers::Exact(numbers) => (numbers, 1.0),
            Numbers::Levels { bits, scales, .. } => (scales, bits.top() * bits.top()),
        };
        let largest = numbers
            .iter()
            .fold(0.0f32, |most, number| most.max(number.abs()));
        factor * largest
    }

    /// Adds a multiple of a row to sums, one a column, which [`Weights::scale`] makes sums of
    /// weights.
    #[inline]
    pub(crate) fn add_row(&self, row: usize, factor: f32, sums: &mut [f32]) {
        match &self.numbers {
            Numbers::Exact(numbers) => {
                let weights = &numbers[row * self.columns..][..self.columns];
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum += weight * factor;
                }
            }
            Numbers::Levels {
                bits: WeightBits::Eight,
                bytes,
                ..
            } => {
                let levels = &bytes[row * self.columns..][..self.columns];
                let mut fours = levels.chunks_exact(4);
                let mut sums_of_fours = sums.chunks_exact_mut(4);
                for (levels, sums) in fours.by_ref().zip(sums_of_fours.by_ref()) {
                    for lane in 0..4 {
                        sums[lane] += value_of(levels[lane] as i8) * factor;
                    }
                }
                let rest = sums_of_fours.into_remainder();
                for (sum, &level) in rest.iter_mut().zip(fours.remainder()) {
                    *sum += value_of(level as i8) * factor;
                }
            }
            Numbers::Levels { bits, bytes, .. } => {
                let row_bytes = bits.row_bytes(self.columns);
                let row = &bytes[row * row_bytes..][..row_bytes];
                for (column, sum) in sums.iter_mut().enumerate() {
                    *sum += value_of(level(*bits, row, column)) * factor;
                }
            }
        }
    }

    /// Makes what rows were added to sums of weights.
    pub(crate) fn scale(&self, sums: &mut [f32]) {
        if let Numbers::Levels { scales, .. } = &self.numbers {
            sums.iter_mut()
                .zip(scales)
                .for_each(|(sum, scale)| *sum *= scale);
        }
    }

    /// The same weights with so many bits each, each column with a scale of its own; with as many
    /// bits as they have, unchanged.
    pub(crate) fn with_bits(&self, bits: WeightBits) -> Self {
        if bits >= self.bits() {
            return self.clone();
        }
        let all = || (0..self.rows).flat_map(|row| (0..self.columns).map(move |c| (row, c)));
        let mut largest = vec![0.0f32; self.columns];
        for (row, column) in all() {
            largest[column] = largest[column].max(self.get(row, column).abs());
        }
        let square = bits.top() * bits.top();
        let scales: Vec<f32> = largest.iter().map(|largest| largest / square).collect();
        let row_bytes = bits.row_bytes(self.columns);
        let mut bytes = vec![0u8; self.rows * row_bytes];
        for (row, column) in all() {
            let weight = self.get(row, column);
            if weight == 0.0 {
                continue;
            }
            let level = (weight.abs() / largest[column]).sqrt() * bits.top();
            let level = (level.round() as i8) * if weight < 0.0 { -1 } else { 1 };
            match bits {
                WeightBits::Four => {
                    let nibble = (level as u8 & 0xF) << (4 * (column % 2));
                    bytes[row * row_bytes + column / 2] |= nibble;
                }
                _ => bytes[row * row_bytes + column] = level as u8,
            }
        }
        Self {
            columns: self.columns,
            rows: self.rows,
            numbers: Numbers::Levels {
                bits,
                scales,
                bytes: bytes.into(),
            },
        }
    }

    /// Only some rows, in the order given.
    pub(crate) fn select_rows(&self, kept: &[usize]) -> Self {
        let numbers = match &self.numbers {
            Numbers::Exact(numbers) => Numbers::Exact(select(numbers, self.columns, kept)),
            Numbers::Levels {
                bits,
                scales,
                bytes,
            } => Numbers::Levels {
                bits: *bits,
                scales: scales.clone(),
                bytes: select(bytes, bits.row_bytes(self.columns), kept).into(),
            },
        };
        Self {
            columns: self.columns,
            rows: kept.len(),
            numbers,
        }
    }

    /// The exact numbers, or scales and levels, for storing.
    pub(crate) fn stored(&self) -> (&[f32], &[u8]) {
        match &self.numbers {
            Numbers::Exact(numbers) => (numbers, &[]),
            Numbers::Levels { scales, bytes, .. } => (scales, bytes),
        }
    }
}

fn select<T: Copy>(numbers: &[T], row_length: usize, kept: &[usize]) -> Vec<T> {
    kept.iter()
        .flat_map(|&row| &numbers[row * row_length..][..row_length])
        .copied()
        .collect()
}

#[inline]
fn level(bits: WeightBits, row: &[u8], column: usize) -> i8 {
    match bits {
        WeightBits::Four => {
            let nibble = row[column / 2] >> (4 * (column % 2)) & 0xF;
            // The sign of four bits is carried over to eight.
            ((nibble << 4) as i8) >> 4
        }
        _ => row[column] as i8,
    }
}

/// What each level of eight bits stands for before scaling, by its bits.
static VALUES: [f32; 256] = values_of_levels();

const fn values_of_levels() -> [f32; 256] {
    let mut values = [0.0; 256];
    let mut bits = 0;
    while bits < values.len() {
        let level = bits as u8 as i8 as i32;
        values[bits] = (level * level.abs()) as f32;
        bits += 1;
    }
    values
}

#[inline]
fn value_of(level: i8) -> f32 {
    VALUES[usize::from(level as u8)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn few_bits_keep_signs_zeros_and_the_largest() {
        let exact = Weights::exact(3, vec![0.0, -1.0, 4.0, 0.01, 0.5, -4.0]);
        for bits in [WeightBits::Four, WeightBits::Eight] {
            let few = exact.with_bits(bits);
            assert_eq!(few.bits(), bits);
            assert_eq!(few.get(0, 0), 0.0);
            assert!((few.get(0, 2) - 4.0).abs() < 1e-6);
            assert!((few.get(1, 2) + 4.0).abs() < 1e-6);
            assert!((few.get(1, 1) - 0.5).abs() < 0.1);
            assert_eq!(few.with_bits(WeightBits::ThirtyTwo), few);
        }
    }

    #[test]
    fn levels_that_do_not_fit_are_refused() {
        let of =
            |bits, bytes| Weights::from_levels(bits, vec![1.0; 3], Cow::Owned(bytes)).is_some();
        assert!(of(WeightBits::Four, vec![0; 4]));
        assert!(!of(WeightBits::Four, vec![0; 3]));
        assert!(!of(WeightBits::Eight, vec![0; 4]));
        assert!(!of(WeightBits::ThirtyTwo, vec![0; 12]));
    }

    proptest! {
        #[test]
        fn rows_add_up_as_single_weights_do(
            numbers in prop::collection::vec(-5.0f32..5.0, 15),
            row in 0usize..3,
        ) {
            let exact = Weights::exact(5, numbers);
            for bits in [WeightBits::Four, WeightBits::Eight, WeightBits::ThirtyTwo] {
                let weights = exact.with_bits(bits);
                let mut sums = [0.0f32; 5];
                weights.add_row(row, 2.0, &mut sums);
                weights.add_row(2, 1.0, &mut sums);
                weights.scale(&mut sums);
                for (column, sum) in sums.iter().enumerate() {
                    let expected = 2.0 * weights.get(row, column) + weights.get(2, column);
                    prop_assert!((sum - expected).abs() < 1e-4);
                }
                prop_assert_eq!(weights.select_rows(&[row]).get(0, 4), weights.get(row, 4));
            }
        }

        #[test]
        fn errors_are_small_beside_the_largest(numbers in prop::collection::vec(-5.0f32..5.0, 1..40)) {
            let exact = Weights::exact(1, numbers.clone());
            let largest = numbers.iter().fold(0.0f32, |largest, number| largest.max(number.abs()));
            let few = exact.with_bits(WeightBits::Eight);
            for (row, number) in numbers.iter().enumerate() {
                prop_assert!((few.get(row, 0) - number).abs() <= largest / 126.0);
            }
        }
    }
}
