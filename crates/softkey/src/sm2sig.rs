//! SM2 as a token computes it: over an `e` that may have come in pieces, for any distinguishing identifier.

use sm3::{Digest, Sm3};
use ycd_pki::{KeyPair, PublicKey, Signature};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

pub use ycd_pki::DEFAULT_ID;

/// ENTL counts bits in 16 bits.
pub const MAX_ID_LEN: usize = 8191;
/// `04 ‖ X ‖ Y`.
pub const POINT_LEN: usize = 65;
/// `r ‖ s`.
pub const RAW_LEN: usize = 64;
/// The longest DER of `SEQUENCE { r INTEGER, s INTEGER }`.
pub const DER_MAX_LEN: usize = 72;
/// Of `e` and of SM3.
pub const DIGEST_LEN: usize = 32;

/// a, b, x_G, y_G of the curve (GB/T 32918.5), as they enter Z.
const CURVE: [[u128; 2]; 4] = [
    [0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF, 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFC],
    [0x28E9FA9E_9D9F5E34_4D5A9E4B_CF6509A7, 0xF39789F5_15AB8F92_DDBCBD41_4D940E93],
    [0x32C4AE2C_1F198119_5F990446_6A39C994, 0x8FE30BBF_F2660BE1_715A4589_334C74C7],
    [0xBC3736A2_F4F6779C_59BDCEE3_6B692153, 0xD0A9877C_C62A4740_02DF32E5_2139F0A0],
];

/// A fresh key pair: the secret scalar, and the public point uncompressed.
pub fn generate() -> Result<(Zeroizing<Vec<u8>>, Vec<u8>)> {
    let pair = KeyPair::generate().map_err(|_| Error::Crypto("no key pair could be made"))?;
    Ok((Zeroizing::new(pair.secret().to_vec()), pair.public_key().to_point().to_vec()))
}

/// Whether the bytes are an uncompressed point of the curve.
pub fn is_point(point: &[u8]) -> bool {
    point.len() == POINT_LEN && PublicKey::from_point(point).is_ok()
}

/// SM3, begun with Z of GB/T 32918.2 5.5, for a point of [`POINT_LEN`] bytes and an id of at most [`MAX_ID_LEN`].
pub fn hash_with_z(id: &[u8], point: &[u8]) -> Sm3 {
    let bits = u16::try_from(id.len() * 8).unwrap_or(u16::MAX);
    let mut z = Sm3::new();
    z.update(bits.to_be_bytes());
    z.update(id);
    CURVE.iter().flatten().for_each(|half| z.update(half.to_be_bytes()));
    z.update(point.get(1..).unwrap_or_default());
    Sm3::new_with_prefix(z.finalize())
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
