//! Waiting for a change of the token's state, whoever makes it.

pub use system::{Waker, Watch};

/// The system tells of each file that is replaced in the folder.
#[cfg(target_os = "linux")]
mod system {
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
    use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
    use rustix::io::Errno;

    use crate::error::{Error, Result};

    pub struct Watch {
        news: OwnedFd,
        woken: Arc<OwnedFd>,
    }

    /// Ends a wait, now or the next one.
    #[derive(Clone)]
    pub struct Waker(Arc<OwnedFd>);

    impl Watch {
        pub fn new(dir: &Path) -> Result<Self> {
            let open = || {
                let news = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
                let woken = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
                let changes = WatchFlags::MOVED_TO | WatchFlags::MOVED_FROM | WatchFlags::DELETE;
                inotify::add_watch(&news, dir, changes | WatchFlags::ONLYDIR)?;
                Ok(Self { news, woken: Arc::new(woken) })
            };
            open().map_err(|e: Errno| Error::io(dir)(e.into()))
        }

        pub fn waker(&self) -> Waker {
            Waker(Arc::clone(&self.woken))
        }

        /// Returns when something may have changed since the last call, or someone woke it, or after the time.
        pub fn wait(&self, at_most: Option<Duration>) {
            let at_most = at_most.and_then(|time| Timespec::try_from(time).ok());
            let mut both = [
                PollFd::new(&self.news, PollFlags::IN),
                PollFd::from_borrowed_fd(fd(&self.woken), PollFlags::IN),
            ];
            // Interrupted by a signal: the caller looks, and waits again.
            let _ = poll(&mut both, at_most.as_ref());
            let mut count = [0; 8];
            let _ = rustix::io::read(&self.woken, &mut count);
            let mut buffer = [MaybeUninit::uninit(); 4096];
            let mut news = inotify::Reader::new(&self.news, &mut buffer);
            while news.next().is_ok() {}
        }
    }

    fn fd(owned: &OwnedFd) -> std::os::fd::BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(owned)
    }

    impl Waker {
        pub fn wake(&self) {
            // It fails only when it has been woken 2^64 times already.
            let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
        }
    }
}

/// Elsewhere the caller looks every now and then.
#[cfg(not(target_os = "linux"))]
mod system {
    use std::path::Path;
    use std::sync::{Arc, Condvar, Mutex, PoisonError};
    use std::time::Duration;

    use crate::error::Result;

    const LOOK_EVERY: Duration = Duration::from_millis(100);

    pub struct Watch(Arc<(Mutex<bool>, Condvar)>);

    /// Ends a wait, now or the next one.
    #[derive(Clone)]
    pub struct Waker(Arc<(Mutex<bool>, Condvar)>);

    impl Watch {
        #[expect(clippy::unnecessary_wraps, reason = "the other system can fail here")]
        pub fn new(_dir: &Path) -> Result<Self> {
            Ok(Self(Arc::default()))
        }

        pub fn waker(&self) -> Waker {
            Waker(Arc::clone(&self.0))
        }

        /// Returns when something may have changed since the last call, or someone woke it, or after the time.
        pub fn wait(&self, at_most: Option<Duration>) {
            let time = at_most.unwrap_or(LOOK_EVERY).min(LOOK_EVERY);
            let (woken, changed) = &*self.0;
            let woken = woken.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = changed.wait_timeout_while(woken, time, |woken| !*woken);
            *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
        }
    }

    impl Waker {
        pub fn wake(&self) {
            let (woken, changed) = &*self.0;
            *woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
            changed.notify_all();
        }
    }
}
