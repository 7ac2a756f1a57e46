//! What the driver host and its client say to each other.
//!
//! Each direction begins with [`PREAMBLE`]. After it come frames: a little-endian `u32` length in bytes, at most
//! [`MAX_FRAME`], and as many bytes of `postcard`. The client sends a [`Request`] and waits for the [`FromHost`] with
//! its number; the first request is [`Call::Open`]. Every buffer that a frame passes through is wiped, because a PIN
//! may be in it.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::operations::{TokenAnswer, TokenCall, UnlockAnswer, UnlockCall};
use crate::profile::{Deadlines, Profile};
use crate::{Result, TokenId, TokenInfo};

/// The protocol's name, and the release that its messages are of, in as many bytes as it has, then zeros. Messages have
/// no numbers that outlive a release: an assistant that was started before an upgrade, and a host that was installed by
/// it, are told apart before anything is decoded.
pub const PREAMBLE: [u8; 32] = preamble(env!("CARGO_PKG_VERSION"));

const NAME: [u8; 8] = *b"ycdhost\n";

const fn preamble(release: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    let (mut at, release) = (0, release.as_bytes());
    assert!(release.len() <= bytes.len() - NAME.len(), "the release's number is too long");
    while at < NAME.len() + release.len() {
        bytes[at] = if at < NAME.len() { NAME[at] } else { release[at - NAME.len()] };
        at += 1;
    }
    bytes
}

/// The other side is of another release of this program.
#[derive(Debug, thiserror::Error)]
#[error("driver host and assistant are of different releases")]
pub struct OtherRelease;

/// Bytes; certificates and authorizations are a few thousand.
pub const MAX_FRAME: usize = 4 << 20;

#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    pub id: u64,
    pub call: Call,
}

/// One whole operation.
#[derive(Debug, Serialize, Deserialize)]
pub enum Call {
    Open(Box<Open>),
    /// Does nothing.
    Ping,
    List,
    /// Blocks until a token comes or goes.
    WaitForEvent,
    /// Blocks until the system tells of a device that came or went, whatever it is.
    WaitForDevices,
    /// Which mechanisms of the profile each inserted token reports.
    Mechanisms,
    Token(TokenId, TokenCall),
    Unlock(TokenId, UnlockCall),
}

/// What a host is for.
#[derive(Debug, Serialize, Deserialize)]
pub struct Open {
    pub module: PathBuf,
    pub profile: Profile,
    /// Process that owns the host, by which a host on Windows notices that its owner is gone.
    pub owner: u32,
    /// Milliseconds without a call after which the host ends itself; 0 = never.
    pub idle_ms: u64,
}

impl Call {
    /// The operation's name in errors and logs.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Open(_) => "open",
            Self::Ping => "ping",
            Self::List => "list",
            Self::WaitForEvent => "wait_for_event",
            Self::WaitForDevices => "wait_for_devices",
            Self::Mechanisms => "mechanisms",
            Self::Token(_, call) => call.operation(),
            Self::Unlock(_, call) => call.operation(),
        }
    }

    /// Whether the token may be another one afterwards.
    pub fn changes_token(&self) -> bool {
        match self {
            Self::Token(_, call) => call.changes_token(),
            Self::Unlock(_, call) => call.changes_token(),
            Self::Open(_)
            | Self::Ping
            | Self::List
            | Self::WaitForEvent
            | Self::WaitForDevices
            | Self::Mechanisms => false,
        }
    }

    pub(crate) fn deadline(&self, deadlines: &Deadlines) -> Duration {
        match self {
            Self::Token(_, call) => call.deadline(deadlines),
            Self::Unlock(_, call) => call.deadline(deadlines),
            _ => deadlines.other(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub enum FromHost {
    Answer {
        id: u64,
        result: Result<Reply>,
    },
    /// The host ends itself because nobody has called for a while; whatever is sent after this is not looked at.
    Goodbye,
}

#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    Done,
    Opened(ModuleInfo),
    Tokens(Vec<TokenInfo>),
    Mechanisms(Vec<TokenMechanisms>),
    Token(TokenAnswer),
    Unlock(UnlockAnswer),
}

/// The profile's mechanisms on one token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenMechanisms {
    pub token_id: TokenId,
    /// CKM numbers with whether the token reports them: the one that generates key pairs, then those that sign, in the
    /// order of the profile.
    pub mechanisms: Vec<(u32, bool)>,
}

/// The module about itself (CK_INFO).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleInfo {
    pub manufacturer: String,
    pub description: String,
    /// Major and minor.
    pub version: (u8, u8),
}

/// The frame of a message, to be written in one go.
///
/// # Errors
/// `InvalidData` where it is longer than [`MAX_FRAME`] or cannot be encoded (a path that is no UTF-8).
pub fn frame<T: Serialize>(message: &T) -> io::Result<Zeroizing<Vec<u8>>> {
    // Sized beforehand: a buffer that grows leaves copies of its beginning behind.
    let len = postcard::experimental::serialized_size(message).map_err(invalid)?;
    let header =
        u32::try_from(len).ok().filter(|_| len <= MAX_FRAME).ok_or_else(|| invalid("message too long"))?;
    let mut bytes = Zeroizing::new(vec![0; 4 + len]);
    bytes[..4].copy_from_slice(&header.to_le_bytes());
    postcard::to_slice(message, &mut bytes[4..]).map_err(invalid)?;
    Ok(bytes)
}

