//! Mapping a file into memory: the only unsafe code of the crate.
#![allow(unsafe_code)]

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;

use crate::error::{Error, Result};

/// Maps a file read-only, so that a model is not copied before it is checked and decoded.
///
/// # Errors
/// When the file cannot be opened or mapped; an empty file is an error of the system.
pub(super) fn map_file(path: &Path) -> Result<Mmap> {
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    if !file
        .metadata()
        .map_err(|error| Error::io(path, error))?
        .is_file()
    {
        return Err(Error::File {
            path: path.into(),
            message: "is not a file that can hold a model".into(),
        });
    }
    // SAFETY: the bytes are only read, through `&[u8]`, while the map lives. Another process that
    // shortened the file in the meantime could end this one; models are written under another
    // name and renamed, so that a file once visible never changes.
    unsafe { Mmap::map(&file) }.map_err(|error| Error::io(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_hold_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"marsad").unwrap();
        assert_eq!(&map_file(file.path()).unwrap()[..], b"marsad");
        assert!(map_file(Path::new("no/such/file")).is_err());
    }
}
