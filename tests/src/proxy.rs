//! A proxy between assistant and portal that does to requests what networks do: cuts them before or after the portal
//! acted, holds them back and delivers them later, doubles them, answers something else, or answers slowly.
//!
//! Plain HTTP/1.1 over a socket, one request a connection.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Fate {
    Pass,
    /// The connection is cut; the portal never hears of it.
    CutBefore,
    /// The portal acts; its answer is lost.
    CutAfter,
    /// Kept for [`FaultProxy::deliver`]; the connection is cut.
    Hold,
    /// The portal gets it twice; the second answer is given.
    Twice,
    /// The portal never hears of it; this is answered.
    Answer {
        status: u16,
        content_type: &'static str,
        body: String,
    },
    /// The portal acts; its answer's body goes through this.
    Alter(fn(String) -> String),
    /// Passed on after this long.
    Slow(Duration),
}

type Rule = Box<dyn FnMut(&Call) -> Fate + Send>;

/// A request as rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub method: String,
    pub path: String,
    /// How many requests came before it, since the rule was set.
    pub index: usize,
}

/// Listens on a loopback port of its own; stops taking connections when dropped.
pub struct FaultProxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    upstream: SocketAddr,
    rule: Rule,
    calls: Vec<Call>,
    held: Vec<Vec<u8>>,
    stopped: bool,
}

impl FaultProxy {
    pub fn before(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = Arc::new(Mutex::new(State {
            upstream,
            rule: Box::new(|_| Fate::Pass),
            calls: Vec::new(),
            held: Vec::new(),
            stopped: false,
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for connection in listener.incoming() {
                if shared.lock().expect("no thread panics while holding it").stopped {
                    break;
                }
                let (Ok(connection), shared) = (connection, Arc::clone(&shared)) else { continue };
                // A connection that breaks is the client's to notice.
                thread::spawn(move || drop(serve(connection, &shared)));
            }
        });
        Self { address, state }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Replaces the rule, and counts requests from 0 again.
    pub fn set(&self, rule: impl FnMut(&Call) -> Fate + Send + 'static) {
        let mut state = self.locked();
        state.rule = Box::new(rule);
        state.calls.clear();
    }

    pub fn pass_all(&self) {
        self.set(|_| Fate::Pass);
    }

    /// Requests since the rule was set.
    pub fn calls(&self) -> Vec<Call> {
        self.locked().calls.clone()
    }

    /// Points it at a portal that was started again on another port.
    pub fn redirect(&self, upstream: SocketAddr) {
        self.locked().upstream = upstream;
    }

    /// How many requests are held back.
    pub fn held(&self) -> usize {
        self.locked().held.len()
    }

    /// A request that was held back arrives now; its sender is long gone. Gives the status of the answer.
    pub fn deliver(&self, index: usize) -> u16 {
        let (upstream, request) = {
            let mut state = self.locked();
            (state.upstream, state.held.remove(index))
        };
        let answer = exchange(upstream, &request).expect("the portal answers");
        let text = String::from_utf8_lossy(&answer);
        text.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an HTTP status")
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics while holding it")
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.locked().stopped = true;
        drop(TcpStream::connect(self.address));
    }
}

fn serve(mut connection: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let request = read_request(&mut connection)?;
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line).into_owned();
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (fate, upstream) = {
        let mut state = state.lock().expect("no thread panics while holding it");
        let call = Call { method: method.to_owned(), path: path.to_owned(), index: state.calls.len() };
        state.calls.push(call.clone());
        let fate = (state.rule)(&call);
        if matches!(fate, Fate::Hold) {
            state.held.push(request.clone());
        }
        (fate, state.upstream)
    };
    let answer = match fate {
        Fate::CutBefore | Fate::Hold => return Ok(()),
        Fate::Pass => exchange(upstream, &request)?,
        Fate::CutAfter => {
            exchange(upstream, &request)?;
            return Ok(());
        }
        Fate::Twice => {
            exchange(upstream, &request)?;
            exchange(upstream, &request)?
        }
        Fate::Slow(pause) => {
            thread::sleep(pause);
            exchange(upstream, &request)?
        }
        Fate::Answer { status, content_type, body } => answer(status, content_type, &body),
        Fate::Alter(change) => {
            let whole = exchange(upstream, &request)?;
            let text = String::from_utf8_lossy(&whole);
            let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
            let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(502);
            answer(status, "application/json", &change(body.to_owned()))
        }
    };
    connection.write_all(&answer)
}

fn answer(status: u16, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Made Up\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Head and body, with `connection: close` put in so that one connection is one exchange.
fn read_request(connection: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    connection.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(connection);
    let (mut request, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if lower.starts_with("connection:") {
            continue;
        }
        if line == "\r\n" {
            request.extend_from_slice(b"connection: close\r\n\r\n");
            break;
        }
        request.extend_from_slice(line.as_bytes());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    request.extend_from_slice(&body);
    Ok(request)
}

fn exchange(upstream: SocketAddr, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut connection = TcpStream::connect(upstream)?;
    connection.set_read_timeout(Some(Duration::from_secs(30)))?;
    connection.write_all(request)?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    Ok(answer)
}
