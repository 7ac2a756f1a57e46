//! SM2 signatures over a given `e`, and the value Z (GB/T 32918.2).

use signature::hazmat::{PrehashSigner, PrehashVerifier};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm3::{Digest, Sm3};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// The distinguishing identifier used where none is given (GM/T 0009-2012, 10).
pub const DEFAULT_ID: &str = "1234567812345678";
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

/// Order of GB/T 32918.5: a, b, x_G, y_G, as they enter Z.
const CURVE: [u8; 128] = {
    let mut out = [0; 128];
    let parts: [&[u8; 32]; 4] = [&CURVE_A, &CURVE_B, &BASE_X, &BASE_Y];
    let mut at = 0;
    while at < 128 {
        out[at] = parts[at / 32][at % 32];
        at += 1;
    }
    out
};
const CURVE_A: [u8; 32] = bytes(0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF, 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFC);
const CURVE_B: [u8; 32] = bytes(0x28E9FA9E_9D9F5E34_4D5A9E4B_CF6509A7, 0xF39789F5_15AB8F92_DDBCBD41_4D940E93);
const BASE_X: [u8; 32] = bytes(0x32C4AE2C_1F198119_5F990446_6A39C994, 0x8FE30BBF_F2660BE1_715A4589_334C74C7);
const BASE_Y: [u8; 32] = bytes(0xBC3736A2_F4F6779C_59BDCEE3_6B692153, 0xD0A9877C_C62A4740_02DF32E5_2139F0A0);

const fn bytes(high: u128, low: u128) -> [u8; 32] {
    let (high, low) = (high.to_be_bytes(), low.to_be_bytes());
    let mut out = [0; 32];
    let mut at = 0;
    while at < 16 {
        out[at] = high[at];
        out[at + 16] = low[at];
        at += 1;
    }
    out
}

/// A fresh key pair: the secret scalar, and the public point uncompressed.
pub fn generate() -> Result<(Zeroizing<Vec<u8>>, Vec<u8>)> {
    loop {
        let mut secret = Zeroizing::new(vec![0; 32]);
        getrandom::fill(&mut secret).map_err(|_| Error::Crypto("no random numbers"))?;
        // A number outside 1..n is as good as never drawn, and drawn again.
        if let Ok(key) = SigningKey::from_slice(DEFAULT_ID, &secret) {
            return Ok((secret, key.verifying_key().to_sec1_bytes().into_vec()));
        }
    }
}

/// Whether the bytes are an uncompressed point of the curve.
pub fn is_point(point: &[u8]) -> bool {
    point.len() == POINT_LEN && VerifyingKey::from_sec1_bytes(DEFAULT_ID, point).is_ok()
}

/// Z of GB/T 32918.2 5.5, for a point of [`POINT_LEN`] bytes and an id of at most [`MAX_ID_LEN`].
pub fn z(id: &[u8], point: &[u8]) -> [u8; DIGEST_LEN] {
    let bits = u16::try_from(id.len() * 8).unwrap_or(u16::MAX);
    let mut hash = Sm3::new();
    hash.update(bits.to_be_bytes());
    hash.update(id);
    hash.update(CURVE);
    hash.update(point.get(1..).unwrap_or_default());
    hash.finalize().into()
}

/// Signs `e`; gives `r ‖ s`.
pub fn sign(secret: &[u8], e: &[u8; DIGEST_LEN]) -> Result<Vec<u8>> {
    let key =
        SigningKey::from_slice(DEFAULT_ID, secret).map_err(|_| Error::Crypto("not an SM2 private key"))?;
    let signature: Signature = key.sign_prehash(e).map_err(|_| Error::Crypto("SM2 could not sign"))?;
    Ok(signature.to_vec())
}

pub fn verify(point: &[u8], e: &[u8; DIGEST_LEN], raw: &[u8]) -> bool {
    let Ok(key) = VerifyingKey::from_sec1_bytes(DEFAULT_ID, point) else { return false };
    let Ok(signature) = Signature::from_slice(raw) else { return false };
    key.verify_prehash(e, &signature).is_ok()
}

/// `r ‖ s` as DER.
pub fn to_der(raw: &[u8]) -> Result<Vec<u8>> {
    let signature = Signature::from_slice(raw).map_err(|_| Error::Crypto("not an SM2 signature"))?;
    Ok(signature.to_der().as_ref().to_vec())
}

/// DER as `r ‖ s`; `None` when it is not DER of two numbers in 1..n.
pub fn from_der(der: &[u8]) -> Option<Vec<u8>> {
    Signature::from_der(der).ok().map(|s| s.to_vec())
}
