//! Files and folders, with errors that name them.

use std::{
    fs,
    path::{Path, PathBuf},
};

pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

pub fn read_text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// With the folders above it.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), String> {
    make_parent(path)?;
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// With the folders above it.
pub fn copy(from: &Path, to: &Path) -> Result<(), String> {
    make_parent(to)?;
    fs::copy(from, to).map(drop).map_err(|error| format!("{}: {error}", from.display()))
}

pub fn make(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

/// Whatever was in it.
pub fn make_empty(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    make(folder)
}

/// Makes the folder where it is not there, and clears it of what `is_it` says so of, by name.
pub fn remove_where(folder: &Path, is_it: impl Fn(&str) -> bool) -> Result<(), String> {
    make(folder)?;
    for path in entries(folder)? {
        if is_it(&path.file_name().unwrap_or_default().to_string_lossy()) {
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}

/// What lies in a folder, by name.
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(|error| error.to_string()))
        .collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

/// Bytes of a file, or of all files in a folder.
pub fn size(path: &Path) -> Result<u64, String> {
    let own = path.symlink_metadata().map_err(|error| format!("{}: {error}", path.display()))?;
    if own.is_dir() { entries(path)?.iter().map(|path| size(path)).sum() } else { Ok(own.len()) }
}

fn make_parent(path: &Path) -> Result<(), String> {
    path.parent().map_or(Ok(()), make)
}
