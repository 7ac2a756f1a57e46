//! The tokens that are inserted, as a screen sees them: told the moment they come and go, then read.
//!
//! Three threads. The watcher's tells what comes and goes. The reader's has driver hosts of its own and reads
//! certificates; it rests while a job has the token. The hub's own puts both together and tells the screen.

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
use ycd_token::{PinRetryCounter, TokenError, TokenEvent, TokenId, TokenInfo, TokenWatcher};

use self::read::{Reader, Task};
use crate::{
    context::Context,
    error::{AssistantError, Result, failure},
    lock::lock,
    models::{driver_from, model_name},
    revocation::Revocations,
    view::{
        CertificateOnToken, Event, MissingDriver, OnTokenState, PinView, TokenRef, TokenState, TokenView,
        TokensView, Tries,
    },
};

/// What lies on a token, as far as a screen needs it.
#[derive(Debug, Clone, Default)]
pub(crate) struct OnToken {
    pub certificates: Vec<(CertificateOnToken, Vec<u8>)>,
    pub pairs_without_certificate: u32,
    pub free_pairs: Option<u32>,
}

enum News {
    Watched(TokenEvent),
    /// All tokens, as the reader has just listed them; so many events of the watcher were known when it was asked to.
    Listed {
        tokens: Vec<TokenInfo>,
        events: u32,
    },
    Read {
        token: TokenId,
        outcome: std::result::Result<OnToken, TokenError>,
    },
    /// By a person's wish, or after a job: the tries left may be others, and certificates.
    Look {
        done: Option<Sender<()>>,
    },
    /// A work has the tokens for itself; told when nobody reads any more.
    JobBegins {
        rested: Sender<()>,
    },
    JobIsOver,
    TellAgain,
    Revocations,
    End,
}

/// A token that is slow to be read keeps no work from beginning for longer.
const REST: Duration = Duration::from_secs(5);

/// When to list again where watcher and reader do not agree: a token that was in for a moment only may be in one
/// listing and never in the watcher's, so that nobody would tell that it has gone. The last pause is repeated: a
/// watcher whose host does not start may disagree for hours.
const AGAIN: [Duration; 5] = [
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(15),
    Duration::from_secs(60),
];

pub(crate) struct TokenHub {
    handle: TokensHandle,
    threads: Vec<thread::JoinHandle<()>>,
}

/// For the parts that ask about tokens.
#[derive(Clone)]
pub(crate) struct TokensHandle {
    news: Sender<News>,
    state: Arc<Mutex<State>>,
    shared: Arc<Context>,
}

#[derive(Default)]
struct State {
    version: u32,
    looked: bool,
    tokens: BTreeMap<TokenId, Known>,
    /// Names of profiles.
    drivers_missing: Vec<String>,
    /// What the watcher has told, and how often it told something.
    watched: BTreeSet<TokenId>,
    events: u32,
    revocations: Revocations,
}

struct Known {
    info: TokenInfo,
    on_token: Option<std::result::Result<OnToken, TokenError>>,
}

