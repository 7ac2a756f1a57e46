//! Commands and responses (ISO/IEC 7816-4 5.1).

use pcsc::Transaction;
use zeroize::Zeroizing;

use super::CardError;

/// Of a response with short lengths: 256 bytes, and SW1 SW2.
const LONGEST: usize = 258;

/// SW1 SW2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u16);

impl Status {
    pub const OK: Self = Self(0x9000);
    pub const NOT_VERIFIED: Self = Self(0x6982);
    pub const LOCKED: Self = Self(0x6983);
    pub const CONDITIONS: Self = Self(0x6985);
    pub const WRONG_MAC: Self = Self(0x6988);
    pub const WRONG_DATA: Self = Self(0x6A80);

    /// 63Cx: a PIN was wrong, and x tries are left.
    pub fn retry_counter(self) -> Option<u8> {
        (self.0 & 0xFFF0 == 0x63C0).then_some(self.0.to_be_bytes()[1] & 0x0F)
    }
}

pub struct Response {
    data: Vec<u8>,
    pub status: Status,
}

impl Response {
    /// The data of a command that was done.
    pub fn ok(self, command: &'static str) -> Result<Vec<u8>, CardError> {
        if self.status == Status::OK { Ok(self.data) } else { Err(CardError::Refused(command, self.status)) }
    }
}

pub fn send(card: &Transaction<'_>, command: &[u8]) -> Result<Response, pcsc::Error> {
    let mut buffer = [0; LONGEST];
    let response = card.transmit(command, &mut buffer)?;
    let Some((data, &status)) = response.split_last_chunk() else { return Err(pcsc::Error::CommError) };
    Ok(Response { data: data.to_vec(), status: Status(u16::from_be_bytes(status)) })
}

/// A command with secrets in it. `header` ends with P2, where Lc is to be added, else with Lc.
pub fn with_data(header: &[u8], add_len: bool, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    // Sized beforehand: a buffer that grows leaves copies of its beginning behind.
    let mut command = Zeroizing::new(Vec::with_capacity(header.len() + 1 + len));
    command.extend_from_slice(header);
    if add_len {
        // SO PINs have at most 32 bytes; one that did not fit would be refused by the card for its length.
        command.push(u8::try_from(len).unwrap_or(u8::MAX));
    }
    for part in parts {
        command.extend_from_slice(part);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_its_header_its_length_and_its_data() {
        assert_eq!(*with_data(&[0, 0x20, 0, 2], true, &[b"12345"]), b"\x00\x20\x00\x02\x0512345");
        assert_eq!(
            *with_data(&[0x80, 0xDA, 2, 0, 3], false, &[&[7], &[8, 9]]),
            [0x80, 0xDA, 2, 0, 3, 7, 8, 9]
        );
    }

    #[test]
    fn tries_are_told_from_other_words() {
        assert_eq!(Status(0x63C2).retry_counter(), Some(2));
        assert_eq!(Status(0x63C0).retry_counter(), Some(0));
        for status in [Status::OK, Status::LOCKED, Status(0x6300)] {
            assert_eq!(status.retry_counter(), None);
        }
    }
}
