//! Files that appear only when they are whole.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// A file being written: under another name in the same folder until [`OutputFile::keep`] gives it
/// its own, so that nobody sees half of it. A device or pipe is written to directly; a symbolic link
/// stays one, and the file it points to is replaced.
pub(crate) struct OutputFile {
    path: PathBuf,
    target: Target,
}

/// Files of this process: those being written, under their temporary names, and those that were kept.
#[derive(Debug)]
struct Register {
    begun: Vec<(PathBuf, PathBuf)>,
    kept: Vec<PathBuf>,
}

static REGISTER: Mutex<Register> = Mutex::new(Register {
    begun: Vec::new(),
    kept: Vec::new(),
});

fn register() -> MutexGuard<'static, Register> {
    // Nothing that is done under the lock panics half way.
    REGISTER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What became of the files of a process that is stopped.
#[derive(Debug, Default)]
pub(crate) struct Stopped {
    /// Whole files that this process wrote.
    pub(crate) kept: Vec<PathBuf>,
    /// Files that were not finished; what stood under their names before is as it was.
    pub(crate) dropped: Vec<PathBuf>,
}

/// Removes all files that are not whole. From here on none is given its name: the process must end.
pub(crate) fn stop_all() -> Stopped {
    let register = register();
    let mut stopped = Stopped {
        kept: register.kept.clone(),
        ..Stopped::default()
    };
    for (temporary, path) in &register.begun {
        // One that cannot be removed is left behind; there is nothing else to be done about it.
        if std::fs::remove_file(temporary).is_err() {
            #[cfg(feature = "sql")]
            remove_folder(temporary);
        }
        stopped.dropped.push(path.clone());
    }
    // The lock is never given back, so that no file is kept any more.
    std::mem::forget(register);
    stopped
}

/// Tells that a file, or a part of it that stays useful, was written otherwise than as an
/// [`OutputFile`].
pub(crate) fn tell_kept(path: &Path) {
    register().kept.push(path.to_owned());
}

/// Makes a folder under a temporary name, which goes away when the process is stopped.
#[cfg(feature = "sql")]
pub(crate) fn begun(
    path: &Path,
    make: impl FnOnce() -> io::Result<PathBuf>,
) -> io::Result<PathBuf> {
    let mut register = register();
    let temporary = make()?;
    register.begun.push((temporary.clone(), path.to_owned()));
    Ok(temporary)
}

/// Tells that what had a temporary name is gone.
#[cfg(feature = "sql")]
pub(crate) fn ended(temporary: &Path) {
    register().begun.retain(|(begun, _)| begun != temporary);
}

/// Gives what is whole its name by `rename`; never in a process that is being stopped.
#[cfg(feature = "sql")]
pub(crate) fn with_kept(
    temporary: &Path,
    path: &Path,
    rename: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let mut register = register();
    rename()?;
    register.begun.retain(|(begun, _)| begun != temporary);
    register.kept.push(path.to_owned());
    Ok(())
}

/// Removes a folder that other threads may still be writing into: they give up when it is gone.
#[cfg(feature = "sql")]
pub(crate) fn remove_folder(folder: &Path) {
    for _ in 0..20 {
        let _ = std::fs::remove_dir_all(folder);
        // What was just being written makes the folders around it again.
        std::thread::sleep(std::time::Duration::from_millis(5));
        if !folder.exists() {
            break;
        }
    }
}

enum Target {
    Temporary(NamedTempFile),
    Direct(File),
    /// Nothing is written any more.
    Gone,
}

impl OutputFile {
    /// Begins a file; nothing is seen under its name yet.
    ///
    /// # Errors
    /// When the folder does not exist or cannot be written to, or the path is a folder.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let target = match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(Error::File {
                    path,
                    message: "is a folder; name a file in it".into(),
                });
            }
            Ok(metadata) if !metadata.is_file() => {
                let file = File::options().write(true).open(&path);
                Target::Direct(file.map_err(|error| Error::io(&path, error))?)
            }
            _ => {
                let mut register = register();
                let file = temporary_beside(&path)?;
                register.begun.push((file.path().to_owned(), path.clone()));
                Target::Temporary(file)
            }
        };
        Ok(Self { path, target })
    }

    /// Makes sure that all is on the disk, then gives the file its name.
    ///
    /// # Errors
    /// When syncing or renaming fails; nothing is left behind.
    pub(crate) fn keep(mut self) -> Result<()> {
        let Target::Temporary(file) = std::mem::replace(&mut self.target, Target::Gone) else {
            return Ok(());
        };
        let temporary = file.path().to_owned();
        let synced = file.as_file().sync_all();
        let mut register = register();
        register.begun.retain(|(begun, _)| *begun != temporary);
        synced.map_err(|error| Error::io(&self.path, plain(error)))?;
        file.persist(&self.path)
            .map_err(|error| Error::io(&self.path, error.error))?;
        register.kept.push(self.path.clone());
        Ok(())
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if let Target::Temporary(file) = &self.target {
            let temporary = file.path();
            register().begun.retain(|(begun, _)| begun != temporary);
        }
    }
}

