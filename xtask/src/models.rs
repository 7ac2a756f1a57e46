//! `cargo xtask models`: the models of `docs/protocols/`. Each rule of a protocol that is taken away breaks what it is
//! for, and with all of them in force nothing breaks.

use std::{path::Path, process::Command, thread};

use crate::process;

const FOLDER: &str = "docs/protocols/models";
const MODELS: [&str; 2] = ["renewal_model.py", "unlock_model.py"];

pub fn run(root: &Path, extent: Extent) -> crate::Outcome {
    let outcomes: Vec<_> = thread::scope(|scope| {
        let started: Vec<_> = MODELS.map(|model| scope.spawn(move || check(root, model, extent))).into();
        started
            .into_iter()
            .map(|model| model.join().unwrap_or_else(|_| Err("a model panicked".into())))
            .collect()
    });
    outcomes.into_iter().try_fold(true, |all_hold, holds| Ok(holds? && all_hold))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Half a minute: few faults at a time.
    Short,
    /// All faults that a model knows. Takes half an hour.
    All,
}

fn check(root: &Path, model: &str, extent: Extent) -> crate::Outcome {
    let mut command = Command::new("python3");
    command.arg(root.join(FOLDER).join(model)).arg("--check");
    if extent == Extent::All {
        command.arg("--all");
    }
    process::run_and_keep(&mut command).map(|said| said.status.success())
}
