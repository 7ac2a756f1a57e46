//! The real `ycd`, in a folder of its own.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A data folder, a folder of software tokens, and the program.
pub struct Desk {
    pub folder: TempDir,
}

/// What a run of the program brought.
#[derive(Debug)]
pub struct Printed {
    pub exit: i32,
    pub out: String,
    pub err: String,
}

impl Printed {
    /// Of a program, with lines on standard input.
    pub fn of(mut command: Command, input: &str) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        // A program that ends without reading closes the pipe, which is its right.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Self {
            exit: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The last line as JSON: the result.
    pub fn json(&self) -> Value {
        let last = self.out.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn error_code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_else(|| panic!("no error: {self:?}")).to_owned()
    }

    /// The result, where the program ended well.
    pub fn ok(self) -> Value {
        assert_eq!(self.exit, 0, "{self:?}");
        self.json()
    }
}

impl Desk {
    pub fn new() -> Self {
        expect_what_runs_beside();
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ycd"));
        command
            .args(args)
            .env_remove("YCD_LANG")
            .env_remove("YCD_PORTAL")
            .env_remove("YCD_DRIVERS_DIR")
            .env("YCD_DATA_DIR", self.path("home"))
            .env("YCD_SOFTKEY_DIR", self.path("tokens"));
        command
    }

    pub fn run(&self, args: &[&str]) -> Printed {
        self.run_with(args, "")
    }

    /// With lines on standard input.
    pub fn run_with(&self, args: &[&str], input: &str) -> Printed {
        Printed::of(self.command(args), input)
    }

    /// With `--json`.
    pub fn json(&self, args: &[&str]) -> Printed {
        self.run(&[args, &["--json"]].concat())
    }

    pub fn json_with(&self, args: &[&str], input: &str) -> Printed {
        self.run_with(&[args, &["--json"]].concat(), input)
    }
}

/// A portal that runs until it is dropped.
pub struct RunningPortal {
    child: Child,
    pub url: String,
}

impl RunningPortal {
    pub fn start(setup: &Desk, data: &Path, clock_shift: i64) -> Self {
        let shift = clock_shift.to_string();
        let data = data.to_str().unwrap();
        let args =
            ["portal", "serve", "--data", data, "--listen", "127.0.0.1:0", "--clock-shift", &shift, "--json"];
        let mut child = setup.command(&args).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let value: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let url = value["listening"].as_str().unwrap_or_else(|| panic!("{value}")).to_owned();
        Self { child, url }
    }
}

impl Drop for RunningPortal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The driver host and the software token's module are programs of other packages, and lie beside `ycd`.
fn expect_what_runs_beside() {
    let folder = Path::new(env!("CARGO_BIN_EXE_ycd")).parent().unwrap();
    let host = format!("ycd-host{}", std::env::consts::EXE_SUFFIX);
    let module = format!("{}ycd_softkey{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    for name in [host, module] {
        let is_there = folder.join(&name).exists();
        assert!(is_there, "{name} is not built: cargo build -p ycd-token-host -p ycd-softkey");
    }
}
