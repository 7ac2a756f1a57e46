#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]
#![forbid(unsafe_code)]
//! `ycd-app [--hidden]`: the assistant's window. With `--hidden` it waits in the tray and starts no web view.

use std::process::ExitCode;

fn main() -> ExitCode {
    ycd_app::run(ycd_app::RemoteControl::in_this_build())
}
