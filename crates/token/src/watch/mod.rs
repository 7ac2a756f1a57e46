//! Keys coming and going: all sources of news as one stream.
//!
//! | source | for |
//! | --- | --- |
//! | cards in PC/SC readers ([`ReaderWatch`]) | every module; those that claim the card first |
//! | C_WaitForSlotEvent in a host of its own | makes that come without PC/SC |
//! | the system's notices of USB devices | modules that cannot wait |
//! | a look every `poll_ms` | where a profile asks for it |
//!
//! News are hints: each makes a host list the keys of its module, and what is told is how the listings differ.

mod merge;
mod module;
#[cfg(target_os = "linux")]
mod notices;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};

use self::merge::Merge;
use self::module::{ModuleWatch, Prompt};
use crate::candidates::candidates;
use crate::host::default_host_exe;
use crate::profile::{Drivers, Profile};
use crate::readers::{CardEvent, ReaderWatch};
use crate::{KeyId, KeyInfo, usb};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyEvent {
    Arrived(KeyInfo),
    Gone(KeyId),
}

/// Tells of keys that come and go, beginning with those that are there. Each key is told once, however many sources
/// and modules know it.
///
/// Hosts are the watcher's own and open no session. A module that bears one process only (`single_process`) is not
/// watched. Dropping the watcher ends hosts and threads.
pub struct KeyWatcher {
    events: Receiver<KeyEvent>,
    // In the order in which they are dropped: what prompts before what is prompted.
    #[cfg(target_os = "linux")]
    _notices: Option<notices::Notices>,
    _readers: Option<ReaderWatch>,
    _modules: Vec<ModuleWatch>,
}

/// Whom to tell of a card or a device.
#[derive(Clone)]
struct Audience(Arc<Vec<(Arc<Profile>, mpsc::Sender<Prompt>)>>);

impl KeyWatcher {
    /// `host_exe` as for [`Keys::open`](crate::Keys::open).
    pub fn start(drivers: &Drivers, host_exe: Option<&Path>) -> Self {
        let host_exe = host_exe.map_or_else(default_host_exe, Path::to_owned);
        let (sender, events) = mpsc::channel();
        let merge = Arc::new(Mutex::new(Merge::new(sender)));
        let mut modules = Vec::new();
        let mut audience = Vec::new();
        for driver in drivers.find_modules() {
            if driver.profile.quirks.single_process {
                continue;
            }
            let profile = driver.profile.clone();
            match ModuleWatch::start(&host_exe, driver, merge.clone()) {
                Ok(module) => {
                    audience.push((profile, module.prompts()));
                    modules.push(module);
                }
                Err(error) => tracing::warn!(%error, "keys are not watched"),
            }
        }
        let audience = Audience(Arc::new(audience));
        let readers = if modules.is_empty() { None } else { watch_readers(&audience) };
        #[cfg(target_os = "linux")]
        let notices = if modules.is_empty() { None } else { watch_devices(&audience, readers.as_ref()) };
        Self {
            events,
            #[cfg(target_os = "linux")]
            _notices: notices,
            _readers: readers,
            _modules: modules,
        }
    }

    /// Closed once no module can be watched any more.
    pub fn events(&self) -> &Receiver<KeyEvent> {
        &self.events
    }
}

fn watch_readers(audience: &Audience) -> Option<ReaderWatch> {
    let audience = audience.clone();
    // Whom each card was told to, so that they hear of its removal too.
    let mut told: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let watch = ReaderWatch::start(move |event| match event {
        CardEvent::Came { reader, card } => {
            let profiles = audience.0.iter().map(|(profile, _)| profile.as_ref());
            let asked = candidates(profiles, &card, &reader, &usb::devices());
            audience.prompt(&asked);
            told.entry(reader).or_default().extend(asked);
        }
        CardEvent::Gone { reader } => audience.prompt(&told.remove(&reader).unwrap_or_default()),
        // A key may have been listed whose card nobody had seen yet.
        CardEvent::NoService => audience.prompt(&audience.with(|profile| profile.recognition.only_pcsc())),
    });
    watch.inspect_err(|error| tracing::warn!(%error, "PC/SC readers are not watched")).ok()
}

#[cfg(target_os = "linux")]
fn watch_devices(audience: &Audience, readers: Option<&ReaderWatch>) -> Option<notices::Notices> {
    let audience = audience.clone();
    let nudge = readers.map(ReaderWatch::nudge);
    let notices = notices::Notices::start(move |notice| {
        let concerns = |profile: &Profile| match notice {
            notices::Notice::Usb { vendor, product } => {
                profile.recognition.usb.is_empty() || profile.recognition.knows_usb(vendor, product)
            }
            notices::Notice::Lost => true,
        };
        audience.prompt(&audience.with(concerns));
        if let Some(nudge) = &nudge {
            nudge();
        }
    });
    notices.inspect_err(|error| tracing::warn!(%error, "the system's notices are not heard")).ok()
}

impl Audience {
    fn with(&self, concerns: impl Fn(&Profile) -> bool) -> Vec<usize> {
        (0..self.0.len()).filter(|at| concerns(&self.0[*at].0)).collect()
    }

    fn prompt(&self, asked: &[usize]) {
        for (_, prompts) in asked.iter().filter_map(|at| self.0.get(*at)) {
            let _ = prompts.send(Prompt::Look);
        }
    }
}
