//! What lies on a token: keys, certificates, data. No word of PKCS#11's numbers here: SKF shows the same objects.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::Result;
use crate::store::seal::StorageKey;

/// The bytes that one object may hold in all its parts.
pub const MAX_OBJECT_LEN: usize = 64 << 10;
/// Objects on one token, of all kinds.
pub const MAX_OBJECTS: usize = 512;

#[derive(Clone, Serialize, Deserialize)]
pub struct Object {
    /// Unique on the token for ever; rises.
    pub handle: u32,
    /// Seen after the user's login only.
    pub private: bool,
    pub modifiable: bool,
    pub copyable: bool,
    pub destroyable: bool,
    /// UTF-8 by convention; kept as given.
    #[serde(with = "hex::serde")]
    pub label: Vec<u8>,
    pub kind: Kind,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    PublicKey(KeyHalf),
    PrivateKey {
        key: KeyHalf,
        /// The scalar, 32 bytes.
        secret: Content,
    },
    Certificate(Certificate),
    Data {
        #[serde(with = "hex::serde")]
        application: Vec<u8>,
        /// DER of an object identifier, or empty.
        #[serde(with = "hex::serde")]
        object_id: Vec<u8>,
        value: Content,
    },
}

/// What both keys of an SM2 key pair carry.
#[derive(Clone, Serialize, Deserialize)]
pub struct KeyHalf {
    #[serde(with = "hex::serde")]
    pub id: Vec<u8>,
    /// DER of a name, or empty.
    #[serde(with = "hex::serde")]
    pub subject: Vec<u8>,
    /// `04 ‖ X ‖ Y`.
    #[serde(with = "hex::serde")]
    pub point: Vec<u8>,
    pub uses: Uses,
    /// Made on this token.
    pub local: bool,
}

/// What a key says it is for; private and public key each in their own word (sign, verify…).
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uses {
    pub sign: bool,
    pub encrypt: bool,
    pub wrap: bool,
    pub derive: bool,
}

/// An X.509 certificate. The parts beside `value` are what its writer said, not what was read from it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Certificate {
    #[serde(with = "hex::serde")]
    pub id: Vec<u8>,
    #[serde(with = "hex::serde")]
    pub subject: Vec<u8>,
    #[serde(with = "hex::serde")]
    pub issuer: Vec<u8>,
    #[serde(with = "hex::serde")]
    pub serial_number: Vec<u8>,
    #[serde(with = "hex::serde")]
    pub value: Vec<u8>,
    pub category: u32,
    #[serde(default)]
    pub reference: CertificateReference,
}

/// What a certificate's writer may say of it for those who look for it (PKCS#11 2.40, 4.6.3): kept and shown, used for
/// nothing. Empty where nothing was said.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CertificateReference {
    #[serde(with = "hex::serde")]
    pub url: Vec<u8>,
    #[serde(with = "hex::serde")]
    pub check_value: Vec<u8>,
    /// YYYYMMDD.
    #[serde(with = "hex::serde")]
    pub start_date: Vec<u8>,
    /// YYYYMMDD.
    #[serde(with = "hex::serde")]
    pub end_date: Vec<u8>,
    #[serde(with = "hex::serde")]
    pub subject_key_hash: Vec<u8>,
    #[serde(with = "hex::serde")]
    pub issuer_key_hash: Vec<u8>,
    /// Mechanism of the two hashes.
    pub hash_algorithm: Option<u32>,
}

impl CertificateReference {
    fn len(&self) -> usize {
        let parts = [
            &self.url,
            &self.check_value,
            &self.start_date,
            &self.end_date,
            &self.subject_key_hash,
            &self.issuer_key_hash,
        ];
        parts.into_iter().map(Vec::len).sum()
    }
}

/// Bytes that are a secret, or may be.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Of public data objects in the file, and of session objects, which never reach it.
    Clear(#[serde(with = "clear_bytes")] Zeroizing<Vec<u8>>),
    Sealed(#[serde(with = "hex::serde")] Vec<u8>),
}

impl Object {
    /// As it is written to the file: what is secret is sealed.
    pub fn sealed(mut self, serial_number: &str, key: &StorageKey) -> Result<Self> {
        let context = self.context(serial_number);
        let private = self.private;
        if let Some(content) = self.secret_mut()
            && let Content::Clear(bytes) = content
            && private
        {
            *content = Content::Sealed(key.seal(&context, bytes)?);
        }
        Ok(self)
    }

    /// The scalar of a private key, the value of a data object. `None` where there is none, or where it is sealed
    /// and no key is given.
    pub fn secret(
        &self,
        serial_number: &str,
        key: Option<&StorageKey>,
    ) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let content = match &self.kind {
            Kind::PrivateKey { secret, .. } => secret,
            Kind::Data { value, .. } => value,
            Kind::PublicKey(_) | Kind::Certificate(_) => return Ok(None),
        };
        match (content, key) {
            (Content::Clear(bytes), _) => Ok(Some(bytes.clone())),
            (Content::Sealed(sealed), Some(key)) => Ok(Some(key.open(&self.context(serial_number), sealed)?)),
            (Content::Sealed(_), None) => Ok(None),
        }
    }

    pub fn key_half(&self) -> Option<&KeyHalf> {
        match &self.kind {
            Kind::PublicKey(key) | Kind::PrivateKey { key, .. } => Some(key),
            Kind::Certificate(_) | Kind::Data { .. } => None,
        }
    }

    /// Bytes it takes, roughly.
    pub fn len(&self) -> usize {
        let parts = match &self.kind {
            Kind::PublicKey(key) => key.len(),
            Kind::PrivateKey { key, .. } => key.len() + 32,
            Kind::Certificate(c) => {
                c.id.len()
                    + c.subject.len()
                    + c.issuer.len()
                    + c.serial_number.len()
                    + c.value.len()
                    + c.reference.len()
            }
            Kind::Data { application, object_id, value } => application.len() + object_id.len() + value.len(),
        };
        parts + self.label.len() + 16
    }

    fn secret_mut(&mut self) -> Option<&mut Content> {
        match &mut self.kind {
            Kind::PrivateKey { secret, .. } => Some(secret),
            Kind::Data { value, .. } => Some(value),
            Kind::PublicKey(_) | Kind::Certificate(_) => None,
        }
    }

    fn context(&self, serial_number: &str) -> Vec<u8> {
        format!("ycd-softkey-object-v1 {serial_number} {}", self.handle).into_bytes()
    }
}

impl KeyHalf {
    fn len(&self) -> usize {
        self.id.len() + self.subject.len() + self.point.len()
    }
}

impl Content {
    pub fn clear(bytes: Vec<u8>) -> Self {
        Self::Clear(Zeroizing::new(bytes))
    }

    fn len(&self) -> usize {
        match self {
            Self::Clear(bytes) => bytes.len(),
            // Nonce and tag of the sealing are 40 bytes.
            Self::Sealed(bytes) => bytes.len().saturating_sub(40),
        }
    }
}

mod clear_bytes {
    use serde::{Deserializer, Serializer};
    use zeroize::Zeroizing;

    pub fn serialize<S: Serializer>(bytes: &Zeroizing<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        hex::serde::serialize(bytes.as_slice(), serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<Vec<u8>>, D::Error> {
        hex::serde::deserialize(deserializer).map(Zeroizing::new)
    }
}
