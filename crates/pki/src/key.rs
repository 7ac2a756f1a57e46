//! Public keys and signatures.

use der::{
    Decode,
    asn1::{ObjectIdentifier, OctetStringRef, UintRef},
};
use signature::hazmat::PrehashVerifier;
use sm2::{
    AffinePoint, FieldBytes, ProjectivePoint, Scalar,
    dsa::{Signature as Sm2Signature, VerifyingKey},
    elliptic_curve::{Group, ops::Reduce, point::AffineCoordinates},
};
use spki::SubjectPublicKeyInfoOwned;

use crate::{
    curve::{DEFAULT_ID, EC_PUBLIC_KEY, POINT_LEN, SM2_CURVE, SPKI_PREFIX, z},
    encoding::{limited, members},
    error::PkiError,
    sm3::{Hasher, sm3},
};

/// An SM2 public key: a point of the curve that is not the neutral one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey {
    /// 04 ‖ X ‖ Y, checked to lie on the curve.
    point: [u8; POINT_LEN],
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo (RFC 5280 4.1.2.7) of id-ecPublicKey and the SM2 curve.
    ///
    /// # Errors
    /// [`PkiError::Algorithm`] for another kind of key, [`PkiError::Key`] for a point off the curve.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, PkiError> {
        const WHAT: &str = "public key";
        limited(der, 1024, WHAT)?;
        let spki = SubjectPublicKeyInfoOwned::from_der(der).map_err(PkiError::malformed(WHAT))?;
        let curve = spki.algorithm.parameters.as_ref().and_then(|p| p.decode_as::<ObjectIdentifier>().ok());
        if spki.algorithm.oid != EC_PUBLIC_KEY || curve != Some(SM2_CURVE) {
            return Err(PkiError::Algorithm { what: WHAT });
        }
        let point = spki.subject_public_key.as_bytes().ok_or(PkiError::Key)?;
        Self::from_uncompressed(point)
    }

    /// DER of the SubjectPublicKeyInfo: 91 bytes of fixed shape, so that there is nothing to fail.
    pub fn to_spki_der(&self) -> Vec<u8> {
        [SPKI_PREFIX.as_slice(), &self.point].concat()
    }

    /// Reads a point as tokens give it in CKA_EC_POINT: 04 ‖ X ‖ Y (65 bytes), X ‖ Y (64 bytes), or a DER OCTET
    /// STRING around either.
    ///
    /// # Errors
    /// [`PkiError::Key`] for anything else and for a point off the curve.
    pub fn from_point(bytes: &[u8]) -> Result<Self, PkiError> {
        match bytes.len() {
            65 => Self::from_uncompressed(bytes),
            64 => {
                let mut point = [4; 65];
                point[1..].copy_from_slice(bytes);
                Self::from_uncompressed(&point)
            }
            66 | 67 => match <&OctetStringRef>::from_der(bytes) {
                Ok(inner) => Self::from_point(inner.as_bytes()),
                Err(_) => Err(PkiError::Key),
            },
            _ => Err(PkiError::Key),
        }
    }

    /// 04 ‖ X ‖ Y.
    pub fn to_point(&self) -> [u8; 65] {
        self.point
    }

    /// SM3 over the DER of the SubjectPublicKeyInfo: how this project names a key in authorizations.
    pub fn fingerprint(&self) -> [u8; 32] {
        sm3(&self.to_spki_der())
    }

    /// What is signed: e = SM3(Z ‖ M) with the default identifier (GM/T 0003.2 6.1, GM/T 0009 8.1 and 8.2).
    pub fn digest(&self, message: &[u8]) -> [u8; 32] {
        #[expect(clippy::expect_used, reason = "the default identifier has 16 bytes")]
        let mut hasher = self.hasher(DEFAULT_ID.as_bytes()).expect("a short identifier");
        hasher.update(message);
        hasher.finish()
    }

    /// SM3 that has taken Z: with M after it, it gives e.
    ///
    /// # Errors
    /// [`PkiError::Unfit`] for an identifier over [`MAX_ID_LEN`](crate::curve::MAX_ID_LEN).
    pub fn hasher(&self, id: &[u8]) -> Result<Hasher, PkiError> {
        let mut hasher = Hasher::new();
        hasher.update(&z(id, &self.point)?);
        Ok(hasher)
    }

    /// Verifies SM3withSM2 with the default identifier; the signature as DER `SEQUENCE { r, s }`.
    ///
    /// # Errors
    /// [`PkiError::Malformed`] where the signature is not such DER (raw r ‖ s is not), [`PkiError::BadSignature`]
    /// where it is not that of this key over `message`.
    pub fn verify(&self, message: &[u8], signature_der: &[u8]) -> Result<(), PkiError> {
        self.verify_digest(&self.digest(message), &Signature::from_der(signature_der)?)
    }

    /// Verifies a signature over e, as [`Self::digest`] gives it.
    ///
    /// # Errors
    /// [`PkiError::BadSignature`].
    pub fn verify_digest(&self, e: &[u8; 32], signature: &Signature) -> Result<(), PkiError> {
        const BAD: PkiError = PkiError::BadSignature { what: "text" };
        let key = VerifyingKey::from_sec1_bytes(DEFAULT_ID, &self.point).map_err(|_| BAD)?;
        key.verify_prehash(e, &signature.inner()).map_err(|_| BAD)
    }

    /// Is this an ECDSA signature over `digest` on the SM2 curve? No standard has such a thing; some modules make it
    /// of an SM2 key all the same (SoftHSM does), and a refusal should be able to say so.
    pub fn verifies_as_plain_ecdsa(&self, digest: &[u8; 32], signature: &Signature) -> bool {
        let Ok(key) = sm2::PublicKey::from_sec1_bytes(&self.point) else { return false };
        let signature = signature.inner();
        let (r, s) = signature.split_scalars();
        let Some(w) = Option::<Scalar>::from((*s).invert()) else { return false };
        let e = <Scalar as Reduce<FieldBytes>>::reduce(&FieldBytes::from(*digest));
        let point = ProjectivePoint::generator() * (e * w) + key.to_projective() * (*r * w);
        let x = AffinePoint::from(point).x();
        <Scalar as Reduce<FieldBytes>>::reduce(&x) == *r
    }

    fn from_uncompressed(bytes: &[u8]) -> Result<Self, PkiError> {
        let point: [u8; 65] = bytes.try_into().map_err(|_| PkiError::Key)?;
        if point[0] != 4 {
            return Err(PkiError::Key);
        }
        sm2::PublicKey::from_sec1_bytes(&point).map_err(|_| PkiError::Key)?;
        Ok(Self { point })
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({}…)", hex::encode(&self.point[1..9]))
    }
}

