//! The assistant's commands, called by pages: every name of the list goes to [`Assistant::call`], all in the same way.

use std::sync::Arc;

use serde_json::Value;
use tauri::{
    Manager as _, Wry,
    ipc::{Invoke, InvokeBody},
};
use ycd_assistant::{Assistant, commands};

use crate::shell;

/// Whoever calls has been let in by the capabilities of the window.
pub fn handler() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    let of_the_window = shell::handler();
    move |invoke| {
        if commands::NAMES.contains(&invoke.message.command()) {
            call(invoke);
            true
        } else {
            of_the_window(invoke)
        }
    }
}

/// PINs and codes stand in the arguments: nothing of them is printed here or noted.
fn call(invoke: Invoke<Wry>) {
    let Invoke { message, resolver, .. } = invoke;
    let assistant = Arc::clone(&message.webview_ref().state::<Arc<Assistant>>());
    let name = message.command().to_owned();
    let arguments = match message.payload() {
        InvokeBody::Json(arguments) => arguments.clone(),
        InvokeBody::Raw(_) => Value::Null,
    };
    tracing::debug!(name, "called");
    tauri::async_runtime::spawn_blocking(move || match assistant.call(&name, arguments) {
        Ok(value) => resolver.resolve(value),
        Err(failure) => resolver.reject(failure),
    });
}
