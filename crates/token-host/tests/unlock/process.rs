//! The host's process: killing it, and waiting for its end.

use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use ycd_token::ModuleHost;

fn of(host: &ModuleHost) -> Pid {
    Pid::from_raw(host.process_id().unwrap().cast_signed()).unwrap()
}

/// Waits for the end of a host, and gives how long it took.
pub fn ends(host: &ModuleHost) -> Duration {
    let begun = Instant::now();
    let process = pidfd_open(of(host), PidfdFlags::empty()).unwrap();
    let timeout = Timespec { tv_sec: 20, tv_nsec: 0 };
    assert_eq!(poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&timeout)).unwrap(), 1, "it lives");
    begun.elapsed()
}

/// Returns when it is dead.
pub fn kill(host: &ModuleHost) {
    kill_process(of(host), Signal::KILL).unwrap();
    ends(host);
}
