//! The portal's own secret, and what is derived from it.
//!
//! It lies in a file beside the database, so that a copy of the database alone gives away no session, no SMS code and
//! no stored answer.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read as _, Write as _},
    path::Path,
};

use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit as _,
    aead::{Aead as _, Payload},
};
use hmac::{Hmac, Mac as _};
use sm3::Sm3;
use zeroize::Zeroizing;

use crate::Error;

const LEN: usize = 32;
const NONCE_LEN: usize = 12;

pub struct Secrets(Zeroizing<[u8; LEN]>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// Makes the file; fails where there is one.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let secret = Zeroizing::new(random::<LEN>()?);
        write_private(path, secret.as_slice())?;
        Ok(Self(secret))
    }

    pub fn open(path: &Path) -> Result<Self, Error> {
        let mut secret = Zeroizing::new([0; LEN]);
        File::open(path).and_then(|mut file| file.read_exact(secret.as_mut_slice())).map_err(|error| {
            if error.kind() == ErrorKind::NotFound { Error::NotInitialized } else { Error::Io(error) }
        })?;
        Ok(Self(secret))
    }

    /// HMAC-SM3 under a key for this use alone. Parts are told apart by their lengths.
    pub fn mac(&self, use_: &str, parts: &[&[u8]]) -> [u8; 32] {
        let key = hmac(self.0.as_slice(), &[use_.as_bytes()]);
        hmac(&key, parts)
    }

    /// A key for another part of the portal, for example the file of the authority's keys.
    pub fn derive(&self, use_: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.mac("derive", &[use_.as_bytes()]))
    }

    /// Encrypts (ChaCha20-Poly1305, random nonce first), bound to `use_`.
    pub fn seal(&self, use_: &str, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let nonce = random::<NONCE_LEN>()?;
        let sealed = self
            .cipher(use_)
            .encrypt(&nonce.into(), Payload { msg: plain, aad: use_.as_bytes() })
            .map_err(|_| Error::Sealed)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    pub fn unseal(&self, use_: &str, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let (nonce, cipher) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(Error::Sealed)?;
        self.cipher(use_)
            .decrypt(nonce.into(), Payload { msg: cipher, aad: use_.as_bytes() })
            .map_err(|_| Error::Sealed)
    }

    fn cipher(&self, use_: &str) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new((&*self.derive(use_)).into())
    }
}

/// Random bytes of the operating system.
pub fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Io(std::io::Error::other(error)))?;
    Ok(bytes)
}

/// A new token, and as text.
pub fn new_bearer() -> Result<Zeroizing<String>, Error> {
    Ok(Zeroizing::new(hex::encode(Zeroizing::new(random::<32>()?).as_slice())))
}

/// Writes a file that only its owner can read (on Windows: as its folder says); fails where there is one.
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    Ok(())
}

/// Makes a folder, and those above it that are missing, for its owner alone (on Windows: as the one above it says). One
/// that is there stays as it is.
pub fn create_private_folder(path: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    Ok(builder.recursive(true).create(path)?)
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    let mut mac = Hmac::<Sm3>::new_from_slice(key).expect("any length");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
