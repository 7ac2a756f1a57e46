//! The real window, steerable by whoever starts it: for measurements of a release build, whose own program refuses.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ycd_app::run(ycd_app::RemoteControl::Allowed)
}
