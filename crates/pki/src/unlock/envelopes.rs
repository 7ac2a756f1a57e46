//! What is in a sealed envelope. Plain texts have fixed sizes, so that their length tells nothing.

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::unblock_key::{SessionKey, UnblockKey};
use crate::{KeyPair, PkiError, PublicKey};

/// Bytes of an SO PIN in an envelope, filled up with zeros.
const SLOT: usize = 32;
const WHAT: &str = "envelope of a release";

/// The security officer's PIN of one token: printable ASCII, 1 to 32 characters. Wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SoPin(String);

impl SoPin {
    /// # Errors
    /// [`PkiError::Unfit`].
    pub fn new(pin: String) -> Result<Self, PkiError> {
        let pin = Self(pin);
        let fits = (1..=SLOT).contains(&pin.0.len()) && pin.0.bytes().all(|b| b.is_ascii_graphic());
        if fits {
            Ok(pin)
        } else {
            Err(PkiError::Unfit { field: "SO PIN", reason: "other than 1 to 32 printable characters".into() })
        }
    }

    /// For the one call that hands it to the module, and for the portal's own encrypted store.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn slot(&self) -> Zeroizing<[u8; SLOT]> {
        let mut slot = Zeroizing::new([0; SLOT]);
        slot[..self.0.len()].copy_from_slice(self.0.as_bytes());
        slot
    }

    fn from_slot(slot: &[u8]) -> Result<Self, PkiError> {
        let len = slot.iter().position(|b| *b == 0).unwrap_or(slot.len());
        let text = std::str::from_utf8(&slot[..len]).map_err(|_| PkiError::bad(WHAT, "no SO PIN"))?;
        if slot[len..].iter().any(|b| *b != 0) {
            return Err(PkiError::bad(WHAT, "no SO PIN"));
        }
        Self::new(text.to_owned())
    }
}

impl std::fmt::Debug for SoPin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SoPin(••••)")
    }
}

/// Of an unlock by SO PIN. 64 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoPins {
    pub current: SoPin,
    pub next: SoPin,
}

impl SoPins {
    /// # Errors
    /// Those of [`PublicKey::seal`].
    pub fn seal(&self, to: &PublicKey) -> Result<Vec<u8>, PkiError> {
        let mut plain = Zeroizing::new([0; 2 * SLOT]);
        plain[..SLOT].copy_from_slice(&*self.current.slot());
        plain[SLOT..].copy_from_slice(&*self.next.slot());
        to.seal(&*plain)
    }

    /// # Errors
    /// Those of [`KeyPair::unseal`]; [`PkiError::Malformed`] where something else is in it.
    pub fn unseal(key: &KeyPair, sealed: &[u8]) -> Result<Self, PkiError> {
        let plain = opened::<{ 2 * SLOT }>(key, sealed)?;
        Ok(Self { current: SoPin::from_slot(&plain[..SLOT])?, next: SoPin::from_slot(&plain[SLOT..])? })
    }
}

impl SessionKey {
    /// # Errors
    /// Those of [`PublicKey::seal`].
    pub fn seal(&self, to: &PublicKey) -> Result<Vec<u8>, PkiError> {
        to.seal(&self.0)
    }

    /// # Errors
    /// Those of [`KeyPair::unseal`]; [`PkiError::Malformed`] where something else is in it.
    pub fn unseal(key: &KeyPair, sealed: &[u8]) -> Result<Self, PkiError> {
        opened(key, sealed).map(|plain| Self(*plain))
    }
}

/// Of a personalization: what a blank token is given. 64 bytes; where it has no unblock key, the second half is zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstSecrets {
    pub so_pin: SoPin,
    pub unblock_key: Option<UnblockKey>,
}

impl FirstSecrets {
    /// # Errors
    /// Those of [`PublicKey::seal`].
    pub fn seal(&self, to: &PublicKey) -> Result<Vec<u8>, PkiError> {
        let mut plain = Zeroizing::new([0; 2 * SLOT]);
        plain[..SLOT].copy_from_slice(&*self.so_pin.slot());
        if let Some(key) = &self.unblock_key {
            plain[SLOT..].copy_from_slice(key.expose());
        }
        to.seal(&*plain)
    }

    /// # Errors
    /// Those of [`KeyPair::unseal`]; [`PkiError::Malformed`] where something else is in it.
    pub fn unseal(key: &KeyPair, sealed: &[u8]) -> Result<Self, PkiError> {
        let plain = opened::<{ 2 * SLOT }>(key, sealed)?;
        let mut unblock_key = Zeroizing::new([0; SLOT]);
        unblock_key.copy_from_slice(&plain[SLOT..]);
        let has_key = unblock_key.iter().any(|b| *b != 0);
        Ok(Self {
            so_pin: SoPin::from_slot(&plain[..SLOT])?,
            unblock_key: has_key.then(|| UnblockKey::from_bytes(*unblock_key)),
        })
    }
}

fn opened<const N: usize>(key: &KeyPair, sealed: &[u8]) -> Result<Zeroizing<[u8; N]>, PkiError> {
    let plain = key.unseal(sealed)?;
    let mut fixed = Zeroizing::new([0; N]);
    if plain.len() != N {
        return Err(PkiError::bad(WHAT, "another length"));
    }
    fixed.copy_from_slice(&plain);
    Ok(fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes_open_as_they_were_sealed_and_have_one_length_each() {
        let host = KeyPair::generate().unwrap();
        let pin = |text: &str| SoPin::new(text.into()).unwrap();
        for (current, next) in [("1", "22222222"), ("abcdefgh12345678abcdefgh12345678", "x")] {
            let pins = SoPins { current: pin(current), next: pin(next) };
            let sealed = pins.seal(&host.public_key()).unwrap();
            assert_eq!(host.unseal(&sealed).unwrap().len(), 64);
            assert_eq!(SoPins::unseal(&host, &sealed).unwrap(), pins);
        }
        for unblock_key in [None, Some(UnblockKey::from_bytes([7; 32]))] {
            let secrets = FirstSecrets { so_pin: pin("87654321"), unblock_key };
            let sealed = secrets.seal(&host.public_key()).unwrap();
            assert_eq!(FirstSecrets::unseal(&host, &sealed).unwrap(), secrets);
        }
    }

    #[test]
    fn what_is_no_so_pin_does_not_become_one() {
        for wrong in ["", "has blank", "中文", "123456789012345678901234567890123"] {
            assert!(SoPin::new(wrong.into()).is_err(), "{wrong}");
        }
        let mut slot = [0; SLOT];
        slot[3] = b'x';
        assert!(SoPin::from_slot(&slot).is_err());
        slot[..4].copy_from_slice(b"ab\0x");
        assert!(SoPin::from_slot(&slot).is_err());
    }
}
