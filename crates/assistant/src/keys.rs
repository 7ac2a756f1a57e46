//! The keys that are inserted, as a screen sees them: told the moment they come and go, then read.
//!
//! Three threads. The watcher's tells what comes and goes. The reader's has driver hosts of its own and reads
//! certificates; it rests while a work has the key. The hub's own puts both together and tells the screen.

mod read;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use ycd_flows::messages::Explain as _;
use ycd_token::{KeyEvent, KeyId, KeyInfo, KeyWatcher, TokenError, TriesLeft};

use self::read::{Reader, Task};
use crate::{
    assistant::{Shared, lock},
    error::{AssistantError, Result, failure},
    makes::{driver_from, make},
    revocation::Revocations,
    view::{
        CertificateOnKey, Event, KeyRef, KeyState, KeyView, KeysView, MissingDriver, OnKeyState, PinView,
        Tries,
    },
};

/// What lies on a key, as far as a screen needs it.
#[derive(Debug, Clone, Default)]
pub(crate) struct OnKey {
    pub certificates: Vec<(CertificateOnKey, Vec<u8>)>,
    pub pairs_without_certificate: u32,
    pub free_pairs: Option<u32>,
}

enum News {
    Watched(KeyEvent),
    /// All keys, as the reader has just listed them; so many events of the watcher were known when it was asked to.
    Listed {
        keys: Vec<KeyInfo>,
        events: u32,
    },
    Read {
        key: KeyId,
        outcome: std::result::Result<OnKey, TokenError>,
    },
    /// By a person's wish, or after a work: the tries left may be others, and certificates.
    Look {
        done: Option<Sender<()>>,
    },
    /// A work has the keys for itself; told when nobody reads any more.
    WorkBegins {
        rested: Sender<()>,
    },
    WorkIsOver,
    TellAgain,
    Revocations,
    End,
}

/// A key that is slow to be read keeps no work from beginning for longer.
const REST: Duration = Duration::from_secs(5);

/// When to list again where watcher and reader do not agree: a key that was in for a moment only may be in one listing
/// and never in the watcher's, so that nobody would tell that it has gone.
/// The last pause is repeated: a watcher whose host does not start may disagree for hours.
const AGAIN: [Duration; 5] = [
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(15),
    Duration::from_secs(60),
];

pub(crate) struct KeyHub {
    handle: KeysHandle,
    threads: Vec<thread::JoinHandle<()>>,
}

/// For the parts that ask about keys.
#[derive(Clone)]
pub(crate) struct KeysHandle {
    news: Sender<News>,
    state: Arc<Mutex<State>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct State {
    version: u32,
    looked: bool,
    keys: BTreeMap<KeyId, Known>,
    /// Names of profiles.
    drivers_missing: Vec<String>,
    /// What the watcher has told, and how often it told something.
    watched: BTreeSet<KeyId>,
    events: u32,
    revocations: Revocations,
}

struct Known {
    info: KeyInfo,
    on_key: Option<std::result::Result<OnKey, TokenError>>,
}

impl KeyHub {
    pub fn start(shared: Arc<Shared>) -> Self {
        let (news, heard) = mpsc::channel();
        let state = Arc::new(Mutex::new(State::default()));
        let handle = KeysHandle { news: news.clone(), state, shared: Arc::clone(&shared) };
        let watcher_news = news.clone();
        let watching = Arc::clone(&shared);
        // Ends with the process: the watcher blocks for as long as nothing happens.
        thread::spawn(move || {
            let watcher = KeyWatcher::start(&watching.drivers, watching.host_exe.as_deref());
            while let Ok(event) = watcher.events().recv() {
                if watcher_news.send(News::Watched(event)).is_err() {
                    break;
                }
            }
        });
        let reader = Reader::start(Arc::clone(&shared), news);
        let hub = handle.clone();
        let thread = thread::spawn(move || hub.run(&heard, &reader));
        let _ = handle.news.send(News::Look { done: None });
        Self { handle, threads: vec![thread] }
    }

    pub fn handle(&self) -> KeysHandle {
        self.handle.clone()
    }

    pub fn view(&self) -> KeysView {
        self.handle.view()
    }

