//! What an authority's own packages bring along: its portal, its roots, settings. Machines are set up with it.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{files, process};

/// A folder with `config.toml` and `anchors/`, as `ycd portal use` makes them, and `settings.json`, if wished.
const VARIABLE: &str = "YCD_PROVISION";

/// Where settings are in the installation.
pub const SETTINGS: &str = "provision/settings.json";

/// Path in the installation, file: of the folder that the environment names, if it names one.
pub fn wished() -> Result<Vec<(String, PathBuf)>, String> {
    match env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        Some(folder) => files_of(Path::new(&folder)),
        None => {
            println!("{VARIABLE} is not set: machines learn their portal from its administrator");
            Ok(Vec::new())
        }
    }
}

/// Path in the installation, file.
pub fn files_of(folder: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let mut found = vec![("provision/config.toml".to_owned(), folder.join("config.toml"))];
    let settings = folder.join("settings.json");
    if settings.exists() {
        found.push((SETTINGS.to_owned(), settings));
    }
    for anchor in files::entries(&folder.join("anchors"))? {
        let name = anchor.file_name().unwrap_or_default().to_string_lossy().into_owned();
        found.push((format!("provision/anchors/{name}"), anchor));
    }
    Ok(found)
}

/// Such a folder of nobody's, in `work`, for trials: a portal's address, a root, settings.
pub fn example(root: &Path, work: &Path, settings: &str) -> Result<PathBuf, String> {
    let (portal, brought) = (work.join("some-portal"), work.join("brought"));
    files::make_empty(&portal)?;
    files::make_empty(&brought)?;
    let mut found = Command::new(process::target_folder(root)?.join("debug/ycd"));
    process::run_quietly(found.args(["portal", "init", "--data"]).arg(&portal))?;
    files::write(&brought.join("config.toml"), "portal = \"https://portal.example\"\n")?;
    files::write(&brought.join("settings.json"), settings)?;
    files::copy(&portal.join("authority/root.pem"), &brought.join("anchors/root.pem"))?;
    Ok(brought)
}
