//! `cargo xtask demo` runs this once everything is built.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use ycd_tests::demo::{Wishes, say, tell};

fn main() -> ExitCode {
    let wishes = match Wishes::from_args(std::env::args().skip(1)) {
        Ok(wishes) => wishes,
        Err(error) => {
            say(&error);
            return ExitCode::from(2);
        }
    };
    match tell(&wishes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("\n没有做成 Not done: {error}"));
            ExitCode::FAILURE
        }
    }
}
