//! The icon in the tray. Not every desktop has one: then the program is called up by starting it again.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tauri::{
    AppHandle, Manager as _, Wry,
    menu::{Menu, MenuItem},
    tray::{MouseButton, MouseButtonState, TrayIconBuilder, TrayIconEvent},
};
use ycd_assistant::{settings::LanguageSetting, words::word};

use crate::window;

const ID: &str = "main";
const SHOW: &str = "show";
const QUIT: &str = "quit";

/// What speaks to people in it.
struct Words {
    show: MenuItem<Wry>,
    quit: MenuItem<Wry>,
}

/// Puts the icon up where that is possible; where it is not, that is noted and no failure.
pub fn put_up(app: &AppHandle, language: LanguageSetting) {
    // Where the indicator library is not installed, its binding panics.
    match catch_unwind(AssertUnwindSafe(|| build(app, language))) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "no icon in the tray"),
        Err(_) => tracing::warn!("no icon in the tray: the indicator library is not installed"),
    }
}

fn build(app: &AppHandle, language: LanguageSetting) -> tauri::Result<()> {
    let item = |id: &str| MenuItem::with_id(app, id, text(id, language), true, None::<&str>);
    let words = Words { show: item(SHOW)?, quit: item(QUIT)? };
    let menu = Menu::with_items(app, &[&words.show, &words.quit])?;
    let mut tray = TrayIconBuilder::with_id(ID)
        .tooltip(text("title", language))
        .menu(&menu)
        .show_menu_on_left_click(false)
        .on_menu_event(|app, event| match event.id.as_ref() {
            QUIT => window::quit(app),
            _ => window::show(app),
        })
        .on_tray_icon_event(|tray, event| {
            let is_click = matches!(
                event,
                TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. }
            );
            if is_click {
                window::show(tray.app_handle());
            }
        });
    if let Some(icon) = app.default_window_icon() {
        tray = tray.icon(icon.clone());
    }
    tray.build(app)?;
    app.manage(words);
    Ok(())
}

/// Its words in another language.
pub fn speak(app: &AppHandle, language: LanguageSetting) {
    let Some(words) = app.try_state::<Words>() else { return };
    let changed = words
        .show
        .set_text(text(SHOW, language))
        .and_then(|()| words.quit.set_text(text(QUIT, language)))
        .and_then(|()| {
            app.tray_by_id(ID).map_or(Ok(()), |tray| tray.set_tooltip(Some(text("title", language))))
        });
    if let Err(error) = changed {
        tracing::warn!(%error, "the tray keeps its old words");
    }
}

fn text(id: &str, language: LanguageSetting) -> String {
    word(&format!("window.{id}"), language, &[])
}

/// Whether somebody can call the window up there.
pub fn is_seen(app: &AppHandle) -> bool {
    app.tray_by_id(ID).is_some() && has_host()
}

/// An icon without a host is shown by nobody, and nobody tells. Asked each time: at the start of a session the host may
/// come after us.
#[cfg(target_os = "linux")]
fn has_host() -> bool {
    use gtk::{
        gio::{self, BusType, Cancellable, DBusCallFlags},
        glib::{ToVariant as _, VariantTy},
    };

    /// Milliseconds.
    const TIMEOUT: i32 = 500;
    let Ok(bus) = gio::bus_get_sync(BusType::Session, None::<&Cancellable>) else { return false };
    let answer = bus.call_sync(
        Some("org.freedesktop.DBus"),
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus",
        "NameHasOwner",
        Some(&("org.kde.StatusNotifierWatcher",).to_variant()),
        Some(VariantTy::new("(b)").unwrap_or(VariantTy::ANY)),
        DBusCallFlags::NONE,
        TIMEOUT,
        None::<&Cancellable>,
    );
    answer.ok().and_then(|answer| answer.get::<(bool,)>()).is_some_and(|(is_there,)| is_there)
}

#[cfg(not(target_os = "linux"))]
fn has_host() -> bool {
    true
}
