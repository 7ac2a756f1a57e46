//! Being the card: in the reader exactly while the token's state says inserted.
//!
//! | what happens | what follows |
//! | --- | --- |
//! | the token is inserted, by whoever | the card connects; a reader that does not answer is tried for ten seconds |
//! | the token is pulled, by whoever | the card disconnects |
//! | the reader closes the connection, or never answers | the token is pulled; the next insertion connects again |
//! | the runner is stopped | the token is pulled |
//! | its process is killed | its locks are gone, so that every interface takes the token for pulled; the next runner, or insertion, writes it down |
//!
//! Whether the token was in a reader stands in its state, and whether that reader's runner lives is told by a lock. A
//! token that no runner serves is inserted and pulled as ever.

use std::io;
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::commands::Card;
use super::frames;
use super::watch::{Waker, Watch};
use crate::admin;
use crate::error::{Error, Result};
use crate::soft_token::SoftToken;
use crate::store::{Folder, InReader};

/// A reader that has just been started is waited for this long.
const READER_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_EVERY: Duration = Duration::from_millis(100);
const CONNECT_AT_MOST: Duration = Duration::from_secs(2);

/// What a runner tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The card is in the reader.
    Connected,
    /// It is out, because the token was pulled.
    Pulled,
    /// It is out, and the token pulled, because the reader closed the connection.
    ReaderClosed,
    /// The token was pulled because nobody answered at the reader's address.
    NoReader,
    /// The runner has ended; [`Runner::stop`] tells why.
    Ended,
}

/// A card that comes and goes with its token. Dropping it pulls the token and waits until that is done.
pub struct Runner {
    stop: Arc<AtomicBool>,
    waker: Waker,
    thread: Option<JoinHandle<Result<()>>>,
}

/// Makes this process the smart card of a token, in the virtual reader at `reader` (`host:port`).
///
/// # Errors
/// [`Error::NoSuchToken`]; [`Error::InReader`] where a process is its card already; [`Error::BadField`] for an address
/// without a port.
pub fn start(
    dir: impl AsRef<Path>,
    serial_number: &str,
    reader: &str,
    tell: impl FnMut(Event) + Send + 'static,
) -> Result<Runner> {
    start_with_timeout(dir.as_ref(), serial_number, reader, READER_TIMEOUT, Box::new(tell))
}

fn start_with_timeout(
    dir: &Path,
    serial_number: &str,
    reader: &str,
    timeout: Duration,
    tell: Box<dyn FnMut(Event) + Send>,
) -> Result<Runner> {
    let mut token = admin::existing(dir, serial_number)?;
    if !reader.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
        return Err(Error::BadField { field: "reader", rule: "HOST:PORT" });
    }
    let watch = Watch::new(dir)?;
    let card = token.become_card()?;
    let (stop, waker) = (Arc::new(AtomicBool::new(false)), watch.waker());
    let turns = Turns {
        folder: Folder::new(dir),
        serial_number: serial_number.to_owned(),
        reader: reader.to_owned(),
        token,
        watch,
        stop: Arc::clone(&stop),
        timeout,
        tell,
        _card: card,
    };
    let thread = thread::Builder::new().name("ycd-card".to_owned()).spawn(|| turns.run());
    Ok(Runner { stop, waker, thread: Some(thread.map_err(Error::io(dir))?) })
}

impl Runner {
    /// Pulls the token, if it is in, and ends.
    pub fn stop(mut self) -> Result<()> {
        self.end()
    }

    /// Has it pull the token and end, and does not wait: [`Event::Ended`] tells.
    pub fn ask_to_stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.waker.wake();
    }

    fn end(&mut self) -> Result<()> {
        self.ask_to_stop();
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            Some(Err(_)) => Err(Error::Crypto("the card panicked")),
            None => Ok(()),
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // Who wants to know how it ended calls `stop`.
        let _ = self.end();
    }
}

struct Turns {
    folder: Folder,
    serial_number: String,
    reader: String,
    token: SoftToken,
    watch: Watch,
    stop: Arc<AtomicBool>,
    /// How long a reader that does not answer is tried.
    timeout: Duration,
    tell: Box<dyn FnMut(Event) + Send>,
    /// Let go after everything else.
    _card: InReader,
}

impl Turns {
    fn run(mut self) -> Result<()> {
        let outcome = self.turns();
        let pulled = match self.token.insertion() {
            Ok(Some(insertion)) => self.token.end_insertion(insertion),
            Ok(None) => Ok(()),
            Err(e) => Err(e),
        };
        (self.tell)(Event::Ended);
        outcome.and(pulled)
    }

