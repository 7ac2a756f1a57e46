//! Programs run as a user runs them, and what they said.

use std::{
    ffi::OsString,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use serde_json::Value;

use crate::world::program;

/// `ycd`, for one person with one machine and one folder of tokens.
#[derive(Debug, Clone)]
pub struct Ycd {
    data_dir: PathBuf,
    softkey_dir: PathBuf,
    /// What is run in the place of `ycd`.
    ycd: Option<PathBuf>,
    /// `PCSCLITE_CSOCK_NAME`, where the story has a smart card service of its own.
    service: Option<(OsString, OsString)>,
}

/// How a run of `ycd --json` ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    /// One JSON value a line; the last is the result.
    pub lines: Vec<Value>,
    /// What stands in for `ycd` may pass on 0 for another number, as Wine does where another thread of the process is
    /// the last to go. Then what it said counts as well.
    by_stand_in: bool,
}

impl Ycd {
    pub fn new(data_dir: &Path, softkey_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned(), softkey_dir: softkey_dir.to_owned(), ycd: None, service: None }
    }

    #[must_use]
    pub fn with_service(mut self, service: Option<(OsString, OsString)>) -> Self {
        self.service = service;
        self
    }

    #[must_use]
    pub fn with_ycd(mut self, ycd: Option<PathBuf>) -> Self {
        self.ycd = ycd;
        self
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.start(&self.ycd.clone().unwrap_or_else(|| program("ycd")));
        command.args(args).arg("--json");
        command
    }

    /// Another program on the same machine.
    pub fn program(&self, name: &str) -> Command {
        self.start(&program(name))
    }

    fn start(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("YCD_DATA_DIR", &self.data_dir).env("YCD_SOFTKEY_DIR", &self.softkey_dir);
        if let Some((name, value)) = &self.service {
            command.env(name, value);
        }
        command
    }

    /// Runs it with this on standard input.
    pub fn run(&self, args: &[&str], input: &str) -> Result<Ended, String> {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("ycd does not start: {e}"))?;
        if let Some(mut stdin) = child.stdin.take() {
            // It may end without reading: then its answer says why.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().map_err(|e| e.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Ok(Ended { status: output.status, lines, by_stand_in: self.ycd.is_some() })
    }

    /// Runs it; anything but success is an error with the code and sentence it gave.
    pub fn ok(&self, args: &[&str], input: &str) -> Result<Value, String> {
        let ended = self
            .run(args, input)?
            .succeeded()
            .map_err(|printed| format!("ycd {}: {printed}", args.join(" ")))?;
        ended.result().cloned().ok_or_else(|| format!("ycd {} said nothing", args.join(" ")))
    }

    /// Runs it and expects to be refused with this code; gives what it said.
    pub fn refused(&self, args: &[&str], input: &str, code: &str) -> Result<String, String> {
        let ended = self.run(args, input)?;
        let got = ended.result().and_then(|r| r["error"]["code"].as_str()).unwrap_or_default();
        if ended.is_success() || got != code {
            return Err(format!("{code} was expected, it said: {}", ended.refusal()));
        }
        Ok(ended.refusal())
    }

    /// Starts it, and gives it back once it has printed a line that is the one waited for.
    pub fn start_until(
        &self,
        args: &[&str],
        input: &str,
        is_it: impl Fn(&Value) -> bool,
    ) -> Result<(Child, Value), String> {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("ycd does not start: {e}"))?;
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(input.as_bytes());
        }
        let stdout = child.stdout.take().ok_or("no pipe")?;
        let mut printed = Vec::new();
        for line in BufReader::new(stdout).lines() {
            let line = line.map_err(|e| e.to_string())?;
            if let Ok(value) = serde_json::from_str::<Value>(&line)
                && is_it(&value)
            {
                return Ok((child, value));
            }
            printed.push(line);
        }
        drop(child.wait());
        Err(format!("ycd {} ended before it was waited for: {}", args.join(" "), printed.join("; ")))
    }
}

impl Ycd {
    /// Runs it and answers what it asks: `answer` is given each line it prints, and says what is typed then, or that
    /// the process is to be killed.
    pub fn talk(
        &self,
        args: &[&str],
        mut answer: impl FnMut(&Value) -> Result<Reply, String>,
    ) -> Result<Ended, String> {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("ycd does not start: {e}"))?;
        let mut stdin = child.stdin.take().ok_or("no pipe")?;
        let stdout = child.stdout.take().ok_or("no pipe")?;
        let mut lines = Vec::new();
        for line in BufReader::new(stdout).lines() {
            let line = line.map_err(|e| e.to_string())?;
            let Ok(value) = serde_json::from_str::<Value>(&line) else { continue };
            let reply = answer(&value);
            lines.push(value);
            match reply? {
                Reply::Nothing => {}
                // It may have ended: then its last line says why.
                Reply::Type(text) => drop(stdin.write_all(text.as_bytes())),
                Reply::Kill(after) => {
                    std::thread::sleep(after);
                    child.kill().map_err(|e| e.to_string())?;
                    break;
                }
            }
        }
        let status = child.wait().map_err(|e| e.to_string())?;
        Ok(Ended { status, lines, by_stand_in: self.ycd.is_some() })
    }
}

/// What is done about a line.
#[derive(Debug)]
pub enum Reply {
    Nothing,
    Type(String),
    /// After this long.
    Kill(std::time::Duration),
}

impl Ended {
    /// Itself, or what it refused with.
    pub fn succeeded(self) -> Result<Self, String> {
        if self.is_success() { Ok(self) } else { Err(self.refusal()) }
    }

    pub fn is_success(&self) -> bool {
        let says_error = || self.result().is_some_and(|result| result["error"].is_object());
        self.status.success() && !(self.by_stand_in && says_error())
    }

    pub fn result(&self) -> Option<&Value> {
        self.lines.last()
    }

    /// Code, sentence and remedy, as people see them.
    pub fn refusal(&self) -> String {
        let Some(error) = self.result().map(|r| &r["error"]) else { return "nothing".to_owned() };
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}\n[{}] {}", text("sentence"), text("remedy"), text("code"), self.status)
    }
}

/// Another program: what it printed, or why it did not do it.
pub fn other(program: &str, args: &[OsString], folder: &Path) -> Result<String, String> {
    let output = Command::new(program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("{program} does not start: {e}"))?;
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout).trim_end(),
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    if output.status.success() { Ok(text) } else { Err(format!("{}: {text}", output.status)) }
}
