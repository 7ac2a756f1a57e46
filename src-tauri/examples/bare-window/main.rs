//! A window with an empty page and nothing behind it: what the real one is measured beside.
#![forbid(unsafe_code)]
#![expect(clippy::print_stderr, reason = "whoever measures reads it there")]

use tauri::{Url, WebviewWindowBuilder, webview::NewWindowResponse};

/// In the words of the real window's log.
#[tauri::command]
fn ui_ready() {
    eprintln!("the page is ready");
}

fn main() -> tauri::Result<()> {
    tauri::Builder::default()
        .invoke_handler(tauri::generate_handler![ui_ready])
        .setup(|app| {
            let config = app.config().app.windows.first().cloned().unwrap_or_default();
            WebviewWindowBuilder::from_config(app, &config)?
                .initialization_script(include_str!("../../src/ready.js"))
                .on_navigation(|url: &Url| url.host_str().is_some_and(|host| host.ends_with("localhost")))
                .on_new_window(|_, _| NewWindowResponse::Deny)
                .build()?;
            Ok(())
        })
        .run(tauri::generate_context!("examples/bare-window/tauri.conf.json"))
}
