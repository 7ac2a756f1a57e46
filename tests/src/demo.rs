//! The demonstration: the main job, told step by step, with the product's own programs and nothing behind their backs.
//!
//! Everything is done by the command line `ycd` as a user would: the portal is a process, the assistant is a process
//! (and is killed as one), the tokens are the software USBKEY behind its PKCS#11 module. The story is [`story::tell`].

mod command;
mod report;
mod stage;
mod story;

use std::{path::PathBuf, process::ExitCode, time::Instant};

use serde::Serialize;

pub use story::tell;

/// What the person who started it asked for.
#[derive(Debug, Default)]
pub struct Wishes {
    pub json: Option<PathBuf>,
    pub keep: Option<PathBuf>,
    pub serve: bool,
    /// Ends with the window, opened on the story's data.
    pub window: bool,
    /// What stands in for `ycd` on the applicants' machines.
    pub applicant: Option<PathBuf>,
    /// Why the story has no card reader, where it has none.
    pub no_reader: Option<String>,
}

impl Wishes {
    /// # Errors
    /// What is wrong with the arguments.
    pub fn from_args(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut wishes = Self::default();
        while let Some(arg) = args.next() {
            let mut path = || args.next().map(PathBuf::from).ok_or(format!("{arg} wants a path"));
            match arg.as_str() {
                "--json" => wishes.json = Some(path()?),
                "--keep" => wishes.keep = Some(path()?),
                "--serve" => wishes.serve = true,
                "--window" => wishes.window = true,
                _ => return Err(format!("unknown argument {arg}")),
            }
        }
        Ok(wishes)
    }
}

/// A step that was told.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    pub name: String,
    pub ok: bool,
    pub ms: u128,
    /// What was seen.
    pub detail: String,
}

/// Tells steps as they happen, and keeps them for the summary.
#[derive(Debug, Default)]
pub struct Teller {
    pub steps: Vec<Step>,
}

impl Teller {
    pub fn part(&self, title: &str) {
        say(&format!("\n== {title}"));
    }

    /// Does a step and tells it. What went wrong is told, kept, and ends the story.
    pub fn step(&mut self, name: &str, act: impl FnOnce() -> Result<String, String>) -> Result<(), String> {
        let start = Instant::now();
        let outcome = act();
        let ms = start.elapsed().as_millis();
        let (ok, detail) = match &outcome {
            Ok(detail) => (true, detail.clone()),
            Err(detail) => (false, detail.clone()),
        };
        say(&format!("  {} {name}  ({ms} ms)", if ok { "✓" } else { "✗" }));
        for line in detail.lines() {
            say(&format!("      {line}"));
        }
        self.steps.push(Step { name: name.to_owned(), ok, ms, detail });
        outcome.map(drop).map_err(|detail| format!("{name}: {detail}"))
    }

    /// As [`step`](Self::step), for a step that makes something.
    pub fn made<T>(
        &mut self,
        name: &str,
        act: impl FnOnce() -> Result<(String, T), String>,
    ) -> Result<T, String> {
        let mut made = None;
        self.step(name, || {
            let (printed, thing) = act()?;
            made = Some(thing);
            Ok(printed)
        })?;
        made.ok_or_else(|| format!("{name}: nothing was made"))
    }

    pub fn table(&self) {
        say("\n== 小结 Summary");
        for step in &self.steps {
            say(&format!("  {} {:>7} ms  {}", if step.ok { "✓" } else { "✗" }, step.ms, step.name));
        }
        let total: u128 = self.steps.iter().map(|step| step.ms).sum();
        let failed = self.steps.iter().filter(|step| !step.ok).count();
        say(&format!("  {} steps, {failed} failed, {total} ms", self.steps.len()));
    }
}

/// A whole program: its arguments, what it does, and how it ended.
pub fn ended<W>(wishes: Result<W, String>, act: impl FnOnce(&W) -> Result<(), String>) -> ExitCode {
    let wishes = match wishes {
        Ok(wishes) => wishes,
        Err(error) => {
            say(&error);
            return ExitCode::from(2);
        }
    };
    match act(&wishes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("\n没有做成 Not done: {error}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the demonstration speaks to whoever started it")]
pub fn say(line: &str) {
    println!("{line}");
}
