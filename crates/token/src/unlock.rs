//! What a driver host does to unlock a PIN, and to put the first secrets on a blank token.
//!
//! The secrets of a release (`ycd_pki::unlock`) are opened in the host and stay there: this side of the pipe says
//! which of them to use, and never sees one. The flow that puts these calls in order is in `crates/flows`.

use serde::{Deserialize, Serialize};
use ycd_pki::unlock::{CHALLENGE_LEN, PinRules, Purpose, SoPinRetryCounter, UnlockMethod};

use crate::profile::Tristate;
use crate::{Pin, Result, Spki, TokenAccess, TokenId};

/// A [`TokenAccess`] that can be unlocked. The host keeps, per token, one one-time pair, and the release that came for it, until
/// [`unlock_end`](Self::unlock_end), another [`unlock_begin`](Self::unlock_begin), the release's time, or its own end.
pub trait Unlocker: TokenAccess {
    /// What profile and token tell of their ways, before anything is asked of the portal.
    fn unlock_capabilities(&mut self, token: &TokenId) -> Result<UnlockCapabilities>;

    /// Makes a one-time key pair, whose private key never leaves the host, and forgets the one before. `portal` is the
    /// one whose answers are believed.
    fn unlock_begin(&mut self, token: &TokenId, portal: &PortalKey) -> Result<OneTime>;

    /// The token's challenge, for the answer that comes next; the token keeps one at a time.
    ///
    /// # Errors
    /// [`TokenError::CardMissing`](crate::TokenError::CardMissing) where the token is on no reader.
    fn unlock_challenge(&mut self, token: &TokenId) -> Result<[u8; CHALLENGE_LEN]>;

    /// Checks the portal's signature and every field against token, one-time key, challenge, and a certificate that is on
    /// the token; opens the box; its time begins.
    ///
    /// # Errors
    /// [`TokenError::ReleaseRefused`](crate::TokenError::ReleaseRefused), and nothing of the answer is kept.
    fn unlock_open(&mut self, token: &TokenId, answer: &Answer) -> Result<Opened>;

    /// The release that is open now, with its time left.
    fn unlock_opened(&mut self, token: &TokenId) -> Result<Option<Opened>>;

    /// A nonce for the portal's word that the release is alive; for one SO login, within ten seconds, and void when the
    /// token is pulled.
    fn unlock_nonce(&mut self, token: &TokenId) -> Result<[u8; 32]>;

    /// One SO login with one of the PINs of the box. `alive` is the portal's signature over `ycd_pki::unlock::Alive` with
    /// the last nonce; not needed for a personalization. Never two definite wrong ones for one release but with both PINs,
    /// never with fewer than three tries left before the first and two before the other.
    ///
    /// # Errors
    /// [`TokenError::SoPinIncorrect`](crate::TokenError::SoPinIncorrect), definite, also without another try where this
    /// PIN was found wrong under this release;
    /// [`TokenError::ReleaseRefused`](crate::TokenError::ReleaseRefused) where `alive` is not the portal's word for the
    /// last nonce, or too old; [`TokenError::Removed`](crate::TokenError::Removed) where the token was pulled since;
    /// [`TokenError::SoPinRetryCounterLow`](crate::TokenError::SoPinRetryCounterLow) before anything is tried;
    /// [`TokenError::ReleaseGone`](crate::TokenError::ReleaseGone) where there is no open release (any more).
    fn so_login(&mut self, token: &TokenId, which: &SoLogin, liveness: Option<&[u8]>) -> Result<()>;

    /// C_InitPIN by the SO that is logged in. The PIN must satisfy the release's rules and the token's limits. Refused
    /// where the profile does not say that tokens survive it, but for a personalization.
    fn init_pin(&mut self, token: &TokenId, new: &Pin) -> Result<()>;

    /// C_SetPIN by the SO that is logged in: the box's next PIN in the place of the one that opened it. Logs out; whether
    /// it took effect, a login with [`SoLogin::Next`] tells.
    ///
    /// # Errors
    /// [`TokenError::ReleaseRefused`](crate::TokenError::ReleaseRefused) where the next PIN is in force already, or was
    /// found wrong twice under this release, the other time after it had been set.
    fn rotate_so_pin(&mut self, token: &TokenId) -> Result<()>;

    /// Personalization: puts the unblock key of the box on the token, under the SO PIN that is in force.
    fn install_unblock_key(&mut self, token: &TokenId) -> Result<()>;

    /// The challenge-response method: sets the new PIN by the one command that the answer is good for.
    ///
    /// # Errors
    /// [`TokenError::ChallengeRefused`](crate::TokenError::ChallengeRefused) where the token does not take the answer: ask
    /// for a new challenge.
    fn unblock(&mut self, token: &TokenId, new: &Pin) -> Result<()>;

    /// Wipes one-time key, box and nonce, and logs out.
    fn unlock_end(&mut self, token: &TokenId) -> Result<()>;
}

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
    /// The token is on a reader and answers as its profile says: [`UnlockMethod::Challenge`] can be gone now.
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
    /// That of the box which is expected on the token.
    Current,
    /// That of the box which is to be put in its place.
    Next,
}
