//! The pipe to the host, written with a deadline: a host that has stopped reads nothing.

use std::io::{self, Write};
use std::process::ChildStdin;
use std::time::Instant;

/// Calls to the host.
pub(super) struct Calls(ChildStdin);

impl Calls {
    #[cfg(unix)]
    pub fn to(pipe: ChildStdin) -> io::Result<Self> {
        use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

        // Of this end alone: the host's end is another one.
        fcntl_setfl(&pipe, fcntl_getfl(&pipe)? | OFlags::NONBLOCK)?;
        Ok(Self(pipe))
    }

    /// Writes all of it; without `until` waits for ever.
    ///
    /// # Errors
    /// `TimedOut`; anything else where the host has closed its end.
    #[cfg(unix)]
    pub fn send(&mut self, mut bytes: &[u8], until: Option<Instant>) -> io::Result<()> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        while !bytes.is_empty() {
            match self.0.write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let left = until.map(|until| until.saturating_duration_since(Instant::now()));
                    let left = left.map(Timespec::try_from).transpose();
                    let left = left.map_err(|_| io::ErrorKind::InvalidInput)?;
                    match poll(&mut [PollFd::new(&self.0, PollFlags::OUT)], left.as_ref()) {
                        Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                        Ok(_) | Err(rustix::io::Errno::INTR) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
    pub fn to(pipe: ChildStdin) -> io::Result<Self> {
        Ok(Self(pipe))
    }

    /// Writes all of it. What calls are made of fits into the pipe's own memory, so that nothing is waited for.
    #[cfg(not(unix))]
    pub fn send(&mut self, bytes: &[u8], _until: Option<Instant>) -> io::Result<()> {
        self.0.write_all(bytes)
    }
}
