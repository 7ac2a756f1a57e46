//! Revocation lists (X.509 v2 CRL, RFC 5280 5).

use der::{
    Decode, Encode, Sequence,
    asn1::{Any, OctetString, Uint},
};
use spki::AlgorithmIdentifierOwned;
use time::OffsetDateTime;
use x509_cert::{
    crl::CertificateList,
    ext::{
        Extension,
        pkix::{AuthorityKeyIdentifier, CrlNumber, CrlReason},
    },
    serial_number::SerialNumber,
    time::Time,
};

use crate::{
    PkiError, PublicKey, Signature, Signer,
    cert::Certificate,
    encoding::{
        Signed, check_signature_algorithm, limited, members, signature_algorithm, to_der_time, to_offset,
    },
    name::Name,
    pem,
};

/// A list above this size is not read, bytes: some 100 000 entries.
pub const MAX_LEN: usize = 4 * 1024 * 1024;

const WHAT: &str = "revocation list";

/// Why a certificate was revoked (RFC 5280 5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    Unspecified,
    KeyCompromise,
    AffiliationChanged,
    Superseded,
    /// No longer needed: a certificate that never came onto its token.
    CessationOfOperation,
    PrivilegeWithdrawn,
    /// One of the reasons that this project does not give itself.
    Other,
}

/// An entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Content octets of the serial number.
    pub serial: Vec<u8>,
    pub at: OffsetDateTime,
    pub reason: Reason,
}

/// All that a list says.
#[derive(Debug, Clone)]
pub struct CrlParams {
    /// DER of the issuer's name.
    pub issuer: Vec<u8>,
    /// The issuer's subject key identifier.
    pub authority_key_id: Vec<u8>,
    /// Greater than that of any list before.
    pub number: u64,
    pub this_update: OffsetDateTime,
    pub next_update: OffsetDateTime,
    pub revoked: Vec<Revoked>,
}

/// DER of the part that is signed.
///
/// # Errors
/// [`PkiError::Unfit`], [`PkiError::Malformed`] for values that cannot stand in a list.
pub fn tbs(params: &CrlParams) -> Result<Vec<u8>, PkiError> {
    let error = PkiError::malformed(WHAT);
    Name::from_der(&params.issuer)?;
    let number = Uint::new(&params.number.to_be_bytes()).map_err(&error)?;
    let authority = AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new(params.authority_key_id.clone()).map_err(&error)?),
        ..Default::default()
    };
    let entries = params.revoked.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    Tbs {
        version: 1,
        signature: signature_algorithm(),
        issuer: Any::from_der(&params.issuer).map_err(&error)?,
        this_update: to_der_time(params.this_update, "this update")?,
        next_update: to_der_time(params.next_update, "next update")?,
        // RFC 5280 5.1.2.6: absent rather than empty.
        revoked: if entries.is_empty() { None } else { Some(entries) },
        extensions: vec![
            crate::cert::encoded(false, &authority)?,
            crate::cert::encoded(false, &CrlNumber(number))?,
        ],
    }
    .to_der()
    .map_err(&error)
}

/// Puts the signed part and its signature together.
///
/// # Errors
/// [`PkiError::Malformed`] where the encoder refuses.
pub fn assemble(tbs: &[u8], signature: &Signature) -> Result<Vec<u8>, PkiError> {
    Signed::assemble(tbs, &signature.to_der(), WHAT)
}

/// [`tbs`], signed by `ca` and assembled.
///
/// # Errors
/// As [`tbs`]; [`PkiError::Sign`].
pub fn build(params: &CrlParams, ca: &dyn Signer) -> Result<Vec<u8>, PkiError> {
    let tbs = tbs(params)?;
    assemble(&tbs, &ca.sign(&tbs)?)
}

/// A list that was read; its signature is not verified before [`Crl::verify`].
#[derive(Debug, Clone)]
pub struct Crl {
    der: Vec<u8>,
    tbs: Vec<u8>,
    issuer: Vec<u8>,
    signature: Vec<u8>,
    parsed: CertificateList,
}