    fn turns(&mut self) -> Result<()> {
        while !self.stopping() {
            match self.token.insertion()? {
                Some(insertion) => self.insertion(insertion)?,
                None => self.watch.wait(None),
            }
        }
        Ok(())
    }

    /// One insertion, from first to last.
    fn insertion(&mut self, insertion: u64) -> Result<()> {
        // Written down before the reader sees the card: a kill at any point leaves a token that is out.
        match self.token.enter_reader(insertion) {
            Err(Error::Removed) => return Ok(()),
            other => other?,
        }
        let Some(connection) = self.connect(insertion)? else { return Ok(()) };
        (self.tell)(Event::Connected);
        let served = self.serve(&connection, insertion)?;
        // Also where the runner is stopped: whoever hears the event finds the token pulled.
        self.token.end_insertion(insertion)?;
        (self.tell)(served);
        Ok(())
    }

    /// `None` when the insertion ends before the reader answers, or because it does not.
    fn connect(&mut self, insertion: u64) -> Result<Option<TcpStream>> {
        let until = Instant::now() + self.timeout;
        loop {
            match connect(&self.reader) {
                Ok(connection) => return Ok(Some(connection)),
                Err(_) if Instant::now() >= until => {
                    self.token.end_insertion(insertion)?;
                    (self.tell)(Event::NoReader);
                    return Ok(None);
                }
                Err(_) => self.watch.wait(Some(CONNECT_EVERY)),
            }
            if self.stopping() || self.token.insertion()? != Some(insertion) {
                return Ok(None);
            }
        }
    }

    /// Answers the reader until one side ends it.
    fn serve(&mut self, connection: &TcpStream, insertion: u64) -> Result<Event> {
        let out = Out::default();
        let mut card =
            Card::new(SoftToken::new(&self.folder, &self.serial_number), insertion, |time| out.pause(time));
        let (waker, closed) = (self.watch.waker(), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                let _last = OnDrop(|| {
                    closed.store(true, Ordering::Release);
                    waker.wake();
                });
                // It ends with the connection, and how says nothing more.
                let _ = frames::serve(connection, &mut card);
            });
            let outcome = loop {
                if closed.load(Ordering::Acquire) {
                    break Ok(Event::ReaderClosed);
                }
                match self.token.insertion() {
                    Ok(now) if now == Some(insertion) && !self.stopping() => self.watch.wait(None),
                    Ok(_) => break Ok(Event::Pulled),
                    Err(e) => break Err(e),
                }
            };
            out.set();
            // It fails where the reader was faster.
            let _ = connection.shutdown(Shutdown::Both);
            outcome
        })
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

fn connect(reader: &str) -> io::Result<TcpStream> {
    let mut failure = io::ErrorKind::AddrNotAvailable.into();
    for address in reader.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_AT_MOST) {
            Ok(connection) => {
                connection.set_nodelay(true)?;
                return Ok(connection);
            }
            Err(e) => failure = e,
        }
    }
    Err(failure)
}

/// The end of an insertion, which cuts a pause short.
#[derive(Default)]
struct Out {
    set: Mutex<bool>,
    changed: Condvar,
}

impl Out {
    fn set(&self) {
        *self.set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    fn pause(&self, time: Duration) {
        let set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        let _unset = self.changed.wait_timeout_while(set, time, |set| !*set);
    }
}

/// Comes also when the thread panics.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::admin::NewToken;

    #[test]
    fn where_no_reader_answers_the_token_is_pulled_and_the_next_insertion_tries_again() {
        let dir = tempfile::tempdir().unwrap();
        let new = NewToken { serial: Some("K1".into()), kdf: admin::Kdf::WEAK, ..NewToken::default() };
        admin::create(dir.path(), &new).unwrap();
        // Where nobody listens: only root could.
        let reader = "127.0.0.1:1";
        let (told, events) = channel();
        let tell = Box::new(move |event| told.send(event).unwrap());
        let timeout = Duration::from_millis(20);
        let _runner = start_with_timeout(dir.path(), "K1", reader, timeout, tell).unwrap();
        assert_eq!(events.recv(), Ok(Event::NoReader));
        assert!(!admin::list(dir.path()).unwrap()[0].inserted);
        admin::insert(dir.path(), "K1").unwrap();
        assert_eq!(events.recv(), Ok(Event::NoReader));
    }
}
