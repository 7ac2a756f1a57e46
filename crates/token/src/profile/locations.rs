//! Where modules may lie: placeholders, and the rule that nothing outside is loaded.

use std::path::{Path, PathBuf};

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

pub(super) fn resolve(directory: &str, bits: u8) -> Option<PathBuf> {
    let Some(rest) = directory.strip_prefix('{') else {
        return Some(PathBuf::from(directory)).filter(|path| path.is_absolute());
    };
    let (name, rest) = rest.split_once('}')?;
    let base = match name {
        "exe_dir" => exe_dir()?,
        // Cargo puts tests into `deps` and libraries beside it; an installed program does not lie in a `deps`.
        "build_dir" => exe_dir().filter(|dir| dir.ends_with("deps"))?.parent()?.to_owned(),
        "system32" => {
            let system =
                if bits == 32 && cfg!(target_pointer_width = "64") { "SysWOW64" } else { "System32" };
            from_environment("SystemRoot")?.join(system)
        }
        "program_files" if bits == 32 && cfg!(target_pointer_width = "64") => {
            from_environment("ProgramFiles(x86)")?
        }
        "program_files" => from_environment("ProgramFiles")?,
        "program_data" => from_environment("ProgramData")?,
        _ => return None,
    };
    Some(rest.split(['/', '\\']).filter(|part| !part.is_empty()).fold(base, |path, part| path.join(part)))
}

pub(crate) fn exe_dir() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?.canonicalize().ok()?;
    Some(without_verbatim_prefix(program).parent()?.to_owned())
}

fn from_environment(name: &str) -> Option<PathBuf> {
    if !cfg!(windows) {
        return None;
    }
    std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
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

/// Windows gives `\\?\C:\…`, which some modules cannot find their own files by.
pub(super) fn without_verbatim_prefix(path: PathBuf) -> PathBuf {
    if !cfg!(windows) {
        return path;
    }
    match path.to_str().and_then(plain) {
        Some(plain) => PathBuf::from(plain),
        None => path,
    }
}

/// `C:\…` for `\\?\C:\…`, `\\server\…` for `\\?\UNC\server\…`; nothing for others.
fn plain(verbatim: &str) -> Option<String> {
    let rest = verbatim.strip_prefix(r"\\?\")?;
    match rest.strip_prefix(r"UNC\") {
        Some(share) => Some(format!(r"\\{share}")),
        None => rest.get(1..3).is_some_and(|two| two == r":\").then(|| rest.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verbatim_path_is_written_as_people_write_it() {
        assert_eq!(plain(r"\\?\C:\某 厂商\x.dll").as_deref(), Some(r"C:\某 厂商\x.dll"));
        assert_eq!(plain(r"\\?\UNC\server\share\x.dll").as_deref(), Some(r"\\server\share\x.dll"));
        for other in [r"C:\x.dll", r"\\server\share", r"\\?\Volume{1}\x.dll", r"\\?\", "/usr/lib/x.so"] {
            assert_eq!(plain(other), None, "{other}");
        }
    }
}
