//! `cargo xtask test linux`: the .deb in a clean Debian 12. What is tried stands in `tests/src/deb`; here all is made
//! that it needs.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use super::package::{self, Package};
use crate::{debian::Debian, demo, files, process, provision};

/// Says where the clean Debian lies, instead of in cargo's target folder.
const ROOT_VARIABLE: &str = "YCD_DEBIAN_ROOT";

pub fn run(root: &Path) -> crate::Outcome {
    let target = process::target_folder(root)?;
    let folder = env::var_os(ROOT_VARIABLE).map_or_else(|| target.join("debian-12"), PathBuf::from);
    let debian = Debian {
        folder,
        suite: "bookworm",
        contents: "nothing besides",
        script: String::new(),
        told: "a clean Debian 12 (a minute, 250 MB)",
    };
    let debian = debian.ready()?;
    let package = package::package(root)?;
    demo::build_programs(root)?;
    let newer = newer(root, &target.join("deb-trial"), &package)?;
    let mut trial = Command::new(target.join("debug/ycd-deb"));
    trial.arg("--root").arg(debian).arg("--deb").arg(&package.deb).arg("--newer").arg(newer);
    Ok(process::run(&mut trial).is_ok())
}

/// The same files under a newer version's number, with what some authority brings along.
fn newer(root: &Path, work: &Path, package: &Package) -> Result<PathBuf, String> {
    files::make_empty(work)?;
    let tree = work.join("tree");
    process::run_quietly(Command::new("cp").arg("-a").arg(&package.tree).arg(&tree))?;
    let settings = "{ \"language\": \"en\", \"autostart\": true }\n";
    let brought = provision::example(root, work, settings)?;
    package::bring_along(&tree, provision::files_of(&brought)?)?;
    let deb = work.join("yuncaidun-assistant_9.9.9_amd64.deb");
    package::pack(root, &tree, "9.9.9", &deb)?;
    Ok(deb)
}
