//! The user's certificate store of Windows, as the flows want it.

use ycd_flows::{
    messages::Language,
    store::{CertificateStore, KeyLink, StoreError, UserStore},
};
use ycd_token::Drivers;
use ycd_windows::certificates::{self, Registered};

/// `None` on systems without such a store.
pub fn of_this_system(drivers: &Drivers, language: Language) -> Option<UserStore<'_>> {
    certificates::IS_THERE.then_some(UserStore { store: &Windows, drivers, language })
}

/// All certificates that are there, by whomever.
///
/// # Errors
/// [`StoreError::Unsupported`], [`StoreError::Refused`].
pub fn list() -> Result<Vec<Registered>, StoreError> {
    certificates::list().map_err(error)
}

struct Windows;

impl CertificateStore for Windows {
    fn register(&self, certificate: &[u8], link: &KeyLink, name: &str) -> Result<(), StoreError> {
        let KeyLink { provider, provider_type, container } = link.clone();
        let key = certificates::KeyLink { provider, provider_type, container };
        certificates::register(certificate, &key, name).map_err(error)
    }

    fn name(&self, certificate: &[u8]) -> Result<Option<String>, StoreError> {
        certificates::name(certificate).map_err(error)
    }

    fn rename(&self, certificate: &[u8], name: &str) -> Result<(), StoreError> {
        certificates::rename(certificate, name).map_err(error)
    }
}

fn error(error: certificates::StoreError) -> StoreError {
    match error {
        certificates::StoreError::Unsupported => StoreError::Unsupported,
        refused @ certificates::StoreError::Refused { .. } => {
            StoreError::Refused { detail: refused.to_string() }
        }
    }
}
