//! A test that cannot run here is counted and says why, in every room whose tests need other people's programs.

#![forbid(unsafe_code)]

use std::{env, fs::File, io::Write as _};

/// Names the file in which `cargo xtask test` counts what could not run, a line each.
pub const SKIPS_VARIABLE: &str = "YCD_TEST_SKIPS";

/// Has a test counted as skipped, with the reason. Written past `eprintln!`, whose words `cargo test` keeps to itself
/// where a test passes.
///
/// # Panics
/// The file cannot be written: a skip that is not counted would be a silent one.
pub fn skip(test: &str, reason: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {test}, because {reason}");
    let Some(path) = env::var_os(SKIPS_VARIABLE) else { return };
    let line = format!("{test}: {}\n", reason.replace('\n', " "));
    let written = File::options()
        .create(true)
        .append(true)
        .open(path)
        .and_then(|mut file| file.write_all(line.as_bytes()));
    assert!(written.is_ok(), "{line}cannot be counted: {written:?}");
}