impl TokenHub {
    pub fn start(shared: Arc<Context>) -> Self {
        let (news, heard) = mpsc::channel();
        let state = Arc::new(Mutex::new(State::default()));
        let handle = TokensHandle { news: news.clone(), state, shared: Arc::clone(&shared) };
        let watcher_news = news.clone();
        let watching = Arc::clone(&shared);
        // Ends with the process: the watcher blocks for as long as nothing happens.
        thread::spawn(move || {
            let watcher = TokenWatcher::start(&watching.drivers, watching.host_exe.as_deref());
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

    pub fn handle(&self) -> TokensHandle {
        self.handle.clone()
    }

    pub fn view(&self) -> TokensView {
        self.handle.view()
    }

    pub fn tell_again(&self) {
        let _ = self.handle.news.send(News::TellAgain);
    }
}

impl Drop for TokenHub {
    fn drop(&mut self) {
        let _ = self.handle.news.send(News::End);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl TokensHandle {
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
                News::Watched(TokenEvent::Arrived(info)) => {
                    again = Again::default();
                    let token = info.token_id.clone();
                    let is_new = self.change(|state| {
                        state.looked = true;
                        state.events += 1;
                        state.watched.insert(token.clone());
                        state.tokens.insert(token.clone(), Known { info, on_token: None }).is_none()
                    });
                    // What was listed a moment ago is being read already.
                    if !working && (is_new || !self.is_read(&token)) {
                        reader.give(Task::Read(token));
                    }
                }
                News::Watched(TokenEvent::Gone(token)) => {
                    again = Again::default();
                    self.change(|state| {
                        state.events += 1;
                        state.watched.remove(&token);
                        state.tokens.remove(&token);
                    });
                }
                News::Watched(TokenEvent::DriversMissing(names)) => {
                    self.change(|state| state.drivers_missing = names);
                    // What was installed since is known to hosts that are started from now on.
                    reader.give(Task::StartAnew);
                }
                // One came or went in the meantime: the list is not to be believed.
                News::Listed { events, .. } if lock(&self.state).events != events => self.list(reader),
                News::Listed { tokens, .. } => {
                    let (listed, agreed) = self.change(|state| state.take_list(tokens));
                    again.is_agreed(agreed);
                    if !working {
                        listed.into_iter().for_each(|token| reader.give(Task::Read(token)));
                    }
                }
                News::Read { token, outcome } => {
                    let is_gone = matches!(outcome, Err(TokenError::Removed | TokenError::NotFound { .. }));
                    self.was_read(&token, outcome);
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
                News::JobBegins { rested } => {
                    working = true;
                    reader.give(Task::Rest { rested });
                }
                News::JobIsOver => {
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

    fn was_read(&self, token: &TokenId, outcome: std::result::Result<OnToken, TokenError>) {
        if let Ok(on_token) = &outcome {
            self.shared.seen.note(&self.shared.data_dir, token, &on_token.certificates);
        }
        let has_certificates = outcome.as_ref().is_ok_and(|on_token| !on_token.certificates.is_empty());
        self.change(|state| {
            if let Some(known) = state.tokens.get_mut(token) {
                known.on_token = Some(outcome);
            }
            state.mark_revoked();
        });
        if has_certificates {
            self.ask_for_revocations();
        }
    }

    /// The authority's list, asked for beside: nobody waits for the network to see a token.
    fn ask_for_revocations(&self) {
        let now = self.shared.clock.now();
        if !lock(&self.state).revocations.is_due(now) {
            return;
        }
        let handle = self.clone();
        thread::spawn(move || {
            let fetched = Revocations::fetch(&handle.shared.data_dir, now);
            lock(&handle.state).revocations.take(fetched, now);
            let _ = handle.news.send(News::Revocations);
        });
    }

    fn is_read(&self, token: &TokenId) -> bool {
        lock(&self.state).tokens.get(token).is_some_and(|known| known.on_token.is_some())
    }

    /// Changes what is known, and tells it.
    fn change<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let (out, tokens) = {
            let mut state = lock(&self.state);
            let out = act(&mut state);
            state.version += 1;
            (out, self.shown(&state))
        };
        self.shared.events.tell(&Event::Tokens { tokens });
        out
    }

    pub fn view(&self) -> TokensView {
        self.shown(&lock(&self.state))
    }

    fn shown(&self, state: &State) -> TokensView {
        let language = self.shared.language();
        let missing = state.drivers_missing.iter().filter_map(|name| self.shared.drivers.profile(name));
        TokensView {
            version: state.version,
            looking: !state.looked,
            tokens: state.tokens.values().map(|known| self.token(known)).collect(),
            drivers_missing: missing
                .map(|profile| MissingDriver {
                    profile: profile.name.clone(),
                    model_name: model_name(profile, language),
                    from: driver_from(profile, language),
                })
                .collect(),
        }
    }

    fn token(&self, known: &Known) -> TokenView {
        let Known { info, on_token } = known;
        let language = self.shared.language();
        let profile = self.shared.drivers.profile(&info.profile);
        let (state, failed, read) = match on_token {
            None => (TokenState::Reading, None, OnToken::default()),
            Some(Ok(on_token)) => (TokenState::Read, None, on_token.clone()),
            Some(Err(error)) => {
                (TokenState::Unreadable, Some(failure(error.explain(language))), OnToken::default())
            }
        };
        let certificates: Vec<CertificateOnToken> =
            read.certificates.into_iter().map(|(shown, _)| shown).collect();
        TokenView {
            token_id: info.token_id.to_string(),
            tail: info.token_id.tail().to_owned(),
            model_name: profile.map(|profile| model_name(profile, language)).unwrap_or_default(),
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

    /// The tokens that are in, by name.
    pub fn present(&self) -> Vec<TokenId> {
        lock(&self.state).tokens.keys().cloned().collect()
    }

    /// Names a token as people tell tokens apart.
    pub fn name(&self, token: &TokenId) -> TokenRef {
        let on_token = lock(&self.state).tokens.get(token).and_then(|known| known.on_token.clone());
        let holder = on_token.and_then(std::result::Result::ok).and_then(|on_token| {
            let certificates: Vec<CertificateOnToken> =
                on_token.certificates.into_iter().map(|(shown, _)| shown).collect();
            current(&certificates).map(|at| certificates[at].holder.clone())
        });
        let holder = holder.or_else(|| self.shared.seen.holder_of(token));
        TokenRef { token_id: token.to_string(), tail: token.tail().to_owned(), holder }
    }

    /// DER of a certificate on a token that is in.
    pub fn certificate(&self, token: &str, serial: &str) -> Result<Vec<u8>> {
        let token = TokenId::from(token.to_owned());
        let state = lock(&self.state);
        let on_token = state.tokens.get(&token).and_then(|known| known.on_token.as_ref());
        let Some(Ok(on_token)) = on_token else {
            return Err(AssistantError::TokenGone { token: token.to_string() });
        };
        let found = on_token.certificates.iter().find(|(shown, _)| shown.serial == serial);
        let found = found.map(|(_, der)| der.clone());
        found.ok_or_else(|| AssistantError::CertificateGone { serial: serial.to_owned() })
    }

    /// A work has the tokens until [`job_is_over`](Self::job_is_over): nobody reads beside it. Waits until the reader
    /// has ended its hosts.
    pub fn job_begins(&self) {
        let (rested, waits) = mpsc::channel();
        let _ = self.news.send(News::JobBegins { rested });
        let _ = waits.recv_timeout(REST);
    }

    pub fn job_is_over(&self) {
        let _ = self.news.send(News::JobIsOver);
    }

    /// Looks at the tokens again; waits until they have been listed.
    pub fn look(&self) {
        let (done, listed) = mpsc::channel();
        let _ = self.news.send(News::Look { done: Some(done) });
        // Ends at once where a job has the tokens.
        let _ = listed.recv();
    }
}

/// When to list the tokens once more.
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

    /// Whether those who know of tokens agree.
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
    /// Takes over a listing, which is the whole truth about tokens that the watcher has not told of: those it has told
    /// of go when it says so. Gives what was listed, and whether the watcher knows the same tokens.
    fn take_list(&mut self, listed: Vec<TokenInfo>) -> (BTreeSet<TokenId>, bool) {
        self.looked = true;
        let names: BTreeSet<TokenId> = listed.iter().map(|info| info.token_id.clone()).collect();
        self.tokens.retain(|token, _| names.contains(token) || self.watched.contains(token));
        for info in listed {
            let on_token = self.tokens.remove(&info.token_id).and_then(|known| known.on_token);
            self.tokens.insert(info.token_id.clone(), Known { info, on_token });
        }
        let agreed = names == self.watched;
        (names, agreed)
    }

    fn mark_revoked(&mut self) {
        for known in self.tokens.values_mut() {
            let Some(Ok(on_token)) = &mut known.on_token else { continue };
            for (shown, der) in &mut on_token.certificates {
                if self.revocations.revokes(der) {
                    shown.state = OnTokenState::Revoked;
                }
            }
        }
    }
}

/// The newest that can be used, else the newest; they stand newest first.
fn current(certificates: &[CertificateOnToken]) -> Option<usize> {
    let usable = certificates.iter().position(|certificate| certificate.state.is_usable());
    usable.or((!certificates.is_empty()).then_some(0))
}

fn pin_view(info: &TokenInfo) -> PinView {
    PinView {
        retry_counter: retry_counter(info.pin.retry_counter),
        is_locked: info.pin.retry_counter.is_locked(),
        is_last_try: info.pin.retry_counter.is_last(),
        is_set: info.pin.is_set,
        is_initial: info.pin.is_initial,
        min_len: info.pin.min_len,
        max_len: info.pin.max_len,
    }
}

pub(crate) fn retry_counter(retry_counter: PinRetryCounter) -> Tries {
    match retry_counter {
        PinRetryCounter::Exactly(0) | PinRetryCounter::None => Tries::Locked,
        PinRetryCounter::Exactly(n) => Tries::Exactly { n },
        PinRetryCounter::NotLow => Tries::NotLow,
        PinRetryCounter::Low => Tries::Low,
        PinRetryCounter::FinalTry => Tries::FinalTry,
    }
}

#[cfg(test)]
mod tests {
    use ycd_token::PinState;

    use super::*;

    fn token(serial: &str) -> TokenInfo {
        TokenInfo {
            token_id: TokenId::new("f", serial),
            profile: "f".into(),
            label: String::new(),
            serial_number: serial.into(),
            manufacturer: String::new(),
            model: String::new(),
            slot: 1,
            pin: PinState {
                retry_counter: PinRetryCounter::NotLow,
                is_set: true,
                is_initial: false,
                min_len: 6,
                max_len: 16,
            },
        }
    }

    fn shown(state: &State) -> Vec<&str> {
        state.tokens.values().map(|known| known.info.serial_number.as_str()).collect()
    }

    #[test]
    fn a_listing_is_the_truth_about_tokens_that_the_watcher_has_not_told_of() {
        let mut state = State::default();
        // Seen by the reader alone: so far nobody agrees.
        assert!(!state.take_list(vec![token("A")]).1);
        assert_eq!(shown(&state), ["A"]);
        // Listed no more, and the watcher never knew it.
        assert!(state.take_list(Vec::new()).1);
        assert!(shown(&state).is_empty());
    }

    #[test]
    fn a_token_that_the_watcher_has_told_of_goes_when_the_watcher_says_so() {
        let mut state = State::default();
        state.watched.insert(TokenId::new("f", "A"));
        assert!(state.take_list(vec![token("A")]).1);
        assert!(!state.take_list(Vec::new()).1);
        assert_eq!(shown(&state), ["A"]);
    }

    #[test]
    fn what_was_read_of_a_token_stays_with_it() {
        let mut state = State::default();
        state.take_list(vec![token("A")]);
        let known = state.tokens.get_mut(&TokenId::new("f", "A")).unwrap();
        known.on_token = Some(Ok(OnToken { pairs_without_certificate: 7, ..OnToken::default() }));
        let (listed, _) = state.take_list(vec![token("A"), token("B")]);
        assert_eq!(listed.len(), 2);
        let read = |serial: &str| state.tokens[&TokenId::new("f", serial)].on_token.is_some();
        assert!(read("A") && !read("B"));
    }
}