pub fn send<T: Serialize>(writer: &mut impl Write, message: &T) -> io::Result<()> {
    writer.write_all(&frame(message)?)?;
    writer.flush()
}

/// The reading end of one direction. Reads ahead, so that most frames cost one system call.
pub struct Frames<R> {
    reader: R,
    buffer: Zeroizing<Vec<u8>>,
    /// The bytes read and not yet given out.
    start: usize,
    end: usize,
}

impl<R: Read> Frames<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, buffer: Zeroizing::new(vec![0; 16 << 10]), start: 0, end: 0 }
    }

    pub fn reader(&mut self) -> &mut R {
        &mut self.reader
    }

    /// # Errors
    /// `InvalidData` where the other side speaks something else, with [`OtherRelease`] in it where it is of another
    /// release; `UnexpectedEof` where it says less, or nothing at all.
    pub fn preamble(&mut self) -> io::Result<()> {
        if self.take(NAME.len())? != NAME {
            return Err(invalid("another protocol"));
        }
        if *self.take(PREAMBLE.len() - NAME.len())? == PREAMBLE[NAME.len()..] {
            Ok(())
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, OtherRelease))
        }
    }

    fn take(&mut self, count: usize) -> io::Result<&[u8]> {
        self.fill(count)?;
        let from = self.start;
        self.start += count;
        Ok(&self.buffer[from..self.start])
    }

    /// The next message.
    ///
    /// # Errors
    /// `UnexpectedEof` where the other side has closed; `InvalidData` where a frame is too long or no such message.
    pub fn receive<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        self.fill(4)?;
        let mut header = [0; 4];
        header.copy_from_slice(&self.buffer[self.start..self.start + 4]);
        self.start += 4;
        let len = usize::try_from(u32::from_le_bytes(header)).map_err(invalid)?;
        if len > MAX_FRAME {
            return Err(invalid("message too long"));
        }
        self.fill(len)?;
        let body = self.start..self.start + len;
        let message = postcard::from_bytes(&self.buffer[body.clone()]).map_err(invalid);
        zeroize::Zeroize::zeroize(&mut self.buffer[body]);
        self.start += len;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        message
    }

    /// Reads until `len` bytes are there.
    fn fill(&mut self, len: usize) -> io::Result<()> {
        if self.start + len > self.buffer.len() {
            let held = self.end - self.start;
            let mut buffer = Zeroizing::new(vec![0; len.max(self.buffer.len())]);
            buffer[..held].copy_from_slice(&self.buffer[self.start..self.end]);
            self.buffer = buffer;
            (self.start, self.end) = (0, held);
        }
        while self.end - self.start < len {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn invalid(error: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pin;

    /// Gives its bytes in pieces, as a pipe may.
    struct Pieces(Vec<u8>, usize);

    impl Read for Pieces {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let len = self.1.min(into.len()).min(self.0.len());
            into[..len].copy_from_slice(&self.0[..len]);
            self.0.drain(..len);
            Ok(len)
        }
    }

    fn request(id: u64, len: usize) -> Request {
        Request { id, call: Call::Token(TokenId::new("f", "1"), TokenCall::WriteCertificate(vec![7; len])) }
    }

    #[test]
    fn messages_of_every_size_arrive_however_the_pipe_cuts_them() {
        for piece in [1, 3, 1000, usize::MAX] {
            let mut bytes = PREAMBLE.to_vec();
            for (id, len) in [0, 10, 16 << 10, 100_000, 1].into_iter().enumerate() {
                send(&mut bytes, &request(id as u64, len)).unwrap();
            }
            let mut frames = Frames::new(Pieces(bytes, piece));
            frames.preamble().unwrap();
            for (id, len) in [0, 10, 16 << 10, 100_000, 1].into_iter().enumerate() {
                let request: Request = frames.receive().unwrap();
                assert_eq!(request.id, id as u64);
                assert!(
                    matches!(request.call, Call::Token(_, TokenCall::WriteCertificate(bytes)) if bytes == vec![7; len])
                );
            }
            assert_eq!(frames.receive::<Request>().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn a_frame_that_claims_to_be_huge_is_refused_before_it_is_read() {
        let header = u32::MAX.to_le_bytes();
        let mut frames = Frames::new(&header[..]);
        assert_eq!(frames.receive::<Request>().unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert!(frame(&request(1, MAX_FRAME)).is_err());
    }

    #[test]
    fn another_protocol_is_noticed_before_anything_is_decoded() {
        let error = Frames::new(&b"HTTP/1.1 400"[..]).preamble().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_pin_is_not_left_in_the_readers_buffer() {
        let (pin, new) = (Pin::new("8642097531"), Pin::new("1357924680"));
        let token = TokenId::new("f", "1");
        let calls = [TokenCall::Login(pin.clone()), TokenCall::ChangePin(new, pin)];
        for call in calls.map(|call| Call::Token(token.clone(), call)) {
            let mut bytes = Vec::new();
            send(&mut bytes, &Request { id: 1, call }).unwrap();
            let mut frames = Frames::new(&bytes[..]);
            frames.receive::<Request>().unwrap();
            let has_pin = |bytes: &[u8]| {
                bytes.windows(10).any(|window| window == b"8642097531" || window == b"1357924680")
            };
            assert!(!has_pin(&frames.buffer));
            assert!(has_pin(&bytes));
        }
    }
}
