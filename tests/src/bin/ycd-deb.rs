//! `cargo xtask test linux` runs this once everything is built.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use ycd_tests::demo::say;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use ycd_tests::deb::{Trial, run};

    let trial = match Trial::from_args(std::env::args().skip(1)) {
        Ok(trial) => trial,
        Err(error) => {
            say(&error);
            return ExitCode::from(2);
        }
    };
    match run(&trial) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("\n没有做成 Not done: {error}"));
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    say("a Debian package is for Linux");
    ExitCode::from(2)
}
