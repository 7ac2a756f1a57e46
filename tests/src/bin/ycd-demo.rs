//! `cargo xtask demo` runs this once everything is built.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use ycd_tests::demo::{Wishes, ended, tell};

fn main() -> ExitCode {
    ended(Wishes::from_args(std::env::args().skip(1)), tell)
}