impl Write for OutputFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::Temporary(file) => file.as_file_mut().write(buffer),
            Target::Direct(file) => file.write(buffer),
            Target::Gone => Ok(0),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Temporary(file) => file.as_file_mut().flush(),
            Target::Direct(file) => file.flush(),
            Target::Gone => Ok(()),
        }
    }
}

fn temporary_beside(path: &Path) -> Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".marsad-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As for any new file: everything the user's mask allows.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder
        .tempfile_in(folder)
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::File {
                path: path.into(),
                message: match folder.is_dir() {
                    true => "cannot be created there; name another folder".into(),
                    false => "its folder does not exist; create it first".into(),
                },
            },
            _ => Error::io(path, plain(error)),
        })
}

/// The system's error without the temporary name that `tempfile` adds.
pub(crate) fn plain(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::from(error.kind()),
    }
}

/// Writes a file that is there only when all of it is.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
    let mut file = OutputFile::create(path)?;
    let written = file.write_all(content);
    written.map_err(|error| Error::io(path, error))?;
    file.keep()
}

/// A path from the root on, with its links as they are: they may lead elsewhere on other machines. Only what
/// goes back by `..` is resolved, which has no other meaning behind a link.
#[cfg(feature = "sql")]
pub(crate) fn absolute(path: &Path) -> io::Result<PathBuf> {
    use std::path::Component;
    if !path.components().any(|part| part == Component::ParentDir) {
        return std::path::absolute(path);
    }
    match (std::fs::canonicalize(path), path.parent(), path.file_name()) {
        (Err(_), Some(parent), Some(name)) => Ok(std::fs::canonicalize(parent)?.join(name)),
        (found, ..) => found,
    }
}

/// Whether two paths lead to the same existing file.
pub(crate) fn same_file(left: &Path, right: &Path) -> bool {
    match (std::fs::canonicalize(left), std::fs::canonicalize(right)) {
        (Ok(left), Ok(right)) => left == right,
        _ => false,
    }
}

/// Whether two paths lead to the same file, be it there or written later.
pub(crate) fn will_be_same_file(left: &Path, right: &Path) -> bool {
    let place = |path: &Path| {
        std::fs::canonicalize(path).ok().or_else(|| {
            let folder = match path.parent()? {
                none if none.as_os_str().is_empty() => Path::new("."),
                folder => folder,
            };
            Some(std::fs::canonicalize(folder).ok()?.join(path.file_name()?))
        })
    };
    match (place(left), place(right)) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(unix, feature = "sql"))]
    #[test]
    fn links_stay_in_absolute_paths() {
        let folder = tempfile::tempdir().unwrap();
        let whole = std::fs::canonicalize(folder.path()).unwrap();
        std::fs::create_dir(whole.join("disk")).unwrap();
        std::fs::write(whole.join("disk/rows"), b"1").unwrap();
        std::os::unix::fs::symlink("disk", whole.join("link")).unwrap();
        let path = whole.join("link/rows");
        assert_eq!(absolute(&path).unwrap(), path);
        assert!(same_file(&path, &whole.join("disk/rows")));
        let back = absolute(&whole.join("link/../disk/rows")).unwrap();
        assert_eq!(back, whole.join("disk/rows"));
        let new = absolute(&whole.join("link/../new")).unwrap();
        assert_eq!(new, whole.join("new"));
    }

    #[test]
    fn files_appear_when_they_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut file = OutputFile::create(&path).unwrap();
        file.write_all(b"whole").unwrap();
        assert!(!path.exists());
        file.keep().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        drop(OutputFile::create(&folder.path().join("never")).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_links_and_devices_devices() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, b"old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mut output = OutputFile::create(&link).unwrap();
        output.write_all(b"new").unwrap();
        output.keep().unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read(&file).unwrap(), b"new");
        let mut null = OutputFile::create(Path::new("/dev/null")).unwrap();
        null.write_all(b"gone").unwrap();
        null.keep().unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
    }
}
