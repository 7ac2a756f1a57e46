//! The pipe from the host, read with a deadline.

use std::io;
use std::process::ChildStdout;
use std::time::{Duration, Instant};

use crate::wire::FromHost;

/// Messages of the host.
pub(super) struct Answers(platform::Answers);

impl Answers {
    pub fn of(pipe: ChildStdout) -> io::Result<Self> {
        platform::Answers::of(pipe).map(Self)
    }

    /// The next message; without `until` waits for ever.
    ///
    /// # Errors
    /// `TimedOut`; `InvalidData` for what is no message; anything else where the host has closed its end.
    pub fn receive(&mut self, until: Option<Instant>) -> io::Result<FromHost> {
        self.0.receive(until)
    }

    /// Whether the host closes its end in this time.
    pub fn ends_within(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            match self.receive(Some(until)) {
                Ok(_) => {}
                Err(error) => {
                    return !matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::InvalidData);
                }
            }
        }
    }
}

/// The caller's own thread waits in `poll`: a thread between would double the time of a round trip.
#[cfg(unix)]
mod platform {
    use std::io::{self, Read};
    use std::process::ChildStdout;
    use std::time::Instant;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use crate::wire::{Frames, FromHost};

    pub struct Answers {
        frames: Frames<Timed>,
        begun: bool,
    }

    impl Answers {
        pub fn of(pipe: ChildStdout) -> io::Result<Self> {
            Ok(Self { frames: Frames::new(Timed { pipe, until: None }), begun: false })
        }

        pub fn receive(&mut self, until: Option<Instant>) -> io::Result<FromHost> {
            self.frames.reader().until = until;
            if !self.begun {
                self.frames.preamble()?;
                self.begun = true;
            }
            self.frames.receive()
        }
    }

    struct Timed {
        pipe: ChildStdout,
        until: Option<Instant>,
    }

    impl Read for Timed {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if let Some(until) = self.until {
                let left = until.saturating_duration_since(Instant::now());
                let left = Timespec::try_from(left).map_err(|_| io::ErrorKind::InvalidInput)?;
                match poll(&mut [PollFd::new(&self.pipe, PollFlags::IN)], Some(&left)) {
                    Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                    Ok(_) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            self.pipe.read(into)
        }
    }
}

/// Anonymous pipes cannot be waited for with a deadline here: a thread reads, and hands on what it has read.
#[cfg(not(unix))]
mod platform {
    use std::io;
    use std::process::ChildStdout;
    use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
    use std::thread;
    use std::time::Instant;

    use crate::wire::{Frames, FromHost};

    pub struct Answers(Receiver<io::Result<FromHost>>);

    impl Answers {
        pub fn of(pipe: ChildStdout) -> io::Result<Self> {
            let (sender, receiver) = mpsc::channel();
            thread::Builder::new().name("ycd-host reader".into()).spawn(move || {
                let mut frames = Frames::new(pipe);
                let mut next = frames.preamble().and_then(|()| frames.receive());
                loop {
                    let over = next.is_err();
                    if sender.send(next).is_err() || over {
                        return;
                    }
                    next = frames.receive();
                }
            })?;
            Ok(Self(receiver))
        }

        pub fn receive(&mut self, until: Option<Instant>) -> io::Result<FromHost> {
            let received = match until {
                Some(until) => self.0.recv_timeout(until.saturating_duration_since(Instant::now())),
                None => self.0.recv().map_err(RecvTimeoutError::from),
            };
            received.map_err(|error| match error {
                RecvTimeoutError::Timeout => io::Error::from(io::ErrorKind::TimedOut),
                RecvTimeoutError::Disconnected => io::ErrorKind::UnexpectedEof.into(),
            })?
        }
    }
}