impl Crl {
    /// # Errors
    /// [`PkiError::TooLarge`], [`PkiError::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, PkiError> {
        limited(der, MAX_LEN, WHAT)?;
        let parsed = CertificateList::from_der(der).map_err(PkiError::malformed(WHAT))?;
        let signed = Signed::from_der(der, WHAT)?;
        let parts = members(signed.body, WHAT)?;
        let [_version, _algorithm, issuer, ..] = parts[..] else {
            return Err(PkiError::bad(WHAT, "parts are missing"));
        };
        Ok(Self {
            der: der.to_vec(),
            tbs: signed.body.to_vec(),
            issuer: issuer.to_vec(),
            signature: signed.signature,
            parsed,
        })
    }

    /// # Errors
    /// As [`Crl::from_der`].
    pub fn from_pem(text: &str) -> Result<Self, PkiError> {
        Self::from_der(&pem::decode(pem::CRL, text)?)
    }

    /// # Errors
    /// None in practice.
    pub fn to_pem(&self) -> Result<String, PkiError> {
        pem::encode(pem::CRL, &self.der)
    }

    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// DER of the issuer's name, as it came.
    pub fn issuer_der(&self) -> &[u8] {
        &self.issuer
    }

    /// The number; lists of one issuer count up.
    pub fn number(&self) -> Option<u64> {
        let extension =
            self.extensions().find(|e| e.extn_id == <CrlNumber as der::oid::AssociatedOid>::OID)?;
        let number = CrlNumber::from_der(extension.extn_value.as_bytes()).ok()?;
        let bytes = number.0.as_bytes();
        (bytes.len() <= 8).then(|| bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
    }

    pub fn this_update(&self) -> OffsetDateTime {
        to_offset(self.parsed.tbs_cert_list.this_update)
    }

    /// When the next list is due; a list without it never says that it is out of date.
    pub fn next_update(&self) -> Option<OffsetDateTime> {
        self.parsed.tbs_cert_list.next_update.map(to_offset)
    }

    /// Verifies the signature with the issuer's key.
    ///
    /// # Errors
    /// [`PkiError::Algorithm`], [`PkiError::BadSignature`], [`PkiError::Malformed`] for a signature that is not DER.
    pub fn verify(&self, issuer: &PublicKey) -> Result<(), PkiError> {
        check_signature_algorithm(&self.parsed.signature_algorithm, WHAT)?;
        check_signature_algorithm(&self.parsed.tbs_cert_list.signature, WHAT)?;
        issuer.verify(&self.tbs, &self.signature).map_err(|error| match error {
            PkiError::BadSignature { .. } => PkiError::BadSignature { what: WHAT },
            other => other,
        })
    }

    /// Is this serial number (content octets) on the list?
    pub fn lookup(&self, serial: &[u8]) -> Option<Revoked> {
        let entries = self.parsed.tbs_cert_list.revoked_certificates.as_deref().unwrap_or_default();
        let entry = entries.iter().find(|entry| entry.serial_number.as_bytes() == serial)?;
        Some(Revoked {
            serial: serial.to_vec(),
            at: to_offset(entry.revocation_date),
            reason: reason(entry.crl_entry_extensions.as_deref().unwrap_or_default()),
        })
    }

    /// Is `certificate` on the list, by issuer and serial number?
    pub fn revokes(&self, certificate: &Certificate) -> Option<Revoked> {
        (certificate.issuer_der() == self.issuer).then(|| self.lookup(certificate.serial())).flatten()
    }

    /// The first critical extension of the list that nothing here understands, such as one that narrows its scope.
    pub fn unknown_critical_extension(&self) -> Option<String> {
        self.extensions().find(|e| e.critical).map(|e| e.extn_id.to_string())
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.parsed.tbs_cert_list.revoked_certificates.as_ref().map_or(0, Vec::len)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn extensions(&self) -> impl Iterator<Item = &Extension> {
        self.parsed.tbs_cert_list.crl_extensions.iter().flatten()
    }
}

fn entry(revoked: &Revoked) -> Result<Entry, PkiError> {
    let error = PkiError::malformed(WHAT);
    let reason = match revoked.reason {
        // RFC 5280 5.3.1: absent rather than unspecified.
        Reason::Unspecified | Reason::Other => None,
        Reason::KeyCompromise => Some(CrlReason::KeyCompromise),
        Reason::AffiliationChanged => Some(CrlReason::AffiliationChanged),
        Reason::Superseded => Some(CrlReason::Superseded),
        Reason::CessationOfOperation => Some(CrlReason::CessationOfOperation),
        Reason::PrivilegeWithdrawn => Some(CrlReason::PrivilegeWithdrawn),
    };
    Ok(Entry {
        serial: SerialNumber::new(&revoked.serial).map_err(&error)?,
        at: to_der_time(revoked.at, "revocation date")?,
        extensions: match reason {
            Some(reason) => Some(vec![crate::cert::encoded(false, &reason)?]),
            None => None,
        },
    })
}

fn reason(extensions: &[Extension]) -> Reason {
    let of = |e: &Extension| e.extn_id == <CrlReason as der::oid::AssociatedOid>::OID;
    let Some(extension) = extensions.iter().find(|e| of(e)) else { return Reason::Unspecified };
    match CrlReason::from_der(extension.extn_value.as_bytes()) {
        Ok(CrlReason::Unspecified) => Reason::Unspecified,
        Ok(CrlReason::KeyCompromise) => Reason::KeyCompromise,
        Ok(CrlReason::AffiliationChanged) => Reason::AffiliationChanged,
        Ok(CrlReason::Superseded) => Reason::Superseded,
        Ok(CrlReason::CessationOfOperation) => Reason::CessationOfOperation,
        Ok(CrlReason::PrivilegeWithdrawn) => Reason::PrivilegeWithdrawn,
        _ => Reason::Other,
    }
}

/// TBSCertList (RFC 5280 5.1).
#[derive(Sequence)]
struct Tbs {
    version: u8,
    signature: AlgorithmIdentifierOwned,
    issuer: Any,
    this_update: Time,
    next_update: Time,
    #[asn1(optional = "true")]
    revoked: Option<Vec<Entry>>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

#[derive(Sequence)]
struct Entry {
    serial: SerialNumber,
    at: Time,
    #[asn1(optional = "true")]
    extensions: Option<Vec<Extension>>,
}
