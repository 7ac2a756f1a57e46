//! Whether there is anything to draw on.

/// Asks before the window system's library does: that one would end the program without a word for people.
#[cfg(target_os = "linux")]
pub fn is_there() -> bool {
    gtk::init().is_ok()
}

/// A session without one starts no programs with a window.
#[cfg(not(target_os = "linux"))]
pub fn is_there() -> bool {
    true
}
