//! One command as its bytes say (ISO/IEC 7816-4 5.1, short lengths), and the status words.

use crate::error::Error;

/// A command. `data` is empty where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Apdu<'a> {
    pub class: u8,
    pub instruction: u8,
    pub p1: u8,
    pub p2: u8,
    pub data: &'a [u8],
    /// Bytes that may be answered, 1 to 256; `None` where no answer is asked for.
    pub expected: Option<usize>,
}

impl<'a> Apdu<'a> {
    /// Extended lengths are refused: the card needs none.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Status> {
        let (&[class, instruction, p1, p2], body) = bytes.split_first_chunk().ok_or(Status::WRONG_LENGTH)?;
        let (data, expected): (&[u8], _) = match body {
            [] => (&[], None),
            [le] => (&[], Some(*le)),
            [lc, rest @ ..] if *lc > 0 => {
                let (data, rest) = rest.split_at_checked(usize::from(*lc)).ok_or(Status::WRONG_LENGTH)?;
                match rest {
                    [] => (data, None),
                    [le] => (data, Some(*le)),
                    _ => return Err(Status::WRONG_LENGTH),
                }
            }
            _ => return Err(Status::WRONG_LENGTH),
        };
        let expected = expected.map(|le| if le == 0 { 256 } else { usize::from(le) });
        Ok(Self { class, instruction, p1, p2, data, expected })
    }

    /// CLA INS P1 P2 Lc, as a MAC over the command takes them.
    pub fn header(&self) -> [u8; 5] {
        // No data is longer than 255 bytes.
        let len = u8::try_from(self.data.len()).unwrap_or(u8::MAX);
        [self.class, self.instruction, self.p1, self.p2, len]
    }
}

/// SW1 SW2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u16);

impl Status {
    pub const OK: Self = Self(0x9000);
    pub const MEMORY_FAILURE: Self = Self(0x6581);
    pub const WRONG_LENGTH: Self = Self(0x6700);
    pub const NOT_VERIFIED: Self = Self(0x6982);
    pub const LOCKED: Self = Self(0x6983);
    pub const CONDITIONS: Self = Self(0x6985);
    pub const WRONG_MAC: Self = Self(0x6988);
    pub const WRONG_DATA: Self = Self(0x6A80);
    pub const NO_SUCH_APPLICATION: Self = Self(0x6A82);
    pub const WRONG_PARAMETERS: Self = Self(0x6A86);
    pub const NOT_FOUND: Self = Self(0x6A88);
    pub const NO_SUCH_INSTRUCTION: Self = Self(0x6D00);
    pub const NO_SUCH_CLASS: Self = Self(0x6E00);
    pub const FAILURE: Self = Self(0x6F00);

    /// 63Cx; x goes to 15, which also stands for more.
    pub fn retry_counter(left: u32) -> Self {
        Self(0x63C0 | u16::try_from(left.min(15)).unwrap_or(15))
    }

    /// 6Cxx: the command again, with this length expected.
    pub fn expect(len: usize) -> Self {
        Self(0x6C00 | u16::try_from(len & 0xFF).unwrap_or_default())
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::PinIncorrect { retry_counter } => Self::retry_counter(retry_counter),
            Error::PinLocked => Self::LOCKED,
            Error::PinNotSet | Error::NoSuchObject => Self::NOT_FOUND,
            Error::PinLength { .. } | Error::BadField { .. } => Self::WRONG_DATA,
            Error::NotLoggedIn => Self::NOT_VERIFIED,
            Error::Io { .. } | Error::Damaged { .. } | Error::NoFreeCapacity => Self::MEMORY_FAILURE,
            // A token that was pulled hears nobody; what it says now goes nowhere.
            Error::Removed
            | Error::ControlFile { .. }
            | Error::NoSuchToken { .. }
            | Error::TokenExists { .. }
            | Error::InReader
            | Error::Crypto(_) => Self::FAILURE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_cases_are_told_apart() {
        let parse = |bytes: &[u8]| Apdu::parse(bytes).map(|a| (a.data.to_vec(), a.expected));
        assert_eq!(parse(&[0, 0x20, 0, 1]), Ok((vec![], None)));
        assert_eq!(parse(&[0, 0x84, 0, 0, 16]), Ok((vec![], Some(16))));
        assert_eq!(parse(&[0, 0x84, 0, 0, 0]), Ok((vec![], Some(256))));
        assert_eq!(parse(&[0, 0x20, 0, 1, 2, 7, 8]), Ok((vec![7, 8], None)));
        assert_eq!(parse(&[0, 0xA4, 4, 0, 2, 7, 8, 0]), Ok((vec![7, 8], Some(256))));
    }

    #[test]
    fn lengths_that_do_not_fit_and_extended_ones_are_refused() {
        for bytes in [
            &[][..],
            &[0, 0x20, 0],
            &[0, 0x20, 0, 1, 2, 7],
            &[0, 0x20, 0, 1, 2, 7, 8, 0, 0],
            &[0, 0x84, 0, 0, 0, 0, 16],
            &[0, 0x20, 0, 1, 0, 0, 2, 7, 8],
        ] {
            assert_eq!(Apdu::parse(bytes), Err(Status::WRONG_LENGTH), "{bytes:02x?}");
        }
    }
}
