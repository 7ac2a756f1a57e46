//! Certificates (X.509 v3, RFC 5280, GM/T 0015): read, issued, told in words.

mod extensions;
mod info;
mod issue;
#[cfg(test)]
mod tests;

use der::Decode;
use time::OffsetDateTime;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages};

use crate::{
    PkiError, PublicKey,
    encoding::{Signed, check_signature_algorithm, limited, members, to_offset},
    name::Name,
    pem,
};

pub(crate) use extensions::encoded;
pub use extensions::{SubjectId, SubjectIdKind};
pub use info::{CertificateInfo, CertificateState, EXPIRING_SOON_DAYS};
pub use issue::{CertificateParams, Profile, assemble, issue, key_identifier, new_serial, tbs};

/// A certificate above this size is not read, bytes.
pub const MAX_LEN: usize = 64 * 1024;

const WHAT: &str = "certificate";

/// A certificate that was read. Its signature is not verified before [`Certificate::verify`] or
/// [`crate::chain::verify_chain`].
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    tbs: Vec<u8>,
    signature: Vec<u8>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    spki: Vec<u8>,
    parsed: x509_cert::Certificate,
}

impl Certificate {
    /// # Errors
    /// [`PkiError::TooLarge`], [`PkiError::Malformed`]. Another algorithm than SM2 is no error here.
    pub fn from_der(der: &[u8]) -> Result<Self, PkiError> {
        limited(der, MAX_LEN, WHAT)?;
        let parsed = x509_cert::Certificate::from_der(der).map_err(PkiError::malformed(WHAT))?;
        let signed = Signed::from_der(der, WHAT)?;
        let mut parts = members(signed.body, WHAT)?;
        // The version is [0] EXPLICIT, absent in v1.
        if parts.first().and_then(|part| part.first()) == Some(&0xA0) {
            parts.remove(0);
        }
        let [_serial, _algorithm, issuer, _validity, subject, spki, ..] = parts[..] else {
            return Err(PkiError::bad(WHAT, "parts are missing"));
        };
        Ok(Self {
            der: der.to_vec(),
            tbs: signed.body.to_vec(),
            issuer: issuer.to_vec(),
            subject: subject.to_vec(),
            spki: spki.to_vec(),
            signature: signed.signature,
            parsed,
        })
    }

    /// The first certificate in a PEM text.
    ///
    /// # Errors
    /// As [`Certificate::from_der`].
    pub fn from_pem(text: &str) -> Result<Self, PkiError> {
        Self::from_der(&pem::decode(pem::CERTIFICATE, text)?)
    }

    /// Every certificate in a PEM text, in order.
    ///
    /// # Errors
    /// As [`Certificate::from_der`].
    pub fn all_from_pem(text: &str) -> Result<Vec<Self>, PkiError> {
        pem::decode_all(pem::CERTIFICATE, text)?.iter().map(|der| Self::from_der(der)).collect()
    }

    /// # Errors
    /// None in practice.
    pub fn to_pem(&self) -> Result<String, PkiError> {
        pem::encode(pem::CERTIFICATE, &self.der)
    }

    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The signed part, as it came.
    pub fn tbs_der(&self) -> &[u8] {
        &self.tbs
    }

    /// SM3 over the DER: how authorizations name a certificate.
    pub fn fingerprint(&self) -> [u8; 32] {
        crate::sm3::sm3(&self.der)
    }

    /// The content octets of the serial number's DER INTEGER.
    pub fn serial(&self) -> &[u8] {
        self.parsed.tbs_certificate().serial_number().as_bytes()
    }

    /// The serial number as people read it to each other: upper-case hex.
    pub fn serial_hex(&self) -> String {
        hex::encode_upper(self.serial())
    }

    /// DER of the SubjectPublicKeyInfo, as it came.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// # Errors
    /// [`PkiError::Algorithm`] where it is not an SM2 key.
    pub fn public_key(&self) -> Result<PublicKey, PkiError> {
        PublicKey::from_spki_der(&self.spki)
    }

    /// DER of the subject's name, as it came.
    pub fn subject_der(&self) -> &[u8] {
        &self.subject
    }

    /// DER of the issuer's name, as it came.
    pub fn issuer_der(&self) -> &[u8] {
        &self.issuer
    }

    pub fn subject(&self) -> Name {
        // Was read as a name when the certificate was; an overlong one shows as empty.
        Name::from_der(&self.subject).unwrap_or_default()
    }

    pub fn issuer(&self) -> Name {
        Name::from_der(&self.issuer).unwrap_or_default()
    }

    /// UTC, to the second.
    pub fn not_before(&self) -> OffsetDateTime {
        to_offset(self.parsed.tbs_certificate().validity().not_before)
    }

    /// UTC, to the second; the certificate is good up to and with this second (RFC 5280 4.1.2.5).
    pub fn not_after(&self) -> OffsetDateTime {
        to_offset(self.parsed.tbs_certificate().validity().not_after)
    }

    /// Does the key usage extension name this use? A certificate without the extension names none.
    pub fn has_usage(&self, usage: Usage) -> bool {
        let wanted = match usage {
            Usage::Sign => KeyUsages::DigitalSignature,
            Usage::NonRepudiation => KeyUsages::NonRepudiation,
            Usage::KeyEncipherment => KeyUsages::KeyEncipherment,
            Usage::CertSign => KeyUsages::KeyCertSign,
            Usage::CrlSign => KeyUsages::CRLSign,
        };
        self.extension::<KeyUsage>().is_some_and(|usages| usages.0.contains(wanted))
    }

    /// Is it a CA's, by its basic constraints?
    pub fn is_ca(&self) -> bool {
        self.extension::<BasicConstraints>().is_some_and(|basic| basic.ca)
    }

    /// How many CA certificates may stand below this one, where it says so.
    pub fn path_length(&self) -> Option<u8> {
        self.extension::<BasicConstraints>().and_then(|basic| basic.path_len_constraint)
    }

    /// Verifies the signature with the issuer's key; nothing else is looked at.
    ///
    /// # Errors
    /// [`PkiError::Algorithm`], [`PkiError::BadSignature`], [`PkiError::Malformed`] for a signature that is not DER.
    pub fn verify(&self, issuer: &PublicKey) -> Result<(), PkiError> {
        check_signature_algorithm(self.parsed.signature_algorithm(), WHAT)?;
        check_signature_algorithm(self.parsed.tbs_certificate().signature(), WHAT)?;
        issuer.verify(&self.tbs, &self.signature).map_err(|error| match error {
            PkiError::BadSignature { .. } => PkiError::BadSignature { what: WHAT },
            other => other,
        })
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({}, {})", self.serial_hex(), self.subject())
    }
}

/// What a key may be used for (RFC 5280 4.2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Usage {
    /// digitalSignature
    Sign,
    NonRepudiation,
    KeyEncipherment,
    CertSign,
    CrlSign,
}
