//! Ends the process when its owner is gone, though a module may hang, and when nobody has called for a while.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, TryLockError};
use std::thread;
use std::time::Duration;

use crate::Host;

/// For the main thread to finish its call, log out and unload, once the owner is gone: as long as a token may take for
/// a key pair on average (GM/T 0027 annex A), so that a change is rarely cut off in the middle.
const GRACE: Duration = Duration::from_secs(5);

/// At least this often what is over is wiped.
const LOOK: Duration = Duration::from_secs(60);

pub fn start(pipe: File, owner: u32, idle_ms: u64, host: Arc<Mutex<Host>>) -> io::Result<()> {
    let idle = (idle_ms > 0).then(|| Duration::from_millis(idle_ms));
    thread::Builder::new().name("guard".into()).spawn(move || {
        let owner = Owner::of(pipe, owner);
        loop {
            if owner.is_gone_within(Some(idle.map_or(LOOK, |idle| idle.min(LOOK)))) {
                thread::sleep(GRACE);
                die();
            }
            let held = match host.try_lock() {
                Ok(held) => Some(held),
                Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                // A call is being done.
                Err(TryLockError::WouldBlock) => None,
            };
            let Some(mut host) = held else { continue };
            if let Some(module) = host.module.as_mut() {
                module.wipe_what_is_over();
            }
            if idle.is_some_and(|idle| host.is_idle(idle)) {
                // Still holding the lock: no call is begun after the last word.
                host.say_goodbye();
                die();
            }
        }
    })?;
    Ok(())
}

/// The writing end of the pipe is with the owner alone: when it is gone, so is the owner.
#[cfg(unix)]
struct Owner(File);

#[cfg(unix)]
impl Owner {
    fn of(pipe: File, _process: u32) -> Self {
        Self(pipe)
    }

    fn is_gone_within(&self, time: Option<Duration>) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        let timeout = time.and_then(|time| Timespec::try_from(time).ok());
        // No event is asked for: hang-up and error are told all the same.
        match poll(&mut [PollFd::new(&self.0, PollFlags::empty())], timeout.as_ref()) {
            Ok(ready) => ready > 0,
            Err(rustix::io::Errno::INTR) => false,
            Err(_) => true,
        }
    }
}

/// Pipes cannot be waited for; processes can.
#[cfg(windows)]
struct Owner {
    process: Option<std::os::windows::io::OwnedHandle>,
    _pipe: File,
}

#[cfg(windows)]
impl Owner {
    fn of(pipe: File, process: u32) -> Self {
        use std::os::windows::io::{FromRawHandle, OwnedHandle};

        use windows_sys::Win32::System::Threading::{OpenProcess, PROCESS_SYNCHRONIZE};

        // SAFETY: takes numbers only.
        let handle = unsafe { OpenProcess(PROCESS_SYNCHRONIZE, 0, process) };
        // SAFETY: a handle that is not null is open, and owned by nobody else.
        let process = (!handle.is_null()).then(|| unsafe { OwnedHandle::from_raw_handle(handle) });
        Self { process, _pipe: pipe }
    }

    fn is_gone_within(&self, time: Option<Duration>) -> bool {
        use std::os::windows::io::AsRawHandle;

        use windows_sys::Win32::Foundation::WAIT_TIMEOUT;
        use windows_sys::Win32::System::Threading::{INFINITE, WaitForSingleObject};

        let Some(process) = &self.process else { return true };
        let ms = time.map_or(INFINITE, |time| u32::try_from(time.as_millis()).unwrap_or(INFINITE));
        // SAFETY: the handle is open as long as `self`.
        unsafe { WaitForSingleObject(process.as_raw_handle(), ms) != WAIT_TIMEOUT }
    }
}

/// At once: what modules do when a process ends in the ordinary way may hang, or need the thread that hangs.
fn die() -> ! {
    #[cfg(unix)]
    {
        use rustix::process::{Signal, getpgrp, getpid, kill_current_process_group, kill_process};

        // With whatever the module has started, where the group is this process's own.
        let _ = match getpgrp() == getpid() {
            true => kill_current_process_group(Signal::KILL),
            false => kill_process(getpid(), Signal::KILL),
        };
    }
    #[cfg(windows)]
    {
        use windows_sys::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};
        // SAFETY: takes this process's own pseudo handle.
        unsafe { TerminateProcess(GetCurrentProcess(), 0) };
    }
    std::process::abort()
}
