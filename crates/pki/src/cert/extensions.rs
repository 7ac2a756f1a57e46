//! Extensions of a certificate.

use der::{
    Decode, Encode, Tag,
    asn1::{Any, ContextSpecific, Ia5StringRef, ObjectIdentifier, OctetString, PrintableStringRef},
    oid::AssociatedOid,
};
use x509_cert::ext::{
    Extension,
    pkix::{
        AuthorityKeyIdentifier, BasicConstraints, CrlDistributionPoints, KeyUsage, SubjectKeyIdentifier,
        name::{DistributionPointName, GeneralName},
    },
};

use super::{Certificate, WHAT};
use crate::PkiError;

/// Who the subject is, by a number of the state's (GM/T 0015 5.2.4).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SubjectId {
    pub kind: SubjectIdKind,
    pub value: String,
}

/// Which number it is, and under which extension it stands.
///
/// GM/T 0015-2012 gives 1.2.156.10260.4.1.1 to the person's identity code (a CHOICE whose member 0 is the resident
/// identity card) and .4 to the organization code. Since the 统一社会信用代码 replaced the organization code, CAs
/// put it under .4 (so in the interface descriptions of Chinese CAs: 1.2.156.10260.4.1.4 统一社会信用代码).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectIdKind {
    /// 居民身份证号 (GB 11643), 1.2.156.10260.4.1.1
    IdentityCard,
    /// 统一社会信用代码 (GB 32100), 1.2.156.10260.4.1.4
    SocialCredit,
}

impl SubjectIdKind {
    const ALL: [Self; 2] = [Self::IdentityCard, Self::SocialCredit];

    pub(super) fn oid(self) -> ObjectIdentifier {
        match self {
            Self::IdentityCard => ObjectIdentifier::new_unwrap("1.2.156.10260.4.1.1"),
            Self::SocialCredit => ObjectIdentifier::new_unwrap("1.2.156.10260.4.1.4"),
        }
    }
}

impl SubjectId {
    pub(super) fn to_extension(&self) -> Result<Extension, PkiError> {
        let unfit = |_| PkiError::Unfit { field: "subject id", reason: format!("{:?}", self.value) };
        if self.value.is_empty() || self.value.len() > 64 {
            return Err(PkiError::Unfit {
                field: "subject id",
                reason: "empty or over 64 characters".into(),
            });
        }
        let value = PrintableStringRef::new(&self.value).map_err(unfit)?;
        let der = match self.kind {
            // [0] EXPLICIT: a tag on a CHOICE member of a string type; the standard names no mode, CAs write this one.
            SubjectIdKind::IdentityCard => {
                ContextSpecific { tag_number: der::TagNumber(0), tag_mode: der::TagMode::Explicit, value }
                    .to_der()
            }
            SubjectIdKind::SocialCredit => value.to_der(),
        }
        .map_err(unfit)?;
        extension(self.kind.oid(), false, der)
    }

    fn from_extension(kind: SubjectIdKind, der: &[u8]) -> Option<Self> {
        let any = Any::from_der(der).ok()?;
        let value = match der::Tagged::tag(&any) {
            Tag::PrintableString | Tag::Utf8String | Tag::Ia5String => any.value().to_vec(),
            // Explicit tagging has a string inside, implicit tagging has the characters themselves.
            Tag::ContextSpecific { constructed: true, .. } => {
                Any::from_der(any.value()).ok()?.value().to_vec()
            }
            Tag::ContextSpecific { constructed: false, .. } => any.value().to_vec(),
            _ => return None,
        };
        Some(Self { kind, value: String::from_utf8(value).ok()? })
    }
}

impl Certificate {
    /// The URIs where its CRL is published.
    pub fn crl_uris(&self) -> Vec<String> {
        let Some(points) = self.extension::<CrlDistributionPoints>() else { return Vec::new() };
        let names = points.0.into_iter().filter_map(|point| match point.distribution_point {
            Some(DistributionPointName::FullName(names)) => Some(names),
            _ => None,
        });
        names
            .flatten()
            .filter_map(|name| match name {
                GeneralName::UniformResourceIdentifier(uri) => Some(uri.to_string()),
                _ => None,
            })
            .collect()
    }

