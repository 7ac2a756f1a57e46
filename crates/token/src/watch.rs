//! Keys coming and going.

use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::host::{Ender, WaitingHost, default_host_exe};
use crate::profile::{Driver, Drivers};
use crate::{KeyId, KeyInfo, TokenError};

/// Between two listings at least: some modules report the same event again and again.
const BREATH: Duration = Duration::from_millis(100);
/// Before a host that failed is started again; doubled each time up to the second.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyEvent {
    Arrived(KeyInfo),
    Gone(KeyId),
}

/// Tells of keys that come and go, beginning with those that are there.
///
/// Each module gets a host of its own for this, which waits for slot events and opens no session. A module that
/// cannot wait is looked at in the interval of its profile; where the profile gives none, or allows one process only,
/// its keys are not watched. Dropping the watcher ends hosts and threads.
pub struct KeyWatcher {
    events: Receiver<KeyEvent>,
    watches: Vec<Watch>,
}

struct Watch {
    /// Dropped to make the thread stop.
    stop: Option<Sender<()>>,
    running: Running,
    thread: Option<JoinHandle<()>>,
}

/// The host that is waiting now, so that it can be ended.
type Running = Arc<Mutex<State>>;

#[derive(Default)]
struct State {
    stopped: bool,
    host: Option<Ender>,
}

impl KeyWatcher {
    /// `host_exe` as for [`Keys::open`](crate::Keys::open).
    pub fn start(drivers: &Drivers, host_exe: Option<&Path>) -> Self {
        let host_exe = host_exe.map_or_else(default_host_exe, Path::to_owned);
        let (sender, events) = mpsc::channel();
        let watched =
            drivers.find_modules().into_iter().filter(|driver| !driver.profile.quirks.single_process);
        let watches = watched
            .filter_map(|driver| {
                let (stop, stopped) = mpsc::channel();
                let running = Running::default();
                let (host_exe, sender, shared) = (host_exe.clone(), sender.clone(), running.clone());
                let thread = thread::Builder::new()
                    .name(format!("watch {}", driver.profile.name))
                    .spawn(move || {
                        let mut watcher = Watcher { known: Vec::new(), sender, stopped, running: shared };
                        watcher.run(&host_exe, &driver);
                    })
                    .inspect_err(|error| tracing::warn!(%error, "keys are not watched"))
                    .ok()?;
                Some(Watch { stop: Some(stop), running, thread: Some(thread) })
            })
            .collect();
        Self { events, watches }
    }

    /// Closed once no module can be watched any more.
    pub fn events(&self) -> &Receiver<KeyEvent> {
        &self.events
    }
}

impl Drop for KeyWatcher {
    fn drop(&mut self) {
        for watch in &mut self.watches {
            watch.stop = None;
            let mut state = watch.running.lock().unwrap_or_else(PoisonError::into_inner);
            state.stopped = true;
            if let Some(host) = &state.host {
                host.end();
            }
        }
        for watch in &mut self.watches {
            if let Some(thread) = watch.thread.take() {
                let _ = thread.join();
            }
        }
    }
}

struct Watcher {
    known: Vec<KeyInfo>,
    sender: Sender<KeyEvent>,
    stopped: Receiver<()>,
    running: Running,
}

impl Watcher {
    fn run(&mut self, host_exe: &Path, driver: &Driver) {
        let mut pause = FIRST_PAUSE;
        loop {
            let running = self.running.clone();
            let started = WaitingHost::start(host_exe, driver, |ender| {
                let mut state = running.lock().unwrap_or_else(PoisonError::into_inner);
                if state.stopped {
                    ender.end();
                }
                state.host = Some(ender);
            });
            let seen = started.and_then(|host| self.watch(host, driver));
            self.lock_state().host = None;
            match seen {
                Ok(()) => return,
                Err(error) => {
                    tracing::debug!(
                        profile = driver.profile.name,
                        code = error.code(),
                        "watching host failed"
                    );
                    if self.pause(pause) {
                        return;
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Until it is stopped (`Ok`) or the host fails.
    fn watch(&mut self, mut host: WaitingHost, driver: &Driver) -> Result<(), TokenError> {
        loop {
            self.compare(host.keys()?);
            match host.wait() {
                Ok(()) => {
                    if self.pause(BREATH) {
                        return Ok(());
                    }
                }
                Err(TokenError::Unsupported { .. }) => match driver.profile.quirks.poll_ms {
                    Some(ms) => {
                        if self.pause(Duration::from_millis(ms.into())) {
                            return Ok(());
                        }
                    }
                    None => return Ok(()),
                },
                Err(_) if self.lock_state().stopped => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn compare(&mut self, now: Vec<KeyInfo>) {
        let same = |a: &KeyInfo, b: &KeyInfo| a.key_id == b.key_id && a.slot == b.slot;
        for gone in self.known.iter().filter(|key| !now.iter().any(|other| same(key, other))) {
            let _ = self.sender.send(KeyEvent::Gone(gone.key_id.clone()));
        }
        for arrived in now.iter().filter(|key| !self.known.iter().any(|other| same(key, other))) {
            let _ = self.sender.send(KeyEvent::Arrived(arrived.clone()));
        }
        self.known = now;
    }

    /// Whether the watcher was stopped meanwhile.
    fn pause(&self, pause: Duration) -> bool {
        !matches!(self.stopped.recv_timeout(pause), Err(RecvTimeoutError::Timeout))
    }

    fn lock_state(&self) -> std::sync::MutexGuard<'_, State> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
