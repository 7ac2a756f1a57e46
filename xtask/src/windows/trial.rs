//! `cargo xtask test windows`: the installer and what it installs, under Wine. What is tried stands in
//! `tests/src/wine`; here all is made that it needs.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    package::{self, Made, Package, Stub, VERSION},
    toolchain::{Target, Toolchain},
    wine,
};
use crate::{demo, files, process, provision};

pub fn run(root: &Path, flags: &[&str]) -> crate::Outcome {
    let wine = wine::root(root, true)?;
    let package = package::package(root)?;
    demo::build_programs(root)?;
    let made = make(root, &package)?;
    let mut trial = Command::new(process::target_folder(root)?.join("debug/ycd-wine"));
    trial.args(flags).arg("--root").arg(wine).arg("--setup").arg(&package.setup);
    trial.arg("--files").arg(package.stage.files_folder()).arg("--made").arg(made);
    trial.arg("--softkey").arg(&package.softkey).arg("--softkey-32").arg(&package.softkey_32);
    Ok(process::run(&mut trial).is_ok())
}

/// Other installers of the same files, and programs that play somebody else's part.
fn make(root: &Path, package: &Package) -> Result<PathBuf, String> {
    let toolchain = Toolchain::of(root)?;
    let folder = package.stage.folder().join("made");
    files::make_empty(&folder)?;
    let sources = root.join("tests/wine");

    let bootstrapper = folder.join("bootstrapper.exe");
    let mut standing_in = toolchain.makensis();
    standing_in
        .args(["-V2", "-WX", "-INPUTCHARSET", "UTF8"])
        .arg(format!("-DOUT={}", bootstrapper.display()));
    process::run(standing_in.arg(sources.join("bootstrapper.nsi")))?;
    for (name, more) in [("ordinary.exe", "-Wall"), ("vendor.dll", "-shared")] {
        let source = sources.join(name).with_extension("c");
        let mut compile = Command::new(toolchain.gcc(Target::X64));
        process::run(compile.args(["-O1", "-s", more, "-o"]).arg(folder.join(name)).arg(source))?;
    }

    let settings = "{ \"language\": \"en\", \"reminders\": false }\n";
    let brought = provision::example(root, &folder, settings)?;
    let provisioned = package.stage.provisioned(&brought)?;
    for (name, stage, made) in [
        ("older-setup.exe", &package.stage, Made::quick("0.0.9")),
        ("newer-setup.exe", &package.stage, Made::quick("9.9.9")),
        ("provisioned-setup.exe", &provisioned, Made::quick(VERSION)),
        ("x86-setup.exe", &package.stage, Made { stub: Stub::X86, ..Made::quick(VERSION) }),
        (
            "bootstrapping-setup.exe",
            &package.stage,
            Made { bootstrapper: Some(bootstrapper.clone()), ..Made::quick(VERSION) },
        ),
    ] {
        package::installer_of(root, stage, &made, &folder.join(name))?;
    }
    Ok(folder)
}
