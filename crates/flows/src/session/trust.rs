//! The portal that this machine was set up with: its name and its keys, kept since, so that no other can pass for it.

use ycd_pki::{PkiError, PublicKey};
use ycd_portal_api::wire::unlock::PortalKeys;
use ycd_token::{PortalKey, Spki};

/// A portal as it was when this machine was set up with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedPortal {
    /// Its name in signed texts.
    pub name: String,
    /// Its answers are signed with this.
    pub signing_key: PublicKey,
    /// Requests to it are sealed to this.
    pub sealing_key: PublicKey,
}

impl PinnedPortal {
    /// # Errors
    /// [`PkiError`] where a token is none.
    pub fn from_wire(keys: &PortalKeys) -> Result<Self, PkiError> {
        Ok(Self {
            name: keys.portal.clone(),
            signing_key: PublicKey::from_spki_der(&keys.signing_key.0)?,
            sealing_key: PublicKey::from_spki_der(&keys.sealing_key.0)?,
        })
    }

    /// What the driver host believes answers by.
    pub fn for_host(&self) -> PortalKey {
        PortalKey { name: self.name.clone(), signing_key: Spki(self.signing_key.to_spki_der()) }
    }
}
