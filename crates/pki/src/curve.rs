//! The SM2 curve in numbers and in DER, and Z.

use der::asn1::ObjectIdentifier;

use crate::{error::PkiError, sm3::Hasher};

/// The distinguishing identifier that all of this project, and all of GM/T 0009, takes for granted.
pub const DEFAULT_ID: &str = "1234567812345678";
/// The longest distinguishing identifier, bytes: its length in bits has 16 bits.
pub const MAX_ID_LEN: usize = 8191;
/// 04 ‖ X ‖ Y.
pub const POINT_LEN: usize = 65;

/// id-ecPublicKey (RFC 5480 2.1.1).
pub(crate) const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// The SM2 curve (GM/T 0006).
pub(crate) const SM2_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");

/// DER of the curve's OBJECT IDENTIFIER, 1.2.156.10197.1.301: CKA_EC_PARAMS of an SM2 key.
pub const CURVE_DER: [u8; 10] = [0x06, 0x08, 0x2A, 0x81, 0x1C, 0xCF, 0x55, 0x01, 0x82, 0x2D];

/// DER of the SubjectPublicKeyInfo of an SM2 key, up to its point of [`POINT_LEN`] bytes.
pub const SPKI_PREFIX: [u8; 26] = {
    let mut prefix = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0x03, 0x42, 0x00,
    ];
    let mut i = 0;
    while i < CURVE_DER.len() {
        prefix[13 + i] = CURVE_DER[i];
        i += 1;
    }
    prefix
};

/// Z = SM3(ENTL ‖ ID ‖ a ‖ b ‖ xG ‖ yG ‖ xA ‖ yA) (GM/T 0003.2 5.5).
///
/// # Errors
/// [`PkiError::Unfit`] for an identifier over [`MAX_ID_LEN`].
pub(crate) fn z(id: &[u8], point: &[u8; POINT_LEN]) -> Result<[u8; 32], PkiError> {
    let too_long =
        |_| PkiError::Unfit { field: "distinguishing identifier", reason: "over 8191 bytes".into() };
    let bits = u16::try_from(id.len() * 8).map_err(too_long)?;
    let mut hasher = Hasher::new();
    hasher.update(&bits.to_be_bytes());
    hasher.update(id);
    hasher.update(&PARAMETERS);
    hasher.update(&point[1..]);
    Ok(hasher.finish())
}

/// a ‖ b ‖ xG ‖ yG of the recommended curve (GM/T 0003.5).
const PARAMETERS: [u8; 128] = {
    const TEXT: &[u8] = b"FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC\
        28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93\
        32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7\
        BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0";
    const fn nibble(c: u8) -> u8 {
        if c < b'A' { c - b'0' } else { c - b'A' + 10 }
    }
    let mut bytes = [0; 128];
    let mut i = 0;
    while i < 128 {
        bytes[i] = nibble(TEXT[2 * i]) << 4 | nibble(TEXT[2 * i + 1]);
        i += 1;
    }
    bytes
};

#[cfg(test)]
mod tests {
    use der::Encode as _;
    use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

    use super::*;

    #[test]
    fn the_fixed_der_is_what_an_encoder_writes() {
        assert_eq!(SM2_CURVE.to_der().unwrap(), CURVE_DER);
        let point = [4; POINT_LEN];
        let spki = SubjectPublicKeyInfoOwned {
            algorithm: AlgorithmIdentifierOwned {
                oid: EC_PUBLIC_KEY,
                parameters: Some(der::asn1::Any::encode_from(&SM2_CURVE).unwrap()),
            },
            subject_public_key: der::asn1::BitString::from_bytes(&point).unwrap(),
        };
        assert_eq!(spki.to_der().unwrap(), [&SPKI_PREFIX, point.as_slice()].concat());
    }

    #[test]
    fn an_identifier_is_refused_from_the_length_that_16_bits_cannot_count() {
        let point = [4; POINT_LEN];
        assert!(z(&[7; MAX_ID_LEN], &point).is_ok());
        assert_eq!(z(&[7; MAX_ID_LEN + 1], &point).unwrap_err().code(), "pki.unfit");
    }
}
