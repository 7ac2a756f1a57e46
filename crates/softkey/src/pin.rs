//! PINs: what one may be, its tries, and the storage key wrapped under it.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::store::seal::{Kdf, StorageKey, Wrapped};

/// The user PIN that tokens are delivered with.
pub const INITIAL_PIN: &str = "12345678";

/// A user or SO PIN. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct Pin(Zeroizing<Vec<u8>>);

impl Pin {
    pub fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Pin {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes())
    }
}

impl From<String> for Pin {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text.into_bytes()))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(••••)")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    User,
    So,
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::So => "so",
        }
    }
}

/// Lengths of new PINs, in bytes. A PIN that is already set is never measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinLimits {
    pub min: u32,
    pub max: u32,
}

impl PinLimits {
    pub fn check(self, pin: &Pin) -> Result<()> {
        let fits = u32::try_from(pin.0.len()).is_ok_and(|len| (self.min..=self.max).contains(&len));
        if fits { Ok(()) } else { Err(Error::PinLength { min: self.min, max: self.max }) }
    }
}

impl Default for PinLimits {
    fn default() -> Self {
        Self { min: 6, max: 16 }
    }
}

/// Tries of one PIN, and the storage key wrapped under it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PinSlot {
    #[serde(alias = "tries_left")]
    pub retry_counter: u32,
    #[serde(alias = "tries_max")]
    pub retry_limit: u32,
    /// `None`: not set since the token was initialized.
    wrapped: Option<Wrapped>,
    /// It is [`INITIAL_PIN`].
    pub initial: bool,
}

impl PinSlot {
    pub fn unset(retry_limit: u32) -> Self {
        Self { retry_counter: retry_limit, retry_limit, wrapped: None, initial: false }
    }

    pub fn is_set(&self) -> bool {
        self.wrapped.is_some()
    }

    /// Got wrong at least once since it was last right.
    pub fn is_low(&self) -> bool {
        self.retry_counter < self.retry_limit && self.retry_counter > 0
    }

    pub fn is_last(&self) -> bool {
        self.retry_counter == 1
    }

    pub fn is_locked(&self) -> bool {
        self.is_set() && self.retry_counter == 0
    }

    /// Takes one try, before the PIN is looked at.
    pub fn spend_try(&mut self) -> Result<()> {
        if !self.is_set() {
            return Err(Error::PinNotSet);
        }
        self.retry_counter = self.retry_counter.checked_sub(1).ok_or(Error::PinLocked)?;
        Ok(())
    }

    /// The storage key, if the PIN is right; all tries are then given back.
    pub fn open(&mut self, kdf: Kdf, pin: &Pin, context: &[u8]) -> Result<StorageKey> {
        let wrapped = self.wrapped.as_ref().ok_or(Error::PinNotSet)?;
        let Some(key) = wrapped.open(kdf, pin.expose(), context)? else {
            return Err(Error::PinIncorrect { retry_counter: self.retry_counter });
        };
        self.retry_counter = self.retry_limit;
        Ok(key)
    }

    /// Sets the PIN and gives it all its tries.
    pub fn set(&mut self, kdf: Kdf, pin: &Pin, context: &[u8], key: &StorageKey) -> Result<()> {
        self.wrapped = Some(Wrapped::new(kdf, pin.expose(), context, key)?);
        self.retry_counter = self.retry_limit;
        Ok(())
    }
}
