//! Step 5: the release, for this host's one-time key alone, signed by the portal, checked by the host.

use ycd_pki::{
    sm3::sm3,
    unlock::{Purpose, ReleaseRequest, UnlockMethod},
};
use ycd_portal_api::{
    Client,
    wire::{
        Bytes,
        unlock::{AskRelease, ReleaseAnswer, UnlockOrder},
    },
};
use ycd_token::{Answer, OneTime, Opened, Spki, TokenError, TokenInfo};

use super::{Found, Grant, Kept, Step, Unlock, UnlockError, error::Result, session_is_over};
use crate::session::error::FlowError;

/// A release with fewer seconds left is not begun with.
const ENOUGH_SECONDS: u32 = 20;

impl Unlock<'_> {
    /// Step 5. The release that the host has open, or the one for a new one-time key. The private key and the secrets
    /// stay in the host. `None` where it has to be asked for anew.
    pub(super) fn release(
        &mut self,
        kept: &mut Kept,
        portal: &Client,
        found: &Found,
        order: &UnlockOrder,
    ) -> Result<Option<Opened>> {
        self.begins(Step::Release, Some(found.method))?;
        let open = self.on_token(Step::Release, |tokens| tokens.unlock_opened(&found.token.token_id))?;
        if let Some(open) = open
            && found.method == UnlockMethod::SoPin
            && open.order == order.no
            && open.seconds_left >= ENOUGH_SECONDS
        {
            return Ok(Some(open));
        }
        // A retyped PIN, or a command that was cut off, takes a new challenge and the same release.
        let one_time = match kept.one_time.take() {
            Some(one_time) if found.method == UnlockMethod::ChallengeResponse => one_time,
            _ => {
                let trust = self.trust.for_host();
                self.on_token(Step::Release, |tokens| tokens.unlock_begin(&found.token.token_id, &trust))?
            }
        };
        let Some(challenge) = self.challenge(&found.token, found.method)? else { return Ok(None) };
        let Some(grant) = &kept.grant else { return Ok(None) };
        let ask = self.release_request(grant, found, order, &one_time, challenge)?;
        let answer = match self.at_portal(Step::Release, |p| p.release(&order.no, &ask), Some(portal)) {
            Ok(answer) => answer,
            Err(error) if session_is_over(&error) => {
                kept.grant = None;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if found.method == UnlockMethod::ChallengeResponse {
            kept.one_time = Some(one_time);
        }
        self.open_answer(&found.token, order, found.method, answer)
    }

    /// Step 5. Nothing by SO PIN. `None` where the host has no release any more.
    fn challenge(&mut self, token: &TokenInfo, method: UnlockMethod) -> Result<Option<Vec<u8>>> {
        match method {
            UnlockMethod::SoPin => Ok(Some(Vec::new())),
            UnlockMethod::ChallengeResponse => match self.tokens.unlock_challenge(&token.token_id) {
                Ok(challenge) => Ok(Some(challenge.to_vec())),
                Err(TokenError::ReleaseGone) => Ok(None),
                Err(TokenError::CardMissing) => {
                    // A card that went with its token: the token is asked for.
                    let tokens = self.on_token(Step::Release, |tokens| tokens.list())?;
                    let is_in = tokens.iter().any(|found| found.token_id == token.token_id);
                    let source = if is_in { TokenError::CardMissing } else { TokenError::Removed };
                    Err(UnlockError::Token { step: Step::Release, source })
                }
                Err(source) => Err(UnlockError::Token { step: Step::Release, source }),
            },
        }
    }

    /// Step 5. Sealed to the portal's key.
    fn release_request(
        &self,
        grant: &Grant,
        found: &Found,
        order: &UnlockOrder,
        one_time: &OneTime,
        challenge: Vec<u8>,
    ) -> Result<AskRelease> {
        let request = ReleaseRequest {
            order: order.no.clone(),
            step_up: grant.step_up.clone(),
            one_time_key: public_key(&one_time.public_key)?,
            token_id: found.token.token_id.to_string(),
            method: found.method,
            certificate: sm3(found.certificate.der()),
            challenge,
            so_pin_retry_counter: one_time.so_pin_retry_counter,
        };
        let sealed = Bytes(request.seal(&self.trust.sealing_key).map_err(FlowError::from)?);
        Ok(AskRelease { sealed })
    }

    /// Step 5. The host checks what the portal has signed, and opens the envelope.
    fn open_answer(
        &mut self,
        token: &TokenInfo,
        order: &UnlockOrder,
        method: UnlockMethod,
        answer: ReleaseAnswer,
    ) -> Result<Option<Opened>> {
        let answer = Answer {
            purpose: Purpose::Unlock,
            context: answer.context.0,
            sealed_envelope: answer.sealed_envelope.0,
            signature: answer.signature.0,
        };
        match self.tokens.unlock_open(&token.token_id, &answer) {
            Ok(opened) if opened.order == order.no && opened.method == method => Ok(Some(opened)),
            Ok(_) => Err(UnlockError::Token {
                step: Step::Release,
                source: TokenError::ReleaseRefused { reason: "it is for another order".to_owned() },
            }),
            Err(TokenError::ReleaseGone) => Ok(None),
            Err(source) => Err(UnlockError::Token { step: Step::Release, source }),
        }
    }
}

fn public_key(spki: &Spki) -> Result<ycd_pki::PublicKey> {
    Ok(ycd_pki::PublicKey::from_spki_der(&spki.0).map_err(FlowError::from)?)
}
