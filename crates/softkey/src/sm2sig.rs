//! SM2 as a token computes it: over an `e` that may have come in pieces, for any distinguishing identifier.

use ycd_pki::sm3::Hasher;
use ycd_pki::{KeyPair, PublicKey, Signature};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

pub use ycd_pki::curve::{DEFAULT_ID, MAX_ID_LEN, POINT_LEN};

/// `r ‖ s`.
pub const RAW_LEN: usize = 64;
/// The longest DER of `SEQUENCE { r INTEGER, s INTEGER }`.
pub const DER_MAX_LEN: usize = 72;
/// Of `e` and of SM3.
pub const DIGEST_LEN: usize = 32;

/// A fresh key pair: the secret scalar, and the public point uncompressed.
pub fn generate() -> Result<(Zeroizing<Vec<u8>>, Vec<u8>)> {
    let pair = KeyPair::generate().map_err(|_| Error::Crypto("no key pair could be made"))?;
    Ok((Zeroizing::new(pair.secret().to_vec()), pair.public_key().to_point().to_vec()))
}

/// Whether the bytes are an uncompressed point of the curve.
pub fn is_point(point: &[u8]) -> bool {
    point.len() == POINT_LEN && PublicKey::from_point(point).is_ok()
}

/// SM3, begun with Z, for a point of the curve and an identifier of at most [`MAX_ID_LEN`].
pub fn hash_with_z(id: &[u8], point: &[u8]) -> Result<Hasher> {
    let key = PublicKey::from_point(point).map_err(|_| Error::Crypto("not an SM2 public key"))?;
    key.hasher(id).map_err(|_| Error::Crypto("no such distinguishing identifier"))
}

/// Signs `e`.
pub fn sign(secret: &[u8], e: &[u8; DIGEST_LEN]) -> Result<Signature> {
    let not_a_key = Error::Crypto("not an SM2 private key");
    let Ok(secret) = <&[u8; 32]>::try_from(secret) else { return Err(not_a_key) };
    let Ok(key) = KeyPair::from_secret(secret) else { return Err(not_a_key) };
    key.sign_digest(e).map_err(|_| Error::Crypto("SM2 could not sign"))
}

pub fn verify(point: &[u8], e: &[u8; DIGEST_LEN], signature: &Signature) -> bool {
    PublicKey::from_point(point).is_ok_and(|key| key.verify_digest(e, signature).is_ok())
}
