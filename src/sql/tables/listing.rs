//! Which files a table has, in which order.

use std::path::{Component, Path, PathBuf};

use super::{TableArgument, TableFile, TableFormat, existing, file_error};
use crate::error::{Error, Result};

/// The files of a table in the order in which their rows are read.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableFiles {
    pub(crate) files: Vec<TableFile>,
    /// Names of the `key=value` folders that the files lie in.
    pub(crate) keys: Vec<String>,
    /// Folders that were named.
    pub(crate) folders: Vec<PathBuf>,
}

/// What Hive and Spark call a folder whose key has no value.
const NULL_KEY: &str = "__HIVE_DEFAULT_PARTITION__";

type Pairs = Vec<(String, Option<String>)>;

impl TableFiles {
    /// Looks for the files of one table, which all its arguments name together.
    pub(crate) fn find(arguments: &[&TableArgument]) -> Result<Self> {
        let mut found = Self::default();
        let mut pairs: Vec<(PathBuf, Pairs)> = Vec::new();
        for argument in arguments {
            let before = found.files.len();
            for Named { path, base } in named(&argument.path)? {
                let before = found.files.len();
                if existing(&path)?.is_dir() {
                    let base = base.as_deref().unwrap_or(&path);
                    found.add_folder(&path, base, argument.format, &mut pairs)?;
                    found.refuse_mixture(before, argument.format, &path)?;
                } else {
                    found.files.push(file(&path, argument.format)?);
                    let base = base.as_deref().or(path.parent()).unwrap_or(&path);
                    pairs.push((path.clone(), pairs_of(base, &path)));
                }
            }
            if is_pattern(&argument.path) {
                found.refuse_mixture(before, argument.format, &argument.path)?;
            }
        }
        found.take_keys(pairs)?;
        Ok(found)
    }

    fn add_folder(
        &mut self,
        folder: &Path,
        base: &Path,
        format: Option<TableFormat>,
        pairs: &mut Vec<(PathBuf, Pairs)>,
    ) -> Result<()> {
        self.folders.push(folder.to_owned());
        let mut below = Vec::new();
        walk(folder, &mut below, 0)?;
        if below.is_empty() {
            return Err(file_error(folder, "the folder holds no file"));
        }
        let before = self.files.len();
        let mut foreign = None;
        for path in below {
            if format.or(TableFormat::of(&path)).is_none() {
                foreign.get_or_insert(path);
                continue;
            }
            self.files.push(file(&path, format)?);
            pairs.push((path.clone(), pairs_of(base, &path)));
        }
        match foreign {
            None => Ok(()),
            Some(_) if self.files.len() == before => Err(file_error(
                folder,
                "the folder holds no Parquet, CSV, TSV or JSON Lines file; tell the format as NAME:FORMAT=PATH",
            )),
            Some(path) => Err(file_error(
                &path,
                format!(
                    "is no table, unlike other files of {}; take it away, or name files by a pattern such as {}/*.parquet",
                    folder.display(),
                    folder.display()
                ),
            )),
        }
    }

    /// Refuses a folder or pattern whose files are of several formats.
    fn refuse_mixture(&self, from: usize, format: Option<TableFormat>, named: &Path) -> Result<()> {
        let mut files = self.files.iter().skip(from);
        let (None, Some(first)) = (format, files.next()) else {
            return Ok(());
        };
        match files.find(|file| file.format != first.format) {
            None => Ok(()),
            Some(other) => Err(file_error(
                named,
                format!(
                    "holds files of several formats, such as {} and {}; name those of one by a pattern",
                    first.path.display(),
                    other.path.display()
                ),
            )),
        }
    }

    /// Makes columns of `key=value` folders; all files must lie below the same keys.
    fn take_keys(&mut self, pairs: Vec<(PathBuf, Pairs)>) -> Result<()> {
        let names =
            |pairs: &Pairs| -> Vec<String> { pairs.iter().map(|(key, _)| key.clone()).collect() };
        let Some((first_path, first)) = pairs.first() else {
            return Ok(());
        };
        self.keys = names(first);
        let first_path = first_path.clone();
        for (file, (path, pairs)) in self.files.iter_mut().zip(pairs) {
            if names(&pairs) != self.keys {
                let told = |keys: &[String]| match keys {
                    [] => "no folder of the form key=value".to_owned(),
                    keys => format!("folders of {}", keys.join(", ")),
                };
                return Err(file_error(
                    &path,
                    format!(
                        "lies below {}, but {} below {}",
                        told(&names(&pairs)),
                        first_path.display(),
                        told(&self.keys)
                    ),
                ));
            }
            file.keys = pairs.into_iter().map(|(_, value)| value).collect();
        }
        let mut seen = std::collections::HashSet::new();
        match self.keys.iter().find(|key| !seen.insert(key.as_str())) {
            None => Ok(()),
            Some(key) => Err(file_error(
                &first_path,
                format!("lies below several folders of {key}=…"),
            )),
        }
    }
}

/// A path that an argument names.
struct Named {
    path: PathBuf,
    /// Where a pattern begins: folders below it may be `key=value`.
    base: Option<PathBuf>,
}

