//! What the placeholders of directories stand for, and paths as modules take them.

use std::path::PathBuf;

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
