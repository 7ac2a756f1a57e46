//! One program for each data folder, even where there is no session bus to find the other one on.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::Path,
};

const FILE: &str = "window.lock";

/// The lock, held for as long as the file is; `None` where another process holds it.
///
/// # Errors
/// The data folder cannot be used.
pub fn lock(folder: &Path) -> io::Result<Option<File>> {
    fs::create_dir_all(folder)?;
    let file = File::options().create(true).truncate(false).write(true).open(folder.join(FILE))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_holder_and_the_next_one_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("new");
        let first = lock(&folder).unwrap();
        assert!(first.is_some());
        assert!(lock(&folder).unwrap().is_none());
        drop(first);
        assert!(lock(&folder).unwrap().is_some());
    }
}
