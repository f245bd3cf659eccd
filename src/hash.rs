//! Hashing numbers for tables of this crate; part of no file format.

/// Mixes a value into a hash: both halves of a 128-bit product, so that every bit counts.
#[inline]
pub(crate) fn mix(hash: u64, value: u64) -> u64 {
    let product =
        u128::from(hash ^ 0x9E37_79B9_7F4A_7C15) * u128::from(value ^ 0xD6E8_FEB8_6659_FD93);
    (product >> 64) as u64 ^ product as u64
}

/// The hash of a string.
pub(crate) fn hash_of_text(text: &str) -> u64 {
    let mut chunks = text.as_bytes().chunks_exact(8);
    let whole = chunks.by_ref().fold(text.len() as u64, |hash, chunk| {
        mix(hash, little_endian(chunk))
    });
    mix(whole, little_endian(chunks.remainder()))
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}
