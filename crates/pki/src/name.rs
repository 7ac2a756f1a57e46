//! Distinguished names (X.501), in the order of GM/T 0015: country first.

use std::fmt;

use der::{
    Decode, Encode, Tag, Tagged,
    asn1::{Any, ObjectIdentifier, PrintableStringRef, SetOfVec, Utf8StringRef},
};
use x509_cert::{attr::AttributeTypeAndValue, name::RdnSequence};

use crate::{PkiError, encoding::limited};

const WHAT: &str = "distinguished name";
const MAX_LEN: usize = 8 * 1024;

/// An attribute of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attribute {
    /// C, two letters.
    Country,
    /// ST, 省
    State,
    /// L, 市
    Locality,
    /// O, 单位
    Organization,
    /// OU, 部门
    Unit,
    /// CN, 持有人
    CommonName,
    /// E
    Email,
    /// serialNumber of X.520, not the certificate's.
    SerialNumber,
}

impl Attribute {
    const ALL: [(Self, ObjectIdentifier, &'static str); 8] = [
        (Self::Country, ObjectIdentifier::new_unwrap("2.5.4.6"), "C"),
        (Self::State, ObjectIdentifier::new_unwrap("2.5.4.8"), "ST"),
        (Self::Locality, ObjectIdentifier::new_unwrap("2.5.4.7"), "L"),
        (Self::Organization, ObjectIdentifier::new_unwrap("2.5.4.10"), "O"),
        (Self::Unit, ObjectIdentifier::new_unwrap("2.5.4.11"), "OU"),
        (Self::CommonName, ObjectIdentifier::new_unwrap("2.5.4.3"), "CN"),
        (Self::Email, ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1"), "E"),
        (Self::SerialNumber, ObjectIdentifier::new_unwrap("2.5.4.5"), "SERIALNUMBER"),
    ];

    fn oid(self) -> ObjectIdentifier {
        let found = Self::ALL.iter().find(|(attribute, ..)| *attribute == self);
        // ALL names every variant; a test walks them.
        found.map_or(ObjectIdentifier::new_unwrap("2.5.4.3"), |(_, oid, _)| *oid)
    }

    /// Upper bounds of X.520 and RFC 5280, in characters.
    fn limit(self) -> usize {
        match self {
            Self::Country => 2,
            Self::State | Self::Locality => 128,
            Self::Organization | Self::Unit | Self::CommonName | Self::SerialNumber => 64,
            Self::Email => 255,
        }
    }
}

/// A distinguished name: attributes in order, one value each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Name {
    attributes: Vec<(String, ObjectIdentifier, String)>,
}

impl Name {
    /// Begins a name with C=CN.
    pub fn china() -> Self {
        Self::default().with(Attribute::Country, "CN")
    }

    /// The name of an enterprise's certificate: C=CN, ST, L, O = the enterprise, CN = the enterprise.
    pub fn enterprise(enterprise: &str, state: Option<&str>, locality: Option<&str>) -> Self {
        Self::china()
            .with_some(Attribute::State, state)
            .with_some(Attribute::Locality, locality)
            .with(Attribute::Organization, enterprise)
            .with(Attribute::CommonName, enterprise)
    }

    /// The name of a person's certificate: C=CN, ST, L, O and OU where the person acts for one, CN = the person.
    pub fn person(person: &str, organization: Option<&str>, unit: Option<&str>) -> Self {
        Self::china()
            .with_some(Attribute::Organization, organization)
            .with_some(Attribute::Unit, unit)
            .with(Attribute::CommonName, person)
    }

    /// Appends an attribute.
    pub fn with(mut self, attribute: Attribute, value: &str) -> Self {
        self.attributes.push((label(&attribute.oid()), attribute.oid(), value.to_owned()));
        self
    }

    /// Appends an attribute where there is a value.
    pub fn with_some(self, attribute: Attribute, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(attribute, value),
            None => self,
        }
    }

    /// The first value of an attribute.
    pub fn get(&self, attribute: Attribute) -> Option<&str> {
        let oid = attribute.oid();
        self.attributes.iter().find(|(_, of, _)| *of == oid).map(|(_, _, value)| value.as_str())
    }

    /// DER: C as PrintableString, e-mail as IA5String, all else as UTF8String.
    ///
    /// # Errors
    /// [`PkiError::Unfit`] for an empty name and for an empty, overlong or otherwise impossible value.
    pub fn to_der(&self) -> Result<Vec<u8>, PkiError> {
        if self.attributes.is_empty() {
            return Err(PkiError::Unfit { field: "name", reason: "empty".into() });
        }
        let mut parts = Vec::new();
        for (_, oid, value) in &self.attributes {
            parts.extend(relative(*oid, value)?);
        }
        Any::new(Tag::Sequence, parts).and_then(|any| any.to_der()).map_err(PkiError::malformed(WHAT))
    }

