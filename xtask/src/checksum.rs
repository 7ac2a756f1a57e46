//! SHA-256 of files (FIPS 180-4), as `sha256sum` writes them.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::files;

/// Of a file, in hexadecimal.
pub fn sha256(path: &Path) -> Result<String, String> {
    Ok(Sha256::digest(files::read(path)?).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What the sums of a folder are kept in.
const LIST: &str = "SHA256SUMS";

/// Writes `SHA256SUMS`, for `sha256sum --check`.
pub fn write_list(folder: &Path) -> Result<(), String> {
    files::write(&folder.join(LIST), lines(folder)?)
}

/// A line for every file directly in the folder but the list itself.
fn lines(folder: &Path) -> Result<String, String> {
    let mut paths = files::entries(folder)?;
    paths.retain(|path| path.is_file() && !path.ends_with(LIST));
    let line = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(format!("{}  {name}\n", sha256(path)?))
    };
    paths.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_every_file_but_itself_with_the_standards_sum() {
        let folder = tempfile::tempdir().unwrap();
        files::write(&folder.path().join("abc"), "abc").unwrap();
        let wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  abc\n";
        for _again in 0..2 {
            write_list(folder.path()).unwrap();
            assert_eq!(files::read_text(&folder.path().join(LIST)).unwrap(), wanted);
        }
    }
}
