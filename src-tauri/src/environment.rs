//! What the environment may say, and what it may not.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::PathBuf,
    process::{Command, ExitCode},
};

use tracing_subscriber::EnvFilter;
use ycd_assistant::data_dir::PathOverrides;

/// Whether other programs may steer the web view, as tests do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteControl {
    Refused,
    Allowed,
}

impl RemoteControl {
    /// What is shipped is a release build, and refuses. A debug build allows it, so that tests reach the real window.
    pub const fn in_this_build() -> Self {
        Self::in_build(cfg!(debug_assertions))
    }

    const fn in_build(for_developers: bool) -> Self {
        if for_developers { Self::Allowed } else { Self::Refused }
    }
}

/// Variables with which whoever starts a program could have its web view steered, or watched, from outside.
const CONTROLS: &[&str] = &[
    "TAURI_WEBVIEW_AUTOMATION",
    "WEBKIT_INSPECTOR_SERVER",
    "WEBKIT_INSPECTOR_HTTP_SERVER",
    "WEBVIEW2_ADDITIONAL_BROWSER_ARGUMENTS",
    "WEBVIEW2_PIPE_FOR_SCRIPT_DEBUGGER",
    "WEBVIEW2_WAIT_FOR_SCRIPT_DEBUGGER",
];

/// Where controls are refused and one is set: starts this program again without them, and gives what it ended with.
/// A process cannot change its own environment safely once it has threads, and libraries have read it by then.
pub fn start_again_without_controls(remote_control: RemoteControl) -> Option<ExitCode> {
    let to_drop = to_drop(remote_control, env::vars_os().map(|(name, _)| name));
    if to_drop.is_empty() {
        return None;
    }
    // Where it cannot be started again it does not start at all.
    let Ok(program) = env::current_exe() else { return Some(ExitCode::FAILURE) };
    let mut again = Command::new(program);
    again.args(env::args_os().skip(1));
    for name in to_drop {
        again.env_remove(name);
    }
    Some(replace_by(again))
}

fn to_drop(remote_control: RemoteControl, set: impl Iterator<Item = OsString>) -> Vec<OsString> {
    if remote_control == RemoteControl::Allowed {
        return Vec::new();
    }
    // Windows does not tell capitals from small letters in names.
    set.filter(|name| CONTROLS.iter().any(|control| name.eq_ignore_ascii_case(control))).collect()
}

#[cfg(unix)]
fn replace_by(mut again: Command) -> ExitCode {
    let _returns_only_on_failure = std::os::unix::process::CommandExt::exec(&mut again);
    ExitCode::FAILURE
}

#[cfg(not(unix))]
fn replace_by(mut again: Command) -> ExitCode {
    let code = again.status().ok().and_then(|status| status.code());
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// As the command line takes them.
pub fn path_overrides() -> PathOverrides {
    let path = |name: &str| value(name).map(PathBuf::from);
    PathOverrides {
        data_dir: path("YCD_DATA_DIR"),
        portal: value("YCD_PORTAL").and_then(|url| url.into_string().ok()),
        drivers: path("YCD_DRIVERS_DIR"),
        softkey_dir: path("YCD_SOFTKEY_DIR"),
        provision: None,
    }
}

/// A log for developers, where one was asked for, as with the command line. No arguments of commands stand in it.
pub fn start_log() {
    if value("YCD_LOG").is_some() {
        let to_stderr = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false);
        to_stderr.with_env_filter(EnvFilter::from_env("YCD_LOG")).init();
    }
}

fn value(name: impl AsRef<OsStr>) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dropped(remote_control: RemoteControl) -> Vec<OsString> {
        let set = ["HOME", "TAURI_WEBVIEW_AUTOMATION", "webkit_inspector_server", "TAURI"];
        to_drop(remote_control, set.into_iter().map(OsString::from))
    }

    #[test]
    fn a_release_starts_without_the_variables_that_steer_a_web_view() {
        assert_eq!(RemoteControl::in_build(false), RemoteControl::Refused);
        assert_eq!(dropped(RemoteControl::Refused), ["TAURI_WEBVIEW_AUTOMATION", "webkit_inspector_server"]);
    }

    #[test]
    fn a_build_for_developers_keeps_them() {
        assert_eq!(RemoteControl::in_build(true), RemoteControl::Allowed);
        assert!(dropped(RemoteControl::Allowed).is_empty());
    }
}
