//! The wire to the virtual reader: frames of a big-endian `u16` length in bytes and as many bytes. A payload of one
//! byte is a command to the card, everything else an APDU. (vsmartcard, `virtualsmartcard/src/vpcd/vpcd.h`.)

use std::io::{self, Read, Write};
use std::time::Duration;

use super::ATR;
use super::commands::Card;

const POWER_OFF: u8 = 0;
const POWER_ON: u8 = 1;
const RESET: u8 = 2;
const GET_ATR: u8 = 4;

/// Answers the reader until it closes the connection.
pub fn serve<P: FnMut(Duration)>(mut reader: impl Read + Write, card: &mut Card<P>) -> io::Result<()> {
    let mut frame = Vec::new();
    loop {
        let mut len = [0; 2];
        reader.read_exact(&mut len)?;
        frame.resize(usize::from(u16::from_be_bytes(len)), 0);
        reader.read_exact(&mut frame)?;
        match frame.as_slice() {
            [POWER_OFF | POWER_ON | RESET] => card.reset(),
            [GET_ATR] => send(&mut reader, &ATR)?,
            // Commands of a later reader, which wait for no answer as far as anyone can know.
            [_] => {}
            apdu => send(&mut reader, &card.answer(apdu))?,
        }
        // It may have been a PIN.
        zeroize::Zeroize::zeroize(frame.as_mut_slice());
    }
}

fn send(reader: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let len = u16::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    reader.write_all(&[&len.to_be_bytes(), bytes].concat())
}
