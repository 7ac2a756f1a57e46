//! Objects as PKCS#11 attributes: shown, made from templates, changed.

use cryptoki_sys::*;
use ycd_pki::curve::{CURVE_DER, SPKI_PREFIX};

use super::Rv;
use super::abi::{RawTemplate, Shown, UNAVAILABLE};
use crate::emulation::{Point, VendorEmulation};
use crate::object::{Certificate, CertificateReference, Content, KeyHalf, Kind, Object, Uses};
use crate::sm2sig::{self, POINT_LEN};
use crate::soft_token::PairTemplate;

/// A DER OCTET STRING of a point, up to the point.
const POINT_PREFIX: [u8; 2] = [0x04, 0x41];

/// One attribute. `secret` is what the object keeps sealed, where the asker may have it; `token` is false for session
/// objects.
pub fn show(
    emulation: &VendorEmulation,
    object: &Object,
    token: bool,
    secret: Option<&[u8]>,
    kind: CK_ATTRIBUTE_TYPE,
) -> Shown {
    let common = match kind {
        CKA_CLASS => ulong(class(object)),
        CKA_TOKEN => boolean(token),
        CKA_PRIVATE => boolean(object.private),
        CKA_MODIFIABLE => boolean(object.modifiable),
        CKA_COPYABLE => boolean(object.copyable),
        CKA_DESTROYABLE => boolean(object.destroyable),
        CKA_LABEL => bytes(&object.label),
        _ => Shown::Absent,
    };
    if !matches!(common, Shown::Absent) {
        return common;
    }
    match &object.kind {
        Kind::PublicKey(key) => show_public(emulation, key, kind),
        Kind::PrivateKey { key, .. } => show_private(emulation, key, kind),
        Kind::Certificate(certificate) => show_certificate(certificate, kind),
        Kind::Data { application, object_id, .. } => match kind {
            CKA_APPLICATION => bytes(application),
            CKA_OBJECT_ID => bytes(object_id),
            CKA_VALUE => secret.map_or(Shown::Sensitive, bytes),
            _ => Shown::Absent,
        },
    }
}

fn show_token(emulation: &VendorEmulation, key: &KeyHalf, kind: CK_ATTRIBUTE_TYPE) -> Shown {
    match kind {
        CKA_KEY_TYPE => ulong(emulation.key_type.into()),
        CKA_ID => bytes(&key.id),
        CKA_SUBJECT => bytes(&key.subject),
        CKA_START_DATE | CKA_END_DATE => bytes(&[]),
        CKA_DERIVE => boolean(key.uses.derive),
        CKA_LOCAL => boolean(key.local),
        CKA_KEY_GEN_MECHANISM if key.local => ulong(emulation.key_pair_gen.into()),
        CKA_KEY_GEN_MECHANISM => ulong(UNAVAILABLE),
        CKA_EC_PARAMS if emulation.tells_curve => bytes(&CURVE_DER),
        // Modules that know only numbers of their own for a public key know no newer attribute either.
        CKA_PUBLIC_KEY_INFO if emulation.tells_curve && emulation.point == Point::OctetString => {
            Shown::Value([&SPKI_PREFIX, key.point.as_slice()].concat())
        }
        _ => show_point(emulation.point, &key.point, kind),
    }
}

/// `point` is `04 ‖ X ‖ Y`.
fn show_point(form: Point, point: &[u8], kind: CK_ATTRIBUTE_TYPE) -> Shown {
    let coordinates = point.get(1..).unwrap_or_default();
    let (first, second) = coordinates.split_at(coordinates.len() / 2);
    match (form, kind) {
        (Point::OctetString, CKA_EC_POINT) => Shown::Value([&POINT_PREFIX, point].concat()),
        (Point::Bare, CKA_EC_POINT) => bytes(point),
        (Point::Coordinates, CKA_EC_POINT) => bytes(coordinates),
        (Point::Attributes { x, .. }, kind) if kind == CK_ATTRIBUTE_TYPE::from(x) => bytes(first),
        (Point::Attributes { y, .. }, kind) if kind == CK_ATTRIBUTE_TYPE::from(y) => bytes(second),
        _ => Shown::Absent,
    }
}

/// Whether the attribute tells the public key, or a part of it.
fn tells_point(emulation: &VendorEmulation, kind: CK_ATTRIBUTE_TYPE) -> bool {
    let own = match emulation.point {
        Point::Attributes { x, y } => [x, y].map(CK_ATTRIBUTE_TYPE::from).contains(&kind),
        _ => false,
    };
    own || matches!(kind, CKA_EC_POINT | CKA_PUBLIC_KEY_INFO)
}

