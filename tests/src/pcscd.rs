//! A PC/SC service of its own for a test: Debian's `pcscd` with virtual readers (`vsmartcard-vpcd`), beside whatever
//! the machine runs.
//!
//! pcscd insists on `/run/pcscd`, so it runs in a mount namespace in which that is a folder of the test's. Programs
//! reach it through `PCSCLITE_CSOCK_NAME`, which libpcsclite reads once in each process: a driver host is given it in
//! its environment ([`Pcscd::environment`]); a test that speaks PC/SC itself runs in a process of its own
//! ([`in_own_process`]).

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::inotify,
};
use tempfile::TempDir;
use ycd_test_skips::skip;

/// libpcsclite's own variable.
pub const SOCKET_VARIABLE: &str = "PCSCLITE_CSOCK_NAME";

/// In a process that [`in_own_process`] started: the folder in which its one service lies.
const FOLDER_VARIABLE: &str = "YCD_TEST_PCSCD";

const DRIVER: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";
/// What programs reach the service by. Service and client of different versions do not speak with each other.
pub const CLIENT: &str = "/usr/lib/x86_64-linux-gnu/libpcsclite.so.1";
/// Where pcscd has its socket, in every namespace.
const RUN: &str = "/run/pcscd";
/// What pcscd of Debian 12 can hold (`PCSCLITE_MAX_READERS_CONTEXTS`).
pub const MOST_READERS: usize = 16;

/// A running service. Dropping it ends the service and removes its folder; it also ends with the test's process.
pub struct Pcscd {
    folder: PathBuf,
    ports: Vec<u16>,
    /// Held for as long as the ports are ours.
    _locks: Vec<File>,
    service: Option<Service>,
    _owned: Option<TempDir>,
}

/// The shell around pcscd: it kills pcscd when its standard input is closed, so also when the test is killed.
struct Service {
    shell: Child,
    input: Option<ChildStdin>,
}

impl Pcscd {
    /// Whether a service can be started here, or why not.
    pub fn available() -> Result<(), String> {
        for (file, package) in [("/usr/sbin/pcscd", "pcscd"), (DRIVER, "vsmartcard-vpcd")] {
            if !Path::new(file).exists() {
                return Err(format!("{file} is missing (Debian's package {package})"));
            }
        }
        if !rustix::process::geteuid().is_root() {
            return Err("only root may start a pcscd of its own (mount namespace)".into());
        }
        let namespace = Command::new("unshare").args(["-m", "true"]).output();
        match namespace {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(format!("no mount namespace: {}", String::from_utf8_lossy(&output.stderr))),
            Err(error) => Err(format!("unshare: {error}")),
        }
    }

    /// With this many readers, rounded up to an even number: the driver gives two at a time. At most
    /// [`MOST_READERS`].
    pub fn start(readers: usize) -> Self {
        let mut pcscd = Self::prepared(readers);
        pcscd.restart();
        pcscd
    }

    /// Everything but the service itself, which [`restart`](Self::restart) starts.
    pub fn prepared(readers: usize) -> Self {
        let names: Vec<String> = (0..readers.div_ceil(2)).map(|at| format!("Test reader {at:02}")).collect();
        Self::named(&names)
    }