/// What an argument names: itself, several paths between commas, those that a pattern fits.
fn named(path: &Path) -> Result<Vec<Named>> {
    let itself = |path: &Path| Named {
        path: path.to_owned(),
        base: None,
    };
    if path.exists() {
        return Ok(vec![itself(path)]);
    }
    let Some(text) = path.to_str() else {
        return existing(path).map(|_| Vec::new());
    };
    let mut found = Vec::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let part = Path::new(part);
        match part.exists() || !is_pattern(part) {
            true => {
                existing(part)?;
                found.push(itself(part));
            }
            false => found.extend(fitting(part)?),
        }
    }
    Ok(found)
}

fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
}

/// The files and folders that a pattern fits, sorted; hidden ones are left out.
fn fitting(pattern: &Path) -> Result<Vec<Named>> {
    let text = pattern.to_string_lossy();
    let options = glob::MatchOptions {
        require_literal_separator: true,
        require_literal_leading_dot: true,
        ..glob::MatchOptions::default()
    };
    let found = glob::glob_with(&text, options).map_err(|error| {
        file_error(
            pattern,
            format!("is no pattern that can be used: {}", error.msg),
        )
    })?;
    let mut paths = Vec::new();
    for path in found {
        let path = path.map_err(|error| {
            let path = error.path().to_owned();
            Error::io(path, error.into())
        })?;
        if !is_hidden(&path) {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(file_error(pattern, "no file fits this pattern"));
    }
    paths.sort();
    let plain = |component: &Component<'_>| !is_pattern(Path::new(component));
    let base: PathBuf = pattern.components().take_while(plain).collect();
    let named = paths.into_iter().map(|path| Named {
        path,
        base: Some(base.clone()),
    });
    Ok(named.collect())
}

/// Marks of finished jobs, check sums and files that are still being written are not part of a table.
fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || (name.starts_with('_') && !name.contains('='))
}

/// Folders deeper than this are a loop of links.
const DEEPEST: usize = 64;

fn walk(folder: &Path, files: &mut Vec<PathBuf>, depth: usize) -> Result<()> {
    if depth > DEEPEST {
        return Err(file_error(folder, "its folders lie too deep"));
    }
    let entries = std::fs::read_dir(folder).map_err(|error| Error::io(folder, error))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|error| Error::io(folder, error))?.path());
    }
    paths.sort();
    for path in paths.into_iter().filter(|path| !is_hidden(path)) {
        match existing(&path)?.is_dir() {
            true => walk(&path, files, depth + 1)?,
            false => files.push(path),
        }
    }
    Ok(())
}

/// The `key=value` folders between a folder and a file in it.
fn pairs_of(folder: &Path, file: &Path) -> Pairs {
    let below = file.strip_prefix(folder).unwrap_or(file);
    let between = below.parent().into_iter().flat_map(Path::components);
    let pairs = between.filter_map(|component| match component {
        Component::Normal(name) => {
            let name = name.to_string_lossy();
            let (key, value) = name.split_once('=')?;
            let value = (value != NULL_KEY).then(|| unescaped(value));
            Some((unescaped(key), value))
        }
        _ => None,
    });
    pairs.collect()
}

/// A name with `%20` and the like as the signs that they stand for.
fn unescaped(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let digits = behind
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok());
        let sign = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        match sign.filter(|_| byte == b'%') {
            Some(sign) => {
                bytes.push(sign);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| name.to_owned())
}

fn file(path: &Path, format: Option<TableFormat>) -> Result<TableFile> {
    let metadata = existing(path)?;
    let format = format.or(TableFormat::of(path)).ok_or_else(|| {
        file_error(
            path,
            "its ending tells no format; write NAME:FORMAT=PATH with parquet, csv, tsv or jsonl",
        )
    })?;
    if !metadata.is_file() {
        return Err(file_error(
            path,
            "is no file that can be read more than once; save what comes from a pipe to a file",
        ));
    }
    Ok(TableFile {
        path: path.to_owned(),
        size: metadata.len(),
        format,
        keys: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(folder: &Path, path: &str) -> Result<TableFiles> {
        TableFiles::find(&[&TableArgument {
            name: "t".into(),
            format: None,
            path: folder.join(path),
        }])
    }

    #[test]
    fn folders_give_their_files_in_order_with_keys() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for path in [
            "day=b%20c/x.csv",
            "day=a/y.csv",
            "day=__HIVE_DEFAULT_PARTITION__/z.csv",
        ] {
            let path = root.join("t").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "n\n1\n").unwrap();
        }
        std::fs::write(root.join("t/_SUCCESS"), "").unwrap();
        std::fs::write(root.join("t/.hidden.csv"), "").unwrap();
        let found = find(root, "t").unwrap();
        assert_eq!(found.keys, ["day"]);
        let keys: Vec<Option<&str>> = found
            .files
            .iter()
            .map(|file| file.keys[0].as_deref())
            .collect();
        assert_eq!(keys, [None, Some("a"), Some("b c")]);
        let found = find(root, "t/*/*.csv").unwrap();
        assert_eq!(found.files.len(), 3);
        assert_eq!(found.keys, ["day"], "from where the pattern begins");
        std::fs::write(root.join("t/other.csv"), "n\n").unwrap();
        let error = find(root, "t").unwrap_err().to_string();
        assert!(error.contains("key=value"), "{error}");
    }
}
