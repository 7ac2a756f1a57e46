//! Whether the icon in the tray is shown by anybody.

use tauri::AppHandle;

/// Of the icon.
pub const ID: &str = "main";

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