    /// Reads a name. Values of several parts in one set are read one after the other.
    ///
    /// # Errors
    /// [`PkiError::TooLarge`], [`PkiError::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, PkiError> {
        limited(der, MAX_LEN, WHAT)?;
        let sequence = RdnSequence::from_der(der).map_err(PkiError::malformed(WHAT))?;
        let attributes = sequence
            .iter()
            .flat_map(|rdn| rdn.iter())
            .map(|part| (label(&part.oid), part.oid, text(&part.value)))
            .collect();
        Ok(Self { attributes })
    }
}

/// `C=CN, O=示例公司, CN=张三`: for eyes, not for comparing.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (label, _, value)) in self.attributes.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{label}={value}")?;
        }
        Ok(())
    }
}

fn label(oid: &ObjectIdentifier) -> String {
    let known = Attribute::ALL.iter().find(|(_, of, _)| of == oid);
    known.map_or_else(|| oid.to_string(), |(.., label)| (*label).to_owned())
}

fn relative(oid: ObjectIdentifier, value: &str) -> Result<Vec<u8>, PkiError> {
    let known = Attribute::ALL.iter().find(|(_, of, _)| *of == oid);
    let limit = known.map_or(64, |(attribute, ..)| attribute.limit());
    let unfit = |reason: &str| PkiError::Unfit { field: "name", reason: format!("{value:?}: {reason}") };
    if value.trim().is_empty() || value.chars().any(char::is_control) {
        return Err(unfit("empty or with control characters"));
    }
    if value.chars().count() > limit {
        return Err(unfit("too long"));
    }
    let any = match known.map(|(attribute, ..)| attribute) {
        Some(Attribute::Country | Attribute::SerialNumber) => {
            PrintableStringRef::new(value).and_then(|s| Any::encode_from(&s))
        }
        Some(Attribute::Email) => der::asn1::Ia5StringRef::new(value).and_then(|s| Any::encode_from(&s)),
        _ => Utf8StringRef::new(value).and_then(|s| Any::encode_from(&s)),
    }
    .map_err(|_| unfit("characters that this attribute cannot hold"))?;
    let mut set = SetOfVec::new();
    set.insert(AttributeTypeAndValue { oid, value: any }).map_err(PkiError::malformed(WHAT))?;
    set.to_der().map_err(PkiError::malformed(WHAT))
}

/// Any of the string types of a DirectoryString and IA5String; anything else in hex.
fn text(value: &Any) -> String {
    let bytes = value.value();
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        Tag::TeletexString => bytes.iter().map(|b| char::from(*b)).collect(),
        Tag::BmpString => {
            let units = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => format!("#{}", hex::encode(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_order_and_its_chinese() {
        let name = Name::enterprise("示例酒业有限公司", Some("四川省"), Some("泸州市"));
        let read = Name::from_der(&name.to_der().unwrap()).unwrap();
        assert_eq!(read.to_string(), "C=CN, ST=四川省, L=泸州市, O=示例酒业有限公司, CN=示例酒业有限公司");
        assert_eq!(read, name);
        assert_eq!(read.get(Attribute::Organization), Some("示例酒业有限公司"));
        let person = Name::person("张三", Some("示例公司"), None);
        assert_eq!(person.to_string(), "C=CN, O=示例公司, CN=张三");
    }

    #[test]
    fn what_no_name_can_hold_is_refused() {
        let unfit = |name: Name| name.to_der().unwrap_err().code();
        assert_eq!(unfit(Name::default()), "pki.unfit");
        assert_eq!(unfit(Name::china().with(Attribute::CommonName, " ")), "pki.unfit");
        assert_eq!(unfit(Name::china().with(Attribute::CommonName, "a\nb")), "pki.unfit");
        assert_eq!(unfit(Name::china().with(Attribute::CommonName, &"长".repeat(65))), "pki.unfit");
        assert_eq!(unfit(Name::default().with(Attribute::Country, "CHN")), "pki.unfit");
        assert_eq!(unfit(Name::default().with(Attribute::Country, "中国")), "pki.unfit");
        assert_eq!(
            Name::china().with(Attribute::CommonName, &"长".repeat(64)).to_der().map(|_| ()).ok(),
            Some(())
        );
    }

    #[test]
    fn every_attribute_has_its_label() {
        let all =
            Attribute::ALL.iter().fold(Name::default(), |name, (attribute, ..)| name.with(*attribute, "CN"));
        let labels: Vec<&str> = Attribute::ALL.iter().map(|(.., label)| *label).collect();
        let shown: Vec<String> = labels.iter().map(|label| format!("{label}=CN")).collect();
        assert_eq!(all.to_string(), shown.join(", "));
    }
}
