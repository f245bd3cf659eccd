//! The parts become a folder: all of them, once each, or none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::attempt::ATTEMPT;
use super::definition::{PartFormat, PartsTarget};
use super::keys;
use super::report::PartFile;
use crate::error::{Error, Result};
use crate::output_folder::OutputFolder;

/// The file that readers of such folders look for: it is there when the folder is whole.
pub(crate) const MANIFEST: &str = "_SUCCESS";

/// What the folder says of itself, in [`MANIFEST`].
#[derive(Debug, Serialize)]
struct Manifest<'a> {
    program: String,
    model: Option<&'a str>,
    statement: &'a str,
    format: PartFormat,
    partition_by: &'a [String],
    rows: u64,
    bytes: u64,
    files: Vec<ManifestFile<'a>>,
}

#[derive(Debug, Serialize)]
struct ManifestFile<'a> {
    path: &'a str,
    rows: u64,
    bytes: u64,
}

/// What the parts are parts of.
pub(crate) struct Statement<'a> {
    /// The statement as it was given.
    pub(crate) text: &'a str,
    /// Digest of the model, where one was used.
    pub(crate) model: Option<&'a str>,
    /// Parts that its plan has.
    pub(crate) parts: usize,
}

/// A folder that has its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Rows in all files.
    pub(crate) rows: u64,
    /// Files, the manifest aside.
    pub(crate) files: usize,
    /// Bytes in these files.
    pub(crate) bytes: u64,
}

/// Gives the files of all parts their names in the folder, and the folder its own.
///
/// # Errors
/// When a part is missing or there twice, a file is not what was told of it, or the system refuses; the
/// folder then does not appear.
pub(crate) fn commit(
    folder: OutputFolder,
    target: &PartsTarget,
    files: Vec<PartFile>,
    statement: &Statement<'_>,
) -> Result<Written> {
    let failed = |message| Error::File {
        path: folder.path().into(),
        message,
    };
    check_parts(&files, statement.parts).map_err(failed)?;
    let names = name_files(target, files).map_err(failed)?;
    let whole = folder.whole();
    std::fs::create_dir(&whole).map_err(|error| Error::io(folder.path(), error))?;
    for (name, file) in &names {
        check_file(folder.staging(), file).map_err(failed)?;
        place(folder.staging(), &whole.join(name), file)
            .map_err(|error| Error::io(folder.path().join(name), error))?;
    }
    let written = Written {
        rows: names.values().map(|file| file.rows).sum(),
        files: names.len(),
        bytes: names.values().map(|file| file.bytes).sum(),
    };
    let manifest = Manifest {
        program: format!("marsad {}", env!("CARGO_PKG_VERSION")),
        model: statement.model,
        statement: statement.text,
        format: target.format(),
        partition_by: target.keys(),
        rows: written.rows,
        bytes: written.bytes,
        files: names
            .iter()
            .map(|(path, file)| ManifestFile {
                path,
                rows: file.rows,
                bytes: file.bytes,
            })
            .collect(),
    };
    let mut text =
        serde_json::to_vec_pretty(&manifest).map_err(|error| failed(error.to_string()))?;
    text.push(b'\n');
    let path = whole.join(MANIFEST);
    write_synced(&path, &text).map_err(|error| Error::io(folder.path().join(MANIFEST), error))?;
    folder.keep()?;
    Ok(written)
}

/// Every part once: by one attempt, whose files were all told.
fn check_parts(files: &[PartFile], parts: usize) -> std::result::Result<(), String> {
    let mut told: BTreeMap<u64, (&str, u64, u64)> = BTreeMap::new();
    for file in files {
        let (attempt, expected, count) =
            told.entry(file.part)
                .or_insert((&file.attempt, file.files, 0));
        if *attempt != file.attempt {
            return Err(format!(
                "part {} was written twice ({attempt} and {})",
                file.part, file.attempt
            ));
        }
        if *expected != file.files {
            return Err(format!(
                "part {} tells of {expected} files and of {}",
                file.part, file.files
            ));
        }
        *count += 1;
    }
    for (part, (_, expected, count)) in &told {
        if expected != count {
            return Err(format!(
                "part {part} has {expected} files, and {count} of them were told"
            ));
        }
    }
    let attempts: BTreeSet<&str> = told.values().map(|(attempt, ..)| *attempt).collect();
    let all = (0..parts as u64).eq(told.keys().copied());
    if !all || attempts.len() != told.len() {
        return Err(format!(
            "{} of {parts} parts were told of; nothing was kept",
            told.len()
        ));
    }
    Ok(())
}

/// The files that are kept, by their names in the folder: those with rows, or one that has the columns.
fn name_files(
    target: &PartsTarget,
    files: Vec<PartFile>,
) -> std::result::Result<BTreeMap<String, PartFile>, String> {
    let extension = target.format().extension();
    let mut names = BTreeMap::new();
    let mut without_rows: Option<PartFile> = None;
    for file in files {
        // What other machines tell must not lead out of the folder.
        let plain = |name: &str| {
            let mut characters = name.chars();
            characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
                && !name.contains("..")
        };
        let sound = file.attempt.starts_with(ATTEMPT) && plain(&file.attempt) && plain(&file.file);
        let placed = match target.keys() {
            [] => file.folders.is_empty(),
            _ if file.rows == 0 => file.folders.is_empty(),
            columns => keys::are_folders_of(&file.folders, columns),
        };
        if !sound || !placed || file.file.is_empty() {
            return Err(format!(
                "part {} tells of a file that cannot be one of it",
                file.part
            ));
        }
        if file.rows == 0 {
            if without_rows
                .as_ref()
                .is_none_or(|first| file.part < first.part)
            {
                without_rows = Some(file);
            }
            continue;
        }
        let name = match file.folders.as_str() {
            "" => format!("part-{:05}.{extension}", file.part),
            folders => format!("{folders}/part-{:05}.{extension}", file.part),
        };
        if let Some(same) = names.insert(name, file) {
            return Err(format!(
                "part {} tells of two files in the same folder",
                same.part
            ));
        }
    }
    if names.is_empty() {
        names.extend(without_rows.map(|file| (format!("part-00000.{extension}"), file)));
    }
    Ok(names)
}

fn path_of(staging: &Path, file: &PartFile) -> PathBuf {
    staging.join(&file.attempt).join(&file.file)
}

fn check_file(staging: &Path, file: &PartFile) -> std::result::Result<(), String> {
    match std::fs::symlink_metadata(path_of(staging, file)) {
        Ok(found) if found.is_file() && found.len() == file.bytes => Ok(()),
        Ok(found) => Err(format!(
            "the file of part {} has {} bytes here, and {} where it was written; nothing was kept",
            file.part,
            found.len(),
            file.bytes
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(format!(
            "the file of part {} is not to be seen here; the output folder must be shared by all machines under \
             the same path",
            file.part
        )),
        Err(error) => Err(format!(
            "the file of part {} cannot be read: {error}",
            file.part
        )),
    }
}

fn place(staging: &Path, path: &Path, file: &PartFile) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::rename(path_of(staging, file), path)
}

fn write_synced(path: &Path, text: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let mut file = std::fs::File::create_new(path)?;
    file.write_all(text)?;
    file.sync_all()
}
