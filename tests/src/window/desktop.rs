//! An X server, a session bus and a home folder, for one test.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use x11rb::{
    connection::Connection as _,
    protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, Window},
    rust_connection::RustConnection,
};
use ycd_assistant::data_dir::{DataDir, PathOverrides};

use super::{Process, TrayHost};
use crate::world::{World, program};

/// Longer than a start on a busy machine takes.
pub(super) const TIMEOUT: Duration = Duration::from_secs(40);

/// Dropping it ends its servers, and all that runs on it.
pub struct Desktop {
    pub folder: PathBuf,
    display: String,
    bus_address: String,
    softkeys: PathBuf,
    log: PathBuf,
    _screen: Server,
    _bus: Server,
}

/// A program that ends with this value, and with the test.
struct Server(Child);

/// The window's program, started by nobody's driver.
pub struct App(Child);

impl Desktop {
    /// In the world's folder, with the assistant's data folder set up for its portal.
    pub fn new(world: &World) -> Self {
        let desktop = Self::bare(&world.path().join("desktop"), &world.softkey_dir());
        std::fs::create_dir_all(world.softkey_dir()).unwrap();
        let data_dir =
            DataDir::at(PathOverrides { data_dir: Some(desktop.data_folder()), ..PathOverrides::default() });
        assert!(data_dir.use_portal(&world.proxy.url(), &world.anchors()).unwrap());
        desktop
    }

    /// Without a portal.
    pub fn bare(folder: &Path, softkeys: &Path) -> Self {
        for name in ["home", "run"] {
            std::fs::create_dir_all(folder.join(name)).unwrap();
        }
        let log = folder.join("app.log");
        File::create(&log).unwrap();
        let (screen, number) = Server::start(
            Command::new("setpriv")
                .args(["--pdeathsig", "KILL", "Xvfb", "-displayfd", "1", "-nolisten", "tcp", "-noreset"])
                .args(["-screen", "0", "1366x768x24"]),
        );
        let (bus, bus_address) = Server::start(Command::new("setpriv").args([
            "--pdeathsig",
            "KILL",
            "dbus-daemon",
            "--session",
            "--nofork",
            "--nopidfile",
            "--print-address=1",
        ]));
        Self {
            folder: folder.to_owned(),
            display: format!(":{number}"),
            bus_address,
            softkeys: softkeys.to_owned(),
            log,
            _screen: screen,
            _bus: bus,
        }
    }

    /// The user's.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// The assistant's.
    pub fn data_folder(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// All that has been said on standard output and error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    pub(super) fn log_file(&self) -> Stdio {
        File::options().append(true).open(&self.log).unwrap().into()
    }

    /// Runs on this desktop, and ends with the test.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program);
        let runtime = self.folder.join("run");
        for name in ["WAYLAND_DISPLAY", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "YCD_PORTAL"] {
            command.env_remove(name);
        }
        command
            .env("HOME", self.data_dir())
            .env("XDG_RUNTIME_DIR", &runtime)
            .env("DISPLAY", &self.display)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus_address)
            .env("GDK_BACKEND", "x11")
            .env("NO_AT_BRIDGE", "1")
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env("LANG", "C.UTF-8")
            .env("YCD_DATA_DIR", self.data_folder())
            .env("YCD_SOFTKEY_DIR", &self.softkeys)
            .env("YCD_LOG", "ycd_app=debug")
            .stdout(self.log_file())
            .stderr(self.log_file());
        command
    }

    /// Starts the window's program.
    pub fn start(&self, arguments: &[&str]) -> App {
        self.start_as(&program("ycd-app"), arguments)
    }

    /// Starts another program in its place.
    pub fn start_as(&self, program: &Path, arguments: &[&str]) -> App {
        App(self.command(program).args(arguments).spawn().unwrap())
    }

    /// Waits until the log has this many lines with these words.
    pub fn wait_for_log(&self, words: &str, times: usize) {
        wait(words, || (self.log().matches(words).count() >= times).then_some(()));
    }

    /// What tells the program that its icon is seen.
    pub fn tray_host(&self) -> TrayHost {
        TrayHost::on(&self.bus_address)
    }

    /// The user presses the window's ✕.
    pub fn close_window(&self) {
        let (connection, window) = wait("a window", || self.main_window());
        let atom = |name: &[u8]| connection.intern_atom(false, name).unwrap().reply().unwrap().atom;
        let data = [atom(b"WM_DELETE_WINDOW"), x11rb::CURRENT_TIME, 0, 0, 0];
        let message = ClientMessageEvent::new(32, window, atom(b"WM_PROTOCOLS"), data);
        connection.send_event(false, window, EventMask::NO_EVENT, message).unwrap();
        // The server has seen it once it has answered what came after.
        connection.get_input_focus().unwrap().reply().unwrap();
    }

    /// Whether a window is on the screen.
    pub fn has_window(&self) -> bool {
        self.main_window().is_some()
    }

    /// The largest window on the screen: those of the toolkit's own have one pixel.
    fn main_window(&self) -> Option<(RustConnection, Window)> {
        let (connection, screen) = RustConnection::connect(Some(&self.display)).ok()?;
        let root = connection.setup().roots[screen].root;
        let mut large = None;
        for window in connection.query_tree(root).ok()?.reply().ok()?.children {
            let Some(shape) = connection.get_geometry(window).ok().and_then(|asked| asked.reply().ok())
            else {
                continue;
            };
            let class = connection.get_property(false, window, AtomEnum::WM_CLASS, AtomEnum::STRING, 0, 64);
            let has_class = class.ok()?.reply().is_ok_and(|class| !class.value.is_empty());
            let is_mapped = connection
                .get_window_attributes(window)
                .ok()
                .and_then(|asked| asked.reply().ok())
                .is_some_and(|it| it.map_state == x11rb::protocol::xproto::MapState::VIEWABLE);
            if has_class && is_mapped && shape.width > 400 {
                large = Some(window);
            }
        }
        large.map(|window| (connection, window))
    }
}

impl Server {
    /// With the first line that it says.
    fn start(command: &mut Command) -> (Self, String) {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "{command:?} did not start");
        (Self(child), line.trim().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl App {
    pub fn process(&self) -> Process {
        Process(self.0.id())
    }

    /// How it ends by itself.
    pub fn ends(&mut self) -> ExitStatus {
        wait("the program's end", || self.0.try_wait().unwrap())
    }

    pub fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Looks again and again until there is something.
pub fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < TIMEOUT, "waited in vain for: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
