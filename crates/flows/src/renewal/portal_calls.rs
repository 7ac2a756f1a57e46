//! The small moves that every step is made of: each names the step that an error belongs to.

use std::ops::ControlFlow;
use ycd_pki::{
    PublicKey,
    authorization::{Authorization, NONCE_LEN},
};
use ycd_portal_api::wire::{
    Bytes,
    attempts::{AttemptView, NoncePurpose, SignedAuthorization},
    login::{Purpose, RequestCode, RequestStepUp},
};
use ycd_token::{Contents, Spki, TokenAccess, TokenError, TokenInfo};

use super::{Event, Renewal, Step};
use crate::session::{
    bytes::array,
    error::{FlowError, Result},
    journal::Entry,
    prompts::{CodeAnswer, CodeWanted},
};

impl Renewal<'_> {
    pub(super) fn sign(
        &mut self,
        step: Step,
        token: &TokenInfo,
        signer: &Spki,
        authorization: &Authorization,
        nonce: [u8; NONCE_LEN],
    ) -> Result<SignedAuthorization> {
        let signature =
            self.on_token(step, |tokens| tokens.sign_authorization(&token.token_id, signer, authorization))?;
        // The host has verified it too; this side trusts no process that has a vendor's module in it.
        let verified = PublicKey::from_spki_der(&signer.0)
            .and_then(|public_key| public_key.verify(&authorization.to_bytes(), &signature));
        if let Err(error) = verified {
            let source = TokenError::SignsWrongly { detail: error.to_string() };
            return Err(FlowError::Token { step: step.into(), source });
        }
        Ok(SignedAuthorization { nonce: Bytes(nonce.to_vec()), signature: Bytes(signature) })
    }

    pub(super) fn nonce(
        &mut self,
        step: Step,
        view: &AttemptView,
        purpose: NoncePurpose,
    ) -> Result<[u8; NONCE_LEN]> {
        let nonce =
            self.portal.nonce(&view.order, view.attempt, purpose).map_err(FlowError::of_portal(step))?;
        array(&nonce.nonce)
    }

    /// A fresh SMS code, typed by the person, becomes a step-up ticket.
    pub(super) fn step_up(&mut self, step: Step, view: &AttemptView, purpose: Purpose) -> Result<String> {
        let portal_error = FlowError::of_portal(step);
        let order = view.order.clone();
        let request = RequestCode { purpose, phone: None, order: Some(order.clone()) };
        let sent = self.portal.request_code(&request);
        let mut wanted = CodeWanted::first(sent, "").map_err(portal_error)?;
        loop {
            match self.prompter.sms_code(&wanted.sent, purpose, wanted.refused.as_ref()) {
                CodeAnswer::Code(code) => {
                    let request = RequestStepUp { purpose, order: order.clone(), code: code.to_string() };
                    match self.portal.step_up(&request) {
                        Ok(step_up) => return Ok(step_up.step_up),
                        Err(error) => wanted.refuse(error).map_err(portal_error)?,
                    }
                }
                CodeAnswer::SendAgain => {
                    wanted.again(self.portal.request_code(&request)).map_err(portal_error)?;
                }
                CodeAnswer::Stop => {
                    return Err(wanted
                        .refused
                        .map_or(FlowError::Stopped { step: step.into() }, portal_error));
                }
            }
        }
    }

    pub(super) fn read(&mut self, step: Step, token: &TokenInfo) -> Result<Contents> {
        self.on_token(step, |tokens| tokens.read(&token.token_id))
    }

    pub(super) fn on_token<T>(
        &mut self,
        step: Step,
        operation: impl FnOnce(&mut dyn TokenAccess) -> ycd_token::Result<T>,
    ) -> Result<T> {
        let outcome = operation(self.tokens);
        self.after(step, outcome)
    }

    pub(super) fn after<T>(&mut self, step: Step, outcome: ycd_token::Result<T>) -> Result<T> {
        outcome.map_err(|source| FlowError::Token { step: step.into(), source })
    }

    pub(super) fn seen_by_portal(&mut self, order: &str) -> Result<AttemptView> {
        self.portal.attempt(order).map_err(FlowError::of_portal(Step::Issue))
    }

    pub(super) fn record(&mut self, token: &TokenInfo, view: &AttemptView, step: Step) -> Result<()> {
        let entry = Entry {
            portal: &view.portal,
            order: &view.order,
            token: &token.token_id,
            attempt: view.attempt,
            step: step.into(),
            done: step == Step::Done,
        };
        self.journal.record(&entry, self.clock.now())?;
        self.tell(step, &Event::Recorded { step })
    }

    pub(super) fn begins(&mut self, step: Step) -> Result<()> {
        self.tell(step, &Event::begins(step))
    }

    pub(super) fn tell(&mut self, step: Step, event: &Event) -> Result<()> {
        match self.prompter.tell(event) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(FlowError::Stopped { step: step.into() }),
        }
    }
}
