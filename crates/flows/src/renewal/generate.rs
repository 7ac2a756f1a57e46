//! Steps 2 and 3: portal and token decide where the work goes on; a new key pair where none is there yet. Step 11.

use std::ops::ControlFlow;
use ycd_pki::{authorization::Authorization, cert::CertificateInfo, sm3::sm3};
use ycd_portal_api::wire::{
    attempts::{Abandon, AttemptView, Mode, NoncePurpose, Replace},
    login::Purpose,
    orders::FixMode,
};
use ycd_token::{CkaId, ContainerHandle, Contents, Spki, TokenError, TokenInfo};

use super::{Event, Next, Renewal, Renewed, Step, check, has_pair, reconcile};
use crate::session::{
    bytes::array,
    error::{FlowError, OperatorReason, Result},
    passes::{Pass, start_again},
};

/// Where the work goes on.
pub(super) struct Signing {
    /// The new key.
    pub signer: Spki,
    /// The portal has issued its certificate already.
    pub is_issued: bool,
}

/// What a step answers that may end the pass.
type Flow<T> = Result<ControlFlow<Pass<Renewed>, T>>;

fn again<T>(because: &str) -> Flow<T> {
    start_again(because).map(ControlFlow::Break)
}

impl Renewal<'_> {
    /// Step 2. Portal and token decide where the work goes on.
    pub(super) fn reconcile_and_generate(
        &mut self,
        token: &TokenInfo,
        view: &AttemptView,
        contents: &Contents,
    ) -> Flow<Signing> {
        let (signer, is_issued) = match reconcile(view, contents) {
            Next::Destroy(container) => {
                self.clear(token, &container)?;
                return again(
                    "a pair of an attempt that was given up, or an orphaned pair, was cleared away",
                );
            }
            Next::AgreeToReplace => {
                self.agree_to_replace(token, view)?;
                return again("the old key agreed to be replaced");
            }
            Next::Generate => match self.generate(token, view, contents)? {
                ControlFlow::Continue(spki) => (spki, false),
                ControlFlow::Break(pass) => return Ok(ControlFlow::Break(pass)),
            },
            Next::Sign(spki) => {
                self.tell(Step::Sign, &Event::TakenUp { after: Step::Generate })?;
                (spki, false)
            }
            Next::Write(spki) => {
                self.tell(Step::Write, &Event::TakenUp { after: Step::Issue })?;
                (spki, true)
            }
            Next::RemoveSuperseded(spki) => {
                self.remove_superseded(token, view, contents, &spki)?;
                return self.finish(token, view).map(ControlFlow::Break);
            }
            Next::GiveUp => {
                self.give_up(token, contents, view)?;
                return again("the pair of the last attempt is gone; the attempt was given up");
            }
            Next::Operator(reason) => return Err(FlowError::OperatorNeeded { reason }),
            Next::Over => {
                return Err(FlowError::OrderNotReady { state: view.public_status.name().to_owned() });
            }
        };
        Ok(ControlFlow::Continue(Signing { signer, is_issued }))
    }

    /// Step 3. A new key pair with the attempt's CKA_ID, so that it is known again after a cut in the middle.
    fn generate(&mut self, token: &TokenInfo, view: &AttemptView, contents: &Contents) -> Flow<Spki> {
        self.begins(Step::Generate)?;
        let cka_id = CkaId(array(&view.cka_id)?);
        let old = Spki(check::public_key(&view.old_certificate.0)?);
        let spki = match self.tokens.generate(&token.token_id, &cka_id) {
            // A token that does not tell its free capacity beforehand.
            Err(TokenError::NoFreeCapacity)
                if view.mode != Mode::SameKeyPair && !view.replace_agreed && has_pair(contents, &old) =>
            {
                self.agree_to_replace(token, view)?;
                return again("the token has no free capacity, and the old key agreed to be replaced");
            }
            Err(TokenError::NoFreeCapacity) if view.mode == Mode::Replace && has_pair(contents, &old) => {
                self.clear(token, &ContainerHandle::PublicKey(old))?;
                return again("the token has no free capacity, and the old pair made some");
            }
            outcome => self.after(Step::Generate, outcome)?,
        };
        self.record(token, view, Step::Generate)?;
        Ok(ControlFlow::Continue(spki))
    }

    /// Steps 2 and 3. What is in the way goes; the pass starts again after it.
    fn clear(&mut self, token: &TokenInfo, container: &ContainerHandle) -> Result<()> {
        self.begins(Step::Clear)?;
        self.on_token(Step::Clear, |tokens| tokens.destroy(&token.token_id, container))
    }

    /// Mode *replace*, 4: only with the person's yes, and after the old key has said so to the portal.
    fn agree_to_replace(&mut self, token: &TokenInfo, view: &AttemptView) -> Result<()> {
        let old_der = &view.old_certificate.0;
        let old = check::parse(old_der)?;
        let info = CertificateInfo::of(&old, view.portal_time.0);
        if !self.prompter.agree_to_replace(token, &info) {
            return Err(FlowError::Stopped { step: Step::Clear.into() });
        }
        if view.mode == Mode::SideBySide {
            let fixed = FixMode { token_id: token.token_id.to_string(), mode: Mode::Replace, consent: true };
            self.portal.fix_mode(&view.order, &fixed).map_err(FlowError::of_portal(Step::Clear))?;
        }
        let nonce = self.nonce(Step::Clear, view, NoncePurpose::Replace)?;
        let authorization = Authorization::Replace {
            portal: view.portal.clone(),
            order: view.order.clone(),
            token_id: token.token_id.to_string(),
            old_certificate: sm3(old_der),
            nonce,
        };
        let authorization =
            self.sign(Step::Clear, token, &Spki(old.spki_der().to_vec()), &authorization, nonce)?;
        self.portal
            .replace(&view.order, &Replace { authorization })
            .map_err(FlowError::of_portal(Step::Clear))?;
        Ok(())
    }

    /// Step 11. With the old key's word where it is in hand.
    pub(super) fn give_up(
        &mut self,
        token: &TokenInfo,
        contents: &Contents,
        view: &AttemptView,
    ) -> Result<AttemptView> {
        self.begins(Step::GiveUp)?;
        let step_up = self.step_up(Step::GiveUp, view, Purpose::Abandon)?;
        let old = Spki(check::public_key(&view.old_certificate.0)?);
        let authorization = if has_pair(contents, &old) {
            let nonce = self.nonce(Step::GiveUp, view, NoncePurpose::Abandon)?;
            let authorization = Authorization::Abandon {
                portal: view.portal.clone(),
                order: view.order.clone(),
                attempt: view.attempt,
                token_id: token.token_id.to_string(),
                nonce,
            };
            Some(self.sign(Step::GiveUp, token, &old, &authorization, nonce)?)
        } else {
            None
        };
        let next = self
            .portal
            .abandon(&view.order, view.attempt, &Abandon { step_up, authorization })
            .map_err(FlowError::of_portal(Step::GiveUp))?;
        if next.attempt == view.attempt {
            return Err(FlowError::OperatorNeeded { reason: OperatorReason::AttemptsExhausted });
        }
        Ok(next)
    }
}
