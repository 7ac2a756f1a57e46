//! What portal, driver host and key say to each other to unlock a PIN, and to put the secrets for it on a new key.
//!
//! - [`Opening`]: what an unlock order is opened with, sealed to the portal's key.
//! - [`Request`]: what a host asks a release with, sealed to the portal's key.
//! - [`Context`]: what a release is for, signed by the portal with the hash of its box; the host checks every field.
//! - [`SoPins`], [`SessionKey`], [`FirstSecrets`]: what is in a box, sealed to the host's one-time key.
//! - [`Alive`]: the portal's word, for one login, that a release is the newest of an open order.
//! - [`UnblockKey`], [`UnblockCommand`]: challenge and response with the key itself.
//!
//! Texts are encoded as those of [`statement`](crate::statement) are.

mod alive;
mod boxes;
mod challenge;
mod context;
mod opening;
mod request;

pub use alive::Alive;
pub use boxes::{FirstSecrets, SessionKey, SoPin, SoPins};
pub use challenge::{CHALLENGE_LEN, UNBLOCK_HEADER, UnblockCommand, UnblockKey};
pub use context::{Context, PinRules, Purpose, signed_answer};
pub use opening::Opening;
pub use request::{Request, SoTries};

use serde::{Deserialize, Serialize};

/// How a key is unlocked; fixed for each at its personalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Road {
    /// The SO PIN, encrypted to the host, and another one to put in its place.
    Wrapped,
    /// The key asks, the portal answers; neither's secret reaches the host.
    Challenge,
}

impl Road {
    pub fn name(self) -> &'static str {
        match self {
            Self::Wrapped => "wrapped",
            Self::Challenge => "challenge",
        }
    }

    fn from_name(name: &[u8]) -> Option<Self> {
        [Self::Wrapped, Self::Challenge].into_iter().find(|road| road.name().as_bytes() == name)
    }
}