/// An SM2 signature (r, s), both in 1..n.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    raw: [u8; 64],
}

impl Signature {
    /// From r ‖ s, 32 bytes each, as tokens give it.
    ///
    /// # Errors
    /// [`PkiError::Malformed`] where r or s is zero or not below the order.
    pub fn from_raw(raw: &[u8; 64]) -> Result<Self, PkiError> {
        Sm2Signature::from_slice(raw).map_err(|_| PkiError::bad("signature", "r or s out of range"))?;
        Ok(Self { raw: *raw })
    }

    /// From DER `SEQUENCE { r INTEGER, s INTEGER }` (GM/T 0009 7.3).
    ///
    /// # Errors
    /// [`PkiError::Malformed`], also for raw r ‖ s.
    pub fn from_der(der: &[u8]) -> Result<Self, PkiError> {
        const WHAT: &str = "signature";
        let members = members(der, WHAT)?;
        let [r, s] = members[..] else { return Err(PkiError::bad(WHAT, "not two integers")) };
        let mut raw = [0; 64];
        for (number, place) in [(r, 32), (s, 64)] {
            let number = UintRef::from_der(number).map_err(PkiError::malformed(WHAT))?;
            let bytes = number.as_bytes();
            if bytes.len() > 32 {
                return Err(PkiError::bad(WHAT, "an integer over 32 bytes"));
            }
            raw[place - bytes.len()..place].copy_from_slice(bytes);
        }
        Self::from_raw(&raw)
    }

    /// DER `SEQUENCE { r, s }`: 70 to 72 bytes as a rule.
    pub fn to_der(&self) -> Vec<u8> {
        self.inner().to_der().to_vec()
    }

    /// r ‖ s.
    pub fn to_raw(&self) -> [u8; 64] {
        self.raw
    }

    fn inner(&self) -> Sm2Signature {
        #[expect(clippy::expect_used, reason = "the range was checked when this value was made")]
        Sm2Signature::from_slice(&self.raw).expect("r and s in range")
    }
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signature({}…)", hex::encode(&self.raw[..8]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyPair;

