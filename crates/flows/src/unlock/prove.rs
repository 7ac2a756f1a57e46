//! Step 8: the certificate's key proves that the new PIN works; only this completes the order.

use ycd_pki::authorization::Authorization;
use ycd_portal_api::{
    Client,
    wire::{
        Bytes,
        attempts::SignedAuthorization,
        unlock::{UnlockOrder, Unlocked as Proof},
    },
};
use ycd_token::{Opened, Pin, Spki, TokenError, TokenInfo};

use super::{Found, Outcome, Step, Unlock, UnlockError, UnlockEvent, error::Result};
use crate::session::{bytes::array, error::FlowError, passes::Pass};

impl Unlock<'_> {
    /// Step 8.
    pub(super) fn prove_new_pin(
        &mut self,
        portal: &Client,
        found: &Found,
        order: &UnlockOrder,
        new: &Pin,
    ) -> Result<()> {
        self.begins(Step::Prove, Some(found.method))?;
        let release = self.on_token(Step::Prove, |tokens| tokens.unlock_opened(&found.token.token_id))?;
        if self.prove(portal, found, order, release.as_ref(), new)? {
            return Ok(());
        }
        // The token said yes to a PIN that it does not take.
        Err(UnlockError::Token {
            step: Step::Prove,
            source: TokenError::Unknown { operation: "init_pin".to_owned() },
        })
    }

    /// Step 8. Login with the PIN, and the authorization signed by the certificate's key. `false` where the token does
    /// not take the PIN.
    pub(super) fn prove(
        &mut self,
        portal: &Client,
        found: &Found,
        order: &UnlockOrder,
        release: Option<&Opened>,
        pin: &Pin,
    ) -> Result<bool> {
        let Found { token, certificate, .. } = found;
        self.on_token(Step::Prove, |tokens| tokens.logout(&token.token_id))?;
        match self.tokens.login(&token.token_id, pin) {
            Ok(()) => {}
            Err(TokenError::PinIncorrect { .. } | TokenError::PinLocked | TokenError::PinInvalid { .. }) => {
                return Ok(false);
            }
            Err(source) => return Err(UnlockError::Token { step: Step::Prove, source }),
        }
        let nonce = self.at_portal(Step::Prove, |p| p.unlock_nonce(&order.no), Some(portal))?.nonce;
        let number = release.map_or(order.newest_release, |release| release.release);
        let one_time_key = release.map_or([0; 32], |release| release.one_time_key);
        let so_pin_version = release.and_then(|release| release.proven_version).unwrap_or(0);
        let authorization = Authorization::Unlocked {
            portal: self.trust.name.clone(),
            order: order.no.clone(),
            release: number,
            token_id: token.token_id.to_string(),
            one_time_key,
            so_pin_version,
            nonce: array(&nonce)?,
        };
        let signer = Spki(certificate.public_key().map_err(FlowError::from)?.to_spki_der());
        let signature = self.on_token(Step::Prove, |tokens| {
            tokens.sign_authorization(&token.token_id, &signer, &authorization)
        })?;
        let proof = Proof {
            release: number,
            one_time_key: Bytes(one_time_key.to_vec()),
            so_pin_version,
            authorization: SignedAuthorization { nonce, signature: Bytes(signature) },
        };
        self.at_portal(Step::Prove, |p| p.unlocked(&order.no, &proof), Some(portal))?;
        Ok(true)
    }

    /// Step 8. The order is complete.
    pub(super) fn finish(&mut self, token: &TokenInfo, order: &str) -> Result<Pass<Outcome>> {
        self.journal.unlock_done(&self.trust.name, &token.token_id, self.clock.now())?;
        // The token may be out already: what is left in the host ends with its time.
        let _ = self.tokens.unlock_end(&token.token_id);
        let _ = self.tokens.logout(&token.token_id);
        let finished = UnlockEvent::Finished { order: order.to_owned(), token: token.token_id.clone() };
        let _ = self.prompter.tell(&finished);
        Ok(Pass::Ended(Outcome::Unlocked { order: order.to_owned(), token: token.token_id.clone() }))
    }
}
