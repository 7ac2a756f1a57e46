//! Tokens coming and going: all sources of news as one stream.
//!
//! | source | for |
//! | --- | --- |
//! | cards in PC/SC readers ([`ReaderWatch`]) | every module; those that claim the card first |
//! | C_WaitForSlotEvent in a host of its own | makes that come without PC/SC |
//! | the system's notices of USB devices | modules that cannot wait |
//! | a look every `poll_ms` | where a profile asks for it |
//!
//! News are hints: each makes a host list the tokens of its module, and what is told is how the listings differ. What
//! no module claims is looked at as well (`missing-driver watcher`): its driver may be missing.

mod merge;
mod missing_driver;
mod module;
#[cfg(any(target_os = "linux", windows))]
mod notices;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use self::merge::Merge;
use self::missing_driver::{Hint, MissingDriverWatcher};
use self::module::{ModuleWatch, Prompt};
use crate::candidates::candidates;
use crate::host::default_host_exe;
use crate::profile::{Driver, Drivers, Profile};
use crate::readers::{CardEvent, ReaderWatch};
use crate::{TokenId, TokenInfo, usb};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenEvent {
    Arrived(TokenInfo),
    Gone(TokenId),
    /// The profiles of all tokens that are plugged in and whose driver is not installed, whenever they change. Told
    /// before the tokens of a driver that has just been installed.
    DriversMissing(Vec<String>),
}

/// Tells of tokens that come and go, beginning with those that are there. Each token is told once, however many sources
/// and modules know it. A driver that is installed later is found once a token that wants it is plugged in.
///
/// Hosts are the watcher's own and open no session. A module that bears one process only (`single_process`) is not
/// watched. Dropping the watcher ends hosts and threads.
pub struct TokenWatcher {
    events: Receiver<TokenEvent>,
    hints: Sender<Hint>,
    // In the order in which they are dropped: what prompts before what is prompted.
    #[cfg(any(target_os = "linux", windows))]
    _notices: Option<notices::Notices>,
    _readers: Option<ReaderWatch>,
    missing_driver: Option<thread::JoinHandle<()>>,
    modules: Modules,
}

/// The modules that are watched, each with whom to tell of a card or a device.
#[derive(Clone)]
struct Modules {
    watched: Arc<Mutex<Vec<Watched>>>,
    merge: Arc<Mutex<Merge>>,
}

struct Watched {
    profile: Arc<Profile>,
    /// `None`: it cannot be watched, and is not tried again.
    watch: Option<ModuleWatch>,
}

impl TokenWatcher {
    /// `host_exe` as for [`TokenSet::open`](crate::TokenSet::open).
    pub fn start(drivers: &Drivers, host_exe: Option<&Path>) -> Self {
        let host_exe = host_exe.map_or_else(default_host_exe, Path::to_owned);
        let (sender, events) = mpsc::channel();
        let modules =
            Modules { watched: Arc::default(), merge: Arc::new(Mutex::new(Merge::new(sender.clone()))) };
        for driver in drivers.find_modules() {
            modules.watch(&host_exe, driver);
        }
        let (hints, hinted) = mpsc::channel();
        let readers = watch_readers(&modules, hints.clone());
        #[cfg(any(target_os = "linux", windows))]
        let notices = watch_devices(&modules, hints.clone(), readers.as_ref());
        let missing_driver = MissingDriverWatcher {
            drivers: drivers.clone(),
            host_exe,
            modules: modules.clone(),
            events: sender,
            missing: Vec::new(),
        };
        let missing_driver =
            thread::Builder::new().name("scout".into()).spawn(move || missing_driver.run(&hinted));
        let missing_driver = missing_driver
            .inspect_err(|error| tracing::warn!(%error, "missing drivers are not noticed"))
            .ok();
        Self {
            events,
            hints,
            #[cfg(any(target_os = "linux", windows))]
            _notices: notices,
            _readers: readers,
            missing_driver,
            modules,
        }
    }

    /// Open for as long as the watcher is.
    pub fn events(&self) -> &Receiver<TokenEvent> {
        &self.events
    }
}

