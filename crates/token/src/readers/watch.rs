//! The thread that waits in SCardGetStatusChange.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pcsc::{Context, Error, PNP_NOTIFICATION, ReaderState, Scope, State};

use super::pace::Pace;
use super::states::Readers;
use super::{CardEvent, bring_up_to_date, is_there, sight};

/// What one call takes, the pseudo reader among them: as many as pcsc-lite holds readers (winscard_clnt.c,
/// SCardGetStatusChange; pcsclite.h, PCSCLITE_MAX_READERS_CONTEXTS). Windows takes more.
const MOST: usize = if cfg!(windows) { usize::MAX } else { 16 };
/// Before the service is asked for again; doubled each time up to the second.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// After readers came or went they are listed again and again for a while: the service tells only of changes that it
/// makes while it is being asked, and a token that is plugged in may bring several readers, one after the other.
const ATTENTIVE: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Between two tries to wake the thread up: one made before it waits wakes nobody.
const STOP_AGAIN: Duration = Duration::from_millis(10);
/// After this long a service that does not even let go is left alone, with the thread that waits for it.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// Tells of cards that come and go, beginning with those that are there.
///
/// One thread, blocked in SCardGetStatusChange without a timeout while nothing happens. A service that is not there,
/// or goes, is asked for again after growing pauses; its cards count as gone. Dropping the watch ends the thread.
pub struct ReaderWatch {
    shared: Arc<Shared>,
    /// Closed when the thread has ended.
    ended: Receiver<()>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<Control>,
    bell: Condvar,
}

#[derive(Default)]
struct Control {
    stopped: bool,
    /// Something happened that may have brought the service up.
    nudged: bool,
    /// The one that is being waited in.
    context: Option<Context>,
}

impl ReaderWatch {
    /// `tell` is called on the watch's thread.
    pub fn start(tell: impl FnMut(CardEvent) + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (alive, ended) = mpsc::channel();
        let watcher = Watcher { shared: shared.clone(), readers: Readers::default(), tell };
        thread::Builder::new().name("readers".into()).spawn(move || {
            watcher.run();
            drop::<mpsc::Sender<()>>(alive);
        })?;
        Ok(Self { shared, ended })
    }

    /// What has a service that is down asked for again at once: a device has come.
    pub fn nudge(&self) -> impl Fn() + Send + use<> {
        let shared = self.shared.clone();
        move || {
            shared.lock().nudged = true;
            shared.bell.notify_all();
        }
    }
}

impl Drop for ReaderWatch {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.bell.notify_all();
        let shared = self.shared.clone();
        let (done, is_done) = mpsc::channel();
        // SCardCancel itself asks the service, and so may hang with it.
        let cancelling = thread::Builder::new().name("readers stop".into()).spawn(move || {
            loop {
                let context = shared.lock().context.clone();
                if let Some(context) = context {
                    let _ = context.cancel();
                }
                if !matches!(is_done.recv_timeout(STOP_AGAIN), Err(mpsc::RecvTimeoutError::Timeout)) {
                    return;
                }
            }
        });
        if cancelling.is_ok()
            && matches!(self.ended.recv_timeout(STOP_WITHIN), Err(mpsc::RecvTimeoutError::Timeout))
        {
            tracing::warn!("the PC/SC service does not let go; its thread is left behind");
        }
        drop::<mpsc::Sender<()>>(done);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Control> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the watch was stopped meanwhile. A nudge ends the pause.
    fn pause(&self, pause: Duration) -> bool {
        let mut state = self.lock();
        let until = Instant::now() + pause;
        while !state.stopped && !state.nudged {
            let Some(left) = until.checked_duration_since(Instant::now()) else { break };
            state = self.bell.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.nudged = false;
        state.stopped
    }
}

struct Watcher<T> {
    shared: Arc<Shared>,
    readers: Readers,
    tell: T,
}

impl<T: FnMut(CardEvent)> Watcher<T> {
    fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        let mut is_down = false;
        loop {
            let error = match Context::establish(Scope::User) {
                Ok(context) => {
                    pause = FIRST_PAUSE;
                    is_down = false;
                    self.shared.lock().context = Some(context.clone());
                    let ended = self.attend(&context);
                    self.shared.lock().context = None;
                    ended
                }
                Err(error) => error,
            };
            if self.shared.lock().stopped {
                return;
            }
            tracing::debug!(%error, "PC/SC is not there");
            self.look(&[]);
            if !is_down {
                is_down = true;
                (self.tell)(CardEvent::NoService);
            }
            if self.shared.pause(pause) {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Until the service fails or the watch is stopped.
    fn attend(&mut self, context: &Context) -> Error {
        let mut states = vec![ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE)];
        let mut pace = Pace::default();
        let mut attentive_until = Instant::now() + ATTENTIVE;
        loop {
            if self.shared.lock().stopped {
                return Error::Cancelled;
            }
            match bring_up_to_date(context, &mut states) {
                Ok(true) => attentive_until = Instant::now() + ATTENTIVE,
                Ok(false) => {}
                Err(error) => return error,
            }
            let is_attentive = Instant::now() < attentive_until;
            // The first is the pseudo reader. A service that is full tells of no further one.
            let asked = if states.len() > MOST { &mut states[1..] } else { &mut states[..] };
            let waited = context.get_status_change(is_attentive.then_some(LOOK_AGAIN), asked);
            let changed = match waited {
                Ok(()) => states.iter().any(|state| state.event_state().contains(State::CHANGED)),
                Err(Error::Timeout) => continue,
                // Readers that went between the list and the call.
                Err(Error::Cancelled | Error::UnknownReader | Error::ReaderUnavailable) => false,
                Err(error) => return error,
            };
            self.look(&states);
            for state in &mut states {
                state.sync_current_state();
            }
            let pause = pace.after(Instant::now(), changed);
            if !pause.is_zero() && self.shared.pause(pause) {
                return Error::Cancelled;
            }
        }
    }

    fn look(&mut self, states: &[ReaderState]) {
        let there = states.iter().filter(|state| state.name() != PNP_NOTIFICATION() && is_there(state));
        for event in self.readers.compare(there.map(|state| (state.name(), sight(state)))) {
            (self.tell)(event);
        }
    }
}
