//! The portal's word that a release is alive, for one SO login.

use std::time::{Duration, Instant};

use ycd_pki::unlock::LivenessCheck;
use ycd_token::{Result, TokenError, TokenId};

use super::{Unlocks, refused};

/// For which the word is good.
const GOOD: Duration = Duration::from_secs(10);

/// A nonce that has been given out.
pub struct Nonce {
    bytes: [u8; 32],
    until: Instant,
    /// Number of the session it was given out in: it goes with the token.
    session: u64,
}

impl Unlocks {
    /// A new one, in the place of the one before.
    ///
    /// # Errors
    /// [`TokenError::ReleaseGone`]; [`TokenError::ReleaseRefused`] for a release without an SO PIN.
    pub fn new_nonce(&mut self, token: &TokenId, session: u64, now: Instant) -> Result<[u8; 32]> {
        self.release(token, now)?.needs_so_pins()?;
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| TokenError::Unsupported { what: "random numbers".into() })?;
        self.of(token, now)?.nonce = Some(Nonce { bytes, until: now + GOOD, session });
        Ok(bytes)
    }

    /// Whether `word` is the portal's over the last nonce; spends the nonce. `session`: the number of the one that is
    /// open now, if one is.
    ///
    /// # Errors
    /// [`TokenError::ReleaseRefused`]; [`TokenError::Removed`] where the token was pulled since the nonce was given
    /// out.
    pub fn check_liveness(
        &mut self,
        token: &TokenId,
        word: Option<&[u8]>,
        session: Option<u64>,
        now: Instant,
    ) -> Result<()> {
        let unlock = self.of(token, now)?;
        let nonce = unlock.nonce.take().ok_or_else(|| refused("no nonce was given out for this login"))?;
        let word = word.ok_or_else(|| refused("the portal's word that it is alive is missing"))?;
        let release = unlock.release.as_ref().ok_or(TokenError::ReleaseGone)?;
        let liveness = LivenessCheck {
            portal: unlock.portal.name.clone(),
            order: release.context().order.clone(),
            release: release.context().release,
            token_id: token.as_str().to_owned(),
            nonce: nonce.bytes,
        };
        if unlock.portal.key.verify(&liveness.to_bytes(), word).is_err() {
            return Err(refused("the portal's word that it is alive is not signed by the portal"));
        }
        if now >= nonce.until {
            return Err(refused("the portal's word that it is alive is too old"));
        }
        if session != Some(nonce.session) {
            return Err(TokenError::Removed);
        }
        Ok(())
    }
}
