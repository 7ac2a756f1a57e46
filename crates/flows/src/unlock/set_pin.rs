//! Steps 6 and 7: the token takes the new PIN; the SO PIN that was used for it is put out of force.

use std::ops::ControlFlow;
use ycd_pki::unlock::UnlockMethod;
use ycd_portal_api::{
    Client, problem,
    wire::{
        Bytes,
        unlock::{AskLiveness, UnlockOrder},
    },
};
use ycd_token::{Opened, Pin, SoLogin, TokenError, TokenInfo};

use super::{Found, Kept, Step, Unlock, UnlockError, UnlockEvent, error::Result};

enum Login {
    Right,
    Wrong,
    /// The release counts no more.
    Stale,
}

impl Unlock<'_> {
    /// Step 6. The token takes the new PIN. Gives why to start again, where it has to.
    pub(super) fn set_pin(
        &mut self,
        kept: &mut Kept,
        portal: &Client,
        found: &Found,
        release: &Opened,
        new: &Pin,
    ) -> Result<Option<&'static str>> {
        self.begins(Step::SetPin, Some(found.method))?;
        match found.method {
            UnlockMethod::SoPin => self.set_by_so_pin(kept, portal, &found.token, release, new),
            UnlockMethod::ChallengeResponse => self.set_by_challenge(kept, &found.token, new),
        }
    }

    /// Step 6. J(pin, order).
    pub(super) fn pin_is_set(
        &mut self,
        kept: &mut Kept,
        token: &TokenInfo,
        order: &UnlockOrder,
    ) -> Result<()> {
        kept.in_force = true;
        self.journal.pin_was_set(&self.trust.name, &order.no, &token.token_id, self.clock.now())?;
        self.tell(Step::SetPin, &UnlockEvent::PinSet { order: order.no.clone() })
    }

    /// Step 6, SO PIN. SO login, the likelier PIN first, after one definite wrong answer the other one; then the
    /// user's PIN. Gives why to start again, where it has to.
    fn set_by_so_pin(
        &mut self,
        kept: &mut Kept,
        portal: &Client,
        token: &TokenInfo,
        release: &Opened,
        new: &Pin,
    ) -> Result<Option<&'static str>> {
        let rotated = self.journal.rotation(&self.trust.name, &token.token_id)?;
        let mut guesses = [SoLogin::Current, SoLogin::Next];
        if rotated == Some(release.next_version) {
            guesses.reverse();
        }
        match self.so_login(Step::SetPin, portal, token, release, &guesses)? {
            Login::Right => {}
            Login::Wrong => return Err(UnlockError::SoPinUnknown),
            Login::Stale => return Ok(Some("the release is no longer the newest")),
        }
        match self.tokens.init_pin(&token.token_id, new) {
            Ok(()) => Ok(None),
            Err(TokenError::PinInvalid { .. }) => Ok(Some(kept.type_another())),
            Err(source) => Err(UnlockError::Token { step: Step::SetPin, source }),
        }
    }

    /// Step 6, challenge. One command to the token, made for its challenge.
    fn set_by_challenge(
        &mut self,
        kept: &mut Kept,
        token: &TokenInfo,
        new: &Pin,
    ) -> Result<Option<&'static str>> {
        match self.tokens.unblock(&token.token_id, new) {
            Ok(()) => Ok(None),
            Err(TokenError::ChallengeRefused) => Ok(Some("the token wants another answer")),
            Err(TokenError::ReleaseGone) => Ok(Some("the answer to the challenge is used up")),
            Err(TokenError::PinInvalid { .. }) => Ok(Some(kept.type_another())),
            Err(source) => Err(UnlockError::Token { step: Step::SetPin, source }),
        }
    }

    /// Step 7. J(rotate), the next SO PIN in the place of the one that was used, and a login that proves it: what the
    /// module says to the change itself proves nothing. A token that keeps the old one is left with it.
    pub(super) fn rotate(&mut self, portal: &Client, token: &TokenInfo, release: &Opened) -> Result<bool> {
        self.begins(Step::Rotate, Some(UnlockMethod::SoPin))?;
        let now = self.on_token(Step::Rotate, |tokens| tokens.unlock_opened(&token.token_id))?;
        if now.is_some_and(|now| now.proven_version == Some(release.next_version)) {
            return Ok(true);
        }
        self.journal.rotates_to(&self.trust.name, &token.token_id, release.next_version)?;
        match self.tokens.rotate_so_pin(&token.token_id) {
            Err(source @ TokenError::Removed) => {
                return Err(UnlockError::Token { step: Step::Rotate, source });
            }
            Err(TokenError::ReleaseGone) => return Ok(false),
            Ok(()) | Err(_) => {}
        }
        match self.so_login(Step::Rotate, portal, token, release, &[SoLogin::Next, SoLogin::Current])? {
            Login::Right => Ok(true),
            Login::Wrong => Err(UnlockError::SoPinUnknown),
            Login::Stale => Ok(false),
        }
    }

    /// Steps 6 and 7. One login with each, until one is right. Directly before each the portal says that the release is
    /// the newest of an open order; no answer, no login.
    fn so_login(
        &mut self,
        step: Step,
        portal: &Client,
        token: &TokenInfo,
        release: &Opened,
        guesses: &[SoLogin],
    ) -> Result<Login> {
        let mut guesses = guesses.iter();
        let mut guess = guesses.next();
        while let Some(which) = guess {
            let nonce = match self.tokens.unlock_nonce(&token.token_id) {
                Ok(nonce) => nonce,
                Err(TokenError::ReleaseGone) => return Ok(Login::Stale),
                Err(source) => return Err(UnlockError::Token { step, source }),
            };
            let question = AskLiveness { release: release.release, nonce: Bytes(nonce.to_vec()) };
            let liveness = match portal.liveness(&release.order, &question) {
                Ok(liveness) => liveness,
                Err(error) if error.is(problem::unlock::RELEASE_STALE) => {
                    self.on_token(step, |tokens| tokens.unlock_end(&token.token_id))?;
                    return Ok(Login::Stale);
                }
                // Asked again with a new nonce.
                Err(error)
                    if error.is_passing()
                        && self.prompter.portal_again(step, &error) == ControlFlow::Continue(()) =>
                {
                    continue;
                }
                Err(source) => return Err(UnlockError::Portal { step, source }),
            };
            match self.tokens.so_login(&token.token_id, which, &liveness.signature.0) {
                Ok(()) => return Ok(Login::Right),
                Err(TokenError::SoPinIncorrect { .. }) => guess = guesses.next(),
                Err(TokenError::ReleaseGone) => return Ok(Login::Stale),
                Err(source) => return Err(UnlockError::Token { step, source }),
            }
        }
        Ok(Login::Wrong)
    }
}
