//! What the flows work with on this machine, put together in one place for window and command line: portal, journal,
//! locks, trust.

use ycd_flows::{
    clock::Clock,
    journal::Journal,
    lock::TokenLocks,
    messages::Language,
    pin_change::{PinChange, PinChangePrompter},
    renewal::{self, Prompter, Renewal},
    trust::PinnedPortal,
    unlock::{self, Unlock, UnlockPrompter},
};
use ycd_pki::Certificate;
use ycd_portal_api::Client;
use ycd_token::{Drivers, PinPolicy, TokenAccess, TokenId, Unlocker};

use crate::{
    data_dir::{DataDir, Role},
    error::Result,
    store,
};

/// For a renewal, as the applicant who is logged in.
pub struct RenewalParts {
    pub portal: Client,
    pub journal: Journal,
    locks: TokenLocks,
    anchors: Vec<Certificate>,
    trust: Option<PinnedPortal>,
}

impl RenewalParts {
    /// # Errors
    /// No portal or login, or a file of the data folder cannot be used.
    pub fn of(data_dir: &DataDir) -> Result<Self> {
        Ok(Self {
            portal: data_dir.client_as(Role::Applicant)?,
            journal: data_dir.journal()?,
            locks: DataDir::locks()?,
            anchors: data_dir.anchors()?,
            trust: data_dir.trust_if_known()?,
        })
    }

    /// `drivers` and `language`: for the user's certificate store, where the system has one.
    pub fn flow<'a>(
        &'a self,
        tokens: &'a mut dyn TokenAccess,
        prompter: &'a mut dyn Prompter,
        clock: &'a dyn Clock,
        (drivers, language): (&'a Drivers, Language),
        options: renewal::Options,
    ) -> Renewal<'a> {
        Renewal {
            portal: &self.portal,
            tokens,
            prompter,
            journal: &self.journal,
            locks: &self.locks,
            anchors: &self.anchors,
            trust: self.trust.as_ref(),
            clock,
            store: store::of_this_system(drivers, language),
            options,
        }
    }
}

/// For an unlock, which needs nobody's login.
pub struct UnlockParts {
    portal: Client,
    trust: PinnedPortal,
    journal: Journal,
    locks: TokenLocks,
}

impl UnlockParts {
    /// # Errors
    /// No portal, or none that was pinned, or a file of the data folder cannot be used.
    pub fn of(data_dir: &DataDir) -> Result<Self> {
        Ok(Self {
            portal: data_dir.client()?,
            trust: data_dir.trust()?,
            journal: data_dir.journal()?,
            locks: DataDir::locks()?,
        })
    }

    pub fn flow<'a>(
        &'a self,
        tokens: &'a mut dyn Unlocker,
        prompter: &'a mut dyn UnlockPrompter,
        clock: &'a dyn Clock,
        options: unlock::Options,
    ) -> Unlock<'a> {
        Unlock {
            portal: &self.portal,
            trust: &self.trust,
            tokens,
            prompter,
            journal: &self.journal,
            locks: &self.locks,
            clock,
            options,
        }
    }
}

/// For a change of the PIN.
pub struct PinChangeParts {
    locks: TokenLocks,
    policy: Option<PinPolicy>,
}

impl PinChangeParts {
    /// # Errors
    /// A file of the data folder cannot be used.
    pub fn of(data_dir: &DataDir) -> Result<Self> {
        Ok(Self { locks: DataDir::locks()?, policy: data_dir.pin_policy()? })
    }

    /// `token`: the one that is meant; without it exactly one may be inserted.
    pub fn flow<'a>(
        &'a self,
        tokens: &'a mut dyn TokenAccess,
        prompter: &'a mut dyn PinChangePrompter,
        token: Option<TokenId>,
    ) -> PinChange<'a> {
        PinChange { tokens, prompter, locks: &self.locks, token, policy: self.policy }
    }
}
