//! Everything for Windows on a Debian machine: type-checking, the installer, and what can be tried under Wine.

mod package;
mod sign;
mod toolchain;
mod trial;
mod wine;
mod winget;

use std::path::Path;

pub use self::{package::package, trial::run as test};

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

/// Whether all of it has been set up and built before: from nothing it takes longer than every other test together.
pub fn ready(root: &Path) -> Result<(), String> {
    let toolchain = Toolchain::of(root)?;
    let missing = "a run of its own, with its own toolchain";
    let built = package::is_built(&toolchain);
    if !(toolchain.is_complete(Target::X64) && toolchain.is_complete(Target::X86) && built) {
        return Err(missing.into());
    }
    wine::root(root, false).map(drop)
}
