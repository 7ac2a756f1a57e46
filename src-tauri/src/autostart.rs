//! The start with the session. The system's own list is the truth: an installer or the system's settings may have
//! changed it, and then the setting follows. Changed in the window, the list follows the setting.

use std::{env, sync::Arc, thread};

use auto_launch::{AutoLaunch, AutoLaunchBuilder, WindowsEnableMode};
use tauri::{AppHandle, Manager as _};
use ycd_assistant::Assistant;

use crate::HIDDEN;

/// Once, when the program starts. What it came with wishes for is carried out now.
pub fn take_over(app: &AppHandle) {
    beside(app, |list, assistant| {
        let listed = list.is_enabled().map_err(|error| error.to_string())?;
        let wanted = assistant.take_over_autostart(listed).map_err(|error| error.to_string())?;
        put(list, wanted)
    });
}

/// The setting was changed. Where an administrator has listed the program for everybody it stays on, and is shown so.
pub fn follow(app: &AppHandle, wanted: bool) {
    beside(app, move |list, assistant| {
        let done = put(list, wanted);
        let listed = list.is_enabled().map_err(|error| error.to_string())?;
        assistant.take_over_autostart(listed).map_err(|error| error.to_string())?;
        done
    });
}

/// Nobody waits for it.
fn beside(app: &AppHandle, act: impl FnOnce(&AutoLaunch, &Assistant) -> Result<(), String> + Send + 'static) {
    let name = app.package_info().name.clone();
    let assistant = Arc::clone(&app.state::<Arc<Assistant>>());
    thread::spawn(move || {
        if let Err(error) = list(&name).and_then(|list| act(&list, &assistant)) {
            tracing::warn!(error, "the start with the session cannot be changed");
        }
    });
}

fn put(list: &AutoLaunch, wanted: bool) -> Result<(), String> {
    let changed = list.is_enabled().and_then(|listed| match (listed, wanted) {
        (false, true) => list.enable(),
        (true, false) => list.disable(),
        _ => Ok(()),
    });
    changed.map_err(|error| error.to_string())
}

/// The user's own list. The path is quoted, as both Windows and desktop entries (Desktop Entry Specification, "The Exec
/// key") want one with a blank to be.
fn list(name: &str) -> Result<AutoLaunch, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    AutoLaunchBuilder::new()
        .set_app_name(name)
        .set_app_path(&format!("\"{}\"", program.display()))
        .set_windows_enable_mode(WindowsEnableMode::CurrentUser)
        .set_args(&[HIDDEN])
        .build()
        .map_err(|error| error.to_string())
}
