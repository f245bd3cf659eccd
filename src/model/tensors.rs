//! The arrays of a model file: numbers in little-endian order, and packed lists as bytes.

use safetensors::{Dtype, SafeTensors};

/// What is read and checked, or what is wrong with it.
pub(super) type Checked<T> = std::result::Result<T, String>;

/// An array as it is stored.
pub(super) struct StoredTensor {
    pub(super) name: &'static str,
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) bytes: Vec<u8>,
}

impl StoredTensor {
    pub(super) fn new(name: &'static str, dtype: Dtype, bytes: Vec<u8>) -> Self {
        let shape = vec![bytes.len() * 8 / dtype.bitsize()];
        Self {
            name,
            dtype,
            shape,
            bytes,
        }
    }
}

impl StoredTensor {
    /// A packed list.
    pub(super) fn packed(name: &'static str, bytes: Vec<u8>) -> Self {
        Self::new(name, Dtype::U8, bytes)
    }

    /// Numbers of a fixed width.
    pub(super) fn numbers<T: LittleEndian>(name: &'static str, numbers: &[T]) -> Self {
        Self::new(name, T::DTYPE, le_bytes(numbers))
    }
}

/// Numbers of a fixed width as little-endian bytes.
pub(super) trait LittleEndian: Copy {
    const DTYPE: Dtype;
    fn write(self, bytes: &mut Vec<u8>);
    fn read(bytes: &[u8]) -> Self;
}

macro_rules! little_endian {
    ($($number:ty = $dtype:ident),*) => {$(
        impl LittleEndian for $number {
            const DTYPE: Dtype = Dtype::$dtype;
            fn write(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
            fn read(bytes: &[u8]) -> Self {
                let mut fixed = [0; size_of::<$number>()];
                fixed.copy_from_slice(bytes);
                Self::from_le_bytes(fixed)
            }
        }
    )*};
}

little_endian!(u32 = U32, f32 = F32);

pub(super) fn le_bytes<T: LittleEndian>(numbers: &[T]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size_of_val(numbers));
    numbers.iter().for_each(|number| number.write(&mut bytes));
    bytes
}

pub(super) fn ends(lengths: impl Iterator<Item = usize>) -> Vec<u32> {
    lengths
        .scan(0u32, |end, length| {
            *end += length as u32;
            Some(*end)
        })
        .collect()
}

pub(super) fn numbers<T: LittleEndian>(file: &SafeTensors<'_>, name: &str) -> Checked<Vec<T>> {
    let tensor = file.tensor(name).map_err(|error| error.to_string())?;
    if tensor.dtype() != T::DTYPE {
        return Err(format!("{name} has the wrong type"));
    }
    Ok(tensor
        .data()
        .chunks_exact(size_of::<T>())
        .map(T::read)
        .collect())
}

/// The bytes of a packed list.
pub(super) fn packed<'a>(file: &SafeTensors<'a>, name: &str) -> Checked<&'a [u8]> {
    let tensor = file.tensor(name).map_err(|error| error.to_string())?;
    match tensor.dtype() {
        Dtype::U8 => Ok(tensor.data()),
        _ => Err(format!("{name} has the wrong type")),
    }
}

/// Divides items at the given ends, which must rise to their number.
pub(super) fn divide<T: Clone>(items: &[T], ends: &[u32]) -> Checked<Vec<Vec<T>>> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let parts: Option<Vec<Vec<T>>> = starts
        .zip(ends)
        .map(|(start, &end)| items.get(start as usize..end as usize).map(<[T]>::to_vec))
        .collect();
    parts
        .filter(|_| ends.last().copied().unwrap_or(0) as usize == items.len())
        .ok_or_else(|| "trees cut in the wrong places".to_owned())
}
