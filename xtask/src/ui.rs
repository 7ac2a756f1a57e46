//! The pages: packages installed, built, checked, tested; the development server and the pictures.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

use crate::{process, setup};

/// What the pages are built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// The window: what is shipped.
    Window,
    /// A browser on the development server.
    Browser,
}

impl Carrier {
    fn script(self) -> &'static str {
        match self {
            Self::Window => "build",
            Self::Browser => "build:browser",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Window => "dist",
            Self::Browser => "dist-browser",
        }
    }
}

/// A script of `ui/package.json`.
pub fn script(root: &Path, name: &str) -> Command {
    let mut command = npm(root);
    command.args(["run", "--silent", name]);
    command
}

fn npm(root: &Path) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.current_dir(root.join("ui")).env("npm_config_update_notifier", "false");
    command
}

/// Installs the packages that the lock file names, where that was not done yet.
pub fn install(root: &Path) -> Result<(), String> {
    let lock = root.join("ui/package-lock.json");
    let stamp = root.join("ui/node_modules/.package-lock.json");
    if is_newer(&stamp, &lock) {
        return Ok(());
    }
    process::run(npm(root).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))
}

/// Builds the pages, unless they are newer than all that they are made from.
pub fn build(root: &Path, carrier: Carrier) -> Result<(), String> {
    install(root)?;
    let made = root.join("ui").join(carrier.folder()).join("index.html");
    let sources = ["ui/src", "ui/index.html", "ui/package-lock.json", "ui/vite.config.ts"];
    if sources.iter().all(|source| newest(&root.join(source)).is_some_and(|at| at <= written(&made))) {
        return Ok(());
    }
    process::run(&mut script(root, carrier.script()))
}

/// Writes the contract that the assistant's commands keep, and the types that come from it.
pub fn contract(root: &Path) -> crate::Outcome {
    install(root)?;
    let mut write = process::cargo(root);
    write.args(["test", "--quiet", "-p", "ycd-assistant", "--test", "contract", "--locked"]);
    process::run(write.env("YCD_WRITE_CONTRACT", "1"))?;
    process::run(&mut script(root, "contract"))?;
    Ok(true)
}

/// The real pages in a browser, on the real core, with a portal and tokens to play with. Ends with Ctrl-C.
pub fn dev(root: &Path) -> crate::Outcome {
    setup::ensure()?;
    build(root, Carrier::Browser)?;
    programs(root)?;
    let pages = root.join("ui").join(Carrier::Browser.folder());
    let stage = debug_folder(root)?.join("ycd-stage");
    // It ends with its standard input, which is the terminal's.
    process::run(Command::new(stage).arg("--pages").arg(pages).arg("--demo").stdin(Stdio::inherit()))?;
    Ok(true)
}

/// Every page in every state, as pictures, and one page that shows them.
pub fn shots(root: &Path) -> crate::Outcome {
    setup::ensure()?;
    build(root, Carrier::Browser)?;
    programs(root)?;
    let mut command = script(root, "shots");
    process::run(with_programs(root, &mut command)?)?;
    println!("{}", root.join("ui/shots/index.html").display());
    Ok(true)
}

/// What the pages' tests start.
fn programs(root: &Path) -> Result<(), String> {
    let mut build = process::cargo(root);
    build.args(["build", "--quiet", "--locked"]);
    build.args(["-p", "ycd-token-host", "-p", "ycd-softkey", "-p", "ycd-tests"]);
    process::run(&mut build)
}

/// Tells the tests of the pages where the programs lie.
pub fn with_programs<'a>(root: &Path, command: &'a mut Command) -> Result<&'a mut Command, String> {
    Ok(command.env("CARGO_TARGET_DIR", process::target_folder(root)?))
}

fn debug_folder(root: &Path) -> Result<PathBuf, String> {
    Ok(process::target_folder(root)?.join("debug"))
}

fn is_newer(file: &Path, than: &Path) -> bool {
    written(file) > SystemTime::UNIX_EPOCH && written(file) >= written(than)
}

fn written(file: &Path) -> SystemTime {
    fs::metadata(file).and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// When anything in a folder, or a file, was last written; `None` where there is nothing.
fn newest(path: &Path) -> Option<SystemTime> {
    let Ok(entries) = fs::read_dir(path) else { return path.is_file().then(|| written(path)) };
    entries.flatten().filter_map(|entry| newest(&entry.path())).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_file_of_a_folder_counts() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(newest(folder.path()), None);
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/b"), "").unwrap();
        assert_eq!(newest(folder.path()), Some(written(&folder.path().join("a/b"))));
        assert!(is_newer(&folder.path().join("a/b"), &folder.path().join("none")));
        assert!(!is_newer(&folder.path().join("none"), &folder.path().join("a/b")));
    }
}
