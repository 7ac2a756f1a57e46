//! Rules for a new PIN. The old PIN is never held against them.

use serde::Serialize;

use crate::{Pin, PinState};

/// The digits that token models come with, which everyone knows.
const WELL_KNOWN: [&str; 8] =
    ["12345678", "123456", "1234567890", "00000000", "11111111", "88888888", "87654321", "66668888"];

/// What a new PIN must be. Lengths in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PinPolicy {
    pub min_len: u8,
    pub max_len: u8,
    pub digits_only: bool,
}

/// Why a PIN is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinProblem {
    #[error("shorter than {min_len}")]
    TooShort { min_len: u8 },
    #[error("longer than {max_len}")]
    TooLong { max_len: u8 },
    #[error("takes digits only")]
    NotDigits,
    #[error("takes printable ASCII characters only")]
    NotPrintable,
}

impl PinProblem {
    /// Stable: maps to one sentence and one remedy per language.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooShort { .. } => "pin.too_short",
            Self::TooLong { .. } => "pin.too_long",
            Self::NotDigits => "pin.not_digits",
            Self::NotPrintable => "pin.not_printable",
        }
    }
}

/// Why a PIN that is taken deserves a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weakness {
    WellKnown,
    /// One character over and over, or a short piece repeated.
    Repeated,
    /// `345678`, `fedcba`.
    Sequence,
    /// Fewer than six characters.
    Short,
}

impl PinPolicy {
    /// The token's own limits.
    pub fn of_token(pin: &PinState) -> Self {
        Self { min_len: pin.min_len, max_len: pin.max_len, digits_only: false }
    }

    /// What satisfies both; `None` where no PIN can.
    pub fn and(self, other: Self) -> Option<Self> {
        let both = Self {
            min_len: self.min_len.max(other.min_len),
            max_len: self.max_len.min(other.max_len),
            digits_only: self.digits_only || other.digits_only,
        };
        (both.min_len <= both.max_len).then_some(both)
    }

    /// # Errors
    /// The first rule that the PIN breaks.
    pub fn check(self, pin: &Pin) -> Result<(), PinProblem> {
        let pin = pin.expose();
        if pin.len() < self.min_len.into() {
            return Err(PinProblem::TooShort { min_len: self.min_len });
        }
        if pin.len() > self.max_len.into() {
            return Err(PinProblem::TooLong { max_len: self.max_len });
        }
        if self.digits_only && !pin.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PinProblem::NotDigits);
        }
        if !pin.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return Err(PinProblem::NotPrintable);
        }
        Ok(())
    }
}

/// The plainest way in which a PIN is weak, if it is.
pub fn weakness(pin: &Pin) -> Option<Weakness> {
    let bytes = pin.expose().as_bytes();
    if WELL_KNOWN.iter().any(|known| known.as_bytes() == bytes) {
        return Some(Weakness::WellKnown);
    }
    if (1..=bytes.len() / 2).any(|len| bytes.chunks(len).all(|chunk| bytes.starts_with(chunk))) {
        return Some(Weakness::Repeated);
    }
    let steps = |step: i16| bytes.windows(2).all(|pair| i16::from(pair[1]) - i16::from(pair[0]) == step);
    if bytes.len() > 2 && (steps(1) || steps(-1)) {
        return Some(Weakness::Sequence);
    }
    (bytes.len() < 6).then_some(Weakness::Short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(min_len: u8, max_len: u8) -> PinPolicy {
        PinPolicy { min_len, max_len, digits_only: true }
    }

    #[test]
    fn a_new_pin_satisfies_the_token_and_the_order_alike() {
        let both = policy(6, 16).and(policy(1, 8)).unwrap();
        assert_eq!((both.min_len, both.max_len), (6, 8));
        assert_eq!(both.check(&Pin::new("12345")), Err(PinProblem::TooShort { min_len: 6 }));
        assert_eq!(both.check(&Pin::new("123456789")), Err(PinProblem::TooLong { max_len: 8 }));
        assert_eq!(both.check(&Pin::new("12345x")), Err(PinProblem::NotDigits));
        assert_eq!(both.check(&Pin::new("271828")), Ok(()));
    }

    #[test]
    fn limits_that_exclude_each_other_leave_no_pin() {
        assert_eq!(policy(9, 16).and(policy(1, 8)), None);
    }

    #[test]
    fn weak_pins_are_told_from_others() {
        assert_eq!(weakness(&Pin::new("12345678")), Some(Weakness::WellKnown));
        assert_eq!(weakness(&Pin::new("777777")), Some(Weakness::Repeated));
        assert_eq!(weakness(&Pin::new("373737")), Some(Weakness::Repeated));
        assert_eq!(weakness(&Pin::new("345678")), Some(Weakness::Sequence));
        assert_eq!(weakness(&Pin::new("fedcba")), Some(Weakness::Sequence));
        assert_eq!(weakness(&Pin::new("2718")), Some(Weakness::Short));
        assert_eq!(weakness(&Pin::new("271828")), None);
    }
}
