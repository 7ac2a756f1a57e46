//! What signs: a key in a token, or a key pair in memory.

use signature::hazmat::PrehashSigner;
use sm2::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use sm2::{SecretKey, dsa::SigningKey};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    curve::DEFAULT_ID,
    error::{PkiError, SignError},
    key::{PublicKey, Signature},
};

/// Something that makes SM2 signatures: a key in a token or a [`KeyPair`] in memory.
pub trait Signer {
    fn public_key(&self) -> PublicKey;

    /// Signs SM3withSM2 with the default identifier. A key that takes only the digest is given
    /// `self.public_key().digest(message)`.
    ///
    /// # Errors
    /// Whatever keeps the key from signing; see [`SignError::downcast`].
    fn sign(&self, message: &[u8]) -> Result<Signature, SignError>;
}

/// An SM2 key pair in memory. The private key is wiped when dropped; copies that a computation has left on the stack
/// are not.
pub struct KeyPair {
    secret: SecretKey,
    public: PublicKey,
}

impl KeyPair {
    /// A new pair from the system's random bytes.
    ///
    /// # Errors
    /// [`PkiError::Random`].
    pub fn generate() -> Result<Self, PkiError> {
        let mut candidate = Zeroizing::new([0; 32]);
        // Misses with a chance of 2⁻³² at each turn.
        for _ in 0..8 {
            getrandom::fill(&mut *candidate).map_err(|_| PkiError::Random)?;
            if let Ok(pair) = Self::from_secret(&candidate) {
                return Ok(pair);
            }
        }
        Err(PkiError::Random)
    }

    /// The pair of a private key: 32 bytes, big-endian, in 1..n-1 (GM/T 0003.1 6.1).
    ///
    /// # Errors
    /// [`PkiError::Key`] out of that range.
    pub fn from_secret(secret: &[u8; 32]) -> Result<Self, PkiError> {
        // n-1 is a scalar but no SM2 key: 1+d has no inverse.
        if *secret == ORDER_MINUS_ONE {
            return Err(PkiError::Key);
        }
        Self::new(SecretKey::from_slice(secret).map_err(|_| PkiError::Key)?)
    }

    /// The private key, 32 bytes, big-endian.
    pub fn secret(&self) -> Zeroizing<[u8; 32]> {
        let mut bytes = self.secret.to_bytes();
        let mut secret = Zeroizing::new([0; 32]);
        secret.copy_from_slice(&bytes);
        bytes.as_mut_slice().zeroize();
        secret
    }

    /// PKCS#8 (RFC 5958), PEM.
    ///
    /// # Errors
    /// [`PkiError::Malformed`] if the encoder refuses, which it has no reason to.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, PkiError> {
        self.secret
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|error| PkiError::bad("private key", error.to_string()))
    }

    /// Reads PKCS#8, PEM.
    ///
    /// # Errors
    /// [`PkiError::Malformed`], [`PkiError::Key`].
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, PkiError> {
        let secret = SecretKey::from_pkcs8_pem(pem)
            .map_err(|error| PkiError::bad("private key", error.to_string()))?;
        Self::new(secret)
    }

    pub fn public_key(&self) -> PublicKey {
        self.public
    }

    /// Signs e, which the caller has hashed with Z (what `C_Sign` of a raw SM2 mechanism and SKF_ECCSignData do).
    ///
    /// # Errors
    /// None in practice; the library's signature has one.
    pub fn sign_digest(&self, e: &[u8; 32]) -> Result<Signature, SignError> {
        let key = SigningKey::new(DEFAULT_ID, &self.secret).map_err(SignError::new)?;
        let signature: sm2::dsa::Signature = key.sign_prehash(e).map_err(SignError::new)?;
        Signature::from_raw(&signature.to_bytes().into()).map_err(SignError::new)
    }

    fn new(secret: SecretKey) -> Result<Self, PkiError> {
        let key = SigningKey::new(DEFAULT_ID, &secret).map_err(|_| PkiError::Key)?;
        Ok(Self { public: PublicKey::from_point(&key.verifying_key().to_sec1_bytes())?, secret })
    }
}

impl Signer for KeyPair {
    fn public_key(&self) -> PublicKey {
        self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        self.sign_digest(&self.public.digest(message))
    }
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyPair").field("public", &self.public).finish_non_exhaustive()
    }
}

const ORDER_MINUS_ONE: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x72,
    0x03, 0xDF, 0x6B, 0x21, 0xC6, 0x05, 0x2B, 0x53, 0xBB, 0xF4, 0x09, 0x39, 0xD5, 0x41, 0x22,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_key_out_of_range_is_refused() {
        let mut order = ORDER_MINUS_ONE;
        order[31] += 1;
        for wrong in [[0; 32], ORDER_MINUS_ONE, order, [0xFF; 32]] {
            assert_eq!(KeyPair::from_secret(&wrong).unwrap_err().code(), "pki.key");
        }
        let mut last = ORDER_MINUS_ONE;
        last[31] -= 1;
        KeyPair::from_secret(&last).unwrap().sign(b"x").unwrap();
    }

    #[test]
    fn a_pair_survives_its_secret_and_its_pem_and_shows_no_secret() {
        let pair = KeyPair::generate().unwrap();
        let again = KeyPair::from_secret(&pair.secret()).unwrap();
        assert_eq!(again.public_key(), pair.public_key());
        let pem = pair.to_pkcs8_pem().unwrap();
        assert_eq!(KeyPair::from_pkcs8_pem(&pem).unwrap().public_key(), pair.public_key());
        let shown = format!("{pair:?}");
        assert!(!shown.to_lowercase().contains(&hex::encode(&pair.secret()[..4])));
    }
}
