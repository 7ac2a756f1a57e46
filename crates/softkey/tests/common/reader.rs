//! A virtual reader as `vsmartcard-vpcd` is one: the card connects to it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use ycd_pki::unlock::{UNBLOCK_HEADER, UnblockCommand, UnblockKey};
use ycd_softkey::card;

pub struct Reader(TcpListener);

impl Reader {
    pub fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// Waits for a card, and powers it.
    pub fn inserted(&self) -> Inserted {
        let mut inserted = Inserted(self.0.accept().unwrap().0);
        inserted.control(1);
        inserted
    }
}

/// A card in the reader; dropping it closes the reader's side.
pub struct Inserted(TcpStream);

impl Inserted {
    /// 0 off, 1 on, 2 reset: the card does not answer.
    pub fn control(&mut self, code: u8) {
        self.write(&[code]);
    }

    pub fn atr(&mut self) -> Vec<u8> {
        self.write(&[4]);
        self.read()
    }

    /// Data and status word.
    pub fn send(&mut self, command: &[u8]) -> (Vec<u8>, u16) {
        self.write(command);
        let mut response = self.read();
        let status = response.split_off(response.len() - 2);
        (response, u16::from_be_bytes([status[0], status[1]]))
    }

    pub fn select(&mut self) {
        let command = [&[0x00, 0xA4, 0x04, 0x00, 11], &card::AID[..]].concat();
        assert_eq!(self.send(&command).1, 0x9000);
    }

    /// The status word of VERIFY; 1 is the user, 2 the SO.
    pub fn verify(&mut self, which: u8, pin: &str) -> u16 {
        self.send(&[&[0x00, 0x20, 0x00, which, u8::try_from(pin.len()).unwrap()], pin.as_bytes()].concat()).1
    }

    pub fn install(&mut self, so_pin: &str, key: &UnblockKey) {
        assert_eq!(self.verify(2, so_pin), 0x9000);
        let command = [&[0x80, 0xDA, 0x02, 0x00, 0x24, 0, 0, 0, 1], &key.expose()[..]].concat();
        assert_eq!(self.send(&command).1, 0x9000);
    }

    /// The command that answers a new challenge.
    pub fn answered(&mut self, key: &UnblockKey, pin: &str) -> Vec<u8> {
        let (challenge, status) = self.send(&[0x80, 0x84, 0x00, 0x00, 0x10]);
        assert_eq!(status, 0x9000);
        let session = key.session_key(&challenge.try_into().unwrap(), &[3; 32]);
        let command = UnblockCommand::seal(&session, &UNBLOCK_HEADER, [3; 32], pin.as_bytes()).unwrap();
        [&UNBLOCK_HEADER[..], &command.to_bytes()].concat()
    }

    /// Closes in the middle of a frame.
    pub fn cut(mut self) {
        self.0.write_all(&[0x00, 0x05, 0x00, 0x20]).unwrap();
    }

    /// Waits until the card is gone.
    pub fn until_pulled(mut self) {
        let mut byte = [0];
        assert_eq!(self.0.read(&mut byte).unwrap_or(0), 0, "it said something unasked");
    }

    fn write(&mut self, payload: &[u8]) {
        let len = u16::try_from(payload.len()).unwrap();
        self.0.write_all(&[&len.to_be_bytes(), payload].concat()).unwrap();
    }

    fn read(&mut self) -> Vec<u8> {
        let mut len = [0; 2];
        self.0.read_exact(&mut len).unwrap();
        let mut payload = vec![0; u16::from_be_bytes(len).into()];
        self.0.read_exact(&mut payload).unwrap();
        payload
    }
}
