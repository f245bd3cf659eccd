//! Folders that appear only when they are whole.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::output_file::{absolute, begun, ended, plain, with_kept};

/// What of a folder being filled is given the name.
const WHOLE: &str = "whole";

/// Folders that the disk is asked to have at the same time.
const SYNCED_AT_ONCE: usize = 32;

/// A folder being filled: under another name beside its own until [`OutputFolder::keep`] gives it that, so
/// that nobody sees half of it.
pub(crate) struct OutputFolder {
    path: PathBuf,
    staging: PathBuf,
    kept: bool,
}

impl OutputFolder {
    /// Begins a folder; nothing is seen under its name yet.
    ///
    /// # Errors
    /// When there is a file or a folder with something in it, or the folder around it does not exist or
    /// cannot be written to.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let refused = |message: &str| {
            Err(Error::File {
                path: path.into(),
                message: message.into(),
            })
        };
        match std::fs::read_dir(path) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return refused("the folder is not empty; name a new one, or empty it first");
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return refused("is a file; name a folder that does not exist yet");
            }
            Err(error) => return Err(Error::io(path, error)),
        }
        let (around, name) = place(path)?;
        let mut prefix = name.clone();
        prefix.push(".partial-");
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As for any new folder: everything the user's mask allows.
            builder.permissions(std::fs::Permissions::from_mode(0o777));
        }
        let path = around.join(name);
        let staging = begun(&path, || {
            builder.tempdir_in(&around).map(tempfile::TempDir::keep)
        })
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::File {
                path: path.clone(),
                message: "cannot be created there; name another folder".into(),
            },
            _ => Error::io(&path, plain(error)),
        })?;
        Ok(Self {
            path,
            staging,
            kept: false,
        })
    }

    /// Where its files are until it is kept: an absolute path.
    pub(crate) fn staging(&self) -> &Path {
        &self.staging
    }

    /// The folder in [`staging`](Self::staging) that is given the name; whoever fills it makes it. What is
    /// beside it goes away: a writer that was given up and does not know it yet may still write there.
    pub(crate) fn whole(&self) -> PathBuf {
        self.staging.join(WHOLE)
    }

    /// The folder that was asked for: an absolute path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes sure that the folders in it are on the disk, then gives [`whole`](Self::whole) the name.
    ///
    /// # Errors
    /// When syncing or renaming fails, as when something has come to stand there; nothing is left behind.
    pub(crate) fn keep(mut self) -> Result<()> {
        let failed = |error| Error::io(&self.path, error);
        let whole = self.whole();
        sync_folders(&whole).map_err(failed)?;
        let (staging, path) = (&self.staging, &self.path);
        with_kept(staging, path, || {
            // Elsewhere than on Unix an empty folder is not replaced.
            #[cfg(not(unix))]
            let _ = std::fs::remove_dir(path);
            std::fs::rename(&whole, path)
        })
        .map_err(failed)?;
        self.kept = true;
        crate::output_file::remove_folder(&self.staging);
        if let Some(around) = self.path.parent() {
            // It has its name; when the disk knows of it is the system's affair where this fails.
            let _ = sync_folder(around);
        }
        Ok(())
    }
}

impl Drop for OutputFolder {
    fn drop(&mut self) {
        if !self.kept {
            // Writers that are being stopped may still have put something there.
            crate::output_file::remove_folder(&self.staging);
            ended(&self.staging);
        }
    }
}

/// The folder around a path, absolute, and the path's last name. Links in it stay, because other machines
/// that write there may have others; the path itself is followed where it is one.
fn place(path: &Path) -> Result<(PathBuf, std::ffi::OsString)> {
    let failed = |error| Error::io(path, error);
    let whole = match path.is_symlink() {
        true => std::fs::canonicalize(path),
        false => absolute(path),
    };
    let whole = whole.map_err(failed)?;
    let (Some(around), Some(name)) = (whole.parent(), whole.file_name()) else {
        return Err(Error::File {
            path: path.into(),
            message: "is no name for a new folder".into(),
        });
    };
    match std::fs::metadata(around) {
        Ok(_) => Ok((around.to_owned(), name.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::File {
            path: path.into(),
            message: "its folder does not exist; create it first".into(),
        }),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Folders cannot be opened elsewhere.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Waits until all folders from this one down are on the disk. It takes many at a time, and one after the
/// other needs long where there are thousands.
fn sync_folders(folder: &Path) -> io::Result<()> {
    let mut folders = vec![folder.to_owned()];
    let mut looked_at = 0;
    while let Some(folder) = folders.get(looked_at) {
        let entries = std::fs::read_dir(folder)?;
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
        looked_at += 1;
    }
    let share = folders.len().div_ceil(SYNCED_AT_ONCE);
    std::thread::scope(|scope| {
        let shares = folders.chunks(share.max(1));
        let synced: Vec<_> = shares
            .map(|share| scope.spawn(|| share.iter().try_for_each(|folder| sync_folder(folder))))
            .collect();
        synced.into_iter().try_for_each(|share| match share.join() {
            Ok(synced) => synced,
            Err(_) => Err(io::Error::other("a folder could not be synced")),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn folders_appear_when_they_are_kept() {
        let around = tempfile::tempdir().unwrap();
        let path = around.path().join("أحداث");
        let folder = OutputFolder::create(&path).unwrap();
        std::fs::create_dir_all(folder.whole().join("day=1")).unwrap();
        std::fs::write(folder.whole().join("day=1/file"), b"whole").unwrap();
        // Of a writer that does not know yet that it was given up.
        std::fs::create_dir(folder.staging().join("attempt-1")).unwrap();
        std::fs::write(folder.staging().join("attempt-1/file"), b"half").unwrap();
        assert!(!path.exists());
        folder.keep().unwrap();
        assert_eq!(std::fs::read(path.join("day=1/file")).unwrap(), b"whole");
        assert_eq!(names(&path), ["day=1"]);
        assert_eq!(names(around.path()), ["أحداث"]);
        let dropped = OutputFolder::create(&around.path().join("never/")).unwrap();
        std::fs::write(dropped.staging().join("file"), b"half").unwrap();
        drop(dropped);
        assert_eq!(names(around.path()), ["أحداث"]);
    }

    #[test]
    fn only_an_empty_folder_is_replaced() {
        let around = tempfile::tempdir().unwrap();
        let path = around.path().join("out");
        std::fs::create_dir(&path).unwrap();
        let folder = OutputFolder::create(&path).unwrap();
        std::fs::create_dir(folder.whole()).unwrap();
        std::fs::write(folder.whole().join("file"), b"whole").unwrap();
        folder.keep().unwrap();
        let told = |path: &Path| OutputFolder::create(path).err().unwrap().to_string();
        assert!(told(&path).contains("not empty"));
        assert!(told(&path.join("file")).contains("is a file"));
        assert!(told(&path.join("no/out")).contains("create it first"));
        let late = around.path().join("late");
        let folder = OutputFolder::create(&late).unwrap();
        std::fs::create_dir(folder.whole()).unwrap();
        std::fs::create_dir_all(late.join("by someone else")).unwrap();
        assert!(folder.keep().is_err());
        assert_eq!(names(around.path()), ["late", "out"]);
        assert_eq!(names(&late), ["by someone else"]);
    }
}
