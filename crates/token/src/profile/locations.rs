//! Where modules may lie: placeholders, and the rule that nothing outside is loaded.

use std::path::{Path, PathBuf};

use super::placeholders::{resolve, without_verbatim_prefix};
use super::{ModulePlaces, Os, Profile, registry};
use crate::TokenError;

const PLACEHOLDERS: [&str; 5] = ["exe_dir", "build_dir", "system32", "program_files", "program_data"];

/// Whether a directory of a profile is absolute on its system, and without `..`.
pub(super) fn check_directory(os: Os, directory: &str) -> Result<(), String> {
    if directory.split(['/', '\\']).any(|part| part == "..") {
        return Err("takes no `..`".into());
    }
    if let Some(rest) = directory.strip_prefix('{') {
        let Some((name, rest)) = rest.split_once('}') else { return Err("has no closing brace".into()) };
        if !PLACEHOLDERS.contains(&name) {
            return Err(format!("knows no {{{name}}}, only {{{}}}", PLACEHOLDERS.join("}, {")));
        }
        if !(rest.is_empty() || rest.starts_with(['/', '\\'])) {
            return Err("has something directly behind the placeholder".into());
        }
        return Ok(());
    }
    let bytes = directory.as_bytes();
    let absolute = match os {
        Os::Windows => {
            bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && bytes[2] == b'\\'
        }
        Os::Linux | Os::Macos => directory.starts_with('/'),
    };
    if absolute { Ok(()) } else { Err("is neither absolute nor begins with a placeholder".into()) }
}

pub(super) fn of_this_system(profile: &Profile) -> impl Iterator<Item = &ModulePlaces> {
    let os = if cfg!(windows) {
        Os::Windows
    } else if cfg!(target_os = "macos") {
        Os::Macos
    } else {
        Os::Linux
    };
    profile.modules.iter().filter(move |locations| locations.os == os)
}

/// The folders of an entry, those left out whose placeholder has no meaning here.
pub(super) fn folders(locations: &ModulePlaces) -> Vec<PathBuf> {
    let named = locations.directories.iter().filter_map(|directory| resolve(directory, locations.bits));
    named.chain(registry::folders(locations)).collect()
}

/// The file behind `path` with all links followed, if it lies in a folder that the profile allows for modules of
/// `bits`.
///
/// # Errors
/// [`TokenError::ModuleMissing`], [`TokenError::ModuleNotAllowed`].
pub(super) fn allowed(profile: &Profile, path: &Path, bits: u8) -> Result<PathBuf, TokenError> {
    let text = || path.display().to_string();
    if !path.is_absolute() {
        return Err(TokenError::ModuleNotAllowed { path: text() });
    }
    let real = path.canonicalize().map_err(|_| TokenError::ModuleMissing { path: text() })?;
    let inside = of_this_system(profile)
        .filter(|locations| locations.bits == bits)
        .flat_map(folders)
        .filter_map(|folder| folder.canonicalize().ok())
        .any(|folder| real.starts_with(folder));
    if inside {
        Ok(without_verbatim_prefix(real))
    } else {
        Err(TokenError::ModuleNotAllowed { path: text() })
    }
}
