//! Everything for Windows on a Debian machine: type-checking, the installer, and what can be tried under Wine.

mod package;
mod sign;
mod toolchain;
mod wine;
mod winget;

use std::path::{Path, PathBuf};

pub use self::package::package;

use self::toolchain::{Target, Toolchain};
use crate::process;

/// `cargo xtask check windows`: sets the toolchain up where it is not there yet, and checks every crate with its tests.
pub fn check(root: &Path) -> crate::Outcome {
    let mut command = process::cargo(root);
    command.args(["check", "--workspace", "--all-targets", "--locked"]);
    if cfg!(windows) {
        return process::run(&mut command).map(|()| true);
    }
    let toolchain = Toolchain::of(root)?;
    toolchain.set_up(Target::X64)?;
    let triple = Target::X64.triple();
    println!("Type-checking every crate for {triple} …");
    command.args(["--target", triple]);
    toolchain.put_in_force(&mut command, Target::X64);
    process::run(&mut command)?;
    println!("check windows: everything type-checks for {triple}");
    Ok(true)
}

/// `cargo xtask test windows`: the installer and what it installs, under Wine.
pub fn test(root: &Path, flags: &[&str]) -> crate::Outcome {
    let wine = wine::root(root, true)?;
    let package = package(root)?;
    let beside = |version: &str| -> Result<PathBuf, String> {
        let setup = package.stage.folder().join(format!("{version}-setup.exe"));
        package::installer_of(root, &package.stage, version, &setup)?;
        Ok(setup)
    };
    let (older, newer) = (beside("0.0.9")?, beside("9.9.9")?);
    let mut build = process::cargo(root);
    build.args([
        "build",
        "--quiet",
        "--locked",
        "-p",
        "ycd-cli",
        "-p",
        "ycd-token-host",
        "-p",
        "ycd-softkey",
    ]);
    process::run(build.args(["-p", "ycd-tests"]))?;
    let brought = bring(root, package.stage.folder())?;
    let provisioned = package.stage.folder().join("provisioned-setup.exe");
    package::installer_of(root, &package.stage.provisioned(&brought)?, package::VERSION, &provisioned)?;
    let mut trial = std::process::Command::new(process::target_folder(root)?.join("debug/ycd-wine"));
    trial.args(flags).arg("--root").arg(wine).arg("--setup").arg(&package.setup);
    trial.arg("--older").arg(older).arg("--newer").arg(newer);
    trial.arg("--provisioned").arg(provisioned).arg("--brought").arg(brought);
    trial.arg("--files").arg(package.stage.files_folder()).arg("--softkey").arg(&package.softkey);
    trial.arg("--softkey-32").arg(&package.softkey_32);
    Ok(process::run(&mut trial).is_ok())
}

/// What an installer of some authority brings along: the address of a portal, a root, settings.
fn bring(root: &Path, work: &Path) -> Result<PathBuf, String> {
    let (portal, brought) = (work.join("some-portal"), work.join("brought"));
    for folder in [&portal, &brought] {
        toolchain::make_empty(folder)?;
    }
    let mut found = std::process::Command::new(process::target_folder(root)?.join("debug/ycd"));
    process::run_quietly(found.args(["portal", "init", "--data"]).arg(&portal))?;
    let put = |name: &str, bytes: &[u8]| {
        let path = brought.join(name);
        std::fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))
    };
    put("config.toml", b"portal = \"https://portal.example\"\n")?;
    put("settings.json", b"{ \"language\": \"en\", \"reminders\": false }\n")?;
    let anchor = portal.join("authority/root.pem");
    let anchor = std::fs::read(&anchor).map_err(|error| format!("{}: {error}", anchor.display()))?;
    std::fs::create_dir(brought.join("anchors")).map_err(|error| error.to_string())?;
    put("anchors/root.pem", &anchor)?;
    Ok(brought)
}

/// Whether all of it has been set up and built before: from nothing it takes longer than every other test together.
pub fn ready(root: &Path) -> Result<(), String> {
    let toolchain = Toolchain::of(root)?;
    let missing = "a run of its own, with its own toolchain";
    let built = package::is_built(&toolchain);
    if !(toolchain.is_whole(Target::X64) && toolchain.is_whole(Target::X86) && built) {
        return Err(missing.into());
    }
    wine::root(root, false).map(drop)
}