    /// The subject key identifier.
    pub fn subject_key_id(&self) -> Option<Vec<u8>> {
        self.extension::<SubjectKeyIdentifier>().map(|id| id.0.into_bytes().into())
    }

    /// The authority key identifier.
    pub fn authority_key_id(&self) -> Option<Vec<u8>> {
        self.extension::<AuthorityKeyIdentifier>()
            .and_then(|id| id.key_identifier)
            .map(|id| id.into_bytes().into())
    }

    /// The subject's numbers that it bears.
    pub fn subject_ids(&self) -> Vec<SubjectId> {
        let found = SubjectIdKind::ALL.into_iter().filter_map(|kind| {
            let extension = self.extensions().iter().find(|e| e.extn_id == kind.oid())?;
            SubjectId::from_extension(kind, extension.extn_value.as_bytes())
        });
        found.collect()
    }

    /// The first critical extension that nothing here understands: such a certificate must not be relied on
    /// (RFC 5280 4.2).
    pub fn unknown_critical_extension(&self) -> Option<String> {
        let known = [
            KeyUsage::OID,
            BasicConstraints::OID,
            CrlDistributionPoints::OID,
            SubjectKeyIdentifier::OID,
            AuthorityKeyIdentifier::OID,
        ];
        let subject_ids = SubjectIdKind::ALL.map(SubjectIdKind::oid);
        self.extensions()
            .iter()
            .find(|e| e.critical && !known.contains(&e.extn_id) && !subject_ids.contains(&e.extn_id))
            .map(|e| e.extn_id.to_string())
    }

    /// An extension that occurs once and can be read.
    pub(super) fn extension<'a, T: Decode<'a, Error = der::Error> + AssociatedOid>(&'a self) -> Option<T> {
        self.parsed.tbs_certificate().get_extension::<T>().ok().flatten().map(|(_, value)| value)
    }

    fn extensions(&self) -> &[Extension] {
        self.parsed.tbs_certificate().extensions().map_or(&[], |extensions| extensions.as_slice())
    }
}

/// An extension of already encoded content.
pub(crate) fn extension(oid: ObjectIdentifier, critical: bool, der: Vec<u8>) -> Result<Extension, PkiError> {
    let extn_value = OctetString::new(der).map_err(PkiError::malformed(WHAT))?;
    Ok(Extension { extn_id: oid, critical, extn_value })
}

/// An extension of a type that knows its object identifier.
pub(crate) fn encoded<T: Encode + AssociatedOid>(critical: bool, value: &T) -> Result<Extension, PkiError> {
    extension(T::OID, critical, value.to_der().map_err(PkiError::malformed(WHAT))?)
}

pub(super) fn crl_point(uri: &str) -> Result<CrlDistributionPoints, PkiError> {
    let uri = Ia5StringRef::new(uri)
        .map_err(|_| PkiError::Unfit { field: "CRL distribution point", reason: format!("{uri:?}") })?;
    Ok(CrlDistributionPoints(vec![x509_cert::ext::pkix::crl::dp::DistributionPoint {
        distribution_point: Some(DistributionPointName::FullName(vec![
            GeneralName::UniformResourceIdentifier(uri.into()),
        ])),
        reasons: None,
        crl_issuer: None,
    }]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_number_is_read_in_either_tagging_and_as_a_bare_string() {
        for der in ["a00413023132", "80023132", "13023132"] {
            let id =
                SubjectId::from_extension(SubjectIdKind::IdentityCard, &hex::decode(der).unwrap()).unwrap();
            assert_eq!(id.value, "12");
        }
        assert_eq!(SubjectId::from_extension(SubjectIdKind::IdentityCard, &[0x02, 0x01, 0x01]), None);
        assert_eq!(SubjectId::from_extension(SubjectIdKind::IdentityCard, &[0xA0, 0x00]), None);
    }
}
