//! One child process and the two pipes to it.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::answers::Answers;
use super::calls::Calls;
use crate::wire::{self, Call, FromHost, OtherRelease, PREAMBLE, Reply, Request};
use crate::{Result, TokenError};

/// How long a host that has been told to end may take to log out and unload its module.
const GRACE: Duration = Duration::from_secs(1);

/// How long the system may take to remove a killed process before a thread of its own waits for it: one that sits
/// in a driver's system call can be killed only when that returns.
const BURIAL: Duration = Duration::from_secs(2);

/// A running host. Dropping it ends the process.
pub(super) struct Link {
    child: Arc<Mutex<Child>>,
    process_id: u32,
    /// Closing it tells the host to end.
    to_host: Option<Calls>,
    from_host: Answers,
    next_id: u64,
    begun: bool,
    /// Nothing more can be expected of the process.
    broken: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The host had ended, and never saw the call.
    BeforeTheCall,
    Died,
    TimedOut,
    Nonsense(String),
    /// Told before the host has done anything.
    OtherRelease,
    /// The call cannot be put into a frame.
    NotSent(String),
}

impl Stopped {
    pub fn error(self, call: &Call, deadline: Duration) -> TokenError {
        let operation = call.operation().to_owned();
        match self {
            Self::NotSent(detail) => TokenError::Protocol { detail },
            Self::OtherRelease => TokenError::OtherRelease,
            Self::BeforeTheCall => TokenError::HostDied { operation },
            Self::Died | Self::TimedOut | Self::Nonsense(_) if call.changes_token() => {
                TokenError::Unknown { operation }
            }
            Self::Died => TokenError::HostDied { operation },
            Self::TimedOut => {
                let seconds = deadline.as_millis().div_ceil(1000);
                TokenError::HostTimeout { operation, seconds: u32::try_from(seconds).unwrap_or(u32::MAX) }
            }
            Self::Nonsense(detail) => TokenError::Protocol { detail },
        }
    }
}

impl Link {
    pub fn start(host_exe: &Path, environment: &[(OsString, OsString)]) -> Result<Self> {
        let failed =
            |detail: String| TokenError::HostStart { detail: format!("{}: {detail}", host_exe.display()) };
        let stderr = match std::env::var_os("YCD_HOST_LOG") {
            Some(_) => Stdio::inherit(),
            None => Stdio::null(),
        };
        let mut command = Command::new(host_exe);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        // What is typed at a terminal to end the assistant must not end a host in the middle of a change.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        #[cfg(windows)]
        {
            use std::os::windows::process::CommandExt;
            const CREATE_NO_WINDOW: u32 = 0x0800_0000;
            command.creation_flags(CREATE_NO_WINDOW);
        }
        let mut child = command.spawn().map_err(|e| failed(e.to_string()))?;
        let pipes = (child.stdin.take(), child.stdout.take());
        let process_id = child.id();
        let child = Arc::new(Mutex::new(child));
        let (Some(stdin), Some(stdout)) = pipes else { return Err(failed("no pipes".into())) };
        match Calls::to(stdin).and_then(|to_host| Ok((to_host, Answers::of(stdout)?))) {
            Ok((to_host, from_host)) => Ok(Self {
                child,
                process_id,
                to_host: Some(to_host),
                from_host,
                next_id: 1,
                begun: false,
                broken: false,
            }),
            Err(error) => {
                bury(&child, false);
                Err(failed(error.to_string()))
            }
        }
    }

    pub fn process_id(&self) -> u32 {
        self.process_id
    }

    pub fn ender(&self) -> Ender {
        Ender(self.child.clone())
    }

    pub fn exchange(&mut self, call: &Call, deadline: Duration) -> Result<Result<Reply>, Stopped> {
        self.exchange_within(call, Some(deadline))
    }

    pub fn exchange_without_deadline(&mut self, call: &Call) -> Result<Result<Reply>, Stopped> {
        self.exchange_within(call, None)
    }

    fn exchange_within(&mut self, call: &Call, deadline: Option<Duration>) -> Result<Result<Reply>, Stopped> {
        let id = self.next_id;
        self.next_id += 1;
        self.broken = true;
        let until = deadline.map(|deadline| Instant::now() + deadline);
        self.send(id, call, until)?;
        match self.from_host.receive(until) {
            Ok(FromHost::Answer { id: answered, result }) if answered == id => {
                self.broken = false;
                Ok(result)
            }
            Ok(FromHost::Answer { .. }) => Err(Stopped::Nonsense("an answer to another call".into())),
            Ok(FromHost::Goodbye) => Err(Stopped::BeforeTheCall),
            Err(error) => Err(match error.kind() {
                io::ErrorKind::TimedOut => Stopped::TimedOut,
                io::ErrorKind::InvalidData if is_other_release(&error) => Stopped::OtherRelease,
                io::ErrorKind::InvalidData => Stopped::Nonsense(error.to_string()),
                _ => Stopped::Died,
            }),
        }
    }

    fn send(&mut self, id: u64, call: &Call, until: Option<Instant>) -> Result<(), Stopped> {
        let request = BorrowedRequest { id, call };
        let frame = wire::frame(&request).map_err(|e| Stopped::NotSent(e.to_string()))?;
        let pipe = self.to_host.as_mut().ok_or(Stopped::BeforeTheCall)?;
        let written = if self.begun {
            pipe.send(&frame, until)
        } else {
            self.begun = true;
            let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(PREAMBLE.len() + frame.len()));
            bytes.extend_from_slice(&PREAMBLE);
            bytes.extend_from_slice(&frame);
            pipe.send(&bytes, until)
        };
        // A frame that could not be written whole is not acted upon.
        written.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => Stopped::TimedOut,
            _ => Stopped::BeforeTheCall,
        })
    }
}

fn is_other_release(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<OtherRelease>())
}

/// Has the encoding of [`Request`].
#[derive(serde::Serialize)]
struct BorrowedRequest<'a> {
    id: u64,
    call: &'a Call,
}

const _: fn(Request) = |Request { id, call }| {
    let _ = BorrowedRequest { id, call: &call };
};

impl Drop for Link {
    fn drop(&mut self) {
        self.to_host = None;
        let ends_itself = !self.broken && self.from_host.ends_within(GRACE);
        if !ends_itself {
            tracing::debug!(process = self.process_id, "driver host killed");
        }
        bury(&self.child, ends_itself);
    }
}

/// Kills a process and waits for it.
fn bury(child: &Arc<Mutex<Child>>, ends_itself: bool) {
    // After it has closed its pipe it may still be on its way out; killing it then does no harm.
    kill(&mut lock(child));
    if ends_itself {
        let _ = lock(child).wait();
        return;
    }
    let (sender, buried) = mpsc::channel::<()>();
    let child = child.clone();
    let waiting = thread::Builder::new().name("ycd-host burial".into()).spawn(move || {
        let _ = lock(&child).wait();
        drop(sender);
    });
    if waiting.is_ok() {
        let _ = buried.recv_timeout(BURIAL);
    }
}

/// Kills a process that has not been waited for, and on Unix whatever its module has started in its group. Elsewhere
/// the host sees to those itself.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
}

/// Kills a host from another thread than the one that waits for its answer.
pub(crate) struct Ender(Arc<Mutex<Child>>);

impl Ender {
    pub fn end(&self) {
        let _ = lock(&self.0).kill();
    }
}

fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}
