//! Folders that a vendor's installer wrote into the Windows registry.
//!
//! Only `HKEY_LOCAL_MACHINE`, which takes an administrator to write, and only folders under System32, SysWOW64 or
//! Program Files, for the same reason: nothing that a user without these rights can change names what is loaded. A
//! value that says anything else counts as absent.

use std::path::PathBuf;

use super::ModulePlaces;

const ROOT: &str = r"HKLM\";

/// Whether an entry is `HKLM\key…\value`.
pub(super) fn check(entry: &str) -> Result<(), String> {
    match split(entry) {
        Some(_) => Ok(()),
        None => Err(r"takes `HKLM\`, a key and the name of a value, with `\` between".into()),
    }
}

/// Key, below the root, and name of the value.
fn split(entry: &str) -> Option<(&str, &str)> {
    let (key, value) = entry.strip_prefix(ROOT)?.rsplit_once('\\')?;
    let whole = !value.is_empty() && key.split('\\').all(|part| !part.is_empty());
    whole.then_some((key, value))
}

/// The folder that a value names: its own text, or, where it names one of `files`, the folder that this one lies in.
/// `None` unless it is an absolute path of a drive, without `..`.
#[cfg_attr(not(windows), allow(dead_code, reason = "only Windows has a registry; tested everywhere"))]
fn folder<'a>(value: &'a str, files: &[String]) -> Option<&'a str> {
    let value = value.trim().trim_matches('"').trim_end_matches(['\\', '/']);
    let bytes = value.as_bytes();
    let absolute = bytes.len() > 3
        && bytes[0].is_ascii_alphabetic()
        && bytes[1] == b':'
        && matches!(bytes[2], b'\\' | b'/');
    let parts = || value.split(['\\', '/']);
    if !absolute || value.contains('\0') || parts().any(|part| part == "..") {
        return None;
    }
    let last = parts().next_back().unwrap_or_default();
    let names_file = files.iter().any(|file| file.eq_ignore_ascii_case(last));
    Some(if names_file { value[..value.len() - last.len()].trim_end_matches(['\\', '/']) } else { value })
}

#[cfg(not(windows))]
pub(super) fn folders(_places: &ModulePlaces) -> impl Iterator<Item = PathBuf> {
    std::iter::empty()
}

/// The folders of an entry's `registry`, links followed, those left out that are not where only administrators write.
#[cfg(windows)]
pub(super) fn folders(places: &ModulePlaces) -> impl Iterator<Item = PathBuf> {
    let trusted = || {
        let of_bits = |bits| {
            ["{system32}", "{program_files}"]
                .into_iter()
                .filter_map(move |directory| super::placeholders::resolve(directory, bits))
        };
        of_bits(32).chain(of_bits(64)).filter_map(|folder| folder.canonicalize().ok())
    };
    places.registry.iter().filter_map(move |entry| {
        let value = read(entry, places.bits)?;
        let folder = PathBuf::from(folder(&value, &places.files)?).canonicalize().ok()?;
        trusted()
            .any(|trusted| folder.starts_with(&trusted))
            .then(|| super::placeholders::without_verbatim_prefix(folder))
    })
}

/// A text of the registry as programs of `bits` see it; placeholders of the environment (`REG_EXPAND_SZ`) stay as they
/// are, and so make no absolute path.
#[cfg(windows)]
fn read(entry: &str, bits: u8) -> Option<String> {
    /// `KEY_WOW64_64KEY`, `KEY_WOW64_32KEY`.
    const VIEWS: [u32; 2] = [0x0100, 0x0200];
    let (key, value) = split(entry)?;
    let view = VIEWS[usize::from(bits == 32)];
    let key = windows_registry::LOCAL_MACHINE.options().read().access(view).open(key).ok()?;
    key.get_string(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_a_value_of_the_machines_own_registry() {
        assert_eq!(split(r"HKLM\SOFTWARE\Make\Path"), Some((r"SOFTWARE\Make", "Path")));
        for wrong in [
            r"HKCU\SOFTWARE\Make\Path",
            r"HKEY_LOCAL_MACHINE\SOFTWARE\Make\Path",
            r"HKLM\Path",
            r"HKLM\SOFTWARE\\Path",
            r"HKLM\SOFTWARE\Make\",
            r"HKLM\\Make\Path",
            "HKLM/SOFTWARE/Make/Path",
            "",
        ] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_value_names_a_folder_or_one_of_the_files_in_it() {
        let files = ["make.dll".to_owned()];
        for (value, means) in [
            (r"C:\Program Files\Make", r"C:\Program Files\Make"),
            (r"C:\Program Files\制造商\", r"C:\Program Files\制造商"),
            (r#""C:\Program Files\Make\Make.DLL""#, r"C:\Program Files\Make"),
            (r"C:\Program Files\Make\other.dll", r"C:\Program Files\Make\other.dll"),
        ] {
            assert_eq!(folder(value, &files), Some(means));
        }
    }

    #[test]
    fn a_value_that_is_no_absolute_path_counts_as_absent() {
        for value in [
            r"C:\Program Files\..\Users\x",
            r"Make\lib",
            "make.dll",
            r"\\server\share",
            r"\\?\C:\Make",
            r"C:Make",
            "C:\\",
            r"%ProgramFiles%\Make",
            "C:\\Make\0\\x",
            "",
        ] {
            assert_eq!(folder(value, &["make.dll".to_owned()]), None, "{value}");
        }
    }
}
