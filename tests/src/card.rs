//! A card in a virtual reader (`vsmartcard-vpcd`): the reader listens on a TCP port, a connection is a card.
//!
//! Each frame is a big-endian `u16` length in bytes and as many bytes. From the reader, one byte is a command: 0 power
//! off, 1 power on, 2 reset, none of them answered, 4 asks for the ATR; anything longer is an APDU. (vsmartcard,
//! `virtualsmartcard/src/vpcd/vpcd.h`.)

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    thread::{self, JoinHandle},
};

/// A card that is inserted; dropping it pulls it.
pub struct Card {
    connection: TcpStream,
    thread: Option<JoinHandle<()>>,
}

/// How a card answers a reset.
pub enum Reset {
    Atr(Vec<u8>),
    /// An answer of no bytes.
    Empty,
    /// No answer at all.
    Silence,
}

impl Card {
    /// Inserts a card with this ATR, which must offer T=1, into the reader behind `port`. `answer` is given each APDU
    /// and gives its response with the status word.
    pub fn insert(port: u16, atr: &[u8], answer: impl FnMut(&[u8]) -> Vec<u8> + Send + 'static) -> Self {
        Self::insert_with(port, Reset::Atr(atr.to_owned()), answer)
    }

    /// A card that answers every APDU with 6D00 (instruction not known).
    pub fn bare(port: u16, atr: &[u8]) -> Self {
        Self::insert(port, atr, unknown)
    }

    /// A card that does not answer to being powered.
    pub fn mute(port: u16, reset: Reset) -> Self {
        Self::insert_with(port, reset, unknown)
    }

    fn insert_with(
        port: u16,
        reset: Reset,
        mut answer: impl FnMut(&[u8]) -> Vec<u8> + Send + 'static,
    ) -> Self {
        let connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
        connection.set_nodelay(true).unwrap();
        let mut reader = connection.try_clone().unwrap();
        let thread = thread::spawn(move || {
            // Ends with the connection, whoever closes it.
            let _ = serve(&mut reader, &reset, &mut answer);
        });
        Self { connection, thread: Some(thread) }
    }

    /// Pulls the card; so does dropping it.
    pub fn pull(self) {}
}

impl Drop for Card {
    fn drop(&mut self) {
        let _ = self.connection.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn unknown(_: &[u8]) -> Vec<u8> {
    vec![0x6D, 0x00]
}

fn serve(reader: &mut TcpStream, reset: &Reset, answer: &mut impl FnMut(&[u8]) -> Vec<u8>) -> io::Result<()> {
    loop {
        let mut len = [0; 2];
        reader.read_exact(&mut len)?;
        let mut frame = vec![0; u16::from_be_bytes(len).into()];
        reader.read_exact(&mut frame)?;
        match (frame.as_slice(), reset) {
            ([4], Reset::Atr(atr)) => send(reader, atr)?,
            ([4], Reset::Empty) => send(reader, &[])?,
            ([_], _) => {}
            (apdu, _) => send(reader, &answer(apdu))?,
        }
    }
}

fn send(reader: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    let len = u16::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    reader.write_all(&[&len.to_be_bytes(), bytes].concat())
}