fn show_public(emulation: &VendorEmulation, key: &KeyHalf, kind: CK_ATTRIBUTE_TYPE) -> Shown {
    match kind {
        CKA_VERIFY => boolean(key.uses.sign),
        CKA_ENCRYPT => boolean(key.uses.encrypt),
        CKA_WRAP => boolean(key.uses.wrap),
        CKA_VERIFY_RECOVER | CKA_TRUSTED => boolean(false),
        _ => show_token(emulation, key, kind),
    }
}

fn show_private(emulation: &VendorEmulation, key: &KeyHalf, kind: CK_ATTRIBUTE_TYPE) -> Shown {
    match kind {
        CKA_SIGN => boolean(key.uses.sign),
        CKA_DECRYPT => boolean(key.uses.encrypt),
        CKA_UNWRAP => boolean(key.uses.wrap),
        CKA_SENSITIVE | CKA_ALWAYS_SENSITIVE | CKA_NEVER_EXTRACTABLE => boolean(true),
        CKA_EXTRACTABLE | CKA_SIGN_RECOVER | CKA_WRAP_WITH_TRUSTED | CKA_ALWAYS_AUTHENTICATE => {
            boolean(false)
        }
        CKA_VALUE => Shown::Sensitive,
        _ if !emulation.private_tells_point && tells_point(emulation, kind) => Shown::Absent,
        _ => show_token(emulation, key, kind),
    }
}

fn show_certificate(certificate: &Certificate, kind: CK_ATTRIBUTE_TYPE) -> Shown {
    match kind {
        CKA_CERTIFICATE_TYPE => ulong(CKC_X_509),
        CKA_CERTIFICATE_CATEGORY => ulong(CK_ULONG::from(certificate.category)),
        CKA_TRUSTED => boolean(false),
        CKA_ID => bytes(&certificate.id),
        CKA_SUBJECT => bytes(&certificate.subject),
        CKA_ISSUER => bytes(&certificate.issuer),
        CKA_SERIAL_NUMBER => bytes(&certificate.serial_number),
        CKA_VALUE => bytes(&certificate.value),
        _ => show_reference(&certificate.reference, kind),
    }
}

fn show_reference(reference: &CertificateReference, kind: CK_ATTRIBUTE_TYPE) -> Shown {
    match kind {
        CKA_URL => bytes(&reference.url),
        CKA_START_DATE => bytes(&reference.start_date),
        CKA_END_DATE => bytes(&reference.end_date),
        CKA_HASH_OF_SUBJECT_PUBLIC_KEY => bytes(&reference.subject_key_hash),
        CKA_HASH_OF_ISSUER_PUBLIC_KEY => bytes(&reference.issuer_key_hash),
        CKA_NAME_HASH_ALGORITHM => ulong(reference.hash_algorithm.map_or(CKM_SHA_1, CK_MECHANISM_TYPE::from)),
        CKA_CHECK_VALUE if !reference.check_value.is_empty() => bytes(&reference.check_value),
        _ => Shown::Absent,
    }
}

fn class(object: &Object) -> CK_OBJECT_CLASS {
    match object.kind {
        Kind::PublicKey(_) => CKO_PUBLIC_KEY,
        Kind::PrivateKey { .. } => CKO_PRIVATE_KEY,
        Kind::Certificate(_) => CKO_CERTIFICATE,
        Kind::Data { .. } => CKO_DATA,
    }
}

fn bytes(value: &[u8]) -> Shown {
    Shown::Value(value.to_vec())
}

fn boolean(value: bool) -> Shown {
    Shown::Value(vec![u8::from(value)])
}

fn ulong(value: CK_ULONG) -> Shown {
    Shown::Value(value.to_ne_bytes().to_vec())
}

/// A template being used up: what is left at the end is nothing this token knows for such an object.
pub struct Template(RawTemplate);

/// Where an object is to lie.
pub struct Made {
    pub token: bool,
    pub object: Object,
}

impl Template {
    pub fn new(raw: RawTemplate) -> Self {
        Self(raw)
    }

    fn bytes(&mut self, kind: CK_ATTRIBUTE_TYPE) -> Option<Vec<u8>> {
        let at = self.0.iter().position(|(k, _)| *k == kind)?;
        Some(self.0.swap_remove(at).1)
    }

