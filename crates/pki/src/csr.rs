//! Certification requests: PKCS#10 (RFC 2986, GM/T 0092), version 0, SM3withSM2 without parameters, no attributes.

use der::{Decode, Encode, Tag, asn1::Any};
use x509_cert::request::CertReqInfo;

use crate::{
    PkiError, PublicKey, Signer,
    encoding::{Signed, check_signature_algorithm, limited, members},
    pem,
};

/// A request above this size is not read, bytes.
pub const MAX_LEN: usize = 16 * 1024;

const WHAT: &str = "certification request";

/// Builds a request for `signer`'s key and signs it. `subject` is DER of a distinguished name.
///
/// # Errors
/// [`PkiError::Malformed`] for a subject that is none, [`PkiError::Sign`] where the key does not sign.
pub fn build(signer: &dyn Signer, subject: &[u8]) -> Result<Vec<u8>, PkiError> {
    let info = info(&signer.public_key(), subject)?;
    let signature = signer.sign(&info)?;
    Signed::assemble(&info, &signature.to_der(), WHAT)
}

/// DER of the CertificationRequestInfo: what the key signs.
///
/// # Errors
/// [`PkiError::Malformed`] for a subject that is none.
pub fn info(public_key: &PublicKey, subject: &[u8]) -> Result<Vec<u8>, PkiError> {
    crate::name::Name::from_der(subject)?;
    let mut content = vec![0x02, 0x01, 0x00];
    content.extend_from_slice(subject);
    content.extend(public_key.to_spki_der());
    // attributes [0] IMPLICIT SET, empty but not absent.
    content.extend([0xA0, 0x00]);
    Any::new(Tag::Sequence, content).and_then(|any| any.to_der()).map_err(PkiError::malformed(WHAT))
}

/// A request that was read; its signature is not verified before [`Request::verify`].
#[derive(Debug, Clone)]
pub struct Request {
    der: Vec<u8>,
    body: Vec<u8>,
    subject: Vec<u8>,
    public_key: PublicKey,
    signature: Vec<u8>,
}

impl Request {
    /// # Errors
    /// [`PkiError::TooLarge`], [`PkiError::Malformed`], [`PkiError::Algorithm`], [`PkiError::Key`].
    pub fn from_der(der: &[u8]) -> Result<Self, PkiError> {
        limited(der, MAX_LEN, WHAT)?;
        let signed = Signed::from_der(der, WHAT)?;
        check_signature_algorithm(&signed.algorithm, WHAT)?;
        CertReqInfo::from_der(signed.body).map_err(PkiError::malformed(WHAT))?;
        let members = members(signed.body, WHAT)?;
        let [_version, subject, public_key, _attributes] = members[..] else {
            return Err(PkiError::bad(WHAT, "not four parts"));
        };
        Ok(Self {
            der: der.to_vec(),
            body: signed.body.to_vec(),
            subject: subject.to_vec(),
            public_key: PublicKey::from_spki_der(public_key)?,
            signature: signed.signature,
        })
    }

    /// # Errors
    /// As [`Request::from_der`].
    pub fn from_pem(text: &str) -> Result<Self, PkiError> {
        Self::from_der(&pem::decode(pem::REQUEST, text)?)
    }

    /// Verifies the request with the public key in it: whoever made it holds the private key.
    ///
    /// # Errors
    /// [`PkiError::BadSignature`]; [`PkiError::Malformed`] where the signature is not DER, as when the raw r ‖ s was
    /// put into the BIT STRING.
    pub fn verify(&self) -> Result<(), PkiError> {
        self.public_key.verify(&self.body, &self.signature).map_err(|error| match error {
            PkiError::BadSignature { .. } => PkiError::BadSignature { what: WHAT },
            other => other,
        })
    }

    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// # Errors
    /// None in practice.
    pub fn to_pem(&self) -> Result<String, PkiError> {
        pem::encode(pem::REQUEST, &self.der)
    }

    /// DER of the distinguished name, as it came.
    pub fn subject_der(&self) -> &[u8] {
        &self.subject
    }

    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }
}
