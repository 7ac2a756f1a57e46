//! The few commands that only a window can do.

use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use serde::Deserialize;
use tauri::{
    AppHandle, Manager as _, State, WebviewWindow, Wry,
    ipc::{Channel, Invoke},
};
use tauri_plugin_dialog::DialogExt as _;
use ycd_assistant::{
    Assistant, AssistantError,
    data_dir::DataDirError,
    view::{Event, Failure},
};

use crate::window;

/// What the program remembers of its window.
#[derive(Default)]
pub struct Shell {
    /// Whether the page that listened last still does.
    listens: Mutex<Arc<AtomicBool>>,
}

impl Shell {
    /// A page that listens is the only one: one before it was reloaded, or its window is closed.
    fn next_listener(&self) -> Arc<AtomicBool> {
        let next = Arc::new(AtomicBool::new(true));
        self.replace(Arc::clone(&next));
        next
    }

    fn replace(&self, next: Arc<AtomicBool>) {
        let mut listens = self.listens.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *listens, next).store(false, Ordering::Relaxed);
    }
}

/// Its page listens no more.
pub fn window_is_gone(app: &AppHandle) {
    app.state::<Shell>().replace(Arc::default());
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CloseAnswer {
    /// The window stays.
    Stay,
    /// The window goes, the work goes on.
    Background,
}

#[derive(Deserialize)]
struct FileToSave {
    name: String,
    text: String,
}

/// The commands below, in the form that Tauri wants them in.
pub fn handler() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![watch, save_text, close_answer, ui_ready]
}

/// Their names.
#[cfg(test)]
pub const NAMES: &[&str] = &["watch", "save_text", "close_answer", "ui_ready"];

/// All that happens from now on goes into the channel.
#[tauri::command]
fn watch(channel: Channel<Event>, assistant: State<'_, Arc<Assistant>>, shell: State<'_, Shell>) {
    let listens = shell.next_listener();
    assistant.listen(move |event| {
        if matches!(event, Event::Tokens { .. }) {
            tracing::debug!("keys are told");
        }
        listens.load(Ordering::Relaxed) && channel.send(event.clone()).is_ok()
    });
}

/// Saves a text where the person wants it; `false` where they want it nowhere.
#[tauri::command]
async fn save_text(
    file: FileToSave,
    window: WebviewWindow,
    assistant: State<'_, Arc<Assistant>>,
) -> Result<bool, Failure> {
    let dialog = window.dialog().file().set_parent(&window).set_file_name(without_folders(&file.name));
    let (chosen, choice) = tauri::async_runtime::channel(1);
    dialog.save_file(move |path| drop(chosen.blocking_send(path)));
    let mut choice = choice;
    let Some(path) = choice.recv().await.flatten().and_then(|path| path.into_path().ok()) else {
        return Ok(false);
    };
    let written = fs::write(&path, file.text);
    let failed =
        |source| AssistantError::from(DataDirError::File { path, source }).tell(assistant.language());
    written.map(|()| true).map_err(failed)
}

/// The person was asked whether the window goes while a token is written.
#[tauri::command]
fn close_answer(answer: CloseAnswer, window: WebviewWindow) {
    if let CloseAnswer::Background = answer {
        window::send_to_background(&window);
    }
}

/// The first page stands and was painted (`ready.js`).
#[tauri::command]
fn ui_ready() {
    tracing::info!("the page is ready");
}

fn without_folders(name: &str) -> &str {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    Path::new(last).file_name().and_then(|name| name.to_str()).unwrap_or("ycd.txt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_suggests_a_name_and_no_folder() {
        assert_eq!(without_folders("证书.pem"), "证书.pem");
        assert_eq!(without_folders("../../a.pem"), "a.pem");
        assert_eq!(without_folders(r"..\x\a.pem"), "a.pem");
        assert_eq!(without_folders("a/.."), "ycd.txt");
    }

    #[test]
    fn only_the_last_listener_listens() {
        let shell = Shell::default();
        let first = shell.next_listener();
        let second = shell.next_listener();
        assert!(!first.load(Ordering::Relaxed) && second.load(Ordering::Relaxed));
        shell.replace(Arc::default());
        assert!(!second.load(Ordering::Relaxed));
    }
}