    fn boolean(&mut self, kind: CK_ATTRIBUTE_TYPE) -> Rv<Option<bool>> {
        match self.bytes(kind).as_deref() {
            None => Ok(None),
            Some([CK_FALSE]) => Ok(Some(false)),
            Some([CK_TRUE]) => Ok(Some(true)),
            Some(_) => Err(CKR_ATTRIBUTE_VALUE_INVALID),
        }
    }

    fn ulong(&mut self, kind: CK_ATTRIBUTE_TYPE) -> Rv<Option<CK_ULONG>> {
        let number = |bytes: Vec<u8>| bytes.try_into().map(CK_ULONG::from_ne_bytes);
        self.bytes(kind).map(number).transpose().map_err(|_| CKR_ATTRIBUTE_VALUE_INVALID)
    }

    /// An attribute that may only say what is so anyway.
    fn only(&mut self, kind: CK_ATTRIBUTE_TYPE, value: bool) -> Rv {
        match self.boolean(kind)? {
            Some(told) if told != value => Err(CKR_TEMPLATE_INCONSISTENT),
            _ => Ok(()),
        }
    }

    fn finish(self) -> Rv {
        if self.0.is_empty() { Ok(()) } else { Err(CKR_ATTRIBUTE_TYPE_INVALID) }
    }

    /// Token or session object, and what all objects have.
    fn made(&mut self, private: bool, kind: Kind) -> Rv<Made> {
        let object = Object {
            handle: 0,
            private: self.boolean(CKA_PRIVATE)?.unwrap_or(private),
            modifiable: self.boolean(CKA_MODIFIABLE)?.unwrap_or(true),
            copyable: self.boolean(CKA_COPYABLE)?.unwrap_or(!matches!(kind, Kind::PrivateKey { .. })),
            destroyable: self.boolean(CKA_DESTROYABLE)?.unwrap_or(true),
            label: self.bytes(CKA_LABEL).unwrap_or_default(),
            kind,
        };
        Ok(Made { token: self.boolean(CKA_TOKEN)?.unwrap_or(false), object })
    }

    /// The object of `C_CreateObject`.
    pub fn into_object(mut self, emulation: &VendorEmulation) -> Rv<Made> {
        let made = match self.ulong(CKA_CLASS)?.ok_or(CKR_TEMPLATE_INCOMPLETE)? {
            CKO_DATA => {
                let kind = Kind::Data {
                    application: self.bytes(CKA_APPLICATION).unwrap_or_default(),
                    object_id: self.bytes(CKA_OBJECT_ID).unwrap_or_default(),
                    value: Content::clear(self.bytes(CKA_VALUE).unwrap_or_default()),
                };
                self.made(false, kind)?
            }
            CKO_CERTIFICATE => {
                let mut certificate = self.certificate()?;
                if !emulation.keeps_ids {
                    certificate.id.clear();
                }
                self.made(false, Kind::Certificate(certificate))?
            }
            CKO_PUBLIC_KEY => {
                // Its type first: a key of another type has no point that could be missing.
                let mut key = self.key_half(emulation, CKO_PUBLIC_KEY)?;
                key.point = bare_point(&self.bytes(CKA_EC_POINT).ok_or(CKR_TEMPLATE_INCOMPLETE)?)?;
                self.made(false, Kind::PublicKey(key))?
            }
            // Good values in PKCS#11 that this token cannot satisfy (2.40, 4.1.1): a private key is made in the token
            // and nowhere else, secret keys and parameters it has none.
            CKO_PRIVATE_KEY | CKO_SECRET_KEY | CKO_DOMAIN_PARAMETERS => {
                return Err(CKR_TEMPLATE_INCONSISTENT);
            }
            _ => return Err(CKR_ATTRIBUTE_VALUE_INVALID),
        };
        self.finish()?;
        Ok(made)
    }

