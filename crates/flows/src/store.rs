//! The user's certificate store of the system, where it has one (Windows: MY). Other programs find certificates there,
//! and learn through which provider they reach the token.
//!
//! The new certificate is registered with the provider and the container that the token model's profile names; the one
//! it takes the place of stays, and its name says so. Where a profile names none, nothing is registered: a certificate
//! whose token nobody finds confuses those who choose among several.

use serde::Serialize;
use ycd_pki::{Certificate, cert::CertificateInfo};
use ycd_token::{Contents, Drivers, Spki, TokenError, TokenInfo, profile::WindowsStore};

use crate::messages::{Language, word};

/// The store itself. Certificates are DER.
pub trait CertificateStore {
    /// Puts a certificate in; one that is there is replaced by itself.
    fn register(&self, certificate: &[u8], link: &KeyLink, name: &str) -> Result<(), StoreError>;

    /// What the user is shown; `None` where the certificate is not there, empty where it has no name.
    fn name(&self, certificate: &[u8]) -> Result<Option<String>, StoreError>;

    /// Of a certificate that is there.
    fn rename(&self, certificate: &[u8], name: &str) -> Result<(), StoreError>;
}

/// Where other programs find the private key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyLink {
    pub provider: String,
    /// `PROV_…` of a CSP; 0 for a key storage provider of CNG.
    pub provider_type: u32,
    pub container: String,
}

/// The store, with what it takes to fill it.
#[derive(Clone, Copy)]
pub struct UserStore<'a> {
    pub store: &'a dyn CertificateStore,
    pub drivers: &'a Drivers,
    /// Of the names that the user is shown.
    pub language: Language,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Registered {
    #[serde(flatten)]
    pub link: KeyLink,
    /// How many certificates of before were there and are marked as superseded.
    pub superseded: usize,
}

/// Nothing of it touches the token, so whatever it is, the token and the order are as they were.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("this system has no certificate store of the user's")]
    Unsupported,
    /// Its profile does not say which provider reads this token model.
    #[error("profile {profile} names no provider")]
    ModelUnknown { profile: String },
    #[error("the certificate is not on the key")]
    NotOnToken,
    #[error("the system's certificate store refuses: {detail}")]
    Refused { detail: String },
    /// The token could not be read.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl StoreError {
    /// Stable: maps to one sentence and one remedy per language.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsupported => "store.unsupported",
            Self::ModelUnknown { .. } => "store.model_unknown",
            Self::NotOnToken => "store.not_on_token",
            Self::Refused { .. } => "store.refused",
            Self::Token(source) => source.code(),
        }
    }
}

impl UserStore<'_> {
    /// What the profile of this token says.
    pub(crate) fn says(&self, token: &TokenInfo) -> Option<&WindowsStore> {
        self.drivers.profile(&token.profile)?.windows_store.as_ref()
    }

    /// Registers `new`, which lies on the token, and marks those of `old` that are in the store. Done again it changes
    /// nothing.
    ///
    /// # Errors
    /// [`StoreError`]; what was done before stays done.
    pub fn register(
        &self,
        token: &TokenInfo,
        contents: &Contents,
        new: &Certificate,
        old: &[Certificate],
    ) -> Result<Registered, StoreError> {
        let unknown = || StoreError::ModelUnknown { profile: token.profile.clone() };
        let says = self.says(token).ok_or_else(unknown)?;
        let container = contents.with_key(&Spki(new.spki_der().to_vec())).ok_or(StoreError::NotOnToken)?;
        let link = KeyLink {
            provider: says.provider.value.clone(),
            provider_type: says.provider_type.as_ref().map_or(0, |number| number.value),
            container: says.container_of(&container.id, &token.serial_number),
        };
        self.store.register(new.der(), &link, &holder(new))?;
        let mut superseded = 0;
        for certificate in old {
            superseded += usize::from(self.mark(certificate)?);
        }
        Ok(Registered { link, superseded })
    }

    /// The newest certificate of a token, as after its renewal: those of the same holder that end before it are marked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn register_newest(&self, token: &TokenInfo, contents: &Contents) -> Result<Registered, StoreError> {
        let ders = contents.containers.iter().flat_map(|container| &container.certificates);
        let mut certificates: Vec<_> = ders.filter_map(|der| Certificate::from_der(der).ok()).collect();
        certificates.sort_by_key(Certificate::not_after);
        let new = certificates.pop().ok_or(StoreError::NotOnToken)?;
        certificates
            .retain(|other| other.subject_der() == new.subject_der() && other.not_after() < new.not_after());
        self.register(token, contents, &new, &certificates)
    }

    /// Whether the certificate is there; then its name says that another has taken its place.
    fn mark(&self, certificate: &Certificate) -> Result<bool, StoreError> {
        let Some(name) = self.store.name(certificate.der())? else { return Ok(false) };
        let mark = |language| word("store.superseded", language);
        if !Language::ALL.into_iter().any(|language| name.starts_with(&mark(language))) {
            let name = if name.is_empty() { holder(certificate) } else { name };
            self.store.rename(certificate.der(), &(mark(self.language) + &name))?;
        }
        Ok(true)
    }
}

fn holder(certificate: &Certificate) -> String {
    CertificateInfo::of(certificate, certificate.not_before()).holder
}
