//! What portal, driver host and token say to each other to unlock a PIN, and to put the secrets for it on a new token.
//!
//! - [`UnlockRequest`]: what an unlock order is opened with, sealed to the portal's key.
//! - [`ReleaseRequest`]: what a host asks a release with, sealed to the portal's key.
//! - [`Context`]: what a release is for, signed by the portal with the hash of its envelope; the host checks every
//!   field.
//! - [`SoPins`], [`SessionKey`], [`FirstSecrets`]: what is in an envelope, sealed to the host's one-time key.
//! - [`LivenessCheck`]: the portal's word, for one login, that a release is the newest of an open order.
//! - [`UnblockKey`], [`UnblockCommand`]: challenge and response with the token itself.
//!
//! Texts are encoded as those of [`authorization`](crate::authorization) are.

mod challenge;
mod context;
mod envelopes;
mod liveness;
mod release_request;
mod unblock_key;
mod unlock_request;

pub use challenge::{UNBLOCK_HEADER, UnblockCommand};
pub use context::{Context, PinRules, Purpose, signed_answer};
pub use envelopes::{FirstSecrets, SoPin, SoPins};
pub use liveness::LivenessCheck;
pub use release_request::{ReleaseRequest, SoPinRetryCounter};
pub use unblock_key::{CHALLENGE_LEN, SessionKey, UnblockKey};
pub use unlock_request::UnlockRequest;

use serde::{Deserialize, Serialize};

/// How a token is unlocked; fixed for each at its personalization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnlockMethod {
    /// The SO PIN, encrypted to the host, and another one to put in its place.
    SoPin,
    /// The token asks, the portal answers; neither's secret reaches the host.
    ChallengeResponse,
}

impl UnlockMethod {
    pub fn name(self) -> &'static str {
        match self {
            Self::SoPin => "so_pin",
            Self::ChallengeResponse => "challenge_response",
        }
    }

    fn from_name(name: &[u8]) -> Option<Self> {
        [Self::SoPin, Self::ChallengeResponse].into_iter().find(|method| method.name().as_bytes() == name)
    }
}
