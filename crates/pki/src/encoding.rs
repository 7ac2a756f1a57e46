//! What the modules share about DER: object identifiers, the raw pieces of a SEQUENCE, times.

use std::time::Duration;

use der::{
    Decode, Encode, Reader, SliceReader, Tag,
    asn1::{AnyRef, BitString, ObjectIdentifier},
};
use spki::AlgorithmIdentifierOwned;
use time::OffsetDateTime;
use x509_cert::time::Time;

use crate::error::PkiError;

/// Signature SM3withSM2 (GM/T 0006).
pub const SM2_WITH_SM3: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.501");

/// SM3withSM2 as it is written: without parameters.
pub fn signature_algorithm() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid: SM2_WITH_SM3, parameters: None }
}

/// Refuses all but SM3withSM2 with absent or NULL parameters.
pub fn check_signature_algorithm(
    algorithm: &AlgorithmIdentifierOwned,
    what: &'static str,
) -> Result<(), PkiError> {
    let parameters_fit = algorithm.parameters.as_ref().is_none_or(|p| p.is_null());
    if algorithm.oid == SM2_WITH_SM3 && parameters_fit { Ok(()) } else { Err(PkiError::Algorithm { what }) }
}

/// The members of a DER SEQUENCE, each with its header, as they came.
pub fn members<'a>(der: &'a [u8], what: &'static str) -> Result<Vec<&'a [u8]>, PkiError> {
    let any = AnyRef::from_der(der).map_err(PkiError::malformed(what))?;
    if der::Tagged::tag(&any) != Tag::Sequence {
        return Err(PkiError::bad(what, "not a SEQUENCE"));
    }
    let mut reader = SliceReader::new(any.value()).map_err(PkiError::malformed(what))?;
    let mut found = Vec::new();
    while !reader.is_finished() {
        found.push(reader.tlv_bytes().map_err(PkiError::malformed(what))?);
    }
    Ok(found)
}

/// The three parts common to requests, certificates and lists: what was signed, by which algorithm, the signature.
pub struct Signed<'a> {
    /// DER of the signed part, as it came.
    pub body: &'a [u8],
    pub algorithm: AlgorithmIdentifierOwned,
    /// The content of the BIT STRING.
    pub signature: Vec<u8>,
}

impl<'a> Signed<'a> {
    pub fn from_der(der: &'a [u8], what: &'static str) -> Result<Self, PkiError> {
        let members = members(der, what)?;
        let [body, algorithm, signature] = members[..] else {
            return Err(PkiError::bad(what, "not three parts"));
        };
        let algorithm = AlgorithmIdentifierOwned::from_der(algorithm).map_err(PkiError::malformed(what))?;
        let signature = BitString::from_der(signature).map_err(PkiError::malformed(what))?;
        let signature =
            signature.as_bytes().ok_or_else(|| PkiError::bad(what, "signature of odd bits"))?.to_vec();
        Ok(Self { body, algorithm, signature })
    }

    /// Puts `body` and the DER of its signature together.
    pub fn assemble(body: &[u8], signature: &[u8], what: &'static str) -> Result<Vec<u8>, PkiError> {
        let write = || -> der::Result<Vec<u8>> {
            let mut content = body.to_vec();
            content.extend(signature_algorithm().to_der()?);
            content.extend(BitString::from_bytes(signature)?.to_der()?);
            der::asn1::Any::new(Tag::Sequence, content)?.to_der()
        };
        write().map_err(PkiError::malformed(what))
    }
}

/// UTC seconds out of a certificate.
pub fn to_offset(time: Time) -> OffsetDateTime {
    // A DER time lies between 1970 and 9999, inside what both types hold.
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// UTCTime up to 2049, GeneralizedTime after (RFC 5280 4.1.2.5); fractions of a second are cut off.
pub fn to_der_time(at: OffsetDateTime, field: &'static str) -> Result<Time, PkiError> {
    let unfit = |reason: &str| PkiError::Unfit { field, reason: reason.into() };
    let seconds = u64::try_from(at.unix_timestamp()).map_err(|_| unfit("before 1970"))?;
    let time = der::DateTime::from_unix_duration(Duration::from_secs(seconds))
        .map_err(|_| unfit("after the year 9999"))?;
    Ok(Time::from(time))
}

/// Refuses input over `limit` bytes.
pub fn limited(bytes: &[u8], limit: usize, what: &'static str) -> Result<(), PkiError> {
    if bytes.len() > limit { Err(PkiError::TooLarge { what, len: bytes.len(), limit }) } else { Ok(()) }
}
