//! SM2 encryption to a public key.

use sm2::{
    elliptic_curve::common::getrandom::SysRng,
    pke::{DecryptingKey, EncryptingKey},
};
use zeroize::Zeroizing;

use crate::{KeyPair, PkiError, PublicKey, encoding::limited};

/// Bytes of an envelope: what travels in one is a few hundred.
const LIMIT: usize = 16 << 10;

impl PublicKey {
    /// Encrypts (GM/T 0003.4, C1 C3 C2); gives DER of SM2Cipher (GM/T 0009 7.2). It can be opened by the private key
    /// alone, and was not changed if it opens; who made it, it does not tell.
    ///
    /// # Errors
    /// [`PkiError::Random`]; [`PkiError::TooLarge`].
    pub fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, PkiError> {
        limited(plain, LIMIT - 256, "text to be sealed")?;
        let key = EncryptingKey::from_sec1_bytes(&self.to_point()).map_err(|_| PkiError::Key)?;
        key.encrypt_der(&mut SysRng, plain).map_err(|_| PkiError::Random)
    }
}

impl KeyPair {
    /// Opens what [`PublicKey::seal`] has made, of a plain text that is not empty.
    ///
    /// # Errors
    /// [`PkiError::TooLarge`]; [`PkiError::Malformed`] where it is no SM2Cipher, was made for another key, or was
    /// changed: the three are not told apart.
    pub fn unseal(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, PkiError> {
        limited(sealed, LIMIT, "sealed text")?;
        let closed = || PkiError::bad("sealed text", "it does not open with this key");
        let key = DecryptingKey::from_slice(&*self.secret()).map_err(|_| PkiError::Key)?;
        key.decrypt_der(sealed).map(Zeroizing::new).map_err(|_| closed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_to_a_key_opens_with_it_and_with_no_other() {
        let (pair, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        for len in [1, 31, 32, 64, 1000] {
            let plain = vec![7; len];
            let sealed = pair.public_key().seal(&plain).unwrap();
            assert_eq!(*pair.unseal(&sealed).unwrap(), plain);
            assert_eq!(other.unseal(&sealed).unwrap_err().code(), "pki.malformed");
        }
        assert_ne!(pair.public_key().seal(b"x").unwrap(), pair.public_key().seal(b"x").unwrap());
    }

    #[test]
    fn a_sealed_text_that_was_changed_anywhere_does_not_open() {
        let pair = KeyPair::generate().unwrap();
        let sealed = pair.public_key().seal(b"current and next").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(pair.unseal(&changed).is_err(), "byte {at}");
            assert!(pair.unseal(&sealed[..at]).is_err(), "cut at {at}");
        }
        assert_eq!(pair.unseal(&vec![0; LIMIT + 1]).unwrap_err().code(), "pki.too_large");
    }
}
