//! What a driver host does to unlock a PIN, and to put the first secrets on a blank token.
//!
//! The secrets of a release (`ycd_pki::unlock`) are opened in the host and stay there: this side of the pipe says
//! which of them to use, and never sees one. The flow that puts these calls in order is in `crates/flows`.

use serde::{Deserialize, Serialize};
use ycd_pki::unlock::{PinRules, Purpose, SoPinRetryCounter, UnlockMethod};

use crate::profile::Tristate;
use crate::{Pin, Spki};

/// Which portal's answers a host believes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortalKey {
    /// The portal's name in signed texts.
    pub name: String,
    pub signing_key: Spki,
}

/// As profile and token tell them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnlockCapabilities {
    /// Login with the SO PIN, then C_InitPIN.
    pub so_pin: Tristate,
    /// Whether C_InitPIN leaves the keys.
    pub keeps_keys: Tristate,
    pub challenge_response: Tristate,
    /// The token is on a reader and answers as its profile says: [`UnlockMethod::ChallengeResponse`] can be gone now.
    pub on_reader: bool,
    pub so_pin_retry_counter: SoPinRetryCounter,
}

impl UnlockCapabilities {
    /// Whether a locked PIN can be unlocked on this method by what profile and token say. Unknown counts as no.
    pub fn allow(&self, method: UnlockMethod) -> bool {
        match method {
            UnlockMethod::SoPin => self.so_pin == Tristate::Yes && self.keeps_keys == Tristate::Yes,
            UnlockMethod::ChallengeResponse => self.challenge_response == Tristate::Yes,
        }
    }
}

/// A one-time key of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTime {
    pub public_key: Spki,
    pub so_pin_retry_counter: SoPinRetryCounter,
}

/// A release as the portal answered it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub purpose: Purpose,
    /// CTX.
    pub context: Vec<u8>,
    pub sealed_envelope: Vec<u8>,
    /// DER.
    pub signature: Vec<u8>,
}

/// A release that the host has checked and opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    pub order: String,
    pub release: u32,
    pub method: UnlockMethod,
    /// SM3 over the DER of the one-time public key.
    pub one_time_key: [u8; 32],
    pub current_version: u32,
    pub next_version: u32,
    pub unblock_key_version: u32,
    pub pin: PinRules,
    /// Seconds for which it is good from now on.
    pub seconds_left: u32,
    /// An SO login has proven this version under this release.
    pub proven_version: Option<u32>,
}

/// Which SO PIN to log in with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SoLogin {
    /// The maker's, typed by the operator. In a personalization only.
    Factory(Pin),
    /// That of the envelope which is expected on the token.
    Current,
    /// That of the envelope which is to be put in its place.
    Next,
}
