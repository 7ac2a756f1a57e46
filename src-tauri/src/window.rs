//! The window: created on demand, so that nothing of the web is there while nobody looks; closed without losing work.

use std::sync::Arc;

use tauri::{
    AppHandle, CloseRequestApi, Emitter as _, Manager as _, Url, WebviewWindow, WebviewWindowBuilder,
    webview::NewWindowResponse,
};
use ycd_assistant::Assistant;

use crate::notify;

const LABEL: &str = "main";
/// The page is told that the window was to be closed while a token is written.
const CLOSE_ASKED: &str = "close-asked";

/// Brings the window to the front, wherever that is called from.
pub fn show(app: &AppHandle) {
    let handle = app.clone();
    let shown = app.run_on_main_thread(move || {
        let window = match handle.get_webview_window(LABEL) {
            Some(window) => Ok(window),
            None => create(&handle),
        };
        let brought = window.and_then(|window| {
            window.unminimize()?;
            window.show()?;
            window.set_focus()
        });
        if let Err(error) = brought {
            tracing::error!(%error, "the window cannot be shown");
        }
    });
    if let Err(error) = shown {
        tracing::error!(%error, "the window cannot be shown");
    }
}

/// From the configuration, and without a way out of the program's own pages.
pub fn create(app: &AppHandle) -> tauri::Result<WebviewWindow> {
    let config = app.config().app.windows.first().cloned().unwrap_or_default();
    let mut window = WebviewWindowBuilder::from_config(app, &config)?;
    if cfg!(debug_assertions) {
        window = window.initialization_script(include_str!("violations.js"));
    }
    let window = window
        .initialization_script(include_str!("ready.js"))
        .on_navigation(is_own)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    #[cfg(target_os = "linux")]
    window.with_webview(|view| draw_by_processor(&view.inner()))?;
    Ok(window)
}

/// Without layers drawn by OpenGL: they cost some seventy megabytes, and hardly anything moves here.
#[cfg(target_os = "linux")]
fn draw_by_processor(view: &webkit2gtk::WebView) {
    use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt as _, WebViewExt as _};

    if let Some(settings) = view.settings() {
        settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
    }
}

pub fn is_open(app: &AppHandle) -> bool {
    app.get_webview_window(LABEL).is_some()
}

/// The program's own pages, as Tauri names their place on each system.
fn is_own(url: &Url) -> bool {
    match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        "http" => cfg!(windows) && url.host_str() == Some("tauri.localhost") && url.port().is_none(),
        _ => false,
    }
}

/// While a token is written the page asks the person first.
pub fn close_requested(app: &AppHandle, api: &CloseRequestApi) {
    if app.state::<Arc<Assistant>>().is_writing() {
        api.prevent_close();
        if let Err(error) = app.emit_to(LABEL, CLOSE_ASKED, ()) {
            tracing::error!(%error, "the page cannot be asked");
        }
    }
}

/// The window goes, the work goes on.
pub fn send_to_background(window: &WebviewWindow) {
    if let Err(error) = window.destroy() {
        tracing::error!(%error, "the window cannot be closed");
    }
}

/// By the person's wish, unless a token is being written.
pub fn quit(app: &AppHandle) {
    let assistant = app.state::<Arc<Assistant>>();
    if assistant.is_writing() {
        notify::say(app, "window.writing", &[]);
        show(app);
    } else {
        app.exit(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_pages_are_shown() {
        let own = |url: &str| is_own(&url.parse().unwrap());
        assert!(own("tauri://localhost/"));
        assert!(own("tauri://localhost/index.html#/unlock"));
        assert_eq!(own("http://tauri.localhost/"), cfg!(windows));
        for other in [
            "https://example.com/",
            "http://localhost/",
            "http://tauri.localhost.example.com/",
            "http://tauri.localhost:8080/",
            "file:///etc/passwd",
            "data:text/html,x",
            "about:blank",
            "tauri://example.com/",
        ] {
            assert!(!own(other), "{other}");
        }
    }
}
