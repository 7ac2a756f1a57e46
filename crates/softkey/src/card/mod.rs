//! The token as a smart card in a virtual PC/SC reader (`vsmartcard-vpcd`), with the same state as its PKCS#11
//! interface.
//!
//! `docs/softcard.md` is the card's specification. [`start`] makes this process the card: it is in the reader exactly
//! while the token's state says inserted, and the token is pulled when the reader or the process ends.
//!
//! * `apdu`: a command read from its bytes, and the status words (ISO/IEC 7816-4).
//! * `commands`: what the card answers.
//! * `frames`: the reader's side of the wire.
//! * `watch`: waiting for a change of the token's state.
//! * `runner`: connects and disconnects.

mod apdu;
mod commands;
mod frames;
mod runner;
mod watch;

pub use runner::{Event, Runner, start};

/// The application: registered by nobody (F0), then "YCDSOFTKEY".
pub const AID: [u8; 11] = *b"\xF0YCDSOFTKEY";

/// T=1, blocks of 254 bytes, historical bytes "YCDKEY" (ISO/IEC 7816-3 8.2).
pub const ATR: [u8; 13] = [
    0x3B, // direct convention
    0x86, // TD1 follows; 6 historical bytes
    0x81, // TD1: TD2 follows, T=1
    0x31, // TD2: TA3 and TB3 follow, T=1
    0xFE, // TA3: IFSC 254
    0x45, // TB3: BWI 4, CWI 5
    b'Y', b'C', b'D', b'K', b'E', b'Y', //
    0x84, // TCK: all bytes after the first, this one too, xor to 0
];

#[cfg(test)]
mod tests {
    #[test]
    fn the_check_byte_of_the_atr_is_right() {
        assert_eq!(super::ATR[1..].iter().fold(0, |sum, byte| sum ^ byte), 0);
    }
}
