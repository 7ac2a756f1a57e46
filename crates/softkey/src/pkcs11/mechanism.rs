//! Mechanisms, under the numbers of the token's emulation, and the operations they run.

use cryptoki_sys::*;
use ycd_pki::Signature;
use ycd_pki::sm3::Hasher;

use super::Rv;
use crate::emulation::{Format, Input, VendorEmulation};
use crate::sm2sig::{self, DEFAULT_ID, DER_MAX_LEN, DIGEST_LEN, MAX_ID_LEN, RAW_LEN};

/// All mechanisms, in the order of `C_GetMechanismList`.
pub fn all(emulation: &VendorEmulation) -> Vec<CK_MECHANISM_TYPE> {
    emulation.mechanisms().into_iter().map(CK_MECHANISM_TYPE::from).collect()
}

pub fn info(emulation: &VendorEmulation, mechanism: CK_MECHANISM_TYPE) -> Rv<CK_MECHANISM_INFO> {
    if !all(emulation).contains(&mechanism) {
        return Err(CKR_MECHANISM_INVALID);
    }
    let curve = CKF_EC_F_P | CKF_EC_OID | CKF_EC_UNCOMPRESS;
    let (bits, flags) = if emulation.digest.map(CK_MECHANISM_TYPE::from) == Some(mechanism) {
        (0, CKF_DIGEST)
    } else if is_key_pair_gen(emulation, mechanism) {
        (256, curve | CKF_GENERATE_KEY_PAIR)
    } else {
        (256, curve | CKF_SIGN | CKF_VERIFY)
    };
    Ok(CK_MECHANISM_INFO { ulMinKeySize: bits, ulMaxKeySize: bits, flags })
}

pub fn is_key_pair_gen(emulation: &VendorEmulation, mechanism: CK_MECHANISM_TYPE) -> bool {
    CK_MECHANISM_TYPE::from(emulation.key_pair_gen) == mechanism
}

/// A signature being made or checked: what was seen of the data, and how it ends.
pub struct SignatureOperation {
    pub key: CK_OBJECT_HANDLE,
    seen: Seen,
    der: bool,
    /// Parts have come in: `C_Sign` may not end what `C_SignUpdate` began.
    pub in_parts: bool,
}

enum Seen {
    Hash(Box<Hasher>),
    Raw(Vec<u8>),
}

impl SignatureOperation {
    /// `point` is the public key of `key`.
    pub fn new(
        emulation: &VendorEmulation,
        (mechanism, parameter): (CK_MECHANISM_TYPE, Vec<u8>),
        key: CK_OBJECT_HANDLE,
        point: &[u8],
    ) -> Rv<Self> {
        let number = u32::try_from(mechanism).map_err(|_| CKR_MECHANISM_INVALID)?;
        let signing = emulation.signing(number).ok_or(if parameter.is_empty() {
            CKR_MECHANISM_INVALID
        } else {
            CKR_MECHANISM_PARAM_INVALID
        })?;
        if !parameter.is_empty() && (!signing.takes_id || parameter.len() > MAX_ID_LEN) {
            return Err(CKR_MECHANISM_PARAM_INVALID);
        }
        let der = signing.format == Format::Der;
        let id = match signing.input {
            Input::Message if parameter.is_empty() => Some(DEFAULT_ID.as_bytes().to_vec()),
            Input::Message => Some(parameter),
            Input::E => None,
        };
        let seen = match id {
            Some(id) => {
                Seen::Hash(Box::new(sm2sig::hash_with_z(&id, point).map_err(|_| CKR_FUNCTION_FAILED)?))
            }
            None => Seen::Raw(Vec::new()),
        };
        Ok(Self { key, seen, der, in_parts: false })
    }

    pub fn update(&mut self, data: &[u8]) -> Rv {
        match &mut self.seen {
            Seen::Hash(hash) => hash.update(data),
            Seen::Raw(e) if e.len() + data.len() <= DIGEST_LEN => e.extend_from_slice(data),
            Seen::Raw(_) => return Err(CKR_DATA_LEN_RANGE),
        }
        Ok(())
    }

    /// The space that a signature needs at most.
    pub fn signature_room(&self) -> usize {
        if self.der { DER_MAX_LEN } else { RAW_LEN }
    }

    pub fn sign(self, secret: &[u8]) -> Rv<Vec<u8>> {
        let der = self.der;
        let signature = sm2sig::sign(secret, &self.e()?).map_err(|_| CKR_FUNCTION_FAILED)?;
        Ok(if der { signature.to_der() } else { signature.to_raw().to_vec() })
    }

    pub fn verify(self, point: &[u8], signature: &[u8]) -> Rv {
        let read = if self.der {
            if signature.len() > DER_MAX_LEN {
                return Err(CKR_SIGNATURE_LEN_RANGE);
            }
            Signature::from_der(signature)
        } else {
            Signature::from_raw(signature.try_into().map_err(|_| CKR_SIGNATURE_LEN_RANGE)?)
        };
        let signature = read.map_err(|_| CKR_SIGNATURE_INVALID)?;
        if sm2sig::verify(point, &self.e()?, &signature) { Ok(()) } else { Err(CKR_SIGNATURE_INVALID) }
    }

    fn e(self) -> Rv<[u8; DIGEST_LEN]> {
        match self.seen {
            Seen::Hash(hash) => Ok(hash.finish()),
            Seen::Raw(e) => e.as_slice().try_into().map_err(|_| CKR_DATA_LEN_RANGE),
        }
    }
}

/// A digest being made.
pub struct DigestOperation {
    pub hash: Hasher,
    pub in_parts: bool,
}

impl DigestOperation {
    pub fn new(
        emulation: &VendorEmulation,
        (mechanism, parameter): (CK_MECHANISM_TYPE, Vec<u8>),
    ) -> Rv<Self> {
        if emulation.digest.map(CK_MECHANISM_TYPE::from) != Some(mechanism) {
            return Err(CKR_MECHANISM_INVALID);
        }
        if !parameter.is_empty() {
            return Err(CKR_MECHANISM_PARAM_INVALID);
        }
        Ok(Self { hash: Hasher::new(), in_parts: false })
    }
}