    /// One entry of `reader.conf`, so two readers, for each name. pcscd adds numbers to the names.
    pub fn named(names: &[impl AsRef<[u8]>]) -> Self {
        assert!(names.len() * 2 <= MOST_READERS, "pcscd holds {MOST_READERS} readers");
        let (folder, owned) = match env::var_os(FOLDER_VARIABLE) {
            Some(folder) => (PathBuf::from(folder), None),
            None => {
                let owned = tempfile::tempdir().unwrap();
                (owned.path().to_owned(), Some(owned))
            }
        };
        fs::create_dir_all(folder.join("run")).unwrap();
        fs::create_dir(folder.join("conf")).expect("one service for each process of in_own_process");
        let (mut ports, mut locks) = (Vec::new(), Vec::new());
        let mut conf = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let (port, lock) = free_port();
            // The driver keeps its two slots in static memory: each entry needs a library of its own.
            let driver = folder.join(format!("driver-{at:02}.so"));
            fs::copy(DRIVER, &driver).unwrap();
            conf.extend_from_slice(b"FRIENDLYNAME \"");
            conf.extend_from_slice(name.as_ref());
            let driver = driver.display();
            writeln!(conf, "\"\nDEVICENAME /dev/null:{port:#x}\nLIBPATH {driver}\nCHANNELID {port:#x}\n")
                .unwrap();
            ports.extend([port, port + 1]);
            locks.push(lock);
        }
        fs::write(folder.join("conf/reader.conf"), conf).unwrap();
        Self { folder, ports, _locks: locks, service: None, _owned: owned }
    }

    /// For `PCSCLITE_CSOCK_NAME`.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("run/pcscd.comm")
    }

    /// What leads a process to this service and no other.
    pub fn environment(&self) -> (OsString, OsString) {
        (SOCKET_VARIABLE.into(), self.socket().into())
    }

    /// TCP port of each reader, on which a card is inserted; see [`Card`](crate::card::Card).
    pub fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// Kills the service with SIGKILL and waits for its end. Its socket's file stays behind, as it does in life.
    pub fn kill(&mut self) {
        self.service = None;
    }

    /// Starts the service again (after [`kill`](Self::kill), which this does first) with the same readers, which are
    /// empty. Returns when it answers.
    pub fn restart(&mut self) {
        self.kill();
        let run = self.folder.join("run");
        for left in ["pcscd.comm", "pcscd.pid"] {
            let _ = fs::remove_file(run.join(left));
        }
        fs::create_dir_all(RUN).unwrap();
        let news = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK).unwrap();
        inotify::add_watch(&news, &run, inotify::WatchFlags::CREATE | inotify::WatchFlags::ATTRIB).unwrap();
        self.service = Some(Service::start(&self.folder));
        let until = Instant::now() + Duration::from_secs(20);
        while UnixStream::connect(self.socket()).is_err() {
            let left = until.checked_duration_since(Instant::now());
            let Some(left) = left else { panic!("pcscd did not start: {}", self.log()) };
            let left = Timespec::try_from(left).unwrap();
            poll(&mut [PollFd::new(&news, PollFlags::IN)], Some(&left)).unwrap();
            let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
            let mut news = inotify::Reader::new(&news, &mut buffer);
            while news.next().is_ok() {}
        }
        for port in &self.ports {
            assert!(TcpListener::bind(("0.0.0.0", *port)).is_err(), "no reader on {port}: {}", self.log());
        }
    }

    /// What the service has printed since it was started.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("log")).unwrap_or_default()).into_owned()
    }
}

impl Service {
    fn start(folder: &Path) -> Self {
        const SCRIPT: &str = r#"
            mount --bind "$1/run" /run/pcscd || exit 1
            /usr/sbin/pcscd --foreground --config "$1/conf" </dev/null >"$1/log" 2>&1 &
            echo started
            read -r end
            kill -KILL $!
            wait
        "#;
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", SCRIPT, "sh"]).arg(folder);
        let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = shell.stdin.take();
        let mut printed = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut printed).unwrap();
        assert_eq!(printed, "started\n", "no namespace for pcscd");
        Self { shell, input }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.shell.wait();
    }
}

/// Two ports, the one given and the next, that nobody listens on; ours for as long as the lock is held.
fn free_port() -> (u16, File) {
    let folder = env::temp_dir().join("ycd-test-ports");
    fs::create_dir_all(&folder).unwrap();
    // Below the ports that the system gives to connections.
    for port in (20_000..32_000).step_by(2) {
        let lock = File::create(folder.join(port.to_string())).unwrap();
        let is_free = |port: u16| TcpListener::bind(("0.0.0.0", port)).is_ok();
        if lock.try_lock().is_ok() && is_free(port) && is_free(port + 1) {
            return (port, lock);
        }
    }
    panic!("no free ports");
}

/// Runs the body of a test in a process of its own, whose PC/SC is the service that the body starts with
/// [`Pcscd::start`] or its like; before that there is none. `test` is the test's whole name as libtest tells it.
///
/// Where no service can be started here, the test is counted as skipped, with the reason.
pub fn in_own_process(test: &str, body: impl FnOnce()) {
    if env::var_os(FOLDER_VARIABLE).is_some() {
        return body();
    }
    if let Err(reason) = Pcscd::available() {
        return skip(test, &reason);
    }
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", test, "--nocapture", "--test-threads", "1"]);
    let (output, log) = with_own_service(child, |child| {
        let output = child.output().unwrap();
        let folder = child.get_envs().find(|(name, _)| *name == FOLDER_VARIABLE).and_then(|(_, value)| value);
        (output, fs::read(Path::new(folder.unwrap()).join("log")).unwrap_or_default())
    });
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "{test} in its own process: {}\n{printed}\n{}\npcscd: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&log)
    );
}

/// Runs a program whose PC/SC is the one service that it starts itself, as in [`in_own_process`].
pub fn with_own_service<T>(mut program: Command, run: impl FnOnce(&mut Command) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("run")).unwrap();
    program.env(FOLDER_VARIABLE, folder.path());
    program.env(SOCKET_VARIABLE, folder.path().join("run/pcscd.comm"));
    run(&mut program)
}
