//! Other programs: run, watched, timed.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    thread,
    time::Instant,
};

/// The cargo that started this program.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// Whether a program answers at all, whatever it says.
pub fn answers(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether this program may do anything to the machine.
pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Runs with the terminal as it is; fails with the command line where it does not succeed.
pub fn run(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{} ended with {status}", line(command))),
        Err(error) => Err(format!("{} could not be started: {error}", line(command))),
    }
}

/// Runs, and says what the program said only where it does not succeed.
pub fn run_quietly(command: &mut Command) -> Result<(), String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{} could not be started: {error}", line(command)))?;
    if output.status.success() {
        return Ok(());
    }
    let printed = [output.stdout, output.stderr].concat();
    Err(format!(
        "{} ended with {}\n{}",
        line(command),
        output.status,
        String::from_utf8_lossy(&printed).trim()
    ))
}

/// What a program said, and how it ended.
pub struct Printed {
    pub status: ExitStatus,
    pub lines: Vec<String>,
    pub seconds: f64,
}

/// Runs, passes on what it says as it says it, and keeps it.
pub fn run_and_keep(command: &mut Command) -> Result<Printed, String> {
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{} could not be started: {error}", line(command)))?;
    let errors = child.stderr.take().map(|pipe| thread::spawn(move || pass_on(pipe, io::stderr())));
    let mut lines = child.stdout.take().map(|pipe| pass_on(pipe, io::stdout())).unwrap_or_default();
    if let Some(Ok(more)) = errors.map(thread::JoinHandle::join) {
        lines.extend(more);
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    Ok(Printed { status, lines, seconds: begun.elapsed().as_secs_f64() })
}

fn pass_on(from: impl Read, mut to: impl Write) -> Vec<String> {
    let mut lines = Vec::new();
    for bytes in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&bytes).into_owned();
        // A closed terminal is no reason to stop counting.
        let _ = writeln!(to, "{line}");
        lines.push(line);
    }
    lines
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// What `cargo metadata` tells.
pub fn metadata(root: &Path, args: &[&str]) -> Result<serde_json::Value, String> {
    let output = cargo(root)
        .args(["metadata", "--format-version", "1"])
        .args(args)
        .output()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

/// Where cargo puts what it builds.
pub fn target_folder(root: &Path) -> Result<PathBuf, String> {
    metadata(root, &["--no-deps", "--offline"])?["target_directory"]
        .as_str()
        .map(PathBuf::from)
        .ok_or_else(|| "cargo metadata names no target_directory".into())
}
