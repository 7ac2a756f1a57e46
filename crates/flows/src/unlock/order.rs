//! Step 2: the phone that is bound to the certificate confirms; the order stands from here on.

use ycd_pki::unlock::UnlockRequest;
use ycd_portal_api::{
    ApiError, Client,
    wire::{
        Bytes,
        login::CodeSent,
        orders::PublicStatus,
        unlock::{OpenUnlock, TokenInHand, UnlockForm, UnlockGrant, UnlockOrder},
    },
};
use ycd_token::TokenInfo;
use zeroize::Zeroizing;

use super::{
    Found, Grant, Kept, Outcome, Step, Unlock, UnlockError, UnlockEvent, error::Result, find::in_hand,
    session_is_over,
};
use crate::session::{
    error::FlowError,
    passes::Pass,
    prompts::{CodeAnswer, CodeWanted},
};

impl Unlock<'_> {
    /// Step 2. The order with a session for it: the one at hand, or, after an SMS, the token's open one or a new one.
    /// `None` where the session at hand is over.
    pub(super) fn order(&mut self, kept: &mut Kept, found: &Found) -> Result<Option<(UnlockOrder, Client)>> {
        self.begins(Step::Confirm, Some(found.method))?;
        let Some(Grant { order, ticket, .. }) = &kept.grant else {
            return self.open_order(kept, found).map(Some);
        };
        let (order, portal) = (order.clone(), self.portal.with_session(ticket.clone()));
        match self.at_portal(Step::Confirm, |portal| portal.unlock_order(&order), Some(&portal)) {
            Ok(order) => Ok(Some((order, portal))),
            Err(error) if session_is_over(&error) => {
                kept.grant = None;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Step 2. What an order that is not to be worked on ends with.
    pub(super) fn has_ended(
        &mut self,
        token: &TokenInfo,
        order: &UnlockOrder,
    ) -> Result<Option<Pass<Outcome>>> {
        match order.state {
            PublicStatus::AwaitingUnlock => Ok(None),
            PublicStatus::AwaitingReview => Ok(Some(Pass::Ended(Outcome::AwaitsApproval {
                order: order.no.clone(),
                token: token.token_id.clone(),
            }))),
            PublicStatus::Completed => self.finish(token, &order.no).map(Some),
            PublicStatus::Rejected => {
                self.journal.unlock_done(&self.trust.name, &token.token_id, self.clock.now())?;
                Err(UnlockError::Rejected { reason: order.reject_reason.clone().unwrap_or_default() })
            }
            state => {
                // What cannot come back is no unfinished work.
                self.journal.unlock_done(&self.trust.name, &token.token_id, self.clock.now())?;
                Err(UnlockError::Over { state })
            }
        }
    }

    /// Step 2. The token's open order, taken up, or a new one.
    fn open_order(&mut self, kept: &mut Kept, found: &Found) -> Result<(UnlockOrder, Client)> {
        let (grant, step_up) = self.confirm_by_sms(found)?;
        let portal = self.portal.with_session(grant.ticket.clone());
        kept.grant = Some(Grant { order: grant.order.no.clone(), ticket: grant.ticket.clone(), step_up });
        self.journal.unlock_opened(
            &self.trust.name,
            &grant.order.no,
            &found.token.token_id,
            self.clock.now(),
        )?;
        let opened = UnlockEvent::Opened {
            order: grant.order.no.clone(),
            taken_up: found.offer.open_order.is_some(),
            state: grant.order.state,
        };
        self.tell(Step::Confirm, &opened)?;
        Ok((grant.order, portal))
    }

    /// Step 2. The portal's grant, with the step-up that was made here for it.
    fn confirm_by_sms(&mut self, found: &Found) -> Result<(UnlockGrant, Zeroizing<String>)> {
        let in_hand = in_hand(&found.token, &found.certificate);
        let offer = &found.offer;
        let approval = offer.approval && offer.open_order.is_none();
        let Some(form) = self.prompter.before_code(&found.token, &offer.phone, approval) else {
            return Err(UnlockError::Stopped { step: Step::Confirm });
        };
        let portal_error = |source| UnlockError::Portal { step: Step::Confirm, source };
        let mut wanted = CodeWanted::first(self.send_code(&in_hand)?, &offer.phone).map_err(portal_error)?;
        loop {
            let code = match self.prompter.sms_code(&wanted.sent, wanted.refused.as_ref()) {
                CodeAnswer::Code(code) => code,
                CodeAnswer::SendAgain => {
                    let sent = self.send_code(&in_hand)?;
                    wanted.again(sent).map_err(portal_error)?;
                    continue;
                }
                CodeAnswer::Stop => {
                    let stopped = UnlockError::Stopped { step: Step::Confirm };
                    return Err(wanted.refused.map_or(stopped, portal_error));
                }
            };
            let (open, step_up) = self.unlock_request(found, &code, form.clone())?;
            match self.at_portal(Step::Confirm, |portal| portal.open_unlock(&open), None) {
                Ok(grant) => return Ok((grant, step_up)),
                Err(UnlockError::Portal { source, .. }) => wanted.refuse(source).map_err(portal_error)?,
                Err(error) => return Err(error),
            }
        }
    }

    /// Step 2. Neither the code nor what it gives stands in the clear, not even inside TLS.
    fn unlock_request(
        &self,
        found: &Found,
        code: &str,
        form: UnlockForm,
    ) -> Result<(OpenUnlock, Zeroizing<String>)> {
        let unlock_request =
            UnlockRequest::new(found.token.token_id.as_str(), code).map_err(FlowError::from)?;
        let open = OpenUnlock {
            token_id: found.token.token_id.to_string(),
            certificate: Bytes(found.certificate.der().to_vec()),
            sealed: Bytes(unlock_request.seal(&self.trust.sealing_key).map_err(FlowError::from)?),
            locked: found.token.pin.retry_counter.is_locked(),
            order: self.options.order.clone(),
            form,
        };
        Ok((open, unlock_request.step_up))
    }

    /// Step 2. A refusal by the portal is for the caller to weigh.
    fn send_code(&mut self, in_hand: &TokenInHand) -> Result<Result<CodeSent, ApiError>> {
        match self.at_portal(Step::Confirm, |portal| portal.unlock_code(in_hand), None) {
            Ok(sent) => Ok(Ok(sent)),
            Err(UnlockError::Portal { source, .. }) => Ok(Err(source)),
            Err(error) => Err(error),
        }
    }
}
