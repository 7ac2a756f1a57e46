//! Certificates made: the signed part first, the signature later, so that a portal can store what it has decided
//! before an authority signs it.

use der::{
    Decode, Encode, Sequence,
    asn1::{Any, OctetString},
};
use spki::AlgorithmIdentifierOwned;
use time::OffsetDateTime;
use x509_cert::{
    ext::{
        Extension,
        pkix::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage, KeyUsages, SubjectKeyIdentifier},
    },
    serial_number::SerialNumber,
    time::Validity,
};

use super::{
    SubjectId, WHAT,
    extensions::{crl_point, encoded},
};
use crate::{
    PkiError, PublicKey, Signature, Signer,
    encoding::{Signed, signature_algorithm, to_der_time},
    name::Name,
    sm3::sm3,
};

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// A root CA: keyCertSign and cRLSign, critical.
    Root,
    /// An issuing CA: the same, with path length 0.
    Issuing,
    /// A signature certificate of a subject (GM/T 0015): digitalSignature and nonRepudiation, critical; not a CA.
    Signature,
}

/// All that a certificate says.
#[derive(Debug, Clone)]
pub struct CertificateParams {
    pub profile: Profile,
    /// Content octets of the serial number, as [`new_serial`] gives them.
    pub serial: Vec<u8>,
    /// DER of the issuer's name.
    pub issuer: Vec<u8>,
    /// DER of the subject's name.
    pub subject: Vec<u8>,
    pub public_key: PublicKey,
    pub not_before: OffsetDateTime,
    pub not_after: OffsetDateTime,
    /// The issuer's subject key identifier; for a root its own, which [`key_identifier`] gives.
    pub authority_key_id: Vec<u8>,
    /// Where the issuer publishes its CRL; none for a root.
    pub crl_uri: Option<String>,
    pub subject_ids: Vec<SubjectId>,
}

/// A serial number: 16 random bytes, positive, without a leading zero (RFC 5280 4.1.2.2).
///
/// # Errors
/// [`PkiError::Random`].
pub fn new_serial() -> Result<Vec<u8>, PkiError> {
    let mut serial = vec![0; 16];
    getrandom::fill(&mut serial).map_err(|_| PkiError::Random)?;
    // Bit 7 clear: positive in 16 octets. Bit 6 set: never a leading zero octet.
    serial[0] = serial[0] & 0x3F | 0x40;
    Ok(serial)
}

/// The key identifier of a public key: the leftmost 20 bytes of SM3 over the point, after RFC 7093 2 method 1.
pub fn key_identifier(public_key: &PublicKey) -> Vec<u8> {
    sm3(&public_key.to_point())[..20].to_vec()
}

/// DER of the part that is signed.
///
/// # Errors
/// [`PkiError::Unfit`] for values that cannot stand in a certificate.
pub fn tbs(params: &CertificateParams) -> Result<Vec<u8>, PkiError> {
    let error = PkiError::malformed(WHAT);
    Name::from_der(&params.issuer)?;
    Name::from_der(&params.subject)?;
    if params.not_after <= params.not_before {
        return Err(PkiError::Unfit { field: "term", reason: "empty".into() });
    }
    let serial = SerialNumber::new(&params.serial).map_err(&error)?;
    if serial.as_bytes() != params.serial || params.serial.iter().all(|b| *b == 0) {
        return Err(PkiError::Unfit { field: "serial number", reason: "negative, zero or padded".into() });
    }
    let validity = Validity::new(
        to_der_time(params.not_before, "not before")?,
        to_der_time(params.not_after, "not after")?,
    );
    Tbs {
        version: 2,
        serial,
        signature: signature_algorithm(),
        issuer: Any::from_der(&params.issuer).map_err(&error)?,
        validity,
        subject: Any::from_der(&params.subject).map_err(&error)?,
        public_key: Any::from_der(&params.public_key.to_spki_der()).map_err(&error)?,
        extensions: extensions(params)?,
    }
    .to_der()
    .map_err(&error)
}

/// Puts the signed part and its signature together.
///
/// # Errors
/// [`PkiError::Malformed`] where the encoder refuses, as for parts beyond its limits.
pub fn assemble(tbs: &[u8], signature: &Signature) -> Result<Vec<u8>, PkiError> {
    Signed::assemble(tbs, &signature.to_der(), WHAT)
}

/// [`tbs`], signed by `ca` and assembled.
///
/// # Errors
/// As [`tbs`]; [`PkiError::Sign`].
pub fn issue(params: &CertificateParams, ca: &dyn Signer) -> Result<Vec<u8>, PkiError> {
    let tbs = tbs(params)?;
    assemble(&tbs, &ca.sign(&tbs)?)
}

fn extensions(params: &CertificateParams) -> Result<Vec<Extension>, PkiError> {
    let error = PkiError::malformed(WHAT);
    let octets = |bytes: Vec<u8>| OctetString::new(bytes).map_err(&error);
    let (usages, basic) = match params.profile {
        Profile::Root => (
            KeyUsages::KeyCertSign | KeyUsages::CRLSign,
            BasicConstraints { ca: true, path_len_constraint: None },
        ),
        Profile::Issuing => (
            KeyUsages::KeyCertSign | KeyUsages::CRLSign,
            BasicConstraints { ca: true, path_len_constraint: Some(0) },
        ),
        Profile::Signature => (
            KeyUsages::DigitalSignature | KeyUsages::NonRepudiation,
            BasicConstraints { ca: false, path_len_constraint: None },
        ),
    };
    let mut extensions = vec![
        encoded(
            false,
            &AuthorityKeyIdentifier {
                key_identifier: Some(octets(params.authority_key_id.clone())?),
                ..Default::default()
            },
        )?,
        encoded(false, &SubjectKeyIdentifier(octets(key_identifier(&params.public_key))?))?,
        encoded(true, &basic)?,
        encoded(true, &KeyUsage(usages))?,
    ];
    if let Some(uri) = &params.crl_uri {
        extensions.push(encoded(false, &crl_point(uri)?)?);
    }
    for id in &params.subject_ids {
        extensions.push(id.to_extension()?);
    }
    Ok(extensions)
}

/// TBSCertificate (RFC 5280 4.1), names and key as DER so that they stay as they came.
#[derive(Sequence)]
struct Tbs {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: u8,
    serial: SerialNumber,
    signature: AlgorithmIdentifierOwned,
    issuer: Any,
    validity: Validity,
    subject: Any,
    public_key: Any,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}
