//! Words beside the tray. A desktop that shows none loses nothing: all of it stands in the window too.

use std::{sync::Arc, thread};

use notify_rust::Notification;
use tauri::{AppHandle, Manager as _};
use ycd_assistant::{Assistant, words::word};

/// A word of the catalogue as a notification, in the language in use.
///
/// Tauri's own plugin has every page ask whether it may notify; the pages here never do.
pub fn say(app: &AppHandle, name: &str, values: &[(&'static str, String)]) {
    let language = app.state::<Arc<Assistant>>().settings().language;
    let mut notification = Notification::new();
    notification
        .appname(&word("window.title", language, &[]))
        .summary(&word("window.title", language, &[]))
        .body(&word(name, language, values))
        .icon("ycd-app");
    #[cfg(windows)]
    notification.app_id(&app.config().identifier);
    // The desktop's answer may take its time.
    thread::spawn(move || {
        if let Err(error) = notification.show() {
            tracing::info!(%error, "no notification");
        }
    });
}