    fn certificate(&mut self) -> Rv<Certificate> {
        if self.ulong(CKA_CERTIFICATE_TYPE)?.ok_or(CKR_TEMPLATE_INCOMPLETE)? != CKC_X_509 {
            return Err(CKR_ATTRIBUTE_VALUE_INVALID);
        }
        if self.boolean(CKA_TRUSTED)? == Some(true) {
            return Err(CKR_ATTRIBUTE_READ_ONLY);
        }
        let category = self.ulong(CKA_CERTIFICATE_CATEGORY)?.unwrap_or(CK_CERTIFICATE_CATEGORY_UNSPECIFIED);
        let value = self.bytes(CKA_VALUE).ok_or(CKR_TEMPLATE_INCOMPLETE)?;
        if value.is_empty() || category > CK_CERTIFICATE_CATEGORY_OTHER_ENTITY {
            return Err(CKR_ATTRIBUTE_VALUE_INVALID);
        }
        Ok(Certificate {
            id: self.bytes(CKA_ID).unwrap_or_default(),
            subject: self.bytes(CKA_SUBJECT).ok_or(CKR_TEMPLATE_INCOMPLETE)?,
            issuer: self.bytes(CKA_ISSUER).unwrap_or_default(),
            serial_number: self.bytes(CKA_SERIAL_NUMBER).unwrap_or_default(),
            value,
            category: u32::try_from(category).map_err(|_| CKR_ATTRIBUTE_VALUE_INVALID)?,
            reference: self.certificate_reference()?,
        })
    }

    fn certificate_reference(&mut self) -> Rv<CertificateReference> {
        let check_value = self.bytes(CKA_CHECK_VALUE).unwrap_or_default();
        if ![0, 3].contains(&check_value.len()) {
            return Err(CKR_ATTRIBUTE_VALUE_INVALID);
        }
        let hash_algorithm = self.ulong(CKA_NAME_HASH_ALGORITHM)?.map(u32::try_from).transpose();
        Ok(CertificateReference {
            url: self.bytes(CKA_URL).unwrap_or_default(),
            check_value,
            start_date: self.date(CKA_START_DATE)?,
            end_date: self.date(CKA_END_DATE)?,
            subject_key_hash: self.bytes(CKA_HASH_OF_SUBJECT_PUBLIC_KEY).unwrap_or_default(),
            issuer_key_hash: self.bytes(CKA_HASH_OF_ISSUER_PUBLIC_KEY).unwrap_or_default(),
            hash_algorithm: hash_algorithm.map_err(|_| CKR_ATTRIBUTE_VALUE_INVALID)?,
        })
    }

    /// A CK_DATE: eight digits, or empty.
    fn date(&mut self, kind: CK_ATTRIBUTE_TYPE) -> Rv<Vec<u8>> {
        let date = self.bytes(kind).unwrap_or_default();
        let fits = [0, 8].contains(&date.len()) && date.iter().all(u8::is_ascii_digit);
        if fits { Ok(date) } else { Err(CKR_ATTRIBUTE_VALUE_INVALID) }
    }

    /// A key without its point.
    fn key_half(&mut self, emulation: &VendorEmulation, class: CK_OBJECT_CLASS) -> Rv<KeyHalf> {
        if self.ulong(CKA_KEY_TYPE)?.is_some_and(|kind| kind != CK_KEY_TYPE::from(emulation.key_type)) {
            return Err(CKR_TEMPLATE_INCONSISTENT);
        }
        if self.bytes(CKA_EC_PARAMS).is_some_and(|curve| curve != CURVE_DER) {
            return Err(CKR_CURVE_NOT_SUPPORTED);
        }
        for date in [CKA_START_DATE, CKA_END_DATE] {
            if self.bytes(date).is_some_and(|d| !d.is_empty()) {
                return Err(CKR_ATTRIBUTE_VALUE_INVALID);
            }
        }
        let public = class == CKO_PUBLIC_KEY;
        let [sign, encrypt, wrap, recover] = if public {
            [CKA_VERIFY, CKA_ENCRYPT, CKA_WRAP, CKA_VERIFY_RECOVER]
        } else {
            [CKA_SIGN, CKA_DECRYPT, CKA_UNWRAP, CKA_SIGN_RECOVER]
        };
        self.only(recover, false)?;
        if public {
            self.only(CKA_TRUSTED, false)?;
        } else {
            self.only(CKA_SENSITIVE, true)?;
            self.only(CKA_EXTRACTABLE, false)?;
            self.only(CKA_WRAP_WITH_TRUSTED, false)?;
            self.only(CKA_ALWAYS_AUTHENTICATE, false)?;
        }
        Ok(KeyHalf {
            id: self.bytes(CKA_ID).filter(|_| emulation.keeps_ids).unwrap_or_default(),
            subject: self.bytes(CKA_SUBJECT).unwrap_or_default(),
            point: Vec::new(),
            uses: Uses {
                sign: self.boolean(sign)?.unwrap_or(true),
                encrypt: self.boolean(encrypt)?.unwrap_or(false),
                wrap: self.boolean(wrap)?.unwrap_or(false),
                derive: self.boolean(CKA_DERIVE)?.unwrap_or(false),
            },
            local: false,
        })
    }