    const SECRET: &str = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
    const POINT: &str = "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020\
        ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
    const SIGNATURE: &str = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3\
        b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa";

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    #[test]
    fn the_example_of_gm_t_0003_5_annex_a_comes_out() {
        let pair = KeyPair::from_secret(&bytes(SECRET)).unwrap();
        let key = pair.public_key();
        assert_eq!(hex::encode(key.to_point()), POINT);
        assert_eq!(
            hex::encode(z(DEFAULT_ID.as_bytes(), &key.to_point()).unwrap()),
            "b2e14c5c79c6df5b85f4fe7ed8db7a262b9da7e07ccb0ea9f4747b8ccda8a4f3"
        );
        let e = key.digest(b"message digest");
        assert_eq!(hex::encode(e), "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640");
        let signature = Signature::from_raw(&bytes(SIGNATURE)).unwrap();
        key.verify_digest(&e, &signature).unwrap();
        key.verify(b"message digest", &signature.to_der()).unwrap();
        assert_eq!(
            key.verify(b"message digesu", &signature.to_der()).unwrap_err().code(),
            "pki.bad_signature"
        );
    }

    #[test]
    fn a_point_is_read_in_every_form_that_tokens_give() {
        let point: [u8; 65] = bytes(POINT);
        let wrapped_65 = [&[4, 65][..], &point].concat();
        let wrapped_64 = [&[4, 64][..], &point[1..]].concat();
        for form in [&point[..], &point[1..], &wrapped_65, &wrapped_64] {
            assert_eq!(PublicKey::from_point(form).unwrap().to_point(), point);
        }
        let mut off = point;
        off[64] ^= 1;
        for wrong in [&off[..], &off[1..], &point[..64], &[4, 0], &[0], &[]] {
            assert_eq!(PublicKey::from_point(wrong).unwrap_err().code(), "pki.key");
        }
    }

    #[test]
    fn a_public_key_survives_its_spki_and_another_curve_is_refused() {
        let key = PublicKey::from_point(&bytes::<65>(POINT)).unwrap();
        let spki = key.to_spki_der();
        assert_eq!(spki.len(), 91);
        assert_eq!(PublicKey::from_spki_der(&spki).unwrap(), key);
        // The same length, with the curve 1.2.156.10197.1.302 for .301.
        let place = spki.windows(4).position(|w| w == [0x55, 0x01, 0x82, 0x2d]).unwrap();
        let mut other = spki.clone();
        other[place + 3] = 0x2e;
        assert_eq!(PublicKey::from_spki_der(&other).unwrap_err().code(), "pki.algorithm");
    }

    #[test]
    fn raw_bytes_are_no_der_signature() {
        let raw: [u8; 64] = bytes(SIGNATURE);
        assert_eq!(Signature::from_der(&raw).unwrap_err().code(), "pki.malformed");
        let der = Signature::from_raw(&raw).unwrap().to_der();
        assert_eq!(Signature::from_der(&der).unwrap().to_raw(), raw);
        assert!(Signature::from_raw(&[0; 64]).is_err());
        assert!(Signature::from_raw(&[0xFF; 64]).is_err());
    }

    #[test]
    fn a_plain_ecdsa_signature_on_the_sm2_curve_is_told_apart() {
        // d = 1 with nonce k = 2 over e: r = x(2G), s = (e + r·d) / k, as a module without SM2 would make it.
        let pair = KeyPair::from_secret(&{
            let mut one = [0; 32];
            one[31] = 1;
            one
        })
        .unwrap();
        let e = [0x5A; 32];
        let reduce = |bytes: FieldBytes| <Scalar as Reduce<FieldBytes>>::reduce(&bytes);
        let r = reduce(AffinePoint::from(ProjectivePoint::generator().double()).x());
        let half = Option::<Scalar>::from((Scalar::ONE + Scalar::ONE).invert()).unwrap();
        let s = (reduce(FieldBytes::from(e)) + r) * half;
        let raw: Vec<u8> = [r.to_bytes(), s.to_bytes()].concat();
        let signature = Signature::from_raw(&raw.try_into().unwrap()).unwrap();
        assert!(pair.public_key().verifies_as_plain_ecdsa(&e, &signature));
        assert!(pair.public_key().verify_digest(&e, &signature).is_err());
        let sm2 = pair.sign_digest(&e).unwrap();
        assert!(!pair.public_key().verifies_as_plain_ecdsa(&e, &sm2));
    }
}
