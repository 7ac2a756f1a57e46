//! `cargo xtask test linux` runs this once everything is built.
#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use ycd_tests::{
        deb::{Trial, run},
        demo::ended,
    };

    ended(Trial::from_args(std::env::args().skip(1)), run)
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    ycd_tests::demo::say("a Debian package is for Linux");
    std::process::ExitCode::from(2)
}