    pub fn tell_again(&self) {
        let _ = self.handle.news.send(News::TellAgain);
    }
}

impl Drop for KeyHub {
    fn drop(&mut self) {
        let _ = self.handle.news.send(News::End);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl KeysHandle {
    fn run(&self, heard: &Receiver<News>, reader: &Reader) {
        let mut working = false;
        let mut again = Again::default();
        loop {
            let news = match again.hear(heard) {
                Ok(news) => news,
                Err(RecvTimeoutError::Timeout) if working => continue,
                Err(RecvTimeoutError::Timeout) => {
                    self.list(reader);
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            match news {
                News::Watched(KeyEvent::Arrived(info)) => {
                    again = Again::default();
                    let key = info.key_id.clone();
                    let is_new = self.change(|state| {
                        state.looked = true;
                        state.events += 1;
                        state.watched.insert(key.clone());
                        state.keys.insert(key.clone(), Known { info, on_key: None }).is_none()
                    });
                    // What was listed a moment ago is being read already.
                    if !working && (is_new || !self.is_read(&key)) {
                        reader.give(Task::Read(key));
                    }
                }
                News::Watched(KeyEvent::Gone(key)) => {
                    again = Again::default();
                    self.change(|state| {
                        state.events += 1;
                        state.watched.remove(&key);
                        state.keys.remove(&key);
                    });
                }
                News::Watched(KeyEvent::DriversMissing(names)) => {
                    self.change(|state| state.drivers_missing = names);
                    // What was installed since is known to hosts that are started from now on.
                    reader.give(Task::StartAnew);
                }
                // One came or went in the meantime: the list is not to be believed.
                News::Listed { events, .. } if lock(&self.state).events != events => self.list(reader),
                News::Listed { keys, .. } => {
                    let (listed, agreed) = self.change(|state| state.take_list(keys));
                    again.is_agreed(agreed);
                    if !working {
                        listed.into_iter().for_each(|key| reader.give(Task::Read(key)));
                    }
                }
                News::Read { key, outcome } => {
                    let is_gone = matches!(outcome, Err(TokenError::Removed | TokenError::NotFound { .. }));
                    self.was_read(&key, outcome);
                    if is_gone {
                        again.is_agreed(false);
                    }
                }
                News::Look { done } => {
                    if !working {
                        self.list(reader);
                        reader.give(Task::Done(done));
                    }
                }
                News::WorkBegins { rested } => {
                    working = true;
                    reader.give(Task::Rest { rested });
                }
                News::WorkIsOver => {
                    working = false;
                    again = Again::default();
                    self.list(reader);
                }
                News::TellAgain => self.change(|_| ()),
                News::Revocations => self.change(State::mark_revoked),
                News::End => break,
            }
        }
    }

    fn list(&self, reader: &Reader) {
        reader.give(Task::List { events: lock(&self.state).events });
    }

    fn was_read(&self, key: &KeyId, outcome: std::result::Result<OnKey, TokenError>) {
        if let Ok(on_key) = &outcome {
            self.shared.seen.note(&self.shared, key, &on_key.certificates);
        }
        let has_certificates = outcome.as_ref().is_ok_and(|on_key| !on_key.certificates.is_empty());
        self.change(|state| {
            if let Some(known) = state.keys.get_mut(key) {
                known.on_key = Some(outcome);
            }
            state.mark_revoked();
        });
        if has_certificates {
            self.ask_for_revocations();
        }
    }

    /// The authority's list, asked for beside: nobody waits for the network to see a key.
    fn ask_for_revocations(&self) {
        let now = self.shared.clock.now();
        if !lock(&self.state).revocations.is_due(now) {
            return;
        }
        let handle = self.clone();
        thread::spawn(move || {
            let fetched = Revocations::fetch(&handle.shared.home, now);
            lock(&handle.state).revocations.take(fetched, now);
            let _ = handle.news.send(News::Revocations);
        });
    }

    fn is_read(&self, key: &KeyId) -> bool {
        lock(&self.state).keys.get(key).is_some_and(|known| known.on_key.is_some())
    }

    /// Changes what is known, and tells it.
    fn change<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let (out, keys) = {
            let mut state = lock(&self.state);
            let out = act(&mut state);
            state.version += 1;
            (out, self.shown(&state))
        };
        self.shared.events.tell(&Event::Keys { keys });
        out
    }

    pub fn view(&self) -> KeysView {
        self.shown(&lock(&self.state))
    }

    fn shown(&self, state: &State) -> KeysView {
        let language = self.shared.language();
        let missing = state.drivers_missing.iter().filter_map(|name| self.shared.drivers.profile(name));
        KeysView {
            version: state.version,
            looking: !state.looked,
            keys: state.keys.values().map(|known| self.key(known)).collect(),
            drivers_missing: missing
                .map(|profile| MissingDriver {
                    profile: profile.name.clone(),
                    make: make(profile, language),
                    from: driver_from(profile, language),
                })
                .collect(),
        }
    }

    fn key(&self, known: &Known) -> KeyView {
        let Known { info, on_key } = known;
        let language = self.shared.language();
        let profile = self.shared.drivers.profile(&info.profile);
        let (state, failed, read) = match on_key {
            None => (KeyState::Reading, None, OnKey::default()),
            Some(Ok(on_key)) => (KeyState::Read, None, on_key.clone()),
            Some(Err(error)) => {
                (KeyState::Unreadable, Some(failure(error.explain(language))), OnKey::default())
            }
        };
        let certificates: Vec<CertificateOnKey> =
            read.certificates.into_iter().map(|(shown, _)| shown).collect();
        KeyView {
            key_id: info.key_id.to_string(),
            tail: info.key_id.tail().to_owned(),
            make: profile.map(|profile| make(profile, language)).unwrap_or_default(),
            label: info.label.clone(),
            model: info.model.clone(),
            serial_number: info.serial_number.clone(),
            state,
            failure: failed,
            pin: pin_view(info),
            current: current(&certificates).and_then(|at| u32::try_from(at).ok()),
            certificates,
            pairs_without_certificate: read.pairs_without_certificate,
            free_pairs: read.free_pairs,
        }
    }

    /// The keys that are in, by name.
    pub fn present(&self) -> Vec<KeyId> {
        lock(&self.state).keys.keys().cloned().collect()
    }

    /// Names a key as people tell keys apart.
    pub fn name(&self, key: &KeyId) -> KeyRef {
        let on_key = lock(&self.state).keys.get(key).and_then(|known| known.on_key.clone());
        let holder = on_key.and_then(std::result::Result::ok).and_then(|on_key| {
            let certificates: Vec<CertificateOnKey> =
                on_key.certificates.into_iter().map(|(shown, _)| shown).collect();
            current(&certificates).map(|at| certificates[at].holder.clone())
        });
        let holder = holder.or_else(|| self.shared.seen.holder_of(key));
        KeyRef { key_id: key.to_string(), tail: key.tail().to_owned(), holder }
    }

    /// DER of a certificate on a key that is in.
    pub fn certificate(&self, key: &str, serial: &str) -> Result<Vec<u8>> {
        let key = KeyId::from(key.to_owned());
        let state = lock(&self.state);
        let on_key = state.keys.get(&key).and_then(|known| known.on_key.as_ref());
        let Some(Ok(on_key)) = on_key else { return Err(AssistantError::KeyGone { key: key.to_string() }) };
        let found = on_key.certificates.iter().find(|(shown, _)| shown.serial == serial);
        let found = found.map(|(_, der)| der.clone());
        found.ok_or_else(|| AssistantError::CertificateGone { serial: serial.to_owned() })
    }

    /// A work has the keys until [`work_is_over`](Self::work_is_over): nobody reads beside it. Waits until the reader has
    /// ended its hosts.
    pub fn work_begins(&self) {
        let (rested, waits) = mpsc::channel();
        let _ = self.news.send(News::WorkBegins { rested });
        let _ = waits.recv_timeout(REST);
    }

    pub fn work_is_over(&self) {
        let _ = self.news.send(News::WorkIsOver);
    }

    /// Looks at the keys again; waits until they have been listed.
    pub fn look(&self) {
        let (done, listed) = mpsc::channel();
        let _ = self.news.send(News::Look { done: Some(done) });
        // Ends at once where a work has the keys.
        let _ = listed.recv();
    }
}

/// When to list the keys once more.
#[derive(Default)]
struct Again {
    times: usize,
    at: Option<Instant>,
}

impl Again {
    /// The next news, or that it is time to list.
    fn hear(&mut self, heard: &Receiver<News>) -> std::result::Result<News, RecvTimeoutError> {
        let Some(at) = self.at else { return heard.recv().map_err(|_| RecvTimeoutError::Disconnected) };
        let news = heard.recv_timeout(at.saturating_duration_since(Instant::now()));
        if matches!(news, Err(RecvTimeoutError::Timeout)) {
            self.at = None;
        }
        news
    }

    /// Whether those who know of keys agree.
    fn is_agreed(&mut self, agreed: bool) {
        if agreed {
            *self = Self::default();
        } else if self.at.is_none() {
            let pause = AGAIN[self.times.min(AGAIN.len() - 1)];
            self.times += 1;
            self.at = Some(Instant::now() + pause);
        }
    }
}

impl State {
    /// Takes over a listing, which is the whole truth about keys that the watcher has not told of: those it has told of
    /// go when it says so. Gives what was listed, and whether the watcher knows the same keys.
    fn take_list(&mut self, listed: Vec<KeyInfo>) -> (BTreeSet<KeyId>, bool) {
        self.looked = true;
        let names: BTreeSet<KeyId> = listed.iter().map(|info| info.key_id.clone()).collect();
        self.keys.retain(|key, _| names.contains(key) || self.watched.contains(key));
        for info in listed {
            let on_key = self.keys.remove(&info.key_id).and_then(|known| known.on_key);
            self.keys.insert(info.key_id.clone(), Known { info, on_key });
        }
        let agreed = names == self.watched;
        (names, agreed)
    }

    fn mark_revoked(&mut self) {
        for known in self.keys.values_mut() {
            let Some(Ok(on_key)) = &mut known.on_key else { continue };
            for (shown, der) in &mut on_key.certificates {
                if self.revocations.revokes(der) {
                    shown.state = OnKeyState::Revoked;
                }
            }
        }
    }
}

/// The newest that can be used, else the newest; they stand newest first.
fn current(certificates: &[CertificateOnKey]) -> Option<usize> {
    let usable = certificates.iter().position(|certificate| certificate.state.is_usable());
    usable.or((!certificates.is_empty()).then_some(0))
}

fn pin_view(info: &KeyInfo) -> PinView {
    PinView {
        tries: tries(info.pin.tries),
        is_locked: info.pin.tries.is_locked(),
        is_last_try: info.pin.tries.is_last(),
        is_set: info.pin.is_set,
        is_initial: info.pin.is_initial,
        min_len: info.pin.min_len,
        max_len: info.pin.max_len,
    }
}

pub(crate) fn tries(tries: TriesLeft) -> Tries {
    match tries {
        TriesLeft::Exactly(0) | TriesLeft::None => Tries::Locked,
        TriesLeft::Exactly(n) => Tries::Exactly { n },
        TriesLeft::NotLow => Tries::NotLow,
        TriesLeft::Low => Tries::Low,
        TriesLeft::Last => Tries::Last,
    }
}

#[cfg(test)]
mod tests {
    use ycd_token::PinState;

    use super::*;

    fn key(serial: &str) -> KeyInfo {
        KeyInfo {
            key_id: KeyId::new("f", serial),
            profile: "f".into(),
            label: String::new(),
            serial_number: serial.into(),
            manufacturer: String::new(),
            model: String::new(),
            slot: 1,
            pin: PinState {
                tries: TriesLeft::NotLow,
                is_set: true,
                is_initial: false,
                min_len: 6,
                max_len: 16,
            },
        }
    }

    fn shown(state: &State) -> Vec<&str> {
        state.keys.values().map(|known| known.info.serial_number.as_str()).collect()
    }

    #[test]
    fn a_listing_is_the_truth_about_keys_that_the_watcher_has_not_told_of() {
        let mut state = State::default();
        // Seen by the reader alone: so far nobody agrees.
        assert!(!state.take_list(vec![key("A")]).1);
        assert_eq!(shown(&state), ["A"]);
        // Listed no more, and the watcher never knew it.
        assert!(state.take_list(Vec::new()).1);
        assert!(shown(&state).is_empty());
    }

    #[test]
    fn a_key_that_the_watcher_has_told_of_goes_when_the_watcher_says_so() {
        let mut state = State::default();
        state.watched.insert(KeyId::new("f", "A"));
        assert!(state.take_list(vec![key("A")]).1);
        assert!(!state.take_list(Vec::new()).1);
        assert_eq!(shown(&state), ["A"]);
    }

    #[test]
    fn what_was_read_of_a_key_stays_with_it() {
        let mut state = State::default();
        state.take_list(vec![key("A")]);
        let known = state.keys.get_mut(&KeyId::new("f", "A")).unwrap();
        known.on_key = Some(Ok(OnKey { pairs_without_certificate: 7, ..OnKey::default() }));
        let (listed, _) = state.take_list(vec![key("A"), key("B")]);
        assert_eq!(listed.len(), 2);
        let read = |serial: &str| state.keys[&KeyId::new("f", serial)].on_key.is_some();
        assert!(read("A") && !read("B"));
    }
}
