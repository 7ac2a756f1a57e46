//! One module: a thread, and a host that lists its keys and opens no session.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::merge::Merge;
use crate::TokenError;
use crate::host::{Ender, WaitingHost};
use crate::profile::Driver;

/// Between two listings at least: some modules report the same event again and again.
const BREATH: Duration = Duration::from_millis(100);
/// When to look once more after a hint that changed nothing: a module may see a token later than its reader does.
const AGAIN: [Duration; 3] =
    [Duration::from_millis(150), Duration::from_millis(500), Duration::from_millis(1500)];
/// After this long without a hint the host of a module that waits for hints is ended.
const IDLE: Duration = Duration::from_secs(120);
/// Before a host that failed is started again; doubled each time up to the second.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What a module's thread is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// A token of the module may have come or gone.
    Look,
    Stop,
}

/// Dropping it ends thread and host.
pub struct ModuleWatch {
    prompts: Sender<Prompt>,
    running: Running,
    thread: Option<JoinHandle<()>>,
}

/// The host at work, so that it can be ended.
type Running = Arc<Mutex<State>>;

#[derive(Default)]
struct State {
    stopped: bool,
    host: Option<Ender>,
}

impl ModuleWatch {
    pub fn start(host_exe: &Path, driver: Driver, merge: Arc<Mutex<Merge>>) -> std::io::Result<Self> {
        let (prompts, prompted) = mpsc::channel();
        let running = Running::default();
        let place = lock(&merge).add();
        let name = format!("watch {}", driver.profile.name);
        let mut watcher = Watcher {
            host_exe: host_exe.to_owned(),
            driver,
            place,
            merge,
            prompted,
            running: running.clone(),
        };
        let thread = thread::Builder::new().name(name).spawn(move || watcher.run())?;
        Ok(Self { prompts, running, thread: Some(thread) })
    }

    pub fn prompt(&self, prompt: Prompt) {
        let _ = self.prompts.send(prompt);
    }
}

impl Drop for ModuleWatch {
    fn drop(&mut self) {
        {
            let mut state = lock(&self.running);
            state.stopped = true;
            if let Some(host) = &state.host {
                host.end();
            }
        }
        let _ = self.prompts.send(Prompt::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Watcher {
    host_exe: PathBuf,
    driver: Driver,
    place: usize,
    merge: Arc<Mutex<Merge>>,
    prompted: Receiver<Prompt>,
    running: Running,
}

/// Why a host is not needed any more.
enum End {
    Stopped,
    /// Nothing has happened for a while.
    Idle,
}

impl Watcher {
    fn run(&mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let watched = self.host().and_then(|host| self.watch(host));
            lock(&self.running).host = None;
            match watched {
                Ok(End::Stopped) => return,
                Ok(End::Idle) => {
                    pause = FIRST_PAUSE;
                    match self.prompted.recv() {
                        Ok(Prompt::Look) => {}
                        Ok(Prompt::Stop) | Err(_) => return,
                    }
                }
                Err(_) if self.is_stopped() => return,
                Err(error) => {
                    tracing::debug!(
                        profile = self.driver.profile.name,
                        code = error.code(),
                        "watching host failed"
                    );
                    // A hint ends the pause: what made the host fail may have been the token that was pulled.
                    if matches!(self.prompted.recv_timeout(pause), Ok(Prompt::Stop)) {
                        return;
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    fn host(&self) -> Result<WaitingHost, TokenError> {
        WaitingHost::start(&self.host_exe, &self.driver, |ender| {
            let mut state = lock(&self.running);
            if state.stopped {
                ender.end();
            }
            state.host = Some(ender);
        })
    }

    /// Until it is stopped, nothing more is expected, or the host fails.
    fn watch(&mut self, mut host: WaitingHost) -> Result<End, TokenError> {
        self.look(&mut host)?;
        if !self.driver.profile.recognition.only_pcsc() {
            match self.wait(&mut host, WaitingHost::wait) {
                Err(TokenError::Unsupported { .. }) => {}
                ended => return ended,
            }
            if self.driver.profile.quirks.poll_ms.is_none() {
                match self.wait(&mut host, WaitingHost::wait_for_devices) {
                    Err(TokenError::Unsupported { .. }) => {}
                    ended => return ended,
                }
            }
        }
        self.listen(&mut host)
    }

    /// The host waits by itself.
    fn wait(
        &mut self,
        host: &mut WaitingHost,
        wait: impl Fn(&mut WaitingHost) -> Result<(), TokenError>,
    ) -> Result<End, TokenError> {
        loop {
            wait(host)?;
            self.look(host)?;
            if self.pause(BREATH) {
                return Ok(End::Stopped);
            }
            // The event may have come before the token could be read.
            self.look(host)?;
        }
    }

    /// Others tell when to look, or the clock where the profile says so.
    fn listen(&mut self, host: &mut WaitingHost) -> Result<End, TokenError> {
        let poll = self.driver.profile.quirks.poll_ms.map(|ms| Duration::from_millis(ms.into()));
        loop {
            match self.prompted.recv_timeout(poll.unwrap_or(IDLE)) {
                Ok(Prompt::Look) => {
                    if self.look_until_it_changes(host)? {
                        return Ok(End::Stopped);
                    }
                }
                Ok(Prompt::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(End::Stopped),
                Err(RecvTimeoutError::Timeout) if poll.is_some() => drop(self.look(host)?),
                Err(RecvTimeoutError::Timeout) => return Ok(End::Idle),
            }
        }
    }

    /// Whether the watch was stopped meanwhile.
    fn look_until_it_changes(&mut self, host: &mut WaitingHost) -> Result<bool, TokenError> {
        if self.look(host)? {
            return Ok(false);
        }
        for wait in AGAIN {
            // Another hint brings the next look forward.
            if matches!(self.prompted.recv_timeout(wait), Ok(Prompt::Stop)) {
                return Ok(true);
            }
            if self.look(host)? {
                break;
            }
        }
        Ok(false)
    }

    /// Lists the tokens, and tells how they differ; whether they do.
    fn look(&mut self, host: &mut WaitingHost) -> Result<bool, TokenError> {
        let tokens = host.list()?;
        Ok(lock(&self.merge).tell(self.place, tokens))
    }

    /// Whether the watch was stopped meanwhile. Hints are of no use to a host that waits by itself.
    fn pause(&self, pause: Duration) -> bool {
        let until = std::time::Instant::now() + pause;
        loop {
            let left = until.saturating_duration_since(std::time::Instant::now());
            match self.prompted.recv_timeout(left) {
                Ok(Prompt::Look) => {}
                Ok(Prompt::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    fn is_stopped(&self) -> bool {
        lock(&self.running).stopped
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
