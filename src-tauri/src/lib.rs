#![forbid(unsafe_code)]
//! The window: what stands between the assistant and a desktop. It translates and decides nothing; what is shown and
//! done is in the crate `ycd-assistant` and in the pages.
//!
//! | module | what |
//! | --- | --- |
//! | `environment` | what the environment may say, and what it may not |
//! | `screen` | whether there is anything to draw on |
//! | `instance` | one program for each data folder |
//! | `ipc` | the assistant's commands, called by pages |
//! | `shell` | the few commands that only a window can do |
//! | `permitted` | the list of both, from which permissions come |
//! | `window` | created on demand, closed without losing work |
//! | `tray` | the icon, and whether anybody sees it |
//! | `autostart` | the start with the session |
//! | `reactions` | what happens in the assistant that the desktop should know |
//! | `awake` | no sleep while a token is written |
//! | `notify` | words beside the tray |

mod autostart;
mod awake;
mod environment;
mod instance;
mod ipc;
mod notify;
#[cfg(test)]
mod permitted;
mod reactions;
mod screen;
mod shell;
mod tray;
mod window;

use std::{process::ExitCode, sync::Arc};

use tauri::{App, AppHandle, Manager as _, RunEvent, WindowEvent};
use tauri_plugin_deep_link::DeepLinkExt as _;
use ycd_assistant::{Assistant, data_dir::DataDir, settings::LanguageSetting, words::word};

pub use environment::RemoteControl;

/// Started, but not able to go on.
const NOT_STARTED: u8 = 1;
/// There is nothing to draw on.
const NO_SCREEN: u8 = 3;
/// Another one works on this data folder, and could not be asked to show itself.
const RUNNING: u8 = 4;

/// Starts hidden: at the login of the user to the machine.
const HIDDEN: &str = "--hidden";

/// Asks the one that runs to end, and starts nothing: of an installer, before it exchanges files.
const QUIT: &str = "--quit";

/// Ends with its window: for a demonstration, which leaves nothing running.
const NO_TRAY: &str = "--no-tray";

/// The whole program, until it is quit.
pub fn run(remote_control: RemoteControl) -> ExitCode {
    if let Some(ended) = environment::start_again_without_controls(remote_control) {
        return ended;
    }
    ycd_assistant::process::begin_guarded();
    environment::start_log();
    let path_overrides = environment::path_overrides();
    let data_dir = DataDir::at(path_overrides.clone());
    let language = data_dir.settings().language;
    if !screen::is_there() {
        return says(&word("window.no_screen", language, &[]), NO_SCREEN);
    }
    let lock = match instance::lock(data_dir.folder()) {
        Ok(lock) => lock,
        Err(error) => return not_started(&error, language),
    };
    if is_given(QUIT) && lock.is_some() {
        return ExitCode::SUCCESS;
    }
    // Where another one runs, its window is shown and this process ends in here.
    let app = match build() {
        Ok(app) => app,
        Err(error) => return not_started(&error, language),
    };
    let Some(_lock) = lock else {
        return says(&word("window.running", language, &[]), RUNNING);
    };
    // First, so that its processes start while the assistant opens; nothing of it is heard before the loop below.
    if let Err(error) = open_window(&app) {
        return not_started(&error, language);
    }
    begin(&app, Arc::new(Assistant::open(path_overrides, None)));
    let code = app.run_return(|app, event| match event {
        // The last window was closed.
        RunEvent::ExitRequested { code: None, api, .. } if outlives_its_window(app) => {
            api.prevent_exit();
        }
        RunEvent::WindowEvent { event: WindowEvent::CloseRequested { api, .. }, .. } => {
            window::close_requested(app, &api);
        }
        RunEvent::WindowEvent { event: WindowEvent::Destroyed, .. } => shell::window_is_gone(app),
        _ => {}
    });
    ExitCode::from(u8::try_from(code).unwrap_or(NOT_STARTED))
}

fn build() -> tauri::Result<App> {
    let size_and_place = tauri_plugin_window_state::StateFlags::SIZE
        | tauri_plugin_window_state::StateFlags::POSITION
        | tauri_plugin_window_state::StateFlags::MAXIMIZED;
    tauri::Builder::default()
        // First: whoever is not the only one ends here.
        .plugin(tauri_plugin_single_instance::init(|app, arguments, _| {
            let has = |wanted| arguments.iter().any(|argument| argument == wanted);
            if has(QUIT) {
                window::quit(app);
            } else if !has(HIDDEN) {
                window::show(app);
            }
        }))
        .plugin(tauri_plugin_deep_link::init())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_window_state::Builder::new().with_state_flags(size_and_place).build())
        .invoke_handler(ipc::handler())
        .build(tauri::generate_context!())
}

fn open_window(app: &App) -> tauri::Result<()> {
    if !is_given(HIDDEN) {
        window::create(app.handle())?;
    }
    Ok(())
}

fn begin(app: &App, assistant: Arc<Assistant>) {
    app.manage(Arc::clone(&assistant));
    app.manage(shell::Shell::default());
    let handle = app.handle();
    // A link of ours says no more than that somebody wants the window.
    let linked = handle.clone();
    app.deep_link().on_open_url(move |_| window::show(&linked));
    if !is_given(NO_TRAY) {
        tray::put_up(handle, assistant.settings().language);
    }
    reactions::begin(handle, &assistant);
}

fn is_given(argument: &str) -> bool {
    std::env::args_os().any(|given| given == argument)
}

/// Whether the program goes on without a window: where it can be called up again, and while it works.
fn outlives_its_window(app: &AppHandle) -> bool {
    app.state::<Arc<Assistant>>().is_writing() || tray::is_seen(app)
}

fn not_started(error: &dyn std::error::Error, language: LanguageSetting) -> ExitCode {
    says(&word("window.not_started", language, &[("detail", error.to_string())]), NOT_STARTED)
}

/// There is no window to say it in.
#[expect(clippy::print_stderr, reason = "somebody started this from a terminal, or reads the session's log")]
fn says(sentence: &str, code: u8) -> ExitCode {
    eprintln!("{sentence}");
    ExitCode::from(code)
}