impl Drop for TokenWatcher {
    fn drop(&mut self) {
        let _ = self.hints.send(Hint::Stop);
        if let Some(missing_driver) = self.missing_driver.take() {
            let _ = missing_driver.join();
        }
        let watched = std::mem::take(&mut *self.modules.lock());
        drop(watched);
    }
}

fn watch_readers(modules: &Modules, hints: Sender<Hint>) -> Option<ReaderWatch> {
    let modules = modules.clone();
    // Whom each card was told to, so that they hear of its removal too, and how many modules there were.
    let mut told: BTreeMap<String, (Vec<usize>, usize)> = BTreeMap::new();
    let watch = ReaderWatch::start(move |event| {
        match event {
            CardEvent::Came { reader, card } => {
                let devices = usb::devices();
                let (asked, of) = modules.claim(|profiles| candidates(profiles, &card, &reader, &devices));
                modules.prompt(asked.iter().copied());
                let (before, known) = told.entry(reader).or_insert((Vec::new(), of));
                before.extend(asked);
                *known = of;
            }
            CardEvent::Gone { reader } => {
                let now = modules.lock().len();
                let (asked, of) = told.remove(&reader).unwrap_or((Vec::new(), now));
                // Those that were installed since have found it by themselves.
                modules.prompt(asked.into_iter().chain(of..now));
            }
            // A token may have been listed whose card nobody had seen yet.
            CardEvent::NoService => modules.prompt(modules.with(|profile| profile.recognition.only_pcsc())),
        }
        let _ = hints.send(Hint::Look);
    });
    watch.inspect_err(|error| tracing::warn!(%error, "PC/SC readers are not watched")).ok()
}

#[cfg(any(target_os = "linux", windows))]
fn watch_devices(
    modules: &Modules,
    hints: Sender<Hint>,
    readers: Option<&ReaderWatch>,
) -> Option<notices::Notices> {
    let modules = modules.clone();
    let nudge = readers.map(ReaderWatch::nudge);
    let notices = notices::Notices::start(move |notice| {
        let concerns = |profile: &Profile| match notice {
            notices::Notice::Usb { vendor, product } => {
                profile.recognition.usb.is_empty() || profile.recognition.knows_usb(vendor, product)
            }
            notices::Notice::Unnamed => true,
        };
        modules.prompt(modules.with(concerns));
        if let Some(nudge) = &nudge {
            nudge();
        }
        let _ = hints.send(Hint::Look);
    });
    notices.inspect_err(|error| tracing::warn!(%error, "the system's notices are not heard")).ok()
}

impl Modules {
    fn lock(&self) -> MutexGuard<'_, Vec<Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Unless the profile's module is watched already.
    fn watch(&self, host_exe: &Path, driver: Driver) {
        let mut watched = self.lock();
        let profile = driver.profile.clone();
        if profile.quirks.single_process || watched.iter().any(|other| other.profile.name == profile.name) {
            return;
        }
        let watch = ModuleWatch::start(host_exe, driver, self.merge.clone())
            .inspect_err(|error| tracing::warn!(%error, "keys are not watched"))
            .ok();
        watched.push(Watched { profile, watch });
    }

    /// Which of so many claim a card.
    fn claim(
        &self,
        claims: impl FnOnce(&mut dyn Iterator<Item = &Profile>) -> Vec<usize>,
    ) -> (Vec<usize>, usize) {
        let watched = self.lock();
        (claims(&mut watched.iter().map(|one| one.profile.as_ref())), watched.len())
    }

    fn with(&self, concerns: impl Fn(&Profile) -> bool) -> Vec<usize> {
        let watched = self.lock();
        (0..watched.len()).filter(|at| concerns(&watched[*at].profile)).collect()
    }

    fn prompt(&self, asked: impl IntoIterator<Item = usize>) {
        let watched = self.lock();
        for watch in asked.into_iter().filter_map(|at| watched.get(at)?.watch.as_ref()) {
            watch.prompt(Prompt::Look);
        }
    }
}
