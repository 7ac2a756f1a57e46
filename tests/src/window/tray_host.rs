//! The part of a desktop that shows icons, as far as a program can tell.

use zbus::blocking::{Connection, connection};

/// On the bus until it is dropped.
pub struct TrayHost {
    connection: Connection,
}

const NAME: &str = "org.kde.StatusNotifierWatcher";

struct Watcher;

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    fn register_status_notifier_item(&self, _service: &str) {}
}

impl TrayHost {
    pub(super) fn on(bus_address: &str) -> Self {
        let builder = connection::Builder::address(bus_address).unwrap();
        let builder = builder.name(NAME).unwrap();
        let builder = builder.serve_at("/StatusNotifierWatcher", Watcher).unwrap();
        Self { connection: builder.build().unwrap() }
    }
}

impl Drop for TrayHost {
    fn drop(&mut self) {
        // The bus may have ended before.
        let _ = self.connection.release_name(NAME);
    }
}
