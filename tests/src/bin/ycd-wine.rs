//! `cargo xtask test windows` runs this once everything is built.
#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use ycd_tests::{
        demo::ended,
        wine::{Trial, run},
    };

    ended(Trial::from_args(std::env::args().skip(1)), run)
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    ycd_tests::demo::say("Wine is for Linux");
    std::process::ExitCode::from(2)
}
