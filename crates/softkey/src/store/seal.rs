//! Keys from PINs, and sealing.
//!
//! A key's secrets are sealed with XChaCha20-Poly1305 under its *storage key*, 32 random bytes that live as long as
//! the token is not initialized again. The storage key is wrapped once per PIN, under a key that Argon2id
//! (RFC 9106) makes of the PIN. So a PIN can be set anew by the SO without touching a sealed object.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::error::{Error, Result};

const NONCE_LEN: usize = 24;

/// What a PIN costs to try (Argon2id, one lane). Part of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kdf {
    /// KiB.
    pub memory: u32,
    pub passes: u32,
}

impl Kdf {
    /// For tests that check many PINs: protects nothing.
    pub const WEAK: Self = Self { memory: 8, passes: 1 };
}

impl Default for Kdf {
    /// 19 MiB and two passes (OWASP Password Storage Cheat Sheet).
    fn default() -> Self {
        Self { memory: 19 * 1024, passes: 2 }
    }
}

/// The key under which all secrets of one token are sealed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct StorageKey([u8; 32]);

impl StorageKey {
    pub fn random() -> Result<Self> {
        Ok(Self(random()?))
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// `context` binds the sealed bytes to their place: they open with the same context only.
    pub fn seal(&self, context: &[u8], secret: &[u8]) -> Result<Vec<u8>> {
        seal(&self.0, context, secret)
    }

    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        open(&self.0, context, sealed).ok_or(Error::Crypto("a sealed object does not open"))
    }
}

/// A storage key wrapped under a PIN. Opening it is the PIN check.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Wrapped {
    #[serde(with = "hex::serde")]
    salt: [u8; 16],
    #[serde(with = "hex::serde")]
    sealed: Vec<u8>,
}

impl Wrapped {
    pub fn new(kdf: Kdf, pin: &[u8], context: &[u8], key: &StorageKey) -> Result<Self> {
        let salt = random()?;
        Ok(Self { salt, sealed: seal(&*stretch(kdf, pin, &salt)?, context, &key.0)? })
    }

    /// `None` for a wrong PIN.
    pub fn open(&self, kdf: Kdf, pin: &[u8], context: &[u8]) -> Result<Option<StorageKey>> {
        let opened = open(&*stretch(kdf, pin, &self.salt)?, context, &self.sealed);
        Ok(opened.and_then(|bytes| Some(StorageKey(bytes.as_slice().try_into().ok()?))))
    }
}

/// `N` bytes of the system's random source.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Error::Crypto("no random numbers"))?;
    Ok(bytes)
}

fn stretch(kdf: Kdf, pin: &[u8], salt: &[u8; 16]) -> Result<Zeroizing<[u8; 32]>> {
    let params = Params::new(kdf.memory, kdf.passes, 1, Some(32))
        .map_err(|_| Error::Crypto("Argon2 parameters out of range"))?;
    let mut out = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(pin, salt, &mut *out)
        .map_err(|_| Error::Crypto("Argon2 failed"))?;
    Ok(out)
}

fn seal(key: &[u8; 32], context: &[u8], secret: &[u8]) -> Result<Vec<u8>> {
    let nonce: [u8; NONCE_LEN] = random()?;
    let mut sealed = nonce.to_vec();
    sealed.extend(
        XChaCha20Poly1305::new(key.into())
            .encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: context })
            .map_err(|_| Error::Crypto("sealing failed"))?,
    );
    Ok(sealed)
}

fn open(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let payload = Payload { msg: text, aad: context };
    XChaCha20Poly1305::new(key.into()).decrypt(&XNonce::from(*nonce), payload).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_key_opens_with_its_pin_and_its_context_only() {
        let key = StorageKey::random().unwrap();
        let wrapped = Wrapped::new(Kdf::WEAK, b"12345678", b"user", &key).unwrap();
        assert_eq!(wrapped.open(Kdf::WEAK, b"12345678", b"user").unwrap().unwrap().0, key.0);
        assert!(wrapped.open(Kdf::WEAK, b"12345679", b"user").unwrap().is_none());
        assert!(wrapped.open(Kdf::WEAK, b"12345678", b"so").unwrap().is_none());
    }

    #[test]
    fn sealed_bytes_do_not_open_in_another_place_or_when_altered() {
        let key = StorageKey::random().unwrap();
        let mut sealed = key.seal(b"object 1", b"secret").unwrap();
        assert_eq!(key.open(b"object 1", &sealed).unwrap().as_slice(), b"secret");
        assert!(key.open(b"object 2", &sealed).is_err());
        *sealed.last_mut().unwrap() ^= 1;
        assert!(key.open(b"object 1", &sealed).is_err());
        assert!(key.open(b"object 1", &sealed[..10]).is_err());
    }
}
