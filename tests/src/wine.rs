//! The Windows programs, installed by their installer and run under Wine: what can be seen of Windows on a Debian
//! machine. `cargo xtask test windows` runs this; `docs/windows.md` says what it cannot show.

mod installing;
mod machine;
mod programs;
mod variants;

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::demo::{Teller, Wishes, say, tell};

pub use self::machine::Machine;

/// What is tried, and where.
#[derive(Debug, Clone, Default)]
pub struct Trial {
    /// A Debian with Wine.
    pub root: PathBuf,
    /// The installer that is shipped.
    pub setup: PathBuf,
    /// The files as they were packed.
    pub files: PathBuf,
    /// Other installers of these files, and programs that play somebody else's part.
    pub made: PathBuf,
    /// The software token's module.
    pub softkey: PathBuf,
    /// The same for 32-bit programs.
    pub softkey_32: PathBuf,
    /// What takes minutes is left out.
    pub short: bool,
}

impl Trial {
    /// # Errors
    /// What is wrong with the arguments.
    pub fn from_args(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut trial = Self::default();
        while let Some(arg) = args.next() {
            if arg == "--short" {
                trial.short = true;
                continue;
            }
            let path = PathBuf::from(args.next().ok_or(format!("{arg} wants a path"))?);
            match arg.as_str() {
                "--root" => trial.root = path,
                "--setup" => trial.setup = path,
                "--files" => trial.files = path,
                "--made" => trial.made = path,
                "--softkey" => trial.softkey = path,
                "--softkey-32" => trial.softkey_32 = path,
                _ => return Err(format!("unknown argument {arg}")),
            }
        }
        Ok(trial)
    }

    /// Under an older version's name.
    fn older(&self) -> PathBuf {
        self.made.join("older-setup.exe")
    }

    /// Under a newer version's name.
    fn newer(&self) -> PathBuf {
        self.made.join("newer-setup.exe")
    }

    /// With what lies in [`brought`](Self::brought).
    fn provisioned(&self) -> PathBuf {
        self.made.join("provisioned-setup.exe")
    }

    /// A portal, its root, settings.
    fn brought(&self) -> PathBuf {
        self.made.join("brought")
    }

    /// A 32-bit program, as NSIS makes it on Windows.
    fn x86(&self) -> PathBuf {
        self.made.join("x86-setup.exe")
    }

    /// With a stand-in for the bootstrapper of the window's runtime.
    fn bootstrapping(&self) -> PathBuf {
        self.made.join("bootstrapping-setup.exe")
    }

    /// Runs a command line without an administrator's rights.
    fn ordinary(&self) -> PathBuf {
        self.made.join("ordinary.exe")
    }

    /// A module that loads `vendor_core.dll` by its bare name.
    fn vendor(&self) -> PathBuf {
        self.made.join("vendor.dll")
    }

    /// The same with the installers where Wine sees them.
    fn seen_by(&self, machine: &Machine) -> Result<Self, String> {
        let copy = |from: &Path, to: &Path| {
            fs::copy(from, to).map(drop).map_err(|e| format!("{}: {e}", from.display()))
        };
        let (setup, made) =
            (machine.scratch().join("云采盾证书助手-setup.exe"), machine.scratch().join("made"));
        copy(&self.setup, &setup)?;
        fs::create_dir(&made).map_err(|e| e.to_string())?;
        for entry in fs::read_dir(&self.made).map_err(|e| format!("{}: {e}", self.made.display()))?.flatten()
        {
            if entry.path().is_file() {
                copy(&entry.path(), &made.join(entry.file_name()))?;
            }
        }
        let brought =
            self.brought().canonicalize().map_err(|e| format!("{}: {e}", self.brought().display()))?;
        std::os::unix::fs::symlink(brought, made.join("brought")).map_err(|e| e.to_string())?;
        Ok(Self { setup, made, ..self.clone() })
    }
}

/// Runs all; `Err` says how many went wrong.
///
/// # Errors
/// A step that did not end as it must, and what came of it.
pub fn run(trial: &Trial) -> Result<(), String> {
    let machine = Machine::new(&trial.root)?;
    let trial = &trial.seen_by(&machine)?;
    let mut teller = Teller::default();
    let outcome = installing::comes_and_is_whole(&machine, &mut teller, trial)
        .and_then(|()| programs::run(&machine, &mut teller, trial))
        .and_then(|()| story(&machine, &mut teller, "story", None))
        .and_then(|()| programs::renewed_ones_are_registered(&machine, &mut teller))
        .and_then(|()| {
            programs::thirty_two_bits(&machine, &mut teller, trial, |teller| {
                story(&machine, teller, "story-32", Some("no 32-bit client of PC/SC here"))
            })
        })
        .and_then(|()| installing::changes_and_goes(&machine, &mut teller, trial))
        .and_then(|()| variants::run(&machine, &mut teller, trial))
        .and_then(|()| installing::brings_along(&machine, &mut teller, trial));
    teller.table();
    outcome
}

/// The demonstration, its applicants' machines under Wine: portal, operator and tokens' folder stay on this side.
fn story(
    machine: &Machine,
    teller: &mut Teller,
    folder: &str,
    no_reader: Option<&str>,
) -> Result<(), String> {
    teller.part("演示的全过程，经办人用 Windows 程序 The demonstration, applicants on Windows programs");
    say("  （门户、管理员在 Linux 一侧 The portal and its operator stay on the Linux side）");
    teller.step("更新（拔出、杀掉）和解锁 Renewals, pulled and killed; an unlock, killed", || {
        let wishes = Wishes {
            keep: Some(machine.scratch().join(folder)),
            applicant: Some(machine.as_program("ycd.exe")?),
            no_reader: no_reader.map(str::to_owned),
            ..Wishes::default()
        };
        tell(&wishes)?;
        Ok(String::new())
    })
}
