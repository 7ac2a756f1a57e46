//! The user's certificate store, MY (`certmgr.msc`, "personal"): where other programs look for certificates, and learn
//! through which provider they reach the key. It holds nothing secret. Certificates are DER.

#[cfg(windows)]
mod my;

/// Whether this system has such a store.
pub const IS_THERE: bool = cfg!(windows);

/// Where the private key of a certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLink {
    /// Of the provider, as it is installed.
    pub provider: String,
    /// `PROV_…` of a CSP; 0 for a key storage provider of CNG.
    pub provider_type: u32,
    pub container: String,
}

/// A certificate of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    pub certificate: Vec<u8>,
    /// What the user is shown; empty where nobody has given it a name.
    pub name: String,
    pub key: Option<KeyLink>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("this system has no such store")]
    Unsupported,
    #[error("{call} answered {code:#010x}")]
    Refused { call: &'static str, code: u32 },
}

/// Puts a certificate in, linked with its key. One that is there is replaced by itself.
///
/// # Errors
/// [`StoreError`].
pub fn register(certificate: &[u8], key: &KeyLink, name: &str) -> Result<(), StoreError> {
    #[cfg(windows)]
    return my::Store::open()?.register(certificate, key, name);
    #[cfg(not(windows))]
    unsupported((certificate, key, name))
}

/// The name of a certificate; `None` where it is not in the store, empty where it has none.
///
/// # Errors
/// [`StoreError`].
pub fn name(certificate: &[u8]) -> Result<Option<String>, StoreError> {
    #[cfg(windows)]
    return Ok(my::Store::open()?.find(certificate)?.map(|found| found.name()));
    #[cfg(not(windows))]
    unsupported(certificate)
}

/// Gives another name to a certificate that is in the store.
///
/// # Errors
/// [`StoreError`], also where it is not there.
pub fn rename(certificate: &[u8], name: &str) -> Result<(), StoreError> {
    #[cfg(windows)]
    return my::Store::open()?.rename(certificate, name);
    #[cfg(not(windows))]
    unsupported((certificate, name))
}

/// All that is there.
///
/// # Errors
/// [`StoreError`].
pub fn list() -> Result<Vec<Registered>, StoreError> {
    #[cfg(windows)]
    return Ok(my::Store::open()?.all());
    #[cfg(not(windows))]
    unsupported(())
}

#[cfg(not(windows))]
fn unsupported<T>(_unused: impl Sized) -> Result<T, StoreError> {
    Err(StoreError::Unsupported)
}
