//! The real window on a desktop of its own: an X server, a session bus, a home folder, and somebody who looks at the
//! page and presses what is there.

mod desktop;
mod page;
mod processes;
mod tray_host;

pub use self::{
    desktop::{App, Desktop, wait},
    page::{Page, Steered},
    processes::{Process, listening, proportional_kib, switches_and_ticks},
    tray_host::TrayHost,
};

/// Programs that a desktop of its own needs, and Debian's packages of them.
const NEEDED: [(&str, &str); 4] = [
    ("Xvfb", "xvfb"),
    ("WebKitWebDriver", "webkit2gtk-driver"),
    ("dbus-daemon", "dbus"),
    ("setpriv", "util-linux"),
];

/// Whether the window can be tested here, or why not.
///
/// # Errors
/// The program that is missing, and where it comes from.
pub fn available() -> Result<(), String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    for (program, package) in NEEDED {
        if !std::env::split_paths(&path).any(|folder| folder.join(program).is_file()) {
            return Err(format!("{program} is missing (Debian's package {package})"));
        }
    }
    Ok(())
}