    fn generated(mut self, emulation: &VendorEmulation, class: CK_OBJECT_CLASS) -> Rv<Made> {
        if self.ulong(CKA_CLASS)?.is_some_and(|told| told != class) {
            return Err(CKR_TEMPLATE_INCONSISTENT);
        }
        let key = self.key_half(emulation, class)?;
        let public = class == CKO_PUBLIC_KEY;
        let made = if public {
            self.made(false, Kind::PublicKey(key))?
        } else {
            self.made(true, Kind::PrivateKey { key, secret: Content::clear(Vec::new()) })?
        };
        if !public && (!made.object.private || made.object.copyable) {
            return Err(CKR_TEMPLATE_INCONSISTENT);
        }
        self.finish()?;
        Ok(made)
    }
}

/// The keys of `C_GenerateKeyPair`: whether the public, the private one is a token object, and both.
pub fn pair(
    emulation: &VendorEmulation,
    public: RawTemplate,
    private: RawTemplate,
) -> Rv<(bool, bool, PairTemplate)> {
    let public = Template(public).generated(emulation, CKO_PUBLIC_KEY)?;
    let private = Template(private).generated(emulation, CKO_PRIVATE_KEY)?;
    Ok((public.token, private.token, PairTemplate { public: public.object, private: private.object }))
}

/// `C_SetAttributeValue`, all of it or nothing: the caller throws the object away on an error.
pub fn set(emulation: &VendorEmulation, object: &mut Object, changes: RawTemplate) -> Rv {
    if !object.modifiable {
        return Err(CKR_ACTION_PROHIBITED);
    }
    for (kind, value) in changes {
        let known = !matches!(show(emulation, object, true, None, kind), Shown::Absent);
        let field = match (&mut object.kind, kind) {
            (_, CKA_LABEL) => &mut object.label,
            (Kind::PublicKey(key) | Kind::PrivateKey { key, .. }, CKA_ID) => &mut key.id,
            (Kind::PublicKey(key) | Kind::PrivateKey { key, .. }, CKA_SUBJECT) => &mut key.subject,
            (Kind::Certificate(c), CKA_ID) => &mut c.id,
            (Kind::Certificate(c), CKA_ISSUER) => &mut c.issuer,
            (Kind::Certificate(c), CKA_SERIAL_NUMBER) => &mut c.serial_number,
            (Kind::Data { application, .. }, CKA_APPLICATION) => application,
            (Kind::Data { object_id, .. }, CKA_OBJECT_ID) => object_id,
            (Kind::Data { value: content, .. }, CKA_VALUE) => {
                *content = Content::clear(value);
                continue;
            }
            _ if known => return Err(CKR_ATTRIBUTE_READ_ONLY),
            _ => return Err(CKR_ATTRIBUTE_TYPE_INVALID),
        };
        *field = value;
    }
    Ok(())
}

/// `C_CopyObject`: the copy and where it is to lie.
pub fn copy(emulation: &VendorEmulation, from: &Object, token: bool, changes: RawTemplate) -> Rv<Made> {
    if !from.copyable {
        return Err(CKR_ACTION_PROHIBITED);
    }
    let mut object = from.clone();
    let mut template = Template(changes);
    let token = template.boolean(CKA_TOKEN)?.unwrap_or(token);
    if let Some(private) = template.boolean(CKA_PRIVATE)? {
        if from.private && !private {
            return Err(CKR_TEMPLATE_INCONSISTENT);
        }
        object.private = private;
    }
    let modifiable = template.boolean(CKA_MODIFIABLE)?;
    object.modifiable = true;
    set(emulation, &mut object, template.0)?;
    object.modifiable = modifiable.unwrap_or(from.modifiable);
    Ok(Made { token, object })
}

/// `04 ‖ X ‖ Y` out of an OCTET STRING around it, itself, or `X ‖ Y`.
fn bare_point(value: &[u8]) -> Rv<Vec<u8>> {
    let point = match value.len() {
        67 if value.starts_with(&POINT_PREFIX) => value[2..].to_vec(),
        POINT_LEN => value.to_vec(),
        64 => [&[0x04], value].concat(),
        _ => return Err(CKR_ATTRIBUTE_VALUE_INVALID),
    };
    if sm2sig::is_point(&point) { Ok(point) } else { Err(CKR_ATTRIBUTE_VALUE_INVALID) }
}
