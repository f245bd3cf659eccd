//! The folder in which an executor keeps rows until they are fetched.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The ending of the file that is locked while an executor works in the folder of the same name.
const LOCK: &str = "lock";

/// A folder of one executor, removed at its end; what an executor that was killed left there is
/// removed by the next.
#[derive(Debug)]
pub(super) struct WorkFolder {
    path: PathBuf,
    lock: PathBuf,
    // Locked as long as it is open.
    _locked: File,
    _temporary: Option<tempfile::TempDir>,
}

impl WorkFolder {
    /// A folder of that name below `parent`, or below a temporary one.
    pub(super) fn create(parent: Option<&Path>, name: &str) -> Result<Self> {
        let (parent, temporary) = match parent {
            Some(parent) => {
                std::fs::create_dir_all(parent).map_err(|error| not_created(parent, error))?;
                let whole = std::fs::canonicalize(parent);
                (whole.map_err(|error| Error::io(parent, error))?, None)
            }
            None => {
                let folder = tempfile::Builder::new().prefix("marsad-cluster-").tempdir();
                let folder = folder.map_err(|error| Error::io(std::env::temp_dir(), error))?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        remove_abandoned(&parent);
        let (path, lock) = (parent.join(name), parent.join(format!("{name}.{LOCK}")));
        let locked = File::create(&lock).map_err(|error| Error::io(&parent, error))?;
        locked.lock().map_err(|error| Error::io(&lock, error))?;
        std::fs::create_dir(&path).map_err(|error| Error::io(&path, error))?;
        Ok(Self {
            path,
            lock,
            _locked: locked,
            _temporary: temporary,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn not_created(path: &Path, error: std::io::Error) -> Error {
    let message = match error.kind() {
        std::io::ErrorKind::AlreadyExists => "is a file; name a folder with --work-dir",
        std::io::ErrorKind::NotFound => "cannot be created there; name another with --work-dir",
        _ => return Error::io(path, error),
    };
    Error::File {
        path: path.to_owned(),
        message: message.to_owned(),
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next executor.
        let _ = std::fs::remove_dir_all(&self.path);
        let _ = std::fs::remove_file(&self.lock);
    }
}

/// Removes the folders of executors that are no more.
fn remove_abandoned(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else {
        return;
    };
    let locks = entries.flatten().map(|entry| entry.path());
    for lock in locks.filter(|path| path.extension().is_some_and(|ending| ending == LOCK)) {
        let is_ours = |path: &Path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with("marsad-"))
        };
        let Ok(file) = File::open(&lock) else {
            continue;
        };
        if !is_ours(&lock) || matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            continue;
        }
        let folder = lock.with_extension("");
        match std::fs::remove_dir_all(&folder) {
            Ok(()) => log::warn!(
                target: "marsad",
                "removed {}, which an executor that was killed had left behind",
                folder.display()
            ),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(_) => continue,
        }
        let _ = std::fs::remove_file(&lock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_living_stay_and_those_of_the_dead_go() {
        let parent = tempfile::tempdir().unwrap();
        let living = WorkFolder::create(Some(parent.path()), "marsad-1").unwrap();
        std::fs::write(living.path().join("rows"), b"1").unwrap();
        let dead = parent.path().join("marsad-2");
        std::fs::create_dir(&dead).unwrap();
        std::fs::write(parent.path().join("marsad-2.lock"), b"").unwrap();
        std::fs::write(parent.path().join("other.lock"), b"").unwrap();
        let next = WorkFolder::create(Some(parent.path()), "marsad-3").unwrap();
        assert!(living.path().join("rows").exists());
        assert!(!dead.exists());
        drop((living, next));
        let left: Vec<_> = std::fs::read_dir(parent.path())
            .unwrap()
            .flatten()
            .collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}
